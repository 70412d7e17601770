"""Host names of routes and SNIs: how they are written, and the keys under which they are looked up.

Names compare without case (RFC 9110, 4.2.3), a trailing dot does not count. A `*` at one end stands for any characters:
`*.example.com` takes every name below `example.com` (not itself), `example.*` the name under any ending.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple, final

from gateline.engine.router.interface import RouteError

__all__ = ["HostKey", "ServerNames", "WildcardKeys", "host_key", "wildcard_end"]


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
    before, colon, after = entry.rpartition(":") if ":" in entry else (entry, "", "")
    if colon and (":" not in before or before.endswith("]")):
        if not (after.isascii() and after.isdigit() and 0 < int(after[:6]) <= 65535):
            raise RouteError(field, f"invalid port in '{entry}'")
        name, port = before, int(after)
    elif colon and not entry.startswith("["):
        name = f"[{entry}]"  # a bare IPv6 address
    text = name.encode("utf-8", "surrogatepass").lower().removesuffix(b".")
    if b"*" not in text:
        return HostKey(text, "", port)
    if text.count(b"*") == 1 and text.startswith(b"*"):
        return HostKey(text[1:], "left", port)
    if text.count(b"*") == 1 and text.endswith(b"*"):
        return HostKey(text[:-1], "right", port)
    raise RouteError(field, f"invalid wildcard in '{entry}': there may be one, at the left or right end")


_AT_DOT = -1
_NO_COUNTS: Mapping[tuple[str, int], int] = MappingProxyType({})


@final
class WildcardKeys:
    """The wildcard keys, out of a set of them, that a name can have.

    Keys at a dot are found by walking the name's labels, so that their number does not count; the others, rare ones,
    by their lengths.
    """

    __slots__ = ("_head_lengths", "_heads", "_tail_lengths", "_tails", "counts")

    def __init__(self, counts: Mapping[tuple[str, int], int] = _NO_COUNTS) -> None:
        """`counts`: how many keys there are of each `wildcard_end`."""
        self.counts = counts
        self._tails = ("left", _AT_DOT) in counts
        self._heads = ("right", _AT_DOT) in counts
        self._tail_lengths = sorted(length for end, length in counts if end == "left" and length != _AT_DOT)
        self._head_lengths = sorted(length for end, length in counts if end == "right" and length != _AT_DOT)

    def of(self, name: bytes, port: int) -> Iterator[HostKey]:
        """The keys of wildcards that take the name, with this port and with any."""
        for wildcard, text in self._texts(name):
            yield HostKey(text, wildcard)
            yield HostKey(text, wildcard, port)

    def _texts(self, name: bytes) -> Iterator[tuple[str, bytes]]:
        if not name:
            return
        if self._tails:
            at = name.find(b".", 1)
            while at >= 0:
                yield "left", name[at:]
                at = name.find(b".", at + 1)
        if self._heads:
            at = name.find(b".")
            while at >= 0:
                yield "right", name[: at + 1]
                at = name.find(b".", at + 1)
        for length in self._tail_lengths:
            yield "left", name[max(len(name) - length, 0) :]
        for length in self._head_lengths:
            yield "right", name[:length]


def wildcard_end(key: HostKey) -> tuple[str, int]:
    """Which end of a key is open, and how long the rest is, or that there is a dot in between."""
    at_dot = key.text.startswith(b".") if key.wildcard == "left" else key.text.endswith(b".")
    return key.wildcard, _AT_DOT if at_dot else len(key.text)


@final
class ServerNames:
    """The `snis` of a route."""

    __slots__ = ("_heads", "_tails", "exact", "only_exact")

    def __init__(self, names: Iterable[HostKey]) -> None:
        names = tuple(names)
        self.exact = frozenset([name.text for name in names if not name.wildcard])
        self._tails = tuple([name.text for name in names if name.wildcard == "left"])
        self._heads = tuple([name.text for name in names if name.wildcard == "right"])
        self.only_exact = not self._tails and not self._heads

    def take(self, name: bytes) -> bool:
        """Whether the server name of a TLS connection (lower case, b"" for none) is one of these."""
        return name in self.exact or (bool(name) and (name.endswith(self._tails) or name.startswith(self._heads)))
