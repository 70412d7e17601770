"""The HTTP/1 codec in plain Python: what runs where no compiler was, and the oracle that tests and fuzzing hold the
compiled one against. A complete and well-formed head is taken by two fixed regular expressions (possessive, so that
their time is linear); everything else goes line by line through the careful path, which knows what is wrong first."""

import ipaddress
import re
from functools import lru_cache
from typing import NoReturn, final

from gateline.engine.wire import faults
from gateline.engine.wire.faults import Fault, HeadError
from gateline.engine.wire.kinds import (
    CONTENT_LENGTH,
    EXPECT,
    FRAMING,
    HOP,
    HOST,
    PLAIN,
    REQUEST_KINDS,
    RESPONSE_KINDS,
    TRAILER,
    TRANSFER_ENCODING,
)

_KEEP_ALIVE = [b"keep-alive"]
_MAX_METHOD = 32
_MAX_AUTHORITY = 261
_MAX_OPTIONS = 64
_MAX_LIMIT = 1 << 30
_MAX_NUMBER = (1 << 63) - 1
_SPECIAL = HOP | FRAMING | TRAILER

_TCHAR = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_VCHAR = rb"[^\x00-\x08\x0a-\x1f\x7f]"

_REQUEST_LINE = re.compile(
    rb"(" + _TCHAR + rb"{1,32}+) ((?:/|[A-Za-z]++://|\*)[!-\"$->@-~]*+)(\?[!-\"$-~]*+)?+ HTTP/1\.([01])\r\n"
)
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: (" + _VCHAR + rb"*+))?+\r\n")
# Lines as `encode` writes them: one space before a value that is not empty, no tab.
_CANONICAL_LINES = re.compile(rb"(?:" + _TCHAR + rb"++: [!-~\x80-\xff][ -~\x80-\xff]*+\r\n)*+\r\n")
_LINE = re.compile(rb"(" + _TCHAR + rb"++):(" + _VCHAR + rb"*+)\r\n")
_NAME = re.compile(_TCHAR + rb"*+")
_VALUE = re.compile(_VCHAR + rb"*+")
_TARGET = re.compile(rb"[!-\"$-~]*+")
_ABSOLUTE = re.compile(rb"https?+://([^/]*+)(.*+)", re.IGNORECASE)
_AUTHORITY = re.compile(
    rb"(?:\[([0-9A-Fa-f:.]++)\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f][0-9A-Fa-f])++)(?::([0-9]{1,5}+))?+"
)
_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]*+")
_DIGITS = re.compile(rb"[0-9]{1,19}+")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15}+)\r\n")


@final
class Limits:
    """See the compiled codec's interface (`_codec.pyi`)."""

    __slots__ = ("count", "head", "line")

    def __init__(self, line: int = 8192, head: int = 32768, count: int = 1000) -> None:
        if not (0 < line <= _MAX_LIMIT and 0 < head <= _MAX_LIMIT and 0 <= count <= _MAX_LIMIT):
            raise ValueError("limits are between 1 and 2**30")
        self.line = line
        self.head = head
        self.count = count


class Head:
    """What requests and responses have in common: the header lines in canonical form ("Name: value"), and beside them
    their lower-case names and their kinds."""

    size = 0
    minor = 0
    length = -1
    keep_alive = False
    websocket = False
    _present = 0

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._names: list[bytes] = []
        self._kinds: list[int] = []

    def get(self, name: bytes) -> bytes | None:
        """The first value of the header `name` (lower-case)."""
        if name in self._names:
            return self._lines[self._names.index(name)][len(name) + 2 :]
        _check_bytes(name)
        return None

    def get_all(self, name: bytes) -> list[bytes]:
        """All values of the header `name` (lower-case), in order."""
        _check_bytes(name)
        skip = len(name) + 2
        return [line[skip:] for line, lower in zip(self._lines, self._names, strict=True) if lower == name]

    def items(self) -> list[tuple[bytes, bytes]]:
        """All headers in order, names as received."""
        return [(name, value) for name, _, value in (line.partition(b": ") for line in self._lines)]

    def kinds(self) -> int:
        """The bits of all kinds of header that are present."""
        return self._present

    def encode(self, start: bytes, drop: int, remove: tuple[bytes, ...] | None, tail: bytes, body: bytes) -> bytes:
        """The next head and the body's beginning."""
        kept = [line for line, kind in zip(self._lines, self._kinds, strict=True) if not kind & drop]
        if remove:
            for name in remove:
                _check_bytes(name)
            kept = [
                line
                for line, name, kind in zip(self._lines, self._names, self._kinds, strict=True)
                if not kind & drop and name not in remove
            ]
        if kept:
            kept.append(b"")
        return b"".join((start, b"\r\n".join(kept), tail, b"\r\n", body))


