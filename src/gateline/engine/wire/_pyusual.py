"""Usual heads in plain Python: complete, every line as `encode` writes it, a path as target, a length or chunked, a
connection that stays. One fixed regular expression (possessive, so that its time is linear) says whether a head has
that form, another one finds the few lines of a known kind. Nothing is refused here: None stands for a head that the
careful way has to look at, for whatever reason."""

import re
from collections.abc import Callable

from gateline.engine.wire._pyauthority import is_authority
from gateline.engine.wire._pyfields import CANONICAL_LINE, TCHAR, VCHAR, Limits
from gateline.engine.wire._pyheads import FOUND_IN_REQUEST, FOUND_IN_RESPONSE, Head, RequestHead, ResponseHead
from gateline.engine.wire.kinds import CONTENT_LENGTH, HOST, PLAIN, TRANSFER_ENCODING

__all__ = ["usual_request", "usual_response"]


def _one_of(names: list[bytes]) -> bytes:
    """A pattern for one of the names, of which none is the beginning of another: it looks at each byte once."""
    if len(names) == 1:
        return re.escape(names[0])
    firsts = sorted({name[:1] for name in names})
    branches = [re.escape(first) + _one_of([name[1:] for name in names if name[:1] == first]) for first in firsts]
    return branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"


def _lines_of(names: dict[bytes, int]) -> re.Pattern[bytes]:
    return re.compile(b"(" + _one_of(list(names)) + rb")([^\r]*+)")


_REQUEST = re.compile(
    rb"("
    + TCHAR
    + rb"{1,32}+) (/[!-\"$->@-~]*+)(?:\?([!-\"$-~]*+))?+ HTTP/1\.([01])\r\n(?:"
    + CANONICAL_LINE
    + rb")++\r\n"
)
_RESPONSE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9]) (" + VCHAR + rb"*+)\r\n(?:" + CANONICAL_LINE + rb")++\r\n")
_REQUEST_LINES = _lines_of(FOUND_IN_REQUEST)
_RESPONSE_LINES = _lines_of(FOUND_IN_RESPONSE)

_CONNECTION = b"\nconnection: "
_IN_REQUEST = frozenset(
    b"\n%b: " % name
    for name in (b"connection", b"content-length", b"expect", b"host", b"te", b"transfer-encoding", b"upgrade")
)
_IN_RESPONSE = frozenset(
    b"\n%b: " % name for name in (b"connection", b"content-length", b"transfer-encoding", b"upgrade")
)
_LENGTH = re.compile(rb"[0-9]{1,18}+")

_new = object.__new__


def usual_request(data: bytes, limits: Limits) -> RequestHead | None:
    """The request head that `data` begins with, if it is a usual one."""
    match = _REQUEST.match(data)
    if match is None:
        return None
    method, path, query, minor = match.groups()
    head = _new(RequestHead)
    head.size = match.end()
    head.minor = 1 if minor == b"1" else 0
    authority = _take_lines(head, data, match.end(4) + 2, limits, _REQUEST_LINES.findall, FOUND_IN_REQUEST, _IN_REQUEST)
    if not authority or method == b"CONNECT" or not is_authority(authority):
        return None
    head.authority = authority
    head.method = method
    head.path = path
    head.query = query
    head._target = None
    head.plain_path = b"%" not in path and b"//" not in path and b"/." not in path
    head.expect_continue = head.te_trailers = False
    return head


def usual_response(data: bytes, limits: Limits) -> ResponseHead | None:
    """The response head that `data` begins with, if it is a usual one."""
    match = _RESPONSE.match(data)
    if match is None:
        return None
    minor, status, reason = match.groups()
    head = _new(ResponseHead)
    head.size = match.end()
    head.minor = 1 if minor == b"1" else 0
    start = match.end(3) + 2
    if _take_lines(head, data, start, limits, _RESPONSE_LINES.findall, FOUND_IN_RESPONSE, _IN_RESPONSE) is None:
        return None
    head.status = int(status)
    head.reason = reason
    return head


def _take_lines(
    head: Head,
    data: bytes,
    start: int,
    limits: Limits,
    find: Callable[[bytes], list[tuple[bytes, bytes]]],
    kinds: dict[bytes, int],
    meaningful: frozenset[bytes],
) -> bytes | None:
    """Take the lines from `start` on, of a head whose size and version are known: the value of Host (only a request's
    is looked for; b"" where there is none), or None where something is unusual.
    """
    end = head.size
    if start > limits.line or end > limits.head or end - start > limits.line:
        return None
    low = data[start - 1 : end - 2].lower()
    count = low.count(b"\n") - 1
    if count > limits.count:
        return None
    found = find(low)
    present = PLAIN if count > len(found) else 0
    host = b""
    length = -1
    keep_alive = head.minor == 1
    for name, value in found:
        kind = kinds[name]
        present |= kind
        if name in meaningful:
            if kind == HOST:
                if host:
                    return None
                place = start + low.find(name) + len(name) - 1
                host = data[place : place + len(value)]
            elif name == _CONNECTION:
                if value != b"keep-alive":
                    return None
                keep_alive = True
            elif kind == CONTENT_LENGTH and length == -1 and _LENGTH.fullmatch(value) is not None:
                length = int(value)
            elif kind == TRANSFER_ENCODING and length == -1 and value == b"chunked" and head.minor:
                length = -2
            else:
                return None
    head.length = length
    head.keep_alive = keep_alive
    head.websocket = False
    head._present = present
    head._lines = None
    head._data = data
    head._low = low
    head._start = start
    head._found = found
    return host
