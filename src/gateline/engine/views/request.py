"""The client's request, as plugins see it."""

import time
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

import msgspec

from gateline.engine.edits import all_lines, header_key, line_values
from gateline.engine.views.forms import form_fields
from gateline.engine.wire import codec

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange
    from gateline.pdk.answers import Answer
    from gateline.pdk.exchange import Asked

__all__ = ["RequestView"]

_decode = msgspec.json.Decoder().decode


class RequestView:
    """See `gateline.pdk.exchange.RequestView`."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange

    # -- headers ---------------------------------------------------------------------------------------------------
    def header(self, name: str) -> str | None:
        key = header_key(name)
        exchange = self._exchange
        run = exchange.run
        if run is not None and run.edits is not None:
            if key == b"host" and run.edits.host is not None:
                return run.edits.host.decode("latin-1")
            block = run.edits.changed.get(key)
            if block is not None:
                return line_values(block)[0] if block else None
        value = exchange.head.get(key)
        return None if value is None else value.decode("latin-1")

    def header_values(self, name: str) -> list[str]:
        key = header_key(name)
        exchange = self._exchange
        run = exchange.run
        if run is not None and run.edits is not None:
            block = run.edits.changed.get(key)
            if block is not None:
                return line_values(block)
        return [value.decode("latin-1") for value in exchange.head.get_all(key)]

    def has_any(self, names: tuple[bytes, ...]) -> bool:
        exchange = self._exchange
        run = exchange.run
        if run is None or run.edits is None:
            return exchange.head.has_any(names)
        edits = run.edits
        for name in names:
            block = edits.changed.get(name)
            if block or (block is None and exchange.head.get(name) is not None):
                return True
        return False

    def headers(self) -> list[tuple[str, str]]:
        exchange = self._exchange
        run = exchange.run
        return all_lines(exchange.head, run.edits if run is not None else None)

    # -- the line and where it came in -----------------------------------------------------------------------------
    @property
    def id(self) -> str:
        return self._exchange.request_id.decode()

    @property
    def method(self) -> str:
        exchange = self._exchange
        run = exchange.run
        if run is not None and run.edits is not None and run.edits.method is not None:
            return run.edits.method.decode("latin-1")
        return exchange.method.decode("latin-1")

    @property
    def scheme(self) -> Literal["http", "https"]:
        return "https" if self._exchange.tls else "http"

    @property
    def host(self) -> str:
        return self._exchange.host.decode("latin-1")

    @property
    def port(self) -> int:
        return self._exchange.port

    @property
    def http_version(self) -> str:
        return f"1.{self._exchange.head.minor}"

    @property
    def path(self) -> str:
        return self._exchange.path.decode("latin-1")

    @property
    def raw_path(self) -> str:
        return self._exchange.head.path.decode("latin-1")

    @property
    def path_with_query(self) -> str:
        head = self._exchange.head
        path = head.path if head.query is None else head.path + b"?" + head.query
        return path.decode("latin-1")

    @property
    def query(self) -> str:
        exchange = self._exchange
        run = exchange.run
        query = exchange.query
        if run is not None and run.edits is not None and run.edits.query is not None:
            query = run.edits.query
        return "" if query is None else query.decode("latin-1")

    @property
    def asked(self) -> "Asked":
        exchange = self._exchange
        method = exchange.method
        query = exchange.query
        run = exchange.run
        if run is not None and run.edits is not None:
            edits = run.edits
            method = method if edits.method is None else edits.method
            query = query if edits.query is None else edits.query or None
        return method, exchange.peer.scheme, exchange.host, exchange.port, exchange.path, query

    def query_args(self) -> list[tuple[str, str]]:
        query = self.query
        return parse_qsl(query, keep_blank_values=True) if query else []

    def query_arg(self, name: str) -> str | None:
        for key, value in self.query_args():
            if key == name:
                return value
        return None

    def cookies(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in self.header_values("cookie"):
            for part in line.split(";"):
                name, equals, value = part.strip().partition("=")
                if equals and name not in found:
                    found[name] = _unquoted(value)
        return found

    # -- what a trusted proxy in front says ------------------------------------------------------------------------
    def _told(self, name: bytes) -> str | None:
        exchange = self._exchange
        if not exchange.peer.trusted:
            return None
        value = exchange.head.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def forwarded_scheme(self) -> str:
        return self._told(b"x-forwarded-proto") or self.scheme

    @property
    def forwarded_host(self) -> str:
        return self._told(b"x-forwarded-host") or self.host

    @property
    def forwarded_port(self) -> int:
        told = self._told(b"x-forwarded-port")
        return int(told) if told is not None and told.isdecimal() and len(told) < 6 else self.port

    @property
    def forwarded_path(self) -> str:
        return self._told(b"x-forwarded-path") or self.raw_path

    @property
    def forwarded_prefix(self) -> str | None:
        told = self._told(b"x-forwarded-prefix")
        if told is not None:
            return told
        exchange = self._exchange
        prefix = exchange.route.forwarded_prefix(exchange.match) if exchange.route is not None else None
        return None if not prefix else prefix.decode("latin-1")

    @property
    def start_time(self) -> float:
        return time.time() - (monotonic() - self._exchange.received)

    @property
    def uri_captures(self) -> tuple[tuple[str | None, ...], Mapping[str, str]]:
        exchange = self._exchange
        captures = exchange.match.captures if exchange.route is not None else None
        if captures is None:
            return (), {}
        numbered = tuple([None if value is None else value.decode("utf-8", "replace") for value in captures])
        return numbered, {name: value.decode("utf-8", "replace") for name, value in captures.named.items()}

    # -- the body --------------------------------------------------------------------------------------------------
    @property
    def content_length(self) -> int | None:
        length = self._exchange.head.length
        return length if length >= 0 else None

    @property
    def chunked(self) -> bool:
        return self._exchange.head.length == codec.CHUNKED

    @property
    def body(self) -> bytes | None:
        exchange = self._exchange
        run = exchange.run
        if run is not None:
            if run.edits is not None and run.edits.body is not None:
                return run.edits.body
            if run.too_large:
                return None
        if not exchange.request_done:
            return None
        kept = exchange.kept
        if not kept:
            return b"" if not exchange.body_bytes else None
        if len(kept) > 1:
            kept[:] = [b"".join(kept)]
        return kept[0]

    def limit_body(self, limit: int, refusal: "Answer | None" = None) -> None:
        run = self._exchange.run
        assert run is not None  # noqa: S101 - plugins run
        if run.body_limit < 0 or limit < run.body_limit:
            run.body_limit = limit
            run.body_refusal = refusal

    def form(self) -> list[tuple[str, str]] | None:
        body = self.body
        content_type = self.header("content-type")
        if body is None or content_type is None:
            return None
        return form_fields(content_type, body)

    def json(self) -> Any:
        body = self.body
        if body is None:
            raise ValueError("there is no body")
        try:
            return _decode(body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(str(error)) from error


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    cookie: SimpleCookie = SimpleCookie()
    try:
        return str(cookie.value_decode(value)[0])
    except CookieError:
        return value
