"""What workers tell of tries, and what circuit breakers and limits refuse."""

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

import pytest

from gateline.engine.errors import CATALOGUE
from gateline.engine.feed import Seen
from gateline.engine.local_state import LocalCounters
from gateline.engine.upstream.circuit_rows import Open, open_to_wire
from gateline.engine.upstream.gates import Circuits, Gates, LocalGauges
from gateline.engine.upstream.observing import Observers, Reports
from gateline.engine.upstream.outcomes import CircuitOutcome, Fault, Result, Runs, outcome_with
from gateline.testing import ServiceAnswer
from unit.engine.configurations import identifier, put_rows, route, service, target, upstream
from unit.engine.upstream.stage import Stage

FAILS = ServiceAnswer(500, body=b"oh")
PASSIVE = {"healthchecks": {"passive": {"unhealthy": {"http_failures": 2}}}}
BREAKER = {"circuit_breaker": {"minimum_calls": 2, "trial_calls": 2}}
_PENDING = f"{identifier(0)}:max_pending_requests".encode()
FINE = outcome_with(Result.SUCCESS, Fault.NONE)


class Scene:
    """A stage whose targets are watched and gated, and what was told."""

    def __init__(self, targets: int = 1, fields: dict[str, Any] | None = None, **of_service: Any) -> None:
        self.seen: list[Seen] = []
        self.counters = LocalCounters()
        self.gauges = LocalGauges()
        reports = Reports(self.seen.append)
        self.circuits = Circuits(self.counters)
        self.stage = Stage(makers=[Observers(reports)])
        self.stage.configuration.gates = Gates(reports, self.circuits, self.gauges)
        self.stage.change(
            upstream(0, **(fields or {})),
            service(0, host="u0.test", **{"retries": 0, **of_service}),
            route(0, paths=["/"]),
            *(target(number) for number in range(targets)),
        )

    async def statuses(self, count: int = 1) -> list[int]:
        return [(await self.stage.request()).status for _ in range(count)]

    async def told(self) -> tuple[Runs, Runs]:
        """The outcomes of tries and of calls, of whatever they were, once all is told."""
        await asyncio.sleep(0.2)
        tries = [run for seen in self.seen for _, _, runs in seen.tries for run in runs]
        calls = [run for seen in self.seen for _, _, runs in seen.calls for run in runs]
        self.seen.clear()
        return tries, calls

    def open(self, number: int, until: float, epoch: int = 7) -> None:
        self.circuits.take([open_to_wire(identifier(number), Open(until, epoch))], [], full=False)


