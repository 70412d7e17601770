"""What must agree about a head or a chunked body: the compiled codec, its twin in Python, and, where both accept,
llhttp and h11. Each function turns what one of them says into a value to compare; property tests and fuzzing use it."""

from collections.abc import Iterable
from itertools import pairwise
from types import ModuleType
from typing import Any

import h11
import httptools

from gateline.engine.wire.faults import HeadError

Limits = tuple[int, int, int]
Refusal = tuple[int, str]

DEFAULT_LIMITS: Limits = (8192, 32768, 1000)
NAMES = (b"host", b"connection", b"x-foo", b"a", b"A", b"", b"content-length", b"host: a", b"a\r\nhost")
REQUEST_ATTRIBUTES = (
    "size", "method", "target", "path", "query", "plain_path", "authority", "minor", "length", "keep_alive",
    "websocket", "expect_continue", "te_trailers",
)  # fmt: skip
RESPONSE_ATTRIBUTES = ("size", "status", "reason", "minor", "length", "keep_alive", "websocket")
EDITS: tuple[tuple[bytes, int, dict[bytes, bytes] | None, bytes, bytes], ...] = (
    (b"", 0, None, b"", b""),
    (b"GET / HTTP/1.1\r\n", 0b11, None, b"Via: 1.1 x\r\n", b"body"),
    (b"S\r\n", 0, {b"host": b"Host: b\r\n", b"x-foo": b"", b"a": b"A: 1\r\na: 2\r\n"}, b"", b"\x00"),
    (b"S\r\n", 1 << 18, {b"host": b""}, b"T: 1\r\n", b""),
    (b"S\r\n", (1 << 18) - 1, None, b"T: 1\r\n", b""),
    (b"S\r\n", 1 << 2 | 1 << 6 | 1 << 16, None, b"", b""),
)


def head_of(codec: ModuleType, data: bytes, response: bool, limits: Limits = DEFAULT_LIMITS) -> Any:
    """All that can be observed of the head in `data`: a dict, a refusal, or None when it is incomplete."""
    try:
        head = (codec.parse_response if response else codec.parse_request)(data, codec.Limits(*limits))
    except HeadError as error:
        return refusal(error, response)
    if head is None:
        return None
    seen = {name: getattr(head, name) for name in (RESPONSE_ATTRIBUTES if response else REQUEST_ATTRIBUTES)}
    seen["kinds"] = head.kinds()
    seen["items"] = head.items()
    # Beside its own names those that differ only in the bit that makes a letter lower-case: "^" must not find "~".
    names = (*NAMES, *(name.lower() for name, _ in seen["items"]), *(near(name) for name, _ in seen["items"]))
    seen["get"] = [head.get(name) for name in names]
    seen["get_all"] = [head.get_all(name) for name in names]
    seen["has_any"] = [head.has_any((name, other)) for name, other in pairwise(names)]
    seen["encode"] = [head.encode(*edit) for edit in EDITS]
    return seen


def near(name: bytes) -> bytes:
    """`name` with that bit set in every byte."""
    return bytes(byte | 32 for byte in name)


def body_of(codec: ModuleType, pieces: Iterable[bytes], response: bool, limits: Limits = DEFAULT_LIMITS) -> list[Any]:
    """What a decoder says after each piece: payload, consumed, done; at last the trailers, or a refusal."""
    decoder = codec.ChunkedDecoder(codec.Limits(*limits), response)
    said: list[Any] = []
    for piece in pieces:
        try:
            said.append((decoder.feed(piece), decoder.consumed, decoder.done))
        except HeadError as error:
            return [*said, refusal(error, response)]
        if decoder.done:
            break
    return [*said, decoder.trailers]


def refusal(error: HeadError, response: bool) -> Refusal:
    """Status and reason of an error, which must be one that the codec may raise."""
    allowed = (502,) if response else (400, 414, 431, 501, 505)
    assert error.status in allowed, f"status {error.status}"
    return error.status, error.reason


class _Message:
    """Collects what llhttp calls back with."""

    def __init__(self) -> None:
        self.head = self.complete = False
        self.payload = b""

    def on_headers_complete(self) -> None:
        self.head = True

    def on_body(self, data: bytes) -> None:
        self.payload += data

    def on_message_complete(self) -> None:
        self.complete = True


def llhttp_objection(head: bytes, response: bool) -> str | None:
    """Why llhttp (strict) does not take `head` for a complete head; None when it does."""
    message = _Message()
    parser = (httptools.HttpResponseParser if response else httptools.HttpRequestParser)(message)
    try:
        parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        return None
    except httptools.HttpParserError as error:
        # A response that upgrades pauses llhttp, which the binding reports as an error.
        return None if "Pause on CONNECT/Upgrade" in str(error) else str(error)
    return None if message.head else "incomplete"


def h11_objection(head: bytes, response: bool) -> str | None:
    """Why h11 does not take `head` for a complete head; None when it does."""
    connection = h11.Connection(h11.CLIENT if response else h11.SERVER, max_incomplete_event_size=1 << 20)
    if response:
        headers = [("Host", "a"), ("Connection", "upgrade"), ("Upgrade", "websocket")]
        connection.send(h11.Request(method="GET", target="/", headers=headers))
        connection.send(h11.EndOfMessage())
    try:
        connection.receive_data(head)
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        return str(error)
    return None if isinstance(event, h11.Request | h11.Response | h11.InformationalResponse) else repr(event)


def objections(data: bytes, seen: dict[str, Any], response: bool) -> list[str]:
    """What llhttp and h11 have against a head that the codec accepted. llhttp knows a fixed set of methods: another one
    is replaced by GET before it is asked (but for OPTIONS, which alone has "*")."""
    head = data[: seen["size"]]
    if not response and seen["target"] != b"*":
        head = b"GET" + head[len(seen["method"]) :]
    found = (llhttp_objection(head, response), h11_objection(head, response))
    return [f"{name}: {objection}" for name, objection in zip(("llhttp", "h11"), found, strict=True) if objection]


CHUNKED_REQUEST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def llhttp_payload(body: bytes) -> bytes | str:
    """The payload that llhttp reads from a complete chunked body, or its objection."""
    message = _Message()
    try:
        httptools.HttpRequestParser(message).feed_data(CHUNKED_REQUEST + body)
    except httptools.HttpParserError as error:
        return str(error)
    return message.payload if message.complete else "incomplete"


def h11_payload(body: bytes) -> bytes | str:
    """The payload that h11 reads from a complete chunked body, or its objection."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    payload = b""
    try:
        connection.receive_data(CHUNKED_REQUEST + body)
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                payload += event.data
            elif not isinstance(event, h11.Request):
                return repr(event)
    except h11.RemoteProtocolError as error:
        return str(error)
    return payload
