"""Environments of requests that were never sent."""

from types import SimpleNamespace
from typing import Any

from gateline.pdk import Consumer, Credential
from gateline.pdk.templates import Environment, Template


def environment(
    *,
    headers: dict[str, list[str]] | None = None,
    query: str = "",
    captures: tuple[tuple[str | None, ...], dict[str, str]] = ((), {}),
    context: dict[str, Any] | None = None,
    consumer: Consumer | None = None,
    credential: Credential | None = None,
) -> Environment:
    """What the names stand for in a request like this; header names in lower case."""
    lines = headers or {}
    request = SimpleNamespace(
        header_values=lambda name: lines.get(name, []),
        headers=lambda: [(name, value) for name, values in lines.items() for value in values],
        query=query,
        uri_captures=captures,
    )
    exchange: Any = SimpleNamespace(request=request, context=context or {}, consumer=consumer, credential=credential)
    return Environment(exchange)


def rendered(source: str, **request: Any) -> str:
    """What a template gives for a request."""
    return Template(source).render(environment(**request))
