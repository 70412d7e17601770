"""A signed token in its compact form (RFC 7515, section 7.1), taken apart.

What two readers could take for two things is none: base64url that is not in its one form, a member that is there twice,
JSON that is not JSON, an extension that must be understood (`crit`) and is not. The reasons are Kong's words.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from pybase64 import b64decode

from gateline.pdk.jose.algorithms import ALGORITHMS

__all__ = ["Token", "TokenError", "base64url", "object_of", "parse"]

_QUOTE, _PLUS, _SLASH, _EQUALS, _BACKSLASH = b'"+/=\\'
_PADDING = (b"", b"", b"==", b"=")
_LAST = (None, b"", b"AQgw", b"AEIMQUYcgkosw048")
"""The last characters of which no bit is left over, by how many there are after whole groups of four."""

_KNOWN = frozenset(ALGORITHMS)
_decode = msgspec.json.Decoder().decode

_HEADERS_KEPT = 256
_LONGEST_KEPT = 512
_headers: dict[bytes, "Header"] = {}
"""Headers by how they came: those of an issuer are nearly all the same."""


class TokenError(ValueError):
    """A text is no token; says why."""


class Header:
    """A token's header, read. `fault` says what is wrong with it; it is empty where nothing is."""

    __slots__ = ("algorithm", "fault", "fields")

    def __init__(self, fields: dict[str, Any]) -> None:
        algorithm = fields.get("alg")
        self.fields = fields
        self.algorithm = algorithm if isinstance(algorithm, str) and algorithm in _KNOWN else ""
        self.fault = "invalid crit" if "crit" in fields else ""
        if not self.algorithm:
            self.fault = "invalid alg"


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
    first, last = text.find("."), text.rfind(".")
    try:
        written = text.encode("ascii")
        if first == last:
            raise ValueError("less than three parts")
        part = written[:first]
        header = _headers.get(part)
        if header is None:
            header = _header(part)
        payload = base64url(written[first + 1 : last])  # of which a further dot would be no part
        claims = _decode(payload)
        if _repeats(payload, claims):
            raise ValueError("a member is there twice")
    except (ValueError, RecursionError):
        raise TokenError("invalid JSON") from None
    if header.fault:
        raise TokenError(header.fault)
    if type(claims) is not dict:
        raise TokenError("invalid claims")
    try:
        signature = base64url(written[last + 1 :])
    except ValueError:
        raise TokenError("invalid signature") from None
    return Token(header.fields, claims, header.algorithm, written[:last], signature)


def base64url(part: bytes) -> bytes:
    """What a text in base64url without padding stands for (RFC 7515, section 2). Raises ValueError.

    Of the texts that would decode to the same, only the one that an encoder writes is taken.
    """
    over = len(part) & 3
    if over and (not over - 1 or part[-1] not in _LAST[over]):  # type: ignore[operator]
        raise ValueError("not base64url")
    if _EQUALS in part or _PLUS in part or _SLASH in part:  # which the decoder takes
        raise ValueError("not base64url")
    return b64decode(part + _PADDING[over] if over else part, b"-_", True)


def object_of(data: bytes) -> dict[str, Any]:
    """A JSON object in which no member is there twice, at any depth. Raises ValueError."""
    try:
        value = _decode(data)
        if type(value) is not dict or _repeats(data, value):
            raise ValueError("not an object, or a member is there twice")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def _header(part: bytes) -> Header:
    header = Header(object_of(base64url(part)))
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
    if _BACKSLASH not in data and data.count(_QUOTE) == 2 * _texts(value):
        return False
    try:
        json.loads(data, object_pairs_hook=_without_repeats)
    except ValueError:
        return True
    return False


def _texts(value: Any) -> int:
    """How many texts a value holds, names of members included."""
    if type(value) is dict:
        return _texts_of_members(value)
    if type(value) is list:
        return _texts_of_items(value)
    return 1 if type(value) is str else 0


def _texts_of_members(members: dict[str, Any]) -> int:
    total = 0
    for inner in members.values():
        total += 2 if type(inner) is str else 1 + _texts(inner)
    return total


def _texts_of_items(items: list[Any]) -> int:
    total = 0
    for inner in items:
        total += _texts(inner)
    return total


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members
