"""The fields that an expression can name: their types, and how each is read from a request.

Text is compared as UTF-8 bytes: `http.path` as regexes see it (see `decoded_path`), `http.host` in lower case without
port, so that host names compare without case. A field that a request does not have fails every predicate.

Header and query fields have several values: a predicate must hold for all of them, with `any()` for one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import unquote_to_bytes

from gateline.engine.router.interface import RouteRequest
from gateline.engine.router.paths import decoded_path

__all__ = ["Address", "AddressField", "Field", "NumberField", "TextField", "TextsField", "field_of"]

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class TextField:
    """A String."""

    read: Callable[[RouteRequest], bytes | None]


@dataclass(frozen=True, slots=True)
class TextsField:
    """A String with any number of values."""

    read: Callable[[RouteRequest], list[bytes]]


@dataclass(frozen=True, slots=True)
class NumberField:
    """An Int."""

    read: Callable[[RouteRequest], int | None]


@dataclass(frozen=True, slots=True)
class AddressField:
    """An IpAddr."""

    read: Callable[[RouteRequest], Address | None]


Field = TextField | TextsField | NumberField | AddressField


def _protocol(request: RouteRequest) -> bytes:
    return b"https" if request.tls else b"http"


def _server_name(request: RouteRequest) -> bytes | None:
    return (request.sni or None) if request.tls else None


def _method(request: RouteRequest) -> bytes:
    return request.method


def _host(request: RouteRequest) -> bytes | None:
    return request.host or None


def _path(request: RouteRequest) -> bytes:
    return decoded_path(request.path)


def _segments(request: RouteRequest) -> list[bytes]:
    segments = decoded_path(request.path).split(b"/")[1:]
    if segments and not segments[-1]:
        segments.pop()
    return segments


def _number_of_segments(request: RouteRequest) -> int:
    return len(_segments(request))


def _port(request: RouteRequest) -> int:
    return request.port


def _client_port(request: RouteRequest) -> int | None:
    port = getattr(request, "client_port", None)
    return port if isinstance(port, int) else None


def _client_address(request: RouteRequest) -> Address | None:
    return _parsed(request.client_ip)


def _server_address(request: RouteRequest) -> Address | None:
    return _parsed(getattr(request, "server_ip", "") or "")


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address  # an IPv4 client of a dual-stack listener is an IPv4 client


_FIELDS: dict[str, Field] = {
    "net.protocol": TextField(_protocol),
    "tls.sni": TextField(_server_name),
    "http.method": TextField(_method),
    "http.host": TextField(_host),
    "http.path": TextField(_path),
    "http.path.segments.len": NumberField(_number_of_segments),
    "net.port": NumberField(_port),
    "net.dst.port": NumberField(_port),
    "net.src.port": NumberField(_client_port),
    "net.src.ip": AddressField(_client_address),
    "net.dst.ip": AddressField(_server_address),
}


def field_of(name: str) -> Field | None:
    """The field of that name, None if there is none."""
    if name.startswith("http.headers."):
        return _header(name.removeprefix("http.headers."))
    if name.startswith("http.queries."):
        return _query(name.removeprefix("http.queries."))
    if name.startswith("http.path.segments.") and name not in _FIELDS:
        return _segment(name.removeprefix("http.path.segments."))
    return _FIELDS.get(name)


def _header(name: str) -> Field | None:
    if not name or name != name.lower():
        return None
    dashed, plain = name.replace("_", "-").encode(), name.encode()

    def values(request: RouteRequest) -> list[bytes]:
        return request.head.get_all(dashed) or request.head.get_all(plain)

    return TextsField(values)


def _query(name: str) -> Field | None:
    if not name:
        return None
    wanted = name.encode()

    def values(request: RouteRequest) -> list[bytes]:
        if not request.query:
            return []
        found = []
        for argument in request.query.split(b"&"):
            key, _, value = argument.partition(b"=")
            if key == wanted or _unescaped(key) == wanted:
                found.append(_unescaped(value))
        return found

    return TextsField(values)


def _unescaped(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _segment(places: str) -> Field | None:
    first, dash, last = places.partition("_")
    if not (_is_place(first) and (_is_place(last) if dash else not last)):
        return None
    start, end = int(first), int(last) if dash else int(first)

    def segments(request: RouteRequest) -> bytes | None:
        all_segments = _segments(request)
        if end >= len(all_segments) or (dash and start >= end):
            return None
        return b"/".join(all_segments[start : end + 1])

    return TextField(segments)


def _is_place(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4
