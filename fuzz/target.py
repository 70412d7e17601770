"""What one fuzzing input checks: the compiled codec (with address sanitizer) beside its twin, llhttp and h11.

The first byte of an input chooses what the rest is (mod 4: request head, response head, chunked body of a request, of a
response), the second one chooses limits and where to split; so "00GET / HTTP/1.1..." is a request under default limits.
"""

import guard  # the harness: makes the byte behind a bytes object untouchable
from wire_agreement import DEFAULT_LIMITS, Limits, body_of, h11_payload, head_of, llhttp_payload, objections

from gateline.engine.wire import _codec, _pycodec


def check(data: bytes) -> None:
    """Raises AssertionError when two disagree."""
    if len(data) < 2:
        return
    mode, knob, text = data[0] % 4, data[1], data[2:]
    limits = DEFAULT_LIMITS if knob < 128 else (1 + 9 * (knob & 15), 40 + 20 * (knob & 31), knob & 7)
    if mode < 2:
        check_head(text, mode == 1, limits, 1 + knob % 16)
    else:
        check_body(text, mode == 3, limits, 1 + knob % 16)


def check_head(data: bytes, response: bool, limits: Limits, step: int) -> None:
    """Codec and twin see the same in the whole and in beginnings of it; nobody objects to what they accept."""
    seen = guarded(data, response, limits)
    assert seen == head_of(_pycodec, data, response, limits), "codec and twin disagree"
    for end in range(step, len(data), max(step, len(data) // 4)):
        early = guarded(data[:end], response, limits)
        assert early == head_of(_pycodec, data[:end], response, limits), "codec and twin disagree on a beginning"
        assert early is None or early == seen, "a verdict about a beginning was not final"
    if isinstance(seen, dict):
        assert not objections(data, seen, response)
        check_written(seen, response)


def check_written(seen: dict[str, object], response: bool) -> None:
    """A head that was written reads as the one that was received."""
    written = b"HTTP/1.1 200 OK\r\n" if response else b"GET / HTTP/1.1\r\n"
    if not seen["minor"]:
        written = written.replace(b"1.1", b"1.0")
    again = guarded(written + seen["encode"][0], response, (1 << 20, 1 << 20, 1000))  # type: ignore[index]
    assert isinstance(again, dict), "a written head is not accepted"
    assert again["items"] == seen["items"], "a written head has other headers"
    assert again["length"] == seen["length"], "a written head frames another body"


def guarded(data: bytes, response: bool, limits: Limits) -> object:
    """`head_of` with the compiled codec, while the byte behind `data` must not be read."""
    guard.protect(data)
    try:
        return head_of(_codec, data, response, limits)
    finally:
        guard.release(data)


def check_body(data: bytes, response: bool, limits: Limits, step: int) -> None:
    """Codec and twin say the same after every piece, however the body is cut; so do llhttp and h11 about the payload."""
    whole = body_of(_pycodec, [data], response, limits)
    for pieces in ([data], [data[start : start + step] for start in range(0, len(data), step)]):
        for piece in pieces:
            guard.protect(piece)
        try:
            said = body_of(_codec, pieces, response, limits)
        finally:
            for piece in pieces:
                guard.release(piece)
        assert said == body_of(_pycodec, pieces, response, limits), "codec and twin disagree"
        assert said[-1] == whole[-1], "trailers or verdict depend on the pieces"
        if isinstance(whole[-1], list) and pieces:
            payload = b"".join(part for part, _, _ in said[:-1])
            assert payload == whole[0][0], "the payload depends on the pieces"
    if len(whole) == 2 and whole[0][2]:
        body = data[: whole[0][1]]
        assert llhttp_payload(body) == h11_payload(body) == whole[0][0], "llhttp or h11 reads another payload"
