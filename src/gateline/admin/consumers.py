"""Consumers by their custom id, and consumer groups with their members: which consumer is in which group.

A membership is an entity of its own in the store; here it is the presence of a consumer in a group's list, and of a
group in a consumer's.
"""

from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from gateline.admin import body
from gateline.admin import documentation as doc
from gateline.admin.collection import Collection, Row
from gateline.admin.documentation import Operation, Parameter
from gateline.admin.entities import Endpoints, filled, found
from gateline.admin.errors import not_found, refusal
from gateline.admin.node import Node
from gateline.admin.paging import every, page_body
from gateline.admin.routing import Resource, json_answer
from gateline.admin.writing import Write, writing
from gateline.entities import ConsumerGroupMember, Entity, EntityError
from gateline.entities.errors import REQUIRED
from gateline.entities.violations import Violations
from gateline.store.interface import Reading


class Consumers(Collection):
    """The consumers."""

    filters = (Parameter("custom_id", "Only the consumer with this custom id."),)

    async def searched(self, reading: Reading, query: QueryParams) -> list[Entity] | None:
        """The consumer with a custom id. Raises ApiError."""
        custom_id = query.get("custom_id")
        if custom_id is None:
            return None
        if not custom_id:
            raise refusal(400, "custom_id must be an unempty string")
        consumer = await reading.find(self.kind, "custom_id", custom_id)
        return [consumer] if consumer else []


@dataclass(frozen=True, slots=True)
class Side:
    """One side of memberships: the kind, the field of a membership that points to it, how a body names one."""

    of: Collection
    field: str
    argument: str
    path: str


def resources(node: Node, endpoints: Endpoints, consumers: Collection, groups: Collection) -> list[Resource]:
    """The paths of memberships, from both sides."""
    of_consumer = Side(consumers, "consumer", "consumer", "consumers")
    of_group = Side(groups, "consumer_group", "group", "consumer_groups")
    memberships = _Memberships(node, endpoints)
    return [
        *memberships.resources(above=of_group, below=of_consumer),
        *memberships.resources(above=of_consumer, below=of_group),
    ]


