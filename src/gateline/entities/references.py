"""References to secrets: `{vault://<vault>/<resource>[/<key>][?prefix=...][#<version>]}` in the place of a text.

The vault `env` reads the environment: prefix and resource joined, in upper case, with `_` for `-`; with a key, the
variable holds a JSON object and that member is taken. A vault entity gives a prefix of its own to such a vault.
An entity holds the reference; what it stands for is looked up when the entity is put to use.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

_REFERENCE = re.compile(r"\{vault://([^/{}?#]+)/([^/{}?#]+)(?:/([^/{}?#]+))?/?(?:\?([^#{}]*))?(?:#[^{}]*)?\}")


class BadReferenceError(Exception):
    """A reference that could not be resolved."""


def is_reference(value: Any) -> bool:
    """Whether a value is a reference as a whole."""
    return isinstance(value, str) and value.startswith("{vault://") and _REFERENCE.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class VaultReference:
    """The parts of a reference. `prefix` is the one in its options, None when there is none."""

    vault: str
    resource: str
    key: str | None
    prefix: str | None

    @classmethod
    def parse(cls, text: str) -> "VaultReference | None":
        """The reference that a text is; None when it is none."""
        match = _REFERENCE.fullmatch(text)
        if match is None:
            return None
        return cls(match[1], match[2], match[3], parse_qs(match[4] or "").get("prefix", [None])[0])


@dataclass(frozen=True, slots=True)
class Resolver:
    """Looks references up.

    `vaults` are those with a name of their own: the vault's prefix → what the names of its variables begin with.
    """

    environ: Mapping[str, str]
    vaults: Mapping[str, str] = field(default_factory=dict)

    def resolve(self, reference: VaultReference) -> str:
        """The text that is referred to. Raises `BadReferenceError`."""
        if reference.vault == "env":
            prefix = ""
        elif reference.vault in self.vaults:
            prefix = self.vaults[reference.vault]
        else:
            raise BadReferenceError(f"there is no vault named '{reference.vault}'")
        if reference.prefix is not None:
            prefix = reference.prefix
        variable = f"{prefix}{reference.resource}".replace("-", "_").upper()
        if variable not in self.environ:
            raise BadReferenceError(f"environment variable '{variable}' is not set")
        text = self.environ[variable]
        return text if reference.key is None else _member(variable, text, reference.key)


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
