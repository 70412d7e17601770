"""A snapshot to text and to data: the YAML of `GET /config` and of exports, and the answer to `POST /config`."""

import json
import re
from typing import Any

from gateline.entities import Entity, Reference, Snapshot, foreign_fields, kinds

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_/.@+-]*")
_NOT_TEXT = frozenset(["true", "false", "yes", "no", "on", "off", "null", "y", "n"])
_ESCAPED = re.compile('["\\\\\x00-\x1f\x7f-\xa0\u00ad\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]')


def dump(snapshot: Snapshot) -> str:
    """The configuration as YAML: format 3.0, one flat list a kind, ids included, unset fields left out.

    Loading it gives an equal snapshot, but for kinds that come and go in operation (`Entity.passing`).
    """
    lines = ['_format_version: "3.0"', "_transform: false"]
    for kind, model in kinds().items():
        rows = snapshot.kind(kind)
        if rows and not model.passing:
            lines.append(f"{kind}:")
            references = {foreign.field for foreign in foreign_fields(kind)}
            for entity in rows.values():
                _entity(lines, entity, references)
    lines.append("")
    return "\n".join(lines)


def to_config_response(snapshot: Snapshot) -> dict[str, Any]:
    """What `POST /config` answers: kind → id → entity, for the kinds that have entities."""
    return {
        kind: {identity: entity.shown() for identity, entity in snapshot.kind(kind).items()}
        for kind in kinds()
        if snapshot.kind(kind)
    }


def _entity(lines: list[str], entity: Entity, references: set[str]) -> None:
    marker = "- "
    for name, value in entity.shown().items():
        if value is None:
            continue
        if name in references:
            value = Reference(**value).id
        lines.append(f"{marker}{name}: {_value(value)}")
        marker = "  "


def _value(value: Any) -> str:
    """A value on one line: YAML's flow style, which is JSON's but for plain texts and escapes."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
            return value
        return _quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(name)}: {_value(item)}" for name, item in value.items()) + "}"
    text = json.dumps(value)
    # Readers of YAML take a number with an exponent for a text unless it has a point.
    return text.replace("e", ".0e") if isinstance(value, float) and "e" in text and "." not in text else text


def _quoted(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in '"\\':
        return f"\\{character}"
    return f"\\x{ord(character):02x}" if ord(character) < 0x100 else f"\\u{ord(character):04x}"
