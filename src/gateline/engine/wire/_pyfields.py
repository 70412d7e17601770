"""Header lines in plain Python: the part of the codec's twin that heads and trailers share. A complete section of
well-formed lines is taken by one fixed regular expression (possessive, so that its time is linear); everything else
goes line by line through the careful path, which knows what is wrong first."""

import re
from abc import ABC, abstractmethod
from typing import NoReturn, final

from gateline.engine.wire import faults
from gateline.engine.wire._pyheads import Head, names_and_kinds
from gateline.engine.wire.faults import Fault
from gateline.engine.wire.kinds import CONTENT_LENGTH, FRAMING, HOP, PLAIN, REQUEST_KINDS, TRAILER, TRANSFER_ENCODING

TCHAR = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
VCHAR = rb"[^\x00-\x08\x0a-\x1f\x7f]"
NAME = re.compile(TCHAR + rb"*+")
VALUE = re.compile(VCHAR + rb"*+")
MAX_NUMBER = (1 << 63) - 1

_MAX_LIMIT = 1 << 30
_MAX_OPTIONS = 64
_KEEP_ALIVE = [b"keep-alive"]
_SPECIAL = HOP | FRAMING | TRAILER

CANONICAL_LINE = TCHAR + rb"++: [!-~\x80-\xff][ -~\x80-\xff]*+(?<! )\r\n"
"""A line as `encode` writes it: one space before a value that is not empty, none behind it, no tab."""
_CANONICAL_LINES = re.compile(rb"(?:" + CANONICAL_LINE + rb")*+\r\n")
_LINE = re.compile(rb"(" + TCHAR + rb"++):(" + VCHAR + rb"*+)\r\n")
_DIGITS = re.compile(rb"[0-9]{1,19}+")


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


class Fields(ABC):
    """What header lines mean as they come; a subclass for each place where they stand."""

    response = False
    table = REQUEST_KINDS

    def __init__(self, head: Head) -> None:
        self.head = head
        self.hosts = self.lengths = self.codings = 0
        self.te: list[bytes] = []
        self.upgrade: list[bytes] = []
        self.connection: list[bytes] = []

    @abstractmethod
    def note(self, kind: int, name: bytes, value: bytes) -> None:
        """Take a line of a kind that may mean something here."""

    @abstractmethod
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
            if _DIGITS.fullmatch(value) is None or int(value) > MAX_NUMBER:
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


def parse_fields(head: Head, data: bytes, start: int, limits: Limits, fields: Fields) -> bool:
    """Header or trailer lines from `start` to the blank line; whether they are complete."""
    match = _CANONICAL_LINES.match(data, start)
    if match is None:
        return _parse_lines(head, data, start, limits, fields)
    end = match.end() - 2
    if end + 2 > limits.head or end + 2 - start > limits.line or end == start:
        return _parse_lines(head, data, start, limits, fields)
    lines = data[start : end - 2].split(b"\r\n")
    if len(lines) > limits.count:
        return _parse_lines(head, data, start, limits, fields)
    head.size = end + 2
    head._lines = lines
    names, kinds = names_and_kinds(lines, fields.table)
    head._names = names
    head._kinds = kinds
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


def _parse_lines(head: Head, data: bytes, start: int, limits: Limits, fields: Fields) -> bool:
    """The same line by line: for what is incomplete, long or wrong."""
    lines: list[bytes] = []
    head._lines = lines
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
        if len(lines) == limits.count:
            fields.refuse(faults.TOO_MANY_HEADERS)
        match = _LINE.match(data, start, stop)
        if match is None:
            return _refuse_line(data, start, stop, fields)
        name, raw = match.groups()
        value = raw.strip(b" \t")
        kind = fields.table.get(name.lower(), PLAIN)
        lines.append(b"%b: %b" % (name, value))
        head._names.append(name.lower())
        head._kinds.append(kind)
        head._present |= kind
        if kind & _SPECIAL:
            fields.note(kind, name.lower(), raw.lstrip(b" ") if kind == TRANSFER_ENCODING else value)
        start = match.end()


def _refuse_line(data: bytes, start: int, stop: int, fields: Fields) -> bool:
    """False when the line from `start` only lacks bytes, else the error of its first wrong byte."""
    end = end_of(NAME, data, start, stop)
    if end == stop:
        return _out_of_fields(stop, data, fields)
    if data[end] in b" \t":
        fields.refuse(faults.FOLDED if end == start else faults.SPACE_BEFORE_COLON)
    if data[end] != 58 or end == start:
        fields.refuse(faults.BARE_LF if data[end] == 10 else faults.BAD_NAME)
    end = end_of(VALUE, data, end + 1, stop)
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
        match = NAME.match(token)
        end = match.end() if match is not None else 0
        if end == 0:
            return faults.BAD_CODING
        if token[:end].lower() != b"chunked":
            return faults.UNKNOWN_CODING
        if end < len(token):
            return faults.BAD_CODING
        count += 1
    return faults.BAD_CODING if count == 1 else faults.REPEATED_CODING


# --- reading and refusing


def end_of(pattern: re.Pattern[bytes], data: bytes, start: int, stop: int) -> int:
    """Where the run of bytes of one class that begins at `start` ends."""
    match = pattern.match(data, start, stop)
    return match.end() if match is not None else start


def out_of(stop: int, data: bytes, fault: Fault, response: bool = False) -> int:
    """All bytes up to `stop` are read: 0 when more may come, an error when a limit has ended the line."""
    if stop == len(data):
        return 0
    raise fault.error(response)


def _out_of_fields(stop: int, data: bytes, fields: Fields) -> bool:
    return bool(out_of(stop, data, faults.HEADER_TOO_LONG, fields.response))