@final
class RequestHead(Head):
    """A request's head."""

    method = b""
    path = b""
    query: bytes | None = None
    plain_path = False
    authority = b""
    expect_continue = False
    te_trailers = False
    target = b""


@final
class ResponseHead(Head):
    """A response's head."""

    status = 0
    reason = b""


def parse_request(data: bytes, limits: Limits) -> RequestHead | None:
    """The request head that `data` begins with, None while it is incomplete; HeadError at the first wrong byte."""
    _check_bytes(data)
    head = RequestHead()
    match = _REQUEST_LINE.match(data)
    if match is not None and match.end() <= limits.line and match.end() <= limits.head:
        method, path, query, minor = match.groups()
        _take_method(head, method)
        _take_target(head, path, query)
        head.minor = minor[0] - 48
        start = match.end()
    else:
        start = _parse_request_line(head, data, limits)
    return head if start and _parse_fields(head, data, start, limits, _RequestFields(head)) else None


def parse_response(data: bytes, limits: Limits) -> ResponseHead | None:
    """The response head that `data` begins with, None while it is incomplete; HeadError (502) at the first wrong byte."""
    _check_bytes(data)
    head = ResponseHead()
    start = _parse_status_line(head, data, limits)
    return head if start and _parse_fields(head, data, start, limits, _ResponseFields(head)) else None


def kind_of(name: bytes, response: bool = False) -> int:
    """The kind of a header by its name."""
    _check_bytes(name)
    return (RESPONSE_KINDS if response else REQUEST_KINDS).get(name.lower(), PLAIN)


# --- start lines: the result is the offset behind the line, 0 when it is incomplete


def _parse_request_line(head: RequestHead, data: bytes, limits: Limits) -> int:
    stop = min(len(data), limits.line, limits.head)
    end = _end(_NAME, data, 0, min(stop, _MAX_METHOD))
    if end == stop:
        return _out_of(stop, data, faults.REQUEST_LINE_TOO_LONG)
    if end == 0 or data[end] != 32:
        raise faults.BAD_METHOD.error(False)
    _take_method(head, data[:end])
    start = end + 1
    end = _end(_TARGET, data, start, stop)
    if end == stop:
        return _out_of(stop, data, faults.REQUEST_LINE_TOO_LONG)
    if end == start or data[end] != 32:
        raise faults.BAD_TARGET.error(False)
    question = data.find(b"?", start, end)
    if question < 0:
        _take_target(head, data[start:end], None)
    else:
        _take_target(head, data[start:question], data[question:end])
    version = data[end + 1 : min(stop, end + 11)]
    for byte, expected in zip(version, b"HTTP/0.0\r\n", strict=False):
        if byte != expected and not (expected == 48 and 48 <= byte <= 57):
            raise faults.BAD_VERSION.error(False)
    if len(version) < 10:
        return _out_of(stop, data, faults.REQUEST_LINE_TOO_LONG)
    if version[5:6] == b"0":
        raise faults.BAD_VERSION.error(False)
    if version[5:8] not in (b"1.0", b"1.1"):
        raise faults.UNSUPPORTED_VERSION.error(False)
    head.minor = version[7] - 48
    return end + 11


def _take_method(head: RequestHead, method: bytes) -> None:
    if method == b"CONNECT":
        raise faults.CONNECT_REFUSED.error(False)
    head.method = method


def _take_target(head: RequestHead, path: bytes, query: bytes | None) -> None:
    """Path, query (with its "?") and authority of the target (RFC 9112, section 3.2)."""
    head.target = path if query is None else path + query
    if query is not None:
        head.query = query[1:]
    if path[:1] != b"/":
        if head.target == b"*":
            if head.method != b"OPTIONS":
                raise faults.BAD_FORM.error(False)
            head.path = path
            return
        match = _ABSOLUTE.match(path)
        if match is None:
            raise faults.BAD_FORM.error(False)
        head.authority, path = match.groups()
        if not _is_authority(head.authority):
            raise faults.BAD_AUTHORITY.error(False)
        path = path or b"/"
    head.path = path
    head.plain_path = b"%" not in path and b"//" not in path and b"/." not in path


