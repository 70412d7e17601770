"""Keys in bodies: forms and JSON records."""

import json
from typing import Any
from urllib.parse import urlencode

from gateline.pdk import Exchange

__all__ = ["FORMS", "body_fields", "content_type", "is_json", "take_out_of_body"]

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def content_type(exchange: Exchange) -> str:
    """What the request says that its body is: lower case, without parameters."""
    return (exchange.request.header("content-type") or "").partition(";")[0].strip().lower()


def is_json(kind: str) -> bool:
    """Whether a content type is one of JSON's."""
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def body_fields(exchange: Exchange) -> dict[str, list[Any]]:
    """The fields of a body that is a form or a JSON record: every text under a name. Empty for any other body."""
    request = exchange.request
    if not request.body:
        return {}
    kind = content_type(exchange)
    fields: dict[str, list[Any]] = {}
    if kind in FORMS:
        for name, value in request.form() or ():
            fields.setdefault(name, []).append(value)
    elif is_json(kind):
        try:
            record = request.json()
        except ValueError:
            return {}
        if isinstance(record, dict):
            for name, value in record.items():
                if isinstance(value, str):
                    fields[name] = [value]
                elif isinstance(value, list | dict):
                    fields[name] = [value, value]  # not one key, whatever is in it
    return fields


def take_out_of_body(exchange: Exchange, name: str) -> None:
    """Send the service a body without the fields of a name."""
    request, service = exchange.request, exchange.service_request
    kind = content_type(exchange)
    if is_json(kind):
        record = request.json()
        service.set_body(json.dumps({field: value for field, value in record.items() if field != name}).encode())
    elif kind == "application/x-www-form-urlencoded":
        service.set_body(urlencode([(field, value) for field, value in request.form() or () if field != name]).encode())
    else:
        service.set_body(_without_part(request.body or b"", request.header("content-type") or "", name))


def _without_part(body: bytes, content_type: str, name: str) -> bytes:
    """A multipart body without the parts of a name; its other parts as they are."""
    boundary = content_type.partition("boundary=")[2].partition(";")[0].strip().strip('"')
    delimiter = b"--" + boundary.encode("latin-1")
    first, *parts = body.split(delimiter)
    quoted, bare = f'name="{name}"'.encode(), f"name={name}".encode()
    kept = [part for part in parts if not _names(part.partition(b"\r\n\r\n")[0], quoted, bare)]
    return delimiter.join([first, *kept])


def _names(head: bytes, quoted: bytes, bare: bytes) -> bool:
    options = [option.strip() for option in head.replace(b"\r\n", b";").split(b";")]
    return quoted in options or bare in options
