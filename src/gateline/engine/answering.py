"""What plugins answer, in wire form."""

from typing import Any

import msgspec

from gateline.engine.edits import header_value, known_name
from gateline.engine.wire import codec
from gateline.pdk.answers import HeaderValues, Response

__all__ = ["headers_block", "rendered"]

_JSON_TYPE = b"Content-Type: application/json; charset=utf-8\r\n"
_FRAMING = codec.HOP | codec.CONTENT_LENGTH | codec.TRANSFER_ENCODING
_encode = msgspec.json.Encoder().encode


def rendered(response: Response) -> tuple[bytes, bytes]:
    """Body and header block (lines, each ended by CRLF) of a plugin's answer. Raises ValueError, TypeError."""
    if not 200 <= response.status <= 999:
        raise ValueError(f"not the status of an answer: {response.status}")
    block = headers_block(response.headers)
    body: Any = response.body
    if body is None:
        return b"", block
    if isinstance(body, bytes):
        return body, block
    if isinstance(body, str):
        return body.encode(), block
    if b"\r\ncontent-type:" not in (b"\r\n" + block).lower():
        block += _JSON_TYPE
    return _encode(body), block


def headers_block(headers: HeaderValues | None) -> bytes:
    """Header lines, each ended by CRLF; what frames a message is left out. Raises ValueError for what is no header."""
    if not headers:
        return b""
    parts: list[bytes] = []
    for name, given in headers.items():
        known = known_name(name)
        if known.kind & _FRAMING:
            continue
        for value in given if isinstance(given, (list, tuple)) else (given,):
            parts += (known.begin, header_value(str(value)), b"\r\n")
    return b"".join(parts)
