"""Host names of routes and SNIs: how they are written, and the keys under which they are looked up.

Names compare without case (RFC 9110, 4.2.3), a trailing dot does not count. A wildcard stands for one or more labels at
one end: `*.example.com` (but not `example.com`), `example.*`.
"""

from collections.abc import Iterator
from typing import NamedTuple

from gateline.engine.router.interface import RouteError

__all__ = ["HostKey", "ServerNames", "host_key", "wildcard_heads", "wildcard_tails"]


class HostKey(NamedTuple):
    """One entry of a route's `hosts`. `text` is the whole name, or what follows or precedes the `*`, dot included."""

    text: bytes
    wildcard: str = ""
    """Which end is open: "left", "right", or "" for neither."""
    port: int = 0
    """The listener's port that the entry asks for, 0 for any."""


def host_key(entry: str, field: str = "hosts") -> HostKey:
    """The look-up key of an entry of a route's `hosts` or `snis`; raise `RouteError`."""
    name, port = entry, 0
    before, colon, after = entry.rpartition(":")
    if colon and (":" not in before or before.endswith("]")):
        if not (after.isascii() and after.isdigit() and 0 < int(after[:6]) <= 65535):
            raise RouteError(field, f"invalid port in '{entry}'")
        name, port = before, int(after)
    elif colon and not entry.startswith("["):
        name = f"[{entry}]"  # a bare IPv6 address
    try:
        text = name.lower().removesuffix(".").encode("ascii")
    except UnicodeEncodeError:
        raise RouteError(field, f"invalid host name '{entry}': only ASCII characters are allowed") from None
    if b"*" not in text:
        return HostKey(text, "", port)
    if text == b"*":
        return HostKey(b"", "left", port)
    if text.startswith(b"*.") and b"*" not in text[1:]:
        return HostKey(text[1:], "left", port)
    if text.endswith(b".*") and b"*" not in text[:-1]:
        return HostKey(text[:-1], "right", port)
    raise RouteError(field, f"invalid wildcard in '{entry}': it must be the leftmost or rightmost label")


def wildcard_tails(name: bytes) -> Iterator[bytes]:
    """What the `*.` entries that take the name have after their `*`."""
    at = name.find(b".", 1)
    while at >= 0:
        yield name[at:]
        at = name.find(b".", at + 1)
    if name:
        yield b""


def wildcard_heads(name: bytes) -> Iterator[bytes]:
    """What the `.*` entries that take the name have before their `*`."""
    at = name.find(b".")
    while 0 <= at < len(name) - 1:
        yield name[: at + 1]
        at = name.find(b".", at + 1)


class ServerNames:
    """The `snis` of a route."""

    __slots__ = ("exact", "heads", "only_exact", "tails")

    def __init__(self, names: Iterator[HostKey]) -> None:
        exact: set[bytes] = set()
        heads: set[bytes] = set()
        tails: set[bytes] = set()
        for name in names:
            (tails if name.wildcard == "left" else heads if name.wildcard == "right" else exact).add(name.text)
        self.exact = frozenset(exact)
        self.heads = frozenset(heads)
        self.tails = frozenset(tails)
        self.only_exact = not heads and not tails

    def take(self, name: bytes) -> bool:
        """Whether the server name of a TLS connection is one of these."""
        return (
            name in self.exact
            or (bool(self.tails) and not self.tails.isdisjoint(wildcard_tails(name)))
            or (bool(self.heads) and not self.heads.isdisjoint(wildcard_heads(name)))
        )
