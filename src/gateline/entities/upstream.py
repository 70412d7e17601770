"""Upstream: a virtual host name behind which requests are spread over targets. Source: Kong's Upstream object."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from gateline.entities import formats
from gateline.entities.checks import Check, Conditional, Distinct, There
from gateline.entities.circuit_breaker import CircuitBreaker, Limits
from gateline.entities.constraints import Between, Format, OneOf, StartsWith, Without
from gateline.entities.fields import HeaderName, Sni, Tags
from gateline.entities.marks import BeyondKong, To, Unique
from gateline.entities.model import Entity, Record
from gateline.entities.outlier_detection import OutlierDetection
from gateline.entities.schema import Reference
from gateline.entities.shorthand import Shorthand

HASH_INPUTS = ("none", "consumer", "ip", "header", "cookie", "path", "query_arg", "uri_capture")
Seconds = Annotated[float, Between(0, 65535)]
Count = Annotated[int, Between(0, 255)]
Statuses = tuple[Annotated[int, Between(100, 999)], ...]
CheckType = Annotated[str, OneOf(("tcp", "http", "https", "grpc", "grpcs"))]
UrlPath = Annotated[str, StartsWith("/"), Without("//", "must not have empty segments"), Format(formats.service_path)]
HashInput = Annotated[str, OneOf(HASH_INPUTS)]


class ActiveHealthy(Record):
    """When a probe's answers make a target healthy."""

    interval: Annotated[Seconds, Field(description="Seconds between probes of healthy targets; 0: none.")] = 0
    http_statuses: Annotated[Statuses, Field(description="Statuses that count as a success.")] = (200, 302)
    successes: Annotated[Count, Field(description="Successes in a row that make a target healthy; 0: none do.")] = 0


class ActiveUnhealthy(Record):
    """When a probe's answers make a target unhealthy."""

    interval: Annotated[Seconds, Field(description="Seconds between probes of unhealthy targets; 0: none.")] = 0
    http_statuses: Annotated[Statuses, Field(description="Statuses that count as a failure.")] = (
        *(429, 404),
        *range(500, 506),
    )
    tcp_failures: Annotated[Count, Field(description="Failures to connect that make a target unhealthy; 0: off.")] = 0
    timeouts: Annotated[Count, Field(description="Timeouts that make a target unhealthy; 0: off.")] = 0
    http_failures: Annotated[Count, Field(description="Failed answers that make a target unhealthy; 0: off.")] = 0


class ActiveChecks(Record):
    """Probes that the gateway sends."""

    type: Annotated[CheckType, Field(description="How a probe is sent.")] = "http"
    timeout: Annotated[Seconds, Field(description="Seconds that a probe waits.")] = 1
    concurrency: Annotated[Annotated[int, Between(1, 2**31)], Field(description="Probes at the same time.")] = 10
    http_path: Annotated[UrlPath, Field(description="The path that is asked for.")] = "/"
    https_sni: Annotated[Sni | None, Field(description="The server name in TLS; null: the target's host.")] = None
    https_verify_certificate: Annotated[bool, Field(description="Whether the target's certificate is verified.")] = True
    headers: Annotated[dict[HeaderName, tuple[str, ...]] | None, Field(description="Headers of a probe.")] = None
    healthy: Annotated[ActiveHealthy, Field(description="When a target becomes healthy.")]
    unhealthy: Annotated[ActiveUnhealthy, Field(description="When a target becomes unhealthy.")]


class PassiveHealthy(Record):
    """When answers to clients' requests make a target healthy."""

    http_statuses: Annotated[Statuses, Field(description="Statuses that count as a success.")] = (
        *range(200, 209),
        226,
        *range(300, 309),
    )
    successes: Annotated[Count, Field(description="Successes in a row that make a target healthy; 0: none do.")] = 0


