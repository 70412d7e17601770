"""Request heads: what is accepted and how it reads, and each rule of strictness. Every case runs on both codecs."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest

from gateline.engine.wire import faults
from gateline.engine.wire.faults import Fault, HeadError

IMPLEMENTATIONS = [name for name in ("_codec", "_pycodec") if find_spec(f"gateline.engine.wire.{name}")]


@pytest.fixture(params=IMPLEMENTATIONS)
def codec(request: pytest.FixtureRequest) -> ModuleType:
    return import_module(f"gateline.engine.wire.{request.param}")


def parse(codec: ModuleType, data: bytes, **limits: int) -> Any:
    return codec.parse_request(data, codec.Limits(**limits))


def get(line: bytes = b"GET / HTTP/1.1", *headers: bytes, host: bytes = b"Host: a") -> bytes:
    return b"\r\n".join((line, *((host,) if host else ()), *headers, b"", b""))


def test_a_head_reads_as_it_was_sent(codec: ModuleType) -> None:
    data = get(b"POST /a/b?c=d?e HTTP/1.1", b"Content-Length: 12", b"X-Empty:", b"x-y:\t z \t ", b"X-Y: \xff") + b"body"
    head = parse(codec, data)
    assert head.size == len(data) - 4
    assert (head.method, head.target, head.path, head.query) == (b"POST", b"/a/b?c=d?e", b"/a/b", b"c=d?e")
    assert (head.authority, head.minor, head.length) == (b"a", 1, 12)
    assert (head.keep_alive, head.websocket, head.expect_continue, head.te_trailers) == (True, False, False, False)
    assert head.items() == [
        (b"Host", b"a"), (b"Content-Length", b"12"), (b"X-Empty", b""), (b"x-y", b"z"), (b"X-Y", b"\xff"),
    ]  # fmt: skip


def test_get_finds_a_header_in_any_case_and_get_all_keeps_the_order(codec: ModuleType) -> None:
    head = parse(codec, get(b"GET / HTTP/1.1", b"X-Foo: 1", b"Other: 2", b"x-fOO: 3"))
    assert head.get(b"x-foo") == b"1"
    assert head.get_all(b"x-foo") == [b"1", b"3"]
    assert head.get(b"x-fo") is None
    assert head.get_all(b"x-fo") == []
    assert head.has_any((b"absent", b"x-foo"))
    assert not head.has_any((b"absent", b"x-fo", b"x-foo2"))
    assert not head.has_any(())


def test_names_that_differ_in_more_than_case_are_different(codec: ModuleType) -> None:
    head = parse(codec, get(b"GET / HTTP/1.1", b"a^b: 1", b"a_b: 2"))
    assert (head.get(b"a~b"), head.get(b"a\x7fb"), head.get(b"a^b"), head.get(b"a_b")) == (None, None, b"1", b"2")


@pytest.mark.parametrize(
    ("target", "path", "query", "plain"),
    [
        (b"/", b"/", None, True),
        (b"/a/b.c/d", b"/a/b.c/d", None, True),
        (b"/?", b"/", b"", True),
        (b"/a?b#c".replace(b"#", b"%23"), b"/a", b"b%23c", True),
        (b"/a?//", b"/a", b"//", True),
        (b"/a%20b", b"/a%20b", None, False),
        (b"//a", b"//a", None, False),
        (b"/a//b", b"/a//b", None, False),
        (b"/a/./b", b"/a/./b", None, False),
        (b"/.", b"/.", None, False),
        (b"/a/..", b"/a/..", None, False),
        (b"/a./b", b"/a./b", None, True),
        (b"http://h", b"/", None, True),
        (b"HTTPS://h:1/x?y", b"/x", b"y", True),
        (b"http://h?y/z", b"/", b"y/z", True),
        (b"http://h//x", b"//x", None, False),
        (b"http://h/%41", b"/%41", None, False),
    ],
)
def test_the_target_splits_into_path_and_query(
    codec: ModuleType, target: bytes, path: bytes, query: bytes | None, plain: bool
) -> None:
    head = parse(codec, get(b"GET " + target + b" HTTP/1.1"))
    assert (head.target, head.path, head.query, head.plain_path) == (target, path, query, plain)


def test_the_asterisk_is_the_path_of_options_alone(codec: ModuleType) -> None:
    head = parse(codec, get(b"OPTIONS * HTTP/1.1"))
    assert (head.path, head.query, head.plain_path) == (b"*", None, False)
    assert refused(codec, get(b"GET * HTTP/1.1")) == faults.BAD_FORM


@pytest.mark.parametrize(
    "method", [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"get", b"M-S", b"x" * 32]
)
def test_any_token_is_a_method(codec: ModuleType, method: bytes) -> None:
    assert parse(codec, get(method + b" / HTTP/1.1")).method == method


HOSTS = rb"""
a a.example.:8080 A:00080 a_b~!$&'()*+,;= %41 127.0.0.1:1 [::1] [::] [2001:db8::1.2.3.4]:65535 [1:2:3:4:5:6:7:8]
[1:2:3:4:5:6:7::] [::2:3:4:5:6:7:8] [1:2:3:4:5:6:1.2.3.4]
"""
NO_HOSTS = rb"""
:80 a: a:b a:65536 a:123456 a:1:2 a/b u@a a@ %4 %zz a\b a" <a> ::1 [::1 [::1]a [] [1::2::3] [:1] [1:2:3:4:5:6:7]
[1:2:3:4:5:6:7:8:9] [1:2:3:4:5:6:7:8::] [::12345] [::g] [::1.2.3] [::1.2.3.256] [::01.2.3.4] [::1.2.3.4.5] [::1.2.3.4:5]
[fe80::1%25eth0] [v1.a] [1:2:3:4:5:6:7:1.2.3.4] [1:] [1::2:]
"""


@pytest.mark.parametrize("authority", HOSTS.split())
def test_a_host_is_a_name_or_an_address_with_or_without_port(codec: ModuleType, authority: bytes) -> None:
    assert parse(codec, get(host=b"hOST: " + authority)).authority == authority
    assert parse(codec, get(b"GET http://" + authority + b"/ HTTP/1.1", host=b"Host: other")).authority == authority


@pytest.mark.parametrize("authority", [b"", b"a b", b"a, b", b"\xe9", b"x" * 262, *NO_HOSTS.split()])
def test_another_host_is_refused(codec: ModuleType, authority: bytes) -> None:
    assert refused(codec, get(host=b"Host: " + authority)) == faults.BAD_HOST
    if authority.isascii() and not set(b" /") & set(authority):
        assert refused(codec, get(b"GET http://" + authority + b"/ HTTP/1.1")) == faults.BAD_AUTHORITY


def test_http_1_0_needs_no_host_and_closes_unless_asked(codec: ModuleType) -> None:
    head = parse(codec, get(b"GET / HTTP/1.0", host=b""))
    assert (head.minor, head.authority, head.keep_alive) == (0, b"", False)
    assert parse(codec, get(b"GET / HTTP/1.0", b"Connection: Keep-Alive")).keep_alive
    assert not parse(codec, get(b"GET / HTTP/1.0", b"Connection: keep-alive, close")).keep_alive


@pytest.mark.parametrize(
    ("headers", "keep_alive"),
    [
        ((b"Connection: close",), False),
        ((b"Connection: CLOSE",), False),
        ((b"Connection: x, close ,y",), False),
        ((b"Connection: x", b"connection:\tClose"), False),
        ((b"Connection: keep-alive",), True),
        ((b"Connection: closed",), True),
        ((b"Connection: ,, ,",), True),
        ((b"Connection:",), True),
        ((b"Proxy-Connection: close",), True),
    ],
)
def test_connection_decides_keep_alive(codec: ModuleType, headers: tuple[bytes, ...], keep_alive: bool) -> None:
    assert parse(codec, get(b"GET / HTTP/1.1", *headers)).keep_alive is keep_alive


@pytest.mark.parametrize(
    ("line", "headers", "websocket"),
    [
        (b"GET / HTTP/1.1", (b"Connection: Upgrade", b"Upgrade: WebSocket"), True),
        (b"GET / HTTP/1.1", (b"Connection: keep-alive", b"Connection: x, upgrade", b"Upgrade: websocket"), True),
        (b"POST / HTTP/1.1", (b"Connection: Upgrade", b"Upgrade: websocket"), False),
        (b"GET / HTTP/1.0", (b"Connection: Upgrade", b"Upgrade: websocket"), False),
        (b"GET / HTTP/1.1", (b"Upgrade: websocket",), False),
        (b"GET / HTTP/1.1", (b"Connection: Upgrade",), False),
        (b"GET / HTTP/1.1", (b"Connection: Upgrade", b"Upgrade: h2c"), False),
        (b"GET / HTTP/1.1", (b"Connection: Upgrade", b"Upgrade: websocket, h2c"), False),
        (b"GET / HTTP/1.1", (b"Connection: Upgrade", b"Upgrade: h2c", b"Upgrade: websocket"), False),
        (b"GET / HTTP/1.1", (b"Connection: Upgrade", b"Upgrade: websocket", b"Upgrade: websocket"), False),
    ],
)
def test_a_websocket_handshake_is_recognised(
    codec: ModuleType, line: bytes, headers: tuple[bytes, ...], websocket: bool
) -> None:
    assert parse(codec, get(line, *headers)).websocket is websocket


def test_expect_counts_in_1_1_alone(codec: ModuleType) -> None:
    assert parse(codec, get(b"GET / HTTP/1.1", b"Expect: 100-Continue")).expect_continue
    assert not parse(codec, get(b"GET / HTTP/1.0", b"Expect: 100-continue")).expect_continue
    assert not parse(codec, get(b"GET / HTTP/1.1", b"Expect: 100-continue, x")).expect_continue


def test_te_counts_when_it_is_trailers_and_nothing_else(codec: ModuleType) -> None:
    assert parse(codec, get(b"GET / HTTP/1.1", b"TE: Trailers")).te_trailers
    assert not parse(codec, get(b"GET / HTTP/1.1", b"TE: trailers, gzip")).te_trailers
    assert not parse(codec, get(b"GET / HTTP/1.1", b"TE: trailers", b"TE: trailers")).te_trailers


def test_lengths_up_to_the_largest_are_read(codec: ModuleType) -> None:
    assert parse(codec, get()).length == -1
    assert parse(codec, get(b"GET / HTTP/1.1", b"Content-Length: 0")).length == 0
    assert parse(codec, get(b"GET / HTTP/1.1", b"Content-Length: 0005")).length == 5
    assert parse(codec, get(b"GET / HTTP/1.1", b"Content-Length: 9223372036854775807")).length == 2**63 - 1
    assert parse(codec, get(b"GET / HTTP/1.1", b"Transfer-Encoding:  CHUNKED")).length == -2


LINES = {
    b"": faults.BAD_METHOD,
    b"\r\nGET / HTTP/1.1": faults.BAD_METHOD,
    b"\nGET / HTTP/1.1": faults.BAD_METHOD,
    b" GET / HTTP/1.1": faults.BAD_METHOD,
    b"\tGET / HTTP/1.1": faults.BAD_METHOD,
    b"GE(T / HTTP/1.1": faults.BAD_METHOD,
    b"GET\t/ HTTP/1.1": faults.BAD_METHOD,
    b"G\x00T / HTTP/1.1": faults.BAD_METHOD,
    b"\xc3\xa9 / HTTP/1.1": faults.BAD_METHOD,
    b"x" * 33 + b" / HTTP/1.1": faults.BAD_METHOD,
    b"GET": faults.BAD_METHOD,
    b"CONNECT a:443 HTTP/1.1": faults.CONNECT_REFUSED,
    b"CONNECT / HTTP/1.1": faults.CONNECT_REFUSED,
    b"GET  / HTTP/1.1": faults.BAD_TARGET,
    b"GET /": faults.BAD_TARGET,
    b"GET ": faults.BAD_TARGET,
    b"GET /a\tb HTTP/1.1": faults.BAD_TARGET,
    b"GET /a\x00b HTTP/1.1": faults.BAD_TARGET,
    b"GET /\xc3\xa9 HTTP/1.1": faults.BAD_TARGET,
    b"GET /\x7f HTTP/1.1": faults.BAD_TARGET,
    b"GET /a#b HTTP/1.1": faults.BAD_TARGET,
    b"GET /a?b#c HTTP/1.1": faults.BAD_TARGET,
    b"GET /\nHTTP/1.1": faults.BAD_TARGET,
    b"GET a HTTP/1.1": faults.BAD_FORM,
    b"GET ?a HTTP/1.1": faults.BAD_FORM,
    b"GET *a HTTP/1.1": faults.BAD_FORM,
    b"OPTIONS *?a HTTP/1.1": faults.BAD_FORM,
    b"GET a.example:80 HTTP/1.1": faults.BAD_FORM,
    b"GET ftp://a/ HTTP/1.1": faults.BAD_FORM,
    b"GET httpx://a/ HTTP/1.1": faults.BAD_FORM,
    b"GET http:/a HTTP/1.1": faults.BAD_FORM,
    b"GET http: HTTP/1.1": faults.BAD_FORM,
    b"GET http:// HTTP/1.1": faults.BAD_AUTHORITY,
    b"GET http:///a HTTP/1.1": faults.BAD_AUTHORITY,
    b"GET http://?a HTTP/1.1": faults.BAD_AUTHORITY,
    b"GET https://u:p@a/ HTTP/1.1": faults.BAD_AUTHORITY,
    b"PRI * HTTP/2.0": faults.BAD_FORM,
    b"GET / http/1.1": faults.BAD_VERSION,
    b"GET / HTTP/1.1 ": faults.BAD_VERSION,
    b"GET /  HTTP/1.1": faults.BAD_VERSION,
    b"GET / x HTTP/1.1": faults.BAD_VERSION,
    b"GET / HTTP/11": faults.BAD_VERSION,
    b"GET / HTTP/1.": faults.BAD_VERSION,
    b"GET / HTTP/1.10": faults.BAD_VERSION,
    b"GET / HTTP/01.1": faults.BAD_VERSION,
    b"GET / HTTP/1,1": faults.BAD_VERSION,
    b"GET / HTTP/0.9": faults.BAD_VERSION,
    b"GET / HTTP/2": faults.BAD_VERSION,
    b"GET / ICY/1.1": faults.BAD_VERSION,
    b"GET / HTTP/1.1\rx": faults.BAD_VERSION,
    b"GET / HTTP/1.1\nHost: a": faults.BAD_VERSION,
    b"GET / HTTP/1.2": faults.UNSUPPORTED_VERSION,
    b"GET / HTTP/2.0": faults.UNSUPPORTED_VERSION,
    b"GET / HTTP/3.0": faults.UNSUPPORTED_VERSION,
}
HEADERS = {
    b" X: y": faults.FOLDED,
    b"\tX: y": faults.FOLDED,
    b"X: y\r\n z": faults.FOLDED,
    b"X : y": faults.SPACE_BEFORE_COLON,
    b"X\t: y": faults.SPACE_BEFORE_COLON,
    b"Content-Length : 5": faults.SPACE_BEFORE_COLON,
    b"X y: z": faults.SPACE_BEFORE_COLON,
    b": y": faults.BAD_NAME,
    b"X": faults.BAD_NAME,
    b"X\x00: y": faults.BAD_NAME,
    b"X\xc3\xa9: y": faults.BAD_NAME,
    b"X(: y": faults.BAD_NAME,
    b"X\r: y": faults.BAD_NAME,
    b"X\n: y": faults.BARE_LF,
    b"X: y\nZ: a": faults.BARE_LF,
    b"X: y\n": faults.BARE_LF,
    b"\nX: y": faults.BARE_LF,
    b"X: y\rz": faults.BARE_CR,
    b"X: y\r\r": faults.BARE_CR,
    b"\rX: y": faults.BARE_CR,
    b"X: a\x00b": faults.BAD_VALUE,
    b"X: a\x0bb": faults.BAD_VALUE,
    b"X: a\x1fb": faults.BAD_VALUE,
    b"X: a\x7fb": faults.BAD_VALUE,
    b"X: a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01b": faults.BAD_VALUE,
    b"Host: a": faults.REPEATED_HOST,
    b"host: b": faults.REPEATED_HOST,
    b"Content-Length: 5\r\nContent-Length: 5": faults.REPEATED_LENGTH,
    b"Content-Length: 5, 5": faults.BAD_LENGTH,
    b"Content-Length: +5": faults.BAD_LENGTH,
    b"Content-Length: -5": faults.BAD_LENGTH,
    b"Content-Length: 5 5": faults.BAD_LENGTH,
    b"Content-Length: 0x5": faults.BAD_LENGTH,
    b"Content-Length: 5.0": faults.BAD_LENGTH,
    b"Content-Length: 1_0": faults.BAD_LENGTH,
    b"Content-Length: \xb2": faults.BAD_LENGTH,
    b"Content-Length:": faults.BAD_LENGTH,
    b"Content-Length: 9223372036854775808": faults.BAD_LENGTH,
    b"Content-Length: 18446744073709551617": faults.BAD_LENGTH,
    b"Content-Length: 00000000000000000005": faults.BAD_LENGTH,
    b"Content-Length: 5\r\nTransfer-Encoding: chunked": faults.LENGTH_AND_CODING,
    b"Transfer-Encoding: chunked\r\nContent-Length: 0": faults.LENGTH_AND_CODING,
    b"Transfer-Encoding: chunked\r\ntransfer-encoding: chunked": faults.REPEATED_CODING,
    b"Transfer-Encoding: chunked, chunked": faults.REPEATED_CODING,
    b"Transfer-Encoding: gzip, chunked": faults.UNKNOWN_CODING,
    b"Transfer-Encoding: chunked, gzip": faults.UNKNOWN_CODING,
    b"Transfer-Encoding: identity": faults.UNKNOWN_CODING,
    b"Transfer-Encoding: xchunked": faults.UNKNOWN_CODING,
    b"Transfer-Encoding: chunke": faults.UNKNOWN_CODING,
    b"Transfer-Encoding: x;q=1": faults.UNKNOWN_CODING,
    b"Transfer-Encoding: chunked;q=1": faults.BAD_CODING,
    b"Transfer-Encoding: chunked chunked": faults.BAD_CODING,
    b"Transfer-Encoding: chunked,": faults.BAD_CODING,
    b"Transfer-Encoding: ,chunked": faults.BAD_CODING,
    b"Transfer-Encoding:": faults.BAD_CODING,
    b"Transfer-Encoding: \"chunked\"": faults.BAD_CODING,
    b"Transfer-Encoding: \xffchunked": faults.BAD_CODING,
    b"Transfer-Encoding:\tchunked": faults.BAD_CODING,
    b"Transfer-Encoding: chunked ": faults.BAD_CODING,
    b"Transfer-Encoding: chunked\t": faults.BAD_CODING,
    b"Transfer-Encoding: \x0bchunked": faults.BAD_VALUE,
    b"Connection: " + b"a," * 65: faults.TOO_MANY_OPTIONS,
}  # fmt: skip


@pytest.mark.parametrize("line", LINES, ids=repr)
def test_a_request_line_that_is_not_exact_is_refused(codec: ModuleType, line: bytes) -> None:
    assert refused(codec, get(line)) == LINES[line]


@pytest.mark.parametrize("header", HEADERS, ids=repr)
def test_a_header_that_is_not_exact_is_refused(codec: ModuleType, header: bytes) -> None:
    assert refused(codec, get(b"GET / HTTP/1.1", header)) == HEADERS[header]
    assert refused(codec, get(b"GET / HTTP/1.1", b"A: b", header, b"C: d")) == HEADERS[header]


def test_http_1_1_needs_a_host(codec: ModuleType) -> None:
    assert refused(codec, get(host=b"")) == faults.NO_HOST
    assert refused(codec, get(b"GET http://a/ HTTP/1.1", host=b"")) == faults.NO_HOST


def test_chunked_needs_http_1_1(codec: ModuleType) -> None:
    assert refused(codec, get(b"POST / HTTP/1.0", b"Transfer-Encoding: chunked")) == faults.CODING_IN_1_0


def test_each_byte_is_judged_in_each_place(codec: ModuleType) -> None:
    token = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for byte in range(256):
        char = bytes([byte])
        assert accepted(codec, get(b"G" + char + b"T / HTTP/1.1")) == (char in token), char
        assert accepted(codec, get(b"GET / HTTP/1.1", b"X" + char + b"Y: z")) == (char in token or char == b":"), char
        assert accepted(codec, get(b"GET /a" + char + b" HTTP/1.1")) == (0x21 <= byte <= 0x7E and char != b"#"), char
        value = byte == 9 or (byte >= 0x20 and byte != 0x7F)
        for position in range(12):
            padded = b"v" * position + char + b"v" * (11 - position)
            assert accepted(codec, get(b"GET / HTTP/1.1", b"X: " + padded)) == value, char


def test_limits_hold_to_the_byte(codec: ModuleType) -> None:
    data = get(b"GET /123 HTTP/1.1", b"Long-Name: 45678")
    line, header, size = len(b"GET /123 HTTP/1.1\r\n"), len(b"Long-Name: 45678\r\n"), len(data)
    assert parse(codec, data, line=line, head=size, count=2).size == size
    assert refused(codec, data, line=line - 1) == faults.REQUEST_LINE_TOO_LONG
    assert refused(codec, data, head=size - 1) == faults.HEADER_TOO_LONG
    assert refused(codec, data, count=1) == faults.TOO_MANY_HEADERS
    data = get(b"GET / HTTP/1.1", b"Long-Name: 45678")
    assert parse(codec, data, line=header).size == len(data)
    assert refused(codec, data, line=header - 1) == faults.HEADER_TOO_LONG
    assert parse(codec, data[:-5], line=header) is None


def test_a_limit_is_noticed_before_the_line_ends(codec: ModuleType) -> None:
    assert refused(codec, b"GET /" + b"a" * 8192) == faults.REQUEST_LINE_TOO_LONG
    assert refused(codec, get()[:-2] + b"X: " + b"a" * 8192) == faults.HEADER_TOO_LONG
    assert refused(codec, get()[:-2] + b"X" * 8193) == faults.HEADER_TOO_LONG
    assert parse(codec, b"GET /" + b"a" * 8187) is None


@pytest.mark.parametrize("count", [0, 1, 39, 40, 41, 159, 161, 999])
def test_any_number_of_headers_below_the_limit_is_kept(codec: ModuleType, count: int) -> None:
    headers = [b"N%d: %d" % (number, number) for number in range(count)]
    head = parse(codec, get(b"GET / HTTP/1.1", *headers))
    assert head.items()[1:] == [tuple(header.split(b": ")) for header in headers]


def test_limits_must_make_sense(codec: ModuleType) -> None:
    for wrong in ({"line": 0}, {"head": -1}, {"count": -1}, {"line": 2**30 + 1}):
        with pytest.raises(ValueError, match="limits"):
            codec.Limits(**wrong)


@pytest.mark.parametrize("data", [None, "GET", bytearray(b"GET / HTTP/1.1\r\n\r\n"), memoryview(b"GET")])
def test_only_bytes_are_parsed(codec: ModuleType, data: object) -> None:
    with pytest.raises(TypeError):
        codec.parse_request(data, codec.Limits())


def test_a_verdict_about_a_beginning_is_final(codec: ModuleType) -> None:
    good = get(b"GET http://h/a?b HTTP/1.1", b"X: y", b"Connection: x")
    assert [parse(codec, good[:end]) for end in range(len(good))] == [None] * len(good)
    for data in [get(line) for line in LINES] + [get(b"GET / HTTP/1.1", header) for header in HEADERS]:
        fault = refused(codec, data)
        verdicts = [verdict(codec, data[:end]) for end in range(len(data) + 1)]
        first = verdicts.index(fault)
        assert verdicts == [None] * first + [fault] * (len(verdicts) - first), data


def verdict(codec: ModuleType, data: bytes, **limits: int) -> Fault | None:
    try:
        head = parse(codec, data, **limits)
    except HeadError as error:
        return Fault(error.reason, error.status)
    assert head is None, f"{data!r} was accepted"
    return None


def refused(codec: ModuleType, data: bytes, **limits: int) -> Fault:
    fault = verdict(codec, data, **limits)
    assert fault is not None, f"{data!r} is taken for incomplete"
    return fault


def accepted(codec: ModuleType, data: bytes) -> bool:
    try:
        return parse(codec, data) is not None
    except HeadError:
        return False
