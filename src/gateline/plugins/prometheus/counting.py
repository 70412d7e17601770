"""What is counted of an exchange: handles of the series of each route, looked up by its id and kept."""

from typing import Any, NamedTuple

from gateline.pdk import Account, Exchange, Metric, Series

__all__ = ["Counting", "Metrics"]

WORKSPACE = "default"

_CODES = 1024
_SOURCES = {"service": 0, "exit": _CODES, "error": 2 * _CODES}
"""Numbers that make one of a source and a status."""

_REMEMBERED = 16384
"""Routes, and consumers of a route, whose handles are kept; when there are more, all are looked up again."""


class Metrics(NamedTuple):
    """The metrics of the groups that are switched on."""

    requests: Metric | None
    bandwidth: Metric | None
    total: Metric | None
    gateway: Metric | None
    upstream: Metric | None
    """Latencies: all three, or none."""


class Sent:
    """Statuses and bytes, of a route and a consumer (empty: of all)."""

    __slots__ = ("_labels", "_requests", "_statuses", "egress", "ingress")

    def __init__(self, metrics: Metrics, labels: dict[str, str], consumer: str) -> None:
        self._requests = metrics.requests
        self._labels = {**labels, "consumer": consumer}
        self._statuses: dict[int, Series] = {}
        self.ingress: Series | None = None
        self.egress: Series | None = None
        if metrics.bandwidth is not None:
            self.ingress = metrics.bandwidth.labels(**self._labels, direction="ingress")
            self.egress = metrics.bandwidth.labels(**self._labels, direction="egress")

    def count(self, account: Account) -> None:
        """Count an exchange."""
        if self._requests is not None:
            source = account.source
            status = account.status
            key = _SOURCES[source] + status
            series = self._statuses.get(key)
            if series is None:
                series = self._statuses[key] = self._requests.labels(**self._labels, code=str(status), source=source)
            series.add()
        if self.ingress is not None and self.egress is not None:
            self.ingress.add(account.ingress)
            self.egress.add(account.egress)


class OfRoute:
    """What is counted of a route: `route` is the one that the names were taken from."""

    __slots__ = ("_labels", "_metrics", "_people", "_sent", "gateway", "route", "total", "upstream")

    def __init__(self, metrics: Metrics, route: Any, service: str) -> None:
        self.route = route
        self._metrics = metrics
        labels = {"service": service, "route": route.name if route is not None else "", "workspace": WORKSPACE}
        self._labels = labels
        self._sent: Sent | None = None
        self._people: dict[str, Sent] = {}
        self.total: Series | None = None
        if metrics.total is not None and metrics.gateway is not None and metrics.upstream is not None:
            self.total = metrics.total.labels(**labels)
            self.gateway = metrics.gateway.labels(**labels)
            self.upstream = metrics.upstream.labels(**labels)

    def sent(self) -> Sent:
        """By whomever."""
        if self._sent is None:
            self._sent = Sent(self._metrics, self._labels, "")
        return self._sent

    def sent_by(self, consumer: str) -> Sent:
        """By a consumer, given by its name."""
        known = self._people.get(consumer)
        if known is None:
            if len(self._people) >= _REMEMBERED:
                self._people.clear()
            known = self._people[consumer] = Sent(self._metrics, self._labels, consumer)
        return known


class Counting:
    """The hook of a configuration."""

    __slots__ = ("_metrics", "_per_consumer", "_routes", "_sends")

    def __init__(self, metrics: Metrics, *, per_consumer: bool) -> None:
        self._metrics = metrics
        self._per_consumer = per_consumer
        self._sends = metrics.requests is not None or metrics.bandwidth is not None
        self._routes: dict[str, OfRoute] = {}

    def log(self, exchange: Exchange) -> None:
        """Count an exchange that is over."""
        account = exchange.account
        route = exchange.route
        known = self._routes.get("" if route is None else route.id)
        if known is None or known.route is not route:
            known = self._named(exchange, route)
        if self._sends:
            consumer = exchange.consumer if self._per_consumer else None
            if consumer is None:
                known.sent().count(account)
            else:
                known.sent_by(consumer.username or "").count(account)
        if known.total is not None:
            known.total.add(account.request_ms)
            known.gateway.add(account.gateway_ms)
            if account.upstream_ms >= 0:
                known.upstream.add(account.upstream_ms)

    def _named(self, exchange: Exchange, route: Any) -> OfRoute:
        """What is counted of a route that is new, or was changed; its service goes by its name, else by its host."""
        service = exchange.service
        name = "" if service is None else service.entity.name or service.entity.host
        if len(self._routes) >= _REMEMBERED:
            self._routes.clear()
        known = self._routes["" if route is None else route.id] = OfRoute(self._metrics, route, name)
        return known
