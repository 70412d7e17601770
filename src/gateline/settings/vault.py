"""References to secrets, `{vault://env/NAME}`, in place of a value: resolved from the environment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qs

from gateline.settings.errors import BadValue

_REFERENCE = re.compile(r"\{vault://([^/?#}]+)/([^/?#}]+)(?:/([^?#}]+))?(?:\?([^#}]*))?(?:#[^}]*)?\}")


def is_reference(text: str) -> bool:
    """Whether the whole value is meant as a reference."""
    return text.startswith("{vault://") and text.endswith("}")


def resolve_reference(text: str, environ: Mapping[str, str], prefix: str = "") -> str:
    """The secret that the reference names.

    The resource becomes the name of a variable: upper case, `-` as `_`, after `?prefix=` of the reference or `prefix`.
    With `/key` the variable holds a JSON object and that member is meant. Raises `BadValue` with what was expected.
    """
    matched = _REFERENCE.fullmatch(text)
    if not matched:
        raise BadValue("a reference such as {vault://env/NAME}")
    vault, resource, key, query = matched.groups()
    if vault != "env":
        raise BadValue(f"a reference to the vault env ({vault!r} does not exist)")
    options = parse_qs(query or "")
    name = (options.get("prefix", [prefix])[0] + resource).upper().replace("-", "_")
    value = environ.get(name)
    if value is None:
        raise BadValue(f"the environment variable {name} to be set")
    if key is None:
        return value
    try:
        member = json.loads(value)[key]
    except (ValueError, KeyError, TypeError):
        raise BadValue(f"the environment variable {name} to hold a JSON object with {key!r}") from None
    return member if isinstance(member, str) else json.dumps(member)
