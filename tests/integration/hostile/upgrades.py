"""Upgrades and expectations as a way to get bytes past the gateway."""

from integration.hostile.entry import FORGED, Entry, get, post

_WEBSOCKET = (
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)

ENTRIES = (
    Entry(
        "websocket: what follows a refused upgrade is a request of its own",
        get(*_WEBSOCKET, after=b"\x81\x05hello" + FORGED),
        (400, 400),
        upstream=1,
        reject=True,
    ),
    Entry(
        "websocket: another protocol is no upgrade",
        get(b"Connection: Upgrade", b"Upgrade: tcp", after=b"\x00garbage"),
        (200, 400),
        upstream=1,
    ),
    Entry(
        "websocket among others is no upgrade",
        get(b"Connection: Upgrade", b"Upgrade: websocket, h2c", after=b"\x00garbage"),
        (200, 400),
        upstream=1,
    ),
    Entry(
        "websocket: POST is no upgrade",
        post(*_WEBSOCKET, b"Content-Length: 5", body=b"hello"),
        (200,),
        closes=False,
        upstream=1,
    ),
    Entry(
        "websocket: HTTP/1.0 is no upgrade",
        b"GET /hostile HTTP/1.0\r\nHost: gateway.test\r\n" + b"\r\n".join(_WEBSOCKET) + b"\r\n\r\n",
        (200,),
        upstream=1,
    ),
    Entry(
        "h2c upgrade",
        get(
            b"Connection: Upgrade, HTTP2-Settings",
            b"Upgrade: h2c",
            b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        ),
        (200,),
        closes=False,
        upstream=1,
    ),
    Entry(
        "h2c upgrade, then its preface",
        get(b"Connection: Upgrade", b"Upgrade: h2c", after=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (200, 400),
        upstream=1,
    ),
    Entry(
        "TLS upgrade",
        get(b"Connection: Upgrade", b"Upgrade: TLS/1.2"),
        (200,),
        closes=False,
        upstream=1,
    ),
    Entry("expectation unknown", post(b"Expect: miracles", b"Content-Length: 50", body=b"hello"), (417,)),
    Entry("expectation with a list", post(b"Expect: 100-continue, x", b"Content-Length: 50", body=b"hello"), (417,)),
    Entry(
        "expectation twice",  # RFC 9110, section 10.1.1: what is not understood beside 100-continue may be passed over
        post(b"Expect: 100-continue", b"Expect: 200-ok", b"Content-Length: 5", body=b"hello"),
        (200,),
        closes=False,
        upstream=1,
    ),
    Entry("expectation without a body, unknown", get(b"Expect: miracles"), (417,), closes=False),
    Entry(
        "expectation of a request without a body",
        get(b"Expect: 100-continue", after=FORGED.replace(b"/forged", b"/other")),
        (200, 404),
        closes=False,
        upstream=1,
    ),
    Entry(
        "expectation on the way to no route: the body is not the next request",
        b"POST /unknown HTTP/1.1\r\nHost: gateway.test\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n%b"
        % (len(FORGED), FORGED),
        (404,),
        closes=False,
    ),
    Entry(
        "body on the way to no route is not the next request",
        b"POST /unknown HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: %d\r\n\r\n%b" % (len(FORGED), FORGED),
        (404,),
        closes=False,
    ),
    Entry(
        "late body on the way to no route is not the next request",
        (b"POST /unknown HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: %d\r\n\r\n" % len(FORGED), FORGED),
        (404,),
        delay=0.02,
    ),
    Entry(
        "hop-by-hop headers that are named to be lost",
        get(b"Connection: close, X-Forwarded-For, X-Real-IP, Authorization", b"Authorization: Basic eDp5"),
        (200,),
        upstream=1,
    ),
    Entry(
        "Connection names Host",
        get(b"Connection: Host, keep-alive"),
        (200,),
        closes=False,
        upstream=1,
    ),
)
