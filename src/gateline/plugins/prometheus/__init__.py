"""Counts requests for Prometheus, which reads `/metrics` of the Admin API and of the status API.

What a node tells of itself, and what other plugins count, is there without a configured `prometheus`. A configured one
adds, group by group, what happens to the requests that it applies to; each group is off unless it is switched on, since
each route adds series of its own: one for each status, twenty for each latency. Series are named after routes, services
and consumers that are configured, never after what a client sends; a metric holds 100,000 of them in a worker. See
[metrics](../metrics.md).
"""

from gateline.plugins.prometheus.plugin import Config, Prometheus

__all__ = ["Config", "Prometheus"]
