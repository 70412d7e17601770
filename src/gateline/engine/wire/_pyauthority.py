"""host[:port] in plain Python: what Host and an absolute target have to be."""

import ipaddress
import re
from functools import lru_cache

MAX_AUTHORITY = 261  # a name of 255 bytes, a colon and five digits
_AUTHORITY = re.compile(
    rb"(?:\[([0-9A-Fa-f:.]++)\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f][0-9A-Fa-f])++)(?::([0-9]{1,5}+))?+"
)


def is_authority(value: bytes) -> bool:
    """Whether `value` is host[:port] with a registered name, an IPv4 or an [IPv6] address (RFC 3986, section 3.2)."""
    return len(value) <= MAX_AUTHORITY and is_short_authority(value)


@lru_cache(maxsize=1024)
def is_short_authority(value: bytes) -> bool:
    """The same of a value that is not too long; the last ones are remembered."""
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
