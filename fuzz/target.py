"""What one fuzzing input checks: the compiled codec (with address sanitizer) beside its twin, llhttp and h11.

The first byte of an input chooses what the rest is (mod 4: request head, response head, chunked body of a request, of a
response), the second one chooses limits and where to split; so "00GET / HTTP/1.1..." is a request under default limits.
"""

from typing import Any

import guard  # the harness: makes the byte behind a bytes object untouchable

from gateline.engine.wire import _codec, _pycodec
from wire_agreement import DEFAULT_LIMITS, Limits, body_of, h11_payload, head_of, llhttp_payload, objections

WIDE: Limits = (1 << 20, 1 << 20, 1000)


class DisagreementError(Exception):
    """Two that must say the same do not."""


def check(data: bytes) -> None:
    """Run one input; DisagreementError is a finding."""
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
    agree("codec and twin", seen, head_of(_pycodec, data, response, limits))
    for end in range(step, len(data), max(step, len(data) // 4)):
        early = guarded(data[:end], response, limits)
        agree("codec and twin on a beginning", early, head_of(_pycodec, data[:end], response, limits))
        if early is not None:
            agree("a beginning and the whole", early, seen)
    if isinstance(seen, dict):
        agree("codec and others", objections(data, seen, response), [])
        check_written(seen, response)


def check_written(seen: dict[str, Any], response: bool) -> None:
    """A head that was written reads as the one that was received."""
    start = b"HTTP/1.%d 200 OK\r\n" if response else b"GET / HTTP/1.%d\r\n"
    again = guarded(start % seen["minor"] + seen["encode"][0], response, WIDE)
    if not isinstance(again, dict):
        raise DisagreementError(f"a written head is not accepted: {again!r}")
    agree("written and received headers", again["items"], seen["items"])
    agree("written and received framing", again["length"], seen["length"])


def check_body(data: bytes, response: bool, limits: Limits, step: int) -> None:
    """Codec and twin say the same after every piece, however the body is cut; llhttp and h11 read the same payload."""
    whole = body_of(_pycodec, [data], response, limits)
    for pieces in ([data], [data[start : start + step] for start in range(0, len(data), step)]):
        for piece in pieces:
            guard.protect(piece)
        try:
            said = body_of(_codec, pieces, response, limits)
        finally:
            for piece in pieces:
                guard.release(piece)
        agree("codec and twin", said, body_of(_pycodec, pieces, response, limits))
        if pieces:
            agree("pieces and the whole", said[-1], whole[-1])
        if pieces and isinstance(whole[-1], list):
            agree("payload of pieces and of the whole", b"".join(part for part, _, _ in said[:-1]), whole[0][0])
    if len(whole) == 2 and whole[0][2]:
        payload, consumed, _ = whole[0]
        agree("llhttp and codec", llhttp_payload(data[:consumed]), payload)
        agree("h11 and codec", h11_payload(data[:consumed]), payload)


def guarded(data: bytes, response: bool, limits: Limits) -> Any:
    """`head_of` with the compiled codec, while the byte behind `data` must not be read."""
    guard.protect(data)
    try:
        return head_of(_codec, data, response, limits)
    finally:
        guard.release(data)


def agree(who: str, one: object, other: object) -> None:
    """Raises DisagreementError unless both are the same."""
    if one != other:
        raise DisagreementError(f"{who}:\n  {one!r}\n  {other!r}")
