"""Types of the compiled codec, and of its twin: the documentation of both."""

from typing import final

@final
class Limits:
    """How long a line (with its CR LF) and a head may be, in bytes, and how many headers it may have. Immutable."""

    @property
    def line(self) -> int: ...
    @property
    def head(self) -> int: ...
    @property
    def count(self) -> int: ...
    def __init__(self, line: int = 8192, head: int = 32768, count: int = 1000) -> None: ...

class Head:
    """What requests and responses have in common: the received bytes and where the headers lie in them. Immutable."""

    @property
    def size(self) -> int:
        """Bytes that the head takes, its blank line included: the offset where the body begins."""
    @property
    def minor(self) -> int:
        """x of HTTP/1.x: 0 or 1."""
    @property
    def length(self) -> int:
        """Content-Length, NONE (-1) or CHUNKED (-2)."""
    @property
    def keep_alive(self) -> bool:
        """Whether version and Connection let the connection live on."""
    @property
    def websocket(self) -> bool:
        """A request: a WebSocket handshake (GET, HTTP/1.1, one Upgrade header which is "websocket", Connection names
        it). A response: a 101 with the same two headers."""
    def get(self, name: bytes) -> bytes | None:
        """The first value of the header `name` (lower-case)."""
    def get_all(self, name: bytes) -> list[bytes]:
        """All values of the header `name` (lower-case), in order."""
    def has_any(self, names: tuple[bytes, ...]) -> bool:
        """Whether there is a header of one of these names (lower-case)."""
    def items(self) -> list[tuple[bytes, bytes]]:
        """All headers in order, names as received, values without white space around them."""
    def kinds(self) -> int:
        """The bits of all kinds of header that are present."""
    def encode(self, start: bytes, drop: int, edits: dict[bytes, bytes] | None, tail: bytes, body: bytes) -> bytes:
        r"""`start`, every header whose kind is not in `drop` and whose name is none of `edits` (lower-case) as
        "Name: value\r\n", `tail`, the blocks of `edits`, "\r\n" and `body`. All but `body` are whole lines."""

def header_line(begin: bytes, value: str) -> bytes | None:
    """`begin`, the value and CRLF; None for a value that is not plain: printable ASCII without spaces around it."""

def joined(parts: tuple[bytes, ...]) -> bytes:
    """The parts, all of them bytes, one behind the other."""

@final
class RequestHead(Head):
    """A request's head; made by `parse_request`."""

    @property
    def method(self) -> bytes: ...
    @property
    def target(self) -> bytes:
        """The request target as received."""
    @property
    def path(self) -> bytes:
        """The target's path as received, without the query; "/" if an absolute-form has none; "*" for OPTIONS *."""
    @property
    def query(self) -> bytes | None:
        """What follows the first "?"; None without one."""
    @property
    def plain_path(self) -> bool:
        """The path begins with "/" and has no "%", "//" or "/.": it needs no normalisation."""
    @property
    def authority(self) -> bytes:
        """host[:port] of an absolute-form target, else of Host; b"" when absent (HTTP/1.0 only)."""
    @property
    def expect_continue(self) -> bool: ...
    @property
    def te_trailers(self) -> bool:
        """There is one TE header and it is "trailers", nothing else."""

@final
class ResponseHead(Head):
    """A response's head; made by `parse_response`."""

    @property
    def status(self) -> int:
        """100 to 999."""
    @property
    def reason(self) -> bytes: ...

@final
class ChunkedDecoder:
    """Takes a chunked body (RFC 9112, section 7.1) in pieces of any size and gives its payload."""

    @property
    def done(self) -> bool:
        """The last chunk and the trailers are complete."""
    @property
    def consumed(self) -> int:
        """The offset in the last `data` just behind what belongs to the body."""
    @property
    def trailers(self) -> list[tuple[bytes, bytes]]:
        """Trailer fields in order, once `done`. None of them frames or routes a message: those are refused."""
    def __init__(self, limits: Limits, response: bool = False) -> None: ...
    def feed(self, data: bytes, offset: int = 0) -> bytes:
        """The payload in `data[offset:]`. HeadError on a violation (502 if `response`), and again ever after."""

def parse_request(data: bytes, limits: Limits) -> RequestHead | None:
    """The request head that `data` begins with; None while it is incomplete and right so far; HeadError as soon as
    a byte shows that it is wrong. A verdict other than None does not change when more bytes follow."""

def parse_response(data: bytes, limits: Limits) -> ResponseHead | None:
    """The response head that `data` begins with; as `parse_request`, and every error has status 502."""

def kind_of(name: bytes, response: bool = False) -> int:
    """The kind of a header by its name (a token, in any case), before Connection has a say."""
