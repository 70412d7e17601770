"""What plugins change of a request or an answer, until the codec writes its head.

Headers stay where they were received; an edit is an entry by the header's lower-case name with the block of lines that
there shall be instead: empty, one line, or more. Names and values are checked here, once, for everybody: whatever a
plugin sets can neither break a head nor smuggle a second one. The headers that frame a message or belong to one
connection, and those that the gateway itself writes, are its own: to set them has no effect.
"""

from collections.abc import Iterable, Sequence

from gateline.engine.wire import codec
from gateline.engine.wire.codec import header_line
from gateline.pdk.answers import HeaderForm, HeaderLines, HeaderValues

__all__ = ["HeaderEdits", "RequestEdits", "ResponseEdits", "all_lines", "header_key", "header_value", "line_values"]

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
    """A header's lower-case name, what a line of it begins with, and its kind in requests. Raises ValueError for no
    name."""
    known = _known.get(name)
    if known is None:
        written = name.encode("latin-1", "replace")
        if not written or not _TOKEN.issuperset(written):
            raise ValueError(f"not a header name: {name!r}")
        known = written.lower(), written + b": ", codec.kind_of(written)
        if len(_known) >= _KNOWN_LIMIT:
            _known.clear()
        _known[name] = known
    return known


def header_value(value: str) -> bytes:
    """A header's value in wire form. Raises ValueError for one that holds a line break or a NUL."""
    try:
        written = value.encode("latin-1")
    except UnicodeEncodeError:
        written = value.encode()
    if not value.isprintable() and (b"\n" in written or b"\r" in written or b"\0" in written):
        raise ValueError("a header value cannot hold a line break or a NUL character")
    return written.strip(b" \t")


def _line(begin: bytes, value: str) -> bytes:
    line = header_line(begin, value)  # of nearly all
    return begin + header_value(value) + b"\r\n" if line is None else line


def line_values(block: bytes) -> list[str]:
    """The values of a block of lines."""
    return [line.partition(b": ")[2].decode("latin-1") for line in block.split(b"\r\n")[:-1]]


def all_lines(
    head: codec.RequestHead | codec.ResponseHead | None, edits: "HeaderEdits | None"
) -> list[tuple[str, str]]:
    """Name and value of every line of a head after its edits."""
    changed = {} if edits is None else edits.changed
    lines = [] if head is None else [pair for pair in head.items() if pair[0].lower() not in changed]
    for block in changed.values():
        for line in block.split(b"\r\n")[:-1]:
            name, _, value = line.partition(b": ")
            lines.append((name, value))
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in lines]


def _prepared(lines: Iterable[tuple[str, str]]) -> tuple[tuple[bytes, int, bytes], ...]:
    """Lines as they are wanted below: (lower-case name, kind, line) each."""
    prepared = []
    for name, value in lines:
        key, begin, kind = header_key(name)
        prepared.append((key, kind, _line(begin, value)))
    return tuple(prepared)


def _form(form: HeaderForm, own: int) -> tuple[dict[bytes, bytes], list[tuple[bytes | None, bytes]]]:
    """The blocks of a form by key, and for each value that is open its key (None: it cannot be set) and how its line
    begins."""
    blocks: dict[bytes, bytes] = {}
    opened: list[tuple[bytes | None, bytes]] = []
    for name, value in form:
        key, begin, kind = header_key(name)
        if not kind & own:
            blocks[key] = b"" if value is None else _line(begin, value)
        if value is None:
            opened.append((None if kind & own else key, begin))
    return blocks, opened


class HeaderEdits:
    """Edits of the headers of a head; `own` are the kinds that cannot be edited."""

    __slots__ = ("changed", "own")

    def __init__(self, own: int) -> None:
        self.changed: dict[bytes, bytes] = {}
        self.own = own

    def set_line(self, name: str, value: str) -> None:
        """One line of this name."""
        known = header_key(name)
        if not known[2] & self.own:
            self.changed[known[0]] = _line(known[1], value)

    def set_values(self, form: HeaderForm, values: Sequence[str]) -> None:
        """The lines of a form, each instead of what there is of its name."""
        prepared = form.prepared
        if prepared is None:
            prepared = form.prepared = _form(form, self.own)
        changed = self.changed
        changed.update(prepared[0])
        opened = prepared[1]
        for at, (key, begin) in enumerate(opened):
            if key is not None:
                changed[key] = _line(begin, values[at])

    def set_lines(self, headers: HeaderValues) -> None:
        """The lines of these names: one, or as many as a list says."""
        for name, given in headers.items():
            if isinstance(given, (list, tuple)):
                self.remove(name)
                for value in given:
                    self.add_line(name, value, None)
            else:
                self.set_line(name, str(given))

    def add_line(self, name: str, value: str, head: codec.RequestHead | codec.ResponseHead | None) -> None:
        """A further line after those that there are, in the edits or in `head`."""
        key, begin, kind = header_key(name)
        if kind & self.own:
            return
        block = self.changed.get(key)
        if block is None:
            block = _block_of(key, head)
        self.changed[key] = block + _line(begin, value)

    def default_lines(
        self, wanted: Iterable[tuple[str, str]], head: codec.RequestHead | codec.ResponseHead | None
    ) -> None:
        """A line for each name of which there is none, in the edits or in `head`."""
        if isinstance(wanted, HeaderLines):
            prepared = wanted.prepared
            if prepared is None:
                prepared = wanted.prepared = _prepared(wanted)
        else:
            prepared = _prepared(wanted)
        changed = self.changed
        own = self.own
        for key, kind, line in prepared:
            if kind & own:
                continue
            block = changed.get(key)
            if not block and (block is not None or head is None or head.get(key) is None):
                changed[key] = line

    def replace_line(self, name: str, value: str, head: codec.RequestHead | codec.ResponseHead | None) -> None:
        """One line in place of those that there are, in the edits or in `head`; its name stays as it is there."""
        key, _, kind = header_key(name)
        if kind & self.own:
            return
        block = self.changed.get(key)
        if block is None:
            block = _block_of(key, head)
        if block:
            self.changed[key] = _line(block.partition(b": ")[0] + b": ", value)

    def remove(self, name: str) -> None:
        """No line of this name."""
        known = header_key(name)
        if not known[2] & self.own:
            self.changed[known[0]] = b""


def _block_of(key: bytes, head: codec.RequestHead | codec.ResponseHead | None) -> bytes:
    """The lines of a name in a head."""
    if head is None or head.get(key) is None:
        return b""
    return b"".join([b"%b: %b\r\n" % pair for pair in head.items() if pair[0].lower() == key])


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
        self.changed = {}
        self.own = _OWN_IN_REQUESTS
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
        self.changed = {}
        self.own = _OWN_IN_RESPONSES
        self.status = 0
        self.body: bytes | None = None
