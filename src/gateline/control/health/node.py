"""The health of a node: what probes and workers found out is counted, what follows from it decided and put in force.

Active and passive checks count into the same numbers, as in Kong. Outlier detection and circuit breakers have their own
view of the same tries. All of it follows the configuration: what is not checked any more is forgotten.
"""

import asyncio
import logging
import random
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import msgspec

from gateline.control.feed import FeedServer
from gateline.control.health.active import ActiveChecks, Member, Place
from gateline.control.health.circuits import Circuits
from gateline.control.health.counting import WORDS, Counts, Thresholds
from gateline.control.health.outliers import Ejection, Outliers
from gateline.control.health.states import WHOLE, Finding, TargetStates
from gateline.control.rows import Delta
from gateline.engine import tasks
from gateline.engine.feed import Seen
from gateline.engine.upstream.dns import is_address
from gateline.engine.upstream.outcomes import Result, Runs, outcome_parts
from gateline.entities import Service, Upstream
from gateline.telemetry import Registry

__all__ = ["NodeHealth"]

logger = logging.getLogger(__name__)

RESTORE = 0.25
"""Seconds between two looks for ejections that are over."""


class _Target(msgspec.Struct):
    """What matters of a target's row."""

    class Upstream(msgspec.Struct):
        id: str

    id: str
    target: str
    upstream: Upstream
    weight: int = 100


_target = msgspec.msgpack.Decoder(_Target).decode
_fields = msgspec.msgpack.Decoder(dict[str, Any]).decode


class _Watched(NamedTuple):
    """An upstream of which something is to be found out."""

    upstream: Upstream
    members: Mapping[str, Member]
    active: Thresholds
    passive: Thresholds
    outliers: Outliers | None
    next_look: float
    """When the interval of outlier detection ends."""