def _parse_status_line(head: ResponseHead, data: bytes, limits: Limits) -> int:
    stop = min(len(data), limits.line, limits.head)
    match = _STATUS_LINE.match(data, 0, stop)
    if match is not None:
        minor, status, reason = match.groups()
        head.minor = minor[0] - 48
        head.status = int(status)
        head.reason = reason or b""
        return match.end()
    for offset, (byte, expected) in enumerate(zip(data[:stop], b"HTTP/0.0 000", strict=False)):
        if byte != expected and not (expected == 48 and 48 <= byte <= 57):
            raise (faults.BAD_VERSION if offset < 9 else faults.BAD_STATUS).error(True)
    end = _end(_VALUE, data, 13, stop) if data[12:13] == b" " and stop > 12 else min(12, stop)
    if end == stop:
        return _out_of(stop, data, faults.STATUS_LINE_TOO_LONG, response=True)
    if data[end] != 13:
        raise (faults.BARE_LF if data[end] == 10 else faults.BAD_REASON).error(True)
    if end + 1 == stop:
        return _out_of(stop, data, faults.STATUS_LINE_TOO_LONG, response=True)
    if data[end + 1] != 10:
        raise faults.BARE_CR.error(True)
    raise (faults.UNSUPPORTED_VERSION if data[5:8] not in (b"1.0", b"1.1") else faults.BAD_STATUS).error(True)


# --- header lines


class _Fields:
    """What header lines mean as they come; a subclass for each place where they stand."""

    response = False
    table = REQUEST_KINDS

    def __init__(self, head: Head) -> None:
        self.head = head
        self.hosts = self.lengths = self.codings = 0
        self.te: list[bytes] = []
        self.upgrade: list[bytes] = []
        self.connection: list[bytes] = []

    def note(self, kind: int, name: bytes, value: bytes) -> None:
        """Take a line of a kind that means something here."""
        raise NotImplementedError

    def finish(self) -> None:
        """All lines are there."""

    def note_framing(self, kind: int, value: bytes) -> None:
        """Content-Length and Transfer-Encoding: at most one line of them."""
        if kind == CONTENT_LENGTH:
            if self.lengths:
                self.refuse(faults.REPEATED_LENGTH)
            self.lengths = 1
            if self.codings:
                self.refuse(faults.LENGTH_AND_CODING)
            if _DIGITS.fullmatch(value) is None or int(value) > _MAX_NUMBER:
                self.refuse(faults.BAD_LENGTH)
            self.head.length = int(value)
            return
        if self.codings:
            self.refuse(faults.REPEATED_CODING)
        self.codings = 1
        if self.lengths:
            self.refuse(faults.LENGTH_AND_CODING)
        if self.head.minor == 0:
            self.refuse(faults.CODING_IN_1_0)
        if value.lower() != b"chunked":
            self.refuse(_fault_of_codings(value))
        self.head.length = -2

    def note_hop(self, name: bytes, value: bytes) -> None:
        """Lines that concern the connection."""
        if name == b"connection":
            self.connection.append(value)
        elif name == b"upgrade":
            self.upgrade.append(value.lower())
        elif name == b"te":
            self.te.append(value.lower())

    def take_connection(self) -> bool:
        """Read all Connection lines, make what they name HOP; whether "upgrade" and one websocket are there."""
        head = self.head
        head.keep_alive = head.minor == 1
        if not self.connection:
            return False
        if self.connection == _KEEP_ALIVE:
            head.keep_alive = True
            return False
        options = [option.strip(b" \t").lower() for line in self.connection for option in line.split(b",")]
        options = [option for option in options if option]
        if len(options) > _MAX_OPTIONS:
            self.refuse(faults.TOO_MANY_OPTIONS)
        head.keep_alive = b"close" not in options and (head.minor == 1 or b"keep-alive" in options)
        named = set(options)
        if not named <= {b"close", b"keep-alive", b"upgrade"} or b"close" in head._names:
            head._kinds = [
                HOP if name in named and not kind & FRAMING else kind
                for name, kind in zip(head._names, head._kinds, strict=True)
            ]
            head._present = 0
            for kind in head._kinds:
                head._present |= kind
        return b"upgrade" in named and self.upgrade == [b"websocket"] and head.minor == 1

    def refuse(self, fault: Fault) -> NoReturn:
        """Raise the error of `fault`."""
        raise fault.error(self.response)


