"""The HTTP/1 codec in plain Python: what runs where no compiler was, and the oracle that tests and fuzzing hold the
compiled one against. Its interface is documented in `_codec.pyi`. Fixed regular expressions (possessive, so that their
time is linear) take what is complete and well-formed; a careful path finds what is wrong first in the rest."""

import re

from gateline.engine.wire import faults
from gateline.engine.wire._pyauthority import MAX_AUTHORITY, is_authority, is_short_authority
from gateline.engine.wire._pychunked import ChunkedDecoder
from gateline.engine.wire._pyfields import (
    NAME,
    VALUE,
    VCHAR,
    Fields,
    Limits,
    end_of,
    out_of,
    parse_fields,
)
from gateline.engine.wire._pyheads import RequestHead, ResponseHead, check_bytes, known_in_request, known_in_response
from gateline.engine.wire._pyusual import FIND_IN_REQUEST, FIND_IN_RESPONSE, USUAL_REQUEST, USUAL_RESPONSE, take_lines
from gateline.engine.wire.kinds import (
    CONTENT_LENGTH,
    EXPECT,
    HOP,
    HOST,
    PLAIN,
    REQUEST_KINDS,
    RESPONSE_KINDS,
    TRANSFER_ENCODING,
)

__all__ = [
    "ChunkedDecoder",
    "Limits",
    "RequestHead",
    "ResponseHead",
    "header_line",
    "joined",
    "kind_of",
    "parse_request",
    "parse_response",
]

_MAX_METHOD = 32

_new = object.__new__  # a usual head has all its fields set anyway

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: (" + VCHAR + rb"*+))?+\r\n")
_TARGET = re.compile(rb"[!-\"$-~]*+")
_ABSOLUTE = re.compile(rb"https?+://([^/]*+)(.*+)", re.IGNORECASE)


def header_line(begin: bytes, value: str) -> bytes | None:
    """`begin`, the value and CRLF; None for a value that is not plain: printable ASCII without spaces around it."""
    if value.isprintable() and value.isascii() and value.strip() == value:
        return b"".join((begin, value.encode("ascii"), b"\r\n"))
    return None


def joined(parts: tuple[bytes, ...]) -> bytes:
    """The parts, all of them bytes, one behind the other."""
    return b"".join(parts)


def parse_request(data: bytes, limits: Limits) -> RequestHead | None:
    """The request head that `data` begins with, None while it is incomplete; HeadError at the first wrong byte."""
    if type(data) is not bytes:
        check_bytes(data)
    match = USUAL_REQUEST.match(data)
    if match is None:
        return _parse_request_carefully(data, limits)
    method, path, rest, query, minor = match.groups()
    head = _new(RequestHead)
    head.size = match.end()
    head.minor = 1 if minor == b"1" else 0
    authority = take_lines(head, data, match.end(5) + 2, limits, FIND_IN_REQUEST, known_in_request)
    if not authority or len(authority) > MAX_AUTHORITY or not is_short_authority(authority) or method == b"CONNECT":
        return _parse_request_carefully(data, limits)
    head.authority = authority
    head.method = method
    head.path = path + rest if rest else path
    head.query = query
    head._target = None
    head.plain_path = not rest
    head.expect_continue = head.te_trailers = False
    return head


def parse_response(data: bytes, limits: Limits) -> ResponseHead | None:
    """The response head that `data` begins with, None while incomplete; HeadError (502) at the first wrong byte."""
    if type(data) is not bytes:
        check_bytes(data)
    match = USUAL_RESPONSE.match(data)
    if match is None:
        return _parse_response_carefully(data, limits)
    head = _new(ResponseHead)
    minor, status, head.reason = match.groups()
    head.size = match.end()
    head.minor = 1 if minor == b"1" else 0
    if take_lines(head, data, match.end(3) + 2, limits, FIND_IN_RESPONSE, known_in_response) is None:
        return _parse_response_carefully(data, limits)
    head.status = int(status)
    return head


def _parse_request_carefully(data: bytes, limits: Limits) -> RequestHead | None:
    head = RequestHead()
    start = _parse_request_line(head, data, limits)
    return head if start and parse_fields(head, data, start, limits, _RequestFields(head)) else None


def _parse_response_carefully(data: bytes, limits: Limits) -> ResponseHead | None:
    head = ResponseHead()
    start = _parse_status_line(head, data, limits)
    return head if start and parse_fields(head, data, start, limits, _ResponseFields(head)) else None


def kind_of(name: bytes, response: bool = False) -> int:
    """The kind of a header by its name."""
    check_bytes(name)
    return (RESPONSE_KINDS if response else REQUEST_KINDS).get(name.lower(), PLAIN)


class _RequestFields(Fields):
    head: RequestHead

    def note(self, kind: int, name: bytes, value: bytes) -> None:
        if kind == HOST:
            if self.hosts:
                self.refuse(faults.REPEATED_HOST)
            self.hosts = 1
            if not is_authority(value):
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


class _ResponseFields(Fields):
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


# --- start lines: the result is the offset behind the line, 0 when it is incomplete


def _parse_request_line(head: RequestHead, data: bytes, limits: Limits) -> int:
    stop = min(len(data), limits.line, limits.head)
    end = end_of(NAME, data, 0, min(stop, _MAX_METHOD))
    if end == stop:
        return out_of(stop, data, faults.REQUEST_LINE_TOO_LONG)
    if end == 0 or data[end] != 32:
        raise faults.BAD_METHOD.error(False)
    _take_method(head, data[:end])
    start = end + 1
    end = end_of(_TARGET, data, start, stop)
    if end == stop:
        return out_of(stop, data, faults.REQUEST_LINE_TOO_LONG)
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
        return out_of(stop, data, faults.REQUEST_LINE_TOO_LONG)
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
    target = path if query is None else path + query
    head._target = target
    if query is not None:
        head.query = query[1:]
    if path[:1] != b"/":
        if target == b"*":
            if head.method != b"OPTIONS":
                raise faults.BAD_FORM.error(False)
            head.path = path
            return
        match = _ABSOLUTE.match(path)
        if match is None:
            raise faults.BAD_FORM.error(False)
        head.authority, path = match.groups()
        if not is_authority(head.authority):
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
    end = end_of(VALUE, data, 13, stop) if data[12:13] == b" " and stop > 12 else min(12, stop)
    if end == stop:
        return out_of(stop, data, faults.STATUS_LINE_TOO_LONG, response=True)
    if data[end] != 13:
        raise (faults.BARE_LF if data[end] == 10 else faults.BAD_REASON).error(True)
    if end + 1 == stop:
        return out_of(stop, data, faults.STATUS_LINE_TOO_LONG, response=True)
    if data[end + 1] != 10:
        raise faults.BARE_CR.error(True)
    raise (faults.UNSUPPORTED_VERSION if data[5:8] not in (b"1.0", b"1.1") else faults.BAD_STATUS).error(True)
