"""The router: from a request to the route that takes it.

Candidates are spread over buckets by host: one for each exact name, one for each wildcard, one for routes that name no
host. A request looks into the few buckets that its host can be in, best first, and never into one whose best candidate
could not win any more; inside a bucket the path decides (see `index`). Every candidate has a rank (see `priority`), so
whatever the order of the look-ups, the lowest rank that takes the request is the answer, and a route with fewer
attributes is found when those with more do not hold.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, final

from gateline.engine.router.candidates import Candidate, classic_candidates
from gateline.engine.router.expressions import expression_candidates
from gateline.engine.router.groups import STEP
from gateline.engine.router.hosts import HostKey, WildcardKeys, host_key
from gateline.engine.router.index import Bucket, bucket_of
from gateline.engine.router.interface import Match, RouteLike, RouteRequest
from gateline.engine.router.priority import LAST
from gateline.engine.router.regexes import Regex

__all__ = ["Flavor", "Router", "RouterBuilder"]

Flavor = Literal["traditional_compatible", "traditional", "expressions"]

_ANY_HOST = HostKey(b"", "any")
_STREAM_PROTOCOLS = frozenset({"tcp", "tls", "udp", "tls_passthrough"})


@final
class _OpenHosts:
    """The buckets of host entries with a wildcard or a port."""

    __slots__ = ("_buckets", "_wildcards", "best")

    def __init__(self, buckets: dict[HostKey, Bucket]) -> None:
        self._buckets = buckets
        self._wildcards = WildcardKeys(buckets)
        self.best = min(bucket.best for bucket in buckets.values())

    def search(self, request: RouteRequest, path: bytes, limit: int) -> Match | None:
        """The best match that comes before `limit`."""
        found = None
        for key in self._keys(request.host, request.port):
            bucket = self._buckets.get(key)
            if bucket is not None and bucket.best < limit:
                match = bucket.search(request, path, limit)
                if match is not None:
                    found, limit = match, match.rank
        return found

    def _keys(self, host: bytes, port: int) -> Iterator[HostKey]:
        yield HostKey(host, "", port)
        yield from self._wildcards.of(host, port)


@final
class Router:
    """Immutable, made by a `RouterBuilder`."""

    __slots__ = ("_anywhere", "_hosts", "_open_hosts", "_regexes")

    def __init__(self, buckets: dict[HostKey, Bucket], regexes: dict[str, Regex]) -> None:
        self._anywhere = buckets.pop(_ANY_HOST, None)
        self._hosts = {key.text: bucket for key, bucket in buckets.items() if not key.wildcard and not key.port}
        open_hosts = {key: bucket for key, bucket in buckets.items() if key.wildcard or key.port}
        self._open_hosts = _OpenHosts(open_hosts) if open_hosts else None
        self._regexes = regexes

    def match(self, request: RouteRequest) -> Match | None:
        """The route that takes the request, None when there is none."""
        path = request.path
        limit = LAST
        found = None
        bucket = self._hosts.get(request.host)
        if bucket is not None:
            found = bucket.search(request, path, limit)
            if found is not None:
                limit = found.rank
        open_hosts = self._open_hosts
        if open_hosts is not None and open_hosts.best < limit:
            match = open_hosts.search(request, path, limit)
            if match is not None:
                found = match
                limit = match.rank
        bucket = self._anywhere
        if bucket is not None and bucket.best < limit:
            match = bucket.search(request, path, limit)
            if match is not None:
                return match
        return found

    @property
    def regexes(self) -> dict[str, Regex]:
        """The compiled path regexes by pattern, for the builder of the next version."""
        return self._regexes


@final
class RouterBuilder:
    """Compiles routes into a `Router`, in pieces that an event loop can serve between.

    `add` each route, exhaust `steps` (each takes well under a millisecond; only a set of very many regexes under one
    literal beginning takes up to 3 ms), then `build`. With the `previous` router, regexes that it has are not compiled
    again.
    """

    def __init__(self, flavor: Flavor = "traditional_compatible", previous: Router | None = None) -> None:
        self._flavor: Flavor = flavor
        self._candidates: dict[HostKey, list[Candidate]] = {}
        self._buckets: dict[HostKey, Bucket] = {}
        self._known_regexes = previous.regexes if previous is not None else {}
        self._regexes: dict[str, Regex] = {}
        self._steps: Iterator[None] | None = None

    def add(self, route: RouteLike, target: object) -> None:
        """Take in a route; `target` is what its matches give back.

        Raise `RouteError` if it cannot be compiled; the builder is then as it was.
        """
        if route.protocols and _STREAM_PROTOCOLS.issuperset(route.protocols):
            return  # it takes connections, not requests
        hosts: Iterable[HostKey] | None = None
        candidates: Sequence[Candidate]
        if self._flavor == "expressions" and route.expression is not None:
            hosts, candidates = expression_candidates(route, target, route.expression)
        else:
            flavor = self._flavor if self._flavor == "traditional" else "traditional_compatible"
            candidates = list(classic_candidates(route, target, flavor, self._regex))
            if route.hosts:
                hosts = {host_key(entry): None for entry in route.hosts}
        for key in (_ANY_HOST,) if hosts is None else hosts:
            self._candidates.setdefault(key, []).extend(candidates)

    def steps(self) -> Iterator[None]:
        """The work left after the last `add`, a piece at a time."""
        if self._steps is None:
            self._steps = self._work()
        return self._steps

    def build(self) -> Router:
        """The router; does first what is left of `steps`."""
        for _ in self.steps():
            pass
        return Router(self._buckets, self._regexes)

    def _regex(self, pattern: str) -> Regex:
        regex = self._regexes.get(pattern)
        if regex is None:
            regex = self._known_regexes.get(pattern) or Regex(pattern)
            self._regexes[pattern] = regex
        return regex

    def _work(self) -> Iterator[None]:
        shared: dict[tuple[int, ...], Bucket] = {}  # hosts with the same candidates (those of one route) share a bucket
        done = 0
        for key, candidates in self._candidates.items():
            done += len(candidates) + 1
            if done >= STEP:
                done = 0
                yield
            identities = tuple(map(id, candidates))
            bucket = shared.get(identities)
            if bucket is None:
                bucket = yield from bucket_of(candidates)
                shared[identities] = bucket
            self._buckets[key] = bucket