class _Memberships:
    def __init__(self, node: Node, endpoints: Endpoints) -> None:
        self._node = node
        self._endpoints = endpoints
        self._limit = node.settings.nginx_admin_client_max_body_size

    def resources(self, above: Side, below: Side) -> list[Resource]:
        """`/consumer_groups/{consumer_groups}/consumers` and one of them below it, or the other way round."""
        path = f"/{above.path}/{{{above.of.kind}}}/{below.path}"
        kind = below.of.kind
        missing = {400: doc.ERROR, 404: doc.ERROR}
        refused = {**missing, 405: doc.ERROR, **doc.NOT_IN_FORCE}
        made = {"type": "object", "required": [above.of.model.singular, below.path]}
        named = {"type": "object", "required": [below.argument], "properties": {below.argument: _NAMES}}
        return [
            Resource(
                path,
                get=Operation(
                    self._list(path, above, below),
                    f"List {kind} of one of {above.of.kind}",
                    {200: doc.page(doc.entity(kind)), **missing},
                    (doc.SIZE, doc.OFFSET),
                ),
                post=Operation(
                    self._add(above, below),
                    f"Add {kind} to one of {above.of.kind}",
                    {201: made, **refused, 409: doc.ERROR},
                    takes=named,
                ),
                delete=Operation(
                    self._remove_all(above),
                    f"Take one of {above.of.kind} apart from all {kind}",
                    {204: doc.NOTHING, **refused},
                ),
            ),
            Resource(
                f"{path}/{{{kind}}}",
                get=Operation(self._get(above, below), f"Read one of {kind}", {200: doc.entity(kind), **missing}),
                delete=Operation(self._remove(above, below), f"Take one of {kind} out", {204: doc.NOTHING, **refused}),
            ),
        ]

    def _list(self, path: str, above: Side, below: Side) -> doc.Handler:
        async def get(request: Request) -> Row:
            store = self._node.store
            parent = await self._endpoints.parent(store, request, above.of)
            page = await self._endpoints.page(request, _MEMBERS, {above.field: parent.id})
            entities = [await store.get(below.of.kind, getattr(member, below.field).id) for member in page.entities]
            rows = await below.of.rows(store, [entity for entity in entities if entity])
            return page_body(filled(path, request), rows, page.after, request, ("size",))

        return get

    def _add(self, above: Side, below: Side) -> doc.Handler:
        async def post(request: Request) -> Response:
            given, _ = await body.arguments(request, self._limit)
            names = _names(given, below.argument)
            async with writing(self._node, request) as write:
                parent = await self._endpoints.parent(write.reading, request, above.of)
                added = [await _existing(write.reading, below, name) for name in names]
                for entity in added:
                    member = {above.field: {"id": parent.id}, below.field: {"id": entity.id}}
                    await write.insert(ConsumerGroupMember.parse(member))
                answer = {
                    above.of.model.singular: await above.of.row(write.reading, parent),
                    below.path: await below.of.rows(write.reading, added),
                }
            return json_answer(answer, 201)

        return post

    def _get(self, above: Side, below: Side) -> doc.Handler:
        async def get(request: Request) -> Row:
            store = self._node.store
            parent = await self._endpoints.parent(store, request, above.of)
            entity, _ = await _member(store, request, parent, above, below)
            return await below.of.row(store, entity)

        return get

    def _remove(self, above: Side, below: Side) -> doc.Handler:
        async def delete(request: Request) -> Response:
            async with writing(self._node, request) as write:
                parent = await self._endpoints.parent(write.reading, request, above.of)
                _, member = await _member(write.reading, request, parent, above, below)
                await write.delete(member)
            return Response(status_code=204)

        return delete

    def _remove_all(self, above: Side) -> doc.Handler:
        async def delete(request: Request) -> Response:
            async with writing(self._node, request) as write:
                parent = await self._endpoints.parent(write.reading, request, above.of)
                await _delete_members(write, {above.field: parent.id})
            return Response(status_code=204)

        return delete


_NAMES = {"type": ["string", "array"], "items": {"type": "string", "minLength": 1}, "minLength": 1, "minItems": 1}
_MEMBERS = Collection(ConsumerGroupMember, "traditional_compatible")


def _names(given: dict[str, Any], argument: str) -> list[str]:
    """The ids or names in a body: one, or a list. Raises EntityError."""
    value = given.get(argument)
    names = value if isinstance(value, list) else [value]
    unknown = {name: "unknown field" for name in given if name != argument}
    if value is None or names == []:
        raise Violations({**unknown, argument: REQUIRED}).error()
    if unknown or not all(isinstance(name, str) and name for name in names):
        wrong = {} if all(isinstance(name, str) and name for name in names) else {argument: "expected a string"}
        raise Violations({**unknown, **wrong}).error()
    return list(dict.fromkeys(names))


async def _existing(reading: Reading, side: Side, name: str) -> Entity:
    try:
        return found(await side.of.at(reading, name))
    except EntityError:
        raise not_found() from None


async def _member(
    reading: Reading, request: Request, parent: Entity, above: Side, below: Side
) -> tuple[Entity, Entity]:
    """What a path names below a parent, and its membership. Raises ApiError 404."""
    entity = found(await below.of.at(reading, request.path_params[below.of.kind]))
    page = await reading.page(ConsumerGroupMember.kind, size=1, where={above.field: parent.id, below.field: entity.id})
    if not page.entities:
        raise not_found()
    return entity, page.entities[0]


async def _delete_members(write: Write, where: dict[str, str]) -> None:
    for member in [member async for member in every(write.reading, ConsumerGroupMember.kind, where)]:
        await write.delete(member)
