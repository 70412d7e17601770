"""A declarative configuration to a snapshot, or to one error that tells everything that is wrong with it.

Passes over flat lists of entities: *collect* (find the entities, nested or flat, and validate each), *identify* (ids
from keys), *compare* (uniqueness), *link* (references by name or id). Kong tells violations of the schema first and
looks at references and uniqueness only when there are none; the error's `fields` follow it, while its `problems` hold
all at once.
"""

import time
from collections.abc import Mapping, Sequence
from hashlib import md5
from typing import Any

from gateline.declarative.identity import content_key, derived_id
from gateline.declarative.items import DROPPED, Item, Place, Source, written
from gateline.declarative.migrate import migrated
from gateline.declarative.report import Shape, refusal
from gateline.entities import Entity, Reference, Snapshot, children, foreign_fields, kinds, schema_of, unique_fields
from gateline.entities.checkers import Refused, Unresolved, wrong_type
from gateline.entities.errors import EXPECTED, MUST_BE_NULL, REQUIRED, UNKNOWN

FORMAT_VERSIONS = ("1.1", "2.1", "3.0")
CURRENT_VERSION = "3.0"

_PENDING = Reference("")
"""Stands for a reference until all entities are known."""


def snapshot_of(
    sources: Sequence[Source],
    *,
    digest: str,
    router_flavor: str,
    now: int | None = None,
    previous: Snapshot | None = None,
) -> Snapshot:
    """Make the snapshot that the documents together describe. Raises `DeclarativeError`."""
    loading = _Loading(router_flavor)
    for source in sources:
        loading.collect(source)
    loading.identify()
    loading.compare()
    loading.link()
    loading.refuse()
    return loading.snapshot(digest, int(time.time()) if now is None else now, previous)


