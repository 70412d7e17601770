"""What entities and records have in common: immutable pydantic models, cheaply built, written and read.

The wire form is Kong's Admin API layout as plain JSON data: every field, null where unset, references as `{"id": ...}`.
"""

import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, ClassVar, Self, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from gateline.entities import patching
from gateline.entities.checks import Check
from gateline.entities.fields import CreatedAt, Id, UpdatedAt
from gateline.entities.marks import Auto, BeyondKong, OnlyIn, Secret
from gateline.entities.schema import DEFAULT_FLAVOR, FOREIGN_MODELS, Variant, bare_type, marks_of, schema_of
from gateline.entities.shorthand import Shorthand, show
from gateline.entities.wire import Convert, converters

_set = object.__setattr__
_FIELDS_SET: set[str] = set()
"""Shared by all instances: which fields were given is of no interest, and a set each would cost 200 bytes."""
_SHARED_KEYS = 28
"""Instances with more keys than about 30 do not share a table of them, and one that grew key by key is twice too large
(see SHARED_KEYS_MAX_SIZE in CPython)."""


class Record(BaseModel):
    """A group of fields inside an entity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checks: ClassVar[tuple[Check, ...]] = ()
    hints: ClassVar[tuple[Check, ...]] = ()
    """Checks that only documents state: what they ask for is part of what others, more exact ones, enforce."""
    shorthands: ClassVar[Mapping[str, Shorthand]] = {}
    """Names that stand for others' values. One that is a field's name as well says more than that field."""

    _names: ClassVar[tuple[str, ...]] = ()
    _wire_defaults: ClassVar[dict[str, Any]] = {}
    _to_wire: ClassVar[tuple[tuple[str, Convert], ...]] = ()
    _from_wire: ClassVar[tuple[tuple[str, Convert], ...]] = ()
    _hidden: ClassVar[tuple[tuple[str, Any], ...]] = ()
    _made: ClassVar[tuple[tuple[str, Callable[[], Any]], ...]] = ()
    _secrets: ClassVar[frozenset[str]] = frozenset()
    _shown: ClassVar[tuple[tuple[str, str], ...]] = ()

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
        cls._wire_defaults |= {name: {} for name, info in fields.items() if _is_record(info, hints[name])}
        cls._to_wire = tuple((name, to) for name, to, _ in found if to)
        cls._from_wire = tuple((name, back) for name, _, back in found if back)
        cls._shown = tuple((name, short.shows) for name, short in cls.shorthands.items() if short.shows)
        cls._secrets = frozenset(
            name for name in fields if any(isinstance(mark, Secret) for mark in marks_of(hints[name]))
        )
        cls._made = tuple(
            (name, mark.make)
            for name in fields
            for mark in marks_of(hints[name])
            if isinstance(mark, Auto) and mark.make
        )
        cls._hidden = tuple(
            (name, cls._wire_defaults[name])
            for name in fields
            if any(isinstance(mark, OnlyIn | BeyondKong) for mark in marks_of(hints[name]))
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

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        """The fields as they are shown, secrets masked."""
        for name, value in self.__dict__.items():
            yield name, "******" if name in self._secrets and value is not None else value

    @classmethod
    def variant(cls, data: Mapping[str, Any]) -> Variant | None:  # noqa: ARG003 - for entities that have variants
        """What is special about an entity with this data."""
        return None

    @classmethod
    def derive(cls, values: dict[str, Any], given: Collection[str]) -> None:
        """Compute values from others, once all are right, or bring them into the form in which they are kept.

        `given` are the fields that were written now: a password that was not is kept in its form already.
        """

    @classmethod
    def derive_linked(cls, values: dict[str, Any], given: Collection[str]) -> None:
        """As `derive`, for what needs to know whom the references point to: in a file, that is known later."""

    @classmethod
    def built(cls, values: Mapping[str, Any]) -> Self:
        """An instance from values that a schema has validated: every field, in the types of the model."""
        self = cls.__new__(cls)
        if len(cls._names) <= _SHARED_KEYS:
            held = self.__dict__  # filled key by key in one order: all instances then share one table of keys
            for name in cls._names:
                held[name] = values[name]
        else:
            _set(self, "__dict__", {name: values[name] for name in cls._names})
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
        """The wire form. Fields of another router flavour or beyond Kong are left out while they hold their default."""
        row = dict(self.__dict__)
        for name, convert in self._to_wire:
            value = row[name]
            if value is not None:
                row[name] = convert(value)
        for name, default in self._hidden:
            if row[name] == default:
                del row[name]
        if self._shown:
            show(row, self._shown)
        return row


def _is_record(info: FieldInfo, annotation: Any) -> bool:
    """Whether a field holds a record that cannot be null: read from a row without it, all in it has its default."""
    bare, nullable = bare_type(annotation)
    return info.is_required() and not nullable and isinstance(bare, type) and issubclass(bare, Record)


class Opaque(Record):
    """A record that was once valid and of which nothing is known now: it is kept as it is."""

    content: dict[str, Any]

    @classmethod
    def from_wire(cls, row: Mapping[str, Any]) -> Self:
        """A record that holds the row."""
        return cls.built({"content": dict(row)})

    def to_wire(self) -> dict[str, Any]:
        """The row."""
        return dict(self.content)


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
    flat_path: ClassVar[str | None]
    """The collection in the Admin API, the kind unless said otherwise; None: it is reached through a parent only."""
    nested_path: ClassVar[str]
    """The collection in the Admin API below a parent."""
    nested_key: ClassVar[str | None]
    """The field by which one is addressed below a parent, the endpoint key unless said otherwise."""
    passing: ClassVar[bool] = False
    """Whether it comes and goes in operation, such as sessions: no dump has it, and applying a file deletes none."""
    sealed: ClassVar[bool] = False
    """Whether its secrets are kept as the setting `credential_storage` says: for kinds of credentials."""
    secrets: ClassVar[Mapping[str, bool]] = {}
    """The fields with sealed secrets, and whether each is only ever compared; follows from the declaration."""
    not_shown: ClassVar[frozenset[str]] = frozenset()
    """Fields that the Admin API and declarative files leave out."""

    _fractions: ClassVar[bool] = False
    """Whether timestamps have milliseconds."""

    id: Id = Field(default_factory=lambda: str(uuid.uuid4()))
    created_at: CreatedAt = Field(default_factory=lambda: int(time.time()))
    updated_at: UpdatedAt = Field(default_factory=lambda: int(time.time()))

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "kind" in cls.__dict__:
            cls.flat_path = cls.__dict__.get("flat_path", cls.kind)
            cls.nested_path = cls.__dict__.get("nested_path", cls.flat_path or cls.kind)
            cls.nested_key = cls.__dict__.get("nested_key", cls.endpoint_key)
            cls._fractions = cls.model_fields["created_at"].annotation is float
            cls.secrets = _sealed_secrets(cls) if cls.sealed else {}
            FOREIGN_MODELS[cls.kind] = cls

    @classmethod
    def parse(cls, data: Mapping[str, Any], *, router_flavor: str = DEFAULT_FLAVOR, now: float | None = None) -> Self:
        """Validate what a user gave and make the entity, with a new id and the present time where they are left out.

        Raises `EntityError` (schema violation) that holds every violation.
        """
        values, violations = schema_of(cls, router_flavor).validate(data)
        if violations:
            raise violations.error()
        return cls.completed(values, now=time.time() if now is None else now)

    @classmethod
    def patched(
        cls,
        row: Mapping[str, Any],
        patch: Mapping[str, Any],
        *,
        router_flavor: str = DEFAULT_FLAVOR,
        now: float | None = None,
    ) -> Self:
        """The entity of which `row` is the wire form, with some fields changed.

        Records are merged field by field, everything else is replaced; a null takes a field back, and is refused where
        a value is needed. `updated_at` is the present. Raises `EntityError` that holds every violation.
        """
        values, violations = patching.patch(schema_of(cls, router_flavor), row, patch)
        if violations:
            raise violations.error()
        return cls.completed(values, now=time.time() if now is None else now)

    @classmethod
    def replaced(
        cls,
        row: Mapping[str, Any],
        data: Mapping[str, Any],
        *,
        router_flavor: str = DEFAULT_FLAVOR,
        now: float | None = None,
    ) -> Self:
        """What takes the place of the entity of which `row` is the wire form: what is not given has its default.

        Id and `created_at` stay. Raises `EntityError` that holds every violation.
        """
        kept = {"created_at": row["created_at"], **data, "id": row["id"]}
        return cls.parse(kept, router_flavor=router_flavor, now=now)

    @classmethod
    def completed(cls, values: dict[str, Any], *, now: float) -> Self:
        """An entity from validated values, of which id, timestamps and what else is made may still be None."""
        given = values["id"]
        values["id"] = str(uuid.uuid4()) if given is None else given.lower()
        moment = round(now, 3) if cls._fractions else int(now)
        if values["created_at"] is None:
            values["created_at"] = moment
        if values["updated_at"] is None:
            values["updated_at"] = moment
        for name, make in cls._made:
            if values[name] is None:
                values[name] = make()
        return cls.built(values)

    def shown(self, now: float | None = None) -> dict[str, Any]:  # noqa: ARG002 - for what is other at another time
        """The wire form as users see it, at a time in seconds since 1970 (the present one unless given)."""
        row = self.to_wire()
        for name in self.not_shown:
            row.pop(name, None)
        return row

    @property
    def endpoint_value(self) -> str | None:
        """The value of the endpoint key, such as the name."""
        return getattr(self, self.endpoint_key) if self.endpoint_key else None

    @property
    def public_name(self) -> str | None:
        """The endpoint value, unless that is a secret: what messages and differences call the entity."""
        return None if self.endpoint_key in self.secrets else self.endpoint_value


def _sealed_secrets(model: type[Entity]) -> dict[str, bool]:
    hints = get_type_hints(model, include_extras=True)
    marks = {name: [mark for mark in marks_of(hints[name]) if isinstance(mark, Secret)] for name in model.model_fields}
    return {name: found[0].compared for name, found in marks.items() if found}
