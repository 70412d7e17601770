"""Targets get their pools when they are asked for, and let go of them with the configuration."""

from typing import cast

from gateline.engine.upstream.opening import Manner, Opening
from gateline.engine.upstream.pool import Factory, KeepAlive, Pools
from gateline.engine.wire.http1_upstream import UpstreamConnection
from unit.engine.configurations import compiled, empty_configuration, put_in_force, route, service, target, upstream
from unit.engine.router.routing import make_request


def pools() -> Pools:
    return Pools(cast(Factory, UpstreamConnection), KeepAlive())


def test_a_target_that_nobody_asked_for_has_no_pool() -> None:
    configuration = empty_configuration()
    put_in_force(configuration, service(0, host="u0.test"), route(0), upstream(0), target(0), target(1))
    assert not configuration.pools.users
    balancer = compiled(configuration, "/0").service.balancer
    first = balancer.pick(make_request())
    assert first.host_line
    assert list(configuration.pools.users) == [first.pool]


def test_a_target_that_was_asked_for_keeps_its_pool_over_changes() -> None:
    configuration = empty_configuration()
    put_in_force(configuration, service(0, host="u0.test"), route(0), upstream(0), target(0))
    balancer = compiled(configuration, "/0").service.balancer
    pool = balancer.pick(make_request()).pool
    put_in_force(configuration, target(0, weight=3))
    assert configuration.pools.users == {pool: 1}
    assert balancer.pick(make_request()).pool is pool
    put_in_force(configuration, delete=[target(0)])
    assert not configuration.pools.users
    assert pool.retired


def test_the_last_user_retires_a_pool() -> None:
    there = pools()
    one, other = Opening(there, Manner("http"), None), Opening(there, Manner("http"), "h.test")
    first = one.target("a.test:80")
    one.open(first)
    second = other.target("a.test:80")
    assert second.pool is first.pool, "it is open at once, as there are connections"
    assert (first.host_line, second.host_line) == (
        b" HTTP/1.1\r\nHost: a.test\r\n",
        b" HTTP/1.1\r\nHost: h.test\r\n",
    )
    one.leave()
    assert not first.pool.retired
    other.leave()
    assert first.pool.retired


def test_what_is_opened_too_late_is_not_kept() -> None:
    there = pools()
    opening = Opening(there, Manner("http"), None)
    late = opening.target("[::1]:8080")
    opening.leave()
    opening.open(late)
    assert late.host_line == b" HTTP/1.1\r\nHost: [::1]:8080\r\n"
    assert late.pool.retired
    assert not there.users
