"""LDAP messages (RFC 4511): the requests that are needed to find out who somebody is, and the answers to them.

Names and values go into a request as counted octets. A search filter is never written as text, so nothing in a user
name can mean anything in it.
"""

from dataclasses import dataclass

from gateline.plugins.ldap_auth.ber import (
    BOOLEAN,
    ENUMERATED,
    INTEGER,
    OCTETS,
    SEQUENCE,
    SET,
    BerError,
    Reader,
    integer,
    tlv,
)

__all__ = [
    "BIND_RESPONSE",
    "EXTENDED_RESPONSE",
    "SEARCH_DONE",
    "SEARCH_ENTRY",
    "SEARCH_REFERENCE",
    "SUCCESS",
    "Entry",
    "Message",
    "Result",
    "bind_request",
    "entry_of",
    "message_of",
    "result_of",
    "search_request",
    "start_tls_request",
]

BIND_RESPONSE, SEARCH_ENTRY, SEARCH_DONE, SEARCH_REFERENCE, EXTENDED_RESPONSE = 0x61, 0x64, 0x65, 0x73, 0x78
"""Identifier octets of the answers."""

SUCCESS = 0

_BIND, _SEARCH, _EXTENDED = 0x60, 0x63, 0x77
_SIMPLE, _EQUALITY, _EXTENDED_NAME = 0x80, 0xA3, 0x80
_WHOLE_SUBTREE, _NEVER_DEREFERENCE = 2, 0
_START_TLS = b"1.3.6.1.4.1.1466.20037"
_VERSION = integer(3)
_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Message:
    """An answer that came: to which request, of which kind, and what is inside. Request 0 is none: a notice."""

    id: int
    kind: int
    content: Reader


@dataclass(frozen=True, slots=True)
class Result:
    """How an operation ended: the code of RFC 4511, and what the directory says of it, cut and fit for a log."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that was found: its name, and the values of its attributes by their names in lower case."""

    dn: str
    attributes: dict[str, list[bytes]]


def bind_request(number: int, dn: str, password: str) -> bytes:
    """Authenticate with a name and a password. Raises ValueError without either: that would succeed as nobody.

    RFC 4513, section 5.1.2: a bind with a name and no password is *unauthenticated* and may well succeed.
    """
    if not dn or not password:
        raise ValueError("a bind needs a name and a password")
    return _request(number, tlv(_BIND, _VERSION, tlv(OCTETS, _octets(dn)), tlv(_SIMPLE, _octets(password))))


def search_request(
    number: int, base: str, attribute: str, value: str, wanted: tuple[str, ...], *, most: int, seconds: int
) -> bytes:
    """Look below `base` for entries of which an attribute has a value; `wanted`: the attributes to be told."""
    content = (
        tlv(OCTETS, _octets(base)),
        integer(_WHOLE_SUBTREE, ENUMERATED),
        integer(_NEVER_DEREFERENCE, ENUMERATED),
        integer(most),
        integer(seconds),
        tlv(BOOLEAN, b"\x00"),
        tlv(_EQUALITY, tlv(OCTETS, _octets(attribute)), tlv(OCTETS, _octets(value))),
        tlv(SEQUENCE, *(tlv(OCTETS, _octets(name)) for name in wanted or ("1.1",))),  # 1.1: none
    )
    return _request(number, tlv(_SEARCH, *content))


def start_tls_request(number: int) -> bytes:
    """Ask to go on in TLS."""
    return _request(number, tlv(_EXTENDED, tlv(_EXTENDED_NAME, _START_TLS)))


def message_of(data: bytes) -> Message:
    """What a message says. Raises BerError."""
    inside = Reader(data).inside()
    number = inside.integer(INTEGER)
    if number < 0 or not inside:
        raise BerError("no message of LDAP")
    kind = inside.tag
    return Message(number, kind, inside.inside(kind))


def result_of(content: Reader) -> Result:
    """How an operation ended. Raises BerError."""
    code = content.integer(ENUMERATED)
    content.octets()  # the matched name
    text = content.octets()[:_LONGEST_TEXT].decode("utf-8", "replace")
    return Result(code, "".join(character if character.isprintable() else " " for character in text))


def entry_of(content: Reader) -> Entry:
    """An entry of a search. Raises BerError."""
    dn = content.octets()
    attributes: dict[str, list[bytes]] = {}
    listed = content.inside()
    while listed:
        one = listed.inside()
        name = one.octets().decode("utf-8", "replace").lower()
        attributes.setdefault(name, []).extend(one.inside(SET).each(OCTETS))
    try:
        return Entry(dn.decode(), attributes)
    except UnicodeDecodeError:
        raise BerError("the name of an entry is no UTF-8") from None


def _request(number: int, operation: bytes) -> bytes:
    return tlv(SEQUENCE, integer(number), operation)


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
