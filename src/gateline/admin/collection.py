"""One kind of entities as the Admin API reads and writes it: by id or endpoint key, with Kong's meaning of POST, PUT,
PATCH and DELETE. What is special about a kind is a subclass, in a module of its own.

Nothing here knows requests: `entities` makes paths of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams

from gateline.admin.documentation import Parameter
from gateline.admin.errors import invalid_primary_key, invalid_unique, missing_entity, not_found
from gateline.admin.references import resolved
from gateline.admin.writing import Write
from gateline.entities import Entity, schema_of
from gateline.entities.checkers import Refused
from gateline.entities.formats import is_uuid
from gateline.store import Where
from gateline.store.interface import Reading

Data = dict[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Address:
    """What names an entity in a path: its id, or the value of its endpoint key."""

    field: str
    value: str

    @property
    def by(self) -> str | None:
        """The field, unless it is the id."""
        return None if self.field == "id" else self.field


class Collection:
    """The entities of one kind."""

    newest_first = False
    """Whether lists begin with what was made last; else they are in order of ids."""
    filters: tuple[Parameter, ...] = ()
    """Further arguments of the flat list."""

    def __init__(self, model: type[Entity], flavor: str) -> None:
        self.model = model
        self.kind = model.kind
        self.flavor = flavor

    # Reading.

    async def address(self, reading: Reading, segment: str) -> Address:  # noqa: ARG002 - some kinds have to look
        """What a segment of a flat path names. Raises EntityError when it cannot name anything."""
        return self._address(segment, self.model.endpoint_key)

    async def place(self, reading: Reading, segment: str) -> Address:
        """What a segment of a flat path names where something is about to be put. Raises as `address`."""
        return await self.address(reading, segment)

    def address_below(self, segment: str) -> Address:
        """What a segment of a path below a parent names. Raises as `address`."""
        return self._address(segment, self.model.nested_key)

    def _address(self, segment: str, key: str | None) -> Address:
        if is_uuid(segment):
            return Address("id", segment.lower())
        if key is None:
            raise invalid_primary_key()
        try:
            return Address(key, schema_of(self.model, self.flavor).fields[key].check(segment))
        except Refused as refused:
            raise invalid_unique(key, str(refused.error)) from None

    async def find(self, reading: Reading, address: Address, where: Where | None = None) -> Entity | None:
        """The entity at an address; with `where`, only if it is under that parent."""
        if address.field == "id":
            found = await reading.get(self.kind, address.value)
            return found if found is None or where is None or _is_under(found, where) else None
        return await reading.find(self.kind, address.field, address.value, where=where or {})

    async def at(self, reading: Reading, segment: str, where: Where | None = None) -> Entity | None:
        """The entity that a segment of a path names."""
        return await self.find(reading, await self.address(reading, segment), where)

    async def existing(self, reading: Reading, segment: str) -> Entity:
        """The entity that a segment of a path names. Raises ApiError or EntityError when there is none."""
        address = await self.address(reading, segment)
        entity = await self.find(reading, address)
        if entity is None:
            raise self.absent(address)
        return entity

    async def searched(self, reading: Reading, query: QueryParams) -> list[Entity] | None:  # noqa: ARG002 - as `address`
        """The entities that arguments of the flat list ask for by a unique value; None when they do not."""
        return None

    async def rows(self, reading: Reading, entities: Sequence[Entity]) -> list[Row]:  # noqa: ARG002 - as `address`
        """Entities as they are shown."""
        return [entity.shown() for entity in entities]

    async def row(self, reading: Reading, entity: Entity) -> Row:
        """An entity as it is shown."""
        return (await self.rows(reading, (entity,)))[0]

    # Writing.

    async def create(self, write: Write, data: Data) -> Entity:
        """Add an entity. Raises EntityError."""
        entity = await self._parsed(write.reading, data)
        await write.insert(entity)
        return entity

    async def put(self, write: Write, address: Address, data: Data, where: Where | None = None) -> Entity:
        """Put an entity at an address, in the place of what is there; its id and the time it was made stay.

        With `where`, addresses count within that parent where the endpoint key is unique only there.
        Raises EntityError, ApiError.
        """
        before = await self.find(write.reading, address, self._scope(address, where))
        await self._check(write, before)
        entity = await self._parsed(write.reading, {**data, address.field: address.value}, before)
        await write.put(entity, address.by, new=before is None)
        return entity

    async def patch(self, write: Write, address: Address, data: Data, where: Where | None = None) -> Entity:
        """Change fields of the entity at an address. Raises EntityError, ApiError."""
        before = await self.find(write.reading, address, self._scope(address, where))
        await self._check(write, before)
        if before is None:
            raise self.unpatchable(address)
        given = await resolved(write.reading, self.kind, data)
        entity = self.model.patched(before.to_wire(), given, router_flavor=self.flavor)
        await self.refuse(write.reading, entity)
        await write.replace(entity, address.by)
        return entity

    async def delete(self, write: Write, address: Address, where: Where | None = None) -> bool:
        """Delete the entity at an address; whether there was one. Raises EntityError, ApiError."""
        before = await self.find(write.reading, address, where)
        await self._check(write, before)
        if before is None:
            return False
        await write.delete(before, address.by)
        return True

    async def refuse(self, reading: Reading, entity: Entity) -> None:
        """Raise EntityError when an entity does not go with others. Most kinds have no such rule."""

    def absent(self, address: Address) -> Exception:  # noqa: ARG002 - as `address`
        """What is said when there is nothing to be read."""
        return not_found()

    def unpatchable(self, address: Address) -> Exception:
        """What is said when there is nothing to be changed."""
        return missing_entity(address.field, address.value)

    async def _parsed(self, reading: Reading, data: Mapping[str, Any], before: Entity | None = None) -> Entity:
        given = await resolved(reading, self.kind, data)
        if before is None:
            entity = self.model.parse(given, router_flavor=self.flavor)
        else:
            entity = self.model.replaced(before.to_wire(), given, router_flavor=self.flavor)
        await self.refuse(reading, entity)
        return entity

    async def _check(self, write: Write, before: Entity | None) -> None:
        if write.conditional:
            write.check(None if before is None else await self.row(write.reading, before))

    def _scope(self, address: Address, where: Where | None) -> Where | None:
        """Where an address counts when something is put there: everywhere, if its field is unique everywhere."""
        unique = address.field == "id" or schema_of(self.model, self.flavor).fields[address.field].unique
        return None if unique else where


def _is_under(entity: Entity, where: Where) -> bool:
    references = ((getattr(entity, field), parent) for field, parent in where.items())
    return all(reference is not None and reference.id == parent for reference, parent in references)
