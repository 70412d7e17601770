"""Limits how many requests there may be in a second, minute, hour, day, month and year.

Windows are aligned to the clock, in UTC. All limits are looked at, and the request is counted, in one step that is
atomic: no burst, over whatever number of workers, gets a request more than a limit allows, and a request that is
refused is not counted. With the policy `local` the counters are shared by the workers of a node and cost no network.
With `cluster` they are in the database, which all nodes share. With `redis` (`pip install 'gateline[redis]'`) they are
shared by all nodes that use that Redis, for one round trip a request, by the clock of Redis; with a `sync_rate` they
are counted on the node and exchanged with Redis from time to time, so that no request waits, and nodes may together go
over a limit by what they admit in that time.

Where what `limit_by` names is absent (nobody is authenticated, the header is missing) the client's address is counted,
as trusted proxies tell it.
"""

import logging
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from gateline.pdk import ErrorResponse, Exchange, Plugin, PluginConfig
from gateline.pdk.fields import (
    AtLeastOneOf,
    Conditional,
    Custom,
    Field,
    GreaterThan,
    HeaderName,
    OneOf,
    StartsWith,
    There,
    Without,
)
from gateline.pdk.redis import OLD_NAMES, Redis, redis_needed
from gateline.plugins.limits.faults import Faults
from gateline.plugins.limits.node_limit import NodeLimit
from gateline.plugins.limits.shared_windows import FAULTS, Policy, SharedWindows, shared_windows
from gateline.plugins.limits.subjects import subject_of
from gateline.plugins.limits.telling import Telling
from gateline.plugins.limits.windows import UNITS, Limit, Windows, limits_of, order_problem

__all__ = ["Config", "RateLimiting"]

_log = logging.getLogger(__name__)

_FAILED = ErrorResponse(500, "An unexpected error occurred")


class Config(PluginConfig):
    """The limits, who is counted, and what a refused client is told."""

    shorthands: ClassVar = OLD_NAMES

    second: Limit = None
    minute: Limit = None
    hour: Limit = None
    day: Limit = None
    month: Limit = None
    year: Limit = None
    limit_by: Annotated[
        str, OneOf(("consumer", "credential", "ip", "service", "header", "path")), Field(description="What is counted.")
    ] = "consumer"
    header_name: Annotated[
        HeaderName | None, Field(description="With `limit_by: header`, the header whose values are counted.")
    ] = None
    path: Annotated[
        Annotated[str, StartsWith("/"), Without("//", "must not have empty segments")] | None,
        Field(description="With `limit_by: path`, the path whose requests are counted together."),
    ] = None
    policy: Policy = "local"
    fault_tolerant: Annotated[
        bool, Field(description="Let requests pass while the counters cannot be reached; otherwise they get 500.")
    ] = True
    redis: Redis
    hide_client_headers: Annotated[bool, Field(description="Do not tell clients their limits.")] = False
    error_code: Annotated[float, GreaterThan(0), Field(description="The status of a refusal.")] = 429
    error_message: Annotated[str, Field(description="What a refusal says.")] = "API rate limit exceeded"
    sync_rate: Annotated[
        float,
        Field(
            description="With `redis`: count on the node, and exchange counts with Redis every so many seconds, "
            "0.02 at least; -1 counts every request there at once."
        ),
    ] = -1


def _problem(values: Mapping[str, Any]) -> Mapping[str, Any] | None:
    config = values["config"]
    problem = order_problem({unit: getattr(config, unit) for unit in UNITS})
    if problem is not None:
        return {"config": problem}
    if not 200 <= config.error_code <= 599:
        return {"config": {"error_code": "value should be between 200 and 599"}}
    return None


class RateLimiting(
    Plugin[Config],
    name="rate-limiting",
    checks=(
        Custom(("config",), _problem),
        AtLeastOneOf(tuple(f"config.{unit}" for unit in UNITS)),
        *redis_needed("config.policy", "redis"),
        Conditional("config.limit_by", OneOf(("header",)), "config.header_name", There()),
        Conditional("config.limit_by", OneOf(("path",)), "config.path", There()),
    ),
    hooks=("access",),
):
    """Counts requests, and refuses those that are too many."""

    def __init__(self, config: Config) -> None:
        limits = limits_of(config)
        windows = Windows(limits)
        self._telling = Telling(
            limits, hidden=config.hide_client_headers, code=int(config.error_code), message=config.error_message
        )
        self._subject = subject_of(config.limit_by, header=config.header_name, path=config.path)
        self._prefix = f"rate-limiting:{self.id}:{','.join(unit for unit, _ in limits)}:"
        if config.policy == "local":
            self.access = NodeLimit(self.node, windows, self._subject, self._prefix, self._telling).access
        else:
            self._shared: SharedWindows = shared_windows(config, self.node, windows.wholes)
            self._costs = (1,) * len(limits)
            self._faults = Faults(_log, self.name)
            self.access = self._access_shared  # type: ignore[assignment]

    def start(self) -> None:
        """Begin what runs in the background."""
        if self.config.policy != "local":
            self._shared.start()

    async def _access_shared(self, exchange: Exchange) -> ErrorResponse | None:
        """Count the request where nodes count together, or refuse it."""
        try:
            values, resets, counted = await self._shared.count(self._prefix + self._subject(exchange), self._costs)
        except FAULTS as error:
            self._faults.say(error)
            return None if self.config.fault_tolerant else _FAILED
        return self._telling.told(exchange, values, resets, counted)
