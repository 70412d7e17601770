"""A declarative configuration to a snapshot: validate every entity, resolve references, derive ids; or refuse the whole with everything that is wrong.

Four passes over flat lists of entities: *collect* (find the entities, nested or flat, and validate each), *identify* (ids
from keys), *compare* (uniqueness), *link* (references by name or id). Kong tells violations of the schema first and
looks at references and uniqueness only when there are none; `fields` follows it, while `problems` holds all at once.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any

from gateline.declarative.document import Document
from gateline.declarative.errors import DeclarativeError, FlattenedEntity, Problem, shown
from gateline.declarative.identity import content_key, derived_id
from gateline.declarative.migrate import migrated_paths
from gateline.entities import Entity, Reference, Snapshot, children, foreign_fields, kinds, schema_of, unique_fields
from gateline.entities.checkers import Refused, Substituted, Unresolved, wrong_type
from gateline.entities.errors import EXPECTED, MUST_BE_NULL, REQUIRED, UNKNOWN
from gateline.entities.formats import is_uuid
from gateline.entities.violations import flatten

FORMAT_VERSIONS = ("1.1", "2.1", "3.0")

Place = tuple[str | int, ...]


@dataclass(slots=True)
class Source:
    """One document on its way into a snapshot."""

    file: str
    """A file's name, or what the document came with (`POST /config`)."""
    value: Any
    """What is validated: variables and references filled in."""
    original: Any
    """What was written; errors show this, so that no secret of the environment shows up in one."""
    document: Document | None = None
    """Where lines are looked up."""
    offsets: dict[str, int] = field(default_factory=dict)
    """Kind → how many entities of it stand in the documents before this one."""


