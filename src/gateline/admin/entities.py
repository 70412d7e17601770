"""The paths of entities, generated from the registry: each kind flat, each under what it points to, and what it points
to under each.

    /routes                                  GET POST
    /routes/{routes}                         GET PUT PATCH DELETE
    /routes/{routes}/service                 GET PUT PATCH (DELETE says that it does not do that)
    /services/{services}/routes              GET POST
    /services/{services}/routes/{routes}     GET PUT PATCH DELETE
"""

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from gateline.admin import body
from gateline.admin import documentation as doc
from gateline.admin.collection import Address, Collection, Data, Row
from gateline.admin.conditions import entity_tag
from gateline.admin.documentation import Operation
from gateline.admin.errors import method_not_allowed, not_found
from gateline.admin.node import Node
from gateline.admin.paging import Position, page_body, tag_filter
from gateline.admin.routing import Resource, json_answer
from gateline.admin.writing import Write, writing
from gateline.entities import Entity, EntityError, foreign_fields, schema_of
from gateline.store import Page, Where
from gateline.store.interface import Reading

NOT_REACHED = frozenset({("snis", "certificate")})
"""Kind and field of references that Kong does not serve."""


class Endpoints:
    """Makes the paths of kinds."""

    def __init__(self, node: Node, collections: Mapping[str, Collection]) -> None:
        self._node = node
        self._collections = collections
        self._limit = node.settings.nginx_admin_client_max_body_size

    def flat(self, kind: str) -> list[Resource]:
        """`/routes` and `/routes/{routes}`, and `/routes/{routes}/service` for what the kind points to."""
        of = self._collections[kind]
        path = f"/{of.model.flat_path}"
        item = f"{path}/{{{kind}}}"
        resources = [self._list(path, of), self._item(item, of)]
        for foreign in foreign_fields(kind):
            target = self._collections.get(foreign.to.kind)
            if target is not None and (kind, foreign.field) not in NOT_REACHED:
                resources.append(self._pointed_to(f"{item}/{foreign.field}", of, foreign.field, target))
        return resources

    def nested(self, kind: str) -> list[Resource]:
        """`/services/{services}/routes` and `/services/{services}/routes/{routes}` for all that the kind points to."""
        of = self._collections[kind]
        resources = []
        for foreign in foreign_fields(kind):
            parent = self._collections.get(foreign.to.kind)
            if parent is None or parent.model.flat_path is None:
                continue
            path = f"/{parent.model.flat_path}/{{{parent.kind}}}/{of.model.nested_path}"
            resources.append(self._nested_list(path, parent, of, foreign.field))
            resources.append(self._nested_item(f"{path}/{{{kind}}}", parent, of, foreign.field))
        return resources

    # What the operations share.

    async def data(self, request: Request, of: Collection) -> Data:
        """The data of an entity in a request's body."""
        return await body.entity_data(request, self._limit, schema_of(of.model, of.flavor))

    async def page(self, request: Request, of: Collection, where: Where | None = None) -> Page:
        """The page of entities that a request asks for; below a parent, tags are not looked at."""
        position = Position.of(request)
        tags = tag_filter(request) if where is None else None
        try:
            return await self._node.store.page(
                of.kind,
                size=position.size,
                after=position.after,
                where=where or {},
                tags=tags,
                descending=of.newest_first,
            )
        except EntityError as error:
            raise position.refused(error) from None

    async def parent(self, reading: Reading, request: Request, of: Collection) -> Entity:
        """The parent that a path names. Raises ApiError 404."""
        return found(await of.at(reading, request.path_params[of.kind]))

    # Flat.

    def _list(self, path: str, of: Collection) -> Resource:
        async def get(request: Request) -> Row:
            store = self._node.store
            page = await self.page(request, of)
            searched = await of.searched(store, request.query_params)
            if searched is not None:
                page = Page(searched, None)
            return page_body(path, await of.rows(self._node.store, page.entities), page.after, request)

        async def post(request: Request) -> Response:
            data = await self.data(request, of)
            async with writing(self._node, request) as write:
                row = await of.row(write.reading, await of.create(write, data))
            return shown(row, 201)

        return Resource(path, get=listing(get, of), post=creation(post, of))

    def _item(self, path: str, of: Collection) -> Resource:
        async def get(request: Request) -> Response:
            store = self._node.store
            return shown(await of.row(store, await of.existing(store, request.path_params[of.kind])))

        async def put(request: Request) -> Response:
            data = await self.data(request, of)
            async with writing(self._node, request) as write:
                address = await of.place(write.reading, request.path_params[of.kind])
                row = await of.row(write.reading, await of.put(write, address, data))
            return shown(row)

        async def patch(request: Request) -> Response:
            data = await self.data(request, of)
            async with writing(self._node, request) as write:
                address = await of.address(write.reading, request.path_params[of.kind])
                row = await of.row(write.reading, await of.patch(write, address, data))
            return shown(row)

        async def delete(request: Request) -> Response:
            async with writing(self._node, request) as write:
                address = await of.address(write.reading, request.path_params[of.kind])
                await of.delete(write, address)
            return Response(status_code=204)

        return item(path, of, get, put, patch, delete, given=tuple(filter(None, (of.model.endpoint_key,))))

    # Under what the kind points to.

    def _nested_list(self, path: str, parent: Collection, of: Collection, field: str) -> Resource:
        async def get(request: Request) -> Row:
            above = await self.parent(self._node.store, request, parent)
            page = await self.page(request, of, {field: above.id})
            rows = await of.rows(self._node.store, page.entities)
            return page_body(filled(path, request), rows, page.after, request, ("size",))

        async def post(request: Request) -> Response:
            data = await self.data(request, of)
            async with writing(self._node, request) as write:
                above = await self.parent(write.reading, request, parent)
                entity = await of.create(write, {**data, field: {"id": above.id}})
                row = await of.row(write.reading, entity)
            return shown(row, 201)

        return Resource(path, get=listing(get, of, tags=False), post=creation(post, of, parent, field))

    def _nested_item(self, path: str, parent: Collection, of: Collection, field: str) -> Resource:
        async def named(reading: Reading, request: Request) -> tuple[Where, Address]:
            above = await self.parent(reading, request, parent)
            return {field: above.id}, of.address_below(request.path_params[of.kind])

        async def get(request: Request) -> Response:
            store = self._node.store
            where, address = await named(store, request)
            return shown(await of.row(store, found(await of.find(store, address, where))))

        async def put(request: Request) -> Response:
            data = await self.data(request, of)
            async with writing(self._node, request) as write:
                where, address = await named(write.reading, request)
                entity = await of.put(write, address, {**data, field: {"id": where[field]}}, where)
                row = await of.row(write.reading, entity)
            return shown(row)

        async def patch(request: Request) -> Response:
            data = await self.data(request, of)
            async with writing(self._node, request) as write:
                where, address = await named(write.reading, request)
                before = found(await of.find(write.reading, address, where))
                row = await of.row(write.reading, await of.patch(write, Address("id", before.id), data))
            return shown(row)

        async def delete(request: Request) -> Response:
            async with writing(self._node, request) as write:
                where, address = await named(write.reading, request)
                if not await of.delete(write, address, where):
                    raise not_found()
            return Response(status_code=204)

        return item(path, of, get, put, patch, delete, given=(*filter(None, (of.model.nested_key,)), field))

    # What the kind points to.

    def _pointed_to(self, path: str, of: Collection, field: str, target: Collection) -> Resource:
        async def address(reading: Reading, request: Request) -> Address:
            entity = found(await of.at(reading, request.path_params[of.kind]))
            reference = getattr(entity, field)
            if reference is None:
                raise not_found()
            return Address("id", reference.id)

        async def get(request: Request) -> Response:
            store = self._node.store
            return shown(await target.row(store, found(await target.find(store, await address(store, request)))))

        async def put(request: Request) -> Response:
            data = await self.data(request, target)
            async with writing(self._node, request) as write:
                row = await target.row(
                    write.reading, await self._put_pointed_to(write, request, of, field, target, data)
                )
            return shown(row)

        async def patch(request: Request) -> Response:
            data = await self.data(request, target)
            async with writing(self._node, request) as write:
                entity = await target.patch(write, await address(write.reading, request), data)
                row = await target.row(write.reading, entity)
            return shown(row)

        async def delete(request: Request) -> Response:
            await address(self._node.store, request)
            raise method_not_allowed("GET, HEAD, OPTIONS, PATCH, PUT")

        return item(path, target, get, put, patch, delete, deletes=False)

    async def _put_pointed_to(
        self, write: Write, request: Request, of: Collection, field: str, target: Collection, data: Data
    ) -> Entity:
        """Put what an entity points to; when it points to nothing, make something for it to point to."""
        entity = found(await of.at(write.reading, request.path_params[of.kind]))
        reference = getattr(entity, field)
        if reference is not None:
            return await target.put(write, Address("id", reference.id), data)
        made = await target.put(write, Address("id", str(uuid.uuid4())), data)
        await of.patch(write.unconditional(), Address("id", entity.id), {field: {"id": made.id}})
        return made