class PassiveUnhealthy(Record):
    """When answers to clients' requests make a target unhealthy."""

    http_statuses: Annotated[Statuses, Field(description="Statuses that count as a failure.")] = (429, 500, 503)
    tcp_failures: Annotated[Count, Field(description="Failures to connect that make a target unhealthy; 0: off.")] = 0
    timeouts: Annotated[Count, Field(description="Timeouts that make a target unhealthy; 0: off.")] = 0
    http_failures: Annotated[Count, Field(description="Failed answers that make a target unhealthy; 0: off.")] = 0


class PassiveChecks(Record):
    """What is learned from the answers to clients' requests."""

    type: Annotated[CheckType, Field(description="Which failures count: `tcp` leaves statuses out.")] = "http"
    healthy: Annotated[PassiveHealthy, Field(description="When a target becomes healthy.")]
    unhealthy: Annotated[PassiveUnhealthy, Field(description="When a target becomes unhealthy.")]


class HealthChecks(Record):
    """How the health of targets is found out."""

    threshold: Annotated[
        Annotated[float, Between(0, 100)],
        Field(description="Least percentage of weight that must be healthy for the upstream to be healthy."),
    ] = 0
    active: Annotated[ActiveChecks, Field(description="Probes that the gateway sends.")]
    passive: Annotated[PassiveChecks, Field(description="What is learned from the answers to clients' requests.")]


def _algorithm(algorithm: str) -> dict[str, Any]:
    """What else an algorithm says: with the least connections, nothing is hashed."""
    if algorithm == "least-connections":
        return {"algorithm": algorithm, "hash_on": "none"}
    return {"algorithm": algorithm}


def _hash_on(hash_on: str) -> dict[str, Any]:
    """What else a hash input says: a hash is only used by consistent hashing."""
    if hash_on == "none":
        return {"hash_on": hash_on}
    return {"hash_on": hash_on, "algorithm": "consistent-hashing"}


def _needs(field: str, value: str, other: str) -> Conditional:
    return Conditional(field, OneOf((value,)), other, There())


def _fallbacks(hash_on: str, *fallbacks: str) -> Conditional:
    return Conditional("hash_on", OneOf((hash_on,)), "hash_fallback", OneOf(fallbacks))


