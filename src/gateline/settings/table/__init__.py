"""The table of settings: every key with its kind, default, status and a sentence on what it does here.

It is the one place where a setting's default stands. The reference in the documentation, the reading of files and
of the environment, and the checks follow from it.
"""

from gateline.settings.table.foreign import ALIASES, CLUSTER, FAMILIES, UNUSED
from gateline.settings.table.general import CONFIGURATION, GENERAL, LOGS
from gateline.settings.table.rows import Alias, Family, Setting, Status
from gateline.settings.table.store import CREDENTIALS, DATABASE, STORE
from gateline.settings.table.traffic import LISTENERS, REQUESTS, TLS, UPSTREAM

GROUPS: tuple[tuple[str, tuple[Setting, ...]], ...] = (
    ("The node", GENERAL),
    ("Configuration", (*DATABASE, *CONFIGURATION)),
    ("Credentials", CREDENTIALS),
    ("Addresses", LISTENERS),
    ("TLS", TLS),
    ("Requests", REQUESTS),
    ("Upstreams and names", UPSTREAM),
    ("Logs and traces", LOGS),
    ("Database", STORE),
    ("Hybrid mode", CLUSTER),
    ("Kong's settings without a meaning here", UNUSED),
)
"""The rows as the reference groups them."""

SETTINGS: dict[str, Setting] = {row.name: row for _, rows in GROUPS for row in rows}
OTHER_NAMES: dict[str, Alias] = {alias.name: alias for alias in ALIASES}


def family_of(name: str) -> Family | None:
    """The family that accepts a name which is neither a setting nor another name of one."""
    return next((family for family in FAMILIES if family.pattern.fullmatch(name)), None)


def is_known(name: str) -> bool:
    """Whether the name is accepted at all."""
    return name in SETTINGS or name in OTHER_NAMES or family_of(name) is not None


__all__ = [
    "FAMILIES",
    "GROUPS",
    "OTHER_NAMES",
    "SETTINGS",
    "Alias",
    "Family",
    "Setting",
    "Status",
    "family_of",
    "is_known",
]
