"""What plugins change of a request or an answer, until the codec writes its head.

Headers stay where they were received; an edit is an entry by the header's lower-case name with the block of lines that
there shall be instead: empty, one line, or more. Names and values are checked here, once, for everybody: whatever a
plugin sets can neither break a head nor smuggle a second one. The headers that frame a message or belong to one
connection, and those that the gateway itself writes, are its own: to set them has no effect.
"""

from collections.abc import Iterable, Sequence

from gateline.engine.wire import codec
from gateline.engine.wire.codec import header_line
from gateline.pdk import header_changes
from gateline.pdk.answers import HeaderForm, HeaderValues
from gateline.pdk.header_changes import HeaderChanges

__all__ = [
    "HeaderEdits",
    "KnownName",
    "RequestEdits",
    "ResponseEdits",
    "all_lines",
    "header_key",
    "header_value",
    "known_name",
    "line_values",
]

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
_SET = header_changes.SET
_ADD = header_changes.ADD
_DEFAULT = header_changes.DEFAULT
_REPLACE = header_changes.REPLACE


class KnownName:
    """A header's name as edits need it: in lower case, what a line of it begins with, and its kind in requests."""

    __slots__ = ("begin", "key", "kind")

    def __init__(self, key: bytes, begin: bytes, kind: int) -> None:
        self.key = key
        self.begin = begin
        self.kind = kind


_known: dict[str, KnownName] = {}


def known_name(name: str) -> KnownName:
    """What there is to know of a header's name. Raises ValueError for what is none."""
    known = _known.get(name)
    if known is None:
        written = name.encode("latin-1", "replace")
        if not written or not _TOKEN.issuperset(written):
            raise ValueError(f"not a header name: {name!r}")
        known = KnownName(written.lower(), written + b": ", codec.kind_of(written))
        if len(_known) >= _KNOWN_LIMIT:
            _known.clear()
        _known[name] = known
    return known


def header_key(name: str) -> bytes:
    """A header's lower-case name. Raises ValueError for no name."""
    return known_name(name).key


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


class _Change:
    """A change of `HeaderChanges`, written: the line that it is about, empty for none."""

    __slots__ = ("action", "begin", "key", "kind", "line")

    def __init__(self, action: int, name: KnownName, value: str | None) -> None:
        self.action = action
        self.key = name.key
        self.begin = name.begin
        self.kind = name.kind
        self.line = b"" if value is None else _line(name.begin, value)


def _prepared(changes: HeaderChanges) -> tuple[_Change, ...]:
    return tuple([_Change(action, known_name(name), value) for action, name, value in changes.noted])


def _form(form: HeaderForm, own: int) -> tuple[dict[bytes, bytes], list[tuple[bytes | None, bytes]]]:
    """The blocks of a form by key, and for each value that is open its key (None: it cannot be set) and how its line
    begins."""
    blocks: dict[bytes, bytes] = {}
    opened: list[tuple[bytes | None, bytes]] = []
    for name, value in form:
        known = known_name(name)
        settable = not known.kind & own
        if settable:
            blocks[known.key] = b"" if value is None else _line(known.begin, value)
        if value is None:
            opened.append((known.key if settable else None, known.begin))
    return blocks, opened


class HeaderEdits:
    """Edits of the headers of a head; `own` are the kinds that cannot be edited."""

    __slots__ = ("changed", "own")

    def __init__(self, own: int) -> None:
        self.changed: dict[bytes, bytes] = {}
        self.own = own

    def set_line(self, name: str, value: str) -> None:
        """One line of this name."""
        known = known_name(name)
        if not known.kind & self.own:
            self.changed[known.key] = _line(known.begin, value)

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
        known = known_name(name)
        if known.kind & self.own:
            return
        block = self.changed.get(known.key)
        if block is None:
            block = _block_of(known.key, head)
        self.changed[known.key] = block + _line(known.begin, value)

    def default_lines(
        self, wanted: Iterable[tuple[str, str]], head: codec.RequestHead | codec.ResponseHead | None
    ) -> None:
        """A line for each name of which there is none, in the edits or in `head`."""
        for name, value in wanted:
            known = known_name(name)
            if not known.kind & self.own:
                self._default(known.key, _line(known.begin, value), head)

    def _default(self, key: bytes, line: bytes, head: codec.RequestHead | codec.ResponseHead | None) -> None:
        block = self.changed.get(key)
        if not block and (block is not None or head is None or head.get(key) is None):
            self.changed[key] = line

    def change(self, changes: HeaderChanges, head: codec.RequestHead | codec.ResponseHead | None) -> None:
        """What is noted there, in its order, of the lines in the edits or in `head`."""
        prepared = changes.prepared
        if prepared is None:
            prepared = changes.prepared = _prepared(changes)
        changed = self.changed
        for change in prepared:
            key = change.key
            if change.kind & self.own:
                continue
            if change.action == _SET:
                changed[key] = change.line
            elif change.action == _DEFAULT:
                self._default(key, change.line, head)
            else:
                self._change_lines(change, head)

    def _change_lines(self, change: _Change, head: codec.RequestHead | codec.ResponseHead | None) -> None:
        """A change that depends on the lines that there are."""
        key, line = change.key, change.line
        block = self.changed.get(key)
        if block is None:
            block = _block_of(key, head)
        if change.action == _ADD:
            self.changed[key] = block + line
        elif change.action == _REPLACE:
            if block:
                self.changed[key] = block.partition(b": ")[0] + b": " + line[len(change.begin) :]
        elif not block:
            self.changed[key] = line
        elif not _lists(block, line[len(change.begin) : -2]):
            self.changed[key] = block + line

    def replace_line(self, name: str, value: str, head: codec.RequestHead | codec.ResponseHead | None) -> None:
        """One line in place of those that there are, in the edits or in `head`; its name stays as it is there."""
        known = known_name(name)
        if known.kind & self.own:
            return
        block = self.changed.get(known.key)
        if block is None:
            block = _block_of(known.key, head)
        if block:
            self.changed[known.key] = _line(block.partition(b": ")[0] + b": ", value)

    def remove(self, name: str) -> None:
        """No line of this name."""
        known = known_name(name)
        if not known.kind & self.own:
            self.changed[known.key] = b""


def _lists(block: bytes, element: bytes) -> bool:
    """Whether the lists in a block of lines have an element, in any case, or `*`."""
    wanted = (element.decode("latin-1").lower(), "*")
    return any(one.strip().lower() in wanted for value in line_values(block) for one in value.split(","))


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
