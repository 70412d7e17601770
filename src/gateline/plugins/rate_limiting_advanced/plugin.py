"""Limits how much there may be in any time: several limits at once, each with its own algorithm, by what requests cost.

- `sliding-window`: what was counted in the window before still counts for the part of it that is not over yet, so that
  nobody gets twice the limit around the end of a window.
- `fixed-window`: windows begin with the clock, in UTC.
- `token-bucket` and `gcra` (one rule, two names): a bucket of `burst` that is refilled evenly, with `limit` in each
  window. A burst takes what is there; then requests pass at the rate of the refill.

All limits are looked at, and the request is counted, in one step that is atomic: no burst, over whatever number of
workers, gets more than a limit allows. What is refused counts nowhere, but in the sliding window that refuses it,
unless `disable_penalty` is set: who does not slow down stays refused, as in Kong. `Retry-After` is when the same
request would pass if nobody else came.

A request costs 1, or what `cost` says. Where the response says it, a request passes while anything is left, `reserve`
is counted at once, and the rest when the response is there: what then goes beyond a limit is missing afterwards. Where
what `identifier` names is absent (nobody is authenticated, the header is missing) the client's address is counted, as
trusted proxies tell it.

With the strategy `redis` (`pip install 'gateline[redis]'`) nodes share the limits: each leases slices of them, so that
no request waits for Redis but the first ones of a window. Windows are never exceeded, buckets by `max_overshoot` at
most; with `sync_rate: 0` each request is counted in Redis before it passes. While Redis is gone each node goes on with
its share. With the strategy `cluster` each request is counted in the database, in windows of a second or more.

Clients are told Kong's headers and `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10). With
`dry_run` nothing is refused; `X-RateLimit-Dry-Run` and the log field `rate_limit` tell what would be.
"""

import logging
from collections.abc import Coroutine
from typing import Any

from gateline.pdk import ErrorResponse, Exchange, Plugin
from gateline.pdk.fields import Custom
from gateline.pdk.redis import RedisClient
from gateline.plugins.limits.budget import Budget, BudgetError, Verdict
from gateline.plugins.limits.faults import Faults
from gateline.plugins.limits.identifiers import identifier_of
from gateline.plugins.limits.leases import LeasedBudget
from gateline.plugins.limits.node_budget import NodeBudget
from gateline.plugins.limits.stored_budget import StoredBudget
from gateline.plugins.rate_limiting_advanced.config import Config, problem
from gateline.plugins.rate_limiting_advanced.costs import request_cost, response_cost, whole
from gateline.plugins.rate_limiting_advanced.plan import Plan

__all__ = ["RateLimitingAdvanced"]

_log = logging.getLogger(__name__)

_FAILED = ErrorResponse(500, "An unexpected error occurred")
_FIELDS = (
    "config",
    "config.limit",
    "config.window_size",
    "config.limits",
    "config.cost",
    "config.consumer_group_overrides",
)


