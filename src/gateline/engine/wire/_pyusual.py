"""Usual heads in plain Python: complete, every line as `encode` writes it, a path as target, a length or chunked, a
connection that stays. One fixed regular expression (possessive, so that its time is linear) says whether a head has
that form, another one finds the few lines of a known kind. Nothing is refused here: None stands for a head that the
careful way has to look at, for whatever reason."""

import re
from collections.abc import Callable

from gateline.engine.wire._pyauthority import MAX_AUTHORITY, is_short_authority
from gateline.engine.wire._pyfields import CANONICAL_LINE, TCHAR, VCHAR, Limits
from gateline.engine.wire._pyheads import (
    USUAL_IN_REQUEST,
    USUAL_IN_RESPONSE,
    Head,
    RequestHead,
    ResponseHead,
)
from gateline.engine.wire.kinds import CONTENT_LENGTH, HOST, PLAIN, REQUEST_KINDS, RESPONSE_KINDS, TRANSFER_ENCODING

__all__ = ["parse_usual_request", "parse_usual_response"]


def _one_of(patterns: dict[bytes, bytes]) -> bytes:
    """A pattern for one of the names, of which none is the beginning of another, and what its value says stands behind
    it: it looks at each byte of a name once.
    """
    if len(patterns) == 1:
        ((name, behind),) = patterns.items()
        return re.escape(name) + behind
    branches = []
    for first in sorted({name[:1] for name in patterns}):
        rest = {name[1:]: behind for name, behind in patterns.items() if name[:1] == first}
        branches.append(re.escape(first) + _one_of(rest))
    return branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"


def _lines_of(kinds: dict[bytes, int], with_value: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """A pattern for the lines of a known kind in a lower-case head: their names, and some with their values."""
    return re.compile(b"\n" + _one_of({b"%b: " % name: rb"[^\r]++" if name in with_value else b"" for name in kinds}))


# Of a path first the segments that need no normalisation (no "%", no "//", no "/."), then whatever does.
_PATH = rb"(?=/)((?:/(?![/.])[!-\"$&-.0->@-~]*+)*+)([!-\"$->@-~]*+)"
_REQUEST = re.compile(
    rb"(%b{1,32}+) %b(?:\?([!-\"$-~]*+))?+ HTTP/1\.([01])\r\n(?:%b)++\r\n" % (TCHAR, _PATH, CANONICAL_LINE)
)
_RESPONSE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9]) (" + VCHAR + rb"*+)\r\n(?:" + CANONICAL_LINE + rb")++\r\n")
_IN_RESPONSE = (b"connection", b"content-length", b"transfer-encoding", b"upgrade")
_IN_REQUEST = (*_IN_RESPONSE, b"expect", b"host", b"te")
_REQUEST_LINES = _lines_of(REQUEST_KINDS, _IN_REQUEST)
_RESPONSE_LINES = _lines_of(RESPONSE_KINDS, _IN_RESPONSE)
_H = ord("h")  # what begins with it and is not known alone is Host
_LENGTH = re.compile(rb"\ncontent-length: ([0-9]{1,18}+)")

_new = object.__new__


def parse_usual_request(data: bytes, limits: Limits) -> RequestHead | None:
    """The request head that `data` begins with, if it is a usual one."""
    match = _REQUEST.match(data)
    if match is None:
        return None
    head = _new(RequestHead)
    method, path, rest, query, minor = match.groups()
    head.size = match.end()
    head.minor = 1 if minor == b"1" else 0
    authority = _take_lines(head, data, match.end(5) + 2, limits, _REQUEST_LINES.findall, USUAL_IN_REQUEST.get)
    if not authority or len(authority) > MAX_AUTHORITY or not is_short_authority(authority) or method == b"CONNECT":
        return None
    head.authority = authority
    head.method = method
    head.path = path + rest if rest else path
    head.query = query
    head._target = None
    head.plain_path = not rest
    head.expect_continue = head.te_trailers = False
    return head


def parse_usual_response(data: bytes, limits: Limits) -> ResponseHead | None:
    """The response head that `data` begins with, if it is a usual one."""
    match = _RESPONSE.match(data)
    if match is None:
        return None
    head = _new(ResponseHead)
    minor, status, head.reason = match.groups()
    head.size = match.end()
    head.minor = 1 if minor == b"1" else 0
    if _take_lines(head, data, match.end(3) + 2, limits, _RESPONSE_LINES.findall, USUAL_IN_RESPONSE.get) is None:
        return None
    head.status = int(status)
    return head


def _take_lines(
    head: Head,
    data: bytes,
    start: int,
    limits: Limits,
    find: Callable[[bytes], list[bytes]],
    known: Callable[[bytes], int | None],
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
    authority = b""
    length = -1
    for line in found:
        kind = known(line)
        if kind is not None:
            present |= kind
        elif line[1] == _H and not authority:
            present |= HOST
            place = start + low.find(line)
            authority = data[place + 6 : place + len(line) - 1]
        elif length != -1:
            return None
        elif line == b"\ntransfer-encoding: chunked" and head.minor:
            present |= TRANSFER_ENCODING
            length = -2
        else:
            match = _LENGTH.fullmatch(line)
            if match is None:
                return None
            present |= CONTENT_LENGTH
            length = int(match[1])
    head.length = length
    head.keep_alive = head.minor == 1 or b"\nconnection: keep-alive" in found
    head.websocket = False
    head._present = present
    head._lines = None
    head._data = data
    head._low = low
    head._start = start
    head._found = found
    return authority
