"""Changes of a worker's configuration: what they reach, and what they leave alone."""

import weakref
from typing import Any

import pytest

from gateline.engine.configuration import Change, Configuration
from gateline.engine.router import RouteError
from gateline.engine.upstream.health import KIND, Addresses, Health, health_to_wire
from gateline.entities import Route
from unit.engine.configurations import (
    compiled,
    empty_configuration,
    hosts_in_turn,
    identifier,
    prepared,
    put_in_force,
    put_rows,
    route,
    service,
    target,
    upstream,
)
from unit.engine.router.routing import make_request


def _configured(*entities: Any) -> Configuration:
    configuration = empty_configuration()
    put_in_force(configuration, *entities)
    return configuration


def _hosts(configuration: Configuration, path: str) -> list[str]:
    return hosts_in_turn(compiled(configuration, path).service.balancer)


def _pool_hosts(configuration: Configuration) -> dict[str, int]:
    return {pool.target.host: users for pool, users in configuration.pools.users.items()}


def test_a_changed_route_leaves_others_and_services_alone() -> None:
    configuration = _configured(service(), route(0), route(1))
    before = [compiled(configuration, path) for path in ("/0", "/1")]
    put_in_force(configuration, route(1, preserve_host=True))
    assert compiled(configuration, "/0") is before[0]
    assert compiled(configuration, "/1") is not before[1]
    assert compiled(configuration, "/1").preserve_host
    assert compiled(configuration, "/1").service is before[1].service


def test_a_request_keeps_the_runtime_that_it_began_with() -> None:
    configuration = _configured(service(), route(0))
    before, taken = configuration.runtime, compiled(configuration, "/0")
    put_in_force(configuration, route(1), delete=[route(0)])
    assert compiled(configuration, "/0") is None
    configuration.runtime = before
    assert compiled(configuration, "/0") is taken
    assert compiled(configuration, "/1") is None


def test_an_entity_that_is_sent_again_as_it_is_changes_nothing() -> None:
    entities = service(), route(0), upstream(), target()
    configuration = _configured(*entities)
    router = configuration.runtime.router
    put_in_force(configuration, *entities)
    put_in_force(configuration, *entities, full=True)
    assert configuration.runtime.router is router
    assert configuration.runtime.version == 3


@pytest.mark.parametrize(
    ("fields", "attribute", "value"),
    [({"retries": 1}, "retries", 1), ({"read_timeout": 500}, "read_timeout", 0.5), ({"name": "n"}, "name", "n")],
)
def test_a_changed_service_reaches_all_its_routes(fields: dict[str, Any], attribute: str, value: object) -> None:
    configuration = _configured(service(0), service(1), *(route(number) for number in range(3)), route(9, of=1))
    other = compiled(configuration, "/9")
    put_in_force(configuration, service(0, **fields))
    assert {getattr(compiled(configuration, f"/{number}").service, attribute) for number in range(3)} == {value}
    assert compiled(configuration, "/9") is other


def test_a_changed_path_of_a_service_is_in_the_upstream_path() -> None:
    configuration = _configured(service(), route(0, strip_path=True))
    put_in_force(configuration, service(path="/base"))
    match = configuration.runtime.router.match(make_request("/0/x"))
    assert match is not None
    assert match.route.upstream_path(match, b"/0/x") == b"/base/x"


def test_routes_come_and_go_with_their_service() -> None:
    configuration = _configured(service(enabled=False), route(0))
    assert compiled(configuration, "/0") is None
    put_in_force(configuration, service(enabled=True))
    assert compiled(configuration, "/0") is not None
    put_in_force(configuration, service(enabled=False))
    assert compiled(configuration, "/0") is None
    assert not configuration.pools.users


def test_a_route_moves_to_another_service() -> None:
    configuration = _configured(service(0), service(1), route(0))
    put_in_force(configuration, route(0, of=1))
    put_in_force(configuration, service(0, retries=9))
    assert compiled(configuration, "/0").service.id == identifier(1)
    put_in_force(configuration, route(0, of=None))
    assert compiled(configuration, "/0").service is None


def test_a_changed_target_reaches_services_and_routes_that_stay() -> None:
    configuration = _configured(service(host="u0.test"), route(0), upstream(), target(0))
    before = compiled(configuration, "/0")
    put_in_force(configuration, target(1))
    assert compiled(configuration, "/0") is before
    assert _hosts(configuration, "/0") == ["t0.test", "t1.test"]
    put_in_force(configuration, target(0, weight=0))
    assert _hosts(configuration, "/0") == ["t1.test"]
    put_in_force(configuration, delete=[target(1)])
    assert _hosts(configuration, "/0") == []
    assert _pool_hosts(configuration) == {"t0.test": 1}
    assert compiled(configuration, "/0") is before


