"""Values that come from the environment: `${NAME}`, `${NAME:-default}` and `{vault://env/NAME}`.

Variables may stand inside a text, a vault reference is a whole text. Both work in files, in every text of every entity;
`$${` writes a literal `${`. What comes out may serve as a number or a boolean too: the field decides how it is read.
A field that is made for references to secrets keeps the reference (`gateline.entities.references`), and so the secret
does not come into the configuration. A `POST /config` is taken literally, for its text comes from elsewhere and must
not read this machine's environment.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gateline.entities.checkers import Substituted, Unresolved
from gateline.entities.references import BadReferenceError, Resolver, VaultReference

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}")
_NOT_LOOKED_AT = frozenset(("_comment", "_ignore"))


def resolver_for(documents: Iterable[Any], environ: Mapping[str, str]) -> Resolver:
    """What looks up the references of documents: it knows the vaults that they declare."""
    vaults: dict[str, str] = {}
    for document in documents:
        declared = document.get("vaults") if isinstance(document, dict) else None
        for vault in declared if isinstance(declared, list) else ():
            if isinstance(vault, dict) and vault.get("name") == "env" and isinstance(vault.get("prefix"), str):
                config = vault.get("config")
                prefix = config.get("prefix") if isinstance(config, dict) else None
                vaults[vault["prefix"]] = prefix if isinstance(prefix, str) else ""
    return Resolver(environ, vaults)


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


def substitute(value: Any, resolver: Resolver) -> Any:
    """A copy of data with every variable and reference filled in; `Unresolved` stands where that failed."""
    if isinstance(value, str):
        return _substituted(value, resolver)
    if isinstance(value, list):
        return [substitute(item, resolver) for item in value]
    if isinstance(value, dict):
        return {name: item if name in _NOT_LOOKED_AT else substitute(item, resolver) for name, item in value.items()}
    return value


def _substituted(text: str, resolver: Resolver) -> Any:
    try:
        if "${" in text:
            return Substituted(expand(text, resolver.environ))
        if text.startswith("{vault://") and (reference := VaultReference.parse(text)):
            return Substituted(resolver.resolve(reference), text)
    except BadReferenceError as error:
        return Unresolved(str(error), text)
    return text