def shown(row: Row, status: int = 200) -> Response:
    """The answer with one entity."""
    return json_answer(row, status, {"ETag": entity_tag(row)})


def found(entity: Entity | None) -> Entity:
    """The entity. Raises ApiError 404 when there is none."""
    if entity is None:
        raise not_found()
    return entity


def filled(path: str, request: Request) -> str:
    """A path with the parameters of a request in it."""
    for name, value in request.path_params.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path


# Descriptions.


def listing(handler: doc.Handler, of: Collection, *, tags: bool = True) -> Operation:
    """GET of a list."""
    has_tags = tags and "tags" in of.model.model_fields
    arguments = (doc.SIZE, doc.OFFSET, *((doc.TAGS,) if has_tags else ()), *(of.filters if tags else ()))
    answers: dict[int, Any] = {200: doc.page(doc.entity(of.kind)), 400: doc.ERROR, 404: doc.ERROR}
    if tags:
        del answers[404]
    return Operation(handler, f"List {of.kind}", answers, arguments)


def creation(
    handler: doc.Handler, of: Collection, parent: Collection | None = None, field: str | None = None
) -> Operation:
    """POST to a list."""
    refused: dict[int, Any] = {400: doc.ERROR, 405: doc.ERROR, 409: doc.ERROR, **doc.NOT_IN_FORCE}
    answers = {201: doc.entity(of.kind), **refused}
    if parent is not None:
        answers[404] = doc.ERROR
    under = f" for one of {parent.kind}" if parent else ""
    return Operation(
        handler,
        f"Make one of {of.kind}{under}",
        answers,
        takes=doc.new(of.kind, *filter(None, (field,))),
        makes=of.kind,
    )


