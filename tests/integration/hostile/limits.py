"""Too much of everything."""

from integration.hostile.entry import FORGED, HOST, Entry, get, post

_SMALL = {"nginx_http_client_max_body_size": "10"}

ENTRIES = (
    Entry("target too long", get(target=b"/" + b"x" * 9000), (414,)),
    Entry("target too long, in many segments", (b"GET /", *[b"x" * 1000] * 10), (414,)),
    Entry("target of 1 MB", get(target=b"/" + b"x" * 1_000_000), (414,)),
    Entry("query too long", get(target=b"/?" + b"x" * 9000), (414,)),
    Entry("absolute-form too long", get(target=b"http://gateway.test/" + b"x" * 9000), (414,)),
    Entry("version without end", b"GET /hostile HTTP/1.1" + b"1" * 9000, (400,)),
    Entry("header too long", get(b"X: " + b"y" * 9000)),
    Entry("header of 1 MB", get(b"X: " + b"y" * 1_000_000)),
    Entry("header name too long", get(b"X" * 9000 + b": y")),
    Entry("header name without end", b"GET /hostile HTTP/1.1\r\n" + HOST + b"X" * 9000),
    Entry("header value without end", b"GET /hostile HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 9000),
    Entry("cookie too long", get(b"Cookie: " + b"y" * 9000)),
    Entry("head too large", get(*[b"X: " + b"y" * 4000] * 9)),
    Entry("head without end", b"GET /hostile HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 20000),
    Entry("head without end, in many segments", (b"GET /hostile HTTP/1.1\r\n", *[b"X: %b\r\n" % (b"y" * 900)] * 40)),
    Entry("too many headers", get(*[b"X: y"] * 1001)),
    Entry("too many headers of one letter", get(*[b"X:"] * 2000)),
    Entry("white space without end", get(b"X:" + b" " * 9000 + b"y")),
    Entry("too many options in Connection", get(b"Connection: " + b"x, " * 1000 + b"y"), (400,)),
    Entry(
        "body larger than the limit",
        post(b"Content-Length: 11", body=b"hello world"),
        (413,),
        closes=False,
        settings=_SMALL,
    ),
    Entry("body larger than the limit, only announced", post(b"Content-Length: 11"), (413,), settings=_SMALL),
    Entry(
        "body larger than the limit, as large as can be said",
        post(b"Content-Length: 9223372036854775807", body=b"hello"),
        (413,),
        settings=_SMALL,
    ),
    Entry(
        "chunked body larger than the limit",
        (post(b"Transfer-Encoding: chunked", body=b"8\r\nhello wo\r\n"), b"3\r\nrld\r\n0\r\n\r\n" + FORGED),
        (413,),
        cut=True,
        delay=0.02,
        settings=_SMALL,
    ),
    Entry(
        "chunk larger than the limit",
        post(b"Transfer-Encoding: chunked", body=b"b\r\nhello world\r\n0\r\n\r\n"),
        (413,),
        closes=False,
        settings=_SMALL,
    ),
    Entry(
        "requests over the limit of a connection",
        get() * 3,
        (200, 200),
        upstream=2,
        settings={"nginx_http_keepalive_requests": "2"},
    ),
)
