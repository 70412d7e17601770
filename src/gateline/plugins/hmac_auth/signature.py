"""What a client signs and how it says so: draft-cavage-http-signatures as Kong reads it.

    Authorization: hmac username="bob", algorithm="hmac-sha256", headers="x-date @request-target", signature="..."

What is signed has a line for each of the headers, `name: value`, the name as the client wrote it in the list. Two names
stand for the request itself: `@request-target` (its line is `@request-target: get /path?query`) and `request-line`
(`GET /path?query HTTP/1.1`).
"""

import hmac
import re
from binascii import b2a_base64
from collections.abc import Mapping
from functools import lru_cache

from gateline.pdk.exchange import RequestView

__all__ = ["ALGORITHMS", "Signature", "signature_of"]

ALGORITHMS: Mapping[str, str] = {
    "hmac-sha1": "sha1",
    "hmac-sha256": "sha256",
    "hmac-sha384": "sha384",
    "hmac-sha512": "sha512",
}
"""The names of the algorithms, and of their hash functions."""

_usual = re.compile(
    r'username="([^"]*)", ?algorithm="([^"]*)", ?headers="([^"]*)", ?signature="([^"]*)"',
).fullmatch
"""In Kong's order, which is read at once."""
_PARAMETER = re.compile(r'[ \t]*([a-z]+)="([^"]*)"[ \t]*(?:,|$)')
_NEEDED = frozenset({"username", "algorithm", "headers", "signature"})
_LONGEST_REMEMBERED = 256
"""Characters of a list of names that is remembered: clients send the same few again and again."""


class Signature:
    """A signature as a client sent it: `names` is what was signed, in order, as it was written; `covers` the same in
    lower case; `value` the signature in base64, without padding."""

    __slots__ = ("algorithm", "covers", "names", "username", "value")

    def __init__(
        self, username: str, algorithm: str, listed: tuple[tuple[str, ...], frozenset[str]], value: str
    ) -> None:
        self.username = username
        self.algorithm = algorithm
        self.names, self.covers = listed
        self.value = value.rstrip("=")

    def fits(self, request: RequestView, secret: str) -> bool:
        """Whether it is the signature of a request with a secret."""
        made = _keyed(secret, ALGORITHMS[self.algorithm]).copy()
        made.update(self._signed(request))
        value = b2a_base64(made.digest(), newline=False).rstrip(b"=")
        return hmac.compare_digest(value, self.value.encode("latin-1", "replace"))

    def _signed(self, request: RequestView) -> bytes:
        return "\n".join([_line(request, name) for name in self.names]).encode("latin-1", "replace")


def signature_of(header: str | None) -> Signature | None:
    """The signature in the value of an Authorization header; None where there is none, or no whole one."""
    if header is None:
        return None
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "hmac":
        return None
    usual = _usual(rest)
    if usual is not None:
        username, algorithm, text, value = usual.groups()
        listed = _names(text)
        return Signature(username, algorithm, listed, value) if listed[0] else None
    given: dict[str, str] = {}
    place = 0
    while place < len(rest):
        found = _PARAMETER.match(rest, place)
        if found is None or found[1] in given:
            return None
        given[found[1]] = found[2]
        place = found.end()
    listed = _names(given.get("headers", ""))
    if given.keys() != _NEEDED or not listed[0]:
        return None
    return Signature(given["username"], given["algorithm"], listed, given["signature"])


def _names(text: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """The names of a list, as they are and in lower case."""
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _taken_apart(text)


def _taken_apart(text: str) -> tuple[tuple[str, ...], frozenset[str]]:
    names = tuple(text.split())
    return names, frozenset([name.lower() for name in names])


_remembered = lru_cache(maxsize=512)(_taken_apart)


@lru_cache(maxsize=4096)
def _keyed(secret: str, function: str) -> hmac.HMAC:
    """What has read the key already, to be copied: that is most of the work for a text of a request's size."""
    return hmac.new(secret.encode("utf-8", "surrogateescape"), digestmod=function)


def _line(request: RequestView, name: str) -> str:
    if name == "request-line":
        return f"{request.method} {request.path_with_query} HTTP/{float(request.http_version):.1f}"
    if name == "@request-target":
        return f"{name}: {request.method.lower()} {request.path_with_query}"
    values = request.header_values(name)
    if not values:
        return name + ":"
    # Several lines of a name are one list: who adds a line to what was signed changes it.
    return f"{name}: {values[0] if len(values) == 1 else ', '.join(values)}"
