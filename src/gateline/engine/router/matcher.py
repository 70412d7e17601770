"""The router: from a request to the route that takes it.

Candidates are spread over buckets by host: one for each exact name, one for each wildcard, one for routes that name no
host. A request looks into the few buckets that its host can be in, best first, and never into one whose best candidate
could not win any more; inside a bucket the path decides (see `index`). Every candidate has a rank (see `priority`), so
whatever the order of the look-ups, the lowest rank that takes the request is the answer, and a route with fewer
attributes is found when those with more do not hold.
"""

from collections import Counter
from collections.abc import Iterator
from weakref import WeakValueDictionary

from gateline.engine.router.hosts import HostKey, WildcardKeys, wildcard_end
from gateline.engine.router.index import AnyBucket
from gateline.engine.router.interface import Match, RouteRequest
from gateline.engine.router.priority import LAST
from gateline.engine.router.regexes import Regex
from gateline.engine.router.steps import STEP, Built

__all__ = ["ANY_HOST", "Router"]

ANY_HOST = HostKey(b"", "any")
"""The key of the bucket of routes that name no host."""


class _OpenHosts:
    """The buckets of host entries with a wildcard or a port."""

    __slots__ = ("_wildcards", "best", "buckets")

    def __init__(self, buckets: dict[HostKey, AnyBucket], wildcards: WildcardKeys) -> None:
        self.buckets = buckets
        self._wildcards = wildcards
        self.best = min([bucket.best for bucket in buckets.values()], default=LAST)

    def after(self, changes: dict[HostKey, AnyBucket | None]) -> "Built[_OpenHosts | None]":
        """The same after a change of some buckets, of which those that are None go; None where none is left."""
        buckets = dict(self.buckets)
        counts = Counter(self._wildcards.counts)
        for place, (key, bucket) in enumerate(changes.items()):
            if place % STEP == STEP - 1:
                yield
            if key.wildcard:
                counts[wildcard_end(key)] += (bucket is not None) - (key in buckets)
            if bucket is not None:
                buckets[key] = bucket
            else:
                buckets.pop(key, None)
        if not buckets:
            return None
        return _OpenHosts(buckets, WildcardKeys({end: count for end, count in counts.items() if count}))

    def search(self, request: RouteRequest, path: bytes, limit: int) -> Match | None:
        """The best match that comes before `limit`."""
        found = None
        for key in self._keys(request.host, request.port):
            bucket = self.buckets.get(key)
            if bucket is not None and bucket.best < limit:
                match = bucket.search(request, path, limit)
                if match is not None:
                    found, limit = match, match.rank
        return found

    def _keys(self, host: bytes, port: int) -> Iterator[HostKey]:
        yield HostKey(host, "", port)
        yield from self._wildcards.of(host, port)


_NO_OPEN_HOSTS = _OpenHosts({}, WildcardKeys())


class Router:
    """Immutable. An empty one is made by `Router()`, others by a `RouterBuilder`."""

    __slots__ = ("_anywhere", "_hosts", "_open_hosts", "regexes")

    def __init__(self) -> None:
        self._anywhere: AnyBucket | None = None
        self._hosts: dict[bytes, AnyBucket] = {}
        self._open_hosts: _OpenHosts | None = None
        self.regexes: WeakValueDictionary[str, Regex] = WeakValueDictionary()
        """The compiled path regexes in use by pattern, for whoever builds the next version."""

    def match(self, request: RouteRequest) -> Match | None:
        """The route that takes the request, None when there is none."""
        return self.find(request, request.host, request.path)

    def find(self, request: RouteRequest, host: bytes, path: bytes) -> Match | None:
        """The same for whoever has the request's host and path at hand."""
        limit = LAST
        found = None
        bucket = self._hosts.get(host)
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

    def bucket(self, key: HostKey) -> AnyBucket | None:
        """The bucket of that key."""
        if key == ANY_HOST:
            return self._anywhere
        if key.wildcard or key.port:
            return None if self._open_hosts is None else self._open_hosts.buckets.get(key)
        return self._hosts.get(key.text)

    def after(self, changes: dict[HostKey, AnyBucket | None]) -> "Built[Router]":
        """The router after a change of some buckets, of which those that are None go."""
        hosts: dict[bytes, AnyBucket | None] = {}
        open_hosts: dict[HostKey, AnyBucket | None] = {}
        for place, (key, bucket) in enumerate(changes.items()):
            if place % STEP == STEP - 1:
                yield
            if key.wildcard or key.port:
                open_hosts[key] = bucket
            else:
                hosts[key.text] = bucket
        router = Router()
        router.regexes = self.regexes
        router._anywhere = open_hosts.pop(ANY_HOST, self._anywhere)
        router._open_hosts = self._open_hosts
        if open_hosts:
            router._open_hosts = yield from (self._open_hosts or _NO_OPEN_HOSTS).after(open_hosts)
        router._hosts = self._hosts
        if hosts:
            yield
            router._hosts = dict(self._hosts)
            for place, (text, bucket) in enumerate(hosts.items()):
                if place % STEP == STEP - 1:
                    yield
                if bucket is not None:
                    router._hosts[text] = bucket
                else:
                    router._hosts.pop(text, None)
        return router
