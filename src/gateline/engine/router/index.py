"""The index of one host's candidates by path.

The sorted path prefixes of a bucket are searched by bisection. The greatest prefix that does not come after the path
either is a prefix of the path or begins with all of those that are, so following the `parent` links (the longest proper
prefix that is in the bucket) visits every prefix of the path that there is. Regex paths sit under their literal
beginning, candidates without path under the empty prefix.

Buckets are immutable. A changed one is made from the last: the prefixes that begin with a changed one lie side by side,
and only their nodes are made again, as their links lead to the changed one.
"""

from bisect import bisect_left, bisect_right
from typing import cast, final

from gateline.engine.router.candidates import Candidate
from gateline.engine.router.groups import Group, grouped
from gateline.engine.router.interface import Match, RouteRequest
from gateline.engine.router.priority import LAST
from gateline.engine.router.steps import STEP, Built, Change, in_order, spread

__all__ = ["Bucket", "bucket_after", "bucket_of"]

_COPIED_AT_ONCE = 32 * 1024
_CHANGED_AT_ONCE = 32
_LOOKED_AT_AT_ONCE = 1024


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
        best = group.best
        if parent is None or best <= parent.best:
            self.best: int = best
            self.sure = group.candidates[0].sure
        else:
            self.best = parent.best
            self.sure = None


@final
class Bucket:
    """The candidates of one host (or of all hosts) by path; at least one. `best` is the best rank among them."""

    __slots__ = ("best", "keys", "nodes")

    def __init__(self, keys: list[bytes], nodes: list[_Node | None], best: int) -> None:
        self.keys = keys
        self.nodes = nodes  # one longer than `keys`, begins with None: `bisect_right` of a path is the index
        self.best = best

    def search(self, request: RouteRequest, path: bytes, limit: int) -> Match | None:
        """The best match that comes before `limit`."""
        node = self.nodes[bisect_right(self.keys, path)]
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


def bucket_after(last: Bucket | None, change: Change, leftovers: list[object]) -> Built[Bucket | None]:
    """The bucket after a change of its candidates, None where none is left.

    What only the last one has any use for is added to `leftovers`.
    """
    changes = yield from spread(change, lambda candidate: (candidate.prefix,))
    prefixes = yield from in_order(list(changes))
    before = _EMPTY if last is None else last
    keys: list[bytes] = []
    nodes: list[_Node | None] = [None]
    copied = done = 0
    while done < len(prefixes):
        first = b"" if last is None else prefixes[done]
        start = bisect_left(before.keys, first, copied)
        yield from _copy(before, copied, start, keys, nodes)
        end = _end_of(before.keys, first, start)
        until = _end_of(prefixes, first, done)
        yield from _make(before, range(start, end), changes, prefixes[done:until], keys, nodes)
        leftovers += before.nodes[start + 1 : end + 1]
        if until // _CHANGED_AT_ONCE != done // _CHANGED_AT_ONCE:
            yield
        copied, done = end, until
    yield from _copy(before, copied, len(before.keys), keys, nodes)
    if not keys:
        return None
    return Bucket(keys, nodes, (yield from _best_after(last, change, nodes)))


def bucket_of(candidate: Candidate) -> Bucket:
    """The bucket of a single candidate."""
    return Bucket([candidate.prefix], [None, _Node(candidate.prefix, None, Group((candidate,)))], candidate.rank)


_EMPTY = Bucket([], [None], 0)


def _end_of(keys: list[bytes], first: bytes, start: int) -> int:
    """Where those of the sorted keys end, from `start` on, that begin with `first`."""
    stem = first.rstrip(b"\xff")
    if not stem:
        return len(keys)
    return bisect_left(keys, stem[:-1] + bytes((stem[-1] + 1,)), start)


def _copy(before: Bucket, start: int, end: int, keys: list[bytes], nodes: list[_Node | None]) -> Built[None]:
    for at in range(start, end, _COPIED_AT_ONCE):
        if at > start:
            yield
        keys += before.keys[at : min(at + _COPIED_AT_ONCE, end)]
        nodes += before.nodes[at + 1 : min(at + _COPIED_AT_ONCE, end) + 1]


def _make(
    before: Bucket,
    kept: range,
    changes: dict[bytes, Change],
    changed: list[bytes],
    keys: list[bytes],
    nodes: list[_Node | None],
) -> Built[None]:
    """Make the nodes of a range again: of the old ones in `kept`, and of `changed`, which begin with the first one."""
    parent = _enclosing(before, changed[0])
    enclosing = [] if parent is None else [parent]
    known = cast(list[_Node], before.nodes)  # but for the first entry, which no range has
    number = kept.start
    for key in changed:
        until = bisect_left(before.keys, key, number, kept.stop)
        yield from _make_again(before, number, until, keys, nodes, enclosing)
        group: Group | None = None
        number = until
        if number < kept.stop and before.keys[number] == key:
            number += 1
            group = known[number].group
        change = changes.pop(key)
        if group is None and len(change.come) == 1:
            group = Group(change.come)
        else:
            group = yield from grouped(group, change)
        if group is not None:
            while enclosing and not key.startswith(enclosing[-1].prefix):
                enclosing.pop()
            node = _Node(key, enclosing[-1] if enclosing else None, group)
            enclosing.append(node)
            keys.append(key)
            nodes.append(node)
            if len(keys) % STEP == 0:
                yield
    yield from _make_again(before, number, kept.stop, keys, nodes, enclosing)


def _make_again(
    before: Bucket, start: int, end: int, keys: list[bytes], nodes: list[_Node | None], enclosing: list[_Node]
) -> Built[None]:
    """Make nodes again whose groups stay; `enclosing` are those on the way to the last one, outermost first."""
    known = cast(list[_Node], before.nodes)
    for at in range(start, end, STEP):
        until = min(at + STEP, end)
        keys += before.keys[at:until]
        for last in known[at + 1 : until + 1]:
            prefix = last.prefix
            while enclosing and not prefix.startswith(enclosing[-1].prefix):
                enclosing.pop()
            node = _Node(prefix, enclosing[-1] if enclosing else None, last.group)
            enclosing.append(node)
            nodes.append(node)
        yield


def _enclosing(bucket: Bucket, prefix: bytes) -> _Node | None:
    """The node of the longest prefix that is a proper prefix of this one."""
    node = bucket.nodes[bisect_left(bucket.keys, prefix)]
    while node is not None and not prefix.startswith(node.prefix):
        node = node.parent
    return node


def _best_after(last: Bucket | None, change: Change, nodes: list[_Node | None]) -> Built[int]:
    """The best rank after the change: after a small one known from what came and went, if the best one did not go."""
    if last is not None and len(change.come) + len(change.gone) <= STEP:
        came = min((candidate.rank for candidate in change.come), default=LAST)
        if came <= last.best:
            return came
        if all(candidate.rank != last.best for candidate in change.gone):
            return last.best
    best = LAST
    for start in range(1, len(nodes), _LOOKED_AT_AT_ONCE):
        best = min(best, *[node.best for node in nodes[start : start + _LOOKED_AT_AT_ONCE] if node is not None])
        yield
    return best
