"""Outlier detection as Envoy does it: targets that fail in a row, or more than others, are ejected for a while.

Pure: outcomes and the clock come in, ejections come out. One `Outliers` is for the targets of one upstream; what it is
told of all workers together is what it goes by.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from statistics import fmean, pstdev
from typing import NamedTuple

from gateline.engine.upstream.outcomes import Fault
from gateline.entities.outlier_detection import OutlierDetection

__all__ = ["Ejection", "Outliers"]


class Ejection(NamedTuple):
    """A target that is ejected, for how many seconds, and why."""

    target: str
    seconds: float
    reason: str


@dataclass(slots=True)
class _Host:
    in_a_row: dict[str, int] = field(default_factory=lambda: {"5xx": 0, "gateway": 0, "local": 0})
    requests: int = 0
    failures: int = 0
    ejections: int = 0
    """How many times the base time the last ejection lasted."""
    until: float = 0.0


class Outliers:
    """The targets of an upstream. `now` is in seconds, of any one clock."""

    def __init__(self, config: OutlierDetection, targets: Collection[str]) -> None:
        self.config = config
        self._hosts = {target: _Host() for target in targets}

    def adopt(self, config: OutlierDetection, targets: Collection[str]) -> None:
        """Other rules or other targets; what is known of those that stay is kept."""
        self.config = config
        self._hosts = {target: self._hosts.get(target) or _Host() for target in targets}

    def ejected_until(self, target: str, until: float) -> None:
        """A target was ejected before anything was known here."""
        if target in self._hosts:
            host = self._hosts[target]
            host.until = until
            host.ejections = max(host.ejections, 1)

    def count(self, target: str, fault: Fault, times: int, now: float) -> Ejection | None:
        """An outcome came some times in a row; whether that ejects the target."""
        host = self._hosts.get(target)
        if host is None:
            return None
        host.requests += times
        if fault is Fault.NONE:
            host.in_a_row = dict.fromkeys(host.in_a_row, 0)
            return None
        host.failures += times
        reason = self._in_a_row(host, fault, times)
        return None if reason is None else self._ejection(target, reason, now)

    def _in_a_row(self, host: _Host, fault: Fault, times: int) -> str | None:
        config = self.config
        limits: list[tuple[str, int, str]] = []
        if fault is Fault.LOCAL and config.consecutive_local_origin_failure:
            limits.append(("local", config.consecutive_local_origin_failure, "requests without an answer"))
        else:
            limits.append(("5xx", config.consecutive_5xx, "failures"))
            if fault is Fault.SERVER:
                host.in_a_row["gateway"] = 0
            else:
                limits.append(("gateway", config.consecutive_gateway_failure, "gateway failures"))
            host.in_a_row["local"] = 0
        found = None
        for name, limit, words in limits:
            host.in_a_row[name] += times
            if limit and host.in_a_row[name] >= limit:
                found = found or f"{host.in_a_row[name]} {words} in a row"
                host.in_a_row[name] = 0
        return found

    def interval(self, now: float) -> list[Ejection]:
        """The end of an interval: who is ejected because of its rates."""
        config = self.config
        for host in self._hosts.values():
            if host.until <= now and host.ejections:
                host.ejections -= 1
        chosen: dict[str, str] = {}
        rates = self._rates(config.success_rate_request_volume)
        if config.success_rate_minimum_hosts and len(rates) >= config.success_rate_minimum_hosts:
            mean = fmean(rates.values())
            least = mean - config.success_rate_stdev_factor * pstdev(rates.values())
            for target, rate in rates.items():
                if rate < least:
                    chosen[target] = f"success rate {rate:.1f} %, that of all is {mean:.1f} %"
        rates = self._rates(config.failure_percentage_request_volume)
        if config.failure_percentage_threshold and len(rates) >= config.failure_percentage_minimum_hosts:
            for target, rate in rates.items():
                if 100 - rate >= config.failure_percentage_threshold:
                    chosen.setdefault(target, f"{100 - rate:.1f} % failures")
        for host in self._hosts.values():
            host.requests = host.failures = 0
        ejections = [self._ejection(target, reason, now) for target, reason in chosen.items()]
        return [one for one in ejections if one is not None]

    def _rates(self, volume: int) -> dict[str, float]:
        """The success rates, in percent, of those that had enough requests."""
        return {
            target: 100 * (host.requests - host.failures) / host.requests
            for target, host in self._hosts.items()
            if host.requests >= max(volume, 1)
        }

    def _ejection(self, target: str, reason: str, now: float) -> Ejection | None:
        """Eject a target, unless it is or too many are."""
        config = self.config
        host = self._hosts[target]
        if host.until > now:
            return None
        ejected = sum(one.until > now for one in self._hosts.values())
        first = config.always_eject_one_host and not ejected
        if not first and 100 * (ejected + 1) > config.max_ejection_percent * len(self._hosts):
            return None
        host.ejections += 1
        longest = max(config.max_ejection_time, config.base_ejection_time)
        seconds = min(config.base_ejection_time * host.ejections, longest)
        host.until = now + seconds
        return Ejection(target, seconds, reason)