def test_services_of_an_upstream_share_a_balancer_as_long_as_they_speak_alike() -> None:
    services = service(0, host="u0.test"), service(1, host="u0.test"), service(2, host="u0.test", protocol="https")
    configuration = _configured(upstream(), target(), *services, *(route(number, of=number) for number in range(3)))
    first, second, third = (compiled(configuration, f"/{number}").service.balancer for number in range(3))
    assert first is second
    assert first is not third
    assert (hosts_in_turn(first), hosts_in_turn(third)) == (["t0.test"], ["t0.test:80"])
    assert sorted(configuration.pools.users.values()) == [1, 1]
    put_in_force(configuration, delete=[services[0], services[2], route(0), route(2)])
    assert compiled(configuration, "/1").service.balancer is first
    assert _pool_hosts(configuration) == {"t0.test": 1}


def test_services_follow_the_name_of_an_upstream() -> None:
    configuration = _configured(service(0, host="u0.test"), service(1, host="new.test"), route(0), route(1, of=1))
    assert _hosts(configuration, "/0") == ["u0.test"]
    put_in_force(configuration, upstream(), target())
    assert _hosts(configuration, "/0") == ["t0.test"]
    put_in_force(configuration, upstream(name="new.test"))
    assert (_hosts(configuration, "/0"), _hosts(configuration, "/1")) == (["u0.test"], ["t0.test"])
    put_in_force(configuration, delete=[upstream(), target()])
    assert _hosts(configuration, "/1") == ["new.test"]


def test_upstreams_that_swap_their_names_swap_their_services() -> None:
    configuration = _configured(
        service(host="u0.test"), route(0), upstream(0), upstream(1), target(0, of=0), target(1, of=1)
    )
    put_in_force(configuration, upstream(0, name="u1.test"), upstream(1, name="u0.test"))
    assert _hosts(configuration, "/0") == ["t1.test"]


def test_the_host_header_of_an_upstream_is_in_force_at_once() -> None:
    configuration = _configured(service(host="u0.test"), route(0), upstream(), target())
    put_in_force(configuration, upstream(host_header="h.test"))
    assert _hosts(configuration, "/0") == ["h.test"]


def test_a_pool_is_retired_with_its_last_user() -> None:
    configuration = _configured(service(0, host="x.test"), service(1, host="x.test"), route(0))
    pool = compiled(configuration, "/0").service.balancer.pick(make_request()).pool
    put_in_force(configuration, delete=[service(1)])
    put_in_force(configuration, service(0, host="x.test", path="/y"))
    assert compiled(configuration, "/0").service.balancer.pick(make_request()).pool is pool
    assert not pool.retired
    put_in_force(configuration, service(0, host="z.test"))
    assert pool.retired
    assert _pool_hosts(configuration) == {"z.test": 1}


def test_a_refused_change_changes_nothing() -> None:
    configuration = _configured(service(host="u0.test"), route(0), upstream(), target(0))
    runtime, balancer = configuration.runtime, compiled(configuration, "/0").service.balancer
    pools = configuration.pools
    assert _hosts(configuration, "/0") == ["t0.test"]
    made = dict(pools._by_target)
    bad = Route.from_wire(route(1).to_wire() | {"paths": ["~/("]})
    change = prepared(configuration, service(1), target(1), upstream(1), bad, delete=[route(0)])
    with pytest.raises(RouteError):
        for _ in change.steps():
            pass
    del change
    assert configuration.runtime is runtime
    assert compiled(configuration, "/0").service.balancer is balancer
    assert _hosts(configuration, "/0") == ["t0.test"]
    assert {kind: set(of_kind) for kind, of_kind in configuration.entities.items() if of_kind} == {
        kind: {identifier(0)} for kind in ("services", "routes", "upstreams", "targets")
    }
    assert pools._by_target == made
    put_in_force(configuration, target(1))
    assert _hosts(configuration, "/0") == ["t0.test", "t1.test"]


def test_a_full_change_leaves_nothing_else() -> None:
    configuration = _configured(*(service(n) for n in range(3)), *(route(n, of=n) for n in range(3)), upstream())
    kept = compiled(configuration, "/1")
    put_in_force(configuration, service(1), route(1, of=1), full=True)
    assert compiled(configuration, "/1") is kept
    assert compiled(configuration, "/0") is None
    assert {kind: len(of_kind) for kind, of_kind in configuration.entities.items() if of_kind} == {
        "services": 1,
        "routes": 1,
    }
    assert _pool_hosts(configuration) == {"s1.test": 1}


def test_what_was_deleted_and_put_is_there() -> None:
    configuration = _configured(service(), route(0))
    put_in_force(configuration, route(0, name="new"), delete=[route(0)])
    assert compiled(configuration, "/0").name == "new"


def test_routes_wait_for_a_service_that_is_not_there_yet() -> None:
    configuration = _configured(route(0))
    assert compiled(configuration, "/0") is None
    put_in_force(configuration, service())
    assert compiled(configuration, "/0") is not None


