"""Cache-Status, which tells how a cache dealt with a request (RFC 9211)."""

from typing import Literal

__all__ = ["Forwarded", "cache_status"]

Forwarded = Literal["bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"]
"""Why a request went on to the service (RFC 9211, section 2.2)."""

_LONGEST_INTEGER = 10**15 - 1


def cache_status(
    cache: str,
    *,
    hit: bool = False,
    forwarded: Forwarded | None = None,
    forwarded_status: int | None = None,
    ttl: float | None = None,
    stored: bool = False,
    collapsed: bool = False,
    key: str | None = None,
    detail: str | None = None,
) -> str:
    """The value of a line of Cache-Status: an item of a list, named after the cache.

    A hit and a reason to forward exclude each other. `forwarded_status` is what the service answered where that is not
    what the client gets, `ttl` how many seconds the answer stays fresh, below zero when it is stale.
    """
    parts = [_name(cache)]
    if hit:
        parts.append("hit")
    elif forwarded is not None:
        parts.append(f"fwd={forwarded}")
        if forwarded_status is not None:
            parts.append(f"fwd-status={forwarded_status}")
        if stored:
            parts.append("stored")
        if collapsed:
            parts.append("collapsed")
    if ttl is not None:
        parts.append(f"ttl={max(-_LONGEST_INTEGER, min(int(ttl), _LONGEST_INTEGER))}")
    if key is not None:
        parts.append(f"key={_quoted(key)}")
    if detail is not None:
        parts.append(f"detail={detail if _is_token(detail) else _quoted(detail)}")
    return "; ".join(parts)


def _name(cache: str) -> str:
    return cache if _is_token(cache) else _quoted(cache)


def _is_token(text: str) -> bool:
    """Whether the text is a token of a structured field (RFC 9651, section 3.3.4)."""
    first, rest = text[:1], text[1:].replace(":", "").replace("/", "")
    return (
        text.isascii()
        and (first.isalpha() or first == "*")
        and all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in rest)
    )


def _quoted(text: str) -> str:
    """The text as a string of a structured field; what such a string cannot hold becomes a question mark."""
    plain = "".join(character if " " <= character <= "~" else "?" for character in text)
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
