"""The hook: whose key a request has. Source: Kong's order, name by name: headers, query, body."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateline.pdk import Exchange
from gateline.pdk.answers import Answer
from gateline.pdk.authentication import Refusal, wire_text
from gateline.pdk.node import Found
from gateline.plugins.key_auth.bodies import body_fields
from gateline.plugins.key_auth.config import Config

if TYPE_CHECKING:
    from gateline.plugins.key_auth.plugin import KeyAuth

__all__ = ["KeyCheck"]

_NO_KEY = Refusal("No API key found in request")
_DUPLICATE = Refusal("Duplicate API key found")
_UNKNOWN = Refusal("Unauthorized")


class KeyCheck:
    """The check of one configuration. `find` gives the credential of a key."""

    __slots__ = ("_find", "_hide", "_in_body", "_in_header", "_in_query", "_names", "_plugin", "_strict")

    def __init__(self, config: Config, find: Callable[[str], Found | None], plugin: "KeyAuth") -> None:
        self._plugin = plugin
        self._find = find
        self._strict = config.anonymous is None and config.run_on_preflight
        self._hide = config.hide_credentials
        self._in_header = config.key_in_header
        self._in_query = config.key_in_query
        self._in_body = config.key_in_body
        self._names = config.key_names

    def access(self, exchange: Exchange) -> Answer | None:
        """Let the request through as the key's consumer, or refuse it."""
        if not self._strict and self._plugin.passes(exchange):
            return self._plugin.passed_over(exchange)
        key = self._key(exchange)
        if type(key) is str:
            found = self._find(key)
            if found is not None and found.consumer is not None:
                exchange.authenticate(found.identity())
                return None
            key = _UNKNOWN
        return self._plugin.concluded(exchange, key)  # type: ignore[arg-type]  # no text is left

    def _key(self, exchange: Exchange) -> str | Refusal:
        request = exchange.request
        body: dict[str, list[Any]] | None = None
        values: list[Any] = []
        for name in self._names:
            if self._in_header:
                values = request.header_values(name)
                if values and not values[0].isascii():
                    values[0] = wire_text(values[0])
            if not values and self._in_query and request.query:
                values = [value for argument, value in request.query_args() if argument == name]
            if not values and self._in_body:
                if body is None:
                    body = body_fields(exchange)
                values = body.get(name, values)
            if values:
                if len(values) > 1:
                    return _DUPLICATE
                if self._hide:
                    self._plugin.take_out(exchange, name)
                return values[0] or _NO_KEY
        return _NO_KEY