def item(
    path: str,
    of: Collection,
    get: doc.Handler,
    put: doc.Handler,
    patch: doc.Handler,
    delete: doc.Handler,
    *,
    given: tuple[str, ...] = (),
    deletes: bool = True,
) -> Resource:
    """The path of one entity; `given` are the fields of a new one that the path gives."""
    one = f"one of {of.kind}"
    entity = doc.entity(of.kind)
    refused: dict[int, Any] = {400: doc.ERROR, 404: doc.ERROR}
    refused_write = {**refused, 405: doc.ERROR, 409: doc.ERROR, 412: doc.MESSAGE, **doc.NOT_IN_FORCE}
    gone = {204: doc.NOTHING, **refused, 405: doc.ERROR, 412: doc.MESSAGE, **doc.NOT_IN_FORCE}
    cannot = {404: doc.ERROR, 400: doc.ERROR, 405: doc.MESSAGE}
    return Resource(
        path,
        get=Operation(get, f"Read {one}", {200: entity, **refused}),
        put=Operation(
            put, f"Put {one}", {200: entity, **refused_write}, takes=doc.new(of.kind, *given), conditional=True
        ),
        patch=Operation(
            patch, f"Change {one}", {200: entity, **refused_write}, takes=doc.change(of.kind), conditional=True
        ),
        delete=Operation(delete, f"Delete {one}", gone if deletes else cannot, conditional=deletes),
    )
