"""Loads the settings: puts the sources in their order, checks every value, and says all that is wrong at once.

Order: command line, `GATELINE_*`, `KONG_*`, file, default. An empty value is the default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gateline.settings.checks import check_together, warn_of_no_effect
from gateline.settings.errors import BadValue, SettingsError
from gateline.settings.kinds import LOG_FILE, PATH, PATHS, PEM, PEM_LIST
from gateline.settings.model import FIELDS, Settings
from gateline.settings.pem import resolve_pem
from gateline.settings.plugin_servers import use_plugin_servers
from gateline.settings.sources import Findings, Given, from_environment, from_file, from_options
from gateline.settings.table import SETTINGS, Setting
from gateline.settings.table.ciphers import SUITES
from gateline.settings.vault import is_reference, resolve_reference

CONF_FILES: tuple[Path, ...] = (
    Path("/etc/gateline/gateline.conf"),
    Path("/etc/kong/kong.conf"),
    Path("/etc/kong.conf"),
)
"""Where a conf file is looked for when none is named."""

_SYSTEM_PREFIX = Path("/usr/local/gateline")
_ACCESS_LOG_FORMATS = {"json": "json", "text": "text", "basic": "text", "combined": "text"}


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings and what is to be said about them."""

    settings: Settings
    warnings: list[str]
    conf: Path | None = None
    """The file that was read, if any."""
    given: frozenset[str] = frozenset()
    """Names of the settings that did not come from the table's defaults."""


@dataclass(frozen=True, slots=True)
class SettingsSource:
    """All that is needed to load the settings, now and again at a reload. It can be pickled."""

    conf: Path | None
    """The file that the user named; without one the usual places are looked at."""
    environ: Mapping[str, str]
    overrides: Mapping[str, str]
    """What command line options set: names and text."""
    directory: Path
    """What relative paths are relative to: the working directory of the start."""

    def load(self) -> LoadedSettings:
        """Reads everything again. Raises `SettingsError`."""
        return load_settings(self.conf, self.environ, self.overrides, directory=self.directory)


def load_settings(
    conf: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
    *,
    directory: Path | None = None,
    search: Sequence[Path] = CONF_FILES,
) -> LoadedSettings:
    """The settings of this node. Raises `SettingsError` with everything that is wrong.

    `environ` is the process's own if it is None; `overrides` are texts by setting. `search` counts only without `conf`.
    """
    environ = os.environ if environ is None else environ
    directory = directory or Path.cwd()
    findings = Findings()
    path = directory / conf if conf is not None else find_conf(search)
    given = _gather(path, environ, overrides or {}, findings)
    _use_log_format(given, findings)
    plugin_servers = use_plugin_servers(given, findings)

    reader = _Reader(given, directory, environ, findings)
    values = {name: reader.value(row) for name, row in SETTINGS.items()}
    others = {
        name: row.kind.dump(values[name])
        for name, row in SETTINGS.items()
        if name not in FIELDS and values[name] is not None
    }
    others |= {name: one.text for name, one in given.items() if name not in SETTINGS}
    values["worker_processes"] = values["worker_processes"] or _cores()
    values["database"] = values["database"] or _usual_database(values)
    if not findings.errors:
        _use_suite(values)
        check_together(values, given, findings)
    if findings.errors:
        raise SettingsError(findings.errors)
    unused = {name: one for name, one in given.items() if name not in plugin_servers}
    warn_of_no_effect(unused, values, findings)
    settings = Settings(others=others, **{name: values[name] for name in FIELDS})
    return LoadedSettings(settings, findings.warnings, path, frozenset(given))


def find_conf(search: Sequence[Path] = CONF_FILES) -> Path | None:
    """The conf file that is read when none is named."""
    return next((place for place in search if place.is_file()), None)


def find_prefix(source: SettingsSource) -> Path:
    """The prefix alone, whatever is wrong with the other settings: enough to reach a node that runs.

    Raises `SettingsError` where the prefix cannot be known because the conf file cannot be read.
    """
    findings = Findings()
    path = source.directory / source.conf if source.conf is not None else find_conf()
    given = _gather(path, source.environ, source.overrides, findings)
    if "prefix" in given:
        return source.directory / given["prefix"].text.strip()
    if path is not None and not path.is_file():
        raise SettingsError(findings.errors)
    return default_prefix(source.environ)


def default_settings(**changes: Any) -> Settings:
    """The table's defaults with some fields changed, without a look at files or the environment."""
    return replace(load_settings(environ={}, search=()).settings, **changes)


