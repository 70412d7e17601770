"""Building routers: from nothing, or from the last one and what changes in it.

A route is compiled into candidates (see `candidates`), which go into the buckets of its hosts. Only buckets in which
something changes are made again, and of these only the parts in which something changes; the new router shares all
others with the last one, which goes on answering as before.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, final

from gateline.engine.router.candidates import Candidate, classic_candidates
from gateline.engine.router.expressions import expression_candidates
from gateline.engine.router.hosts import HostKey, host_key
from gateline.engine.router.index import AnyBucket, bucket_after, bucket_of
from gateline.engine.router.interface import RouteLike
from gateline.engine.router.matcher import ANY_HOST, Router
from gateline.engine.router.regexes import Regex
from gateline.engine.router.steps import STEP, Change

__all__ = ["Flavor", "RouterBuilder", "RouterEntry"]

Flavor = Literal["traditional_compatible", "traditional", "expressions"]

_STREAM_PROTOCOLS = frozenset({"tcp", "tls", "udp", "tls_passthrough"})

_FREED_AT_ONCE = 50


class RouterEntry(NamedTuple):
    """What a route put into a router, by which it can be taken out again."""

    hosts: tuple[HostKey, ...]
    candidates: tuple[Candidate, ...]


@final
class RouterBuilder:
    """Compiles routes into a `Router`, in pieces that an event loop can serve between.

    `remove` and `add` routes, exhaust `steps` (each takes well under a millisecond; a set of very many regexes under
    one literal beginning takes one), then `build`. What is not removed from the `previous` router stays.
    """

    def __init__(self, flavor: Flavor = "traditional_compatible", previous: Router | None = None) -> None:
        self._flavor: Flavor = flavor
        self._last = previous or Router()
        self._changes: dict[HostKey, Change] = {}
        self._router = self._last
        self._steps: Iterator[None] | None = None
        self._leftovers: list[object] = []  # what only the previous router has any use for

    def add(self, route: RouteLike, target: object) -> RouterEntry:
        """Take in a route; `target` is what its matches give back.

        Raise `RouteError` if it cannot be compiled; the builder is then as it was.
        """
        if route.protocols and _STREAM_PROTOCOLS.issuperset(route.protocols):
            return RouterEntry((), ())  # it takes connections, not requests
        hosts: Iterable[HostKey] | None = None
        candidates: tuple[Candidate, ...]
        if self._flavor == "expressions" and route.expression is not None:
            hosts, of_expression = expression_candidates(route, target, route.expression)
            candidates = tuple(of_expression)
        else:
            flavor = self._flavor if self._flavor == "traditional" else "traditional_compatible"
            candidates = tuple(classic_candidates(route, target, flavor, self._regex))
            if route.hosts:
                hosts = {host_key(entry): None for entry in route.hosts}
        entry = RouterEntry((ANY_HOST,) if hosts is None else tuple(hosts), candidates)
        for key in entry.hosts:
            self._change(key).come.extend(candidates)
        return entry

    def remove(self, entry: RouterEntry) -> None:
        """Take out a route that the previous router has: what `add` returned for it."""
        for key in entry.hosts:
            self._change(key).gone.extend(entry.candidates)

    def steps(self) -> Iterator[None]:
        """The work left after the last `add` or `remove`, a piece at a time."""
        if self._steps is None:
            self._steps = self._work()
        return self._steps

    def build(self) -> Router:
        """The router; does first what is left of `steps`."""
        for _ in self.steps():
            pass
        return self._router

    def release(self) -> Iterator[None]:
        """After `build`: let go of the previous router and of what it does not share with the new one.

        A bit at a time, as freeing much takes long, too; that helps when nobody else holds the previous router.
        """
        self._steps = None
        self._last = self._router
        while self._leftovers:
            del self._leftovers[-_FREED_AT_ONCE:]
            yield
        count = 0
        while self._changes:
            _, change = self._changes.popitem()
            for pile in (change.gone, change.come):
                while len(pile) > STEP:
                    del pile[-STEP:]
                    yield
            count += 1
            if count % _FREED_AT_ONCE == 0:
                yield

    def _change(self, key: HostKey) -> Change:
        change = self._changes.get(key)
        if change is None:
            change = self._changes[key] = Change()
        return change

    def _regex(self, pattern: str) -> Regex:
        known = self._last.regexes
        regex = known.get(pattern)
        if regex is None:
            regex = known[pattern] = Regex(pattern)
        return regex

    def _work(self) -> Iterator[None]:
        buckets: dict[HostKey, AnyBucket | None] = {}
        shared: dict[object, AnyBucket | None] = {}  # hosts with the same candidates share a bucket
        done = 0
        for key, change in self._changes.items():
            done += len(change.come) + len(change.gone) + 1
            if done >= STEP:
                done = 0
                yield
            last = self._last.bucket(key)
            alike = self._likeness(last, change)
            if alike not in shared:
                if isinstance(alike, int):
                    shared[alike] = bucket_of(change.come[0])
                else:
                    self._leftovers.append(last)
                    shared[alike] = yield from bucket_after(last, change, self._leftovers)
            buckets[key] = shared[alike]
        if buckets:
            yield
            self._router = yield from self._last.after(buckets)

    def _likeness(self, last: AnyBucket | None, change: Change) -> object:
        """What is equal for two hosts of which the buckets are the same after the change."""
        if last is None and len(change.come) == 1:
            return id(change.come[0])
        if len(self._changes) == 1:
            return None
        return id(last), tuple(map(id, change.gone)), tuple(map(id, change.come))
