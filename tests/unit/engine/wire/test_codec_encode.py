"""Writing the next head, and the kinds that decide what goes into it. Every case runs on both codecs."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest

from gateline.engine.wire import codec as chosen
from gateline.engine.wire import kinds

IMPLEMENTATIONS = [name for name in ("_codec", "_pycodec") if find_spec(f"gateline.engine.wire.{name}")]
BITS = {name: value for name, value in vars(kinds).items() if isinstance(value, int) and name != "FRAMING"}


@pytest.fixture(params=IMPLEMENTATIONS)
def codec(request: pytest.FixtureRequest) -> ModuleType:
    return import_module(f"gateline.engine.wire.{request.param}")


def request_of(codec: ModuleType, *headers: bytes) -> Any:
    data = b"\r\n".join((b"GET / HTTP/1.1", b"Host: a", *headers, b"", b""))
    return codec.parse_request(data, codec.Limits())


def response_of(codec: ModuleType, *headers: bytes) -> Any:
    data = b"\r\n".join((b"HTTP/1.1 200 OK", *headers, b"", b""))
    return codec.parse_response(data, codec.Limits())


def test_every_kind_is_one_bit_of_its_own() -> None:
    assert sorted(BITS.values()) == [1 << bit for bit in range(len(BITS))]
    assert set(kinds.REQUEST_KINDS.values()) | {kinds.PLAIN} == set(BITS.values())
    assert all(getattr(chosen, name) == value for name, value in BITS.items())


def test_the_codec_knows_the_table(codec: ModuleType) -> None:
    for response, table in ((False, kinds.REQUEST_KINDS), (True, kinds.RESPONSE_KINDS)):
        for name in kinds.REQUEST_KINDS:
            assert codec.kind_of(name, response) == table.get(name, kinds.PLAIN), name
            assert codec.kind_of(name.upper(), response) == table.get(name, kinds.PLAIN), name


def test_a_name_that_is_one_byte_off_is_plain(codec: ModuleType) -> None:
    for name in kinds.REQUEST_KINDS:
        for position in range(len(name)):
            for byte in b"a0-_~\x00\xff":
                other = name[:position] + bytes([byte]) + name[position + 1 :]
                assert codec.kind_of(other) == kinds.REQUEST_KINDS.get(other, kinds.PLAIN), other
        assert codec.kind_of(name + b"x") == codec.kind_of(name[1:] + b"\x00") == kinds.PLAIN


def test_the_kinds_of_a_head_are_those_of_its_headers(codec: ModuleType) -> None:
    for name, kind in kinds.REQUEST_KINDS.items():
        value = {b"host": None, b"content-length": b"1", b"transfer-encoding": b"chunked"}.get(name, b"x")
        head = request_of(codec, *((name + b": " + value,) if value is not None else ()))
        assert head.kinds() == kinds.HOST | kind, name
    assert request_of(codec, b"X-Other: 1").kinds() == kinds.HOST | kinds.PLAIN
    assert response_of(codec).kinds() == 0
    assert response_of(codec, b"TE: x", b"Proxy: y").kinds() == kinds.PLAIN


def test_what_connection_names_ends_at_this_hop(codec: ModuleType) -> None:
    head = request_of(codec, b"A: 1", b"Via: 2", b"x-b: 3", b"Connection: a, X-B", b"connection:VIA,,close", b"C: 4")
    assert head.kinds() == kinds.HOST | kinds.HOP | kinds.PLAIN
    assert head.encode(b"", kinds.HOP, None, b"", b"") == b"Host: a\r\nC: 4\r\n\r\n"
    assert head.get(b"x-b") == b"3"


def test_connection_cannot_remove_what_frames_a_message(codec: ModuleType) -> None:
    named = b"Connection: host, content-length, transfer-encoding, expect, x"
    head = request_of(codec, b"Content-Length: 5", b"Expect: y", b"X: z", named)
    assert head.kinds() == kinds.HOST | kinds.CONTENT_LENGTH | kinds.EXPECT | kinds.HOP
    assert head.encode(b"", kinds.HOP, None, b"", b"") == b"Host: a\r\nContent-Length: 5\r\nExpect: y\r\n\r\n"
    head = response_of(codec, b"Transfer-Encoding: chunked", named)
    assert head.encode(b"", kinds.HOP, None, b"", b"") == b"Transfer-Encoding: chunked\r\n\r\n"


def test_connection_may_name_as_many_as_64(codec: ModuleType) -> None:
    head = request_of(codec, b"Connection: " + b",".join(b"n%d" % number for number in range(64)), b"N63: x")
    assert head.encode(b"", kinds.HOP | kinds.HOST, None, b"", b"") == b"\r\n"


def test_encode_writes_headers_in_one_form_whatever_the_received_one(codec: ModuleType) -> None:
    head = request_of(codec, b"A:1", b"B: 2", b"C:  3", b"D: 4 ", b"E:\t5\t6\t", b"F:", b"G: ", b"H: 8")
    assert head.encode(b"GET /x HTTP/1.1\r\n", kinds.HOST, None, b"T: 1\r\n", b"body") == (
        b"GET /x HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\t6\r\nF: \r\nG: \r\nH: 8\r\nT: 1\r\n\r\nbody"
    )


def test_encode_leaves_out_kinds_and_names(codec: ModuleType) -> None:
    head = request_of(codec, b"Via: 1", b"apikey: 2", b"X-Real-IP: 3", b"APIKEY: 4", b"Date: 5", b"apikeys: 6")
    drop = kinds.VIA | kinds.X_REAL_IP | kinds.HOST
    assert head.encode(b"", drop, None, b"", b"") == b"apikey: 2\r\nAPIKEY: 4\r\nDate: 5\r\napikeys: 6\r\n\r\n"
    assert head.encode(b"", drop, {b"x": b"", b"apikey": b"", b"date": b""}, b"", b"") == b"apikeys: 6\r\n\r\n"
    assert head.encode(b"", drop, {}, b"", b"") == head.encode(b"", drop, None, b"", b"")
    assert head.encode(b"", 0, None, b"", b"") == b"".join(b"%b: %b\r\n" % pair for pair in head.items()) + b"\r\n"
    assert head.encode(b"", sum(BITS.values()), None, b"", b"") == b"\r\n"


def test_encode_copies_a_large_body_and_many_headers(codec: ModuleType) -> None:
    headers = [b"N%d:%d" % (number, number) for number in range(900)]
    body = bytes(range(256)) * 1000
    written = request_of(codec, *headers).encode(b"", kinds.HOST, None, b"", body)
    assert written == b"".join(b"N%d: %d\r\n" % (number, number) for number in range(900)) + b"\r\n" + body


def test_a_written_head_reads_the_same(codec: ModuleType) -> None:
    head = request_of(codec, b"A:  1", b"B:\t", b"Connection: a", b"c: 2")
    again = codec.parse_request(head.encode(b"GET / HTTP/1.1\r\n", 0, None, b"", b""), codec.Limits())
    assert again.items() == head.items()
    assert again.kinds() == head.kinds()


@pytest.mark.parametrize(
    "arguments",
    [
        ("", 0, None, b"", b""),
        (b"", 0, None, None, b""),
        (b"", 0, None, b"", bytearray()),
        (b"", 0, {"a": b""}, b"", b""),
        (b"", 0, {b"a": "A: 1"}, b"", b""),
    ],
)
def test_encode_takes_only_bytes(codec: ModuleType, arguments: tuple[object, ...]) -> None:
    with pytest.raises(TypeError):
        request_of(codec, b"A: 1").encode(*arguments)


def test_encode_writes_the_blocks_of_edits_in_place_of_what_they_name(codec: ModuleType) -> None:
    head = request_of(codec, b"A: 1", b"b: 2", b"a: 3", b"C: 4")
    edits = {b"a": b"A: x\r\nA: y\r\n", b"c": b"", b"new": b"New: z\r\n"}
    assert head.encode(b"S\r\n", kinds.HOST, edits, b"T: 1\r\n", b"B") == (
        b"S\r\nb: 2\r\nT: 1\r\nA: x\r\nA: y\r\nNew: z\r\n\r\nB"
    )


def test_names_of_edits_are_compared_whole_whatever_their_length(codec: ModuleType) -> None:
    long = [b"x" * size for size in (1, 64, 65, 128, 129)]
    head = request_of(codec, *(name + b": v" for name in long))
    assert head.encode(b"", kinds.HOST, {b"x" * 65: b""}, b"", b"").count(b": v") == 4
    assert head.encode(b"", kinds.HOST, dict.fromkeys(long, b""), b"", b"") == b"\r\n"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("", b"X: \r\n"),
        ("a b~!", b"X: a b~!\r\n"),
        (" a", None),
        ("a ", None),
        ("a\tb", None),
        ("a\r\nb", None),
        ("\x7f", None),
        ("\x00", None),
        ("é", None),
        ("€", None),
    ],
)
def test_a_plain_value_makes_a_line(codec: ModuleType, value: str, line: bytes | None) -> None:
    assert codec.header_line(b"X: ", value) == line


def test_parts_stand_one_behind_the_other(codec: ModuleType) -> None:
    assert codec.joined((b"a", b"", b"bc", bytes(1000))) == b"abc" + bytes(1000)
    assert codec.joined(()) == b""
    for parts in (None, ("a",), (b"a", None)):
        with pytest.raises(TypeError):
            codec.joined(parts)


def test_look_ups_take_only_bytes(codec: ModuleType) -> None:
    head = request_of(codec)
    for look_up in (head.get, head.get_all, lambda name: head.has_any((name,)), lambda name: head.has_any([name])):
        with pytest.raises(TypeError):
            look_up("host")
