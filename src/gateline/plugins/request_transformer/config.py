"""The fields of request-transformer and of request-transformer-advanced, as Kong has them."""

from typing import Annotated

from gateline.pdk import PluginConfig
from gateline.pdk.fields import AsSet, Field, Format, Matches, Record
from gateline.pdk.templates import template_problem
from gateline.plugins.transformation.entries import HeaderEntry, HeaderRename, HeaderToRemove, JsonType, TextEntry

__all__ = ["AdvancedConfig", "Config"]


def _uri_problem(uri: str) -> str | None:
    if not uri.startswith(("/", "$(")):
        return "should start with: / (or with a template)"
    return template_problem(uri)


Method = Annotated[str, Matches("[A-Z]+", "^%u+$")]
Uri = Annotated[str, Format(_uri_problem)]
JsonTypes = Annotated[
    tuple[JsonType, ...],
    Field(description="The type of each value of `body` in a JSON body, by place: string where none is said."),
]


class Removals(Record):
    """What is removed, by name."""

    body: Annotated[tuple[str, ...], Field(description="Fields of the body.")] = ()
    headers: Annotated[tuple[HeaderToRemove, ...], Field(description="Headers.")] = ()
    querystring: Annotated[tuple[str, ...], Field(description="Query parameters.")] = ()


class Renames(Record):
    """What gets another name: `old:new`."""

    body: Annotated[tuple[TextEntry, ...], Field(description="Fields of the body, `old:new`.")] = ()
    headers: Annotated[tuple[HeaderRename, ...], Field(description="Headers, `old:new`.")] = ()
    querystring: Annotated[tuple[TextEntry, ...], Field(description="Query parameters, `old:new`.")] = ()


class Values(Record):
    """What gets a value: `name:value`, the value a template."""

    body: Annotated[tuple[TextEntry, ...], Field(description="Fields of the body, `name:value`.")] = ()
    headers: Annotated[tuple[HeaderEntry, ...], Field(description="Headers, `name:value`.")] = ()
    querystring: Annotated[tuple[TextEntry, ...], Field(description="Query parameters, `name:value`.")] = ()


class Replacements(Values):
    """What gets another value, and the path."""

    uri: Annotated[Uri | None, Field(description="The path that the service is asked for, a template.")] = None


class Config(PluginConfig):
    """The configuration of request-transformer."""

    http_method: Annotated[Method | None, Field(description="The method with which the service is asked.")] = None
    remove: Annotated[Removals, Field(description="Removed first, where it is there.")]
    rename: Annotated[Renames, Field(description="Renamed next, where it is there; what has the new name goes.")]
    replace: Annotated[Replacements, Field(description="Replaced next, where it is there.")]
    add: Annotated[Values, Field(description="Added next, where it is not there.")]
    append: Annotated[Values, Field(description="Appended last, beside what is there.")]


class TypedValues(Values):
    """What gets a value, with its type in JSON."""

    json_types: JsonTypes = ()


class TypedReplacements(Replacements):
    """What gets another value, with its type in JSON, and the path."""

    json_types: JsonTypes = ()


class Allowed(Record):
    """What may stay."""

    body: Annotated[
        tuple[str, ...] | None, AsSet(), Field(description="Fields of the body that may stay; all without it.")
    ] = None


class AdvancedConfig(Config):
    """The configuration of request-transformer-advanced."""

    replace: Annotated[TypedReplacements, Field(description="Replaced next, where it is there.")]
    add: Annotated[TypedValues, Field(description="Added next, where it is not there.")]
    append: Annotated[TypedValues, Field(description="Appended last, beside what is there.")]
    allow: Annotated[Allowed, Field(description="What may stay of the body, after everything else.")]
    dots_in_keys: Annotated[
        bool, Field(description="Whether a dot in a name of a JSON field belongs to it, or leads into an object.")
    ] = True
