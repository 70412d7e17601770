"""Texts inside templates: each character is one byte, 0 to 255, as header values are read from the wire.

So a length is a length in bytes, as in Lua, and what a header holds goes into another header unchanged, whatever its
encoding. Text of a configuration is UTF-8.
"""

from urllib.parse import unquote_to_bytes

__all__ = ["from_bytes_text", "percent_decoded", "to_bytes_text"]


def to_bytes_text(text: str) -> str:
    """Text as its UTF-8 bytes, a character each."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def from_bytes_text(text: str) -> str:
    """The text that the bytes stand for; bytes that are no UTF-8 stay as surrogates (`surrogateescape`)."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "surrogateescape")


def percent_decoded(part: str) -> str:
    """A name or value of a query string or form, decoded: a character for each byte."""
    if "+" in part:
        part = part.replace("+", " ")
    return unquote_to_bytes(part).decode("latin-1") if "%" in part or not part.isascii() else part
