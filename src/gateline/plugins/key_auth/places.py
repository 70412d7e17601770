"""Where a request has its key. Source: Kong's order, name by name: headers, query, body."""

from typing import Any

from gateline.pdk import Exchange
from gateline.pdk.authentication import Refusal, wire_text
from gateline.plugins.key_auth.bodies import body_fields
from gateline.plugins.key_auth.config import Config

__all__ = ["KeyPlaces"]

_NO_KEY = Refusal("No API key found in request")
_DUPLICATE = Refusal("Duplicate API key found")


class KeyPlaces:
    """The places of one configuration."""

    __slots__ = ("_in_body", "_in_header", "_in_query", "_names")

    def __init__(self, config: Config) -> None:
        self._in_header = config.key_in_header
        self._in_query = config.key_in_query
        self._in_body = config.key_in_body
        self._names = config.key_names

    def find(self, exchange: Exchange) -> tuple[str, str] | Refusal:
        """The name under which there is a key, and the key."""
        request = exchange.request
        body: dict[str, list[Any]] | None = None
        values: list[Any] = []
        for name in self._names:
            if self._in_header:
                values = request.header_values(name)
                if len(values) == 1:
                    key = values[0]
                    if not key.isascii():
                        key = wire_text(key)
                    return (name, key) if key else _NO_KEY
            if not values and self._in_query and request.query:
                values = [value for argument, value in request.query_args() if argument == name]
            if not values and self._in_body:
                if body is None:
                    body = body_fields(exchange)
                values = body.get(name, values)
            if values:
                if len(values) > 1:
                    return _DUPLICATE
                return (name, values[0]) if values[0] else _NO_KEY
        return _NO_KEY