@dataclass(slots=True)
class _Item:
    """One entity on its way."""

    entity: type[Entity]
    source: Source
    place: Place
    parent: "_Item | None"
    values: dict[str, Any]
    errors: dict[str, Any]
    names: list[tuple[str, str]]
    """(foreign field, name or id) of the references that are still to be resolved."""
    late: list[tuple[str, str]] = field(default_factory=list)
    """(field, sentence) of what comes out when entities are compared with each other."""

    @property
    def kind(self) -> str:
        return self.entity.kind

    @property
    def key(self) -> str | None:
        key = self.values[self.entity.endpoint_key] if self.entity.endpoint_key else None
        return key if isinstance(key, str) else None


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
        self._items: dict[str, list[_Item]] = {kind: [] for kind in self._kinds}
        self._by_id: dict[str, dict[str, _Item]] = {kind: {} for kind in self._kinds}
        self._by_key: dict[str, dict[str, _Item]] = {kind: {} for kind in self._kinds}
        self._top: dict[str, Any] = {}
        """Errors of the document itself, by top-level key."""
        self._shapes: list[tuple[Source, Place, str]] = []
        """Errors where an entity, or a list of them, is of the wrong type."""
        self._problems: list[tuple[Source, Place, str, str, str]] = []
        self._broken: list[_Item] = []

    # Collect

    def collect(self, source: Source) -> None:
        document = source.value
        version = self._header(source, document)
        for name, rows in document.items():
            if name in self._kinds:
                if rows is not None:
                    offset = source.offsets[name] = sum(item.parent is None for item in self._items[name])
                    self._rows(self._kinds[name], rows, source, (name,), None, version, offset)
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
        self._top[name] = sentence
        self._problems.append((source, (name,), "", name, sentence))

    def _rows(
        self,
        entity: type[Entity],
        rows: Any,
        source: Source,
        place: Place,
        parent: _Item | None,
        version: str,
        offset: int = 0,
        parent_field: str | None = None,
    ) -> None:
        if rows.__class__ is not list:
            self._shapes.append((source, place, _type_error(rows, "array")))
            return
        within = dict(children(entity.kind))
        foreign = tuple(field.field for field in foreign_fields(entity.kind))
        schema = schema_of(entity, self._flavor)
        items = self._items[entity.kind]
        migrates = entity.kind == "routes" and version != "3.0"
        for position, row in enumerate(rows, start=offset):
            here = (*place, position)
            if row.__class__ is not dict:
                self._shapes.append((source, here, _type_error(row, "record")))
                continue
            data = row
            extra: dict[str, Any] | None = None
            nested: list[tuple[str, Any]] = []
            for name in row:
                if name in within or name in _DROPPED:
                    data = {key: value for key, value in row.items() if key not in within and key not in _DROPPED}
                    nested = [(key, row[key]) for key in within if row.get(key) is not None]
                    extra = _dropped_errors(row)
                    break
            names: list[tuple[str, str]] = []
            for name in foreign:
                if name in data:
                    data, extra = _foreign(data, name, name == parent_field, names, extra)
            if migrates and "paths" in data:
                data = {**data, "paths": migrated_paths(data["paths"])}
            values, violations = schema.validate(data)
            errors = violations.fields
            if extra:
                errors.update(extra)
            item = _Item(entity, source, here, parent, values, errors, names)
            items.append(item)
            if errors:
                self._broken.append(item)
            for child, child_rows in nested:
                self._rows(
                    self._kinds[child], child_rows, source, (*here, child), item, version, parent_field=within[child]
                )

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
                    base = content_key(_written(item), item.parent and item.parent.values["id"], 0)
                    count = occurrences[base] = occurrences.get(base, -1) + 1
                    key = f"{count}:{base}" if count else base
                elif scopes:
                    key = ":".join([key, *(self._scope(item, name) for name in scopes)])
                item.values["id"] = derived_id(kind, key)

    def _scope(self, item: _Item, name: str) -> str:
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
            seen: dict[tuple[str, str], _Item] = {}
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
                    if parent is not None and parent.kind == target and name in dict(children(target)).values():
                        item.values[name] = Reference(parent.values["id"])
                        continue
                    value = item.values[name]
                    if isinstance(value, Reference) and value.id not in by_id:
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
        if not (self._top or self._shapes or self._broken or late):
            return
        fields = dict(self._top)
        entities: list[FlattenedEntity] = []
        unattached = dict(self._top)
        problems = [
            _problem(source, place, entity, name, sentence) for source, place, entity, name, sentence in self._problems
        ]
        for source, place, sentence in self._shapes:
            _put(fields, place, sentence)
            _put(unattached, place, sentence)
            problems.append(_problem(source, place, _label(source, place), "", sentence))
        for item in self._broken:
            _put(fields, item.place, item.errors)
            found = list(flatten(item.errors))
            entities.append(_flattened(item, found))
            problems.extend(_entity_problem(item, name, sentence) for name, sentence in found)
        if not (self._shapes or self._broken):
            _put_late(fields, late)
            entities.extend(_flattened(item, item.late) for item in late)
        problems.extend(_entity_problem(item, name, sentence) for item in late for name, sentence in item.late)
        raise DeclarativeError(fields, problems, entities, unattached)

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
_DROPPED = ("_comment", "_ignore")


def _dropped_errors(row: Mapping[str, Any]) -> dict[str, Any] | None:
    errors: dict[str, Any] = {}
    for name in _DROPPED:
        try:
            _HEADER[name](row.get(name))
        except Refused as refused:
            errors[name] = refused.error
    return errors or None


