"""The index of one host's candidates by path.

The sorted path prefixes of a bucket are searched by bisection. The greatest prefix that does not come after the path
either is a prefix of the path or begins with all of those that are, so following the `parent` links (the longest proper
prefix that is in the bucket) visits every prefix of the path that there is. Regex paths sit under their literal
beginning, candidates without path under the empty prefix.

Buckets are immutable. A changed one is made from the last: the prefixes that begin with a changed one lie side by side,
and only their nodes are made again, as their links lead to the changed one.
"""

from bisect import bisect_left
from typing import cast

from gateline.engine.router.candidates import Candidate
from gateline.engine.router.groups import Group, grouped
from gateline.engine.router.interface import Match, RouteRequest
from gateline.engine.router.priority import LAST
from gateline.engine.router.steps import STEP, Built, Change, in_order, spread

__all__ = ["AnyBucket", "Bucket", "WideBucket", "bucket_after", "bucket_of"]

_WIDE = (b"", b"/")
_NARROW = 256
"""Up to so many prefixes are searched together with the wide ones."""
_COPIED_AT_ONCE = 32 * 1024
_CHANGED_AT_ONCE = 32
_LOOKED_AT_AT_ONCE = 1024


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


class AnyBucket:
    """The candidates of one host (or of all hosts) by path; at least one. `best` is the best rank among them."""

    __slots__ = ("best",)

    best: int

    def search(self, request: RouteRequest, path: bytes, limit: int) -> Match | None:
        """The best match that comes before `limit`."""
        raise NotImplementedError


class Bucket(AnyBucket):
    """A bucket in one piece."""

    __slots__ = ("keys", "nodes")

    def __init__(self, keys: list[bytes], nodes: list[_Node | None], best: int) -> None:
        self.keys = keys
        self.nodes = nodes  # one longer than `keys`, begins with None: `_place_of` a path is the index
        self.best = best

    def search(self, request: RouteRequest, path: bytes, limit: int) -> Match | None:
        """The best match that comes before `limit`."""
        node = self.nodes[_place_of(self.keys, path)]
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


def _place_of(keys: list[bytes], path: bytes) -> int:
    """What `bisect_right` gives, which cannot be called but by way of Python."""
    first = 0
    last = len(keys)
    while first < last:
        middle = (first + last) >> 1
        if path < keys[middle]:
            last = middle
        else:
            first = middle + 1
    return first


class WideBucket(AnyBucket):
    """A bucket of many prefixes, and apart from them the ones that nearly every path begins with.

    As they stand above all others, a change of them would otherwise make every node again.
    """

    __slots__ = ("narrow", "wide")

    def __init__(self, narrow: Bucket, wide: Bucket) -> None:
        self.narrow = narrow
        self.wide = wide
        self.best = min(narrow.best, wide.best)

    def search(self, request: RouteRequest, path: bytes, limit: int) -> Match | None:
        """The best match that comes before `limit`."""
        found = self.narrow.search(request, path, limit)
        if found is not None:
            limit = found.rank
        if self.wide.best < limit:
            return self.wide.search(request, path, limit) or found
        return found


def bucket_after(last: AnyBucket | None, change: Change, leftovers: list[object]) -> Built[AnyBucket | None]:
    """The bucket after a change of its candidates, None where none is left.

    What only the last one has any use for is added to `leftovers`.
    """
    changes = yield from spread(change, lambda candidate: (candidate.prefix,))
    of_wide = {prefix: changes.pop(prefix) for prefix in _WIDE if prefix in changes}
    narrow: Bucket | None
    wide: Bucket | None
    if isinstance(last, WideBucket):
        narrow, wide = last.narrow, last.wide
    else:
        narrow, wide = cast(Bucket | None, last), None
    if changes:
        narrow = yield from _after(narrow, changes, leftovers)
    inside = [] if narrow is None or wide is not None else [key for key in narrow.keys[: len(_WIDE)] if key in _WIDE]
    if narrow is None or len(narrow.keys) - len(inside) <= _NARROW:
        if wide is not None:
            narrow = yield from _after(narrow, _all_of(wide, wide.keys, come=True), leftovers)
        return (yield from _after(narrow, of_wide, leftovers)) if of_wide else narrow
    if inside:
        wide = yield from _after(None, _all_of(narrow, inside, come=True), leftovers)
        narrow = yield from _after(narrow, _all_of(narrow, inside, come=False), leftovers)
        assert narrow is not None  # noqa: S101 - it has many prefixes
    if of_wide:
        wide = yield from _after(wide, of_wide, leftovers)
    return narrow if wide is None else WideBucket(narrow, wide)


def bucket_of(candidate: Candidate) -> Bucket:
    """The bucket of a single candidate."""
    return Bucket([candidate.prefix], [None, _Node(candidate.prefix, None, Group((candidate,)))], candidate.rank)


_EMPTY = Bucket([], [None], 0)


def _after(last: Bucket | None, changes: dict[bytes, Change], leftovers: list[object]) -> Built[Bucket | None]:
    """A bucket, in one piece, after changes of its candidates by prefix."""
    best = _best_after(last, changes)
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
    if best is None:
        best = LAST
        for start in range(1, len(nodes), _LOOKED_AT_AT_ONCE):
            best = min(best, *[node.best for node in nodes[start : start + _LOOKED_AT_AT_ONCE] if node is not None])
            yield
    return Bucket(keys, nodes, best)


def _all_of(bucket: Bucket, prefixes: list[bytes], *, come: bool) -> dict[bytes, Change]:
    """The change that all candidates of some prefixes of a bucket come somewhere else, or go."""
    changes = {}
    for node in bucket.nodes:
        if node is not None and node.prefix in prefixes:
            change = changes[node.prefix] = Change()
            (change.come if come else change.gone).extend(node.group.candidates)
    return changes


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


def _best_after(last: Bucket | None, changes: dict[bytes, Change]) -> int | None:
    """The best rank after a change: known from what came and went, if that is little and the best one did not go."""
    if last is None or len(changes) > STEP or sum(map(_size, changes.values())) > STEP:
        return None
    came = min((candidate.rank for change in changes.values() for candidate in change.come), default=LAST)
    if came <= last.best:
        return came
    stays = all(candidate.rank != last.best for change in changes.values() for candidate in change.gone)
    return last.best if stays else None


def _size(change: Change) -> int:
    return len(change.come) + len(change.gone)