class RateLimitingAdvanced(
    Plugin[Config],
    name="rate-limiting-advanced",
    checks=(Custom(_FIELDS, problem),),
    hooks=("access", "header_filter", "log"),
):
    """Counts what requests cost, and refuses those for which too little is left."""

    def __init__(self, config: Config) -> None:
        self._plan = Plan(config, penalty=not config.disable_penalty)
        groups = config.consumer_group_overrides
        named = list(groups) if config.consumer_groups is None else [g for g in config.consumer_groups if g in groups]
        self._overrides = tuple((name, Plan(groups[name], penalty=not config.disable_penalty)) for name in named)
        self._subject = identifier_of(config)
        self._space = f"quota:{config.namespace or self.id}:"
        self._label = self.instance_name or self.id
        self._budget: Budget = NodeBudget(self.node)
        self._leased: LeasedBudget | None = None
        if config.strategy == "redis":
            self._budget = self._leased = self._leases()
        elif config.strategy == "cluster":
            self._budget = StoredBudget(self.node)
        self._own = NodeBudget(self.node)
        self._faults = Faults(_log, self.name)
        self._dry, self._tells = config.dry_run, not config.hide_client_headers
        self._code, self._message = int(config.error_code), config.error_message
        counted = self.node.counter("gateline_rate_limit_requests_total", "Requests by what limits said of them.")
        self._admitted = counted.labels(outcome="admitted", plugin=self._label)
        self._passed = counted.labels(outcome="would_refuse", plugin=self._label)
        self._refused = counted.labels(outcome="refused", plugin=self._label)
        self._otherwise = whole(config.cost, config.cost.value)
        self._cost = request_cost(config.cost)
        self._later_cost = response_cost(config.cost)
        if self._later_cost is not None:
            self._otherwise = whole(config.cost, config.cost.reserve)
            self.header_filter = self._charge
            self.log = self._settle

    def _leases(self) -> LeasedBudget:
        config, node = self.config, self.node
        questions = node.counter("gateline_rate_limit_lease_requests_total", "Questions to Redis for slices of limits.")
        asked = questions.labels(plugin=self._label)
        return LeasedBudget(
            RedisClient(config.redis, node),
            node,
            part=config.max_overshoot,
            exact=config.sync_rate == 0,
            tolerant=config.fault_tolerant,
            asked=asked.add,
        )

    def start(self) -> None:
        """Begin what runs in the background, and say what may be exceeded."""
        if self._leased is None:
            return
        self._leased.start()
        bound = self.node.gauge(
            "gateline_rate_limit_max_overshoot", "By how much a limit may be exceeded.", largest=True
        )
        for label, most in self._plan.overshoots(0.0 if self.config.sync_rate == 0 else self.config.max_overshoot):
            bound.set(most, plugin=self._label, limit=label)
            _log.info("rate-limiting-advanced %s: nodes may exceed %s by %d at most", self._label, label, most)

    def access(self, exchange: Exchange) -> ErrorResponse | Coroutine[Any, Any, ErrorResponse | None] | None:
        """Count the request, or refuse it."""
        plan = self._plan_of(exchange) if self._overrides else self._plan
        key = self._space + plan.quotas.layout + ":" + self._subject(exchange)
        cost = self._otherwise if self._cost is None else self._cost(exchange)
        taking = _Taking(self._budget, plan, key, cost)
        try:
            verdict = self._budget.take(key, plan.quotas, cost)
        except BudgetError as error:
            return self._without(exchange, taking, error)
        if isinstance(verdict, Verdict):
            return self._decided(exchange, taking, verdict)
        return self._decided_later(exchange, taking, verdict)

    def reads_request(self, exchange: Exchange) -> bool:  # noqa: ARG002 - as in the kit
        """Whether the body says what a request costs."""
        return self.config.cost.source == "request_body"

    # -- when the request comes ------------------------------------------------------------------------------------
    def _plan_of(self, exchange: Exchange) -> Plan:
        consumer = exchange.consumer
        if consumer is not None:
            for name, plan in self._overrides:
                if name in consumer.groups:
                    return plan
        return self._plan

    async def _decided_later(
        self, exchange: Exchange, taking: "_Taking", asked: Coroutine[Any, Any, Verdict]
    ) -> ErrorResponse | None:
        try:
            return self._decided(exchange, taking, await asked)
        except BudgetError as error:
            return self._without(exchange, taking, error)

    def _without(self, exchange: Exchange, taking: "_Taking", error: BudgetError) -> ErrorResponse | None:
        """What follows when counts cannot be had: this node counts for itself, or the request fails."""
        self._faults.say(error)
        if not self.config.fault_tolerant:
            return _FAILED
        taking.budget = self._own
        return self._decided(exchange, taking, self._own.take(taking.key, taking.plan.quotas, taking.cost))

    def _decided(self, exchange: Exchange, taking: "_Taking", verdict: Verdict) -> ErrorResponse | None:
        admitted = verdict.admitted or (not taking.cost and self._later_cost is None)
        if self._tells:
            taking.plan.tell(exchange, verdict)
        if admitted:
            if self._later_cost is not None:
                exchange.context[self] = taking
            self._admitted.add()
            if self._dry:
                self._note(exchange, taking, True)
            return None
        if self._dry:
            self._passed.add()
            self._note(exchange, taking, False)
            return None
        self._refused.add()
        headers = {"Retry-After": taking.plan.retry_after(verdict)} if self._tells else None
        return ErrorResponse(self._code, self._message, headers)

    def _note(self, exchange: Exchange, taking: "_Taking", admitted: bool) -> None:
        exchange.log_field("rate_limit", {"dry_run": True, "admitted": admitted, "cost": taking.cost})
        if self._tells:
            exchange.response.set_header("X-RateLimit-Dry-Run", "admitted" if admitted else "refused")

    # -- when the response is there --------------------------------------------------------------------------------
    def _charge(self, exchange: Exchange) -> None:
        """Count what the response says that the request costs."""
        taking: _Taking | None = exchange.context.get(self)
        if taking is None or taking.charged or self._later_cost is None:
            return
        verdict = self._charged(taking, self._later_cost(exchange))
        if isinstance(verdict, Verdict):
            if self._tells:
                taking.plan.tell(exchange, verdict)
        else:
            taking.charging = verdict

    def _settle(self, exchange: Exchange) -> Coroutine[Any, Any, None] | None:
        """The exchange is over; one without a response costs what is said for responses that do not say it."""
        taking: _Taking | None = exchange.context.get(self)
        if taking is None:
            return None
        if not taking.charged:
            verdict = self._charged(taking, whole(self.config.cost, self.config.cost.value))
            if not isinstance(verdict, Verdict):
                taking.charging = verdict
        return None if taking.charging is None else self._charged_later(taking.charging)

    def _charged(self, taking: "_Taking", cost: int) -> Verdict | Coroutine[Any, Any, Verdict] | None:
        taking.charged = True
        if cost == taking.cost:
            return None
        try:
            return taking.budget.charge(taking.key, taking.plan.quotas, cost - taking.cost)
        except BudgetError as error:
            self._faults.say(error)
            return None

    async def _charged_later(self, charging: Coroutine[Any, Any, Verdict]) -> None:
        try:
            await charging
        except BudgetError as error:
            self._faults.say(error)


class _Taking:
    """What was asked of a budget for an exchange. `charging`: a charge that is still to be made."""

    __slots__ = ("budget", "charged", "charging", "cost", "key", "plan")

    def __init__(self, budget: Budget, plan: Plan, key: str, cost: int) -> None:
        self.budget = budget
        self.plan = plan
        self.key = key
        self.cost = cost
        self.charged = False
        self.charging: Coroutine[Any, Any, Verdict] | None = None