class Upstream(Entity):
    """A set of targets, how requests are spread over them, and how their health is found out."""

    kind: ClassVar = "upstreams"
    singular: ClassVar = "upstream"
    endpoint_key: ClassVar = "name"

    name: Annotated[
        str, Unique(), Format(formats.upstream_name), Field(description="The host name by which services mean it.")
    ]
    algorithm: Annotated[
        str,
        OneOf(("consistent-hashing", "least-connections", "round-robin", "latency"), ("power-of-two", "random")),
        Field(description="How a target is chosen."),
    ] = "round-robin"
    hash_on: Annotated[HashInput, Field(description="What is hashed.")] = "none"
    hash_fallback: Annotated[HashInput, Field(description="What is hashed when that is not there.")] = "none"
    hash_on_header: Annotated[HeaderName | None, Field(description="The header that is hashed.")] = None
    hash_fallback_header: Annotated[HeaderName | None, Field(description="The header of the fallback.")] = None
    hash_on_cookie: Annotated[
        Annotated[str, Format(formats.cookie_name)] | None, Field(description="The cookie that is hashed.")
    ] = None
    hash_on_cookie_path: Annotated[UrlPath, Field(description="The path of the cookie that is made.")] = "/"
    hash_on_query_arg: Annotated[str | None, Field(description="The query argument that is hashed.")] = None
    hash_fallback_query_arg: Annotated[str | None, Field(description="The query argument of the fallback.")] = None
    hash_on_uri_capture: Annotated[str | None, Field(description="The capture of the path that is hashed.")] = None
    hash_fallback_uri_capture: Annotated[str | None, Field(description="The capture of the fallback.")] = None
    slots: Annotated[Annotated[int, Between(10, 2**16)], Field(description="Size of the hash ring.")] = 10000
    healthchecks: Annotated[HealthChecks, Field(description="How the health of targets is found out.")]
    tags: Tags | None = None
    host_header: Annotated[
        Annotated[str, Format(formats.host_with_optional_port)] | None,
        Field(description="The Host that targets see; null: that of the service."),
    ] = None
    client_certificate: Annotated[
        Reference | None,
        To("certificates", nests=False),
        Field(description="The certificate that is shown to targets."),
    ] = None
    use_srv_name: Annotated[
        bool, Field(description="Whether targets that come from an SRV record see its name as Host.")
    ] = False
    panic_threshold: Annotated[
        Annotated[float, Between(0, 100)] | None,
        BeyondKong(),
        Field(description="Percentage of healthy weight below which health counts no more: all targets get requests."),
    ] = None
    outlier_detection: Annotated[
        OutlierDetection | None,
        BeyondKong(),
        Field(description="When targets that do worse than others get no requests for a while; null: never."),
    ] = None
    circuit_breaker: Annotated[
        CircuitBreaker | None,
        BeyondKong(),
        Field(description="When a target that fails gets no requests until it was tried again; null: never."),
    ] = None
    limits: Annotated[
        Limits | None,
        BeyondKong(),
        Field(description="What may be under way at once at all targets together; null: anything."),
    ] = None
    target_limits: Annotated[
        Limits | None, BeyondKong(), Field(description="What may be under way at once at one target; null: anything.")
    ] = None
    slow_start: Annotated[
        Seconds | None,
        BeyondKong(),
        Field(description="Seconds over which the share of a target that is new, or healthy again, grows; null: none."),
    ] = None
    subset_on_header: Annotated[
        HeaderName | None,
        BeyondKong(),
        Field(
            description="The header whose value says which targets are meant: those with the tag `subset_tag:value`."
        ),
    ] = None
    subset_tag: Annotated[
        Annotated[str, Format(formats.tag)] | None,
        BeyondKong(),
        Field(description="What the tags of subsets begin with; null: the header's name in small letters."),
    ] = None
    subset_fallback: Annotated[
        str,
        OneOf(("any", "none")),
        BeyondKong(),
        Field(description="Who gets a request whose subset has no healthy target: any target, or none."),
    ] = "any"

    shorthands: ClassVar = {"algorithm": Shorthand(_algorithm), "hash_on": Shorthand(_hash_on)}
    checks: ClassVar[tuple[Check, ...]] = (
        _needs("hash_on", "header", "hash_on_header"),
        _needs("hash_fallback", "header", "hash_fallback_header"),
        _needs("hash_on", "cookie", "hash_on_cookie"),
        _needs("hash_fallback", "cookie", "hash_on_cookie"),
        _fallbacks("none", "none"),
        _fallbacks("cookie", "none"),
        *(_fallbacks(one, *(name for name in HASH_INPUTS if name != one)) for one in ("consumer", "ip", "path")),
        Distinct(("hash_on_header", "hash_fallback_header")),
        _needs("hash_on", "query_arg", "hash_on_query_arg"),
        _needs("hash_fallback", "query_arg", "hash_fallback_query_arg"),
        Distinct(("hash_on_query_arg", "hash_fallback_query_arg")),
        _needs("hash_on", "uri_capture", "hash_on_uri_capture"),
        _needs("hash_fallback", "uri_capture", "hash_fallback_uri_capture"),
        Distinct(("hash_on_uri_capture", "hash_fallback_uri_capture")),
    )

    @property
    def is_checked(self) -> bool:
        """Whether the health of its targets is found out at all, which is when it counts (as in Kong)."""
        active, passive = self.healthchecks.active, self.healthchecks.passive.unhealthy
        probes = active.healthy.interval or active.unhealthy.interval
        counts = passive.tcp_failures or passive.timeouts or passive.http_failures
        return bool(probes or counts or self.outlier_detection is not None)

    def is_healthy(self, available: int, total: int) -> bool:
        """Whether it takes requests when so much of the weight of its targets is available."""
        return available > 0 and available * 100 >= total * self.healthchecks.threshold

    def is_in_panic(self, available: int, total: int) -> bool:
        """Whether so much available weight is so little that all targets are used, whatever their health."""
        return self.panic_threshold is not None and available * 100 < total * self.panic_threshold