class _RequestFields(_Fields):
    head: RequestHead

    def note(self, kind: int, name: bytes, value: bytes) -> None:
        if kind == HOST:
            if self.hosts:
                self.refuse(faults.REPEATED_HOST)
            self.hosts = 1
            if not _is_authority(value):
                self.refuse(faults.BAD_HOST)
            if not self.head.authority:
                self.head.authority = value
        elif kind == HOP:
            self.note_hop(name, value)
        elif kind in (CONTENT_LENGTH, TRANSFER_ENCODING):
            self.note_framing(kind, value)
        elif kind == EXPECT and self.head.minor == 1 and value.lower() == b"100-continue":
            self.head.expect_continue = True

    def finish(self) -> None:
        head = self.head
        if head.minor == 1 and not self.hosts:
            self.refuse(faults.NO_HOST)
        head.websocket = self.take_connection() and head.method == b"GET"
        head.te_trailers = self.te == [b"trailers"]


class _ResponseFields(_Fields):
    head: ResponseHead
    response = True
    table = RESPONSE_KINDS

    def note(self, kind: int, name: bytes, value: bytes) -> None:
        if kind == HOP:
            self.note_hop(name, value)
        elif kind in (CONTENT_LENGTH, TRANSFER_ENCODING):
            self.note_framing(kind, value)

    def finish(self) -> None:
        self.head.websocket = self.take_connection() and self.head.status == 101


class _TrailerFields(_Fields):
    def __init__(self, head: Head, response: bool) -> None:
        super().__init__(head)
        self.response = response
        self.table = RESPONSE_KINDS if response else REQUEST_KINDS

    def note(self, kind: int, name: bytes, value: bytes) -> None:
        self.refuse(faults.BAD_TRAILER)


def _parse_fields(head: Head, data: bytes, start: int, limits: Limits, fields: _Fields) -> bool:
    """Header or trailer lines from `start` to the blank line; whether they are complete."""
    match = _CANONICAL_LINES.match(data, start)
    if match is None:
        return _parse_lines(head, data, start, limits, fields)
    end = match.end() - 2
    if end + 2 > limits.head or end + 2 - start > limits.line or end == start or data.find(b" \r", start, end) >= 0:
        return _parse_lines(head, data, start, limits, fields)
    lines = data[start : end - 2].split(b"\r\n")
    if len(lines) > limits.count:
        return _parse_lines(head, data, start, limits, fields)
    head.size = end + 2
    head._lines = lines
    head._names = names = [line.partition(b":")[0].lower() for line in lines]
    look_up = fields.table.get
    head._kinds = kinds = [look_up(name, PLAIN) for name in names]
    present = PLAIN if PLAIN in kinds else 0
    for index, kind in enumerate(kinds):
        if kind != PLAIN:
            if kind & _SPECIAL:
                name = names[index]
                fields.note(kind, name, lines[index][len(name) + 2 :])
            present |= kind
    head._present = present
    fields.finish()
    return True


def _parse_lines(head: Head, data: bytes, start: int, limits: Limits, fields: _Fields) -> bool:
    """The same line by line: for what is incomplete, long or wrong."""
    while True:
        stop = min(len(data), start + limits.line, limits.head)
        if start >= stop:
            return _out_of_fields(stop, data, fields)
        if data[start] == 13:
            if start + 1 == stop:
                return _out_of_fields(stop, data, fields)
            if data[start + 1] != 10:
                fields.refuse(faults.BARE_CR)
            head.size = start + 2
            fields.finish()
            return True
        if len(head._lines) == limits.count:
            fields.refuse(faults.TOO_MANY_HEADERS)
        match = _LINE.match(data, start, stop)
        if match is None:
            return _refuse_line(data, start, stop, fields)
        name, raw = match.groups()
        value = raw.strip(b" \t")
        kind = fields.table.get(name.lower(), PLAIN)
        head._lines.append(b"%b: %b" % (name, value))
        head._names.append(name.lower())
        head._kinds.append(kind)
        head._present |= kind
        if kind & _SPECIAL:
            fields.note(kind, name.lower(), raw.lstrip(b" ") if kind == TRANSFER_ENCODING else value)
        start = match.end()


