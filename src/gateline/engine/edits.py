"""What plugins change of a request or an answer, until the codec writes its head.

Headers stay where they were received; an edit is an entry by the header's lower-case name with the lines that there
shall be instead: none, one, or more. Names and values are checked here, once, for everybody: whatever a plugin sets can
neither break a head nor smuggle a second one. The headers that frame a message or belong to one connection, and those
that the gateway itself writes, are its own: to set them has no effect.
"""

from collections.abc import Iterable

from gateline.engine.wire import codec

__all__ = ["HeaderEdits", "RequestEdits", "ResponseEdits", "header_key", "header_value"]

_FRAMING = codec.HOP | codec.CONTENT_LENGTH | codec.TRANSFER_ENCODING
_OWN_IN_REQUESTS = (
    _FRAMING
    | codec.HOST
    | codec.EXPECT
    | codec.VIA
    | codec.REQUEST_ID
    | codec.X_REAL_IP
    | codec.X_FORWARDED_FOR
    | codec.X_FORWARDED_PROTO
    | codec.X_FORWARDED_HOST
    | codec.X_FORWARDED_PORT
    | codec.X_FORWARDED_PATH
    | codec.X_FORWARDED_PREFIX
)
_OWN_IN_RESPONSES = _FRAMING | codec.REQUEST_ID | codec.LATENCY
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_KNOWN_LIMIT = 4096
_known: dict[str, tuple[bytes, bytes, int]] = {}


def header_key(name: str) -> tuple[bytes, bytes, int]:
    """A header's lower-case name, its name as given, and its kind in requests. Raises ValueError for no name."""
    known = _known.get(name)
    if known is None:
        written = name.encode("latin-1", "replace")
        if not written or not _TOKEN.issuperset(written):
            raise ValueError(f"not a header name: {name!r}")
        known = written.lower(), written, codec.kind_of(written)
        if len(_known) >= _KNOWN_LIMIT:
            _known.clear()
        _known[name] = known
    return known


def header_value(value: str) -> bytes:
    """A header's value in wire form. Raises ValueError for one that holds a line break or a NUL."""
    if value.isprintable() and value.isascii() and value.strip() == value:  # as nearly all are
        return value.encode("ascii")
    try:
        written = value.encode("latin-1")
    except UnicodeEncodeError:
        written = value.encode()
    if not value.isprintable() and (b"\n" in written or b"\r" in written or b"\0" in written):
        raise ValueError("a header value cannot hold a line break or a NUL character")
    return written.strip(b" \t")


class HeaderEdits:
    """Edits of the headers of a head; `own` are the kinds that cannot be edited."""

    __slots__ = ("changed", "own")

    def __init__(self, own: int) -> None:
        self.changed: dict[bytes, list[tuple[bytes, bytes]]] = {}
        self.own = own

    def set_line(self, name: str, value: str) -> None:
        """One line of this name."""
        known = header_key(name)
        if not known[2] & self.own:
            self.changed[known[0]] = [(known[1], header_value(value))]

    def add_line(self, name: str, value: str, head: codec.RequestHead | codec.ResponseHead | None) -> None:
        """A further line after those that there are, in the edits or in `head`."""
        key, written, kind = header_key(name)
        if kind & self.own:
            return
        lines = self.changed.get(key)
        if lines is None:
            there = head is not None and head.get(key) is not None
            lines = [pair for pair in head.items() if pair[0].lower() == key] if head is not None and there else []
            self.changed[key] = lines
        lines.append((written, header_value(value)))

    def default_lines(
        self, wanted: Iterable[tuple[str, str]], head: codec.RequestHead | codec.ResponseHead | None
    ) -> None:
        """A line for each name of which there is none, in the edits or in `head`."""
        changed = self.changed
        own = self.own
        for name, value in wanted:
            key, written, kind = header_key(name)
            if kind & own:
                continue
            lines = changed.get(key)
            if not lines and (lines is not None or head is None or head.get(key) is None):
                changed[key] = [(written, header_value(value))]

    def replace_line(self, name: str, value: str, head: codec.RequestHead | codec.ResponseHead | None) -> None:
        """One line in place of those that there are, in the edits or in `head`; its name stays as it is there."""
        key, _, kind = header_key(name)
        if kind & self.own:
            return
        lines = self.changed.get(key)
        if lines is None and head is not None and head.get(key) is not None:
            lines = [pair for pair in head.items() if pair[0].lower() == key]
        if lines:
            self.changed[key] = [(lines[0][0], header_value(value))]

    def remove(self, name: str) -> None:
        """No line of this name."""
        key, _, kind = header_key(name)
        if not kind & self.own:
            self.changed[key] = []

    def names(self) -> tuple[bytes, ...] | None:
        """The headers of the head that shall not be written, for `Head.encode`."""
        return tuple(self.changed) if self.changed else None

    def block(self) -> bytes:
        """The lines that shall be written, each ended by CRLF."""
        parts: list[bytes] = []
        for lines in self.changed.values():
            for name, value in lines:
                parts += (name, b": ", value, b"\r\n")
        return b"".join(parts)


class RequestEdits(HeaderEdits):
    """Edits of the request that goes to the service; None where it stays as it is. Timeouts in seconds, -1 likewise.

    `destination` is a compiled target or a balancer.
    """

    __slots__ = (
        "body",
        "connect_timeout",
        "destination",
        "host",
        "method",
        "path",
        "place",
        "query",
        "read_timeout",
        "retries",
        "scheme",
        "write_timeout",
    )

    def __init__(self) -> None:
        HeaderEdits.__init__(self, _OWN_IN_REQUESTS)
        self.method: bytes | None = None
        self.path: bytes | None = None
        self.query: bytes | None = None
        self.host: bytes | None = None
        self.body: bytes | None = None
        self.destination: object = None
        self.scheme: str | None = None
        self.place: tuple[str, int | None] | None = None
        self.connect_timeout = -1.0
        self.read_timeout = -1.0
        self.write_timeout = -1.0
        self.retries = -1


class ResponseEdits(HeaderEdits):
    """Edits of the answer; a status of 0 and a body of None leave it as it is."""

    __slots__ = ("body", "status")

    def __init__(self) -> None:
        HeaderEdits.__init__(self, _OWN_IN_RESPONSES)
        self.status = 0
        self.body: bytes | None = None