def digest_of(text: str | bytes) -> str:
    """The hash of a configuration: md5 of its text, 32 hex digits, as Kong reports it."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return md5(data, usedforsecurity=False).hexdigest()


class _Loading:
    """The state of one load."""

    def __init__(self, flavor: str) -> None:
        self._flavor = flavor
        self._kinds = kinds()
        self._items: dict[str, list[Item]] = {kind: [] for kind in self._kinds}
        self._by_id: dict[str, dict[str, Item]] = {kind: {} for kind in self._kinds}
        self._by_key: dict[str, dict[str, Item]] = {kind: {} for kind in self._kinds}
        self._keys: list[tuple[Source, str, str]] = []
        self._shapes: list[Shape] = []
        self._broken: list[Item] = []
        self._rows_before: dict[str, int] = {}
        """Kind → how many stood at the top of the documents read so far."""

    # Collect

    def collect(self, source: Source) -> None:
        document = source.value
        version = self._header(source, document)
        for name, rows in document.items():
            if name in self._kinds:
                if rows is not None:
                    source.offsets[name] = self._rows_before.get(name, 0)
                    self._rows(self._kinds[name], rows, source, (name,), None, version)
            elif name not in _HEADER:
                self._refuse_key(source, name, UNKNOWN)

    def _header(self, source: Source, document: Mapping[str, Any]) -> str:
        for name, check in _HEADER.items():
            value = document.get(name)
            try:
                check(value)
            except Refused as refused:
                self._refuse_key(source, name, str(refused.error))
        return str(document.get("_format_version"))

    def _refuse_key(self, source: Source, name: str, sentence: str) -> None:
        self._keys.append((source, name, sentence))

    def _rows(
        self,
        entity: type[Entity],
        rows: Any,
        source: Source,
        place: Place,
        parent: Item | None,
        version: str,
    ) -> None:
        if rows.__class__ is not list:
            self._shapes.append((source, place, _type_error(rows, "array")))
            return
        first, parent_field = 0, None
        if parent is None:
            first = source.offsets[entity.kind]
            self._rows_before[entity.kind] = first + len(rows)
        else:
            parent_field = dict(children(parent.kind))[entity.kind]
        within = dict(children(entity.kind))
        foreign = tuple(field.field for field in foreign_fields(entity.kind))
        schema = schema_of(entity, self._flavor)
        items = self._items[entity.kind]
        for position, row in enumerate(rows, start=first):
            here = (*place, position)
            if row.__class__ is not dict:
                self._shapes.append((source, here, _type_error(row, "record")))
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
            if version != CURRENT_VERSION:
                data = migrated(entity.kind, data)
            values, violations = schema.validate(data)
            errors = violations.fields
            if extra:
                errors.update(extra)
            item = Item(entity, source, here, parent, values, errors, names)
            items.append(item)
            if errors:
                self._broken.append(item)
            for child, child_rows in nested:
                self._rows(self._kinds[child], child_rows, source, (*here, child), item, version)

    # Identify

    def identify(self) -> None:
        """Give an id to every entity; parents come before their children, for a child's id may need the parent's."""
        occurrences: dict[str, int] = {}
        for kind, items in self._items.items():
            scopes = _scopes(self._kinds[kind])
            for item in items:
                given = item.values["id"]
                if given is not None:
                    if isinstance(given, str):
                        item.values["id"] = given.lower()
                    continue
                key = item.key
                if key is None:
                    base = content_key(written(item), item.parent.values["id"] if item.parent else None)
                    count = occurrences[base] = occurrences.get(base, -1) + 1
                    key = f"{count}:{base}" if count else base
                elif scopes:
                    key = ":".join([key, *(self._scope(item, name) for name in scopes)])
                item.values["id"] = derived_id(kind, key)

    def _scope(self, item: Item, name: str) -> str:
        if item.parent is not None:
            return str(item.parent.values["id"])
        return next((text for field_name, text in item.names if field_name == name), "")

    # Compare

    def compare(self) -> None:
        """Find entities of one id or one key."""
        for kind, items in self._items.items():
            by_id, by_key = self._by_id[kind], self._by_key[kind]
            endpoint_key = self._kinds[kind].endpoint_key
            others = [name for name in unique_fields(kind) if name != endpoint_key]
            seen: dict[tuple[str, str], Item] = {}
            for item in items:
                key = item.key
                if key is not None and by_key.setdefault(key, item) is not item:
                    item.late.append(("", _repeated(kind, str(endpoint_key), key)))
                    continue
                identity = item.values["id"]
                if isinstance(identity, str) and by_id.setdefault(identity, item) is not item:
                    item.late.append(("", _repeated(kind, "primary key", identity)))
                    continue
                for name in others:
                    value = item.values[name]
                    if isinstance(value, str) and seen.setdefault((name, value), item) is not item:
                        item.late.append(("", _repeated(kind, name, value)))

    # Link

    def link(self) -> None:
        """Turn references by name or id into `Reference`s; what they point to must be in the configuration."""
        for kind, items in self._items.items():
            for foreign in foreign_fields(kind):
                target, name = foreign.to.kind, foreign.field
                by_id, by_key = self._by_id.get(target, {}), self._by_key.get(target, {})
                for item in items:
                    parent = item.parent
                    if parent is not None and parent.kind == target and dict(children(target)).get(kind) == name:
                        item.values[name] = Reference(parent.values["id"])
                        continue
                    value = item.values[name]
                    if isinstance(value, Reference) and value is not _PENDING and value.id not in by_id:
                        written = f'{{"id":"{value.id}"}}'
                        item.late.append((name, _no_such_entry(name, written, target)))
                for item in items:
                    for field_name, text in item.names:
                        if field_name != name:
                            continue
                        found = by_id.get(text.lower()) or by_key.get(text)
                        if found is None:
                            item.late.append((name, _no_such_entry(name, text, target)))
                        else:
                            item.values[name] = Reference(found.values["id"])

    # Refuse

    def refuse(self) -> None:
        """Raise what has been found, if anything."""
        late = [item for items in self._items.values() for item in items if item.late]
        if self._keys or self._shapes or self._broken or late:
            raise refusal(self._keys, self._shapes, self._broken, late)

    # Snapshot

    def snapshot(self, digest: str, now: int, previous: Snapshot | None) -> Snapshot:
        """The entities. One that says the same as in the previous snapshot keeps its timestamps from there."""
        made: dict[str, dict[str, Entity]] = {}
        for kind, items in self._items.items():
            before = previous.kind(kind) if previous else {}
            made[kind] = rows = {}
            for item in items:
                values = item.values
                identity = values["id"]
                old = before.get(identity)
                if old is not None:
                    _keep_times(values, old)
                rows[identity] = item.entity.completed(values, now=now)
        return Snapshot(hash=digest, **made)


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
        error = _type_error(value, "string")
    elif value:
        names.append((name, value))
    else:
        error = "length must be at least 1"
    if error:
        errors = {**(errors or {}), name: error}
    return {**data, name: _PENDING}, errors


def _type_error(value: Any, word: str) -> str:
    return value.message if isinstance(value, Unresolved) else EXPECTED[word]


def _scopes(entity: type[Entity]) -> tuple[str, ...]:
    """Foreign fields that belong to the key of a kind whose endpoint key is only unique within a parent."""
    if entity.endpoint_key is None or entity.endpoint_key in unique_fields(entity.kind):
        return ()
    return tuple(foreign.field for foreign in foreign_fields(entity.kind) if foreign.to.on_delete == "cascade")


def _repeated(kind: str, key: str, value: str) -> str:
    return f"uniqueness violation: '{kind}' entity with {key} set to '{value}' already declared"


def _no_such_entry(name: str, written: str, target: str) -> str:
    return f"invalid reference '{name}: {written}' (no such entry in '{target}')"


def _keep_times(values: dict[str, Any], old: Entity) -> None:
    if values["created_at"] is None:
        values["created_at"] = old.created_at
    if values["updated_at"] is None:
        held = old.__dict__
        if all(held[name] == value for name, value in values.items() if name != "updated_at"):
            values["updated_at"] = old.updated_at