def default_prefix(environ: Mapping[str, str]) -> Path:
    """`/usr/local/gateline` for root or where it can be written to, else the user's directory for state."""
    if os.geteuid() == 0 or os.access(_SYSTEM_PREFIX, os.W_OK):
        return _SYSTEM_PREFIX
    state = environ.get("XDG_STATE_HOME", "")
    return (Path(state) if state.startswith("/") else Path.home() / ".local" / "state") / "gateline"


def _gather(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, str], findings: Findings
) -> dict[str, Given]:
    """Every value that is given, by its setting's own name, the strongest source's; references resolved."""
    given: dict[str, Given] = from_file(path, findings) if path is not None else {}
    given |= from_environment("KONG_", environ, findings)
    given |= from_environment("GATELINE_", environ, findings)
    given |= from_options(overrides, findings)
    given = {name: one for name, one in given.items() if one.text.strip()}
    _resolve_references(given, environ, findings)
    return given


def _usual_database(values: Mapping[str, Any]) -> str:
    """Where entities are when nothing is said: a declarative configuration needs no database, everything else does."""
    return "off" if values["declarative_config"] or values["declarative_config_string"] else "sqlite"


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Reader:
    """Turns texts into values, with `prefix` known first, as logs are relative to it."""

    def __init__(
        self, given: Mapping[str, Given], directory: Path, environ: Mapping[str, str], findings: Findings
    ) -> None:
        self._given, self._directory, self._findings = given, directory, findings
        prefix = given.get("prefix")
        self._prefix = directory / prefix.text.strip() if prefix else default_prefix(environ)

    def value(self, row: Setting) -> Any:
        """The checked value of one setting; a bad one becomes a finding and None."""
        if row.name == "prefix":
            return self._prefix
        given = self._given.get(row.name)
        if given is None:
            return (
                row.kind.nothing
                if row.default is None
                else self._in_place(row, row.kind.parse(self._path_of(row, row.default)))
            )
        try:
            return self._in_place(row, row.kind.parse(self._path_of(row, given.text.strip())))
        except BadValue as error:
            self._findings.bad_value(given, error.expected, secret=row.secret)
            return None

    @staticmethod
    def _path_of(row: Setting, text: str) -> str:
        return text.split()[0] if row.kind is LOG_FILE else text

    def _in_place(self, row: Setting, value: Any) -> Any:
        if row.kind in (LOG_FILE, PATH) and value is not None:
            return (self._prefix if row.in_prefix else self._directory) / value
        if row.kind is PATHS:
            return tuple([self._directory / path for path in value])
        if row.kind is PEM and row.status == "used":
            return resolve_pem(value, self._directory)
        if row.kind is PEM_LIST and row.status == "used":
            return tuple(entry if entry == "system" else resolve_pem(entry, self._directory) for entry in value)
        return value


def _resolve_references(given: dict[str, Given], environ: Mapping[str, str], findings: Findings) -> None:
    prefix = given["vault_env_prefix"].text if "vault_env_prefix" in given else ""
    for name, one in list(given.items()):
        if not is_reference(one.text.strip()):
            continue
        try:
            given[name] = replace(one, text=resolve_reference(one.text.strip(), environ, prefix))
        except BadValue as error:
            findings.bad_value(one, error.expected)
            del given[name]


def _use_log_format(given: dict[str, Given], findings: Findings) -> None:
    """Kong's `proxy_access_log = /dev/stdout json` says the form of the lines after the path."""
    log = given.get("proxy_access_log")
    words = log.text.split()[1:] if log else []
    if not log or not words:
        return
    if words[0] in _ACCESS_LOG_FORMATS:
        given["access_log_format"] = Given("access_log_format", _ACCESS_LOG_FORMATS[words[0]], log.where)
    else:
        findings.warnings.append(
            f"{log.where}: the log format {words[0]!r} is not known here; access_log_format decides"
        )


def _use_suite(values: dict[str, Any]) -> None:
    """What the cipher suite stands for takes the place of what is not set."""
    suite = SUITES[values["ssl_cipher_suite"]]
    values["ssl_protocols"] = values["ssl_protocols"] or suite.protocols
    values["ssl_ciphers"] = values["ssl_ciphers"] or suite.ciphers
    if values["ssl_prefer_server_ciphers"] is None:
        values["ssl_prefer_server_ciphers"] = suite.prefer_server_ciphers
