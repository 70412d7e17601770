"""Limits by what answers cost, which the service says in a header: `X-Kong-Limit: video=1, image=2`.

Each name has limits of its own; an answer that costs nothing always passes. The cost of an answer is known when it is
there: one that comes when nothing is left of what it costs becomes an empty 429, and is not counted. What an answer
costs beyond what is left is counted once, so that only the last answer of a window may be too dear. Names without
limits and costs that are no whole number are passed over; of a header that comes twice the first line counts.

With the policy `local` looking and counting are one atomic step over all workers of the node. With `redis` and with
`cluster` (the database) the counts are read before the service is asked and added to when the answer has been sent.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from gateline.pdk import ErrorResponse, Exchange, HeaderForm, Plugin, PluginConfig
from gateline.pdk.fields import AtLeastOneOf, Custom, Field, HeaderName, MinLength, OneOf, Record
from gateline.pdk.redis import OLD_NAMES, Redis, redis_needed
from gateline.plugins.limits.faults import Faults
from gateline.plugins.limits.shared_windows import FAULTS, Policy, SharedWindows, shared_windows
from gateline.plugins.limits.subjects import subject_of
from gateline.plugins.limits.windows import MOST_WINDOWS, UNITS, Limit, Windows, limits_of, order_problem, text_of

__all__ = ["Config", "Limits", "ResponseRateLimiting"]

_log = logging.getLogger(__name__)

_FAILED = ErrorResponse(500, "An unexpected error occurred")
_LONGEST_COST = 15
"""Digits of a cost, at most."""
_TOLD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""Names that may be part of a header's (RFC 9110, 5.6.2)."""


class Limits(Record):
    """The limits of one name."""

    checks: ClassVar = (AtLeastOneOf(tuple(UNITS)),)

    second: Limit = None
    minute: Limit = None
    hour: Limit = None
    day: Limit = None
    month: Limit = None
    year: Limit = None


class Config(PluginConfig):
    """The limits, by name, and who is counted."""

    shorthands: ClassVar = OLD_NAMES

    header_name: Annotated[HeaderName, Field(description="The header in which the service says what it costs.")] = (
        "x-kong-limit"
    )
    limit_by: Annotated[str, OneOf(("consumer", "credential", "ip")), Field(description="What is counted.")] = (
        "consumer"
    )
    policy: Policy = "local"
    fault_tolerant: Annotated[
        bool, Field(description="Let requests pass while the counters cannot be reached; otherwise they get 500.")
    ] = True
    redis: Redis
    block_on_first_violation: Annotated[
        bool, Field(description="Refuse requests, before the service is asked, when nothing is left of some limit.")
    ] = False
    hide_client_headers: Annotated[bool, Field(description="Do not tell clients their limits.")] = False
    limits: Annotated[dict[str, Limits], MinLength(1), Field(description="Limits by name.")]


def _problem(values: Mapping[str, Any]) -> Mapping[str, Any] | None:
    config: Config = values["config"]
    limits_by_name = config.limits or {}
    bad = next((name for name in limits_by_name if not _TOLD.fullmatch(name)), None)
    if bad is not None and not config.hide_client_headers:
        return {
            "config": {"limits": f"bad name '{bad}': clients are told of it in headers, which cannot have that name"}
        }
    each = limits_by_name.values()
    if sum(len(limits_of(limits)) for limits in each) > MOST_WINDOWS:
        return {"config": {"limits": f"there can be {MOST_WINDOWS} limits together, at most"}}
    for limits in each:
        problem = order_problem({unit: getattr(limits, unit) for unit in UNITS})
        if problem is not None:
            return {"config": {"limits": problem}}
    return None


