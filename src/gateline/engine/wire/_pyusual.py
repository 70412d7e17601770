"""Usual heads in plain Python: complete, every line as `encode` writes it, a path as target, a length or chunked, a
connection that stays. One fixed regular expression (possessive, so that its time is linear) says whether a head has
that form, another one finds the few lines of a known kind. Nothing is refused here: None stands for a head that the
careful way has to look at, for whatever reason."""

import re
from collections.abc import Callable

from gateline.engine.wire._pyfields import TCHAR, VCHAR, Limits
from gateline.engine.wire._pyheads import Head
from gateline.engine.wire.kinds import CONTENT_LENGTH, HOST, PLAIN, REQUEST_KINDS, RESPONSE_KINDS, TRANSFER_ENCODING

__all__ = ["FIND_IN_REQUEST", "FIND_IN_RESPONSE", "USUAL_REQUEST", "USUAL_RESPONSE", "take_lines"]


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
    """A pattern for the lines of a known kind in a lower-case head: their names, and some with their values. It finds
    an LF without CR too, by itself.
    """
    names = _one_of({b"%b: " % name: rb"[^\r]++" if name in with_value else b"" for name in kinds})
    return re.compile(b"\n(?:(?<!\r\n)|%b)" % names)


# Of a path first the segments that need no normalisation (no "%", no "//", no "/."), then whatever does.
_PATH = rb"(?=/)((?:/(?![/.])[!-\"$&-.0->@-~]*+)*+)([!-\"$->@-~]*+)"
_LINE = TCHAR + rb"++: [^\r ][^\r]*+(?<! )\r\n"  # an LF in it and control characters are looked for apart: it is faster
USUAL_REQUEST = re.compile(
    rb"(%b{1,32}+) %b(?:\?([!-\"$-~]*+))?+ HTTP/1\.([01])\r\n(?:%b)++\r\n" % (TCHAR, _PATH, _LINE)
)
USUAL_RESPONSE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9]) (" + VCHAR + rb"*+)\r\n(?:" + _LINE + rb")++\r\n")
_IN_RESPONSE = (b"connection", b"content-length", b"transfer-encoding", b"upgrade")
_IN_REQUEST = (*_IN_RESPONSE, b"expect", b"host", b"te")
FIND_IN_REQUEST = _lines_of(REQUEST_KINDS, _IN_REQUEST).findall
FIND_IN_RESPONSE = _lines_of(RESPONSE_KINDS, _IN_RESPONSE).findall
_LOWER = bytes(0 if (code < 32 and code not in (10, 13)) or code == 127 else code for code in range(256)).lower()
_SHORTEST = 6  # bytes of a line
_H = ord("h")  # what begins with it and is not known alone is Host
_LENGTH = re.compile(rb"\ncontent-length: ([0-9]{1,18}+)")


def take_lines(
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
    low = data[start - 2 : end - 2].translate(_LOWER)
    if 0 in low or (end - start > _SHORTEST * limits.count and low.count(b"\r") - 1 > limits.count):
        return None
    found = find(low)
    present = PLAIN if b"\na" in low or low.count(b"\r") - 1 > len(found) else 0
    authority = b""
    length = -1
    for line in found:
        kind = known(line)
        if kind is not None:
            present |= kind
        elif line[1] == _H and not authority:
            present |= HOST
            place = start + low.find(line)
            authority = data[place + 5 : place + len(line) - 2]
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
    if present < 0:
        return None
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
