"""What consistent hashing hashes: something of the request, the fallback where that is not there, or a new cookie.

What was found is kept with the exchange, so that another try hashes the same.
"""

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange
    from gateline.entities import Upstream

__all__ = ["HashInputs"]

_Input = Callable[["Exchange"], bytes | None]


class HashInputs:
    """The inputs of an upstream, in the order in which they are looked for."""

    def __init__(self, upstream: "Upstream") -> None:
        named = (upstream.hash_on_header, upstream.hash_on_query_arg, upstream.hash_on_uri_capture)
        fallback = (
            upstream.hash_fallback_header,
            upstream.hash_fallback_query_arg,
            upstream.hash_fallback_uri_capture,
        )
        inputs = [_input(upstream.hash_on, *named), _input(upstream.hash_fallback, *fallback)]
        self._inputs = tuple(one for one in inputs if one is not None)
        self._cookie = upstream.hash_on_cookie if "cookie" in (upstream.hash_on, upstream.hash_fallback) else None
        self._cookie_first = upstream.hash_on == "cookie"
        self._cookie_path = upstream.hash_on_cookie_path

    def of(self, exchange: "Exchange") -> bytes | None:
        """What there is to hash; None: nothing. A cookie that is wanted and not there is made."""
        known = exchange.hashed
        if known is None:
            known = self._found(exchange)
            exchange.hashed = known
        return known

    def _found(self, exchange: "Exchange") -> bytes | None:
        if self._cookie_first:
            return self._of_cookie(exchange)
        for find in self._inputs:
            value = find(exchange)
            if value:
                return value
        return None if self._cookie is None else self._of_cookie(exchange)

    def _of_cookie(self, exchange: "Exchange") -> bytes:
        name = self._cookie or ""
        value = exchange.request.cookies().get(name)
        if not value:
            value = str(uuid.uuid4())
            line = f"Set-Cookie: {name}={value}; Path={self._cookie_path}; SameSite=Lax; HttpOnly\r\n"
            exchange.cookie_line = line.encode()
        return value.encode("utf-8", "surrogateescape")


def _input(kind: str, header: str | None, query_arg: str | None, capture: str | None) -> _Input | None:
    if kind == "header" and header is not None:
        return lambda exchange: _text(_all(exchange.request.header_values(header)))
    if kind == "query_arg" and query_arg is not None:
        return lambda exchange: _text(exchange.request.query_arg(query_arg))
    if kind == "uri_capture" and capture is not None:
        return lambda exchange: _text(_captured(exchange, capture))
    return {"consumer": _consumer, "ip": _address, "path": _path}.get(kind)


def _all(values: list[str]) -> str | None:
    return ", ".join(values) if values else None


def _text(value: str | None) -> bytes | None:
    return None if value is None else value.encode("utf-8", "surrogateescape")


def _captured(exchange: "Exchange", name: str) -> str | None:
    numbered, named = exchange.request.uri_captures
    if not name.isdecimal():
        return named.get(name)
    place = int(name) - 1
    return numbered[place] if 0 <= place < len(numbered) else None


def _consumer(exchange: "Exchange") -> bytes | None:
    consumer, credential = exchange.consumer, exchange.credential
    if consumer is not None:
        return _text(consumer.id)
    return None if credential is None else _text(credential.id)


def _address(exchange: "Exchange") -> bytes | None:
    return exchange.client_ip.encode()


def _path(exchange: "Exchange") -> bytes | None:
    return exchange.path
