"""DNS messages (RFC 1035, section 4): a question as bytes, the bytes of an answer as records.

What comes is hostile until it is read: every access is checked against the end, a compressed name may only point
backwards and is no longer than a name may be, and of a message that has more records than anybody needs the rest is
left unread. Only the answer section is read, and of it only the types that `Type` names.
"""

import struct
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

__all__ = [
    "LONGEST_NAME",
    "RECORDS",
    "Message",
    "MessageError",
    "Record",
    "Service",
    "Type",
    "name_of",
    "parse",
    "query",
]

LONGEST_NAME = 253
"""Characters of a name, dots included."""
RECORDS = 1000
"""Records of an answer that are read."""

_HEAD = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHIH")
_SERVICE = struct.Struct("!HHH")
_IN = 1
_RESPONSE, _OPCODE, _TRUNCATED, _RECURSE, _RCODE = 0x8000, 0x7800, 0x0200, 0x0100, 0x000F
_VISIBLE = bytes(range(0x21, 0x7F)).replace(b".", b"")
_LONGEST_TTL = 0x7FFFFFFF


class Type(IntEnum):
    """Types of records that lead to addresses."""

    A = 1
    CNAME = 5
    AAAA = 28
    SRV = 33


class Service(NamedTuple):
    """The data of an SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


class Record(NamedTuple):
    """One record: `data` is an address in text, a name, or a `Service`; `ttl` in seconds."""

    name: str
    type: Type
    ttl: int
    data: str | Service


class Message(NamedTuple):
    """An answer. `code` is its RCODE: 0 no error, 2 server failure, 3 no such name."""

    id: int
    code: int
    truncated: bool
    records: tuple[Record, ...]


class MessageError(Exception):
    """The bytes are no answer to the question."""


def name_of(text: str) -> str:
    """A host name as it is asked for: lower case, ASCII (IDNA where it is not), no dot at its end.

    Raises MessageError for what cannot be a name in the DNS.
    """
    name = text.removesuffix(".")
    if not name.isascii():
        try:
            name = name.encode("idna").decode()
        except UnicodeError:
            raise MessageError(f"{text!r} is no name") from None
    labels = name.split(".")
    if len(name) > LONGEST_NAME or not all(0 < len(label) < 64 for label in labels):
        raise MessageError(f"{text!r} is no name")
    if any(character <= " " or character == "\x7f" for character in name):
        raise MessageError(f"{text!r} is no name")
    return name.lower()


def query(identity: int, name: str, kind: Type) -> bytes:
    """The message that asks for the records of a type that a name has; `name` as `name_of` gives it."""
    labels = b"".join(bytes((len(label),)) + label.encode() for label in name.split("."))
    return _HEAD.pack(identity, _RECURSE, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, _IN)


def parse(data: bytes, asked: bytes) -> Message:
    """The answer to a question, both as bytes.

    Raises MessageError for bytes that are none: of another question, cut off, or not well-formed.
    """
    try:
        identity, flags, questions, answers, _, _ = _HEAD.unpack_from(data)
        if identity != _HEAD.unpack_from(asked)[0] or not flags & _RESPONSE or flags & _OPCODE:
            raise MessageError("an answer to another question")
        end = len(asked)
        if questions != 1 or data[12:end].lower() != asked[12:].lower():
            if not (questions == 0 and flags & _RCODE):  # some servers repeat no question that they refuse
                raise MessageError("an answer to another question")
            answers = 0
        truncated = bool(flags & _TRUNCATED)
        records = () if truncated else _records(data, end, min(answers, RECORDS))
    except (struct.error, IndexError, ValueError):
        raise MessageError("the message is cut off or not well-formed") from None
    return Message(identity, flags & _RCODE, truncated, records)


def _records(data: bytes, at: int, count: int) -> tuple[Record, ...]:
    found = []
    for _ in range(count):
        name, at = _name(data, at)
        number, dns_class, ttl, length = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        end = at + length
        if end > len(data):
            raise MessageError("a record is cut off")
        if dns_class == _IN and number in _READ:
            kind = Type(number)
            found.append(Record(name, kind, ttl if ttl <= _LONGEST_TTL else 0, _data(data, at, end, kind)))
        at = end
    return tuple(found)


_READ = frozenset(Type)


def _data(data: bytes, at: int, end: int, kind: Type) -> str | Service:
    if kind is Type.A:
        return str(IPv4Address(data[at:end]))
    if kind is Type.AAAA:
        return str(IPv6Address(data[at:end]))
    if kind is Type.CNAME:
        return _name(data, at)[0]
    priority, weight, port = _SERVICE.unpack_from(data, at)
    return Service(priority, weight, port, _name(data, at + _SERVICE.size)[0])


def _name(data: bytes, at: int) -> tuple[str, int]:
    """The name at a place, in lower case, and where it ends there. Labels that no host name has raise MessageError."""
    labels = []
    after = -1
    lowest = at
    size = 0
    while True:
        length = data[at]
        if length == 0:
            break
        if length >= 0xC0:
            after = at + 2 if after < 0 else after
            at = (length & 0x3F) << 8 | data[at + 1]
            if at >= lowest:
                raise MessageError("a name that points forward or at itself")
            lowest = at
            continue
        if length >= 0x40:
            raise MessageError("a label of an unknown kind")
        label = data[at + 1 : at + 1 + length]
        size += length + 1
        if len(label) < length or size > LONGEST_NAME + 1:
            raise MessageError("a name that is cut off or too long")
        if label.translate(None, _VISIBLE):
            raise MessageError("a label with what no host name has")
        labels.append(label.decode().lower())
        at += 1 + length
    return ".".join(labels), at + 1 if after < 0 else after
