"""Tables of fields, for the pages about entities and about plugins: everything that a declaration says, in words."""

import json
from collections.abc import Callable, Iterator

from gateline.declarative.nesting import nested_in
from gateline.entities import Entity, FieldSchema, Schema, brought_kinds
from gateline.entities import constraints as c
from gateline.entities.wire import plain

__all__ = ["Link", "entity_facts", "field_table"]

Link = Callable[[str], str]
"""A kind of entities → where it is described."""

_COMMON = ("id", "created_at", "updated_at")


def _here(kind: str) -> str:
    return f"#{kind}"


def field_table(schema: Schema, link: Link = _here) -> str:
    """A table of all fields, those of records below them, and of the names that stand for others."""
    rows = [*_rows(schema, "", link), *_shorthands(schema)]
    return "| Field | Type | Default | What it is |\n|---|---|---|---|\n" + "".join(rows)


def entity_facts(model: type[Entity]) -> Iterator[str]:
    """Where entities of a kind are found, and what is unique among them."""
    path = f"`/{model.flat_path}`" if model.flat_path else "below its parent only"
    yield f"Admin API: {path}" + (f", one of them by id or `{model.endpoint_key}`" if model.endpoint_key else "")
    for group in model.unique_together:
        yield f"Unique together: {', '.join(f'`{name}`' for name in group)}"
    # What plugins bring is on their own pages, whichever of them are loaded.
    nested = [
        f"`{key}`" for key, nesting in nested_in(model.kind).items() if nesting.entity.kind not in brought_kinds()
    ]
    if nested:
        yield f"May hold, in a file: {', '.join(nested)}"


def _shorthands(schema: Schema) -> Iterator[str]:
    for name, shorthand in schema.shorthands.items():
        if shorthand.shows:
            yield f"| `{name}` | | | Older name of `{shorthand.shows}`. |\n"
        elif name not in schema.fields:
            yield f"| `{name}` | string | | Write-only: stands for several fields, and wins over them. |\n"


def _rows(schema: Schema, prefix: str, link: Link) -> Iterator[str]:
    for name, field in schema.fields.items():
        if not prefix and name in _COMMON:
            continue
        what = " ".join(part for part in (field.description or "", *_notes(field)) if part)
        yield f"| `{prefix}{name}` | {_type(field, link)} | {_default(field)} | {what.replace('|', chr(92) + '|')} |\n"
        if field.record:
            yield from _rows(field.record, f"{prefix}{name}.", link)


def _type(field: FieldSchema, link: Link) -> str:
    if field.to:
        return f"[{field.to.kind}]({link(field.to.kind)})"
    if field.type in ("array", "set") and field.elements:
        return f"{field.type} of {_type(field.elements, link)}"
    return f"map to {_type(field.elements, link)}" if field.type == "map" and field.elements else field.type


def _default(field: FieldSchema) -> str:
    if field.has_default and field.default is not None:
        return f"`{json.dumps(plain(field.default))}`"
    return "*needed*" if field.required and not field.auto and field.type != "record" else ""


def _notes(field: FieldSchema) -> Iterator[str]:
    yield from (f"{note}." for note in map(_constraint, field.constraints) if note)
    if field.elements and field.type != "map":
        yield from (f"Each: {note}." for note in map(_constraint, field.elements.constraints) if note)
        for name, part in field.elements.record.fields.items() if field.elements.record else ():
            yield f"`{name}`: {part.description}"
    if field.to and field.to.on_delete == "cascade":
        yield "Deleted with it."
    marks = {"Unique": field.unique, "Secret": field.secret, "Reference": field.referenceable}
    marks["null: default"] = field.default_for_null
    yield from (f"*{mark}*." for mark, given in marks.items() if given)


def _constraint(constraint: c.Constraint) -> str:
    """What a constraint asks for, in words."""
    match constraint:
        case c.OneOf(values):
            return "One of " + ", ".join(f"`{value}`" for value in values)
        case c.NotOneOf(values):
            return "Not " + ", ".join(f"`{value}`" for value in values)
        case c.Between(low, high):
            return f"{low} to {high}"
        case c.GreaterThan(limit):
            return f"Above {limit}"
        case c.MinLength(length):
            return f"At least {length}" if length > 1 else ""
        case c.StartsWith(prefix):
            return f"Starts with `{prefix}`"
        case c.StartsWithAny(prefixes):
            return "Starts with " + " or ".join(f"`{prefix}`" for prefix in prefixes)
        case c.Without(part):
            return f"Without `{part}`"
        case c.Matches(pattern):
            return f"Matches `{pattern}`"
        case c.ExclusiveSubsets(families):
            return "All of one of " + "; ".join(", ".join(f"`{name}`" for name in family) for family in families)
        case c.Format(check) if check.__doc__ and not check.__doc__.startswith("What is wrong"):
            return check.__doc__.partition("\n")[0].rstrip(".")
    return ""
