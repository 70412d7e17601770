"""The fields of rate-limiting-advanced. Those that Kong Enterprise has, have its names, defaults and meaning."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from gateline.pdk.fields import Between, Field, GreaterThan, HeaderName, MinLength, OneOf, Record
from gateline.pdk.redis import RedisAnywhere
from gateline.plugins.limits.budget import Algorithm
from gateline.plugins.limits.identifiers import Identified, identifier_problem
from gateline.plugins.limits.shared_windows import Policy
from gateline.plugins.rate_limiting_advanced.plan import ALGORITHMS, label_of, too_long

__all__ = ["Config", "Cost", "OneLimit", "Override", "problem"]

Amounts = Annotated[tuple[Annotated[float, GreaterThan(0)], ...], MinLength(1)]
AlgorithmName = Annotated[str, OneOf(tuple(ALGORITHMS))]
WindowType = Annotated[str, OneOf(("fixed", "sliding"))]
Jitter = Annotated[float, Between(0, 86400)]
Burst = Annotated[
    Annotated[int, GreaterThan(0)] | None,
    Field(description="Of a token bucket or gcra: what may be taken at once, as much as the limit unless said."),
]

MOST_QUOTAS = 80
"""Limits that can be counted together."""

_BUCKETS = [name for name, algorithm in ALGORITHMS.items() if algorithm is Algorithm.BUCKET]
_NO_BURST = "only a token-bucket or gcra has a burst"
_NOTHING = "a window of which less than 1 is allowed lets nothing pass"
_UNEQUAL = "You must provide the same number of windows and limits"
_STATUS_CLASSES = tuple(f"{digit}xx" for digit in range(1, 6))


class OneLimit(Record):
    """A limit with an algorithm of its own."""

    name: Annotated[
        HeaderName | None,
        Field(description="What headers call it, in place of its window. Needed where two limits have one window."),
    ] = None
    limit: Annotated[float, GreaterThan(0), Field(description="How much there may be in a window.")]
    window_size: Annotated[float, GreaterThan(0), Field(description="Seconds of a window.")]
    algorithm: Annotated[AlgorithmName, Field(description="How it is measured.")] = "sliding-window"
    burst: Burst = None


class Override(Record):
    """Other limits, for a group of consumers."""

    limit: Annotated[Amounts | None, Field(description="As `limit` of the plugin.")] = None
    window_size: Annotated[Amounts | None, Field(description="As `window_size` of the plugin.")] = None
    window_type: Annotated[WindowType, Field(description="As `window_type` of the plugin.")] = "sliding"
    limits: Annotated[tuple[OneLimit, ...], Field(description="As `limits` of the plugin.")] = ()
    retry_after_jitter_max: Annotated[Jitter, Field(description="As `retry_after_jitter_max` of the plugin.")] = 0


class Cost(Record):
    """What a request costs: a whole number, fractions are rounded up."""

    source: Annotated[
        str,
        OneOf(("constant", "request_header", "request_body", "response_header", "response_status")),
        Field(description="Where it is found. What the response says is counted when it is there."),
    ] = "constant"
    value: Annotated[
        float, Between(0, 2**40), Field(description="The constant; elsewhere the cost where the source says none.")
    ] = 1
    header_name: Annotated[HeaderName | None, Field(description="The header of the request or response.")] = None
    field: Annotated[
        str | None,
        Field(description="The number in the JSON body, dots lead into objects; a list costs as much as it is long."),
    ] = None
    statuses: Annotated[
        dict[str, Annotated[float, Between(0, 2**40)]],
        Field(description="Costs by status (`404`) or class of status (`5xx`)."),
    ] = {}  # noqa: RUF012 - copied for each configuration
    reserve: Annotated[
        float,
        Between(0, 2**40),
        Field(description="Where the response says the cost: what is counted until then, so that bursts are held."),
    ] = 0
    maximum: Annotated[
        Annotated[float, Between(1, 2**40)] | None, Field(description="What a request costs at most.")
    ] = None


class Config(Identified):
    """The limits, who is counted, what requests cost, and what clients are told."""

    limit: Annotated[Amounts | None, Field(description="How much there may be in each window.")] = None
    window_size: Annotated[Amounts | None, Field(description="Seconds of the windows, one for each limit.")] = None
    window_type: Annotated[
        WindowType, Field(description="Whether windows slide, or are fixed to the clock in UTC.")
    ] = "sliding"
    algorithm: Annotated[
        AlgorithmName | None, Field(description="How `limit` is measured, in place of `window_type`.")
    ] = None
    burst: Burst = None
    limits: Annotated[tuple[OneLimit, ...], Field(description="More limits, each with an algorithm of its own.")] = ()
    cost: Cost
    namespace: Annotated[
        str | None,
        Field(description="Plugins with one namespace count together where their windows are the same; its own: null."),
    ] = None
    strategy: Policy = "local"
    fault_tolerant: Annotated[
        bool,
        Field(
            description="Count on this node while Redis (the database) cannot be reached; otherwise requests get 500."
        ),
    ] = True
    sync_rate: Annotated[
        float | None,
        Field(
            description="With `redis`: 0 counts each request there before it passes; otherwise nodes lease slices of "
            "the limits and ask for more when they need it, whatever the number. With `cluster` each request is "
            "counted in the database."
        ),
    ] = None
    max_overshoot: Annotated[
        float,
        Between(0.01, 1),
        Field(
            description="With `redis`: the part of a bucket that nodes lease in advance, all together, and by which it "
            "may be exceeded. Windows are never exceeded while Redis is there."
        ),
    ] = 0.4
    dictionary_name: Annotated[str, Field(description="Accepted for Kong's sake.")] = "kong_rate_limiting_counters"
    lock_dictionary_name: Annotated[str, Field(description="Accepted for Kong's sake.")] = "kong_locks"
    redis: RedisAnywhere
    hide_client_headers: Annotated[bool, Field(description="Do not tell clients their limits.")] = False
    error_code: Annotated[float, Between(200, 599), Field(description="The status of a refusal.")] = 429
    error_message: Annotated[str, Field(description="What a refusal says.")] = "API rate limit exceeded"
    retry_after_jitter_max: Annotated[
        Jitter, Field(description="Up to so many seconds, at random, are added to `Retry-After`.")
    ] = 0
    disable_penalty: Annotated[
        bool,
        Field(description="Do not count refused requests; without it they count in sliding windows that refuse them."),
    ] = False
    dry_run: Annotated[bool, Field(description="Count and tell, but refuse nothing.")] = False
    consumer_group_overrides: Annotated[
        dict[str, Override], Field(description="Other limits for members of a consumer group, by the group's name.")
    ] = {}  # noqa: RUF012
    enforce_consumer_groups: Annotated[
        bool, Field(description="Whether only the overrides of the groups in `consumer_groups` hold.")
    ] = False
    consumer_groups: Annotated[
        tuple[str, ...] | None, Field(description="Groups whose overrides hold; of several the first.")
    ] = None


def problem(values: Mapping[str, Any]) -> str | Mapping[str, Any] | None:
    """What is wrong between the fields."""
    config: Config = values["config"]
    found: dict[str, Any] = dict(identifier_problem(config) or {})
    if config.enforce_consumer_groups and not config.consumer_groups:
        found["consumer_groups"] = "required field missing"
    if costs := _cost_problem(config.cost):
        found["cost"] = costs
    places: tuple[Config | Override, ...] = (config, *config.consumer_group_overrides.values())
    if config.strategy == "cluster" and not all(map(_can_be_stored, places)):
        found["strategy"] = "the database counts in windows of a second or more: use redis, or local"
    for place in places:
        if wrong := _limits_problem(place):
            if isinstance(wrong, str):
                return wrong
            found.update(wrong if place is config else {"consumer_group_overrides": dict(wrong)})
    return {"config": found} if found else None


def _limits_problem(place: Config | Override) -> str | Mapping[str, Any] | None:
    if not place.limits and (place.limit is None or place.window_size is None):
        missing = [name for name in ("limit", "window_size") if getattr(place, name) is None]
        return dict.fromkeys(missing, "required field missing")
    if len(place.limit or ()) != len(place.window_size or ()):
        return _UNEQUAL
    if misfits := _misfits(place):
        return misfits
    names = [label_of(window).lower() for window in place.window_size or ()]
    names += [label_of(one.window_size, one.name).lower() for one in place.limits]
    if len(set(names)) < len(names):
        return {"limits": "limits with one window need names"}
    if len(names) > MOST_QUOTAS:
        return {"limits": f"there can be {MOST_QUOTAS} limits together, at most"}
    if any(too_long(one.limit, one.window_size, one.burst) for one in place.limits):
        return {"limits": "a bucket that takes more than a century to be full"}
    burst = getattr(place, "burst", None)
    if any(too_long(*pair, burst) for pair in zip(place.limit or (), place.window_size or (), strict=True)):
        return {"window_size": "windows and bursts of more than a century"}
    return None


def _misfits(place: Config | Override) -> Mapping[str, Any]:
    """What its algorithm does not have, or cannot do anything with."""
    found: dict[str, Any] = {}
    if getattr(place, "algorithm", None) not in _BUCKETS:
        if getattr(place, "burst", None) is not None:
            found["burst"] = _NO_BURST
        if any(amount < 1 for amount in place.limit or ()):
            found["limit"] = [_NOTHING if amount < 1 else None for amount in place.limit or ()]
    each = [_misfit(one) for one in place.limits]
    return {**found, "limits": each} if any(each) else found


def _misfit(one: OneLimit) -> Mapping[str, str] | None:
    if one.algorithm in _BUCKETS:
        return None
    found = {}
    if one.burst is not None:
        found["burst"] = _NO_BURST
    if one.limit < 1:
        found["limit"] = _NOTHING
    return found or None


def _can_be_stored(place: Config | Override) -> bool:
    algorithms = [getattr(place, "algorithm", None), *(one.algorithm for one in place.limits)]
    shortest = min([*(place.window_size or ()), *(one.window_size for one in place.limits)], default=1.0)
    return shortest >= 1 and not set(_BUCKETS) & set(algorithms)


def _cost_problem(cost: Cost) -> Mapping[str, str] | None:
    if cost.source.endswith("_header") and cost.header_name is None:
        return {"header_name": "required field missing"}
    if cost.source == "request_body" and cost.field is None:
        return {"field": "required field missing"}
    if cost.source == "response_status" and not cost.statuses:
        return {"statuses": "required field missing"}
    bad = _first(name for name in cost.statuses if not _is_status(name))
    return None if bad is None else {"statuses": f"not a status or a class of status: {bad}"}


def _is_status(name: str) -> bool:
    return name in _STATUS_CLASSES or (name.isascii() and name.isdigit() and 100 <= int(name[:4]) <= 599)


def _first(names: Iterable[str]) -> str | None:
    return next(iter(names), None)
