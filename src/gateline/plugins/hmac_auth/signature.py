"""What a client signs and how it says so: draft-cavage-http-signatures as Kong reads it.

    Authorization: hmac username="bob", algorithm="hmac-sha256", headers="x-date @request-target", signature="..."

What is signed has a line for each of the headers, `name: value`, the name as the client wrote it in the list. Two names
stand for the request itself: `@request-target` (its line is `@request-target: get /path?query`) and `request-line`
(`GET /path?query HTTP/1.1`).
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple

from gateline.pdk.exchange import RequestView

__all__ = ["ALGORITHMS", "Signature"]

ALGORITHMS: Mapping[str, str] = {
    "hmac-sha1": "sha1",
    "hmac-sha256": "sha256",
    "hmac-sha384": "sha384",
    "hmac-sha512": "sha512",
}
"""The names of the algorithms, and of their hash functions."""

_USUAL = re.compile(
    r'username="([^"]*)", ?algorithm="([^"]*)", ?headers="([^"]*)", ?signature="([^"]*)"',
)
"""In Kong's order, which is read at once."""
_PARAMETER = re.compile(r'[ \t]*([a-z]+)="([^"]*)"[ \t]*(?:,|$)')
_NEEDED = frozenset({"username", "algorithm", "headers", "signature"})


class Signature(NamedTuple):
    """A signature as a client sent it."""

    username: str
    algorithm: str
    names: tuple[str, ...]
    """What was signed, in order, as it was written."""
    value: str
    """The signature in base64, without padding."""

    @classmethod
    def read(cls, header: str | None) -> "Signature | None":
        """The signature in the value of an Authorization header; None where there is none, or no whole one."""
        scheme, _, rest = (header or "").strip().partition(" ")
        if scheme.lower() != "hmac":
            return None
        usual = _USUAL.fullmatch(rest)
        if usual is not None:
            username, algorithm, names, value = usual.groups()
            return cls(username, algorithm, tuple(names.split()), value.rstrip("=")) if names.strip() else None
        given: dict[str, str] = {}
        place = 0
        while place < len(rest):
            found = _PARAMETER.match(rest, place)
            if found is None or found[1] in given:
                return None
            given[found[1]] = found[2]
            place = found.end()
        names = tuple(given.get("headers", "").split())
        if given.keys() != _NEEDED or not names:
            return None
        return cls(given["username"], given["algorithm"], names, given["signature"].rstrip("="))

    def fits(self, request: RequestView, secret: str) -> bool:
        """Whether it is the signature of a request with a secret."""
        made = hmac.digest(secret.encode("utf-8", "surrogateescape"), self._signed(request), ALGORITHMS[self.algorithm])
        return hmac.compare_digest(b64encode(made).rstrip(b"="), self.value.encode("latin-1", "replace"))

    def _signed(self, request: RequestView) -> bytes:
        return "\n".join([_line(request, name) for name in self.names]).encode("latin-1", "replace")


def _line(request: RequestView, name: str) -> str:
    if name == "request-line":
        return f"{request.method} {request.path_with_query} HTTP/{float(request.http_version):.1f}"
    if name == "@request-target":
        return f"{name}: {request.method.lower()} {request.path_with_query}"
    values = request.header_values(name)
    # Several lines of a name are one list: who adds a line to what was signed changes it.
    return f"{name}: {', '.join(values)}" if values else f"{name}:"
