"""The fields of response-transformer and of response-transformer-advanced, as Kong has them."""

import re
import warnings
from typing import TYPE_CHECKING, Annotated, Any

from gateline.pdk import PluginConfig
from gateline.pdk.fields import AsSet, Field, Format, Record, regex_problem
from gateline.plugins.transformation.entries import (
    JsonType,
    PlainEntry,
    PlainHeaderRename,
    header_name_problem,
    split,
)

__all__ = ["AdvancedConfig", "Config", "pattern_of"]

_STATUS = re.compile(r"([1-9][0-9]{2})(?:-([1-9][0-9]{2}))?")


def pattern_of(value: str) -> str | None:
    """The regex in `/regex/`, None for a value that is none."""
    return value[1:-1] if len(value) > 2 and value[0] == value[-1] == "/" else None


def _removal_problem(entry: str) -> str | None:
    pattern = pattern_of(split(entry)[1])
    return header_name_problem(entry) or (regex_problem(pattern) if pattern is not None else None)


def _status_problem(text: str) -> str | None:
    match = _STATUS.fullmatch(text)
    if match is None or int(match[2] or 999) < int(match[1]):
        return f"'{text}' is no status code and no range of them such as 500-599"
    return None


def _refused(_: str) -> str:
    return (
        "functions in Lua are not run; use the other fields, or a plugin in Python "
        "(docs/differences-from-kong.md, 'Lua')"
    )


Removal = Annotated[str, Format(_removal_problem)]
Statuses = Annotated[
    tuple[Annotated[str, Format(_status_problem)], ...],
    Field(description="For answers with these status codes only, such as `404` or `500-599`; all where it is empty."),
]
JsonTypes = Annotated[
    tuple[JsonType, ...],
    Field(description="The type of each value of `json`, by place: string where none is said."),
]
Json = Annotated[tuple[PlainEntry, ...], Field(description="Fields of a JSON body, `name:value`.")]
Headers = Annotated[tuple[PlainEntry, ...], Field(description="Headers, `name:value`.")]


warnings.filterwarnings("ignore", r'Field name "json" in ".*" shadows')  # a method that pydantic keeps for old code


class _HasJson(Record):
    """A record with a field `json`."""

    if TYPE_CHECKING:
        json: Any


class Removals(_HasJson):
    """What is removed, by name."""

    json: Annotated[tuple[str, ...], Field(description="Fields of a JSON body.")] = ()
    headers: Annotated[
        tuple[Removal, ...],
        Field(description="Headers: `name`, or `name:value` for one value (`name:/regex/` for those that match)."),
    ] = ()


class Renames(_HasJson):
    """What gets another name: `old:new`."""

    json: Annotated[tuple[PlainEntry, ...], Field(description="Fields of a JSON body, `old:new`.")] = ()
    headers: Annotated[tuple[PlainHeaderRename, ...], Field(description="Headers, `old:new`.")] = ()


class Values(_HasJson):
    """What gets a value: `name:value`."""

    json: Json = ()
    json_types: JsonTypes = ()
    headers: Headers = ()


class Config(PluginConfig):
    """The configuration of response-transformer."""

    remove: Annotated[Removals, Field(description="Removed first, where it is there.")]
    rename: Annotated[Renames, Field(description="Renamed next, where it is there; what has the new name goes.")]
    replace: Annotated[Values, Field(description="Replaced next, where it is there.")]
    add: Annotated[Values, Field(description="Added next, where it is not there.")]
    append: Annotated[Values, Field(description="Appended last, beside what is there.")]


class RemovalsIf(Removals):
    """What is removed, and when."""

    if_status: Statuses = ()


class RenamesIf(Renames):
    """What gets another name, and when."""

    if_status: Statuses = ()


class ValuesIf(Values):
    """What gets a value, and when."""

    if_status: Statuses = ()


class Replacements(ValuesIf):
    """What gets another value, and when."""

    body: Annotated[
        str | None, Field(description="A text that takes the place of the whole body, whatever its type.")
    ] = None


class Transform(_HasJson):
    """Functions in Lua, which Gateline does not run."""

    functions: Annotated[
        tuple[Annotated[str, Format(_refused)], ...], Field(description="Functions in Lua: must be empty.")
    ] = ()
    if_status: Statuses = ()
    json: Annotated[tuple[str, ...], Field(description="Fields that the functions are about: without effect.")] = ()


class Allowed(_HasJson):
    """What may stay."""

    json: Annotated[
        tuple[str, ...] | None, AsSet(), Field(description="Fields of a JSON body that may stay; all without it.")
    ] = None


class AdvancedConfig(PluginConfig):
    """The configuration of response-transformer-advanced."""

    remove: Annotated[RemovalsIf, Field(description="Removed first, where it is there.")]
    rename: Annotated[RenamesIf, Field(description="Renamed next, where it is there; what has the new name goes.")]
    replace: Annotated[Replacements, Field(description="Replaced next, where it is there.")]
    add: Annotated[ValuesIf, Field(description="Added next, where it is not there.")]
    append: Annotated[ValuesIf, Field(description="Appended last, beside what is there.")]
    allow: Annotated[Allowed, Field(description="What may stay of a JSON body, after everything else.")]
    transform: Annotated[Transform, Field(description="Functions in Lua: refused.")]
    dots_in_keys: Annotated[
        bool, Field(description="Whether a dot in a name of a JSON field belongs to it, or leads into an object.")
    ] = True
