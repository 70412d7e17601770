"""The feed, both ends: what travels, what is in force when, and what happens when a worker refuses, lags or is gone."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateline.control.errors import ChangeRefusedError, ChangeTimeoutError
from gateline.control.feed import FeedServer, Totals
from gateline.control.rows import Delta, Rows, row_of
from gateline.engine import feed
from gateline.engine.entity_tables import taken
from gateline.engine.feed import (
    Ack,
    Begin,
    Commit,
    ConfigurationError,
    Count,
    Counted,
    Delete,
    FeedError,
    Hello,
    Put,
    Stats,
    WorkerFeed,
    Write,
    Written,
    control_messages,
    encode,
    worker_messages,
)

LIMIT = 20.0


def rows(*names: str, **changed: int) -> Rows:
    """Services by name, each its own id; `changed` gives some a value."""
    return {"services": {name: row_of({"id": name, "value": changed.get(name, 0)}) for name in names}}


class Engine:
    """A worker's configuration; `refuse` raises, `gate` holds back every change."""

    def __init__(self) -> None:
        self.services: dict[str, Any] = {}
        self.changes: list[tuple[int, bool, list[str], list[str], str]] = []
        self.refuse: dict[int, Exception] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    async def apply(
        self,
        version: int,
        full: bool,
        put: dict[str, list[dict[str, Any]]],
        delete: dict[str, list[str]],
        digest: str,
    ) -> None:
        await self.gate.wait()
        if version in self.refuse:
            raise self.refuse[version]
        services = list(taken(put.get("services", [])))
        gone = delete.get("services", [])
        self.changes.append((version, full, [row["id"] for row in services], gone, digest))
        base = {} if full else self.services
        self.services = {name: row for name, row in base.items() if name not in gone} | {
            row["id"]: row for row in services
        }


async def until(look: Callable[[], object]) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(LIMIT):
        while not look():  # noqa: ASYNC110 - no event tells of what the other end has done
            await asyncio.sleep(0.002)