def played(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run it in a loop, with a limit that only something stuck reaches."""

    async def main() -> None:
        async with asyncio.timeout(60):
            await scene()

    asyncio.run(main())


def test_outcomes_are_told_in_their_order_and_equal_ones_together() -> None:
    async def main() -> None:
        scene = Scene(1, PASSIVE)
        await scene.statuses(3)
        scene.stage.behaviours["t0.test"] = FAILS
        await scene.statuses(2)
        scene.stage.behaviours["t0.test"] = CATALOGUE.CONNECT_TIMEOUT
        await scene.statuses()
        scene.stage.behaviours["t0.test"] = "reset"
        await scene.statuses()
        scene.stage.behaviours["t0.test"] = ServiceAnswer(418)
        await scene.statuses()
        tries, calls = await scene.told()
        assert calls == []
        assert _joined(tries) == [
            (FINE, 3),
            (outcome_with(Result.HTTP_FAILURE, Fault.SERVER), 2),
            (outcome_with(Result.TIMEOUT, Fault.LOCAL), 1),
            (outcome_with(Result.TCP_FAILURE, Fault.LOCAL), 1),
        ], "and 418 says nothing"

    played(main)


def _joined(runs: Runs) -> Runs:
    """Runs of equal outcomes that came in several reports, as one."""
    made: Runs = []
    for outcome, times in runs:
        if made and made[-1][0] == outcome:
            made[-1] = outcome, made[-1][1] + times
        else:
            made.append((outcome, times))
    return made


def test_nobody_watches_where_nothing_is_asked_for() -> None:
    async def main() -> None:
        scene = Scene()
        compiled = scene.stage.configuration.services[identifier(0)].compiled
        assert compiled.gate is None
        await scene.statuses(3)
        assert await scene.told() == ([], [])

    played(main)


def test_tcp_checks_take_any_answer_below_500_for_a_success() -> None:
    async def main() -> None:
        checks = {"type": "tcp", "unhealthy": {"tcp_failures": 2}}
        scene = Scene(1, {"healthchecks": {"passive": checks}})
        await scene.statuses()
        scene.stage.behaviours["t0.test"] = FAILS
        await scene.statuses()
        tries, _ = await scene.told()
        assert tries == [(FINE, 1), (outcome_with(Result.NOTHING, Fault.SERVER), 1)]

    played(main)


def test_a_circuit_tells_every_call_and_refuses_while_it_is_open() -> None:
    async def main() -> None:
        scene = Scene(1, BREAKER)
        await scene.statuses(2)
        scene.stage.behaviours["t0.test"] = FAILS
        await scene.statuses()
        _, calls = await scene.told()
        assert _joined(calls) == [(CircuitOutcome.FINE, 2), (CircuitOutcome.FAILED, 1)]
        scene.open(0, monotonic() + 100)
        scene.stage.asked.clear()
        client = await scene.stage.request()
        assert client.status == 503
        assert b"the circuit breaker is open" in client.answered
        assert b"\r\nRetry-After: 100\r\n" in client.answered
        assert scene.stage.asked == []
        scene.circuits.take([], [identifier(0)], full=False)
        scene.stage.behaviours.clear()
        assert await scene.statuses() == [200]

    played(main)


def test_another_target_takes_the_requests_of_one_whose_circuit_is_open() -> None:
    async def main() -> None:
        scene = Scene(3, BREAKER)
        scene.open(0, monotonic() + 100)
        scene.open(1, monotonic() + 100)
        assert await scene.statuses(12) == [200] * 12
        assert set(scene.stage.asked) == {"t2.test"}

    played(main)


def test_trials_are_counted_once_for_all_and_one_that_nobody_waited_for_is_given_back() -> None:
    async def main() -> None:
        scene = Scene(1, BREAKER)
        scene.open(0, monotonic() - 1)
        scene.stage.behaviours["t0.test"] = "silence"
        clients = [scene.stage.client() for _ in range(4)]
        for client in clients:
            client.send()
        for _ in range(50):
            await asyncio.sleep(0)
        assert sorted(client.status for client in clients) == [0, 0, 503, 503]
        waiting = [client for client in clients if client.status == 0]
        waiting[0].leave()
        scene.stage.behaviours.clear()
        assert await scene.statuses(2) == [200, 503], "one more, in its place"
        waiting[1].leave()
        await asyncio.sleep(0.2)
        epochs = [(epoch, runs) for seen in scene.seen for _, epoch, runs in seen.calls]
        assert epochs == [(7, [(CircuitOutcome.FINE, 1)])]

    played(main)


def test_the_circuit_of_a_service_stands_before_all_its_targets() -> None:
    async def main() -> None:
        scene = Scene(2, None, **BREAKER)
        assert await scene.statuses(2) == [200, 200]
        scene.open(0, monotonic() + 100)
        assert await scene.statuses(2) == [503, 503]
        assert len(scene.stage.asked) == 2

    played(main)


@pytest.mark.parametrize(
    ("name", "place"), [("max_requests", "limits"), ("max_connections", "limits"), ("max_requests", "target_limits")]
)
def test_no_more_is_under_way_than_a_limit_allows(name: str, place: str) -> None:
    async def main() -> None:
        scene = Scene(1, {place: {name: 2}})
        scene.stage.behaviours["t0.test"] = "silence"
        clients = [scene.stage.client() for _ in range(4)]
        for client in clients:
            client.send()
        for _ in range(50):
            await asyncio.sleep(0)
        assert sorted(client.status for client in clients) == [0, 0, 503, 503]
        assert any(b"too much is under way at the upstream" in client.answered for client in clients)
        for client in clients:
            client.leave()
        scene.stage.behaviours.clear()
        assert await scene.statuses(6) == [200] * 6

    played(main)


def test_retries_have_a_limit_of_their_own() -> None:
    async def main() -> None:
        scene = Scene(2, {"limits": {"max_retries": 0}}, retries=5)
        scene.stage.behaviours = {"t0.test": CATALOGUE.CONNECT, "t1.test": CATALOGUE.CONNECT}
        assert await scene.statuses() == [503]
        assert len(scene.stage.asked) == 1
        scene.stage.behaviours = {}
        assert await scene.statuses(2) == [200, 200]

    played(main)


def test_waiting_for_connections_has_a_limit() -> None:
    async def main() -> None:
        scene = Scene(1, {"limits": {"max_pending_requests": 0}})
        assert await scene.statuses() == [503]
        scene.stage.change(upstream(0, limits={"max_pending_requests": 1}))
        assert await scene.statuses(3) == [200] * 3, "a wait is over when there is a connection"

    played(main)


async def _settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def test_requests_wait_in_their_order_for_one_of_the_connections() -> None:
    async def main() -> None:
        scene = Scene(1, {"limits": {"max_connections": 1, "max_pending_requests": 2}})
        scene.stage.behaviours["t0.test"] = "silence"
        clients = [scene.stage.client() for _ in range(4)]
        for place, client in enumerate(clients):
            client.send(f"/{place}")
            await _settle()
        assert [client.status for client in clients] == [0, 0, 0, 503], "one has the connection, and two may wait"
        assert len(scene.stage.asked) == 1
        scene.stage.behaviours.clear()
        clients[0].leave()
        await _settle()
        assert [client.status for client in clients[1:3]] == [200, 200]
        assert [exchange.path for exchange in scene.stage.over][-2:] == [b"/1", b"/2"]
        assert scene.gauges.take([(_PENDING, 1)]) == -1, "nobody waits"

    played(main)


def test_who_comes_later_does_not_overtake_and_who_leaves_makes_room() -> None:
    async def main() -> None:
        scene = Scene(0, {"target_limits": {"max_connections": 1, "max_pending_requests": 9}})
        scene.stage.change(target(1), target(2))  # an id of their own each, beside the upstream's
        scene.stage.behaviours = {"t1.test": "silence", "t2.test": "silence"}
        holders = [scene.stage.client() for _ in range(2)]
        waiting = [scene.stage.client() for _ in range(3)]
        for place, client in enumerate([*holders, *waiting]):
            client.send(f"/{place}")
        await _settle()
        assert sorted(scene.stage.asked) == ["t1.test", "t2.test"], "both targets are tried before one waits"
        waiting[0].leave()
        scene.stage.behaviours.clear()
        holders[0].leave()
        late = scene.stage.client()
        late.send("/late")
        await _settle()
        assert [client.status for client in [*waiting[1:], late]] == [200] * 3
        assert [exchange.path for exchange in scene.stage.over][-3:] == [b"/3", b"/4", b"/late"]

    played(main)


def test_a_wait_for_a_connection_ends_with_the_connect_timeout() -> None:
    async def main() -> None:
        scene = Scene(1, {"limits": {"max_connections": 0, "max_pending_requests": 1}}, connect_timeout=50)
        client = scene.stage.client()
        client.send()
        await _settle()
        assert client.status == 0
        while not scene.stage.over:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        assert client.status == 503
        assert b"too much is under way at the upstream" in client.answered
        assert scene.gauges.take([(_PENDING, 1)]) == -1

    played(main)


def test_what_another_worker_has_given_back_is_found() -> None:
    async def main() -> None:
        scene = Scene(1, {"limits": {"max_connections": 1, "max_pending_requests": 1}})
        other = f"{identifier(0)}:max_connections".encode()
        scene.gauges.take([(other, 1)])
        client = scene.stage.client()
        client.send()
        await _settle()
        assert client.status == 0
        scene.gauges.give_back([other])
        while not scene.stage.over:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        assert client.status == 200

    played(main)


def test_who_waits_goes_on_when_the_limits_are_gone() -> None:
    async def main() -> None:
        scene = Scene(1, {"limits": {"max_connections": 0, "max_pending_requests": 1}})
        client = scene.stage.client()
        client.send()
        await _settle()
        scene.stage.change(upstream(0))
        while not scene.stage.over:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        assert client.status == 200
        assert scene.gauges.take([(_PENDING, 1)]) == -1

    played(main)


def test_a_limit_that_refuses_gives_the_trial_back() -> None:
    async def main() -> None:
        scene = Scene(1, {**BREAKER, "limits": {"max_requests": 0}})
        scene.open(0, monotonic() - 1)
        assert await scene.statuses(3) == [503] * 3
        assert scene.counters.get(f"circuit:{identifier(0)}:7") == 0

    played(main)


def test_in_panic_health_counts_no_more() -> None:
    async def main() -> None:
        scene = Scene(2, {**PASSIVE, "panic_threshold": 60})
        configuration = scene.stage.configuration
        put_rows(configuration, {"target_health": [{"id": identifier(0), "serving": False}]}, {})
        scene.stage.proxy.adopt(configuration.runtime)
        await scene.statuses(8)
        assert set(scene.stage.asked) == {"t0.test", "t1.test"}
        scene.stage.change(upstream(0, **PASSIVE, panic_threshold=50))
        scene.stage.asked.clear()
        await scene.statuses(8)
        assert set(scene.stage.asked) == {"t1.test"}

    played(main)
