"""From upstreams and targets to who is asked: through a whole engine, without sockets."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateline.engine.configuration import Configuration
from gateline.engine.errors import CATALOGUE
from gateline.engine.upstream.health import KIND, Health, health_to_wire
from unit.engine.configurations import identifier, put_rows, route, service, target, upstream
from unit.engine.upstream.stage import Stage

COUNT = 4


def stage(count: int = COUNT, **fields: Any) -> Stage:
    """As many targets at an upstream with these fields."""
    return Stage(
        upstream(0, **fields),
        service(0, host="u0.test", retries=count),
        route(0, paths=["/", r"~/captured/(?<who>\w+)"], strip_path=False),
        *(target(number) for number in range(count)),
    )


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]  # a coroutine function


def asked_for(made: Stage, requests: int, path: str = "/", *lines: str) -> list[str]:
    """Who is asked for each request, by number."""

    async def ask() -> None:
        for _ in range(requests):
            await made.request(path, *lines)

    made.asked.clear()
    asyncio.run(ask())
    return [host.removeprefix("t").removesuffix(".test") for host in made.asked]


@pytest.mark.parametrize(
    "algorithm", ["round-robin", "least-connections", "latency", "power-of-two", "random", "consistent-hashing"]
)
def test_every_algorithm_reaches_every_target(algorithm: str) -> None:
    assert set(asked_for(stage(algorithm=algorithm), 200)) == {"0", "1", "2", "3"}


@pytest.mark.parametrize(
    "algorithm", ["round-robin", "least-connections", "latency", "power-of-two", "random", "consistent-hashing"]
)
def test_every_algorithm_passes_over_targets_that_fail(algorithm: str) -> None:
    made = stage(algorithm=algorithm)
    made.behaviours = {"t0.test": CATALOGUE.CONNECT, "t2.test": CATALOGUE.CONNECT}

    async def ask() -> None:
        for _ in range(50):
            assert (await made.request()).status == 200

    asyncio.run(ask())


HASHED: list[tuple[dict[str, Any], Callable[[str], tuple[str, ...]]]] = [
    ({"hash_on": "header", "hash_on_header": "X-Key"}, lambda key: ("/", f"x-key: {key}")),
    ({"hash_on": "cookie", "hash_on_cookie": "stick"}, lambda key: ("/", f"Cookie: a=b; stick={key}")),
    ({"hash_on": "path"}, lambda key: (f"/{key}",)),
    ({"hash_on": "query_arg", "hash_on_query_arg": "key"}, lambda key: (f"/?a=b&key={key}",)),
    ({"hash_on": "uri_capture", "hash_on_uri_capture": "who"}, lambda key: (f"/captured/{key}",)),
    ({"hash_on": "uri_capture", "hash_on_uri_capture": "1"}, lambda key: (f"/captured/{key}",)),
    (
        {"hash_on": "header", "hash_on_header": "X-Key", "hash_fallback": "query_arg", "hash_fallback_query_arg": "k"},
        lambda key: (f"/?k={key}",),
    ),
    (
        {"hash_on": "consumer", "hash_fallback": "header", "hash_fallback_header": "Key"},
        lambda key: ("/", f"key: {key}"),
    ),
]


@pytest.mark.parametrize(("fields", "request_of"), HASHED)
def test_what_is_hashed_decides(fields: dict[str, Any], request_of: Callable[[str], tuple[str, ...]]) -> None:
    made = stage(**fields)
    found = {}
    for key in [f"k{number}" for number in range(30)]:
        asked = set(asked_for(made, 3, *request_of(key)))
        assert len(asked) == 1, f"{key} went to several targets"
        found[key] = asked.pop()
    assert len(set(found.values())) == COUNT


def test_a_client_keeps_its_target_by_its_address() -> None:
    assert len(set(asked_for(stage(hash_on="ip"), 20))) == 1


def test_where_there_is_nothing_to_hash_targets_take_turns() -> None:
    made = stage(hash_on="header", hash_on_header="X-Key")
    assert Counter(asked_for(made, 8)) == dict.fromkeys("0123", 2)


@pytest.mark.parametrize(
    "fields",
    [{"hash_on": "cookie"}, {"hash_on": "header", "hash_on_header": "X-Key", "hash_fallback": "cookie"}],
)
def test_a_client_without_the_cookie_gets_one_that_leads_it_back(fields: dict[str, Any]) -> None:
    made = stage(hash_on_cookie="stick", hash_on_cookie_path="/b", **fields)

    async def visit() -> None:
        for _ in range(10):
            made.asked.clear()
            first = (await made.request()).answered.decode()
            (line,) = [line for line in first.split("\r\n") if line.startswith("Set-Cookie: ")]
            value, *attributes = line.removeprefix("Set-Cookie: ").split("; ")
            assert attributes == ["Path=/b", "SameSite=Lax", "HttpOnly"]
            again = (await made.request("/", f"Cookie: {value}")).answered
            assert b"Set-Cookie" not in again
            assert len(set(made.asked)) == 1

    asyncio.run(visit())


def test_another_try_does_not_make_another_cookie() -> None:
    made = stage(2, hash_on="cookie", hash_on_cookie="stick")
    made.behaviours = {"t0.test": CATALOGUE.CONNECT}

    async def visit() -> None:
        for _ in range(10):
            assert (await made.request()).answered.count(b"Set-Cookie") == 1

    asyncio.run(visit())


def test_an_algorithm_can_be_changed_while_it_is_used() -> None:
    made = stage()
    asked_for(made, 4)
    made.change(upstream(0, hash_on="path"))
    assert len(set(asked_for(made, 8, "/a"))) == 1
    made.change(upstream(0, algorithm="round-robin", hash_on="none"))
    assert len(set(asked_for(made, 8, "/a"))) == COUNT


# -- what is known of targets ------------------------------------------------------------------------------------------
def loads(configuration: Configuration) -> dict[str, Any]:
    (shared,) = configuration.shared[identifier(0)].values()
    return {one: kept.load for one, kept in shared.destinations.kept.items()}


@pytest.mark.parametrize("change", ["weight", "added", "removed", "health"])
def test_a_change_of_one_target_leaves_what_is_known_of_others(change: str) -> None:
    made = stage(algorithm="latency")
    asked_for(made, 20)
    before = loads(made.configuration)
    if change == "weight":
        made.change(target(0, weight=7))
    elif change == "added":
        made.change(target(9))
    elif change == "removed":
        made.change(delete=[target(0)])
    else:
        put_rows(made.configuration, {KIND: [health_to_wire(identifier(0), Health(serving=False))]}, {})
    after = loads(made.configuration)
    assert [after[identifier(number)] for number in (1, 2, 3)] == [before[identifier(number)] for number in (1, 2, 3)]


def test_what_is_in_flight_is_known_after_a_change() -> None:
    made = stage(2, algorithm="least-connections")
    made.behaviours = {"t0.test": "silence", "t1.test": "silence"}

    async def wait() -> None:
        clients = [made.client() for _ in range(4)]
        for client in clients:
            client.send()
        assert [load.active for load in loads(made.configuration).values()] == [2, 2]
        made.change(target(1, weight=50), target(2))
        assert sorted(load.active for load in loads(made.configuration).values()) == [0, 2, 2]
        for client in clients:
            client.leave()
        assert [load.active for load in loads(made.configuration).values()] == [0, 0, 0]

    run(wait)


@pytest.mark.parametrize("how", ["added", "healthy again"])
def test_a_target_that_is_new_to_the_others_begins_slowly(how: str) -> None:
    made = stage(2, slow_start=3600)
    if how == "added":
        made.change(target(2))
    else:
        made.change(target(2))
        row = health_to_wire(identifier(2), Health(serving=False))
        put_rows(made.configuration, {KIND: [row]}, {})
        assert "2" not in asked_for(made, 20)
        put_rows(made.configuration, {}, {KIND: [identifier(2)]})
    shares = Counter(asked_for(made, 210))
    assert shares["0"] == pytest.approx(100, abs=3)
    assert shares["2"] == pytest.approx(10, abs=3)


def test_targets_that_begin_together_do_not_begin_slowly() -> None:
    assert Counter(asked_for(stage(2, slow_start=3600), 20)) == {"0": 10, "1": 10}


# -- groups ------------------------------------------------------------------------------------------------------------
def unhealthy(made: Stage, *numbers: int) -> None:
    rows = [health_to_wire(identifier(number), Health(serving=False)) for number in numbers]
    put_rows(made.configuration, {KIND: rows}, {})


def test_priorities_take_over_from_those_before() -> None:
    made = Stage(
        upstream(0),
        service(0, host="u0.test"),
        route(0, paths=["/"]),
        *(target(number, priority=1 if number > 3 else None) for number in range(6)),
    )
    assert set(asked_for(made, 50)) == {"0", "1", "2", "3"}
    unhealthy(made, 0)
    assert set(asked_for(made, 50)) == {"1", "2", "3"}, "three of four can carry it all"
    unhealthy(made, 1)
    shares = Counter(asked_for(made, 400))
    assert set(shares) == {"2", "3", "4", "5"}
    assert shares["4"] + shares["5"] == pytest.approx(400 * 0.3, rel=0.4)
    unhealthy(made, 2, 3)
    assert set(asked_for(made, 50)) == {"4", "5"}


def test_another_try_goes_to_the_next_priority() -> None:
    made = Stage(
        upstream(0), service(0, host="u0.test"), route(0, paths=["/"]), target(0), target(1, priority=1), target(2)
    )
    made.behaviours = {"t0.test": CATALOGUE.CONNECT, "t2.test": CATALOGUE.CONNECT}
    assert asked_for(made, 4)[2::3] == ["1"] * 4


def test_a_node_prefers_targets_of_its_locality() -> None:
    targets = [target(0, locality="a"), target(1, locality="b"), target(2, locality="a"), target(3)]
    made = Stage(upstream(0), service(0, host="u0.test"), route(0, paths=["/"]), *targets, locality="a")
    assert set(asked_for(made, 20)) == {"0", "2"}
    unhealthy(made, 0, 2)
    assert set(asked_for(made, 20)) == {"1", "3"}
    elsewhere = Stage(upstream(0), service(0, host="u0.test"), route(0, paths=["/"]), *targets)
    assert set(asked_for(elsewhere, 20)) == {"0", "1", "2", "3"}


def test_priority_comes_before_locality() -> None:
    targets = [target(0, locality="b"), target(1, locality="a", priority=1)]
    made = Stage(upstream(0), service(0, host="u0.test"), route(0, paths=["/"]), *targets, locality="a")
    assert set(asked_for(made, 10)) == {"0"}


@pytest.mark.parametrize(("fields", "tag"), [({}, "x-version"), ({"subset_tag": "version"}, "version")])
def test_a_header_asks_for_a_subset(fields: dict[str, Any], tag: str) -> None:
    def made(**more: Any) -> Stage:
        return Stage(
            upstream(0, subset_on_header="X-Version", **fields, **more),
            service(0, host="u0.test"),
            route(0, paths=["/"]),
            target(0, tags=[f"{tag}:1", "other"]),
            target(1, tags=[f"{tag}:2"]),
            target(2, tags=[f"{tag}:2"]),
        )

    lenient, strict = made(), made(subset_fallback="none")
    assert set(asked_for(lenient, 6, "/", "X-Version: 1")) == {"0"}
    assert set(asked_for(lenient, 6, "/", "X-Version: 2")) == {"1", "2"}
    assert set(asked_for(lenient, 9, "/", "X-Version: 3")) == {"0", "1", "2"}
    assert set(asked_for(strict, 9)) == {"0", "1", "2"}
    assert asked_for(strict, 1, "/", "X-Version: 3") == []
    unhealthy(lenient, 0)
    assert set(asked_for(lenient, 6, "/", "X-Version: 1")) == {"1", "2"}
