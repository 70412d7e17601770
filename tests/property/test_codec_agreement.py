"""Codec and twin say the same about any bytes, whole or in pieces, and never accept what llhttp or h11 refuses. Where
the compiled codec was not built, the twin alone is held against the other two and against itself."""

from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateline.engine.wire import _pycodec
from wire_agreement import DEFAULT_LIMITS, Limits, body_of, h11_payload, head_of, llhttp_payload, objections

CODECS = [
    import_module(f"gateline.engine.wire.{name}")
    for name in ("_codec", "_pycodec")
    if find_spec(f"gateline.engine.wire.{name}")
]
both = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: str(codec.__name__).rpartition(".")[2])
thorough = settings(max_examples=400)

STARTS = (
    b"GET / HTTP/1.1", b"POST /a/b?c=d HTTP/1.1", b"get http://[::1]:80/%41//x HTTP/1.1", b"OPTIONS * HTTP/1.1",
    b"PUT /../x? HTTP/1.0", b"DELETE https://a?b HTTP/1.1", b"CONNECT a:1 HTTP/1.1", b"PRI * HTTP/2.0",
)  # fmt: skip
STATUSES = (
    b"HTTP/1.1 200 OK", b"HTTP/1.1 204", b"HTTP/1.0 304 Not Modified", b"HTTP/1.1 101 Switching Protocols",
    b"HTTP/1.1 100 ", b"HTTP/1.1 999 \xff", b"HTTP/2.0 200 OK",
)  # fmt: skip
LINES = (
    b"Host: a", b"host:b:80", b"Host: [::1.2.3.4]", b"Host:", b"Content-Length: 5", b"content-length:  0\t",
    b"Content-Length: 9223372036854775808", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked ", b"Connection: close", b"Connection: keep-alive, x-foo", b"Connection: Upgrade",
    b"connection:,a,,via", b"Upgrade: websocket", b"Upgrade: h2c", b"TE: trailers", b"TE: gzip",
    b"Expect: 100-continue", b"X-Foo: 1", b"x-foo:2 ", b"A:", b"A:\t\t1\t2 ", b"Via: 1.1 a", b"Server: \xe9",
    b"X-Kong-Request-Id: 1", b"Trailer: X",
    b"Keep-Alive: timeout=5", b" folded: 1", b"A : 1", b"A: \x00", b"no colon", b": empty",
)  # fmt: skip
FRAGMENTS = (
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b":", b",", b"\x00", b"\x7f", b"\xff", b"%", b"?", b"#",
    b"//", b"/.", b"@", b"[", b"]", b";", b"=", b'"', b"\\", b"0", b"chunked", b"HTTP/1.0", b"Host: q\r\n", b"-", b"+",
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, originals: st.SearchStrategy[bytes]) -> bytes:
    """An original with up to three pieces of it replaced by fragments, bytes, or pieces of its own."""
    data = draw(originals)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 8)))
        new = draw(st.sampled_from(FRAGMENTS) | st.binary(max_size=3) | st.just(data[start : start + 40]))
        data = data[:start] + new + data[end:]
    return data


def joined(start: bytes, lines: list[bytes]) -> bytes:
    return b"\r\n".join((start, *lines, b"", b"rest"))


lines = st.lists(st.sampled_from(LINES) | st.sampled_from(LINES[:1]), max_size=6)
requests = st.binary(max_size=40) | mutated(st.builds(joined, st.sampled_from(STARTS), lines))
responses = st.binary(max_size=40) | mutated(st.builds(joined, st.sampled_from(STATUSES), lines))
messages = st.tuples(requests, st.just(False)) | st.tuples(responses, st.just(True))
limits = st.just(DEFAULT_LIMITS) | st.tuples(st.integers(1, 60), st.integers(1, 160), st.integers(0, 5))


@st.composite
def chunked_bodies(draw: st.DrawFn) -> bytes:
    """A well-formed chunked body and something behind it."""
    body = b""
    extension = st.sampled_from((b"", b"", b";a", b";a=b;c", b';a="\\";\t"'))
    for payload in draw(st.lists(st.binary(min_size=1, max_size=20), max_size=4)):
        size = (b"%x", b"%X", b"0%x")[draw(st.integers(0, 2))] % len(payload)
        body += size + draw(extension) + b"\r\n" + payload + b"\r\n"
    trailers = draw(st.lists(st.sampled_from((b"X-Sum: 1", b"x:", b"Server: y ")), max_size=2))
    return body + b"0" + draw(extension) + b"\r\n" + b"".join(line + b"\r\n" for line in trailers) + b"\r\n" + b"GET"


bodies = st.binary(max_size=30) | mutated(chunked_bodies())


@given(messages, limits)
@thorough
def test_codec_and_twin_see_the_same_head(message: tuple[bytes, bool], limits: Limits) -> None:
    data, response = message
    expected = head_of(_pycodec, data, response, limits)
    assert [head_of(codec, data, response, limits) for codec in CODECS] == [expected] * len(CODECS)


@both
@given(message=messages, limits=limits)
@settings(max_examples=150)
def test_a_beginning_says_nothing_else_than_the_whole(codec: Any, message: tuple[bytes, bool], limits: Limits) -> None:
    data, response = message
    whole = head_of(codec, data, response, limits)
    early = [head_of(codec, data[:end], response, limits) for end in range(len(data) + 1)]
    final = next((index for index, seen in enumerate(early) if seen is not None), len(data))
    assert early[:final] == [None] * final
    assert early[final:] == [whole] * (len(data) + 1 - final)


@both
@given(message=messages)
@thorough
def test_what_is_accepted_llhttp_and_h11_accept(codec: Any, message: tuple[bytes, bool]) -> None:
    data, response = message
    seen = head_of(codec, data, response)
    if isinstance(seen, dict):
        assert objections(data, seen, response) == []


@both
@given(message=messages)
@thorough
def test_a_written_head_reads_as_the_received_one(codec: Any, message: tuple[bytes, bool]) -> None:
    data, response = message
    seen = head_of(codec, data, response)
    if isinstance(seen, dict):
        start = b"HTTP/1.%d 200 OK\r\n" if response else b"GET / HTTP/1.%d\r\n"
        again = head_of(codec, start % seen["minor"] + seen["encode"][0], response)
        assert isinstance(again, dict), again
        assert (again["items"], again["length"]) == (seen["items"], seen["length"])
        assert all(b"\r" not in value and b"\n" not in value for _, value in seen["items"])


@given(st.data(), bodies, st.booleans(), limits)
@thorough
def test_codec_and_twin_decode_the_same_in_any_split(data: Any, body: bytes, response: bool, limits: Limits) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    pieces = [body[start:end] for start, end in pairwise([0, *cuts, len(body)])]
    said = body_of(_pycodec, pieces, response, limits)
    assert [body_of(codec, pieces, response, limits) for codec in CODECS] == [said] * len(CODECS)
    whole = body_of(_pycodec, [body], response, limits)
    assert said[-1] == whole[-1]
    if isinstance(whole[-1], list):
        assert b"".join(payload for payload, _, _ in said[:-1]) == whole[0][0]


@both
@given(body=bodies)
@thorough
def test_llhttp_and_h11_decode_the_same_payload(codec: Any, body: bytes) -> None:
    said = body_of(codec, [body], False)
    if len(said) == 2 and said[0][2]:
        payload, consumed, _ = said[0]
        assert llhttp_payload(body[:consumed]) == payload
        assert h11_payload(body[:consumed]) == payload
