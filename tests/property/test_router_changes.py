"""Routers made from the last one: whatever changed, they answer like one built from nothing, and the last as before."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateline.engine.router import Flavor, Router, RouterBuilder, RouterEntry, blocks, groups, index, steps
from property.router_cases import crowded_routes, requests, routes_without_ids
from unit.engine.router.routing import Request, Route

FLAVORS: tuple[Flavor, ...] = ("traditional_compatible", "traditional", "expressions")
LIMITS = {
    steps: {"STEP": 3, "_SORTED_AT_ONCE": 2, "_MERGED_AT_ONCE": 5, "_ONE_BY_ONE": 1},
    blocks: {"SET_SIZE": 4},
    groups: {"_TRIED": 2, "STEP": 3},
    index: {"_NARROW": 3, "STEP": 2, "_COPIED_AT_ONCE": 2, "_CHANGED_AT_ONCE": 1, "_LOOKED_AT_AT_ONCE": 2},
}
EXPRESSIONS = [
    'http.path ^= "/a"',
    'http.path == "/a/b" && http.method == "GET"',
    'http.host == "a.x" && http.path ^= "/"',
    'http.host =^ ".x" || http.host == "b.a.x"',
    'http.path ~ "^/a+" || http.path ^= "/b"',
    'http.host == "a.x" || http.path ^= "/a/b"',
    'http.headers.x == "1"',
]

Change = Mapping[int, Route | None]
"""Routes by number; None: the route goes."""

expression_routes = st.builds(
    Route, id=st.just(""), expression=st.sampled_from(EXPRESSIONS), priority=st.sampled_from([0, 1])
)
few = st.dictionaries(st.integers(0, 11), st.one_of(st.none(), routes_without_ids, expression_routes), max_size=6)
many = st.dictionaries(st.integers(0, 60), crowded_routes, min_size=20, max_size=60)
of_many = st.dictionaries(st.integers(0, 60), st.one_of(st.none(), crowded_routes), min_size=1, max_size=12)
changes = st.one_of(
    st.lists(few, min_size=1, max_size=6),
    st.builds(lambda first, others: [first, *others], many, st.lists(of_many, min_size=1, max_size=4)),
)


@pytest.mark.parametrize("small", [False, True], ids=["usual limits", "small limits"])
@settings(max_examples=300)
@given(st.sampled_from(FLAVORS), changes, st.lists(requests, min_size=1, max_size=6))
def test_a_router_after_changes_is_like_one_built_from_nothing(
    small: bool, flavor: Flavor, some_changes: Sequence[Change], some_requests: Sequence[Request]
) -> None:
    with limits(small):
        router = Router()
        entries: dict[int, tuple[Route, RouterEntry]] = {}
        past: list[tuple[Router, list[object]]] = []
        for change in some_changes:
            past.append((router, answers(router, some_requests)))
            router = after(router, flavor, entries, change)
            fresh = built(flavor, [route for route, _ in entries.values()])
            assert answers(router, some_requests) == answers(fresh, some_requests)
            assert structure(router) == structure(fresh)
        for old, expected in past:
            assert answers(old, some_requests) == expected


@contextmanager
def limits(small: bool) -> Iterator[None]:
    with ExitStack() as patches:
        for module, values in LIMITS.items():
            if small:
                for name, value in values.items():
                    patches.enter_context(patch.object(module, name, value))
        yield


def after(router: Router, flavor: Flavor, entries: dict[int, tuple[Route, RouterEntry]], change: Change) -> Router:
    builder = RouterBuilder(flavor, previous=router)
    for number, route in change.items():
        if number in entries:
            builder.remove(entries.pop(number)[1])
        if route is not None:
            numbered = Route(**{**vars(route), "id": f"{number * 7 % 101:03}"})
            entries[number] = numbered, builder.add(numbered, numbered)
    result = builder.build()
    for _ in builder.release():
        pass
    return result


def built(flavor: Flavor, routes: Sequence[Route]) -> Router:
    builder = RouterBuilder(flavor)
    for route in routes:
        builder.add(route, route)
    return builder.build()


def answers(router: Router, some_requests: Sequence[Request]) -> list[object]:
    found: list[object] = []
    for request in some_requests:
        match = router.match(request)
        found.append(match and (match.route, match.prefix, match.captures and tuple(match.captures)))
    return found


def structure(router: Router) -> dict[object, object]:
    """All that decides how a router searches, but how regexes are spread over blocks."""
    found: dict[object, object] = {host: of_bucket(bucket) for host, bucket in router._hosts.items()}
    if router._anywhere is not None:
        found["anywhere"] = of_bucket(router._anywhere)
    if router._open_hosts is not None:
        found |= {key: of_bucket(bucket) for key, bucket in router._open_hosts.buckets.items()}
        found["open"] = router._open_hosts.best, router._open_hosts._wildcards.counts
    return found


def of_bucket(bucket: index.AnyBucket) -> object:
    if isinstance(bucket, index.WideBucket):
        return bucket.best, of_bucket(bucket.narrow), of_bucket(bucket.wide)
    assert isinstance(bucket, index.Bucket)
    nodes = [
        (node.prefix, node.best, node.sure is None, node.parent and node.parent.prefix, of_group(node.group))
        for node in bucket.nodes
        if node is not None
    ]
    return bucket.best, bucket.keys, nodes


def of_group(group: groups.Group) -> object:
    ranks = [candidate.rank for candidate in group.candidates]
    assert group.best == ranks[0]
    inside: object = None
    if isinstance(group, groups._Several):
        inside = {key: of_group(part) for key, part in group.parts.items()}
    elif isinstance(group, groups._LookUp):
        inside = {value: of_group(some) for value, some in group.groups.items()}
    elif isinstance(group, groups._ByRegex):
        assert [candidate.rank for block in group.blocks for candidate in block.candidates] == ranks
    return group.key, ranks, inside
