"""First pass: find the entities of documents, nested or flat, and validate each by itself."""

from collections.abc import Mapping
from typing import Any

from gateline.declarative.items import DROPPED, Item, Place, Source
from gateline.declarative.migrate import migrated
from gateline.declarative.nesting import Nested, nested_in, tied
from gateline.declarative.report import Shape
from gateline.entities import Entity, Reference, foreign_fields, kinds, schema_of
from gateline.entities.checkers import Refused, Unresolved, wrong_type
from gateline.entities.errors import EXPECTED, MUST_BE_NULL, REQUIRED, UNKNOWN

FORMAT_VERSIONS = ("1.1", "2.1", "3.0")
CURRENT_VERSION = "3.0"

PENDING = Reference("")
"""Stands for a reference until all entities are known."""


class Collection:
    """The entities of some documents, and what is wrong with each."""

    def __init__(self, flavor: str) -> None:
        self._flavor = flavor
        self._kinds = kinds()
        self.items: dict[str, list[Item]] = {kind: [] for kind in self._kinds}
        """Kind → entities, parents before what points to them."""
        self.keys: list[tuple[Source, str, str]] = []
        """Wrong keys at the top: document, key, sentence."""
        self.shapes: list[Shape] = []
        self.broken: list[Item] = []
        """Entities that violate their schema."""
        self._rows_before: dict[str, int] = {}
        """Kind → how many stood at the top of the documents read so far."""

    def collect(self, source: Source) -> None:
        """Take a document in."""
        document = source.value
        header = self._header(source, document)
        for name, rows in document.items():
            if name in self._kinds:
                if rows is not None:
                    source.offsets[name] = self._rows_before.get(name, 0)
                    self._top(self._kinds[name], rows, source, header)
            elif name not in _HEADER:
                self.keys.append((source, name, UNKNOWN))

    def _header(self, source: Source, document: Mapping[str, Any]) -> "_Header":
        for name, check in _HEADER.items():
            try:
                check(document.get(name))
            except Refused as refused:
                self.keys.append((source, name, str(refused.error)))
        return _Header(
            old=str(document.get("_format_version")) != CURRENT_VERSION,
            transform=document.get("_transform") is not False,
        )

    def _top(self, entity: type[Entity], rows: Any, source: Source, header: "_Header") -> None:
        first = source.offsets[entity.kind]
        if rows.__class__ is list:
            self._rows_before[entity.kind] = first + len(rows)
        self._rows(entity, rows, source, (entity.kind,), None, None, first, header)

    def _rows(
        self,
        entity: type[Entity],
        rows: Any,
        source: Source,
        place: Place,
        parent: Item | None,
        nesting: Nested | None,
        first: int,
        header: "_Header",
    ) -> None:
        if rows.__class__ is not list:
            self.shapes.append((source, place, type_error(rows, "array")))
            return
        parent_field = nesting.field if nesting else None
        within = nested_in(entity.kind)
        foreign = tuple(field.field for field in foreign_fields(entity.kind))
        schema = schema_of(entity, self._flavor)
        items = self.items[entity.kind]
        given = None if header.transform else ()
        for position, written in enumerate(rows, start=first):
            here = (*place, position)
            row = tied(nesting, written) if nesting and nesting.other else written
            if row.__class__ is not dict:
                self.shapes.append((source, here, type_error(row, "record")))
                continue
            data = row
            extra: dict[str, Any] | None = None
            nested: list[tuple[str, Any]] = []
            for name in row:
                if name in within or name in DROPPED:
                    data = {key: value for key, value in row.items() if key not in within and key not in DROPPED}
                    nested = [(key, row[key]) for key in within if row.get(key) is not None]
                    extra = _dropped_errors(row)
                    break
            names: list[tuple[str, str]] = []
            for name in foreign:
                if name in data or name == parent_field:
                    data, extra = _foreign(data, name, name == parent_field, names, extra)
            if header.old:
                data = migrated(entity.kind, data)
            values, violations = schema.validate(data, given=given, linked=False)
            errors = violations.fields
            if extra:
                errors.update(extra)
            item = Item(entity, source, here, parent, parent_field, values, errors, names)
            if schema.derive_linked and given is None:
                item.given = tuple(data)
            items.append(item)
            if errors:
                self.broken.append(item)
            for key, child_rows in nested:
                child = within[key]
                self._rows(child.entity, child_rows, source, (*here, key), item, child, 0, header)


class _Header:
    """What a document says about itself."""

    __slots__ = ("old", "transform")

    def __init__(self, *, old: bool, transform: bool) -> None:
        self.old = old
        """Whether it is of an older format."""
        self.transform = transform
        """Whether values that are kept in another form (passwords) are still to be brought into it."""


def _check_version(value: Any) -> None:
    if value is None:
        raise Refused(REQUIRED)
    if not isinstance(value, str):
        raise wrong_type(value, "string")
    if value not in FORMAT_VERSIONS:
        raise Refused(f"expected one of: {', '.join(FORMAT_VERSIONS)}")


def _check_optional(expected: type, word: str) -> Any:
    def check(value: Any) -> None:
        if value is not None and not isinstance(value, expected):
            raise wrong_type(value, word)

    return check


_HEADER = {
    "_format_version": _check_version,
    "_transform": _check_optional(bool, "boolean"),
    "_comment": _check_optional(str, "string"),
    "_ignore": _check_optional(list, "array"),
}


def _dropped_errors(row: Mapping[str, Any]) -> dict[str, Any] | None:
    errors: dict[str, Any] = {}
    for name in DROPPED:
        try:
            _HEADER[name](row.get(name))
        except Refused as refused:
            errors[name] = refused.error
    return errors or None


def _foreign(
    data: dict[str, Any], name: str, nested: bool, names: list[tuple[str, str]], errors: dict[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Put off a reference to a parent or by name; one that is an object is left to the entity's schema."""
    value = data.get(name)
    if not nested and (value is None or value.__class__ is dict):
        return data, errors
    error = None
    if nested:
        error = MUST_BE_NULL if value is not None else None
    elif not isinstance(value, str):
        error = type_error(value, "string")
    elif value:
        names.append((name, value))
    else:
        error = "length must be at least 1"
    if error:
        errors = {**(errors or {}), name: error}
    return {**data, name: PENDING}, errors


def type_error(value: Any, word: str) -> str:
    """What is said of a value that is not of a type."""
    return value.message if isinstance(value, Unresolved) else EXPECTED[word]
