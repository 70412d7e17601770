"""Which plugins there are, and what each one's configuration looks like.

A plugin declares its configuration as a `Record` and registers it under its name; a plugin that is not registered is
not enabled, and an entity that names it is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated

from gateline.entities.checks import Check
from gateline.entities.constraints import OneOf
from gateline.entities.errors import MUST_BE_NULL
from gateline.entities.field_schema import Variant
from gateline.entities.marks import AsSet
from gateline.entities.model import Record
from gateline.entities.schema import field_of

HTTP_PROTOCOLS = ("grpc", "grpcs", "http", "https")
SCOPES = ("service", "route", "consumer", "consumer_group")


@dataclass(frozen=True, slots=True)
class PluginType:
    """One plugin: its configuration, when it runs, and what it may be put on."""

    name: str
    config: type[Record]
    priority: int
    """Plugins with a higher number run earlier."""
    version: str
    protocols: tuple[str, ...]
    """The protocols that it can handle, and the default of `protocols`."""
    forbidden: frozenset[str]
    """Scopes (`SCOPES`) that it may not have."""
    checks: tuple[Check, ...]
    """Conditions on the whole plugin entity; fields of the configuration are called `config.x`."""
    variant: Variant = field(repr=False)


_TYPES: dict[str, PluginType] = {}


def register(
    name: str,
    config: type[Record],
    *,
    priority: int,
    version: str,
    protocols: tuple[str, ...] = HTTP_PROTOCOLS,
    no_service: bool = False,
    no_route: bool = False,
    no_consumer: bool = False,
    no_consumer_group: bool = False,
    checks: tuple[Check, ...] = (),
) -> PluginType:
    """Make a plugin known. A second one of the same name takes the place of the first."""
    refused = (no_service, no_route, no_consumer, no_consumer_group)
    forbidden = frozenset(scope for scope, no in zip(SCOPES, refused, strict=True) if no)
    made = PluginType(
        name, config, priority, version, protocols, forbidden, checks, _variant(config, protocols, forbidden, checks)
    )
    _TYPES[name] = made
    return made


def unregister(name: str) -> None:
    """Take a plugin out again."""
    _TYPES.pop(name, None)


def plugin_type(name: object) -> PluginType | None:
    """The plugin of a name, None when there is none."""
    return _TYPES.get(name) if isinstance(name, str) else None


def plugin_types() -> Mapping[str, PluginType]:
    """Name → plugin, in the order in which they were registered."""
    return MappingProxyType(_TYPES)


def _variant(
    config: type[Record], protocols: tuple[str, ...], forbidden: frozenset[str], checks: tuple[Check, ...]
) -> Variant:
    element = Annotated[str, OneOf(protocols)]
    return Variant(
        null=dict.fromkeys(sorted(forbidden), MUST_BE_NULL),
        fields={
            "config": field_of("config", config),
            "protocols": field_of("protocols", Annotated[tuple[element, ...], AsSet()]),
        },
        defaults={"protocols": protocols},
        checks=checks,
    )
