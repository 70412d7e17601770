"""What a target's watch hears of the tries at it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gateline.engine.errors import CATALOGUE, Failure
from gateline.engine.exchange import Exchange
from gateline.engine.upstream.watch import Watch
from gateline.entities import Target, Upstream
from gateline.testing import ServiceAnswer
from unit.engine.configurations import route, service, target, upstream
from unit.engine.upstream.stage import Behaviour, Stage


class Heard(Watch):
    """Keeps what it hears."""

    def __init__(self, name: str, heard: list[str]) -> None:
        self._name = name
        self._heard = heard

    def began(self, exchange: Exchange, now: float) -> None:
        self._heard.append(f"{self._name} began")

    def answered(self, exchange: Exchange, status: int, latency: float, now: float) -> None:
        self._heard.append(f"{self._name} answered {status}")

    def failed(self, exchange: Exchange, failure: Failure, now: float) -> None:
        self._heard.append(f"{self._name} failed {failure.name}")

    def ended(self, now: float) -> None:
        self._heard.append(f"{self._name} ended")


def stage(*behaviours: Behaviour, retries: int = 5, watches: int = 1) -> tuple[Stage, list[str]]:
    """As many targets as behaviours, in a random order."""
    heard: list[str] = []

    def make(_: Upstream, of: Target, before: Watch | None) -> Watch:
        return before or Heard(of.target[:2], heard)

    made = Stage(
        upstream(0),
        service(0, host="u0.test", retries=retries),
        route(0, paths=["/"]),
        *(target(number) for number in range(len(behaviours))),
        makers=[make] * watches,
    )
    made.behaviours = {f"t{number}.test": one for number, one in enumerate(behaviours)}
    return made, heard


FINE = ServiceAnswer(body=b"ok")


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        (FINE, ["began", "answered 200", "ended"]),
        (ServiceAnswer(status=503), ["began", "answered 503", "ended"]),
        (ServiceAnswer(chunks=(b"a", b"b")), ["began", "answered 200", "ended"]),
        (CATALOGUE.CONNECT, ["began", "failed connect", "ended"]),
        ("reset", ["began", "failed reset", "ended"]),
        ("half", ["began", "answered 200", "failed reset", "ended"]),
    ],
)
def test_every_end_of_a_try_is_told_once(behaviour: Behaviour, told: Sequence[str]) -> None:
    made, heard = stage(behaviour, retries=0)
    asyncio.run(_requests(made, 1))
    assert heard == [f"t0 {event}" for event in told]


async def _requests(made: Stage, count: int) -> list[int]:
    return [(await made.request()).status for _ in range(count)]


def test_each_try_is_told_to_the_watch_of_its_target() -> None:
    made, heard = stage(CATALOGUE.CONNECT, CATALOGUE.CONNECT)
    assert asyncio.run(_requests(made, 1)) == [502]
    assert len(heard) == 18
    assert {tuple(heard[at : at + 3]) for at in range(0, 18, 3)} == {
        ("t0 began", "t0 failed connect", "t0 ended"),
        ("t1 began", "t1 failed connect", "t1 ended"),
    }


def test_a_try_that_nobody_waits_for_has_ended() -> None:
    async def leave() -> None:
        client = made.client()
        client.send()
        for _ in range(5):
            await asyncio.sleep(0)
        assert heard == ["t0 began"]
        client.leave()

    made, heard = stage("silence")
    asyncio.run(leave())
    assert heard == ["t0 began", "t0 ended"]


def test_several_watches_hear_the_same() -> None:
    made, heard = stage(FINE, watches=2)
    asyncio.run(_requests(made, 1))
    assert heard == ["t0 began"] * 2 + ["t0 answered 200"] * 2 + ["t0 ended"] * 2


def test_a_kept_connection_that_is_closed_is_no_failure_of_the_target() -> None:
    async def close_between() -> None:
        await made.request()
        made.behaviours["t0.test"] = "reset"
        client = made.client()
        client.send()
        await asyncio.sleep(0)
        made.behaviours["t0.test"] = FINE
        for _ in range(20):
            await asyncio.sleep(0)
        assert client.status == 200

    made, heard = stage(FINE)
    asyncio.run(close_between())
    assert heard[3:] == ["t0 began", "t0 ended", "t0 began", "t0 answered 200", "t0 ended"]


def test_watches_are_kept_when_other_targets_change() -> None:
    befores: list[Any] = []

    def make(_: Upstream, of: Target, before: Watch | None) -> Watch:
        befores.append((of.target[:2], before))
        return before or Heard(of.target[:2], [])

    made = Stage(upstream(0), service(0, host="u0.test"), route(0, paths=["/"]), target(0), makers=[make])
    made.change(target(1))
    assert [name for name, before in befores if before is None] == ["t0", "t1"]
    assert befores[1][1] is not None


@pytest.mark.parametrize("count", [2, 5])
def test_another_try_goes_to_a_target_that_was_not_tried(count: int) -> None:
    made, _ = stage(*[CATALOGUE.CONNECT] * (count - 1), FINE)
    assert asyncio.run(_requests(made, 20)) == [200] * 20
    good = f"t{count - 1}.test"
    tries = " ".join(made.asked).split(good)[:-1]
    assert all(len(failed.split()) == len(set(failed.split())) for failed in tries), "a target was tried twice"
