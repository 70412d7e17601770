"""What stands before a target or a service that may be closed: circuit breakers, and limits of what is under way.

A try enters through the `Gate`s on its way, before there is a connection, or is refused by one of them. What it holds
while it is under way is its `Passage`, its watch too: it knows how the try went, tells the control process, and gives
back what it held. Where only connections are short, it may wait for one (`queueing`). Where there is neither a breaker
nor a limit there is no gate, and a request pays one look.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from gateline.engine.errors import CATALOGUE, Failure
from gateline.engine.upstream.circuit_rows import Open, open_from_wire
from gateline.engine.upstream.observing import Reports, circuit_outcome
from gateline.engine.upstream.queueing import Gauges, Queue, Queues
from gateline.engine.upstream.watch import Watch
from gateline.sharedstate import SharedStateError

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange
    from gateline.entities import Service, Target, Upstream
    from gateline.entities.circuit_breaker import CircuitBreaker, Limits
    from gateline.pdk.node import Counters

__all__ = ["Circuit", "Circuits", "Gate", "Gates", "Gauges", "LocalGauges", "Passage", "Refusal"]

_log = logging.getLogger(__name__)

_CONNECTIONS = b":max_connections"

TRIALS_LAST = 86400.0
"""Seconds that the count of trials is kept; a new epoch has a count of its own."""


class LocalGauges:
    """Those of one process."""

    def __init__(self) -> None:
        self._values: dict[bytes, int] = {}

    def take(self, wanted: Sequence[tuple[bytes, int]]) -> int:
        """As `Gauges.take`."""
        for place, (key, limit) in enumerate(wanted):
            if self._values.get(key, 0) >= limit:
                return place
        for key, _ in wanted:
            self._values[key] = self._values.get(key, 0) + 1
        return -1

    def give_back(self, keys: Sequence[bytes]) -> None:
        """As `Gauges.give_back`."""
        for key in keys:
            self._values[key] = self._values.get(key, 0) - 1


class Refusal:
    """Why a try may not begin, and in how many seconds it may be worth to come again (0: nobody knows).

    `everywhere`: at the other targets of the upstream too. `gate` is set where connections are short, and nothing else.
    """

    __slots__ = ("everywhere", "failure", "gate", "retry_after")

    def __init__(
        self, failure: Failure, retry_after: int = 0, *, everywhere: bool = False, gate: "Gate | None" = None
    ) -> None:
        self.failure = failure
        self.retry_after = retry_after
        self.everywhere = everywhere
        self.gate = gate

    @property
    def block(self) -> bytes:
        """The header lines that go with it."""
        return b"Retry-After: %d\r\n" % self.retry_after if self.retry_after else b""


class Circuit:
    """A circuit as a worker knows it: closed, unless it was told otherwise."""

    __slots__ = ("__weakref__", "_counters", "id", "opened")

    def __init__(self, identifier: str, counters: "Counters") -> None:
        self.id = identifier
        self.opened: Open | None = None
        self._counters = counters

    def enter(self, trials: int, now: float) -> int:
        """0 while it is closed, the epoch of a trial when it is half-open and there is one left, else -1."""
        opened = self.opened
        if opened is None:
            return 0
        if now < opened.until:
            return -1
        try:
            _, added = self._counters.increment_within(self._key(opened.epoch), trials, ttl=TRIALS_LAST)
        except SharedStateError as error:
            _log.error("a trial of circuit %s cannot be counted: %s", self.id, error)
            return -1
        return opened.epoch if added else -1

    def give_back(self, epoch: int) -> None:
        """A trial that decides nothing: another may take its place."""
        self._counters.increment(self._key(epoch), -1, ttl=TRIALS_LAST)

    def retry_after(self, now: float) -> int:
        """In how many seconds it lets somebody through."""
        return 1 if self.opened is None else max(1, ceil(self.opened.until - now))

    def _key(self, epoch: int) -> str:
        return f"circuit:{self.id}:{epoch}"


class Circuits:
    """The circuits of a worker, by the ids of targets and services; each is there as long as a gate has it."""

    def __init__(self, counters: "Counters") -> None:
        self._counters = counters
        self._known: WeakValueDictionary[str, Circuit] = WeakValueDictionary()
        self._opened: dict[str, Open] = {}

    def get(self, identifier: str) -> Circuit:
        """The circuit, made when it is asked for first."""
        known = self._known.get(identifier)
        if known is None:
            known = self._known[identifier] = Circuit(identifier, self._counters)
            known.opened = self._opened.get(identifier)
        return known

    def take(self, put: Iterable[Mapping[str, Any]], delete: Iterable[str], *, full: bool) -> None:
        """Take in what was sent; `full`: all others are closed."""
        now = {row["id"]: open_from_wire(row) for row in put}
        closed = [one for one in self._opened if one not in now] if full else list(delete)
        for one in closed:
            self._opened.pop(one, None)
        self._opened |= now
        for one in (*closed, *now):
            circuit = self._known.get(one)
            if circuit is not None:
                circuit.opened = now.get(one)


class Passage(Watch):
    """A try that is under way, and what it holds of gates; `inner` watches the target besides.

    Whoever makes one has it begin as an exchange's watch, or calls `leave`.
    """

    __slots__ = ("_began", "_entered", "_gauges", "_held", "_queue", "_told", "_waits", "inner")

    def __init__(self, gauges: Gauges) -> None:
        self.inner: Watch | None = None
        self._gauges = gauges
        self._entered: list[tuple[Gate, int]] = []
        self._held: list[bytes] = []
        self._queue: Queue | None = None
        self._waits: list[bytes] = []
        self._began = 0.0
        self._told = False

    def enter(self, gate: "Gate", exchange: "Exchange", now: float) -> Refusal | None:
        """Go through a gate; None when it lets the try through."""
        if gate.circuit is not None and gate.breaker is not None:
            epoch = gate.circuit.enter(gate.breaker.trial_calls, now)
            if epoch < 0:
                return Refusal(CATALOGUE.CIRCUIT_OPEN, gate.circuit.retry_after(now))
            self._entered.append((gate, epoch))
        wanted = gate.retrying if exchange.tries else gate.under_way
        if wanted:
            queue = gate.queue
            if queue is not None and queue.stands_before(exchange):
                self._step_back(gate)
                return Refusal(CATALOGUE.LIMIT_REACHED, everywhere=True, gate=gate)
            full = self._gauges.take(wanted)
            if full >= 0:
                self._step_back(gate)
                return gate.refusal(wanted[full][0])
            self._held += [key for key, _ in wanted]
            self._queue = queue
            if queue is not None:
                self._waits = queue.passed(exchange)
        return None

    def _step_back(self, gate: "Gate") -> None:
        """The gate was entered in vain."""
        if self._entered and self._entered[-1][0] is gate:
            _, epoch = self._entered.pop()
            if epoch and gate.circuit is not None:
                gate.circuit.give_back(epoch)

    def wait(self, gate: "Gate") -> Refusal | None:
        """There is no connection yet: wait for one, where that many may."""
        if gate.waiting and not self._waits:
            if self._gauges.take(gate.waiting) >= 0:
                return Refusal(CATALOGUE.LIMIT_REACHED)
            self._waits += [key for key, _ in gate.waiting]
        return None

    def leave(self) -> None:
        """Give everything back."""
        if self._held or self._waits:
            self._gauges.give_back([*self._held, *self._waits])
            self._held, self._waits = [], []
            if self._queue is not None:
                self._queue.freed()
        for gate, epoch in self._entered:
            if epoch and not self._told and gate.circuit is not None:
                gate.circuit.give_back(epoch)
        self._entered = []

    # As a watch.

    def began(self, exchange: "Exchange", now: float) -> None:
        """A try begins."""
        self._began = now
        if self.inner is not None:
            self.inner.began(exchange, now)

    def connected(self, exchange: "Exchange", now: float) -> None:
        """There is a connection."""
        if self._waits:
            self._gauges.give_back(self._waits)
            self._waits = []
        if self.inner is not None:
            self.inner.connected(exchange, now)

    def answered(self, exchange: "Exchange", status: int, latency: float, now: float) -> None:
        """The head of an answer came."""
        self._tell(now, status)
        if self.inner is not None:
            self.inner.answered(exchange, status, latency, now)

    def failed(self, exchange: "Exchange", failure: "Failure", now: float) -> None:
        """There was no answer, or no whole one."""
        self._tell(now, 0)
        if self.inner is not None:
            self.inner.failed(exchange, failure, now)

    def ended(self, now: float) -> None:
        """The try is not in flight any more."""
        self.leave()
        if self.inner is not None:
            self.inner.ended(now)

    def _tell(self, now: float, status: int) -> None:
        if self._told:
            return
        self._told = True
        for gate, epoch in self._entered:
            gate.tell(epoch, status, now - self._began, now)


class Gate:
    """The gate of a target or a service."""

    __slots__ = (
        "_gauges",
        "_of_upstream",
        "_reports",
        "breaker",
        "circuit",
        "queue",
        "retrying",
        "under_way",
        "waiting",
    )

    def __init__(
        self,
        reports: Reports,
        gauges: Gauges,
        circuit: Circuit | None,
        breaker: "CircuitBreaker | None",
        limits: Sequence[tuple[str, "Limits"]] = (),
        queue: Queue | None = None,
        upstream: str = "",
    ) -> None:
        """`limits`: each with the name of what it limits, of which `upstream` is one; `queue`: where one may wait."""
        self._gauges = gauges
        self._reports = reports
        self.circuit = circuit
        self.breaker = breaker
        self.under_way = _wanted(limits, "max_connections", "max_requests")
        self.retrying = self.under_way + _wanted(limits, "max_retries")
        self.waiting = _wanted(limits, "max_pending_requests")
        self.queue = queue if self.waiting else None
        self._of_upstream = f"{upstream}:".encode()

    def passage(self) -> Passage:
        """A new passage, through this gate and others."""
        return Passage(self._gauges)

    def refusal(self, limit: bytes) -> Refusal:
        """What follows when there is as much under way as a limit allows."""
        waits = self.queue is not None and limit.endswith(_CONNECTIONS)
        everywhere = limit.startswith(self._of_upstream)
        return Refusal(CATALOGUE.LIMIT_REACHED, everywhere=everywhere, gate=self if waits else None)

    def may_queue(self, exchange: "Exchange", timeout: float) -> bool:
        """Whether an exchange waits from now on, for so many seconds, until there may be another connection."""
        return self.queue is not None and self.queue.join(exchange, self.waiting, timeout)

    def may_wait(self, exchange: "Exchange") -> bool:
        """Whether an exchange whose try has begun may wait for a connection; else it was refused."""
        passage = exchange.watch
        refusal = passage.wait(self) if isinstance(passage, Passage) else None
        if refusal is not None:
            exchange.refuse(refusal.failure, refusal.block)
        return refusal is None

    def tell(self, epoch: int, status: int, seconds: float, now: float) -> None:
        """How a call went: its status, 0 without an answer."""
        breaker, circuit = self.breaker, self.circuit
        if breaker is None or circuit is None:
            return
        slow = breaker.slow_call_duration is not None and seconds >= breaker.slow_call_duration
        outcome = circuit_outcome(failed=not status or status in breaker.failure_statuses, slow=slow)
        self._reports.called(circuit.id, epoch, outcome, now)


def _wanted(limits: Sequence[tuple[str, "Limits"]], *names: str) -> tuple[tuple[bytes, int], ...]:
    return tuple(
        (f"{what}:{name}".encode(), limit)
        for what, of in limits
        for name in names
        if (limit := getattr(of, name)) is not None
    )


class Gates:
    """Makes the gates of a worker."""

    def __init__(self, reports: Reports, circuits: Circuits, gauges: Gauges) -> None:
        self._reports = reports
        self._circuits = circuits
        self._gauges = gauges
        self._queues = Queues(gauges)

    def of_target(self, upstream: "Upstream", target: "Target") -> Gate | None:
        """The gate of an upstream's target."""
        limits = [
            (what, limits)
            for what, limits in ((upstream.id, upstream.limits), (target.id, upstream.target_limits))
            if limits is not None
        ]
        breaker = upstream.circuit_breaker
        if breaker is None and not limits:
            return None
        circuit = None if breaker is None else self._circuits.get(target.id)
        queue = self._queues.get(upstream.id)
        return Gate(self._reports, self._gauges, circuit, breaker, limits, queue, upstream.id)

    def of_service(self, service: "Service") -> Gate | None:
        """The gate of a service."""
        breaker = service.circuit_breaker
        if breaker is None:
            return None
        return Gate(self._reports, self._gauges, self._circuits.get(service.id), breaker)