def test_the_shortest_timeout_is_that_of_the_services_that_are_there() -> None:
    configuration = _configured(service(0, read_timeout=100), service(1, connect_timeout=200))
    assert configuration.runtime.shortest_timeout == 0.1
    put_in_force(configuration, delete=[service(0)])
    assert configuration.runtime.shortest_timeout == 0.2
    put_in_force(configuration, service(1))
    assert configuration.runtime.shortest_timeout == 60.0


def test_a_change_counts_what_changes() -> None:
    configuration = _configured(service(), route(0))
    change = prepared(configuration, service(), route(0), route(1), delete=[route(7)])
    for _ in change.steps():
        pass
    assert (change.changed(), change.changed("routes"), change.changed("certificates", "snis")) == (1, 1, 0)


def test_what_was_replaced_is_let_go() -> None:
    configuration = _configured(service(), *(route(number) for number in range(600)))
    entities = [weakref.ref(entity) for entity in configuration.entities["routes"].values()]
    put_in_force(configuration, *(route(number, name=f"r{number}") for number in range(600)))
    assert not [one for one in entities if one() is not None]


def _told(configuration: Configuration, *healths: tuple[int, Health], well: tuple[int, ...] = ()) -> None:
    """Tell of the health of targets, by their numbers."""
    rows = [health_to_wire(identifier(number), health) for number, health in healths]
    put_rows(configuration, {KIND: rows}, {KIND: [identifier(number) for number in well]})


DOWN = Health(serving=False)


def test_a_target_that_is_not_healthy_gets_no_requests() -> None:
    configuration = _configured(service(host="u0.test"), route(0), upstream(), target(0), target(1))
    before = compiled(configuration, "/0")
    _told(configuration, (0, DOWN))
    assert compiled(configuration, "/0") is before
    assert _hosts(configuration, "/0") == ["t1.test"]
    assert _pool_hosts(configuration) == {"t1.test": 1}
    _told(configuration, (1, DOWN))
    assert _hosts(configuration, "/0") == []
    _told(configuration, well=(0, 1))
    assert _hosts(configuration, "/0") == ["t0.test", "t1.test"]
    assert configuration.healths == {}


def test_health_is_known_before_the_target_is() -> None:
    configuration = empty_configuration()
    _told(configuration, (0, DOWN), (7, DOWN))
    put_in_force(configuration, service(host="u0.test"), route(0), upstream(), target(0), target(1))
    assert _hosts(configuration, "/0") == ["t1.test"]
    put_in_force(configuration, service(1, host="u0.test", protocol="https"), route(1, of=1))
    assert _hosts(configuration, "/1") == ["t1.test:80"]
    put_in_force(configuration, target(0, weight=1))
    assert _hosts(configuration, "/0") == ["t1.test"]


def test_a_full_change_forgets_health_that_it_does_not_tell() -> None:
    entities = service(host="u0.test"), route(0), upstream(), target(0), target(1)
    configuration = _configured(*entities)
    _told(configuration, (0, DOWN))
    put_in_force(configuration, *entities, full=True)
    assert _hosts(configuration, "/0") == ["t0.test", "t1.test"]


def test_addresses_that_are_not_healthy_have_no_place_in_the_pool() -> None:
    configuration = _configured(service(host="u0.test"), route(0), upstream(), target(0))
    _hosts(configuration, "/0")
    [before] = configuration.pools.users
    addresses = Addresses(others=frozenset({"192.0.2.1"}))
    _told(configuration, (0, Health(addresses=addresses)))
    _hosts(configuration, "/0")
    [pool] = configuration.pools.users
    assert (pool.target.among, before.retired) == (addresses, True)
    _told(configuration, well=(0,))
    _hosts(configuration, "/0")
    assert [pool.target.among for pool in configuration.pools.users] == [None]


def test_below_its_threshold_an_upstream_has_no_targets() -> None:
    checks: dict[str, Any] = {"healthchecks": {"threshold": 60}}
    targets = target(0, weight=50), target(1, weight=30), target(2, weight=20)
    configuration = _configured(service(host="u0.test"), route(0), upstream(**checks), *targets)
    _told(configuration, (2, DOWN))
    assert _hosts(configuration, "/0") == ["t0.test", "t1.test"]
    _told(configuration, (1, DOWN))
    assert _hosts(configuration, "/0") == []
    put_in_force(configuration, target(0, weight=500))
    assert _hosts(configuration, "/0") == ["t0.test"]


def test_a_change_that_is_dropped_leaves_health_as_it_was() -> None:
    configuration = _configured(service(host="u0.test"), route(0), upstream(), target(0), target(1))
    rows = {KIND: [health_to_wire(identifier(0), DOWN)]}
    for _ in Change(configuration, 9, "", put=rows, delete={}).steps():
        pass
    assert configuration.healths == {}
    assert _hosts(configuration, "/0") == ["t0.test", "t1.test"]
