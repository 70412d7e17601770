"""What the names in an expression stand for: the request as it was received, and who sent it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateline.pdk.exchange import Exchange
from gateline.pdk.templates.texts import percent_decoded, to_bytes_text
from gateline.pdk.templates.values import Shared, Table

__all__ = ["NAMES", "Environment", "HeaderTable"]

NAMES = ("headers", "query_params", "uri_captures", "shared", "consumer", "credential")
"""The names that an environment knows."""


class HeaderTable(Table):
    """Headers, by name in any case; an underscore finds a dash. One that came several times is a list."""

    __slots__ = ("_found",)

    def __init__(self, values_of: Callable[[str], list[str]]) -> None:
        self._found = values_of

    def get(self, key: Any) -> Any:
        """The value of a header."""
        if not isinstance(key, str):
            return None
        values = self._found(key.lower())
        if not values and "_" in key:
            values = self._found(key.lower().replace("_", "-"))
        if not values:
            return None
        return values[0] if len(values) == 1 else values


class _Fields(Table):
    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[Any, Any]) -> None:
        self._fields = fields

    def get(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._fields.get(key)
        return self._fields.get(int(key)) if isinstance(key, float) and key.is_integer() else None


class Environment:
    """The names for one request, as earlier plugins have left it; what stands behind one is read when it is asked for.

    The request must not be changed before its templates are rendered; where it is, call `keep_headers` first.
    """

    __slots__ = ("_exchange", "_held", "locals")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._held: dict[str, Any] = {}
        self.locals: dict[int, Any] = {}

    def named(self, name: str) -> Any:
        """What a name stands for, nil for one that means nothing."""
        held = self._held.get(name)
        if held is None and name in _MAKERS:
            held = self._held[name] = _MAKERS[name](self._exchange)
        return held

    def keep_headers(self) -> None:
        """Remember the headers as they are now."""
        kept: dict[str, list[str]] = {}
        for name, value in self._exchange.request.headers():
            kept.setdefault(name.lower(), []).append(value)
        self._held["headers"] = HeaderTable(lambda name: kept.get(name, []))


def _headers(exchange: Exchange) -> Table:
    return HeaderTable(exchange.request.header_values)


def _query_params(exchange: Exchange) -> Table:
    return _Fields(grouped(_query(exchange.request.query)))


def _query(query: str) -> Iterable[tuple[str, str | bool]]:
    """The arguments of a query; one without `=` is true."""
    for piece in query.split("&"):
        name, equals, value = piece.partition("=")
        if piece:
            yield percent_decoded(name), percent_decoded(value) if equals else True


def grouped(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Pairs by name: the value of one that is there once, else the list of its values."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _uri_captures(exchange: Exchange) -> Table:
    numbered, named = exchange.request.uri_captures
    captures: dict[Any, Any] = {place: value and to_bytes_text(value) for place, value in enumerate(numbered)}
    captures.update((name, to_bytes_text(value)) for name, value in named.items())
    return _Fields(captures)


def _shared(exchange: Exchange) -> Table:
    return Shared(exchange.context)


def _consumer(exchange: Exchange) -> Table:
    consumer = exchange.consumer
    if consumer is None:
        return _Fields({})
    return Shared({name: getattr(consumer, name) for name in ("id", "username", "custom_id", "tags", "groups")})


def _credential(exchange: Exchange) -> Table:
    credential = exchange.credential
    if credential is None:
        return _Fields({})
    return Shared({name: getattr(credential, name) for name in ("id", "identifier", "consumer_id")})


_MAKERS: Mapping[str, Callable[[Exchange], Table]] = {
    "headers": _headers,
    "query_params": _query_params,
    "uri_captures": _uri_captures,
    "shared": _shared,
    "consumer": _consumer,
    "credential": _credential,
}
