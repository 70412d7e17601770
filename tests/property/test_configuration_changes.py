"""A configuration after any changes is one that was sent whole, and what began before a change ends as it began."""

from collections import Counter
from collections.abc import Iterator, Sequence
from math import lcm
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateline.engine import draft
from gateline.engine.configuration import Configuration
from gateline.engine.draft import Ids
from gateline.engine.router import RouteError
from gateline.entities import Entity, Route
from unit.engine.configurations import (
    empty_configuration,
    identifier,
    prepared,
    put_in_force,
    route,
    service,
    target,
    upstream,
)
from unit.engine.router.routing import make_request

KINDS = ("services", "routes", "upstreams", "targets")
NAMES = ["u0.test", "u1.test", "x.test"]
numbers = st.integers(0, 3)
services = st.builds(
    service,
    numbers,
    host=st.sampled_from([*NAMES, "y.test"]),
    enabled=st.sampled_from([True, True, False]),
    protocol=st.sampled_from(["http", "https"]),
    path=st.sampled_from([None, "/base"]),
    read_timeout=st.sampled_from([100, 60000]),
    retries=st.integers(0, 1),
)
routes = st.builds(
    route,
    st.integers(0, 5),
    st.one_of(st.none(), numbers),
    paths=st.lists(st.sampled_from(["/", "/a", "/a/b", "~/[ab]+", "~/b"]), min_size=1, max_size=2, unique=True),
    hosts=st.sampled_from([None, ["a.test"], ["*.test", "b.test"]]),
    strip_path=st.booleans(),
)
upstreams = st.builds(
    lambda number, name, header: upstream(number, name=name, host_header=header),
    st.integers(0, 1),
    st.sampled_from(NAMES),
    st.sampled_from([None, "h.test"]),
)
targets = st.builds(
    lambda number, of, weight, host: target(number, of, weight=weight, target=f"{host}:80"),
    numbers,
    st.integers(0, 1),
    st.integers(0, 2),
    st.sampled_from(["t0.test", "t1.test", "x.test"]),
)
entities = st.lists(st.one_of(services, routes, upstreams, targets), max_size=8)
deleted = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 5)), max_size=4)
changes = st.lists(st.tuples(entities, deleted, st.sampled_from(["", "", "", "full", "refused"])), max_size=6)
REQUESTS = [make_request(path, host) for path in ("/", "/a", "/a/b/", "/b") for host in ("a.test", "b.test", "z")]

ROUNDS = lcm(*range(1, 9))
"""Whole rounds of every order that there can be (four targets with weights up to 2), wherever it begins."""

State = dict[tuple[str, str], Entity]


@pytest.mark.parametrize("small", [500, 1], ids=["usual drafts", "small drafts"])
@settings(max_examples=150)
@given(changes)
def test_a_changed_configuration_is_like_one_that_was_sent_whole(
    small: int, some_changes: Sequence[tuple[list[Entity], list[tuple[str, int]], str]]
) -> None:
    with patch.object(draft, "_SMALL", small):
        configuration = empty_configuration()
        state: State = {}
        for put, delete, manner in some_changes:
            gone = [state[key] for kind, number in delete if (key := (kind, identifier(number))) in state]
            after = {} if manner == "full" else dict(state)
            for entity in gone:
                after.pop((entity.kind, entity.id), None)
            after |= {(entity.kind, entity.id): entity for entity in put}
            if not names_are_unique(after):
                continue
            runtime = configuration.runtime
            answers_before = list(answers(configuration))
            if manner == "refused":
                bad = Route.from_wire(route(9, None).to_wire() | {"paths": ["~/("]})
                with pytest.raises(RouteError):
                    put_in_force(configuration, *put, bad, delete=gone)
                assert configuration.runtime is runtime
            else:
                put_in_force(configuration, *put, delete=gone, full=manner == "full")
                now, configuration.runtime = configuration.runtime, runtime
                assert [answer[:3] for answer in answers(configuration)] == [one[:3] for one in answers_before]
                configuration.runtime = now
                state = after
            whole = empty_configuration()
            put_in_force(whole, *state.values(), full=True)
            assert described(configuration) == described(whole)
            assert only_pools_in_use_are_open(configuration)


def test_a_change_that_is_given_up_leaves_no_pools() -> None:
    configuration = empty_configuration()
    put_in_force(configuration, service(0), route(0))
    change = prepared(configuration, *(service(number) for number in range(1, 200)))
    steps = change.steps()
    for _ in range(20):
        next(steps)
    assert len(configuration.pools._by_target) > 1
    del steps
    assert len(configuration.pools._by_target) == 1


def names_are_unique(state: State) -> bool:
    names = [entity.name for entity in state.values() if entity.kind == "upstreams"]  # type: ignore[attr-defined]
    return len(names) == len(set(names))


def answers(configuration: Configuration) -> Iterator[tuple[Any, ...]]:
    for request in REQUESTS:
        match = configuration.runtime.router.match(request)
        if match is None:
            yield (None, None, None)
            continue
        taken = match.route
        targets = None if taken.service is None else of_balancer(taken.service.balancer)
        settings_of = (
            None if taken.service is None else (taken.service.id, taken.service.retries, taken.service.balanced)
        )
        yield taken.id, taken.upstream_path(match, request.path), settings_of, targets


def of_balancer(balancer: Any) -> list[Any]:
    turns = [balancer.pick(make_request()) for _ in range(ROUNDS)]
    return sorted(Counter((turn.host_line, repr(turn.pool.target)) for turn in turns if turn is not None).items())


def sets(index: dict[str, Ids]) -> dict[str, set[str]]:
    return {key: {ids} if isinstance(ids, str) else set(ids) for key, ids in index.items()}


def described(configuration: Configuration) -> dict[str, Any]:
    """All that can be seen of a configuration, and the books that it keeps."""
    tables = configuration.tables
    return {
        "answers": list(answers(configuration)),
        "timeout": configuration.runtime.shortest_timeout,
        "entities": tables.by_kind,
        "upstreams": tables.upstream_ids,
        "targets": sets(tables.targets_of),
        "hosts": sets(tables.services_at),
        "routes": sets(tables.routes_of),
        "timeouts": tables.timeouts,
        "services": {one: (found.upstream, found.manner) for one, found in configuration.services.items()},
        "shared": {
            one: {manner: shared.users for manner, shared in found.items()}
            for one, found in configuration.shared.items()
        },
        "router": configuration.router_entries.keys(),
    }


def only_pools_in_use_are_open(configuration: Configuration) -> bool:
    """Which of the targets are open follows from what happened before; others must not be."""
    pools = configuration.pools
    entities = configuration.entities
    places = {target.target for target in entities["targets"].values()}
    places |= {f"{service.host}:{service.port}" for service in entities["services"].values()}
    there = {f"{target.host}:{target.port}" for target in pools._by_target} <= places
    return there and pools.users.keys() == set(pools._by_target.values())
