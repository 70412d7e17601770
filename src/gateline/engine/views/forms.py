"""Bodies that are forms, read: urlencoded, and the text fields of multipart ones."""

from typing import Any
from urllib.parse import parse_qsl

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

__all__ = ["form_fields"]

FIELD_LIMIT = 1000


def form_fields(content_type: str, body: bytes) -> list[tuple[str, str]] | None:
    """The fields of a form, in order; None where the type is no form's, or the body is broken or has too many."""
    kind, options = parse_options_header(content_type)
    if kind == b"application/x-www-form-urlencoded":
        try:
            return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELD_LIMIT)
        except ValueError:
            return None
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        return None
    reader = _Reader()
    parser = MultipartParser(boundary, reader.callbacks())
    try:
        parser.write(body)
        parser.finalize()
    except FormParserError:
        return None
    return reader.fields if len(reader.fields) <= FIELD_LIMIT else None


class _Reader:
    """Collects the fields while the parser goes over the body."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, str]] = []
        self._name = bytearray()
        self._value = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._data = bytearray()

    def callbacks(self) -> Any:
        """What the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_part_data": lambda data, start, end: self._data.extend(data[start:end]),
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._headers = {}
        self._data = bytearray()

    def _header(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name = bytearray()
        self._value = bytearray()

    def _end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name")
        if name is not None and b"filename" not in options:
            self.fields.append((name.decode("utf-8", "replace"), self._data.decode("utf-8", "replace")))
