"""The configuration, and what is counted of an exchange with it."""

from collections.abc import Callable
from typing import Annotated

from gateline.pdk import Exchange, Plugin, PluginConfig
from gateline.pdk.fields import Field
from gateline.plugins.prometheus.counting import Counting, Metrics

__all__ = ["Config", "Prometheus"]

GATEWAY_BUCKETS = (1, 2, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 750, 1000, 3000, 6000)
UPSTREAM_BUCKETS = (25, 50, 80, 100, 250, 400, 700, 1000, 2000, 5000, 10000, 30000, 60000)
"""Milliseconds. Source: Kong."""


class Config(PluginConfig):
    """The groups of metrics."""

    per_consumer: Annotated[
        bool, Field(description="Count statuses and bytes by consumer; without it, their label `consumer` is empty.")
    ] = False
    status_code_metrics: Annotated[bool, Field(description="`kong_http_requests_total`: requests, by status.")] = False
    ai_metrics: Annotated[bool, Field(description="For Kong's AI plugins, which are not here: of no effect.")] = False
    latency_metrics: Annotated[
        bool,
        Field(
            description="`kong_request_latency_ms`, `kong_kong_latency_ms` and `kong_upstream_latency_ms`: how long "
            "requests took, all in all, in the gateway, and until the service's first byte."
        ),
    ] = False
    bandwidth_metrics: Annotated[
        bool, Field(description="`kong_bandwidth_bytes`: bytes of requests and of answers, with their heads.")
    ] = False
    upstream_health_metrics: Annotated[
        bool,
        Field(
            description="`kong_upstream_target_health`: the state of each address of each target. It is the node's, so "
            "one plugin that asks for it is enough."
        ),
    ] = False


class Prometheus(Plugin[Config], name="prometheus", hooks=("log",)):
    """Counts what the configuration asks for."""

    log: Callable[[Exchange], None]

    def __init__(self, config: Config) -> None:
        if config.status_code_metrics or config.latency_metrics or config.bandwidth_metrics:
            self.log = Counting(self._metrics(config), per_consumer=config.per_consumer).log

    def _metrics(self, config: Config) -> Metrics:
        """Kong's metrics, of the groups that are switched on."""
        requests = bandwidth = total = gateway = upstream = None
        counter, histogram = self.node.counter, self.node.histogram
        if config.status_code_metrics:
            requests = counter(
                "kong_http_requests_total",
                "HTTP status codes per consumer/service/route in Kong",
                ("service", "route", "code", "source", "workspace", "consumer"),
            )
        if config.bandwidth_metrics:
            bandwidth = counter(
                "kong_bandwidth_bytes",
                "Total bandwidth (ingress/egress) throughput in bytes",
                ("service", "route", "direction", "workspace", "consumer"),
            )
        if config.latency_metrics:
            labels = ("service", "route", "workspace")
            total = histogram(
                "kong_request_latency_ms",
                "Total latency incurred during requests for each service/route in Kong",
                UPSTREAM_BUCKETS,
                labels,
            )
            gateway = histogram(
                "kong_kong_latency_ms",
                "Latency added by Kong and enabled plugins for each service/route in Kong",
                GATEWAY_BUCKETS,
                labels,
            )
            upstream = histogram(
                "kong_upstream_latency_ms",
                "Latency added by upstream response for each service/route in Kong",
                UPSTREAM_BUCKETS,
                labels,
            )
        return Metrics(requests, bandwidth, total, gateway, upstream)
