"""Everything that a load has found wrong, as one `DeclarativeError`."""

from collections.abc import Sequence
from typing import Any

from gateline.declarative.errors import MASK, DeclarativeError, FlattenedEntity, Problem, shown
from gateline.declarative.items import NOTHING, Item, Place, Source, in_document, place_in_document, value_at, written
from gateline.declarative.nesting import nested_in
from gateline.entities import Entity, entity_class, schema_of
from gateline.entities.formats import is_uuid
from gateline.entities.violations import flatten

Shape = tuple[Source, Place, str]
"""An entity, or a list of them, of the wrong type: the document, the place, the sentence."""


def refusal(
    keys: Sequence[tuple[Source, str, str]], shapes: Sequence[Shape], broken: Sequence[Item], late: Sequence[Item]
) -> DeclarativeError:
    """The error that tells all of it.

    `keys` are wrong top-level keys (document, key, sentence), `broken` entities that violate their schema, `late` those
    whose references or keys are wrong.
    """
    fields: dict[str, Any] = {key: sentence for _, key, sentence in keys}
    unattached = dict(fields)
    entities: list[FlattenedEntity] = []
    problems = [_problem(source, (key,), "", key, sentence) for source, key, sentence in keys]
    for source, place, sentence in shapes:
        _put(fields, place, sentence)
        _put(unattached, place, sentence)
        local = in_document(source, place)
        problems.append(_problem(source, local, _label(source, local), "", sentence))
    for item in broken:
        _put(fields, item.place, item.errors)
        found = list(flatten(item.errors))
        entities.append(_flattened(item, found))
        problems.extend(_entity_problem(item, name, sentence) for name, sentence in found)
    if late and not (shapes or broken):
        _put_late(fields, late)
        entities.extend(_flattened(item, item.late) for item in late)
    problems.extend(_entity_problem(item, name, sentence) for item in late for name, sentence in item.late)
    return DeclarativeError(fields, problems, entities, unattached)


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
        elif isinstance(container[position], str):
            return  # the parent is a repeat, and what is in it therefore too
        child, *steps = steps[1:]
        if not steps:
            container[position][child] = error
            return
        container = container[position].setdefault(child, [])


def _put_late(fields: dict[str, Any], late: Sequence[Item]) -> None:
    """As Kong does: repeats by position; once a reference is wrong, everything by kind and name."""
    by_name = any(name for item in late for name, _ in item.late)
    for item in late:
        sentences = [sentence for _, sentence in item.late]
        if by_name:
            rows = fields.setdefault(item.kind, {})
            rows.setdefault(item.key or item.values["id"], []).extend(sentences)
        else:
            _put(fields, item.place, "; ".join(sentences))


def _flattened(item: Item, errors: Sequence[tuple[str, str]]) -> FlattenedEntity:
    row = written(item)
    if not isinstance(row, dict):  # a mere name, which ties two others together
        row = {}
    identity, tags = row.get("id"), row.get("tags")
    name = row.get("name")
    parent = item.parent
    if parent is not None and item.parent_field and is_uuid(parent.values["id"]):
        row[item.parent_field] = {"id": parent.values["id"]}
    return FlattenedEntity(
        type=item.entity.singular,
        id=identity if is_uuid(identity) else None,
        name=name if isinstance(name, str) else None,
        tags=tags if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags) else None,
        entity=row,
        errors=errors,
    )


def _label(source: Source, local: Place) -> str:
    """`services[0] 'demo' > routes[1] 'r'`; positions count from 0, within the file."""
    parts: list[str] = []
    entity: type[Entity] | None = None
    for depth in range(0, len(local), 2):
        step = local[depth : depth + 2]
        if len(step) < 2:
            parts.append(str(step[0]))
            break
        row = value_at(source.original, local[: depth + 2])
        entity = _entity_at(entity, str(step[0]))
        name = entity.endpoint_key if entity else None
        key = row.get(name) if isinstance(row, dict) and name else None
        parts.append(f"{step[0]}[{step[1]}]" + (f" '{key}'" if isinstance(key, str) and key else ""))
    return " > ".join(parts)


def _entity_at(parent: type[Entity] | None, key: str) -> type[Entity] | None:
    """The class of what stands under a key, at the top or inside of a parent."""
    if parent is None:
        return entity_class(key)
    nested = nested_in(parent.kind).get(key)
    return nested.entity if nested else None


def _entity_problem(item: Item, name: str, sentence: str) -> Problem:
    place = place_in_document(item)
    steps: Place = tuple(int(step) - 1 if step.isdigit() else step for step in name.split(".")) if name else ()
    row = value_at(item.source.original, place)
    hidden = _is_secret(item, steps)
    if steps and isinstance(row, dict) and steps[0] not in row:
        # What a field got from a shorthand (a service's `url`) is told with the shorthand.
        steps = next(((shorthand,) for shorthand in item.entity.shorthands if shorthand in row), steps)
    label = _label(item.source, place)
    return _problem(item.source, (*place, *steps), label, name, sentence, whole=not name, hidden=hidden)


def _is_secret(item: Item, steps: Place) -> bool:
    """Whether a place inside of an entity holds a secret, or something with one in it."""
    if not steps:
        return False
    field = schema_of(item.entity, "expressions").field(str(steps[0]), item.values)
    for step in steps[1:]:
        if field is None or field.secret:
            break
        field = field.record.told(str(step), {}) if field.record else field.elements
    return field is not None and field.holds_secret


def _problem(
    source: Source,
    local: Place,
    entity: str,
    name: str,
    sentence: str,
    *,
    whole: bool = False,
    hidden: bool = False,
) -> Problem:
    """A problem at a place in its document; `whole` when it is about an entity rather than about one of its values."""
    found = ""
    if not whole:
        value = value_at(source.original, local)
        found = "nothing" if value is NOTHING else MASK if hidden else shown(value)
    line = source.document.line(local) if source.document else None
    return Problem(source.file, line, entity, name, sentence, found)