def _refuse_line(data: bytes, start: int, stop: int, fields: _Fields) -> bool:
    """False when the line from `start` only lacks bytes, else the error of its first wrong byte."""
    end = _end(_NAME, data, start, stop)
    if end == stop:
        return _out_of_fields(stop, data, fields)
    if data[end] in b" \t":
        fields.refuse(faults.FOLDED if end == start else faults.SPACE_BEFORE_COLON)
    if data[end] != 58 or end == start:
        fields.refuse(faults.BARE_LF if data[end] == 10 else faults.BAD_NAME)
    end = _end(_VALUE, data, end + 1, stop)
    if end < stop and data[end] != 13:
        fields.refuse(faults.BARE_LF if data[end] == 10 else faults.BAD_VALUE)
    if end + 1 < stop:
        fields.refuse(faults.BARE_CR)
    return _out_of_fields(stop, data, fields)


def _fault_of_codings(value: bytes) -> Fault:
    """Why the value of Transfer-Encoding is not just "chunked"."""
    count = 0
    for coding in value.split(b","):
        token = coding.strip(b" \t")
        match = _NAME.match(token)
        end = match.end() if match is not None else 0
        if end == 0:
            return faults.BAD_CODING
        if token[:end].lower() != b"chunked":
            return faults.UNKNOWN_CODING
        if end < len(token):
            return faults.BAD_CODING
        count += 1
    return faults.BAD_CODING if count == 1 else faults.REPEATED_CODING


def _is_authority(value: bytes) -> bool:
    """Whether `value` is host[:port] with a registered name, an IPv4 or an [IPv6] address (RFC 3986, section 3.2)."""
    return len(value) <= _MAX_AUTHORITY and _is_short_authority(value)


@lru_cache(maxsize=1024)
def _is_short_authority(value: bytes) -> bool:
    match = _AUTHORITY.fullmatch(value)
    if match is None or (match[2] and int(match[2]) > 65535):
        return False
    if match[1] is None:
        return True
    try:
        ipaddress.IPv6Address(match[1].decode())
    except ValueError:
        return False
    return True


# --- reading and refusing


def _check_bytes(value: object) -> None:
    if type(value) is not bytes:
        raise TypeError(f"bytes are needed, not {type(value).__name__}")


def _end(pattern: re.Pattern[bytes], data: bytes, start: int, stop: int) -> int:
    """Where the run of bytes of one class that begins at `start` ends."""
    match = pattern.match(data, start, stop)
    return match.end() if match is not None else start


def _out_of(stop: int, data: bytes, fault: Fault, response: bool = False) -> int:
    """All bytes up to `stop` are read: 0 when more may come, an error when a limit has ended the line."""
    if stop == len(data):
        return 0
    raise fault.error(response)


def _out_of_fields(stop: int, data: bytes, fields: _Fields) -> bool:
    return bool(_out_of(stop, data, faults.HEADER_TOO_LONG, fields.response))


# --- chunked bodies (RFC 9112, section 7.1)

_AT_SIZE, _IN_DATA, _AT_DATA_END, _IN_TRAILERS, _AT_END = range(5)
_EXTENSION = re.compile(
    rb";" + _TCHAR + rb"++(?:=(?:" + _TCHAR + rb"++|\"(?:[^\"\\\x00-\x08\x0a-\x1f\x7f]|\\" + _VCHAR + rb")*+\"))?+"
)
_EXTENSION_START = re.compile(
    rb";(?:" + _TCHAR + rb"++(?:=(?:" + _TCHAR + rb"++|\"(?:[^\"\\\x00-\x08\x0a-\x1f\x7f]|\\" + _VCHAR + rb")*+\\?+)?+)?+)?+"
)


