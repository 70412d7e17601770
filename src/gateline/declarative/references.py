"""Values that come from the environment: `${NAME}`, `${NAME:-default}` and `{vault://env/NAME}`.

Variables may stand inside a text, a vault reference is a whole text. Both work in files, in every text of every entity;
`$${` writes a literal `${`. What comes out may serve as a number or a boolean too: the field decides how it is read. A
`POST /config` is taken literally, for its text comes from elsewhere and must not read this machine's environment.

A vault reference is `{vault://<vault>/<resource>[/<key>][?prefix=...]}`. The vault `env` reads the environment: prefix
and resource joined, in upper case, with `_` for `-`; with a key, the variable holds a JSON object and that member is
taken.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from gateline.entities.checkers import Substituted, Unresolved

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}")
_VAULT = re.compile(r"\{vault://([^/{}?#]+)/([^/{}?#]+)(?:/([^/{}?#]+))?/?(?:\?([^#{}]*))?(?:#[^{}]*)?\}")
_NOT_LOOKED_AT = frozenset(("_comment", "_ignore"))


class BadReferenceError(Exception):
    """A reference or a variable that could not be resolved."""


@dataclass(frozen=True, slots=True)
class VaultReference:
    """The parts of a `{vault://...}` text."""

    vault: str
    resource: str
    key: str | None
    prefix: str

    @classmethod
    def parse(cls, text: str) -> "VaultReference | None":
        """The reference that a text is; None when it is none."""
        match = _VAULT.fullmatch(text)
        if match is None:
            return None
        options = parse_qs(match[4] or "")
        return cls(match[1], match[2], match[3], options.get("prefix", [""])[0])

    def resolve(self, environ: Mapping[str, str]) -> str:
        """The text that is referred to. Raises `BadReferenceError`."""
        if self.vault != "env":
            raise BadReferenceError(f"there is no vault named '{self.vault}'")
        variable = f"{self.prefix}{self.resource}".replace("-", "_").upper()
        if variable not in environ:
            raise BadReferenceError(f"environment variable '{variable}' is not set")
        return environ[variable] if self.key is None else _member(variable, environ[variable], self.key)


def _member(variable: str, text: str, key: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise BadReferenceError(f"environment variable '{variable}' does not hold JSON") from None
    member = value.get(key) if isinstance(value, dict) else None
    if isinstance(member, str):
        return member
    if isinstance(member, (bool, int, float)):
        return json.dumps(member)
    raise BadReferenceError(f"the JSON in environment variable '{variable}' has no text '{key}'")


def expand(text: str, environ: Mapping[str, str]) -> str:
    """A text with its variables filled in. Raises `BadReferenceError` for one that is not set and has no default."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "${"
        if match[2] is not None:
            return environ.get(name) or match[3]
        if name not in environ:
            raise BadReferenceError(f"environment variable '{name}' is not set")
        return environ[name]

    return _VARIABLE.sub(value, text)


def may_refer(text: str) -> bool:
    """Whether a document's text can hold a variable or a reference at all."""
    return "${" in text or "{vault://" in text


def substitute(value: Any, environ: Mapping[str, str]) -> Any:
    """A copy of data with every variable and reference filled in; `Unresolved` stands where that failed."""
    if isinstance(value, str):
        return _substituted(value, environ)
    if isinstance(value, list):
        return [substitute(item, environ) for item in value]
    if isinstance(value, dict):
        return {name: item if name in _NOT_LOOKED_AT else substitute(item, environ) for name, item in value.items()}
    return value


def _substituted(text: str, environ: Mapping[str, str]) -> Any:
    try:
        if "${" in text:
            return Substituted(expand(text, environ))
        if text.startswith("{vault://") and (reference := VaultReference.parse(text)):
            return Substituted(reference.resolve(environ))
    except BadReferenceError as error:
        return Unresolved(str(error), text)
    return text
