"""Chunked bodies: payload, trailers, where they end, and each rule of strictness. Every case runs on both codecs."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest

from gateline.engine.wire import faults, kinds
from gateline.engine.wire.faults import Fault, HeadError

IMPLEMENTATIONS = [name for name in ("_codec", "_pycodec") if find_spec(f"gateline.engine.wire.{name}")]


@pytest.fixture(params=IMPLEMENTATIONS)
def codec(request: pytest.FixtureRequest) -> ModuleType:
    return import_module(f"gateline.engine.wire.{request.param}")


def decoder(codec: ModuleType, response: bool = False, /, **limits: int) -> Any:
    return codec.ChunkedDecoder(codec.Limits(**limits), response)


def decode(codec: ModuleType, *pieces: bytes, **limits: int) -> tuple[bytes, Any]:
    decode = decoder(codec, False, **limits)
    return b"".join(decode.feed(piece) for piece in pieces), decode


GOOD = {
    b"0\r\n\r\n": b"",
    b"5\r\nhello\r\n0\r\n\r\n": b"hello",
    b"005\r\nhello\r\nA\r\n0123456789\r\n00\r\n\r\n": b"hello0123456789",
    b"5;a\r\nhello\r\n0;b=c\r\n\r\n": b"hello",
    b'5;a="b\\"\t;\xff\\\\";c=d\r\nhello\r\n0;a=""\r\n\r\n': b"hello",
    b"2\r\n\r\n\r\n0\r\n\r\n": b"\r\n",
    b"0000000000000001\r\nx\r\n0\r\n\r\n": b"x",
}


@pytest.mark.parametrize("data", GOOD, ids=repr)
def test_the_payload_is_what_the_chunks_hold(codec: ModuleType, data: bytes) -> None:
    payload, decode_all = decode(codec, data + b"next")
    assert (payload, decode_all.done, decode_all.consumed, decode_all.trailers) == (GOOD[data], True, len(data), [])


@pytest.mark.parametrize("data", GOOD, ids=repr)
def test_pieces_of_any_size_give_the_same(codec: ModuleType, data: bytes) -> None:
    for size in (1, 2, 3, 7):
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        payload, decode_all = decode(codec, *pieces)
        assert (payload, decode_all.done, decode_all.consumed) == (GOOD[data], True, len(pieces[-1]))


def test_nothing_is_taken_from_behind_the_end(codec: ModuleType) -> None:
    decode_all = decoder(codec)
    assert decode_all.feed(b"xx5\r\nhel", 2) == b"hel"
    assert (decode_all.consumed, decode_all.done) == (8, False)
    assert decode_all.feed(b"yyylo\r\n0\r\n", 3) == b"lo"
    assert (decode_all.consumed, decode_all.done) == (10, False)
    assert decode_all.feed(b"z\r\nGET /", 1) == b""
    assert (decode_all.consumed, decode_all.done) == (3, True)
    assert decode_all.feed(b"GET /", 2) == b""
    assert (decode_all.consumed, decode_all.done) == (2, True)
    assert decode_all.feed(b"") == b""


def test_trailers_are_given_once_complete(codec: ModuleType) -> None:
    data = b"0\r\nX-Sum: 1\r\nx-Other:\t2 \r\n\r\n"
    for split in range(len(data)):
        payload, decode_all = decode(codec, data[:split], data[split:])
        assert (payload, decode_all.done) == (b"", True)
        assert decode_all.trailers == [(b"X-Sum", b"1"), (b"x-Other", b"2")]
    assert decode(codec, data[:-1])[1].trailers == []


BAD = {
    b"\r\n": faults.BAD_CHUNK_SIZE,
    b"g\r\n": faults.BAD_CHUNK_SIZE,
    b" 5\r\n": faults.BAD_CHUNK_SIZE,
    b"5 \r\n": faults.BAD_CHUNK_SIZE,
    b"5\t\r\n": faults.BAD_CHUNK_SIZE,
    b"5 ;a\r\n": faults.BAD_CHUNK_SIZE,
    b"0x5\r\n": faults.BAD_CHUNK_SIZE,
    b"+5\r\n": faults.BAD_CHUNK_SIZE,
    b"-1\r\n": faults.BAD_CHUNK_SIZE,
    b"5_0\r\n": faults.BAD_CHUNK_SIZE,
    b"8000000000000000\r\n": faults.BAD_CHUNK_SIZE,
    b"FFFFFFFFFFFFFFFF\r\n": faults.BAD_CHUNK_SIZE,
    b"00000000000000005\r\n": faults.BAD_CHUNK_SIZE,
    b"5\n": faults.BARE_LF,
    b"5;a\n": faults.BARE_LF,
    b"5\rx": faults.BARE_CR,
    b"5\r\r\n": faults.BARE_CR,
    b"5;\r\n": faults.BAD_CHUNK_EXTENSION,
    b"5; a\r\n": faults.BAD_CHUNK_EXTENSION,
    b"5;a \r\n": faults.BAD_CHUNK_EXTENSION,
    b"5;a=\r\n": faults.BAD_CHUNK_EXTENSION,
    b"5;a==\r\n": faults.BAD_CHUNK_EXTENSION,
    b"5;=a\r\n": faults.BAD_CHUNK_EXTENSION,
    b'5;a="b"c\r\n': faults.BAD_CHUNK_EXTENSION,
    b'5;a="b\r\n': faults.BAD_CHUNK_EXTENSION,
    b'5;a="\\\r\n': faults.BAD_CHUNK_EXTENSION,
    b'5;a="\x00"\r\n': faults.BAD_CHUNK_EXTENSION,
    b"5;\xff\r\n": faults.BAD_CHUNK_EXTENSION,
    b"5;a\x00\r\n": faults.BAD_CHUNK_EXTENSION,
    b"5\r\nhello0\r\n": faults.BAD_CHUNK_END,
    b"5\r\nhello\n0\r\n": faults.BAD_CHUNK_END,
    b"5\r\nhello\r0\r\n": faults.BAD_CHUNK_END,
    b"5\r\nhello!\r\n": faults.BAD_CHUNK_END,
    b"0\r\nX : y\r\n\r\n": faults.SPACE_BEFORE_COLON,
    b"0\r\n X: y\r\n\r\n": faults.FOLDED,
    b"0\r\nX\r\n\r\n": faults.BAD_NAME,
    b"0\r\nX: y\n": faults.BARE_LF,
    b"0\r\nX: \x00": faults.BAD_VALUE,
    b"0\r\n\n": faults.BARE_LF,
    b"0\r\n\rx": faults.BARE_CR,
}


@pytest.mark.parametrize("data", BAD, ids=repr)
def test_what_is_not_exact_is_refused_in_any_split(codec: ModuleType, data: bytes) -> None:
    for size in (1, 2, 3, len(data)):
        assert refused(codec, [data[start : start + size] for start in range(0, len(data), size)]) == BAD[data]


@pytest.mark.parametrize("name", kinds.REQUEST_KINDS)
def test_a_trailer_cannot_frame_or_route(codec: ModuleType, name: bytes) -> None:
    data = b"0\r\nA: b\r\n" + name.title() + b": 1\r\n\r\n"
    for response in (False, True):
        kind = codec.kind_of(name, response)
        if kind & (kinds.HOP | kinds.FRAMING | kinds.TRAILER):
            assert refused(codec, [data], response) == Fault(faults.BAD_TRAILER.reason, 502 if response else 400)
        else:
            assert decoder(codec, response).feed(data) == b""


def test_an_error_comes_again(codec: ModuleType) -> None:
    decode_all = decoder(codec)
    for data in (b"x", b"0\r\n\r\n", b""):
        with pytest.raises(HeadError, match="chunk size"):
            decode_all.feed(data)
    assert not decode_all.done


def test_an_upstreams_error_is_a_502(codec: ModuleType) -> None:
    assert refused(codec, [b"x"], response=True) == Fault(faults.BAD_CHUNK_SIZE.reason, 502)


def test_lines_and_trailers_have_limits(codec: ModuleType) -> None:
    line = b"1;" + b"a" * 10 + b"\r\n"
    assert decode(codec, line + b"x", line=14)[0] == b"x"
    assert refused(codec, [line], line=13) == faults.CHUNK_LINE_TOO_LONG
    assert refused(codec, [line[:13], line[13:]], line=12) == faults.CHUNK_LINE_TOO_LONG
    trailers = b"0\r\nX: y\r\nZ: a\r\n\r\n"
    assert decode(codec, trailers, head=14, line=6, count=2)[1].done
    assert refused(codec, [trailers], head=13) == faults.HEADER_TOO_LONG
    assert refused(codec, [trailers], line=5) == faults.HEADER_TOO_LONG
    assert refused(codec, [trailers], count=1) == faults.TOO_MANY_HEADERS


def test_all_extensions_of_a_body_together_have_a_limit(codec: ModuleType) -> None:
    chunk = b"1;aaaaaaaaa\r\nx\r\n"
    assert decode(codec, chunk * 10, head=100)[0] == b"x" * 10
    assert refused(codec, [chunk * 10, chunk], head=100) == faults.CHUNK_LINE_TOO_LONG


def test_a_large_chunk_passes_without_being_held(codec: ModuleType) -> None:
    decode_all = decoder(codec)
    assert decode_all.feed(b"7fffffffffffffff\r\n") == b""
    piece = bytes(65536)
    assert all(decode_all.feed(piece) == piece for _ in range(10))
    assert not decode_all.done


@pytest.mark.parametrize("offset", [-1, 4])
def test_an_offset_outside_of_the_data_is_an_error(codec: ModuleType, offset: int) -> None:
    with pytest.raises(ValueError, match="offset"):
        decoder(codec).feed(b"0\r\n", offset)


def test_only_bytes_are_decoded(codec: ModuleType) -> None:
    for data in (None, "0", bytearray(b"0")):
        with pytest.raises(TypeError):
            decoder(codec).feed(data)


def refused(codec: ModuleType, pieces: list[bytes], response: bool = False, **limits: int) -> Fault:
    decode_all = decoder(codec, response, **limits)
    for piece in pieces:
        try:
            decode_all.feed(piece)
        except HeadError as error:
            assert not decode_all.done
            return Fault(error.reason, error.status)
    raise AssertionError(f"{pieces!r} was accepted")
