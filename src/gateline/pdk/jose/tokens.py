"""A signed token in its compact form (RFC 7515, section 7.1), taken apart.

What two readers could take for two things is none: base64url that is not in its one form, a member that is there twice,
JSON that is not JSON, an extension that must be understood (`crit`) and is not. The reasons are Kong's words.
"""

import json
from binascii import a2b_base64
from collections.abc import Mapping
from typing import Any

import msgspec

from gateline.pdk.jose.algorithms import ALGORITHMS

__all__ = ["Token", "TokenError", "base64url", "object_of", "parse"]

_ALPHABET = bytes.maketrans(b"-_+/=", b"+/\xff\xff\xff")
_PADDING = (b"", b"", b"==", b"=")
_LAST = (None, b"", b"AQgw", b"AEIMQUYcgkosw048")
"""The last characters of which no bit is left over, by how many there are after whole groups of four."""

_KNOWN = frozenset(ALGORITHMS)
_decode = msgspec.json.Decoder().decode

_HEADERS_KEPT = 256
_LONGEST_KEPT = 512
_headers: dict[bytes, dict[str, Any]] = {}
"""Headers as they came: those of an issuer are nearly all the same."""


class TokenError(ValueError):
    """A text is no token; says why."""


class Token:
    """A token whose signature nobody has looked at yet. Its header may be shared: never change it."""

    __slots__ = ("algorithm", "claims", "header", "signature", "signed")

    def __init__(
        self, header: Mapping[str, Any], claims: dict[str, Any], algorithm: str, signed: bytes, signature: bytes
    ) -> None:
        self.header = header
        self.claims = claims
        self.algorithm = algorithm
        self.signed = signed
        self.signature = signature


def parse(text: str) -> Token:
    """Take a token apart. Raises TokenError."""
    try:
        first, second, third = text.encode("ascii").split(b".")
        header = _headers.get(first)
        if header is None:
            header = _header(first)
        payload = base64url(second)
        claims = _decode(payload)
        if _repeats(payload, claims):
            raise ValueError("a member is there twice")
    except (ValueError, RecursionError):
        raise TokenError("invalid JSON") from None
    algorithm = header.get("alg")
    if algorithm.__class__ is not str or algorithm not in _KNOWN:
        raise TokenError("invalid alg")
    if "crit" in header:
        raise TokenError("invalid crit")
    if claims.__class__ is not dict:
        raise TokenError("invalid claims")
    try:
        signature = base64url(third)
    except ValueError:
        raise TokenError("invalid signature") from None
    return Token(header, claims, algorithm, b"%b.%b" % (first, second), signature)


def base64url(part: bytes) -> bytes:
    """What a text in base64url without padding stands for (RFC 7515, section 2). Raises ValueError.

    Of the texts that would decode to the same, only the one that an encoder writes is taken.
    """
    over = len(part) & 3
    if over and (not over - 1 or part[-1] not in _LAST[over]):  # type: ignore[operator]
        raise ValueError("not base64url")
    return a2b_base64(part.translate(_ALPHABET) + _PADDING[over], strict_mode=True)


def object_of(data: bytes) -> dict[str, Any]:
    """A JSON object in which no member is there twice, at any depth. Raises ValueError."""
    try:
        value = _decode(data)
        if value.__class__ is not dict or _repeats(data, value):
            raise ValueError("not an object, or a member is there twice")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def _header(part: bytes) -> dict[str, Any]:
    header = object_of(base64url(part))
    if len(part) <= _LONGEST_KEPT:
        if len(_headers) >= _HEADERS_KEPT:
            _headers.clear()
        _headers[part] = header
    return header


def _repeats(data: bytes, value: Any) -> bool:
    """Whether a member of JSON that was read is there twice.

    Where nothing is escaped, each text has two quotation marks, and the names of members are texts. When as many texts
    are left as were written, none was lost.
    """
    if b"\\" not in data and data.count(b'"') == 2 * _texts(value):
        return False
    try:
        json.loads(data, object_pairs_hook=_without_repeats)
    except ValueError:
        return True
    return False


def _texts(value: Any) -> int:
    """How many texts a value holds, names of members included."""
    kind = value.__class__
    if kind is dict:
        total = len(value)
        value = value.values()
    elif kind is list:
        total = 0
    else:
        return 1 if kind is str else 0
    for inner in value:
        kind = inner.__class__
        if kind is str:
            total += 1
        elif kind is dict or kind is list:
            total += _texts(inner)
    return total


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members
