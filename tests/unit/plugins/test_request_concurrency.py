"""request-concurrency, on exchanges without sockets; what needs several workers is in tests/integration."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from gateline.entities import Plugin
from gateline.pdk import ErrorResponse, Exchange, PluginConfig
from gateline.pdk import Plugin as PdkPlugin
from gateline.plugins.request_concurrency import RequestConcurrency
from gateline.plugins.request_concurrency.lines import Lines
from gateline.testing import Harness
from unit.entities.refusing import fields_of


def test_a_request_has_a_place_until_it_is_over() -> None:
    with Harness((RequestConcurrency, {"limit": 1, "namespace": "n"})) as harness:
        for _ in range(3):
            answer = harness.request()
            assert answer.status == 200
            assert answer.header("X-Concurrency-Limit") == "1"
            assert answer.header("X-Concurrency-Remaining") == "0"
        assert harness.slots.inside("concurrency:n:a:127.0.0.1") == 0


def test_without_a_place_it_is_refused() -> None:
    with Harness(
        (RequestConcurrency, {"limit": 1, "namespace": "n", "error_code": 503, "error_message": "busy"})
    ) as harness:
        harness.slots.enter("concurrency:n:a:127.0.0.1", 1)
        answer = harness.request()
        assert (answer.status, answer.json()["message"], answer.header("Retry-After")) == (503, "busy", "1")
        assert answer.sent is None
        harness.slots.leave("concurrency:n:a:127.0.0.1")
        assert harness.request().status == 200


def test_nothing_is_told_where_that_is_hidden() -> None:
    with Harness((RequestConcurrency, {"limit": 1, "namespace": "n", "hide_client_headers": True})) as harness:
        harness.slots.enter("concurrency:n:a:127.0.0.1", 1)
        answer = harness.request()
    assert answer.status == 429
    assert not [name for name, _ in answer.lines if "concurrency" in name.lower() or name == "Retry-After"]


class Broken(PdkPlugin[PluginConfig], name="broken", priority=1):
    """Fails, or refuses, after the place was taken."""

    def access(self, exchange: Exchange) -> ErrorResponse | None:
        if exchange.request.path == "/refuse":
            return ErrorResponse(418)
        raise ValueError("broken")


@pytest.mark.parametrize("target", ["/refuse", "/fail"])
def test_what_ends_before_the_service_is_asked_gives_its_place_back(target: str) -> None:
    with Harness((RequestConcurrency, {"limit": 1, "namespace": "n"}), Broken) as harness:
        harness.request(target=target)
        assert harness.slots.inside("concurrency:n:a:127.0.0.1") == 0


def test_a_place_is_given_back_where_another_configuration_is_in_force_at_the_end() -> None:
    one = {"limit": 1, "namespace": "n", "identifier": "ip", "hide_client_headers": True}
    with Harness((RequestConcurrency, one), (RequestConcurrency, {**one, "limit": 9, "namespace": "m"})) as harness:
        first, second = (plugin for plugin in harness._plugins if isinstance(plugin, RequestConcurrency))
        exchange: Any = SimpleNamespace(client_address="10.0.0.1", context={})
        assert first.access(exchange) is None
        assert harness.slots.inside("concurrency:n:a:10.0.0.1") == 1
        second.log(exchange)
        assert harness.slots.inside("concurrency:n:a:10.0.0.1") == 0


def test_who_waits_too_long_is_refused_and_leaves_the_line() -> None:
    with Harness(
        (RequestConcurrency, {"limit": 1, "namespace": "n", "queue_size": 1, "queue_timeout": 0.05})
    ) as harness:
        harness.slots.enter("concurrency:n:a:127.0.0.1", 1)
        assert harness.request().status == 429
        harness.slots.leave("concurrency:n:a:127.0.0.1")
        assert harness.request().status == 200


async def _line(order: list[str], lines: Lines, name: str, places: list[int], seconds: float = 0) -> bool:
    def enter() -> bool:
        if places[0] <= 0:
            return False
        places[0] -= 1
        order.append(name)
        return True

    return await lines.wait("k", enter)


def test_those_who_wait_get_their_turn_in_order_and_one_who_goes_away_holds_nobody_up() -> None:
    async def scene() -> None:
        order: list[str] = []
        places = [0]
        lines = Lines(10, 30)
        waiting = {name: asyncio.get_running_loop().create_task(_line(order, lines, name, places)) for name in "abcd"}
        await asyncio.sleep(0)
        assert (lines.waiting, lines.is_empty("k"), lines.is_empty("other")) == (4, False, True)
        waiting["a"].cancel()
        waiting["c"].cancel()
        await asyncio.wait([waiting["a"], waiting["c"]])
        places[0] = 2
        lines.call("k")
        assert all(await asyncio.gather(waiting["b"], waiting["d"]))
        assert order == ["b", "d"]
        assert (lines.waiting, lines.is_empty("k")) == (0, True)

    asyncio.run(scene())


def test_the_first_in_line_asks_again_by_itself() -> None:
    async def scene() -> bool:
        places = [0]
        loop = asyncio.get_running_loop()
        loop.call_later(0.05, places.__setitem__, 0, 1)
        return await _line([], Lines(1, 30), "a", places)

    assert asyncio.run(scene())


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({}, {"config": {"limit": "required field missing"}}),
        ({"limit": 0}, {"config": {"limit": "value must be greater than 0"}}),
        ({"limit": 1, "queue_size": -1}, {"config": {"queue_size": "value should be between 0 and 100000"}}),
        ({"limit": 1, "identifier": "path"}, {"config": {"path": "required field missing"}}),
    ],
)
def test_what_is_refused(config: dict[str, Any], fields: dict[str, Any]) -> None:
    assert fields_of(Plugin, {"name": "request-concurrency", "config": config}) == fields
