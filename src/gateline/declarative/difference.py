"""What changes when one configuration takes the place of another: entity by entity, field by field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateline.declarative.errors import MASK
from gateline.entities import Entity, Snapshot, kinds, schema_of
from gateline.entities.field_schema import FieldSchema
from gateline.entities.sealing import digest_of
from gateline.entities.wire import plain

_NOT_COMPARED = frozenset(("id", "created_at", "updated_at", "expires_at"))


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that changes; values as the wire form has them, records by their fields (`config.minute`)."""

    field: str
    before: Any
    after: Any
    secret: bool

    def shown(self) -> tuple[Any, Any]:
        """Before and after, for people: a secret is masked."""
        if not self.secret:
            return self.before, self.after
        return None if self.before is None else MASK, None if self.after is None else MASK


@dataclass(frozen=True, slots=True)
class Changed:
    """An entity of which some fields change. `after` was made when `before` was."""

    before: Entity
    after: Entity
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes. False when nothing does."""

    created: tuple[Entity, ...]
    """Parents before what points to them."""
    changed: tuple[Changed, ...]
    """Parents before what points to them."""
    deleted: tuple[Entity, ...]
    """What points to others before these."""

    def __bool__(self) -> bool:
        return bool(self.created or self.changed or self.deleted)


def difference(old: Snapshot, new: Snapshot) -> Difference:
    """What has to be done for the new configuration to take the place of the old one; entities are compared by id."""
    created: list[Entity] = []
    changed: list[Changed] = []
    deleted: list[Entity] = []
    for kind, model in kinds().items():
        before, after = old.kind(kind), new.kind(kind)
        for identity, entity in after.items():
            known = before.get(identity)
            if known is None:
                created.append(entity)
            elif fields := tuple(field_changes(known, entity)):
                changed.append(Changed(known, _made_when(known, entity), fields))
        if not model.passing:
            deleted.extend(entity for identity, entity in before.items() if identity not in after)
    return Difference(tuple(created), tuple(changed), tuple(reversed(deleted)))


def _made_when(before: Entity, after: Entity) -> Entity:
    """A changed entity with the time that it was made at, and with the end that it had, unless that changes."""
    kept: dict[str, Any] = {"created_at": before.created_at}
    if "expires_at" in after.__dict__ and after.__dict__["ttl"] == before.__dict__["ttl"]:
        kept["expires_at"] = before.__dict__["expires_at"]
    return type(after).built({**after.__dict__, **kept})


def field_changes(before: Entity, after: Entity) -> Iterator[FieldChange]:
    """The fields in which two states of an entity differ, timestamps left out."""
    schema = schema_of(type(after), "expressions")
    for name, value in after.__dict__.items():
        held = before.__dict__[name]
        if held != value and name not in _NOT_COMPARED and not _same_secret(after, name, held, value):
            yield from _changes(name, plain(held), plain(value), schema.field(name, after.__dict__))


def _same_secret(entity: Entity, name: str, held: Any, value: Any) -> bool:
    """Whether a secret that is hashed by now is the one that is wanted."""
    if name not in entity.secrets or not (isinstance(held, str) and isinstance(value, str)):
        return False
    return digest_of(entity.kind, name, held) == digest_of(entity.kind, name, value)


def _changes(name: str, before: Any, after: Any, field: FieldSchema | None) -> Iterator[FieldChange]:
    record = field.record if field else None
    if record and isinstance(before, Mapping) and isinstance(after, Mapping):
        for part in record.fields:
            if before.get(part) != after.get(part):
                yield from _changes(f"{name}.{part}", before.get(part), after.get(part), record.fields.get(part))
    else:
        yield FieldChange(name, before, after, secret=field is not None and field.holds_secret)
