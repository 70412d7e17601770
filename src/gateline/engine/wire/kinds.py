"""What kind of header a name stands for: the one table behind `Head.kinds()` and the `drop` of `Head.encode()`. Every
header of a head has exactly one kind, a bit, so that a set of kinds is an int. The compiled codec has the same table as
a switch on the name's length; a test holds the two together."""

from typing import Final

HOP: Final = 1 << 0
"""Ends at this hop: connection and its companions, and whatever Connection names (RFC 9110, section 7.6.1)."""
HOST: Final = 1 << 1
CONTENT_LENGTH: Final = 1 << 2
TRANSFER_ENCODING: Final = 1 << 3
EXPECT: Final = 1 << 4
TRAILER: Final = 1 << 5
VIA: Final = 1 << 6
X_FORWARDED_FOR: Final = 1 << 7
X_FORWARDED_PROTO: Final = 1 << 8
X_FORWARDED_HOST: Final = 1 << 9
X_FORWARDED_PORT: Final = 1 << 10
X_FORWARDED_PATH: Final = 1 << 11
X_FORWARDED_PREFIX: Final = 1 << 12
X_REAL_IP: Final = 1 << 13
REQUEST_ID: Final = 1 << 14
LATENCY: Final = 1 << 15
"""The gateway's own timing headers, which an upstream or a client must not be able to set."""
SERVER: Final = 1 << 16
DATE: Final = 1 << 17
PLAIN: Final = 1 << 18
"""All other names."""

FRAMING: Final = HOST | CONTENT_LENGTH | TRANSFER_ENCODING | EXPECT
"""Kinds which a mention in Connection does not turn into HOP: who names them there wants to confuse the next hop."""

RESPONSE_KINDS: Final[dict[bytes, int]] = {
    b"connection": HOP,
    b"keep-alive": HOP,
    b"proxy-connection": HOP,
    b"upgrade": HOP,
    b"host": HOST,
    b"content-length": CONTENT_LENGTH,
    b"transfer-encoding": TRANSFER_ENCODING,
    b"expect": EXPECT,
    b"trailer": TRAILER,
    b"via": VIA,
    b"x-forwarded-for": X_FORWARDED_FOR,
    b"x-forwarded-proto": X_FORWARDED_PROTO,
    b"x-forwarded-host": X_FORWARDED_HOST,
    b"x-forwarded-port": X_FORWARDED_PORT,
    b"x-forwarded-path": X_FORWARDED_PATH,
    b"x-forwarded-prefix": X_FORWARDED_PREFIX,
    b"x-real-ip": X_REAL_IP,
    b"x-kong-request-id": REQUEST_ID,
    b"x-kong-upstream-latency": LATENCY,
    b"x-kong-proxy-latency": LATENCY,
    b"x-kong-response-latency": LATENCY,
    b"x-kong-upstream-status": LATENCY,
    b"server": SERVER,
    b"date": DATE,
}

REQUEST_KINDS: Final[dict[bytes, int]] = RESPONSE_KINDS | {
    b"proxy": HOP,
    b"te": HOP,
    b"http2-settings": HOP,
}
