"""What a row of the settings table is: a setting, another name for one, or a family of names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from gateline.settings.kinds import Kind

Status = Literal["used", "later", "none"]
"""`used`: works. `later`: accepted and checked, for a feature that is not there yet. `none`: means nothing here."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `default` is text as a user would write it; None is "not set"."""

    name: str
    kind: Kind
    default: str | None
    about: str
    status: Status = "used"
    secret: bool = False
    in_prefix: bool = False
    """A relative path is relative to the prefix (as Kong's log files are), else to the directory of the start."""


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name of one or more settings: `convert` turns its value into theirs (all values are text)."""

    name: str
    of: tuple[str, ...]
    about: str = ""
    convert: Callable[[str], Mapping[str, str]] | None = None

    def values(self, text: str) -> Mapping[str, str]:
        """What to set, by name. Raises `BadValue` where the text cannot be turned."""
        return {self.of[0]: text} if self.convert is None else self.convert(text)


@dataclass(frozen=True, slots=True)
class Family:
    """Names that are accepted by their form, such as nginx directives; none of them has a meaning of its own here."""

    form: str
    pattern: re.Pattern[str]
    about: str
    status: Status = "none"


def later(name: str, kind: Kind, default: str | None, about: str, *, secret: bool = False) -> Setting:
    """A setting of a feature that is not there yet."""
    return Setting(name, kind, default, about, "later", secret)


def unused(name: str, kind: Kind, default: str | None, about: str, *, secret: bool = False) -> Setting:
    """A setting that has no meaning here."""
    return Setting(name, kind, default, about, "none", secret)
