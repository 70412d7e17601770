"""Where settings come from: a file, `KONG_*` and `GATELINE_*` variables, options; and which names they may use.

Each source is turned into a plain mapping from a setting's own name to the text given and the place it stands, other
names resolved. What is wrong is gathered in a `Findings`, so that all of it is told at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateline.settings.conffile import read_conf
from gateline.settings.errors import BadValue, SettingsError
from gateline.settings.table import OTHER_NAMES, SETTINGS, family_of, is_known

_SERVICE_LINK = re.compile(
    r".*(?:_SERVICE_HOST|_SERVICE_PORT(?:_.*)?|_PORT_[0-9]+_(?:TCP|UDP)(?:_(?:PROTO|PORT|ADDR))?)"
)
"""Variables that Kubernetes puts into every container of a namespace with a service of that name."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was written, and where."""

    name: str
    text: str
    where: str


@dataclass(slots=True)
class Findings:
    """What a load has to say: `errors` stop it, `warnings` do not."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def bad_value(self, given: Given, expected: str, *, secret: bool = False) -> None:
        """Notes a value that its setting cannot take."""
        shown = "******" if secret else repr(given.text if len(given.text) <= 100 else given.text[:100] + "...")
        self.errors.append(f"{given.where}: {given.name} = {shown} is not valid; expected {expected}")


def nearest(name: str) -> str:
    """`; did you mean proxy_listen?`, or nothing where no name is near."""
    close = difflib.get_close_matches(name.lower(), [*SETTINGS, *OTHER_NAMES], 1, 0.6)
    return f"; did you mean {close[0]}?" if close else ""


_NO_SETTINGS = frozenset({"GATELINE_PURE_PYTHON"})
"""Variables of the process, not of the node."""


def from_file(path: Path, findings: Findings) -> dict[str, Given]:
    """The settings of a conf file; an unknown key is an error, a doubled one a warning (the last one counts)."""
    try:
        lines = read_conf(path)
    except SettingsError as error:
        findings.errors.extend(error.messages)
        return {}
    found: dict[str, Given] = {}
    for line in lines:
        if not is_known(line.key):
            findings.errors.append(f"{line.where}: {line.key} is not a setting{nearest(line.key)}")
            continue
        if line.key in found:
            findings.warnings.append(
                f"{line.where}: {line.key} is set again; this value counts, not that of {found[line.key].where}"
            )
        found[line.key] = Given(line.key, line.value, line.where)
    return _own_names(found.values(), findings)


def from_environment(prefix: str, environ: Mapping[str, str], findings: Findings) -> dict[str, Given]:
    """The settings that variables with the prefix (`KONG_`, `GATELINE_`) give; `<NAME>_FILE` names a file that has it.

    An unknown name is an error for `GATELINE_` and part of one warning for `KONG_`; Kubernetes' own are passed over.
    """
    found: list[Given] = []
    unknown: list[str] = []
    for variable in sorted(environ):
        if not variable.startswith(prefix) or variable in _NO_SETTINGS:
            continue
        name, where = variable.removeprefix(prefix).lower(), f"environment variable {variable}"
        text = environ[variable]
        if is_known(name):
            found.append(Given(name, text, where))
        elif name.endswith("_file") and is_known(name.removesuffix("_file")):
            if environ.get(variable.removesuffix("_FILE")):
                findings.errors.append(
                    f"{where} and {variable.removesuffix('_FILE')} are both set; expected one of them"
                )
                continue
            try:
                found.append(Given(name.removesuffix("_file"), Path(text).read_text("utf-8").rstrip("\r\n"), where))
            except (OSError, UnicodeDecodeError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not text"
                findings.errors.append(f"{where}: {text} cannot be read: {reason}")
        elif _SERVICE_LINK.fullmatch(variable) or (name.endswith("port") and text.startswith(("tcp://", "udp://"))):
            continue
        elif prefix == "KONG_":
            unknown.append(variable)
        else:
            findings.errors.append(f"{where}: {name} is not a setting{nearest(name)}")
    if unknown:
        findings.warnings.append(f"unknown variables are ignored: {', '.join(unknown)}")
    return _own_names(found, findings)


def from_options(options: Mapping[str, str], findings: Findings) -> dict[str, Given]:
    """The settings that the command line gave, by their names."""
    found: list[Given] = []
    for name, text in options.items():
        if is_known(name):
            found.append(Given(name, text, "command line"))
        else:
            findings.errors.append(f"command line: {name} is not a setting{nearest(name)}")
    return _own_names(found, findings)


def _own_names(found: Iterable[Given], findings: Findings) -> dict[str, Given]:
    """Other names turned into the settings' own; where both are there, the own one counts."""
    own: dict[str, Given] = {}
    other: dict[str, Given] = {}
    for given in found:
        alias = OTHER_NAMES.get(given.name)
        if alias is None:
            own[given.name] = given
            continue
        try:
            values = alias.values(given.text) if given.text.strip() else dict.fromkeys(alias.of, "")
        except BadValue as error:
            findings.bad_value(given, error.expected)
            continue
        where = f"{given.where} ({given.name})" if given.where.startswith(("command", "/", ".")) else given.where
        other.update({name: Given(name, text, where) for name, text in values.items()})
    return other | own


def no_meaning(name: str) -> str | None:
    """Why a name of a family without a meaning has none; None for every other name."""
    family = None if name in SETTINGS else family_of(name)
    return family.about if family and family.status == "none" else None
