"""What a node makes of what its workers saw: health, ejections, circuits; and that it follows the configuration."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateline.control.health import node
from gateline.engine.feed import Seen
from gateline.engine.upstream.dns import Endpoint
from gateline.engine.upstream.outcomes import CircuitOutcome, Fault, Result, outcome_with
from gateline.entities import Target, Upstream
from unit.control.health.stage import NAMES, Stage, play

FINE = outcome_with(Result.SUCCESS, Fault.NONE)
FAILED = outcome_with(Result.HTTP_FAILURE, Fault.SERVER)
LOST = outcome_with(Result.TCP_FAILURE, Fault.LOCAL)
PASSIVE = {"healthchecks": {"passive": {"healthy": {"successes": 2}, "unhealthy": {"http_failures": 3}}}}
U = Upstream.parse({"name": "u.test", **PASSIVE})
A = Target.parse({"target": "192.0.2.1:80", "upstream": {"id": U.id}})
B = Target.parse({"target": "b.test:80", "upstream": {"id": U.id}})


def tries(target: Target, *runs: tuple[int, int], address: str = "") -> Seen:
    return Seen(tries=[(target.id, address, list(runs))])


def with_fields(**fields: Any) -> Upstream:
    return Upstream.patched(U.to_wire(), fields)


async def until(look: Callable[[], bool]) -> None:
    """Wait until it is so; the scene has a limit."""
    while not look():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.002)


async def heard(stage: Stage) -> None:
    """Let what was told arrive, and what follows from it be in force."""
    for _ in range(5):
        await asyncio.sleep(0.01)


def test_failures_of_all_workers_count_together(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        one, two = await stage.worker(), await stage.worker()
        one.feed.tell(tries(A, (FAILED, 1)))
        two.feed.tell(tries(A, (FINE, 5), (FAILED, 1)))
        await heard(stage)
        assert one.serving == {}
        one.feed.tell(tries(A, (FAILED, 1)))
        await heard(stage)
        two.feed.tell(tries(A, (FAILED, 1)))
        await until(lambda: one.serving == two.serving == {A.id: False})
        assert not stage.states.takes(A.id, "192.0.2.1")
        one.feed.tell(tries(A, (FINE, 2)))
        await until(lambda: one.serving == two.serving == {})

    play(tmp_path, scene, U, A)


def test_the_addresses_of_a_name_are_told_apart(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        worker = await stage.worker()
        worker.feed.tell(tries(B, (FAILED, 2), address=NAMES[0]))
        worker.feed.tell(tries(B, (FINE, 9), address=NAMES[1]))
        worker.feed.tell(tries(B, (FAILED, 1), address=NAMES[0]))
        await until(lambda: B.id in worker.known)
        known = worker.known[B.id]
        assert known.serving
        assert [known.addresses.takes(one) for one in NAMES] == [False, True]
        worker.feed.tell(tries(B, (FAILED, 3), address=NAMES[1]))
        await until(lambda: worker.serving == {B.id: False})
        worker.feed.tell(tries(B, (FINE, 2), address=NAMES[1]))
        await until(lambda: worker.serving == {B.id: True})

    play(tmp_path, scene, U, B)


def test_the_ports_at_one_address_are_told_apart(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        stage.names = tuple(Endpoint("192.0.2.8", port) for port in (8081, 8082))
        worker = await stage.worker()
        worker.feed.tell(tries(B, (FAILED, 2), address="192.0.2.8:8081"))
        worker.feed.tell(tries(B, (FINE, 9), address="192.0.2.8:8082"))
        worker.feed.tell(tries(B, (FAILED, 1), address="192.0.2.8:8081"))
        await until(lambda: B.id in worker.known)
        known = worker.known[B.id]
        assert known.serving
        assert [known.addresses.takes(f"192.0.2.8:{port}") for port in (8081, 8082)] == [False, True]
        worker.feed.tell(tries(B, (FAILED, 3), address="192.0.2.8:8082"))
        await until(lambda: worker.serving == {B.id: False})

    play(tmp_path, scene, U, B)


def test_a_name_is_one_target_where_no_address_was_reached(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        worker = await stage.worker()
        worker.feed.tell(tries(B, (FAILED, 3)))
        await until(lambda: worker.serving == {B.id: False})
        await stage.states.set(U.id, B.id, None, healthy=True)
        assert worker.serving == {}
        worker.feed.tell(tries(B, (FAILED, 2)))
        await heard(stage)
        assert worker.serving == {}, "it began from nothing"
        worker.feed.tell(tries(B, (FAILED, 1)))
        await until(lambda: worker.serving == {B.id: False})
        metric = stage.health.metrics.metrics["gateline_target_health_changes_total"]
        by = {labels.split(",")[0]: value for labels, value in metric.values().items()}
        assert by == {'by="passive checks"': 2, 'by="hand"': 1}

    play(tmp_path, scene, U, B)


def test_what_is_not_asked_for_any_more_is_forgotten(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        worker = await stage.worker()
        worker.feed.tell(tries(A, (FAILED, 2)))
        await heard(stage)
        await stage.change([with_fields(healthchecks={"passive": {"unhealthy": {"http_failures": 0}}})])
        worker.feed.tell(tries(A, (FAILED, 9)))
        await heard(stage)
        assert worker.serving == {}
        await stage.change([U])
        worker.feed.tell(tries(A, (FAILED, 2)))
        await heard(stage)
        assert worker.serving == {}, "the failures before count no more"
        await stage.change([with_fields(healthchecks={"passive": {"unhealthy": {"http_failures": 1}}})])
        worker.feed.tell(tries(A, (FAILED, 1)))
        await until(lambda: worker.serving == {A.id: False})
        await stage.change(delete=[A])
        assert worker.serving == {}
        worker.feed.tell(tries(A, (FAILED, 9)))
        await heard(stage)
        assert worker.serving == {}

    play(tmp_path, scene, U, A)


def test_an_ejection_ends_and_says_nothing_of_health(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "RESTORE", 0.01)
    rules = {"consecutive_5xx": 2, "base_ejection_time": 0.3, "max_ejection_percent": 100}

    async def scene(stage: Stage) -> None:
        worker = await stage.worker()
        worker.feed.tell(tries(A, (LOST, 2)))
        await until(lambda: worker.serving == {A.id: False})
        assert stage.states.takes(A.id, "192.0.2.1"), "it is healthy, and ejected"
        await until(lambda: worker.serving == {})
        worker.feed.tell(tries(B, (FAILED, 2)))
        await until(lambda: worker.serving == {B.id: False})
        await until(lambda: worker.serving == {})

    play(tmp_path, scene, with_fields(outlier_detection=rules), A, B)


def test_a_circuit_opens_in_all_workers_and_its_trials_are_given_anew_when_one_dies(tmp_path: Path) -> None:
    rules = {"minimum_calls": 4, "trial_calls": 2, "open_time": 0.1}

    def calls(epoch: int, *runs: tuple[int, int]) -> Seen:
        return Seen(calls=[(A.id, epoch, list(runs))])

    async def scene(stage: Stage) -> None:
        one, two = await stage.worker(), await stage.worker()
        one.feed.tell(calls(0, (CircuitOutcome.FINE, 2)))
        two.feed.tell(calls(0, (CircuitOutcome.FAILED, 2)))
        await until(lambda: A.id in one.circuits and one.circuits == two.circuits)
        first = one.circuits[A.id]
        await asyncio.sleep(0.15)
        one.feed.tell(calls(first.epoch, (CircuitOutcome.FINE, 1)))
        await heard(stage)
        await stage.lose(1)
        await until(lambda: one.circuits[A.id].epoch > first.epoch)
        second = one.circuits[A.id]
        one.feed.tell(calls(first.epoch, (CircuitOutcome.FINE, 1)))
        one.feed.tell(calls(second.epoch, (CircuitOutcome.FINE, 1)))
        await heard(stage)
        assert A.id in one.circuits
        one.feed.tell(calls(second.epoch, (CircuitOutcome.FINE, 1)))
        await until(lambda: one.circuits == {})
        one.feed.tell(calls(0, (CircuitOutcome.FAILED, 4)))
        await until(lambda: A.id in one.circuits)
        await stage.change([with_fields(circuit_breaker=None)])
        await until(lambda: one.circuits == {})

    play(tmp_path, scene, with_fields(circuit_breaker=rules), A)


def test_an_open_circuit_is_taken_up_by_the_next_process(tmp_path: Path) -> None:
    upstream = with_fields(circuit_breaker={"minimum_calls": 1, "open_time": 1000})
    found: list[Any] = []

    async def opens(stage: Stage) -> None:
        worker = await stage.worker()
        worker.feed.tell(Seen(calls=[(A.id, 0, [(CircuitOutcome.FAILED, 1)])]))
        await until(lambda: A.id in worker.circuits and (tmp_path / "circuits.json").exists())
        found.append(worker.circuits[A.id])
        await heard(stage)

    async def stays(stage: Stage) -> None:
        worker = await stage.worker()
        await heard(stage)
        assert worker.circuits == {A.id: found[0]}

    async def goes(stage: Stage) -> None:
        worker = await stage.worker()
        await until(lambda: worker.circuits == {})

    play(tmp_path, opens, upstream, A)
    (tmp_path / "feed").unlink()
    play(tmp_path, stays, upstream, A)
    (tmp_path / "feed").unlink()
    play(tmp_path, goes, U, A)
