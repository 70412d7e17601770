"""The twin's short way for usual heads: it must say what the careful way says, and its time must be linear."""

from time import perf_counter

import pytest

from gateline.engine.wire import _pycodec
from gateline.engine.wire._pyusual import USUAL_REQUEST, USUAL_RESPONSE
from gateline.engine.wire.faults import HeadError
from gateline.engine.wire.kinds import CONTENT_LENGTH, HOP, HOST, PLAIN, REQUEST_KINDS, RESPONSE_KINDS

LIMITS = _pycodec.Limits(1 << 30, 1 << 30, 1 << 30)
REQUEST = b"GET /a HTTP/1.1\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\n"


def outcome(data: bytes) -> object:
    """Whether `data` is taken for a head, by its kinds, or the reason why not."""
    try:
        head = (
            _pycodec.parse_response(data, LIMITS) if data.startswith(b"HTTP") else _pycodec.parse_request(data, LIMITS)
        )
    except HeadError as error:
        return error.reason
    return None if head is None else head.kinds()


@pytest.mark.parametrize(("start", "table"), [(REQUEST + b"Host: h\r\n", REQUEST_KINDS), (RESPONSE, RESPONSE_KINDS)])
def test_every_known_name_is_found_with_its_kind_and_left_out_by_it(start: bytes, table: dict[bytes, int]) -> None:
    for name, kind in table.items():
        value = {b"content-length": b"0", b"transfer-encoding": b"chunked", b"connection": b"keep-alive"}.get(
            name, b"v"
        )
        line = b"%b: %b\r\n" % (name.title(), value)
        lead = REQUEST if name == b"host" and start.startswith(REQUEST) else start
        data = lead + b"A: 1\r\n" + line + b"zz: 2\r\n\r\nbody"
        parse = _pycodec.parse_request if start.startswith(b"GET") else _pycodec.parse_response
        head = parse(data, LIMITS)
        assert head is not None, name
        assert head.kinds() & kind, name
        assert head.get(name) == value
        assert head.encode(b"", HOST | kind, None, b"T: 1\r\n", b"B") == b"A: 1\r\nzz: 2\r\nT: 1\r\n\r\nB", name


def test_no_known_name_begins_with_a_as_those_that_do_are_taken_for_plain_ones() -> None:
    assert not [name for name in REQUEST_KINDS | RESPONSE_KINDS if name.startswith(b"a")]


def test_names_are_not_looked_up_beyond_their_own_line() -> None:
    head = _pycodec.parse_request(REQUEST + b"Host: h\r\nCookie: a: b\r\nX-Y: host: z\r\n\r\n", LIMITS)
    assert head is not None
    assert [head.get(name) for name in (b"cookie: a", b"host: h\r\ncookie", b"h", b"", b"y", b"x-y")] == [
        None, None, None, None, None, b"host: z",
    ]  # fmt: skip
    assert head.encode(b"", HOST, None, b"", b"") == b"Cookie: a: b\r\nX-Y: host: z\r\n\r\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b"Host: h\r\nA: b\r\n", HOST | PLAIN),
        (b"Host: h\r\n", HOST),
        (b"Host: h\r\nContent-Length: 1\r\n", HOST | CONTENT_LENGTH),
        (b"Host: h\r\nConnection: a\r\nA: b\r\n", HOST | HOP),
        (b"Host: h\r\nA: b\nHost: c\r\n", "LF without CR"),
        (b"Host: h\nA: b\r\n", "LF without CR"),
        (b"Host: h\r\nA: \nb\r\n", "LF without CR"),
        (b"Host: h\r\nA: b\n\r\n", "LF without CR"),
        (b"Host: h\r\nA: b\rc\r\n", "CR without LF"),
        (b"Host: h\r\nA: b\x00\r\n", "control character in a header value"),
        (b"Host: h\r\nA: b\x7fc\r\n", "control character in a header value"),
        (b"Host: h\r\nHost: h\r\n", "more than one Host header"),
        (b"A: host: h\r\n", "no Host header"),
        (b"Host: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n", "more than one Content-Length header"),
        (
            b"Host: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            "both Content-Length and Transfer-Encoding",
        ),
    ],
)
def test_what_the_short_way_leaves_out_is_not_missed(lines: bytes, expected: object) -> None:
    assert outcome(REQUEST + lines + b"\r\n") == expected


HOSTILE = [
    b"A" * 32 + b" /" + b"/" * 100000,
    b"GET /" + b"/a." * 100000 + b" HTTP/1.1\r",
    b"GET /?" + b"?" * 100000 + b" HTTP/1.1\r\n" + b"A: " + b" " * 100000,
    REQUEST + b"A: b\r\n" * 50000,
    REQUEST + b"A: b\r\n" * 50000 + b"\r",
    REQUEST + b"A: b \r\n" * 50000 + b"\r\n",
    REQUEST + b"A: b" + b" " * 100000 + b"\r\n\r\n",
    REQUEST + b"A: " + b"b " * 100000 + b"\r\n",
    REQUEST + b"A" * 200000,
    REQUEST + b"Host: h\r\n" + b"A: \n\n\n\n" * 20000 + b"\r\n\r\n",
    REQUEST + b"Host: h\r\nA: " + b"\nte" * 50000 + b"\r\n\r\n",
    REQUEST + b"Host: h\r\nA: " + b"\nx-forwarded-" * 20000 + b"\r\n\r\n",
    RESPONSE + b"Server: " + b"\nserver: " * 20000 + b"\r\n\r\n",
    RESPONSE + b"Connection: " + b"\xff" * 200000 + b"\r",
    b"HTTP/1.1 200 " + b" " * 200000 + b"\r",
]


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_the_time_of_hostile_heads_grows_with_their_size_only(data: bytes) -> None:
    """200 kB take some milliseconds: a pattern that went back would take minutes at the least."""
    began = perf_counter()
    USUAL_REQUEST.match(data)
    USUAL_RESPONSE.match(data)
    outcome(data)
    assert perf_counter() - began < 30