class Scene:
    """A server and its workers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.listener.setblocking(False)
        self.server = FeedServer(self.listener.dup(), timeout=LIMIT)
        self.feeds: list[WorkerFeed] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def worker(self, index: int = 0, stats: Callable[[], Stats] = Stats) -> Engine:
        engine = Engine()
        worker = WorkerFeed(str(self.path), index=index, generation=1, apply=engine.apply, stats=stats)
        self.feeds.append(worker)
        known = len(self.server.workers)
        self._tasks.append(asyncio.get_running_loop().create_task(worker.run()))
        await until(lambda: len(self.server.workers) > known)
        return engine

    async def end(self, number: int) -> None:
        self._tasks[number].cancel()
        await asyncio.gather(self._tasks[number], return_exceptions=True)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.server.close()
        self.listener.close()
        await asyncio.sleep(0)


def scene(tmp_path: Path, play: Callable[[Scene], Awaitable[None]]) -> None:
    """Run `play` with a server that accepts."""

    @asynccontextmanager
    async def stage() -> AsyncIterator[Scene]:
        made = Scene(tmp_path / "s")
        await made.server.start()
        try:
            yield made
        finally:
            await made.close()

    async def main() -> None:
        async with stage() as made:
            await asyncio.wait_for(play(made), LIMIT)

    asyncio.run(main())


def test_a_change_is_in_force_in_every_worker_when_publish_returns(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        engines = [await scene.worker(index) for index in range(3)]
        for number in range(5):
            await scene.server.publish(rows("a", a=number), f"hash {number}")
            assert [engine.services["a"]["value"] for engine in engines] == [number] * 3
        assert [worker.index for worker in scene.server.workers] == [0, 1, 2]

    scene(tmp_path, play)


def test_only_what_differs_travels(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        engine = await scene.worker()
        await scene.server.publish(rows("a", "b", "c"), "one")
        await scene.server.publish(rows("b", "c", "d", c=7), "two")
        await scene.server.publish(rows("b", "c", "d", c=7), "three")
        assert engine.changes == [
            (1, True, ["a", "b", "c"], [], "one"),
            (2, False, ["c", "d"], ["a"], "two"),
            (3, False, [], [], "three"),
        ]

    scene(tmp_path, play)


def test_a_change_travels_alone(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        engine = await scene.worker()
        await scene.server.publish(rows("a", "b", "c"), "one")
        await scene.server.change(Delta(rows("b", "d", b=3), {"services": ["a"]}), "two")
        assert engine.changes[1:] == [(2, False, ["b", "d"], ["a"], "two")]
        late = await scene.worker(1)
        await scene.server.complete(2)
        assert late.services == {name: {"id": name, "value": 3 * (name == "b")} for name in "bcd"}

    scene(tmp_path, play)


def test_a_change_that_is_refused_leaves_what_was_before(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        good, bad = await scene.worker(0), await scene.worker(1)
        await scene.server.publish(rows("a", "b"), "one")
        bad.refuse[2] = ConfigurationError("no")
        with pytest.raises(ChangeRefusedError):
            await scene.server.change(Delta(rows("b", "c", b=3), {"services": ["a"]}), "two")
        assert sorted(good.services) == sorted(bad.services) == ["a", "b"]
        assert good.services["b"]["value"] == 0
        assert good.changes[-1][4] == "one"
        await scene.server.change(Delta(rows("c")), "three")
        assert sorted(bad.services) == ["a", "b", "c"]

    scene(tmp_path, play)


def test_the_log_level_reaches_workers_that_are_there_and_those_that_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels: list[int] = []
    monkeypatch.setattr(logging.getLogger(), "setLevel", levels.append)

    async def play(scene: Scene) -> None:
        await scene.worker(0)
        scene.server.set_log_level(10)
        await until(lambda: levels == [10])
        await scene.worker(1)
        await until(lambda: levels == [10, 10])

    scene(tmp_path, play)


def test_a_worker_that_connects_later_gets_everything(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        await scene.server.publish(rows(*map(str, range(250))), "one")
        engine = await scene.worker()
        await scene.server.complete(1)
        assert len(engine.services) == 250
        await scene.server.publish(rows("0"), "two")
        assert list(engine.services) == ["0"]

    scene(tmp_path, play)


def test_nothing_is_sent_before_there_is_a_configuration(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        engine = await scene.worker()
        waiting = asyncio.get_running_loop().create_task(scene.server.complete(2))
        await scene.server.publish({}, "empty")
        assert engine.changes == [(1, True, [], [], "empty")]
        assert not waiting.done()
        await scene.worker(1)
        await waiting

    scene(tmp_path, play)


def test_a_worker_that_connects_during_a_change_is_waited_for(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        first = await scene.worker(0)
        await scene.server.publish(rows("a"), "one")
        first.gate.clear()
        change = asyncio.get_running_loop().create_task(scene.server.publish(rows("b"), "two"))
        await until(lambda: scene.server.version == 2)
        second = await scene.worker(1)
        first.gate.set()
        await change
        assert list(first.services) == list(second.services) == ["b"]

    scene(tmp_path, play)


def test_a_worker_that_dies_during_a_change_does_not_hold_it_up(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        await scene.worker(0)
        dying = await scene.worker(1)
        await scene.server.publish(rows("a"), "one")
        dying.gate.clear()
        change = asyncio.get_running_loop().create_task(scene.server.publish(rows("b"), "two"))
        await until(lambda: scene.server.version == 2)
        await scene.end(1)
        await change

    scene(tmp_path, play)


def test_a_change_that_one_worker_refuses_is_taken_back_everywhere(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        good, bad = await scene.worker(0), await scene.worker(1)
        await scene.server.publish(rows("a"), "one")
        bad.refuse[2] = ConfigurationError("the pattern is not linear")
        with pytest.raises(ChangeRefusedError, match=r"^the pattern is not linear$"):
            await scene.server.publish(rows("b"), "two")
        assert list(good.services) == list(bad.services) == ["a"]
        late = await scene.worker(2)
        await scene.server.complete(3)
        assert list(late.services) == ["a"]
        await scene.server.publish(rows("c"), "three")
        assert list(good.services) == list(bad.services) == list(late.services) == ["c"]

    scene(tmp_path, play)


def test_an_error_that_the_engine_did_not_foresee_refuses_the_change(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        engine = await scene.worker()
        engine.refuse[1] = ZeroDivisionError("oops")
        with pytest.raises(ChangeRefusedError, match="internal error: ZeroDivisionError: oops"):
            await scene.server.publish(rows("a"), "one")
        await scene.server.publish(rows("a"), "two")
        assert list(engine.services) == ["a"]

    scene(tmp_path, play)


def test_a_worker_that_does_not_answer_fails_the_change_and_everyone_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateline.control.feed.ROLLBACK_TIMEOUT", 0.05)

    async def play(scene: Scene) -> None:
        good, stuck = await scene.worker(0), await scene.worker(1)
        await scene.server.publish(rows("a"), "one")
        stuck.gate.clear()
        scene.server._timeout = 0.05
        with pytest.raises(ChangeTimeoutError, match="no answer from worker"):
            await scene.server.publish(rows("b"), "two")
        await until(lambda: list(good.services) == ["a"])
        stuck.gate.set()
        await until(lambda: [change[0] for change in stuck.changes] == [1, 2, 3])
        assert list(stuck.services) == ["a"]

    scene(tmp_path, play)


def test_a_worker_serves_on_and_comes_back_when_its_control_process_is_gone(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        engine = await scene.worker()
        await scene.server.publish(rows("a"), "one")
        scene.server.close()
        await asyncio.sleep(0)
        assert list(engine.services) == ["a"]
        successor = FeedServer(scene.listener.dup())
        successor.go_on_from(1)
        await successor.start()
        await successor.publish(rows("a", "b"), "two")
        await successor.complete(1)
        assert engine.changes[-1] == (2, True, ["a", "b"], [], "two")
        successor.close()

    scene(tmp_path, play)


def test_what_a_plugin_writes_is_in_force_in_its_worker_when_it_is_answered(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        engines = [await scene.worker(index) for index in range(2)]
        await scene.server.publish(rows("a"), "one")
        asked: list[Write] = []

        async def write(one: Write) -> Written:
            asked.append(one)
            await scene.server.change(Delta(put=rows("b")), "two")
            return Written(one.number, done=one.row is not None)

        scene.server.write_with(write)
        assert (await scene.feeds[0].write("services", {"id": "b"}, ("services", "name", "a"))).done
        assert [list(engine.services) for engine in engines] == [["a", "b"], ["a", "b"]]
        assert not (await scene.feeds[1].write("services", None)).done
        assert [(one.kind, one.row, one.instead_of) for one in asked] == [
            ("services", {"id": "b"}, ("services", "name", "a")),
            ("services", None, None),
        ]

    scene(tmp_path, play)


def test_what_a_plugin_counts_in_the_database_is_counted_by_the_control_process(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        await scene.worker()
        (worker,) = scene.feeds
        periods = [("minute", 0, 60, 5, 1)]
        assert "without one" in ((await worker.count("k", periods)).error or "")
        never = asyncio.Event()

        async def count(one: Count) -> Counted:
            if one.key == "never":
                await never.wait()
            assert one.periods == periods
            return Counted(one.number, [one.number], True)

        scene.server.count_with(count)
        first, second = await asyncio.gather(worker.count("a", periods), worker.count("b", periods))
        assert (first.values, second.values) == ([first.number], [second.number])
        waiting = asyncio.get_running_loop().create_task(worker.count("never", periods))
        await asyncio.sleep(0)
        scene.server.close()
        scene.listener.close()
        assert "has ended" in ((await waiting).error or "")
        assert (await worker.count("a", periods)).error == "the control process cannot be reached"
        never.set()

    scene(tmp_path, play)


def test_a_count_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(scene: Scene) -> None:
        await scene.worker()
        never = asyncio.Event()

        async def count(one: Count) -> Counted:
            await never.wait()
            return Counted(one.number)

        scene.server.count_with(count)
        monkeypatch.setattr(feed, "COUNT_LIMIT", 0.01)
        assert "within 0.01 s" in ((await scene.feeds[0].count("k", [])).error or "")
        never.set()

    scene(tmp_path, play)


def test_a_write_that_nobody_can_do_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(scene: Scene) -> None:
        await scene.worker()
        (worker,) = scene.feeds
        assert "without a database" in ((await worker.write("k", {})).error or "")
        never = asyncio.Event()

        async def write(one: Write) -> Written:
            await never.wait()
            return Written(one.number, done=True)

        scene.server.write_with(write)
        monkeypatch.setattr(feed, "WRITE_LIMIT", 0.01)
        assert "within 0.01 s" in ((await worker.write("k", {})).error or "")
        monkeypatch.setattr(feed, "WRITE_LIMIT", LIMIT)
        monkeypatch.setattr(feed, "WRITES", 2)
        waiting = [asyncio.get_running_loop().create_task(worker.write("k", {})) for _ in range(3)]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert [one.result().error for one in done] == ["too much waits to be written"]
        scene.server.close()
        scene.listener.close()
        answers = await asyncio.gather(*waiting)
        assert sum("has ended" in (one.error or "") for one in answers) == 2
        assert (await worker.write("k", {})).error == "the control process cannot be reached"
        never.set()

    scene(tmp_path, play)


def test_counters_are_summed_and_do_not_go_back_when_a_worker_ends(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        one = Stats(connections_active=1, connections_accepted=10, connections_handled=9, total_requests=100)
        await scene.worker(0, lambda: one)
        await scene.worker(1, lambda: one)
        both = Totals(accepted=20, handled=18, requests=200, active=2, reading=0, writing=0, waiting=0)
        await until(lambda: scene.server.totals() == both)
        await scene.end(1)
        await until(lambda: len(scene.server.workers) == 1)
        assert scene.server.totals() == Totals(
            accepted=20, handled=18, requests=200, active=1, reading=0, writing=0, waiting=0
        )

    scene(tmp_path, play)


def test_stats_are_sent_when_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "STATS_INTERVAL", 0.005)
    count = 0

    def stats() -> Stats:
        return Stats(total_requests=count)

    async def play(scene: Scene) -> None:
        nonlocal count
        await scene.worker(0, stats)
        await until(lambda: scene.server.totals().requests == 0)
        count = 5
        await until(lambda: scene.server.totals().requests == 5)

    scene(tmp_path, play)


MESSAGES = [
    Begin(1, True),
    Put("services", [{"id": "a", "tags": None, "port": 80}]),
    Delete("routes", ["x"]),
    Commit(1, "h"),
]


def test_frames_can_come_in_any_pieces() -> None:
    data = b"".join(encode(message) for message in MESSAGES)
    for size in range(1, len(data) + 1):
        reader = worker_messages()
        got = [message for start in range(0, len(data), size) for message in reader.feed(data[start : start + size])]
        assert got == MESSAGES


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff", encode(Begin(1, True)), b"\x00\x00\x00\x01\xc1"])
def test_what_is_no_message_is_an_error(data: bytes) -> None:
    with pytest.raises(FeedError):
        list(control_messages().feed(data))


def test_a_server_drops_who_does_not_speak_its_language(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        reader, writer = await asyncio.open_unix_connection(str(scene.path))
        writer.write(encode(Hello(0, 1, 1)) + encode(Ack(1)) + b"\xff" * 8)
        assert await reader.read() == b""
        writer.close()
        await until(lambda: not scene.server.workers)

    scene(tmp_path, play)


def test_a_worker_drops_a_control_process_that_does_not_speak_its_language(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        await scene.worker()
        (link,) = scene.server._links
        link.send([encode(Commit(1, "without a beginning"))])
        await until(lambda: link not in scene.server._links)
        await until(lambda: scene.server.workers)

    scene(tmp_path, play)
