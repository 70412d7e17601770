"""Bodies with `Content-Encoding: gzip` (RFC 1952), with a limit to what one may unfold to."""

import zlib

__all__ = ["compressed", "decompressed"]

_GZIP = 31
"""zlib's window bits for the format of gzip."""


def decompressed(body: bytes, limit: int) -> bytes | None:
    """The body in the clear; None where it is broken, or longer than `limit` bytes."""
    pieces: list[bytes] = []
    size = 0
    while body:
        reader = zlib.decompressobj(_GZIP)
        try:
            piece = reader.decompress(body, limit - size + 1)
        except zlib.error:
            return None
        size += len(piece)
        if size > limit or not reader.eof:
            return None
        pieces.append(piece)
        body = reader.unused_data
    return b"".join(pieces)


def compressed(body: bytes) -> bytes:
    """The body compressed."""
    writer = zlib.compressobj(wbits=_GZIP)
    return writer.compress(body) + writer.flush()
