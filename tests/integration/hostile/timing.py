"""Clients that take their time: a head or a body that drips, or stops."""

from integration.hostile.entry import HOST, Entry, get, post

_HURRIED = {"client_header_timeout": "1", "client_body_timeout": "1", "client_idle_timeout": "1"}
_HEAD = b"GET /hostile HTTP/1.1\r\n" + HOST
_CHUNKED = post(b"Transfer-Encoding: chunked")

ENTRIES = (
    Entry("slow: nothing is sent", b"", (), settings=_HURRIED),
    Entry("slow: a head that stops", _HEAD, (408,), settings=_HURRIED),
    Entry("slow: a request line that stops", b"GET /hos", (408,), settings=_HURRIED),
    Entry(
        "slow: a head that drips",  # each part comes in time, the whole does not
        (_HEAD, *[b"X: y\r\n"] * 8),
        (408,),
        delay=0.2,
        settings=_HURRIED,
    ),
    Entry("slow: a second head that stops", (get(), _HEAD), (200, 408), upstream=1, delay=0.05, settings=_HURRIED),
    Entry("slow: a second head that stops, in one segment", get() + _HEAD, (200, 408), upstream=1, settings=_HURRIED),
    Entry("slow: no second request", get(), (200,), upstream=1, settings=_HURRIED),
    Entry("slow: a body that stops", post(b"Content-Length: 50", body=b"hello"), (408,), cut=True, settings=_HURRIED),
    Entry("slow: a body that never begins", post(b"Content-Length: 50"), (408,), cut=True, settings=_HURRIED),
    Entry("slow: a chunk that stops", _CHUNKED + b"50\r\nhello", (408,), cut=True, settings=_HURRIED),
    Entry("slow: a chunk size that stops", _CHUNKED + b"5", (408,), cut=True, settings=_HURRIED),
    Entry("slow: no last chunk", _CHUNKED + b"5\r\nhello\r\n", (408,), cut=True, settings=_HURRIED),
    Entry("slow: trailers that stop", _CHUNKED + b"0\r\nX: y\r\n", (408,), cut=True, settings=_HURRIED),
    Entry(
        "slow: a body in time",
        (post(b"Content-Length: 5"), b"h", b"e", b"l", b"l", b"o"),
        (200,),
        upstream=1,
        delay=0.3,
        settings=_HURRIED,
    ),
)
