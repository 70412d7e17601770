"""Directives meant for some caches only: CDN-Cache-Control (RFC 9213) and Surrogate-Control (W3C Edge Architecture).

The first of these fields that is there and well-formed takes the place of Cache-Control and Expires.
"""

from collections.abc import Sequence
from string import ascii_lowercase, digits

from gateline.plugins.proxy_cache.rules.directives import ResponseDirectives, Said, arguments_of, response_directives
from gateline.plugins.proxy_cache.rules.fields import Headers, closing_quote, is_token, lines_of, members_of

__all__ = ["TARGETED", "policy_of", "surrogate_capability"]

TARGETED = (b"cdn-cache-control", b"surrogate-control")
"""The fields that are looked at, in this order, before Cache-Control."""

_KEY = frozenset((ascii_lowercase + digits + "_-.*").encode())
_KEY_BEGIN = frozenset((ascii_lowercase + "*").encode())
_DIGITS = 15
"""Digits of the longest integer of a structured field (RFC 9651, section 3.3.1)."""


def policy_of(
    headers: Headers, targeted: Sequence[bytes] = TARGETED, device: bytes = b"gateline"
) -> ResponseDirectives:
    """What an answer tells this cache.

    `targeted` are the names of the fields that come before Cache-Control, in lower case, Surrogate-Control among them
    or not. `device` is the name under which Surrogate-Control may address this cache alone.
    """
    for name in targeted:
        lines = lines_of(headers, name)
        if lines:
            said = _surrogate(lines, device) if name == b"surrogate-control" else _structured(lines)
            if said:
                return response_directives(said, name)
    return response_directives(arguments_of(lines_of(headers, b"cache-control")))


def surrogate_capability(device: bytes = b"gateline") -> bytes:
    """The value of Surrogate-Capability, which tells a service that it may use Surrogate-Control."""
    return device + b'="Surrogate/1.0"'


def _structured(lines: Sequence[bytes]) -> Said | None:
    """The members of a dictionary (RFC 9651, section 4.2.2); None where it is none (RFC 9213, section 2.1).

    Of a key that comes twice the last counts. A directive of seconds must have a whole number; one of another type
    spoils the field. Parameters are looked over, not at.
    """
    said: dict[bytes, list[bytes | None]] = {}
    for member in members_of(b",".join(lines)):
        head, semicolon, parameters = member.partition(b";")
        key, equals, _ = head.partition(b"=")
        item: bytes | None = b"?1"
        if equals:
            item, semicolon, parameters = _item(member[len(key) + 1 :])
        well_formed = item is not None and _is_key(key) and (not semicolon or _are_parameters(parameters))
        if item is None or not well_formed or (key in _WITH_SECONDS and not _is_whole_number(item)):
            return None
        if item == b"?0":
            said.pop(key, None)
        else:
            said[key] = [None if item == b"?1" else _text(item)]
    return said or None


def _item(value: bytes) -> tuple[bytes | None, bytes, bytes]:
    """An item as it is written, and the parameters after it. None is one that is not well-formed."""
    if value[:1] != b'"':
        item, separator, parameters = value.partition(b";")
        bare = item.replace(b":", b"").replace(b"/", b"")
        return (item if item in (b"?0", b"?1") or is_token(bare) else None), separator, parameters
    closing = closing_quote(value, 0)
    if not closing:
        return None, b"", b""
    rest = value[closing + 1 :]
    return (value[: closing + 1] if rest[:1] in (b"", b";") else None), rest[:1], rest[1:]


def _is_whole_number(item: bytes) -> bool:
    return item.isdigit() and len(item) <= _DIGITS


def _text(item: bytes) -> bytes:
    return item[1:-1].replace(b"\\", b"") if item[:1] == b'"' else item


def _is_key(key: bytes) -> bool:
    return bool(key) and key[0] in _KEY_BEGIN and _KEY.issuperset(key)


def _are_parameters(text: bytes) -> bool:
    return all(_is_key(part.strip(b" ").partition(b"=")[0]) for part in text.split(b";"))


def _surrogate(lines: Sequence[bytes], device: bytes) -> Said | None:
    """The directives for this cache: those for nobody in particular, unless some are for it by name.

    `max-age=600+60` lets the answer be given for another minute while a new one is fetched.
    """
    for_all: list[bytes] = []
    for_this: list[bytes] = []
    for line in lines:
        for member in members_of(line):
            directive, semicolon, target = member.partition(b";")
            if not semicolon:
                for_all.append(directive)
            elif target.strip(b" \t") == device:
                for_this.append(directive)
    said = arguments_of(map(_without_extension, for_this or for_all))
    for directive in for_this or for_all:
        name, _, argument = directive.partition(b"=")
        if name.lower() == b"max-age" and b"+" in argument:
            said[b"stale-while-revalidate"] = [argument.partition(b"+")[2]]
    known = _SURROGATE.intersection(said)
    return {name: said[name] for name in known} or None


def _without_extension(directive: bytes) -> bytes:
    return directive.partition(b"+")[0]


_WITH_SECONDS = frozenset((b"max-age", b"s-maxage", b"stale-while-revalidate", b"stale-if-error"))
_SURROGATE = frozenset((b"max-age", b"no-store", b"no-store-remote", b"stale-while-revalidate", b"stale-if-error"))