class ResponseRateLimiting(
    Plugin[Config],
    name="response-ratelimiting",
    checks=(Custom(("config",), _problem), *redis_needed("config.policy", "redis")),
):
    """Counts what answers cost."""

    def __init__(self, config: Config) -> None:
        each = [(name, unit, limit) for name, limits in config.limits.items() for unit, limit in limits_of(limits)]
        self._windows = Windows([(unit, limit) for _, unit, limit in each])
        self._names = tuple(name for name, _, _ in each)
        self._bounds = tuple(limit for _, _, limit in each)
        lines: list[tuple[str, str | None]] = []
        for name, unit, limit in each:
            lines.append((f"X-RateLimit-Limit-{name}-{unit}", text_of(limit)))
            lines.append((f"X-RateLimit-Remaining-{name}-{unit}", None))
        self._form = HeaderForm(lines)
        self._header = config.header_name
        self._subject = subject_of(config.limit_by)
        layout = ",".join(f"{name}-{unit}" for name, unit, _ in each)
        self._prefix = f"response-ratelimiting:{self.id}:{layout}:"
        self._blocks, self._tells = config.block_on_first_violation, not config.hide_client_headers
        self._time, self._count = self.node.time, self.node.counters.count
        if config.policy != "local":
            self._shared: SharedWindows = shared_windows(
                config, self.node, self._windows.wholes, [f"{name}.{unit}" for name, unit, _ in each]
            )
            self._faults = Faults(_log, self.name)
            self.access = self._access_shared  # type: ignore[method-assign,assignment]
            self.log = self._log_shared  # type: ignore[method-assign,assignment]

    def start(self) -> None:
        """Begin what runs in the background."""
        if self.config.policy != "local":
            self._shared.start()

    def access(self, exchange: Exchange) -> ErrorResponse | None:
        """Remember who is counted; refuse where that is wanted."""
        state = exchange.context[self] = _State(self._prefix + self._subject(exchange))
        if not self._blocks:
            return None
        values, _ = self._count(state.key, self._costing({}), ttl=self._windows.ttl)
        return self._refusal(values)

    async def _access_shared(self, exchange: Exchange) -> ErrorResponse | None:
        state = _State(self._prefix + self._subject(exchange))
        try:
            state.values, _, _ = await self._shared.count(state.key, [0] * len(self._names))
        except FAULTS as error:
            self._faults.say(error)
            return None if self.config.fault_tolerant else _FAILED
        exchange.context[self] = state
        return self._refusal(state.values) if self._blocks else None

    def _refusal(self, values: Sequence[int]) -> ErrorResponse | None:
        for name, limit, value in zip(self._names, self._bounds, values, strict=True):
            if value >= limit:
                return ErrorResponse(429, f"API rate limit exceeded for '{name}'")
        return None

    def header_filter(self, exchange: Exchange) -> None:
        """Count what the answer costs and tell the client what remains, or take its body away."""
        response = exchange.response
        costs = self._costs(exchange.service_response.header(self._header)) if response.source == "service" else {}
        if response.source == "service":
            response.remove_header(self._header)
        state: _State | None = exchange.context.get(self)
        if state is None:
            return
        windows = self._costing(costs)
        if state.values is None:
            values, counted = self._count(state.key, windows, ttl=self._windows.ttl)
        else:
            before = state.values
            counted = all(value < limit for value, (_, limit, cost) in zip(before, windows, strict=True) if cost)
            values = [value + cost * counted for value, (_, _, cost) in zip(before, windows, strict=True)]
            state.costs = costs if counted else {}
        if self._tells:
            told = [text_of(limit - value) for limit, value in zip(self._bounds, values, strict=True)]
            response.set_values(self._form, told)
        if not counted:
            state.refused = True
            response.set_status(429)
            for name in ("Content-Type", "Content-Encoding"):
                response.remove_header(name)

    def reads_response(self, exchange: Exchange) -> bool:
        """Whether the answer loses its body."""
        state = exchange.context.get(self)
        return state is not None and state.refused

    def body_filter(self, exchange: Exchange, data: bytes, last: bool) -> bytes:  # noqa: ARG002
        """Nothing is left of the body."""
        return b""

    def log(self, exchange: Exchange) -> None:
        """All is counted."""

    async def _log_shared(self, exchange: Exchange) -> None:
        state: _State | None = exchange.context.get(self)
        if state is None or not state.costs:
            return
        try:
            await self._shared.count(state.key, [state.costs.get(name, 0) for name in self._names])
        except FAULTS as error:
            self._faults.say(error)

    def _costing(self, costs: Mapping[str, int]) -> list[tuple[int, int, int]]:
        """The windows of this moment, with what is to be added to each."""
        windows = self._windows
        windows.at(self._time())
        pairs = zip(self._names, windows.counted, strict=True)
        return [(number, limit, costs.get(name, 0)) for name, (number, limit, _) in pairs]

    def _costs(self, header: str | None) -> dict[str, int]:
        costs = {}
        for part in (header or "").split(","):
            name, _, cost = (text.strip() for text in part.partition("="))
            if name in self.config.limits and cost.isascii() and cost.isdigit() and len(cost) <= _LONGEST_COST:
                costs[name] = int(cost)
        return costs


class _State:
    """What is kept for an exchange. `values`: the counts before the service was asked, with Redis."""

    __slots__ = ("costs", "key", "refused", "values")

    def __init__(self, key: str) -> None:
        self.key = key
        self.values: Sequence[int] | None = None
        self.costs: Mapping[str, int] = {}
        self.refused = False
