"""`kong.vault`: references to secrets, looked up in the environment."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from gateline.entities.references import BadReferenceError, Resolver, VaultReference, is_reference
from gateline.pdk.kong.exceptions import Failure, PDKException
from gateline.pdk.kong.surface import Group, function

__all__ = ["Vault"]


class Vault(Group):
    """`kong.vault`."""

    __slots__ = ()

    @function()
    def is_reference(self, reference: Any) -> bool:
        return is_reference(reference)

    @function(fails=True)
    def parse_reference(self, reference: Any) -> dict[str, Any]:
        parsed = _parsed(reference)
        table: dict[str, Any] = {"name": parsed.vault, "resource": parsed.resource, "key": parsed.key}
        options = reference.strip("{}").partition("#")[0].partition("?")[2]
        if options:
            table["config"] = dict(parse_qsl(options))
        version = reference.strip("{}").partition("#")[2]
        if version.isdigit():
            table["version"] = int(version)
        return table

    @function(fails=True)
    def get(self, reference: Any) -> str:
        return self._value(_parsed(reference))

    @function()
    def update(self, options: Any) -> Any:
        if not isinstance(options, dict):
            raise PDKException("options must be a table")
        references = options.get("$refs")
        for name, reference in references.items() if isinstance(references, Mapping) else ():
            if is_reference(reference):
                try:
                    options[name] = self._value(_parsed(reference))
                except Failure:
                    options[name] = ""
        return options

    @function()
    def flush(self) -> None:
        """Nothing is kept that could be old."""

    def _value(self, reference: VaultReference) -> str:
        prefix = self._plugin.node.setting("vault_env_prefix") if reference.vault == "env" else None
        if prefix and reference.prefix is None:
            reference = VaultReference(reference.vault, reference.resource, reference.key, prefix)
        try:
            return Resolver(os.environ).resolve(reference)
        except BadReferenceError as error:
            raise Failure(str(error)) from None


def _parsed(reference: Any) -> VaultReference:
    if not isinstance(reference, str):
        raise PDKException("reference must be a string")
    parsed = VaultReference.parse(reference)
    if parsed is None:
        raise Failure(f"not a reference [{reference}]")
    return parsed
