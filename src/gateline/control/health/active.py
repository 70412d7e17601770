"""Active checks: every address of every target that is to be probed, and the probes.

They run once a node, here, not in each worker. What a result means is counted elsewhere (`node`), together with what
workers saw; here a change of health only means another interval.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from ipaddress import ip_address
from time import monotonic
from typing import NamedTuple

from gateline.control.health.counting import Counts, Result, Thresholds
from gateline.control.health.probes import RAW, Call, Probe, RawProber
from gateline.control.health.rounds import Crew, Rounds, Turn
from gateline.control.health.streams import probed
from gateline.engine import tasks
from gateline.engine.upstream.dns import Endpoint, is_address
from gateline.engine.upstream.health import place_key
from gateline.entities import Upstream
from gateline.version import __version__

__all__ = ["ActiveChecks", "Member", "Resolve"]

logger = logging.getLogger(__name__)

TICK = 0.02
"""Seconds between two looks at what is due."""

NAMES = 5.0
"""Seconds between two looks at the addresses of names."""

AT_ONCE = 32
"""Names that are looked up together."""

_SUCCESS = Result.SUCCESS
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")

Resolve = Callable[[str], Awaitable[Iterable[Endpoint]]]


class Member(NamedTuple):
    """A target of an upstream: its id, host and port."""

    id: str
    host: str
    port: int

    @classmethod
    def of(cls, identifier: str, target: str) -> "Member":
        """From the text of a target."""
        host, _, port = target.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        return cls(identifier, str(ip_address(host)) if is_address(host) else host, int(port))


class Place(NamedTuple):
    """One place of a target: `address` is its `place_key`."""

    upstream: str
    target: str
    address: str


class _About:
    """What a turn is about; `call`: where it needs no more than a socket."""

    __slots__ = ("address", "call", "counts", "place", "port", "probe")

    def __init__(self, place: Place, address: str, port: int, probe: Probe, counts: Counts) -> None:
        self.place = place
        self.address = address
        self.port = port
        self.probe = probe
        self.counts = counts
        self.call = Call(probe, address, port) if RAW and probe.type in ("http", "tcp") else None


class _Checked:
    """An upstream that is probed."""

    def __init__(self, upstream: Upstream, members: Mapping[str, Member], certificate: tuple[str, str] | None) -> None:
        active = upstream.healthchecks.active
        self.upstream = upstream
        self.members = members
        self.certificate = certificate
        self.intervals = {True: active.healthy.interval, False: active.unhealthy.interval}
        self.crew = Crew(active.concurrency)
        self.judge = Thresholds.of(active).result
        self.turns: dict[str, dict[str, Turn]] = {one: {} for one in members}
        self.named = [member for member in members.values() if not is_address(member.host)]


class ActiveChecks:
    """The probes of a node. `result` hears of each that says something new; `counted` gives the counts of an address;
    `resolve` the endpoints of a name: none while it has none."""

    def __init__(
        self,
        result: Callable[[Place, Result], None],
        counted: Callable[[Place], Counts],
        resolve: Resolve,
        authorities: tuple[str, ...] = (),
    ) -> None:
        self._result = result
        self._counted = counted
        self._resolve = resolve
        self._authorities = authorities
        self._checked: dict[str, _Checked] = {}
        self._named: dict[str, _Checked] = {}
        """Those of which some targets are names."""
        self._rounds = Rounds(self._begin)
        self._raw = RawProber(self._over) if RAW else None
        self._tasks: list[asyncio.Task[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def close(self) -> None:
        """Probe nothing any more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        if self._raw is not None:
            self._raw.close()

    def adopt(
        self, upstream: Upstream, members: Mapping[str, Member], certificate: tuple[str, str] | None = None
    ) -> None:
        """Probe the targets of an upstream, as it says, from now on."""
        before = self._checked.get(upstream.id)
        if before is not None:
            same = before.upstream.healthchecks == upstream.healthchecks and before.certificate == certificate
            if same and before.upstream.host_header == upstream.host_header and before.members == members:
                before.upstream = upstream
                return
            self.drop(upstream.id)
        active = upstream.healthchecks.active
        if not (active.healthy.interval or active.unhealthy.interval):
            return
        checked = self._checked[upstream.id] = _Checked(upstream, members, certificate)
        for member in members.values():
            if is_address(member.host):
                self._found(checked, member, (Endpoint(member.host),))
        if checked.named:
            self._named[upstream.id] = checked
            self._look_up([(checked, member) for member in checked.named])
        self._run()

    def drop(self, upstream: str) -> None:
        """Probe the targets of an upstream no more."""
        checked = self._checked.pop(upstream, None)
        self._named.pop(upstream, None)
        if checked is not None:
            for turns in checked.turns.values():
                for turn in turns.values():
                    self._rounds.drop(turn)

    def changed(self, place: Place, *, healthy: bool) -> None:
        """An address has become healthy, or unhealthy."""
        checked = self._checked.get(place.upstream)
        turn = checked.turns.get(place.target, {}).get(place.address) if checked is not None else None
        if checked is not None and turn is not None:
            self._rounds.pace(turn, checked.intervals[healthy], monotonic())

    def addresses(self, upstream: str, target: str) -> Iterable[str]:
        """The places of a target that are probed."""
        checked = self._checked.get(upstream)
        return () if checked is None else tuple(checked.turns.get(target, ()))

    # Addresses.

    def _found(self, checked: _Checked, member: Member, endpoints: Iterable[Endpoint]) -> None:
        """Probe a target at these endpoints."""
        turns = checked.turns[member.id]
        now = monotonic()
        found: dict[str, tuple[str, int]] = {}
        for endpoint in endpoints:
            port = endpoint.port or member.port
            found[place_key(endpoint.address, port, member.port)] = endpoint.address, port
        for key in turns.keys() - found.keys():
            self._rounds.drop(turns.pop(key))
        for key, (address, port) in found.items():
            if key not in turns:
                place = Place(checked.upstream.id, member.id, key)
                counts = self._counted(place)
                about = _About(place, address, port, _probe(checked, member), counts)
                turn = turns[key] = Turn(checked.crew, checked.intervals[counts.healthy], about)
                self._rounds.add(turn, now)

    def _look_up(self, names: list[tuple[_Checked, Member]]) -> None:
        tasks.start(self._looked_up(names), name="names of probed targets")

    async def _looked_up(self, names: list[tuple[_Checked, Member]]) -> None:
        for start in range(0, len(names), AT_ONCE):
            some = names[start : start + AT_ONCE]
            found = await asyncio.gather(*(self._resolve(member.host) for _, member in some))
            for (checked, member), endpoints in zip(some, found, strict=True):
                if self._checked.get(checked.upstream.id) is checked and endpoints and not self._closed:
                    self._found(checked, member, endpoints)

    async def _keep_names(self) -> None:
        while True:
            await asyncio.sleep(NAMES)
            named = [(checked, member) for checked in self._named.values() for member in checked.named]
            await self._looked_up(named)

    # Probes.

    def _run(self) -> None:
        if self._timer is None and not self._closed:
            self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)
            if not self._tasks:
                self._tasks.append(tasks.start(self._keep_names(), name="names of probed targets"))

    def _tick(self) -> None:
        self._timer = None
        now = monotonic()
        if self._raw is not None:
            self._raw.tick(now)
        self._rounds.tick(now)
        if len(self._rounds) or self._checked:
            self._run()

    def _begin(self, turn: Turn) -> None:
        about: _About = turn.about
        if about.call is not None and self._raw is not None:
            self._raw.start(about.call, turn, turn.begun)
        else:
            tasks.start(self._probe(turn), name="probe")

    async def _probe(self, turn: Turn) -> None:
        about: _About = turn.about
        result = Result.NOTHING
        try:
            result = await probed(about.probe, about.address, about.port, self._authorities)
        finally:
            self._over(turn, result)

    def _over(self, turn: Turn, result: Result) -> None:
        if self._closed:
            return
        about: _About = turn.about
        if turn.alive and not (result is _SUCCESS and about.counts.quiet):
            self._result(about.place, result)
        self._rounds.over(turn, monotonic())


def _probe(checked: _Checked, member: Member) -> Probe:
    active = checked.upstream.healthchecks.active
    host = checked.upstream.host_header or member.host
    authority = f"[{host}]" if ":" in host and is_address(host) else host
    usual = 443 if active.type in ("https", "grpcs") else 80
    if ":" not in host.rpartition("]")[2] or is_address(host):
        authority = authority if member.port == usual else f"{authority}:{member.port}"
    lines = [f"GET {active.http_path} HTTP/1.1", f"Host: {authority}"]
    given = {name.lower() for name in active.headers or {}}
    if "user-agent" not in given:
        lines.append(f"User-Agent: gateline/{__version__} (health check)")
    lines += [
        f"{name}: {_CONTROLS.sub(' ', value)}"
        for name, values in (active.headers or {}).items()
        if name.lower() not in ("host", "connection", "content-length", "transfer-encoding")
        for value in values
    ]
    lines.append("Connection: close")
    request = "\r\n".join([*lines, "", ""]).encode()
    return Probe(
        active.type,
        active.timeout or 1.0,
        request if active.type in ("http", "https") else b"",
        checked.judge,
        server_name=active.https_sni or member.host,
        verify=active.https_verify_certificate,
        certificate=checked.certificate,
        authority=authority,
    )
