"""Telling that a code is Lua, for users who come with Kong's configurations."""

import re

__all__ = ["KONG_NAMES", "LUA", "looks_like_lua"]

LUA = "this is Lua, which is not run: write it in Python (docs/differences-from-kong.md, 'Lua')"

KONG_NAMES = frozenset({"kong", "ngx"})
"""Names that Lua code in Kong has; code that is Python as well gives itself away by them."""

_LUA = re.compile(
    r"\blocal\s+\w|\bfunction\s*[\w.:]*\s*\(|\bthen\b|\belseif\b|\bend\b|\bnil\b|~=|--|\.\.|\b(?:kong|ngx)\.\w"
)


def looks_like_lua(source: str) -> bool:
    """Whether a text that is no Python has something of Lua."""
    return _LUA.search(source) is not None
