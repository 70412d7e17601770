"""The entries of a transforming plugin's lists, `name` or `name:value`, and what is wrong with one, in Kong's words."""

import re
from typing import Annotated

from gateline.pdk.fields import Format, Matches, OneOf, Ref
from gateline.pdk.templates import template_problem

__all__ = [
    "HeaderEntry",
    "HeaderRename",
    "HeaderToRemove",
    "JsonType",
    "PlainEntry",
    "PlainHeaderRename",
    "TextEntry",
    "header_name_problem",
    "is_header_name",
    "safe_header_value",
    "split",
]

_ENTRY = re.compile(r"([^:]+):*(.*)", re.DOTALL)
_HEADER_NAME = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def split(entry: str) -> tuple[str, str]:
    """Name and value of an entry: the value begins behind the first colon, and is empty where there is none."""
    match = _ENTRY.fullmatch(entry)
    return (match[1], match[2]) if match else ("", "")


def is_header_name(name: str) -> bool:
    """Whether a text is a header's name, as Kong lets one be configured."""
    return _HEADER_NAME.fullmatch(name) is not None


def safe_header_value(value: str) -> str:
    """A value that ends no header line: control characters are percent-encoded, as nginx does."""
    if value.isprintable():
        return value
    return _CONTROL.sub(lambda match: f"%{ord(match[0]):02X}", value)


def header_name_problem(entry: str) -> str | None:
    """What is wrong with the name of a header in an entry."""
    name, _ = split(entry)
    return None if is_header_name(name) else f"'{name or entry}' is not a valid header"


def _header_value(entry: str) -> str | None:
    _, value = split(entry)
    if _CONTROL.search(value):
        return f"'{value}' is not a valid header"
    return header_name_problem(entry) or template_problem(value)


def _new_header_name(entry: str) -> str | None:
    _, new = split(entry)
    if problem := header_name_problem(entry):
        return problem
    if "$(" in new:
        return template_problem(new)
    return None if is_header_name(new) else f"'{new}' is not a valid header"


def _plain_new_header_name(entry: str) -> str | None:
    _, new = split(entry)
    return header_name_problem(entry) or (None if is_header_name(new) else f"'{new}' is not a valid header")


def _valued(entry: str) -> str | None:
    name, value = split(entry)
    return template_problem(value) if value else f"key '{name or entry}' has no value"


_WITH_COLON = Matches(r"[^:]+:(?s:.*)", "^[^:]+:.*$")

HeaderToRemove = Annotated[str, Format(header_name_problem)]
"""The name of a header."""
HeaderEntry = Annotated[str, Ref(), _WITH_COLON, Format(_header_value)]
"""`name:value` of a header; the value is a template."""
HeaderRename = Annotated[str, Ref(), _WITH_COLON, Format(_new_header_name)]
"""`name:new-name` of a header; the new name is a template."""
PlainHeaderRename = Annotated[str, _WITH_COLON, Format(_plain_new_header_name)]
"""`name:new-name` of a header."""
TextEntry = Annotated[str, Ref(), Format(_valued)]
"""`name:value` of a query parameter or a field of a body; the value is a template."""
PlainEntry = Annotated[str, Ref(), _WITH_COLON]
"""`name:value`, taken as it stands."""
JsonType = Annotated[str, OneOf(("boolean", "number", "string"))]
