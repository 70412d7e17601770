"""How entities lie in a database: a table for each kind, derived from the registry, and the tables beside them.

The whole entity is in `body`, as JSON in its wire form. What is looked up or constrained has a column besides: unique
fields, the fields of each group that is unique together, the endpoint key, and the id behind each reference. A group
that is unique together has one more column, which holds its values as one text: so nulls count as equal, in every
database. Foreign keys do not cascade by themselves: a transaction deletes children, so that nothing vanishes
unrecorded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from gateline.entities import (
    Entity,
    Expiring,
    Reference,
    foreign_fields,
    kinds,
    listing_fields,
    schema_of,
    unique_fields,
)
from gateline.entities.sealing import PLAIN, Sealer, SealingError, digest_of
from gateline.store.errors import StoreUnavailable

PREFIX = "gateline_"
"""Of every table: another program's tables may be in the same schema, such as Kong's own."""
MIGRATIONS_TABLE = f"{PREFIX}migrations"

FLAVOR = "expressions"
"""The router flavour whose schema has every field."""

_ID = sa.Uuid(as_uuid=False).with_variant(sa.String(36), "sqlite")
_TAG = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_BODY = sa.JSON(none_as_null=True)
_TYPES: Mapping[str, Any] = {
    "string": sa.Text,
    "integer": sa.BigInteger,
    "number": sa.Double,
    "boolean": sa.Boolean,
}


@dataclass(frozen=True, slots=True)
class Foreign:
    """A reference: field → `column`, which holds the id of an entity of kind `parent`."""

    field: str
    column: str
    parent: str
    on_delete: Literal["restrict", "cascade", "null"]


@dataclass(frozen=True, slots=True)
class Together:
    """A group of fields that is unique together, and the column with their values as one text."""

    fields: tuple[str, ...]
    column: str


@dataclass(frozen=True, slots=True)
class KindTable:
    """The table of one kind."""

    kind: str
    model: type[Entity]
    table: sa.Table
    plain: tuple[str, ...]
    """Fields with a column of their own name."""
    unique: tuple[str, ...]
    """Fields of which no two entities have the same value."""
    foreign: Mapping[str, Foreign]
    together: tuple[Together, ...]
    tagged: bool
    sealer: Sealer = PLAIN

    @property
    def expires(self) -> bool:
        """Whether its entities may have an end."""
        return issubclass(self.model, Expiring)

    def entity(self, body: Mapping[str, Any]) -> Entity:
        """The entity that is kept as `body`. Raises StoreUnavailable when its secrets cannot be read."""
        return self.model.from_wire(self.opened(body))

    def opened(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The wire form of what is kept. Raises as `entity`."""
        if not self.model.secrets:
            return body
        try:
            return self.sealer.opened(self.kind, body, self.model.secrets)
        except SealingError as error:
            raise StoreUnavailable(str(error)) from error

    def kept(self, wire: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is kept of a wire form."""
        return self.sealer.sealed(self.kind, wire, self.model.secrets) if self.model.secrets else wire

    def column_value(self, field: str, value: Any) -> Any:
        """The value of a field in its own column: of a secret its digest."""
        return digest_of(self.kind, field, value).hex() if field in self.model.secrets and value is not None else value

    def column(self, field: str) -> "sa.Column[Any]":
        """The column of a stored field. Raises KeyError for one that is only in the body."""
        foreign = self.foreign.get(field)
        return self.table.c[foreign.column if foreign else field]

    def unique_columns(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """(column, fields) of everything that is unique, besides the id."""
        for field in self.unique:
            foreign = self.foreign.get(field)
            yield (foreign.column if foreign else field), (field,)
        for group in self.together:
            yield group.column, group.fields

    def row(self, entity: Entity, body: Mapping[str, Any]) -> dict[str, Any]:
        """The values of every column; `body` is the entity's wire form."""
        row = {
            "id": entity.id,
            "body": self.kept(body),
            "created_at": entity.created_at,
            "updated_at": entity.updated_at,
        }
        for name in self.plain:
            row[name] = self.column_value(name, body[name])
        for field, foreign in self.foreign.items():
            reference: Reference | None = getattr(entity, field)
            row[foreign.column] = reference.id if reference else None
        for group in self.together:
            row[group.column] = _as_text([_flat(body[name]) for name in group.fields])
        return row


class Tables:
    """The tables of kinds, parents first, and those beside them."""

    def __init__(self, models: Mapping[str, type[Entity]], sealer: Sealer = PLAIN) -> None:
        self.metadata = sa.MetaData()
        self.kinds: dict[str, KindTable] = {}
        for kind, model in models.items():
            self.kinds[kind] = _kind_table(kind, model, self.metadata, sealer)
        self.tags = _tags(self.metadata)
        self.changes = _changes(self.metadata)
        self.state = _state(self.metadata)
        self.metrics = _metrics(self.metadata)
        self._listing: dict[str, tuple[tuple[KindTable, str], ...]] = {}
        for child in self.kinds.values():
            for field, parent in listing_fields(child.kind):
                self._listing[parent] = (*self._listing.get(parent, ()), (child, field))
        self._children = {
            kind: tuple(
                (child, foreign)
                for child in self.kinds.values()
                for foreign in child.foreign.values()
                if foreign.parent == kind
            )
            for kind in self.kinds
        }

    def listing(self, kind: str) -> tuple[tuple[KindTable, str], ...]:
        """(table, field) of everything that lists ids of a kind."""
        return self._listing.get(kind, ())

    def of(self, kind: str) -> KindTable:
        """The table of a kind. Raises KeyError for one that does not exist."""
        return self.kinds[kind]

    def children(self, kind: str) -> tuple[tuple[KindTable, Foreign], ...]:
        """Everything that points to a kind."""
        return self._children[kind]


def present_tables(sealer: Sealer = PLAIN) -> Tables:
    """The tables of all kinds that the registry has now; secrets are kept as `sealer` does it."""
    return _tables_of(tuple(kinds().items()), sealer)


@lru_cache(maxsize=4)
def _tables_of(models: tuple[tuple[str, type[Entity]], ...], sealer: Sealer) -> Tables:
    return Tables(dict(models), sealer)


def table_name(kind: str) -> str:
    """The name of a kind's table."""
    return PREFIX + kind


def _as_text(values: list[Any]) -> str:
    return msgspec.json.encode(values).decode()


def _flat(value: Any) -> Any:
    return value["id"] if isinstance(value, dict) else value


def _kind_table(kind: str, model: type[Entity], metadata: sa.MetaData, sealer: Sealer) -> KindTable:
    fields = schema_of(model, FLAVOR).fields
    known = kinds()
    foreign = {
        declared.field: Foreign(declared.field, f"{declared.field}_id", declared.to.kind, declared.to.on_delete)
        for declared in foreign_fields(kind)
        if declared.to.kind in known  # a reference to a kind that does not exist cannot be filled
    }
    unique = unique_fields(kind)
    together = tuple(
        Together(names, "together" if number == 0 else f"together_{number + 1}")
        for number, names in enumerate(model.unique_together)
    )
    looked_up = [*unique, *((model.endpoint_key,) if model.endpoint_key else ()), *sum(model.unique_together, ())]
    if issubclass(model, Expiring):
        looked_up.append("expires_at")
    plain = tuple(name for name in dict.fromkeys(looked_up) if name not in foreign and name != "id")

    name = table_name(kind)
    table = sa.Table(
        name,
        metadata,
        sa.Column("id", _ID, nullable=False),
        *(sa.Column(field, _TYPES[fields[field].type]) for field in plain),
        *(sa.Column(reference.column, _ID) for reference in foreign.values()),
        *(sa.Column(group.column, sa.Text) for group in together),
        sa.Column("created_at", _TYPES[fields["created_at"].type], nullable=False),
        sa.Column("updated_at", _TYPES[fields["updated_at"].type], nullable=False),
        sa.Column("body", _BODY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"{name}_pk"),
    )
    described = KindTable(kind, model, table, plain, unique, foreign, together, "tags" in fields, sealer)
    for column, _ in described.unique_columns():
        table.append_constraint(sa.UniqueConstraint(column, name=f"{name}_{column}_unique"))
    for field in plain:
        if field not in unique:
            sa.Index(f"{name}_{field}", table.c[field])
    for reference in foreign.values():
        table.append_constraint(
            sa.ForeignKeyConstraint(
                [reference.column], [f"{table_name(reference.parent)}.id"], name=f"{name}_{reference.column}_exists"
            )
        )
        sa.Index(f"{name}_{reference.column}", table.c[reference.column], table.c.id)
    return described


def _tags(metadata: sa.MetaData) -> sa.Table:
    name = f"{PREFIX}entity_tags"
    table = sa.Table(
        name,
        metadata,
        sa.Column("tag", _TAG, nullable=False),
        sa.Column("kind", _TAG, nullable=False),
        sa.Column("entity_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("tag", "kind", "entity_id", name=f"{name}_pk"),
        sqlite_with_rowid=False,
    )
    sa.Index(f"{name}_entity", table.c.kind, table.c.entity_id)
    return table


def _changes(metadata: sa.MetaData) -> sa.Table:
    """What every transaction did: a row for each entity, numbered without gaps over all transactions."""
    name = f"{PREFIX}changes"
    table = sa.Table(
        name,
        metadata,
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("actor", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("entity_id", _ID, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("before", _BODY),
        sa.Column("after", _BODY),
        sa.PrimaryKeyConstraint("number", name=f"{name}_pk"),
    )
    sa.Index(f"{name}_version", table.c.version)
    return table


def _state(metadata: sa.MetaData) -> sa.Table:
    """One row: which store this is, how far its log of changes goes, and from where. Writers lock it."""
    name = f"{PREFIX}state"
    return sa.Table(
        name,
        metadata,
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("lineage", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("pruned_version", sa.BigInteger, nullable=False),
        sa.Column("pruned_number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"{name}_pk"),
    )


def _metrics(metadata: sa.MetaData) -> sa.Table:
    """Counters of requests: a row for each period of time of whoever is counted."""
    name = f"{PREFIX}ratelimiting_metrics"
    table = sa.Table(
        name,
        metadata,
        sa.Column("identifier", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("period_date", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("identifier", "period", "period_date", name=f"{name}_pk"),
        sqlite_with_rowid=False,
    )
    sa.Index(f"{name}_ends", table.c.ends)
    return table
