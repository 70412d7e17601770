"""The node's settings: `load_settings` reads conf file, environment and command line into an immutable `Settings`."""

from gateline.settings.errors import BadValue, SettingsError
from gateline.settings.listen import Listen, parse_listen, parse_listens
from gateline.settings.load import (
    CONF_FILES,
    LoadedSettings,
    SettingsSource,
    default_prefix,
    default_settings,
    find_conf,
    find_prefix,
    load_settings,
)
from gateline.settings.model import Settings
from gateline.settings.pem import read_pem
from gateline.settings.vault import is_reference, resolve_reference

__all__ = [
    "CONF_FILES",
    "BadValue",
    "Listen",
    "LoadedSettings",
    "Settings",
    "SettingsError",
    "SettingsSource",
    "default_prefix",
    "default_settings",
    "find_conf",
    "find_prefix",
    "is_reference",
    "load_settings",
    "parse_listen",
    "parse_listens",
    "read_pem",
    "resolve_reference",
]
