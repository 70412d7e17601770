"""Response heads: what is accepted and how it reads; every violation is a 502. Every case runs on both codecs."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest

from gateline.engine.wire import faults
from gateline.engine.wire.faults import HeadError

IMPLEMENTATIONS = [name for name in ("_codec", "_pycodec") if find_spec(f"gateline.engine.wire.{name}")]


@pytest.fixture(params=IMPLEMENTATIONS)
def codec(request: pytest.FixtureRequest) -> ModuleType:
    return import_module(f"gateline.engine.wire.{request.param}")


def parse(codec: ModuleType, *lines: bytes, **limits: int) -> Any:
    return codec.parse_response(b"\r\n".join((*lines, b"", b"")), codec.Limits(**limits))


def refused(codec: ModuleType, *lines: bytes, **limits: int) -> str:
    with pytest.raises(HeadError) as caught:
        parse(codec, *lines, **limits)
    assert caught.value.status == 502
    return caught.value.reason


def test_a_head_reads_as_it_was_sent(codec: ModuleType) -> None:
    data = (
        b"HTTP/1.1 404 Not \xc3\xa9 Found \r\n"
        b"Server: x\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 3\r\n\r\nabc"
    )
    head = codec.parse_response(data, codec.Limits())
    assert (head.size, head.status, head.reason, head.minor) == (len(data) - 3, 404, b"Not \xc3\xa9 Found ", 1)
    assert (head.length, head.keep_alive, head.websocket) == (3, True, False)
    assert head.get(b"server") == b"x"
    assert head.get_all(b"set-cookie") == [b"a", b"b"]
    assert head.items()[2] == (b"set-cookie", b"b")


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        (b"HTTP/1.1 200 OK", 200, b"OK"),
        (b"HTTP/1.1 200 ", 200, b""),
        (b"HTTP/1.1 200", 200, b""),
        (b"HTTP/1.0 100 a\tb", 100, b"a\tb"),
        (b"HTTP/1.1 999  x", 999, b" x"),
    ],
)
def test_the_reason_may_be_missing(codec: ModuleType, line: bytes, status: int, reason: bytes) -> None:
    head = parse(codec, line)
    assert (head.status, head.reason) == (status, reason)


LINES = {
    b"": faults.BAD_VERSION,
    b"\r\nHTTP/1.1 200 OK": faults.BAD_VERSION,
    b" HTTP/1.1 200 OK": faults.BAD_VERSION,
    b"http/1.1 200 OK": faults.BAD_VERSION,
    b"HTTP/11 200 OK": faults.BAD_VERSION,
    b"HTTP/1.1  200 OK": faults.BAD_STATUS,
    b"HTTP/1.1\t200 OK": faults.BAD_VERSION,
    b"HTTP/1.1 20 OK": faults.BAD_STATUS,
    b"HTTP/1.1 2000 OK": faults.BAD_REASON,
    b"HTTP/1.1 200\tOK": faults.BAD_REASON,
    b"HTTP/1.1 099 OK": faults.BAD_STATUS,
    b"HTTP/1.1 +20 OK": faults.BAD_STATUS,
    b"HTTP/1.1 200 O\x00K": faults.BAD_REASON,
    b"HTTP/1.1 200 O\x7fK": faults.BAD_REASON,
    b"HTTP/1.1 200 OK\nX: y": faults.BARE_LF,
    b"HTTP/1.1 200\nX: y": faults.BARE_LF,
    b"HTTP/1.1 200 OK\rX: y": faults.BARE_CR,
    b"HTTP/1.2 200 OK": faults.UNSUPPORTED_VERSION,
    b"HTTP/2.0 200 OK": faults.UNSUPPORTED_VERSION,
    b"HTTP/0.9 200 OK": faults.UNSUPPORTED_VERSION,
}
HEADERS = {
    b" X: y": faults.FOLDED,
    b"X : y": faults.SPACE_BEFORE_COLON,
    b"X": faults.BAD_NAME,
    b"X: y\n": faults.BARE_LF,
    b"X: y\rz": faults.BARE_CR,
    b"X: \x01": faults.BAD_VALUE,
    b"Content-Length: 5\r\nContent-Length: 5": faults.REPEATED_LENGTH,
    b"Content-Length: 5, 5": faults.BAD_LENGTH,
    b"Content-Length: 5\r\nTransfer-Encoding: chunked": faults.LENGTH_AND_CODING,
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked": faults.REPEATED_CODING,
    b"Transfer-Encoding: gzip": faults.UNKNOWN_CODING,
    b"Connection: " + b"a," * 65: faults.TOO_MANY_OPTIONS,
}


@pytest.mark.parametrize("line", LINES, ids=repr)
def test_a_status_line_that_is_not_exact_is_refused(codec: ModuleType, line: bytes) -> None:
    assert refused(codec, line) == LINES[line].reason


@pytest.mark.parametrize("header", HEADERS, ids=repr)
def test_a_header_that_is_not_exact_is_refused(codec: ModuleType, header: bytes) -> None:
    assert refused(codec, b"HTTP/1.1 200 OK", header) == HEADERS[header].reason


def test_limits_are_a_502_too(codec: ModuleType) -> None:
    lines = (b"HTTP/1.1 200 OK", b"Long-Name: 45678")
    assert parse(codec, *lines, line=18, head=37, count=1).size == 37
    assert refused(codec, *lines, line=16) == faults.STATUS_LINE_TOO_LONG.reason
    assert refused(codec, *lines, line=17) == faults.HEADER_TOO_LONG.reason
    assert refused(codec, *lines, head=36) == faults.HEADER_TOO_LONG.reason
    assert refused(codec, *lines, count=0) == faults.TOO_MANY_HEADERS.reason


def test_chunked_needs_http_1_1(codec: ModuleType) -> None:
    assert parse(codec, b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked").length == -2
    assert refused(codec, b"HTTP/1.0 200 OK", b"Transfer-Encoding: chunked") == faults.CODING_IN_1_0.reason


def test_version_and_connection_decide_keep_alive(codec: ModuleType) -> None:
    assert parse(codec, b"HTTP/1.1 200 OK").keep_alive
    assert not parse(codec, b"HTTP/1.1 200 OK", b"Connection: close").keep_alive
    assert not parse(codec, b"HTTP/1.0 200 OK").keep_alive
    assert parse(codec, b"HTTP/1.0 200 OK", b"Connection: keep-alive").keep_alive


def test_switching_to_websocket_is_recognised(codec: ModuleType) -> None:
    upgrade = (b"Connection: Upgrade", b"Upgrade: websocket")
    assert parse(codec, b"HTTP/1.1 101 Switching Protocols", *upgrade).websocket
    assert not parse(codec, b"HTTP/1.1 200 OK", *upgrade).websocket
    assert not parse(codec, b"HTTP/1.0 101 x", *upgrade).websocket
    assert not parse(codec, b"HTTP/1.1 101 x", b"Connection: Upgrade", b"Upgrade: h2c").websocket


def test_a_host_is_nothing_special_in_a_response(codec: ModuleType) -> None:
    assert parse(codec, b"HTTP/1.1 200 OK", b"Host: a b", b"Host: c").get_all(b"host") == [b"a b", b"c"]


def test_a_verdict_about_a_beginning_is_final(codec: ModuleType) -> None:
    limits = codec.Limits()
    good = b"HTTP/1.1 200 OK\r\nX: y\r\nConnection: x\r\n\r\n"
    assert [codec.parse_response(good[:end], limits) for end in range(len(good))] == [None] * len(good)
    for line in LINES:
        data = line + b"\r\n\r\n"
        verdicts = []
        for end in range(len(data) + 1):
            try:
                assert codec.parse_response(data[:end], limits) is None
                verdicts.append("")
            except HeadError as error:
                verdicts.append(error.reason)
        first = verdicts.index(LINES[line].reason)
        assert verdicts == [""] * first + [LINES[line].reason] * (len(verdicts) - first), data
