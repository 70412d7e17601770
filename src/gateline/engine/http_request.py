"""Requests that the worker makes itself: a URL and headers become the bytes of one HTTP/1.1 request.

What plugins put together may hold what clients sent, so nothing is trusted: a line break, a control character or a
header that frames the message is refused, and the finished head must be exactly one head for the codec as well.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from gateline.engine.wire import codec
from gateline.engine.wire.codec import HeadError, Limits, RequestHead
from gateline.entities.formats import host_with_optional_port
from gateline.pdk.answers import HeaderValues
from gateline.version import __version__

__all__ = ["Address", "Encoded", "address_of", "encode"]

_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NAME = _METHOD
_NOT_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NOT_IN_URL = re.compile(r"[^\x21-\x7e]")
_FRAMING = frozenset(
    ("connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding")
) | {"upgrade"}
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_LIMITS = Limits(line=64 * 1024, head=256 * 1024, count=2000)
_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """Where a URL leads, and what is asked for there."""

    tls: bool
    host: str
    port: int
    authority: str
    target: str
    """Path and query."""


class Encoded(NamedTuple):
    """A request as it goes over the wire."""

    head: RequestHead
    data: bytes
    """Head and body."""


@lru_cache(maxsize=1024)
def address_of(url: str) -> Address:
    """The parts of an http or https URL. Raises ValueError for any other text, with what is wrong."""
    if _NOT_IN_URL.search(url):
        raise ValueError(f"the URL {url!r} has a character that must be percent-encoded")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is no http or https URL")
    if parts.username is not None:
        raise ValueError("a URL with a user name is not taken: send an Authorization header")
    host = parts.hostname
    port = parts.port  # raises ValueError for what is none
    bare = f"[{host}]" if ":" in host else host
    if host_with_optional_port(bare) or port == 0:
        raise ValueError(f"{url!r} has no valid host")
    default = _PORTS[parts.scheme]
    authority = bare if port in (None, default) else f"{bare}:{port}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.scheme == "https", host, port or default, authority, target)


def encode(
    method: str,
    address: Address,
    headers: HeaderValues | None = None,
    *,
    body: bytes | None = None,
    json_body: Any = None,
    form: Mapping[str, str] | None = None,
) -> Encoded:
    """The request's bytes. Raises ValueError for a method, header or body that cannot be sent."""
    if not _METHOD.fullmatch(method):
        raise ValueError(f"{method!r} is no method")
    content, content_type = _content(body, json_body, form)
    names = set()
    lines = []
    for name, value in (headers or {}).items():
        names.add(_checked_name(name))
        lines += [f"{name}: {_checked_value(name, one)}\r\n" for one in _each(value)]
    start = [f"{method} {address.target} HTTP/1.1\r\n"]
    if "host" not in names:
        start.append(f"Host: {address.authority}\r\n")
    if "user-agent" not in names:
        start.append(f"User-Agent: gateline/{__version__}\r\n")
    if "accept" not in names:
        start.append("Accept: */*\r\n")
    if content_type and "content-type" not in names:
        start.append(f"Content-Type: {content_type}\r\n")
    if content is not None or method in _WITH_BODY:
        start.append(f"Content-Length: {len(content or b'')}\r\n")
    head = "".join((*start, *lines, "\r\n")).encode("latin-1")
    try:
        parsed = codec.parse_request(head, _LIMITS)
    except HeadError as error:
        raise ValueError(f"the request is not valid HTTP: {error.reason}") from error
    if parsed is None or parsed.size != len(head):
        raise ValueError("the request is not one valid HTTP head")
    return Encoded(parsed, head + content if content else head)


def _content(body: bytes | None, json_body: Any, form: Mapping[str, str] | None) -> tuple[bytes | None, str | None]:
    """(the body, its type)."""
    if (body is not None) + (json_body is not None) + (form is not None) > 1:
        raise ValueError("a request has one of body, json and form, not several")
    if json_body is not None:
        text = json.dumps(json_body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode(), "application/json"
    if form is not None:
        return urlencode(form).encode(), "application/x-www-form-urlencoded"
    return body, None


def _each(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def _checked_name(name: str) -> str:
    lower = name.lower()
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no header name")
    if lower in _FRAMING:
        raise ValueError(f"the header {name} is the client's own to set")
    return lower


def _checked_value(name: str, value: str) -> str:
    value = value.strip(" \t")
    if _NOT_IN_VALUE.search(value) or (not value.isascii() and not _is_latin(value)):
        raise ValueError(f"the header {name} has a character that cannot be sent")
    return value


def _is_latin(value: str) -> bool:
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
