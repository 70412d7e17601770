"""The health of targets, once a node: what is known of it, and how it gets to the workers.

The state of a target is which of its addresses are healthy: all but a few, or none but a few, so that it also says what
an address is that a name gets tomorrow. From it follows what the workers need (`engine.upstream.health`), which travels
on the feed beside the configuration: who sets a state is told when it is in force in every worker, and a worker that
starts has it before its first request. States are forgotten with their target, when it gets another address, and when
its upstream has no health checks any more; they are kept on disk for the process that takes this one's place.

Whoever finds something out about a target says it: a person with `set`, and is told when it is so; checks with `found`,
of which many come together when much fails at once; outlier detection with `eject`, which is for some time and says
nothing of health: a target gets requests when it is healthy and not ejected.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import msgspec

from gateline.admin.node import AddressHealth
from gateline.control import logs
from gateline.control.errors import ChangeError
from gateline.control.feed import FeedServer
from gateline.control.rows import Delta, Rows, row_of
from gateline.control.state import write_atomically
from gateline.engine import tasks
from gateline.engine.upstream.dns import Endpoint, NameResolutionError, Resolver, is_address
from gateline.engine.upstream.health import KIND, Addresses, Health, health_to_wire, place_key
from gateline.entities import Target, Upstream

logger = logging.getLogger(__name__)

WHOLE = "*"
"""Instead of a place: whichever address a name has."""

LOOK_UP = 2.0
"""Seconds that a name may take; it has no address then."""

LOOK_AGAIN = 5.0
"""Seconds after which names of which some addresses are unhealthy are looked up again: they may have others by now."""


FEW, KEEP = 1000, 0.5
"""So many states are written to disk with each change; more after so many seconds."""


class _State(msgspec.Struct, frozen=True):
    """What is known of a target; `upstream` is its id, `target` its host and port."""

    upstream: str
    target: str
    healthy: bool = True
    others: frozenset[str] = frozenset()
    ejected: dict[str, float] = {}
    """Addresses that outlier detection has ejected, until these times (seconds since 1970)."""

    @property
    def addresses(self) -> Addresses:
        """Those that take requests."""
        if not self.ejected:
            return Addresses(self.healthy, self.others)
        if WHOLE in self.ejected:
            return Addresses(False)
        others = self.others | self.ejected.keys() if self.healthy else self.others - self.ejected.keys()
        return Addresses(self.healthy, others)

    @property
    def well(self) -> bool:
        return self.healthy and not self.others and not self.ejected


class Finding(NamedTuple):
    """What was found out about a target or one of its addresses, by ids, and why."""

    upstream: str
    target: str
    address: str | None
    healthy: bool
    reason: str = ""


Told = Callable[[Finding], None]
"""Hears what a person has set."""


class TargetStates:
    """The states of a node's targets. `path` is where they are kept; `resolver` looks their names up."""

    def __init__(self, feed: FeedServer, path: Path, resolver: Resolver | None = None) -> None:
        self._feed = feed
        self._path = path
        self._resolver = resolver or Resolver()
        self._states: dict[str, _State] = {}
        """By the targets' ids; none of those that are well."""
        self._of_upstream: dict[str, set[str]] = {}
        self._serving: dict[str, bool] = {}
        self._one = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None
        self._found: list[Finding] = []
        self._flushing = False
        self._keeper: asyncio.TimerHandle | None = None
        self._told: Told = lambda _: None

    def tell(self, told: Told) -> None:
        """Who hears what a person has set."""
        self._told = told

    async def start(self) -> None:
        """Take up what was kept, before there is a configuration."""
        kept = self._read()
        for target, state in kept.items():
            self._note(target, state)
        rows = await asyncio.gather(*(self._row(target, state) for target, state in kept.items()))
        self._feed.accompany({KIND: dict(zip(kept, rows, strict=True))}, self._follow)
        self._watch = tasks.start(self._look_again(), name="names of targets")

    def close(self) -> None:
        """Look at nothing any more."""
        if self._keeper is not None:
            self._write()
        if self._watch is not None:
            self._watch.cancel()

    # What is known.

    async def of(self, upstream: Upstream, targets: Sequence[Target]) -> list[list[AddressHealth]]:
        """The addresses of each target, in their order, and whether they are healthy; of a name without any, none."""
        found = await asyncio.gather(*(self._places(target.target) for target in targets))
        return [
            [AddressHealth(*where, self._known(upstream, target).takes(place)) for place, where in places.items()]
            for target, places in zip(targets, found, strict=True)
        ]

    def _known(self, upstream: Upstream, target: Target) -> Addresses:
        state = self._states.get(target.id)
        counts = state is not None and upstream.is_checked and state.target == target.target
        return state.addresses if counts and state is not None else Addresses()

    def takes(self, target: str, address: str) -> bool:
        """Whether a place of a target (`place_key`) was found healthy, ejected or not."""
        state = self._states.get(target)
        return state is None or Addresses(state.healthy, state.others).takes(address)

    async def resolved(self, host: str) -> tuple[Endpoint, ...]:
        """Where a target's host leads to: nowhere while its name has no address."""
        try:
            async with asyncio.timeout(LOOK_UP):
                return (await self._resolver.look_up(host)).endpoints
        except (NameResolutionError, TimeoutError):
            return ()

    async def _places(self, target: str) -> dict[str, tuple[str, int]]:
        """The places of a target, by what they are called (`place_key`): address and port."""
        usual = int(target.rpartition(":")[2])
        found = [(endpoint.address, endpoint.port or usual) for endpoint in await self.resolved(_host(target))]
        return {place_key(*where, usual): where for where in found}

    # Changes.

    async def set(self, upstream: str, target: str, address: str | None, *, healthy: bool) -> None:
        """Set a target, or one of its addresses (`place_key`), healthy or unhealthy, by ids; when this returns, every
        worker goes by it. Nothing happens when the target is not in force (any more). Raises ChangeError."""
        meant = await self._meant(target, address)
        findings = [Finding(upstream, target, one, healthy, "set by hand") for one in meant]
        async with self._one:
            self._found = [one for one in self._found if one.target != target]
            await self._put_in_force(findings)
        for finding in findings:
            self._told(finding)

    async def _meant(self, target: str, address: str | None) -> list[str | None]:
        """The places that a person means: an address without a port is all of them there, if none has the target's."""
        text = _target_text(self._feed.rows, target)
        if address is None or text is None or is_address(_host(text)):
            return [address]
        places = await self._places(text)
        there: list[str | None] = [place for place, (ip, _) in places.items() if ip == address]
        return [address] if address in places or not there else there

    def found(self, finding: Finding) -> None:
        """Say what a check has found out; it is in force soon."""
        self._found.append(finding)
        if not self._flushing:
            self._flushing = True
            tasks.start(self._flush(), name="health of targets")

    async def _flush(self) -> None:
        try:
            while self._found:
                async with self._one:
                    found, self._found = self._found, []
                    try:
                        await self._put_in_force(found)
                    except ChangeError as error:
                        logger.error("what checks have found out cannot be put in force: %s", error)
        finally:
            self._flushing = False

    async def eject(self, upstream: str, target: str, address: str, until: float, reason: str) -> None:
        """Send nothing to an address until a time (seconds since 1970)."""
        async with self._one:
            state = self._state(upstream, target)
            if state is not None:
                ejected = {**state.ejected, address: until}
                await self._try_to_put({target: msgspec.structs.replace(state, ejected=ejected)})
                logger.log(
                    logs.NOTICE, "target %s of upstream %s is ejected (%s)", state.target, self._name(upstream), reason
                )

    async def restore(self) -> None:
        """Take back the ejections of which the time is over."""
        now = time.time()
        async with self._one:
            after: dict[str, _State] = {}
            for target, state in self._states.items():
                if state.ejected and any(until <= now for until in state.ejected.values()):
                    ejected = {address: until for address, until in state.ejected.items() if until > now}
                    after[target] = msgspec.structs.replace(state, ejected=ejected)
            if after:
                await self._try_to_put(after)
                for state in after.values():
                    logger.log(
                        logs.NOTICE, "target %s of upstream %s is back", state.target, self._name(state.upstream)
                    )

    def ejected(self, upstream: str) -> dict[tuple[str, str], float]:
        """The ejected addresses of an upstream, by target and address."""
        return {
            (target, address): until
            for target in self._of_upstream.get(upstream, ())
            for address, until in self._states[target].ejected.items()
        }

    def _state(self, upstream: str, target: str) -> _State | None:
        """What is known of a target, which is in force."""
        text = _target_text(self._feed.rows, target)
        if text is None:
            return None
        return self._states.get(target) or _State(upstream, text)

    async def _try_to_put(self, after: Mapping[str, _State]) -> None:
        try:
            await self._put(after)
        except ChangeError as error:
            logger.error("what outlier detection has decided cannot be put in force: %s", error)

    async def _put_in_force(self, findings: Sequence[Finding]) -> None:
        after: dict[str, _State] = {}
        for one in findings:
            state = after.get(one.target) or self._state(one.upstream, one.target)
            if state is not None:
                after[one.target] = _changed(state, one.address, one.healthy)
        await self._put(after)
        for one in findings:
            if one.target in after:
                text = after[one.target].target
                where = f"{one.address} of {text}" if one.address and one.address != _host(text) else text
                logger.log(
                    logs.NOTICE,
                    "target %s of upstream %s is %s (%s)",
                    where,
                    self._name(one.upstream),
                    _WORDS[one.healthy],
                    one.reason,
                )

    def _name(self, upstream: str) -> str:
        """What an upstream is called in messages."""
        row = self._feed.rows.get("upstreams", {}).get(upstream)
        return upstream if row is None else str(msgspec.msgpack.decode(row)["name"])

    async def _put(self, after: Mapping[str, _State]) -> None:
        rows = {target: await self._row(target, state) for target, state in after.items()}
        before: dict[str, _State | None] = {}

        def decide() -> Delta:
            put: dict[str, bytes] = {}
            gone: list[str] = []
            for target, state in after.items():
                if not self._stands(target, state):  # no more
                    continue
                before[target] = self._states.get(target)
                self._note(target, state)
                if state.well:
                    gone.append(target)
                else:
                    put[target] = rows[target]
            return Delta({KIND: put} if put else {}, {KIND: gone} if gone else {})

        try:
            await self._feed.change_beside(decide)
        except ChangeError:
            for target, state in before.items():
                self._note(target, state)
            raise
        self._keep()

    async def _row(self, target: str, state: _State) -> bytes:
        serving = self._serving[target] = await self._serves(state)
        addresses = state.addresses
        by_address = addresses.others and not is_address(_host(state.target))
        return row_of(health_to_wire(target, Health(serving, addresses if by_address else None)))

    async def _serves(self, state: _State) -> bool:
        """Whether a target has an address that is healthy; while its name cannot be looked up, it may have."""
        addresses = state.addresses
        if not addresses.others:
            return addresses.healthy
        known = await self._places(state.target)
        return not known or any(addresses.takes(address) for address in known)

    async def _look_again(self) -> None:
        """See to it that a target takes requests as long as its name has an address that is healthy."""
        while True:
            await asyncio.sleep(LOOK_AGAIN)
            async with self._one:
                for target, state in list(self._states.items()):
                    if not state.addresses.others or self._serving.get(target) == await self._serves(state):
                        continue
                    try:
                        await self._put({target: state})
                    except ChangeError as error:
                        logger.error("the health of target %s cannot be put in force: %s", state.target, error)

    # What goes.

    def _follow(self, delta: Delta | None) -> Delta:
        """Forget the states of targets that are gone or others, or not checked any more."""
        gone = [one for one in self._concerned(delta) if not self._stands(one, self._states[one])]
        if not gone:
            return Delta()
        for one in gone:
            self._note(one, None)
        self._write()
        return Delta(delete={KIND: gone})

    def _concerned(self, delta: Delta | None) -> Iterable[str]:
        if delta is None:
            return list(self._states)
        if not self._states:
            return ()
        found = [one for kind in (delta.put, delta.delete) for one in kind.get("targets", ()) if one in self._states]
        found += [
            one
            for kind in (delta.put, delta.delete)
            for upstream in kind.get("upstreams", ())
            for one in self._of_upstream.get(upstream, ())
        ]
        return dict.fromkeys(found)

    def _stands(self, target: str, state: _State) -> bool:
        rows = self._feed.rows
        upstream = rows.get("upstreams", {}).get(state.upstream)
        if upstream is None or _target_text(rows, target) != state.target:
            return False
        return Upstream.from_wire(msgspec.msgpack.decode(upstream)).is_checked

    def _note(self, target: str, state: _State | None) -> None:
        before = self._states.pop(target, None)
        if before is not None:
            of_upstream = self._of_upstream[before.upstream]
            of_upstream.discard(target)
            if not of_upstream:
                del self._of_upstream[before.upstream]
        if state is None or state.well:
            self._serving.pop(target, None)
            return
        self._states[target] = state
        self._of_upstream.setdefault(state.upstream, set()).add(target)

    # On disk.

    def _read(self) -> dict[str, _State]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, _State])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            logger.error("the health of targets cannot be read from %s: %s", self._path, error)
            return {}

    def _keep(self) -> None:
        """Write them now; when they are many, and so may change often, a moment later."""
        if len(self._states) <= FEW:
            self._write()
        elif self._keeper is None:
            self._keeper = asyncio.get_running_loop().call_later(KEEP, self._write)

    def _write(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None
        try:
            write_atomically(self._path, msgspec.json.encode(self._states), durable=False)
        except OSError as error:
            logger.error("the health of targets cannot be kept in %s: %s", self._path, error.strerror)


_WORDS = {True: "healthy", False: "unhealthy"}


def _changed(state: _State, address: str | None, healthy: bool) -> _State:
    if address is None or _host(state.target) == address:
        return msgspec.structs.replace(state, healthy=healthy, others=frozenset())
    if healthy == state.healthy:
        return msgspec.structs.replace(state, others=state.others - {address})
    return msgspec.structs.replace(state, others=state.others | {address})


def _target_text(rows: Rows, target: str) -> str | None:
    """Host and port of a target that is in force."""
    row = rows.get("targets", {}).get(target)
    return None if row is None else msgspec.msgpack.decode(row)["target"]


def _host(target: str) -> str:
    """The name of a target, or its address in the form that a look-up has."""
    host = target.rpartition(":")[0].strip("[]")
    return str(ip_address(host)) if is_address(host) else host