def _foreign(
    data: dict[str, Any], name: str, nested: bool, names: list[tuple[str, str]], errors: dict[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Take a reference out of an entity's data unless it is an object, which the entity's schema validates."""
    value = data[name]
    if value is None or (value.__class__ is dict and not nested):
        return data, errors
    errors = errors or {}
    rest = {key: value for key, value in data.items() if key != name}
    if nested:
        errors[name] = MUST_BE_NULL
    elif isinstance(value, str) and value:
        names.append((name, value))
    elif isinstance(value, str):
        errors[name] = "length must be at least 1"
    else:
        errors[name] = _type_error(value, "string")
    return rest, errors


def _type_error(value: Any, word: str) -> str:
    return value.message if isinstance(value, Unresolved) else EXPECTED[word]


def _scopes(entity: type[Entity]) -> tuple[str, ...]:
    """Foreign fields that belong to the key of a kind whose endpoint key is only unique within a parent."""
    if entity.endpoint_key is None or entity.endpoint_key in unique_fields(entity.kind):
        return ()
    return tuple(foreign.field for foreign in foreign_fields(entity.kind) if foreign.to.on_delete == "cascade")


def _written(item: _Item) -> dict[str, Any]:
    """The entity as it was written, without what is nested in it."""
    row = _at(item.source.original, _local(item))
    within = dict(children(item.kind))
    return {name: value for name, value in row.items() if name not in within and name not in _DROPPED}


def _local(item: _Item) -> Place:
    return _in_document(item.source, item.place)


def _in_document(source: Source, place: Place) -> Place:
    """A place counted over all documents, as the place in its own one."""
    if len(place) < 2:
        return place
    kind, position, *rest = place
    return (kind, int(position) - source.offsets.get(str(kind), 0), *rest)


def _at(value: Any, place: Sequence[str | int]) -> Any:
    for step in place:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return _NOTHING
    return value


_NOTHING = object()


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


def _put(fields: dict[str, Any], place: Place, error: Any) -> None:
    """Place an error in Kong's structure: lists by position with None where nothing is wrong."""
    kind, *steps = place
    if not steps:
        fields[str(kind)] = error
        return
    container: Any = fields.setdefault(str(kind), [])
    while True:
        position = int(steps[0])
        container.extend([None] * (position + 1 - len(container)))
        if len(steps) == 1:
            container[position] = {**container[position], **error} if container[position] else error
            return
        if container[position] is None:
            container[position] = {}
        child, *steps = steps[1:]
        if not steps:
            container[position][child] = error
            return
        container = container[position].setdefault(child, [])


def _put_late(fields: dict[str, Any], late: Sequence[_Item]) -> None:
    """Repeats are told by position; once there is a wrong reference, everything is told by kind and name, as in Kong."""
    by_name = any(name for item in late for name, _ in item.late)
    for item in late:
        sentences = [sentence for _, sentence in item.late]
        if by_name:
            rows = fields.setdefault(item.kind, {})
            rows.setdefault(item.key or item.values["id"], []).extend(sentences)
        else:
            _put(fields, item.place, "; ".join(sentences))


def _flattened(item: _Item, errors: Sequence[tuple[str, str]]) -> FlattenedEntity:
    row = _written(item)
    identity, tags = row.get("id"), row.get("tags")
    name = row.get("name")
    parent = item.parent
    if parent is not None and is_uuid(parent.values["id"]):
        reference = next(field for kind, field in children(parent.kind) if kind == item.kind)
        row[reference] = {"id": parent.values["id"]}
    return FlattenedEntity(
        type=item.entity.singular,
        id=identity if is_uuid(identity) else None,
        name=name if isinstance(name, str) else None,
        tags=tags if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags) else None,
        entity=row,
        errors=errors,
    )


def _label(source: Source, place: Place) -> str:
    """`services[0] 'demo' > routes[1] 'r'`; positions count from 0, within the file."""
    local = _in_document(source, place)
    parts: list[str] = []
    for depth in range(0, len(local), 2):
        step = local[depth : depth + 2]
        if len(step) < 2:
            parts.append(str(step[0]))
            break
        row = _at(source.original, local[: depth + 2])
        entity = kinds()[str(step[0])]
        key = row.get(entity.endpoint_key) if isinstance(row, dict) and entity.endpoint_key else None
        parts.append(f"{step[0]}[{step[1]}]" + (f" '{key}'" if isinstance(key, str) and key else ""))
    return " > ".join(parts)


def _entity_problem(item: _Item, name: str, sentence: str) -> Problem:
    steps = [int(step) - 1 if step.isdigit() else step for step in name.split(".")] if name else []
    local = (*_local(item), *steps)
    return _made_problem(item.source, local, _label(item.source, item.place), name, sentence, of_field=bool(name))


def _problem(source: Source, place: Place, entity: str, name: str, sentence: str) -> Problem:
    return _made_problem(source, _in_document(source, place), entity, name, sentence, of_field=True)


def _made_problem(source: Source, local: Place, entity: str, name: str, sentence: str, *, of_field: bool) -> Problem:
    value = _at(source.original, local)
    found = ""
    if of_field:
        found = "nothing" if value is _NOTHING else shown(value)
    line = source.document.line(local) if source.document else None
    return Problem(source.file, line, entity, name, sentence, found)


__all__ = ["FORMAT_VERSIONS", "Source", "Substituted", "digest_of", "snapshot_of"]