@final
class ChunkedDecoder:
    """Takes a chunked body in pieces and gives its payload."""

    __slots__ = (
        "_extensions", "_failure", "_left", "_limits", "_pending", "_response", "_state", "consumed", "done", "trailers",
    )  # fmt: skip

    def __init__(self, limits: Limits, response: bool = False) -> None:
        self._limits = limits
        self._response = response
        self._state = _AT_SIZE
        self._left = 0
        self._extensions = 0
        self._pending = b""
        self._failure: tuple[int, str] | None = None
        self.done = False
        self.consumed = 0
        self.trailers: list[tuple[bytes, bytes]] = []

    def feed(self, data: bytes, offset: int = 0) -> bytes:
        """The payload in `data[offset:]`; `consumed` and `done` say where the body ended. HeadError on a violation."""
        _check_bytes(data)
        if not 0 <= offset <= len(data):
            raise ValueError("offset is outside of the data")
        if self._failure is not None:
            raise HeadError(*self._failure)
        if self._state == _AT_END:
            self.consumed = offset
            return b""
        work, position, shift = data, offset, 0
        if self._pending:
            work, position, shift = self._pending + data[offset:], 0, len(self._pending) - offset
            self._pending = b""
        try:
            pieces, position = self._decode(work, position)
        except HeadError as error:
            self._failure = (error.status, error.reason)
            raise
        self.consumed = position - shift
        return b"".join(pieces)

    def _decode(self, work: bytes, position: int) -> tuple[list[bytes], int]:
        """Pieces of payload in `work` from `position` on, and where they and what frames them end."""
        pieces = []
        while position < len(work) and self._state != _AT_END:
            if self._state == _IN_DATA:
                piece = work[position : position + self._left]
                pieces.append(piece)
                position += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._state = _AT_DATA_END
                continue
            after = self._step(work, position)
            if not after:
                self._pending = work[position:]
                return pieces, len(work)
            position = after
        return pieces, position

    def _step(self, work: bytes, start: int) -> int:
        """Read what frames the payload at `start`: the offset behind it, 0 when it is incomplete."""
        if self._state == _AT_DATA_END:
            end = work[start : start + 2]
            if not b"\r\n".startswith(end):
                raise faults.BAD_CHUNK_END.error(self._response)
            if len(end) < 2:
                return 0
            self._state = _AT_SIZE
            return start + 2
        if self._state == _AT_SIZE:
            after = self._parse_size(work, start)
            if after:
                self._state = _IN_DATA if self._left else _IN_TRAILERS
            return after
        head = Head()
        section = work[start : start + self._limits.head + 1]
        if not _parse_fields(head, section, 0, self._limits, _TrailerFields(head, self._response)):
            return 0
        self.trailers = head.items()
        self.done = True
        self._state = _AT_END
        return start + head.size

    def _parse_size(self, work: bytes, start: int) -> int:
        """The chunk line at `start`: sets `left`; the offset behind the line, 0 when it is incomplete."""
        stop = min(len(work), start + self._limits.line)
        match = _CHUNK_LINE.match(work, start, stop)
        if match is not None:
            self._left = int(match[1], 16)
            return match.end()
        digits = _end(_HEXADECIMAL, work, start, stop)
        if digits - start > 16:
            raise faults.BAD_CHUNK_SIZE.error(self._response)
        if digits == stop:
            return _out_of(stop, work, faults.CHUNK_LINE_TOO_LONG, self._response)
        if digits == start or int(work[start:digits], 16) > _MAX_NUMBER:
            raise faults.BAD_CHUNK_SIZE.error(self._response)
        end = digits
        while end < stop and work[end] == 59:
            after = _end(_EXTENSION, work, end, stop)
            partial = _end(_EXTENSION_START, work, end, stop)
            if partial == stop:
                return _out_of(stop, work, faults.CHUNK_LINE_TOO_LONG, self._response)
            if after < partial or after == end:
                raise faults.BAD_CHUNK_EXTENSION.error(self._response)
            end = after
        if work[end] != 13:
            if work[end] == 10:
                raise faults.BARE_LF.error(self._response)
            raise (faults.BAD_CHUNK_SIZE if end == digits else faults.BAD_CHUNK_EXTENSION).error(self._response)
        if end + 1 == stop:
            return _out_of(stop, work, faults.CHUNK_LINE_TOO_LONG, self._response)
        if work[end + 1] != 10:
            raise faults.BARE_CR.error(self._response)
        self._extensions += end - digits
        if self._extensions > self._limits.head:
            raise faults.CHUNK_LINE_TOO_LONG.error(self._response)
        self._left = int(work[start:digits], 16)
        return end + 2
