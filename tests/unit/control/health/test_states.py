"""The health of targets in the control process: what is set, what the workers are told, and when it is forgotten."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from gateline.control.errors import ChangeRefusedError
from gateline.control.health import states
from gateline.control.rows import Delta
from gateline.engine.upstream.dns import Endpoint
from gateline.entities import Target, Upstream
from unit.control.health.stage import NAMES, A, B, C, Stage, U, V, play, rows


def test_a_target_that_is_set_is_so_in_every_worker_and_in_those_that_come(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        workers = [await stage.worker(), await stage.worker()]
        await stage.states.set(U.id, A.id, None, healthy=False)
        assert [worker.serving for worker in workers] == [{A.id: False}] * 2
        assert (await stage.worker()).serving == {A.id: False}
        await stage.states.set(U.id, A.id, None, healthy=True)
        assert [worker.serving for worker in workers] == [{}] * 2

    play(tmp_path, scene, U, A, B)


def test_the_address_of_a_target_without_a_name_is_the_target(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        worker = await stage.worker()
        await stage.states.set(U.id, A.id, "192.0.2.1", healthy=False)
        await stage.states.set(V.id, C.id, "2001:db8::1", healthy=False)
        assert worker.serving == {A.id: False, C.id: False}
        await stage.states.set(U.id, A.id, None, healthy=True)
        assert worker.serving == {C.id: False}

    play(tmp_path, scene, U, V, A, B, C)


def test_a_name_serves_as_long_as_one_of_its_addresses_is_healthy(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        worker = await stage.worker()
        await stage.states.set(U.id, B.id, NAMES[0], healthy=False)
        known = worker.known[B.id]
        assert known.serving
        assert [known.addresses.takes(one) for one in (*NAMES, "192.0.2.10")] == [False, True, True]
        [shown] = await stage.states.of(U, [B])
        assert [(one.ip, one.healthy) for one in shown] == [(NAMES[0], False), (NAMES[1], True)]
        await stage.states.set(U.id, B.id, NAMES[1], healthy=False)
        assert worker.serving == {B.id: False}
        for address in NAMES:
            await stage.states.set(U.id, B.id, address, healthy=True)
        assert worker.known == {}

    play(tmp_path, scene, U, B)


def test_the_ports_of_srv_records_are_told_apart(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        stage.names = tuple(Endpoint("192.0.2.8", port) for port in (8081, 8082))
        worker = await stage.worker()
        await stage.states.set(U.id, B.id, "192.0.2.8:8081", healthy=False)
        known = worker.known[B.id]
        assert known.serving
        assert [known.addresses.takes(one) for one in ("192.0.2.8:8081", "192.0.2.8:8082")] == [False, True]
        [shown] = await stage.states.of(U, [B])
        assert [(one.ip, one.port, one.healthy) for one in shown] == [
            ("192.0.2.8", 8081, False),
            ("192.0.2.8", 8082, True),
        ]
        await stage.states.set(U.id, B.id, "192.0.2.8", healthy=False)
        assert worker.serving == {B.id: False}, "without a port it is all of them there"
        await stage.states.set(U.id, B.id, "192.0.2.8", healthy=True)
        assert worker.known == {}

    play(tmp_path, scene, U, B)


def test_an_address_with_the_port_of_its_target_is_that_place_alone(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        stage.names = tuple(Endpoint("192.0.2.8", port) for port in (80, 8082))
        worker = await stage.worker()
        await stage.states.set(U.id, B.id, "192.0.2.8", healthy=False)
        addresses = worker.known[B.id].addresses
        assert [addresses.takes(one) for one in ("192.0.2.8", "192.0.2.8:8082")] == [False, True]

    play(tmp_path, scene, U, B)


def test_one_address_of_a_target_that_is_unhealthy_can_be_healthy(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        worker = await stage.worker()
        await stage.states.set(U.id, B.id, None, healthy=False)
        assert worker.serving == {B.id: False}
        await stage.states.set(U.id, B.id, NAMES[1], healthy=True)
        known = worker.known[B.id]
        assert known.serving
        assert [known.addresses.takes(one) for one in (*NAMES, "192.0.2.10")] == [False, True, False]

    play(tmp_path, scene, U, B)


def test_a_target_takes_requests_again_when_its_name_gets_another_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "LOOK_AGAIN", 0.01)

    async def scene(stage: Stage) -> None:
        worker = await stage.worker()
        stage.names = NAMES[:1]
        await stage.states.set(U.id, B.id, NAMES[0], healthy=False)
        assert worker.serving == {B.id: False}
        stage.names = NAMES
        while not worker.serving[B.id]:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)
        stage.names = NAMES[:1]
        while worker.serving[B.id]:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)

    play(tmp_path, scene, U, B)


def test_a_name_without_addresses_has_none_to_show(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        stage.names = ()
        worker = await stage.worker()
        await stage.states.set(U.id, B.id, NAMES[0], healthy=False)
        assert worker.serving == {B.id: True}  # it may be found by the worker
        assert await stage.states.of(U, [B]) == [[]]

    play(tmp_path, scene, U, B)


@pytest.mark.parametrize("gone", ["target", "upstream", "address", "checks"])
def test_what_a_target_was_is_forgotten_when(tmp_path: Path, gone: str) -> None:
    moved = Target.parse({**A.to_wire(), "target": "192.0.2.77:80"})
    unchecked = Upstream.parse({"name": U.name, "id": U.id})
    deltas = {
        "target": Delta(delete={"targets": [A.id]}),
        "upstream": Delta(delete={"upstreams": [U.id], "targets": [A.id, B.id]}),
        "address": Delta(put=rows(moved)),
        "checks": Delta(put=rows(unchecked)),
    }

    async def scene(stage: Stage) -> None:
        worker = await stage.worker()
        await stage.states.set(U.id, A.id, None, healthy=False)
        await stage.states.set(V.id, C.id, None, healthy=False)
        await stage.server.change(deltas[gone], "two")
        assert worker.serving == {C.id: False}
        await stage.server.change(Delta(put=rows(U, A)), "three")
        assert worker.serving == {C.id: False}
        assert set(msgspec.json.decode((tmp_path / "health.json").read_bytes())) == {C.id}

    play(tmp_path, scene, U, V, A, B, C)


def test_other_changes_leave_it_alone(tmp_path: Path) -> None:
    other = Upstream.parse({**U.to_wire(), "algorithm": "latency"})
    weighty = Target.parse({**A.to_wire(), "weight": 7})

    async def scene(stage: Stage) -> None:
        worker = await stage.worker()
        await stage.states.set(U.id, A.id, None, healthy=False)
        await stage.server.change(Delta(put=rows(other, weighty)), "two")
        await stage.server.publish(rows(U, weighty, B), "three")
        assert worker.serving == {A.id: False}

    play(tmp_path, scene, U, A, B)


def test_the_next_process_takes_up_what_was_kept(tmp_path: Path) -> None:
    async def before(stage: Stage) -> None:
        await stage.states.set(U.id, A.id, None, healthy=False)
        await stage.states.set(U.id, B.id, NAMES[0], healthy=False)
        await stage.states.set(V.id, C.id, None, healthy=False)

    async def after(stage: Stage) -> None:
        worker = await stage.worker()
        await stage.server.publish(rows(U, A, B), "one")  # without C
        assert worker.serving == {A.id: False, B.id: True}
        assert not worker.known[B.id].addresses.takes(NAMES[0])
        [a, b] = await stage.states.of(U, [A, B])
        assert [one.healthy for one in (*a, *b)] == [False, False, True]

    play(tmp_path, before, U, V, A, B, C)
    (tmp_path / "feed").unlink()
    play(tmp_path, after)


def test_a_file_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "health.json").write_text('{"x": 1}')

    async def scene(stage: Stage) -> None:
        assert [[one.healthy for one in of] for of in await stage.states.of(U, [A])] == [[True]]

    play(tmp_path, scene, U, A)


def test_what_is_not_in_force_cannot_be_set(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        worker = await stage.worker()
        await stage.states.set(U.id, B.id, None, healthy=False)
        assert worker.known == {}
        await stage.server.change(Delta(put=rows(B)), "two")
        assert worker.known == {}

    play(tmp_path, scene, U, A)


def test_a_worker_that_refuses_leaves_everything_as_it_was(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        good, bad = await stage.worker(), await stage.worker()
        bad.refuse = True
        with pytest.raises(ChangeRefusedError):
            await stage.states.set(U.id, A.id, None, healthy=False)
        assert good.known == bad.known == {}
        assert [[one.healthy for one in of] for of in await stage.states.of(U, [A])] == [[True]]
        bad.refuse = False
        await stage.states.set(U.id, A.id, None, healthy=False)
        assert good.serving == bad.serving == {A.id: False}

    play(tmp_path, scene, U, A)


def test_settings_at_the_same_time_all_count(tmp_path: Path) -> None:
    targets = [Target.parse({"target": f"192.0.2.{one}:80", "upstream": {"id": U.id}}) for one in range(20)]

    async def scene(stage: Stage) -> None:
        worker = await stage.worker()
        changes = [stage.server.change(Delta(put=rows(V)), str(one)) for one in range(5)]
        await asyncio.gather(*(stage.states.set(U.id, one.id, None, healthy=False) for one in targets), *changes)
        assert worker.serving == {one.id: False for one in targets}

    play(tmp_path, scene, U, *targets)
