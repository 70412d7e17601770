"""What a request costs: known when it comes, or when its response is there."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from gateline.pdk import Exchange
from gateline.plugins.rate_limiting_advanced.config import Cost

__all__ = ["CostOf", "request_cost", "response_cost"]

CostOf = Callable[[Exchange], int]

_LONGEST = 300
"""Characters of a number in a header, at most."""
_MOST = 2.0**40


def request_cost(config: Cost) -> CostOf | None:
    """What tells the cost of a request that comes; None where all cost the same, or only the response tells."""
    if config.source == "request_header":
        return _from_header(config, lambda exchange, name: exchange.request.header(name))
    if config.source == "request_body":
        return _from_body(config)
    return None


def response_cost(config: Cost) -> CostOf | None:
    """What tells the cost when there is a response; None where it was known before."""
    if config.source == "response_header":
        return _from_header(
            config,
            lambda exchange, name: (
                exchange.service_response.header(name) if exchange.response.source == "service" else None
            ),
        )
    if config.source == "response_status":
        return _from_status(config)
    return None


def whole(config: Cost, cost: float) -> int:
    """A cost as it is counted."""
    most = _MOST if config.maximum is None else config.maximum
    return math.ceil(min(cost, most))


def _from_header(config: Cost, read: Callable[[Exchange, str], str | None]) -> CostOf:
    name, otherwise = config.header_name or "", whole(config, config.value)

    def cost(exchange: Exchange) -> int:
        text = read(exchange, name)
        number = None if text is None else _number(text)
        return otherwise if number is None else whole(config, number)

    return cost


def _from_body(config: Cost) -> CostOf:
    names = (config.field or "").split(".")
    otherwise = whole(config, config.value)

    def cost(exchange: Exchange) -> int:
        if exchange.request.body is None:
            return otherwise
        try:
            value: Any = exchange.request.json()
        except ValueError:
            return otherwise
        for name in names:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, list):
            return whole(config, len(value))
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            return otherwise
        return whole(config, value)

    return cost


def _from_status(config: Cost) -> CostOf:
    costs = {name: whole(config, cost) for name, cost in config.statuses.items()}
    otherwise = whole(config, config.value)

    def cost(exchange: Exchange) -> int:
        status = str(exchange.response.status)
        found = costs.get(status)
        return costs.get(f"{status[0]}xx", otherwise) if found is None else found

    return cost


def _number(text: str) -> float | None:
    """The number in a header: digits, and perhaps a fraction."""
    text = text.strip()
    digits = text.replace(".", "", 1)
    return float(text) if digits.isascii() and digits.isdigit() and len(text) <= _LONGEST else None
