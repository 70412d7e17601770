"""Where a request has its token. Source: Kong's order, query, cookies, headers; but two different tokens are refused
wherever they are."""

from collections.abc import Iterable

from gateline.pdk.exchange import RequestView
from gateline.plugins.jwt.config import Config

__all__ = ["SEVERAL", "TokenPlaces"]

SEVERAL = object()
"""In the place of a token: there are several, and they differ."""

_SCHEMES = frozenset(("bearer ", "bearer\t"))


class TokenPlaces:
    """The places of one configuration."""

    __slots__ = ("_arguments", "_cookies", "_headers", "_word")

    def __init__(self, config: Config) -> None:
        self._arguments = config.uri_param_names
        names = config.uri_param_names
        self._word = names[0] if len(names) == 1 and names[0].isalnum() else ""
        self._cookies = config.cookie_names
        self._headers = config.header_names

    def find(self, request: RequestView) -> object:
        """The token, a text; None without one, or `SEVERAL`."""
        found: object = None
        if self._arguments and (query := request.query) and self._may_be_in(query):
            found = _one(found, [value for name, value in request.query_args() if name in self._arguments])
        if self._cookies:
            cookies = request.cookies()
            found = _one(found, [cookies.get(name, "") for name in self._cookies])
        for header in self._headers:
            for value in request.header_values(header):
                token = _bearer(value)
                if token:
                    found = token if found is None else _one(found, (token,))
        return found

    def _may_be_in(self, query: str) -> bool:
        """Whether it is worth to read a query: it holds the name of an argument (without one of plain letters: every
        text), or what may be one, encoded."""
        return self._word in query or "%" in query


def _bearer(value: str) -> str:
    """The token of a header's value; empty where there is none."""
    if value.startswith("Bearer ") or value[:7].lower() in _SCHEMES:
        return value[7:].strip()
    return ""


def _one(found: object, others: Iterable[str]) -> object:
    for token in others:
        if token and token != found:
            if found is not None:
                return SEVERAL
            found = token
    return found
