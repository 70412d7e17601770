"""Distinguished names (RFC 4514): values written into them, and names read and compared."""

__all__ = ["below", "escaped", "normalised", "parts_of"]

_SPECIAL = frozenset('"+,;<>\\=')
_HEX = frozenset("0123456789abcdefABCDEF")
_LONGEST = 4096


def escaped(value: str) -> str:
    """A value as it is written into a name (section 2.4), so that nothing in it means anything there."""
    written = []
    last = len(value) - 1
    for place, character in enumerate(value):
        if character == "\0":
            written.append("\\00")
        elif character in _SPECIAL or (character == " " and place in (0, last)) or (character == "#" and place == 0):
            written.append(f"\\{character}")
        else:
            written.append(character)
    return "".join(written)


def parts_of(dn: str) -> list[tuple[str, str]] | None:
    """The attribute (in lower case) and value of each part of a name, the nearest first; None for what is none.

    Of a part with several values only the first is told. Values in the form `#hex` stay as they are.
    """
    if len(dn) > _LONGEST:
        return None
    found = []
    for part in _split(dn, ","):
        first = _split(part, "+")[0]
        attribute, equals, value = first.partition("=")
        plain = _unescaped(value.strip(" ") if not value.endswith("\\ ") else value.lstrip(" "))
        if not equals or not attribute.strip() or plain is None:
            return None
        found.append((attribute.strip().lower(), plain))
    return found


def normalised(dn: str) -> list[tuple[str, str]] | None:
    """The parts of a name in the form in which names are compared: attributes and values in lower case."""
    parts = parts_of(dn)
    return None if parts is None else [(attribute, value.lower()) for attribute, value in parts]


def below(dn: list[tuple[str, str]], base: list[tuple[str, str]]) -> bool:
    """Whether a name is below another one; both normalised."""
    return len(dn) > len(base) and (not base or dn[-len(base) :] == base)


def _split(text: str, separator: str) -> list[str]:
    """The pieces between separators that are not escaped."""
    pieces = []
    start = place = 0
    while place < len(text):
        if text[place] == "\\":
            place += 2
            continue
        if text[place] == separator:
            pieces.append(text[start:place])
            start = place + 1
        place += 1
    pieces.append(text[start:])
    return pieces


def _unescaped(value: str) -> str | None:
    octets = bytearray()
    place = 0
    while place < len(value):
        character = value[place]
        if character != "\\":
            octets += character.encode("utf-8", "surrogateescape")
            place += 1
            continue
        pair = value[place + 1 : place + 3]
        if len(pair) == 2 and _HEX.issuperset(pair):
            octets.append(int(pair, 16))
            place += 3
        elif pair:
            octets += pair[0].encode("utf-8", "surrogateescape")
            place += 2
        else:
            return None
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return None
