"""A stand-in for the HTTP client that plugins have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateline.pdk.answers import HeaderValues
from gateline.pdk.node import HttpError

__all__ = ["Asked", "FakeHttp", "Reply"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that a plugin made."""

    method: str
    url: str
    headers: Mapping[str, Any]
    body: bytes | None
    json: Any
    form: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a plugin gets for it; see `gateline.pdk.HttpResponse`."""

    status: int = 200
    body: bytes = b""
    lines: list[tuple[str, str]] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.lines if key.lower() == name.lower()), None)

    def headers(self) -> list[tuple[str, str]]:
        """All headers in order."""
        return list(self.lines)

    def json(self) -> Any:
        """The body as JSON."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error


class FakeHttp:
    """Answers what plugins ask other servers; see `gateline.pdk.HttpClient`.

    `handler` gets each request and gives its reply; an HttpError that it raises is what the plugin gets. Without one
    nothing can be reached. `asked` are the requests so far.
    """

    def __init__(self, handler: Callable[[Asked], Reply] | None = None) -> None:
        self.handler = handler
        self.asked: list[Asked] = []

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: HeaderValues | None = None,
        body: bytes | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        timeout: float = 10.0,  # noqa: ARG002, ASYNC109 - as the kit's
        verify: bool = True,  # noqa: ARG002
        limit: int = 1024 * 1024,  # noqa: ARG002
    ) -> Reply:
        """Ask the handler."""
        asked = Asked(method, url, dict(headers or {}), body, json, form)
        self.asked.append(asked)
        if self.handler is None:
            raise HttpError("connect", f"nothing listens at {url}")
        return self.handler(asked)
