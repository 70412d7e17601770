"""The circuit breakers of a node: decided here from what all workers tell, and told to all of them."""

import logging
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import msgspec

from gateline.control import logs
from gateline.control.errors import ChangeError
from gateline.control.feed import FeedServer
from gateline.control.health.breakers import Breaker
from gateline.control.rows import Delta, row_of
from gateline.control.state import write_atomically
from gateline.engine import tasks
from gateline.engine.upstream.circuit_rows import KIND, Open, open_to_wire
from gateline.entities.circuit_breaker import CircuitBreaker

__all__ = ["Circuits"]

logger = logging.getLogger(__name__)


class _Circuit(NamedTuple):
    breaker: Breaker
    name: str


class Circuits:
    """The breakers of targets and services, by their ids. `path` is where the open ones are kept for the process that
    takes this one's place; `happened` hears of each change: what it is of, and whether it is open."""

    def __init__(self, feed: FeedServer, path: Path, happened: Callable[[str, bool], None]) -> None:
        self._feed = feed
        self._path = path
        self._happened = happened
        self._circuits: dict[str, _Circuit] = {}
        self._kept: dict[str, Open] = {}
        self._told: dict[str, Open] = {}
        self._telling = False

    def start(self) -> None:
        """Take up what was kept, before there is a configuration."""
        self._kept = self._read()
        self._told = dict(self._kept)
        self._feed.accompany({KIND: {one: row_of(open_to_wire(one, opened)) for one, opened in self._kept.items()}})

    def adopt(self, circuit: str, config: CircuitBreaker, name: str) -> None:
        """A breaker that there is, or that has other rules; those begin with an empty window."""
        before = self._circuits.get(circuit)
        if before is not None and before.breaker.config == config and before.name == name:
            return
        opened = self._kept.pop(circuit, None) if before is None else before.breaker.opened
        self._circuits[circuit] = _Circuit(Breaker(config, opened), name)

    def settled(self) -> None:
        """All breakers that there are have been adopted: what was kept of others is forgotten."""
        self._kept = {}
        self._tell()

    def drop(self, circuit: str) -> None:
        """Forget one."""
        if self._circuits.pop(circuit, None) is not None:
            self._tell()

    def seen(self, circuit: str, epoch: int, runs: list[tuple[int, int]]) -> None:
        """Calls that a worker has seen the end of."""
        known = self._circuits.get(circuit)
        if known is None:
            return
        breaker, name = known
        for outcome, times in runs:
            if breaker.count(outcome, times, epoch, monotonic()):
                state = "closed" if breaker.opened is None else "open"
                logger.log(logs.NOTICE, "the circuit of %s is %s: %s", name, state, breaker.reason)
                self._happened(name, breaker.opened is not None)
                self._tell()

    def worker_gone(self) -> None:
        """A worker has ended, maybe with trials of which nothing will be heard."""
        now = monotonic()
        if [one for one in self._circuits.values() if one.breaker.lost(now)]:
            self._tell()

    def _tell(self) -> None:
        if not self._telling:
            self._telling = True
            tasks.start(self._tell_all(), name="circuits")

    async def _tell_all(self) -> None:
        def decide() -> Delta:
            self._telling = False
            now = {one: opened for one, (breaker, _) in self._circuits.items() if (opened := breaker.opened)}
            put = {
                one: row_of(open_to_wire(one, opened)) for one, opened in now.items() if self._told.get(one) != opened
            }
            gone = [one for one in self._told if one not in now]
            self._told = now
            return Delta({KIND: put} if put else {}, {KIND: gone} if gone else {})

        try:
            await self._feed.change_beside(decide)
        except ChangeError as error:
            self._told = {}
            logger.error("the circuit breakers cannot be put in force: %s", error)
        self._write()

    def _read(self) -> dict[str, Open]:
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=dict[str, tuple[float, int]])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            logger.error("the circuit breakers cannot be read from %s: %s", self._path, error)
            return {}
        # After a start of the machine its clock begins again: what lies too far ahead is of an earlier run.
        latest = monotonic() + 86400
        return {one: Open(until, epoch) for one, (until, epoch) in kept.items() if until < latest}

    def _write(self) -> None:
        if not self._told and not self._path.exists():
            return
        try:
            write_atomically(self._path, msgspec.json.encode(self._told), durable=False)
        except OSError as error:
            logger.error("the circuit breakers cannot be kept in %s: %s", self._path, error.strerror)
