"""Bodies of Admin API requests: the content type decides, sizes and numbers are limited, and nothing that a client
sends can end in anything but a value or a refusal of the catalogue.
"""

from typing import Any
from urllib.parse import parse_qsl

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from gateline.admin import form as forms
from gateline.admin.errors import bad_json, refusal, too_large, unsupported_media_type
from gateline.entities import Schema

MAXIMUM_ARGUMENTS = 1000
"""Most arguments of a form."""

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


def content_type(request: Request) -> tuple[str, dict[str, str]]:
    """The media type in lower case ("" when none is named) and its parameters. Raises ApiError when there are two."""
    values = request.headers.getlist("content-type")
    if len(values) > 1:
        raise refusal(400, "Multiple Content-Type headers not allowed")
    if not values:
        return "", {}
    parsed, parameters = parse_options_header(values[0])
    named = {key.decode("latin-1"): value.decode("latin-1") for key, value in parameters.items()}
    return parsed.decode("latin-1").strip().lower(), named


async def read(request: Request, limit: int) -> bytes:
    """The whole body, at most `limit` bytes (0: no limit). Raises ApiError 413."""
    declared = request.headers.get("content-length", "0")
    if limit and declared.isdigit() and int(declared) > limit:
        raise too_large()
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if limit and len(parts) > limit:
            raise too_large()
    return bytes(parts)


async def arguments(request: Request, limit: int) -> tuple[dict[str, Any], bytes]:
    """The arguments of a body (those of a form as text, repeats as lists), and the body as it came.

    Without a body there are none. Raises ApiError: 400 for what does not parse, 413, 415 for another content type.
    """
    kind, parameters = content_type(request)
    body = await read(request, limit)
    match kind:
        case "application/json":
            return json_object(body), body
        case "application/x-www-form-urlencoded":
            return form(body), body
        case "multipart/form-data":
            return multipart(body, parameters), body
        case "" if not body:
            return {}, body
    raise unsupported_media_type()


async def entity_data(request: Request, limit: int, schema: Schema) -> dict[str, Any]:
    """The data of an entity that a request carries, whatever the form. Raises ApiError as `arguments`."""
    given, _ = await arguments(request, limit)
    return given if content_type(request)[0] == JSON else forms.decode(given, schema)


def json_object(body: bytes) -> dict[str, Any]:
    """The object that a JSON body is. Raises ApiError."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise bad_json() from None
    if not isinstance(value, dict):
        raise bad_json()
    return value


def form(body: bytes) -> dict[str, Any]:
    """The arguments of a URL-encoded form. Raises ApiError."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAXIMUM_ARGUMENTS
        )
    except UnicodeDecodeError:
        raise refusal(400, "Cannot parse form body") from None
    except ValueError:
        raise refusal(400, "Too many arguments") from None
    return _grouped(pairs)


def multipart(body: bytes, parameters: dict[str, str]) -> dict[str, Any]:
    """The fields of a multipart form, a file's content for its field. Raises ApiError."""
    boundary = parameters.get("boundary", "")
    if not boundary:
        raise refusal(400, "Cannot parse multipart body")
    collector = _Fields()
    try:
        parser = MultipartParser(boundary.encode("latin-1"), collector.callbacks())
        parser.write(body)
        parser.finalize()
        return _grouped([(name, value.decode("utf-8")) for name, value in collector.fields])
    except (FormParserError, UnicodeDecodeError, ValueError):
        raise refusal(400, "Cannot parse multipart body") from None


class _Fields:
    """Takes the parser's events."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, bytearray]] = []
        self._name = bytearray()
        self._value = bytearray()
        self._disposition = bytearray()

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_headers_finished": self._headers,
            "on_part_data": lambda data, start, end: self.fields[-1][1].extend(data[start:end]),
        }

    def _begin(self) -> None:
        self._disposition.clear()

    def _header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition[:] = self._value
        self._name.clear()
        self._value.clear()

    def _headers(self) -> None:
        if len(self.fields) >= MAXIMUM_ARGUMENTS:
            raise refusal(400, "Too many arguments")
        _, parameters = parse_options_header(bytes(self._disposition))
        self.fields.append((parameters.get(b"name", b"").decode("utf-8"), bytearray()))


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Arguments by name; a repeated one becomes a list."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name not in result:
            result[name] = value
        elif isinstance(result[name], list):
            result[name].append(value)
        else:
            result[name] = [result[name], value]
    return result
