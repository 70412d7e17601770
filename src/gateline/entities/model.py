"""What entities and records have in common: immutable pydantic models, cheaply built, written and read.

The wire form is Kong's Admin API layout as plain JSON data: every field, null where unset, references as `{"id": ...}`.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateline.entities.checks import Check
from gateline.entities.constraints import OnlyIn
from gateline.entities.fields import CreatedAt, Id, UpdatedAt
from gateline.entities.schema import DEFAULT_FLAVOR, FOREIGN_MODELS, Variant, marks_of, schema_of
from gateline.entities.wire import Convert, converters

_set = object.__setattr__
_FIELDS_SET: set[str] = set()
"""Shared by all instances: which fields were given is of no interest, and a set each would cost 200 bytes."""


class Record(BaseModel):
    """A group of fields inside an entity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checks: ClassVar[tuple[Check, ...]] = ()
    shorthands: ClassVar[Mapping[str, Callable[[str], dict[str, Any]]]] = {}
    """Write-only fields, each with the function that turns its text into other fields; these win over given ones."""

    _names: ClassVar[tuple[str, ...]] = ()
    _wire_defaults: ClassVar[dict[str, Any]] = {}
    _to_wire: ClassVar[tuple[tuple[str, Convert], ...]] = ()
    _from_wire: ClassVar[tuple[tuple[str, Convert], ...]] = ()
    _hidden: ClassVar[tuple[tuple[str, Any], ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        hints = get_type_hints(cls, include_extras=True)
        fields = cls.model_fields
        cls._names = tuple(fields)
        cls._wire_defaults = {
            name: None if info.is_required() else info.get_default(call_default_factory=False)
            for name, info in fields.items()
        }
        found = [(name, *converters(hints[name])) for name in fields]
        cls._to_wire = tuple((name, to) for name, to, _ in found if to)
        cls._from_wire = tuple((name, back) for name, _, back in found if back)
        cls._hidden = tuple(
            (name, cls._wire_defaults[name])
            for name in fields
            if any(isinstance(mark, OnlyIn) for mark in marks_of(hints[name]))
        )

    @model_validator(mode="before")
    @classmethod
    def _validate_as_kong_does(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        values, violations = schema_of(cls).validate(data)
        if violations:
            raise ValueError(violations.message)
        return {name: value for name, value in values.items() if value is not None or name in data}

    @classmethod
    def variant(cls, data: Mapping[str, Any]) -> Variant | None:  # noqa: ARG003 - for entities that have variants
        """What is special about an entity with this data."""
        return None

    @classmethod
    def built(cls, values: Mapping[str, Any]) -> Self:
        """An instance from values that a schema has validated: every field, in the types of the model."""
        self = cls.__new__(cls)
        held = self.__dict__  # filled key by key in one order: all instances then share one table of keys
        for name in cls._names:
            held[name] = values[name]
        _set(self, "__pydantic_fields_set__", _FIELDS_SET)
        _set(self, "__pydantic_extra__", None)
        _set(self, "__pydantic_private__", None)
        return self

    @classmethod
    def from_wire(cls, row: Mapping[str, Any]) -> Self:
        """An instance from its wire form, which is trusted: no validation."""
        values = {**cls._wire_defaults, **row}
        for name, convert in cls._from_wire:
            value = values[name]
            if value is not None:
                values[name] = convert(value)
        return cls.built(values)

    def to_wire(self) -> dict[str, Any]:
        """The wire form. Fields of another router flavour are left out while they hold their default."""
        row = dict(self.__dict__)
        for name, convert in self._to_wire:
            value = row[name]
            if value is not None:
                row[name] = convert(value)
        for name, default in self._hidden:
            if row[name] == default:
                del row[name]
        return row


class Entity(Record):
    """Something that a user configures and that has an id."""

    kind: ClassVar[str]
    """The collection: key in declarative files, in `Snapshot` and in messages (`services`)."""
    singular: ClassVar[str]
    """One of them (`service`)."""
    endpoint_key: ClassVar[str | None] = None
    """The unique field by which one is addressed and referred to, besides its id."""
    unique_together: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Groups of fields of which no two entities have the same values; nulls count as equal."""

    id: Id = Field(default_factory=lambda: str(uuid.uuid4()))
    created_at: CreatedAt = Field(default_factory=lambda: int(time.time()))
    updated_at: UpdatedAt = Field(default_factory=lambda: int(time.time()))

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "kind" in cls.__dict__:
            FOREIGN_MODELS[cls.kind] = cls

    @classmethod
    def parse(cls, data: Mapping[str, Any], *, router_flavor: str = DEFAULT_FLAVOR, now: int | None = None) -> Self:
        """Validate what a user gave and make the entity, with a new id and the present time where they are left out.

        Raises `EntityError` (schema violation) that holds every violation.
        """
        values, violations = schema_of(cls, router_flavor).validate(data)
        if violations:
            raise violations.error()
        return cls.completed(values, now=int(time.time()) if now is None else now)

    @classmethod
    def completed(cls, values: dict[str, Any], *, now: int) -> Self:
        """An entity from validated values, of which id and timestamps may still be None."""
        given = values["id"]
        values["id"] = str(uuid.uuid4()) if given is None else given.lower()
        if values["created_at"] is None:
            values["created_at"] = now
        if values["updated_at"] is None:
            values["updated_at"] = now
        return cls.built(values)

    @property
    def key(self) -> str | None:
        """The value of the endpoint key, such as the name."""
        return getattr(self, self.endpoint_key) if self.endpoint_key else None