class NodeHealth:
    """Everything that finds out something about targets. `path`: where open circuits are kept."""

    def __init__(self, feed: FeedServer, states: TargetStates, path: Path, metrics: Registry | None = None) -> None:
        self._feed = feed
        self._states = states
        self._circuits = Circuits(feed, path, self._circuit_changed)
        self._active: ActiveChecks
        self._watched: dict[str, _Watched] = {}
        self._with_outliers: set[str] = set()
        """The upstreams with outlier detection."""
        self._upstream_of: dict[str, str] = {}
        """The upstreams of targets, by the ids of both."""
        self._targets_of: dict[str, dict[str, tuple[str, int]]] = {}
        """By upstream and target: its text and its weight."""
        self._counts: dict[str, dict[str, Counts]] = {}
        """By target and address."""
        self._task: asyncio.Task[None] | None = None
        self.metrics = metrics or Registry()
        self._changes = self.metrics.metric(
            "counter",
            "gateline_target_health_changes_total",
            "Changes of the health of targets, by what found them out.",
        )
        self._ejections = self.metrics.metric(
            "counter", "gateline_target_ejections_total", "Targets that outlier detection has ejected."
        )
        self._opened = self.metrics.metric(
            "counter", "gateline_circuit_changes_total", "Circuits that opened or closed."
        )

    def start(self, authorities: tuple[str, ...] = ()) -> None:
        """Begin, before there is a configuration. `authorities`: PEM texts of those that probes trust."""
        self._active = ActiveChecks(self._probed, self._counted, self._states.resolved, authorities)
        self._circuits.start()
        self._states.tell(self._set_by_hand)
        self._feed.accompany({}, self._follow)
        self._feed.see_by(self._see, self._circuits.worker_gone)
        self._task = tasks.start(self._look(), name="outlier detection")

    def close(self) -> None:
        """Find out nothing any more."""
        if self._task is not None:
            self._task.cancel()
            self._active.close()

    # What is to be found out.

    def _follow(self, delta: Delta | None) -> Delta:
        rows = self._feed.rows
        if delta is None:
            self._targets_of, self._upstream_of = {}, {}
            self._note_targets(rows.get("targets", {}))
            concerned: Iterable[str] = [*rows.get("upstreams", {}), *self._watched]
            services: Iterable[str] = rows.get("services", {})
        else:
            concerned = {*self._note_targets(self._changed(delta, "targets")), *self._changed(delta, "upstreams")}
            if certificates := set(self._changed(delta, "certificates")):
                concerned |= {one for one, of in self._watched.items() if _certificate_of(of.upstream) in certificates}
            services = self._changed(delta, "services")
        for one in dict.fromkeys(concerned):
            self._adopt(one)
        for one in services:
            self._adopt_service(one)
        if delta is None:
            self._circuits.settled()
        return Delta()

    @staticmethod
    def _changed(delta: Delta, kind: str) -> list[str]:
        return [*delta.put.get(kind, ()), *delta.delete.get(kind, ())]

    def _note_targets(self, targets: Iterable[str]) -> set[str]:
        """Take note of targets that have changed; the upstreams that they belong or belonged to."""
        rows = self._feed.rows.get("targets", {})
        found = set()
        for one in targets:
            if (before := self._upstream_of.pop(one, None)) is not None:
                found.add(before)
                self._targets_of[before].pop(one, None)
            if (row := rows.get(one)) is not None:
                target = _target(row)
                upstream = self._upstream_of[one] = target.upstream.id
                self._targets_of.setdefault(upstream, {})[one] = target.target, target.weight
                found.add(upstream)
        return found

    def _adopt(self, identifier: str) -> None:
        """Find out from now on what an upstream asks for."""
        before = self._watched.pop(identifier, None)
        self._with_outliers.discard(identifier)
        row = self._feed.rows.get("upstreams", {}).get(identifier)
        fields = None if row is None else _fields(row)
        members = {
            one: Member.of(one, text)
            for one, (text, weight) in self._targets_of.get(identifier, {}).items()
            if weight > 0
        }
        if before is not None:
            self._forget(before, members)
        if fields is None or not _asks(fields):
            self._active.drop(identifier)
            return
        upstream = Upstream.from_wire(fields)
        if not upstream.is_checked:
            self._forget_counts(members)
        outliers = self._outliers(upstream, members, before)
        if outliers is not None:
            self._with_outliers.add(identifier)
        checks = upstream.healthchecks
        now = monotonic()
        next_look = before.next_look if before is not None and outliers is before.outliers else now
        self._watched[identifier] = _Watched(
            upstream, members, Thresholds.of(checks.active), Thresholds.of(checks.passive), outliers, next_look
        )
        self._active.adopt(upstream, members, self._certificate(upstream))
        if upstream.circuit_breaker is not None:
            for member in members.values():
                name = f"target {member.host}:{member.port} of upstream {upstream.name}"
                self._circuits.adopt(member.id, upstream.circuit_breaker, name)

    def _forget(self, before: _Watched, members: Mapping[str, Member]) -> None:
        for one, member in before.members.items():
            if members.get(one) != member:
                self._counts.pop(one, None)
                self._circuits.drop(one)
        row = self._feed.rows.get("upstreams", {}).get(before.upstream.id)
        fields = {} if row is None else _fields(row)
        if fields.get("circuit_breaker") is None:
            for one in before.members:
                self._circuits.drop(one)
        if not fields or not _asks(fields):
            self._forget_counts(before.members)

    def _forget_counts(self, targets: Iterable[str]) -> None:
        for one in targets:
            self._counts.pop(one, None)

    def _outliers(self, upstream: Upstream, members: Mapping[str, Member], before: _Watched | None) -> Outliers | None:
        config = upstream.outlier_detection
        if config is None:
            return None
        if before is not None and before.outliers is not None:
            before.outliers.adopt(config, members)
            return before.outliers
        made = Outliers(config, members)
        for (target, _), until in self._states.ejected(upstream.id).items():
            made.ejected_until(target, monotonic() + until - time.time())
        return made

    def _certificate(self, upstream: Upstream) -> tuple[str, str] | None:
        identifier = _certificate_of(upstream)
        row = self._feed.rows.get("certificates", {}).get(identifier) if identifier else None
        if row is None:
            return None
        fields = _fields(row)
        return fields["cert"], fields["key"]

    def _adopt_service(self, identifier: str) -> None:
        row = self._feed.rows.get("services", {}).get(identifier)
        fields = None if row is None else _fields(row)
        if fields is None or fields.get("circuit_breaker") is None:
            self._circuits.drop(identifier)
            return
        service = Service.from_wire(fields)
        if service.circuit_breaker is not None:
            self._circuits.adopt(identifier, service.circuit_breaker, f"service {service.name or service.id}")

    # What was found out.

    def _counted(self, place: Place) -> Counts:
        of_target = self._counts.setdefault(place.target, {})
        counts = of_target.get(place.address)
        if counts is None:
            counts = of_target[place.address] = Counts(self._states.takes(place.target, place.address))
        return counts

    def _probed(self, place: Place, result: Result) -> None:
        watched = self._watched.get(place.upstream)
        if watched is not None:
            self._count(watched, place, watched.active, result, 1, "active checks")

    def _see(self, seen: Seen) -> None:
        for target, address, runs in seen.tries:
            watched = self._watched.get(self._upstream_of.get(target, ""))
            if watched is not None and target in watched.members:
                self._tried(watched, watched.members[target], address, runs)
        for circuit, epoch, runs in seen.calls:
            self._circuits.seen(circuit, epoch, runs)

    def _tried(self, watched: _Watched, member: Member, address: str, runs: Runs) -> None:
        """Tries at an address of a target; at a name, none was reached where it is empty: that is of the name."""
        of = member.host if is_address(member.host) else WHOLE
        place = Place(watched.upstream.id, member.id, address or of)
        for outcome, times in runs:
            result, fault = outcome_parts(outcome)
            self._count(watched, place, watched.passive, result, times, "passive checks")
            if address and result is Result.SUCCESS:
                self._counted(place._replace(address=WHOLE)).forget_failures()
            if watched.outliers is not None:
                ejection = watched.outliers.count(member.id, fault, times, monotonic())
                if ejection is not None:
                    self._eject(watched, ejection)

    def _count(
        self, watched: _Watched, place: Place, thresholds: Thresholds, result: Result, times: int, by: str
    ) -> None:
        counts = self._counted(place)
        if result is Result.SUCCESS and counts.quiet:
            return
        limit = thresholds.limit(result)
        healthy = counts.count(result, limit, times)
        if healthy is None:
            return
        address = None if place.address == WHOLE else place.address
        reason = f"{limit} {WORDS[result]} in a row, by {by}"
        self._states.found(Finding(place.upstream, place.target, address, healthy, reason))
        self._went(watched, place.target, healthy, by)
        if address is None:
            self._set_all(place.upstream, place.target, healthy=healthy)
        else:
            self._set(place, healthy=healthy)

    def _went(self, watched: _Watched, target: str, healthy: bool, by: str) -> None:
        member = watched.members[target]
        self._changes.add(
            upstream=watched.upstream.name,
            target=f"{member.host}:{member.port}",
            state="healthy" if healthy else "unhealthy",
            by=by,
        )

    def _set_by_hand(self, finding: Finding) -> None:
        """A person has set a target: everything is counted from there."""
        watched = self._watched.get(finding.upstream)
        if watched is not None and finding.target in watched.members:
            self._went(watched, finding.target, finding.healthy, "hand")
        if finding.address is None:
            self._set_all(finding.upstream, finding.target, healthy=finding.healthy)
        else:
            self._set(Place(finding.upstream, finding.target, finding.address), healthy=finding.healthy)

    def _set_all(self, upstream: str, target: str, *, healthy: bool) -> None:
        for address in {*self._counts.get(target, ()), *self._active.addresses(upstream, target)}:
            self._set(Place(upstream, target, address), healthy=healthy)

    def _set(self, place: Place, *, healthy: bool) -> None:
        self._counted(place).set(healthy=healthy)
        self._active.changed(place, healthy=healthy)
        if healthy and place.address != WHOLE and WHOLE in self._counts[place.target]:
            self._counts[place.target][WHOLE].set(healthy=True)

    # Outliers.

    async def _look(self) -> None:
        """End intervals and ejections when it is time."""
        while True:
            await asyncio.sleep(RESTORE * random.uniform(0.9, 1.1))  # noqa: S311 - no secret
            now = monotonic()
            for one in list(self._with_outliers):
                watched = self._watched[one]
                if watched.outliers is not None and watched.next_look <= now:
                    self._watched[one] = watched._replace(next_look=now + watched.outliers.config.interval)
                    for ejection in watched.outliers.interval(now):
                        self._eject(watched, ejection)
            await self._states.restore()

    def _eject(self, watched: _Watched, ejection: Ejection) -> None:
        member = watched.members[ejection.target]
        address = member.host if is_address(member.host) else WHOLE
        upstream = watched.upstream
        self._ejections.add(upstream=upstream.name, target=f"{member.host}:{member.port}")
        until = time.time() + ejection.seconds
        reason = f"{ejection.reason}; for {ejection.seconds:g} s"
        tasks.start(self._states.eject(upstream.id, member.id, address, until, reason), name="ejection")

    def _circuit_changed(self, name: str, is_open: bool) -> None:
        self._opened.add(of=name, state="open" if is_open else "closed")


def _asks(fields: Mapping[str, Any]) -> bool:
    """Whether there is something to be found out about an upstream's targets."""
    if fields.get("outlier_detection") is not None or fields.get("circuit_breaker") is not None:
        return True
    checks = fields["healthchecks"]
    active, passive = checks["active"], checks["passive"]["unhealthy"]
    probes = active["healthy"]["interval"] or active["unhealthy"]["interval"]
    return bool(probes or passive["tcp_failures"] or passive["timeouts"] or passive["http_failures"])


def _certificate_of(upstream: Upstream) -> str | None:
    return None if upstream.client_certificate is None else upstream.client_certificate.id
