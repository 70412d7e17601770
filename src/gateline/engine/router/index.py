"""The index of one host's candidates by path.

The sorted path prefixes of a bucket are searched by bisection. The greatest prefix that does not come after the path
either is a prefix of the path or begins with all of those that are, so following the `parent` links (the longest proper
prefix that is in the bucket) visits every prefix of the path that there is. Regex paths sit under their literal
beginning, candidates without path under the empty prefix.
"""

import heapq
from bisect import bisect_right
from collections.abc import Callable
from typing import TypeVar, final

from gateline.engine.router.candidates import Candidate
from gateline.engine.router.groups import STEP, Built, Group, grouped
from gateline.engine.router.interface import Match, RouteRequest
from gateline.engine.router.priority import LAST

__all__ = ["Bucket", "bucket_of"]

_SORTED_AT_ONCE = 1024
_Item = TypeVar("_Item")


@final
class _Node:
    """One path prefix. `best` is the best rank here and up the parents; `sure` the match that always gives it, if one
    does.
    """

    __slots__ = ("best", "group", "parent", "prefix", "sure")

    def __init__(self, prefix: bytes, parent: "_Node | None", group: Group) -> None:
        self.prefix = prefix
        self.parent = parent
        self.group = group
        self.best: int = group.best if parent is None else min(group.best, parent.best)
        self.sure = group.candidates[0].sure if group.candidates and group.best == self.best else None


@final
class Bucket:
    """The candidates of one host (or of all hosts) by path."""

    __slots__ = ("_keys", "_nodes", "best")

    def __init__(self, keys: list[bytes], nodes: list[_Node | None]) -> None:
        self._keys = keys
        self._nodes = nodes  # one longer than `keys`, begins with None: `bisect_right` of a path is the index
        self.best = min((node.best for node in nodes if node is not None), default=LAST)

    def search(self, request: RouteRequest, path: bytes, limit: int) -> Match | None:
        """The best match that comes before `limit`."""
        node = self._nodes[bisect_right(self._keys, path)]
        found = None
        while node is not None and node.best < limit:
            if path.startswith(node.prefix):
                sure = node.sure
                if sure is not None:
                    return sure
                if node.group.best < limit:
                    match = node.group.search(request, limit)
                    if match is not None:
                        found = match
                        limit = match.rank
            node = node.parent
        return found


def bucket_of(candidates: list[Candidate]) -> Built[Bucket]:
    """The bucket of these candidates, in any order."""
    members: dict[bytes, list[Candidate]] = {}
    for count, candidate in enumerate(candidates):
        if count % STEP == STEP - 1:
            yield
        members.setdefault(candidate.prefix, []).append(candidate)
    keys = yield from _sorted(list(members), _itself)
    nodes: list[_Node | None] = [None]
    enclosing: list[_Node] = []
    for count, key in enumerate(keys):
        if count % STEP == STEP - 1:
            yield
        here = members[key]
        if len(here) > 1:
            here = yield from _sorted(here, _rank)
        group = yield from grouped(here)
        while enclosing and not key.startswith(enclosing[-1].prefix):
            enclosing.pop()
        node = _Node(key, enclosing[-1] if enclosing else None, group)
        enclosing.append(node)
        nodes.append(node)
    return Bucket(keys, nodes)


def _itself(key: bytes) -> bytes:
    return key


def _rank(candidate: Candidate) -> int:
    return candidate.rank


def _sorted(items: list[_Item], key: Callable[[_Item], int] | Callable[[_Item], bytes]) -> Built[list[_Item]]:
    """The items sorted, a bounded piece at a time."""
    if len(items) <= _SORTED_AT_ONCE:
        return sorted(items, key=key)
    runs = []
    for start in range(0, len(items), _SORTED_AT_ONCE):
        runs.append(sorted(items[start : start + _SORTED_AT_ONCE], key=key))
        yield
    merged: list[_Item] = []
    for count, item in enumerate(heapq.merge(*runs, key=key)):
        if count % STEP == 0:
            yield
        merged.append(item)
    return merged
