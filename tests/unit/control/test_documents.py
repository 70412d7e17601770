"""Documents that plugins need, in the control process: fetched, kept, handed to the workers, and asked for by them."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import pytest

from gateline.control import documents as module
from gateline.control.documents import NodeDocuments
from gateline.control.feed import FeedServer
from gateline.control.rows import Delta, Rows, encoded
from gateline.engine.documents import KIND, WorkerDocuments
from gateline.engine.feed import ConfigurationError, WorkerFeed
from gateline.entities import Plugin as PluginEntity
from gateline.pdk import Plugin, PluginConfig
from gateline.pdk.discovery import register_plugin
from gateline.pdk.documents import Document
from gateline.pdk.fields import Field
from gateline.pdk.node import HttpError

A, B = "https://a.test/keys", "https://b.test/keys"


class Config(PluginConfig):
    urls: Annotated[tuple[str, ...], Field(description="What is needed.")] = ()
    refresh: Annotated[float, Field(description="How often.")] = 300


class Needs(Plugin[Config], name="needs-documents"):
    @classmethod
    def documents(cls, config: Config) -> Iterable[Document]:
        if "raise" in config.urls:
            raise RuntimeError("a stranger's mistake")
        return [Document(url, config.refresh, problem=problem) for url in config.urls]


def problem(body: bytes) -> str | None:
    return "it is bad" if body.startswith(b"bad") else None


class Reply:
    def __init__(self, body: bytes, status: int = 200) -> None:
        self.body = body
        self.status = status


class Servers:
    """What the node's HTTP client reaches: a body, an error, or something to wait for, by URL."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.fetched: list[str] = []
        self.asked: list[dict[str, Any]] = []

    async def request(self, method: str, url: str, **more: Any) -> Any:
        self.fetched.append(url)
        self.asked.append(more)
        answer = self.answers.get(url, HttpError("connect", "nobody is there"))
        if callable(answer):
            answer = await answer()
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else Reply(answer)


def rows(*plugins: PluginEntity) -> Rows:
    return encoded({"plugins": {plugin.id: plugin for plugin in plugins}})


def needs(*urls: str, refresh: float = 300, **more: Any) -> PluginEntity:
    return PluginEntity.parse({"name": "needs-documents", "config": {"urls": urls, "refresh": refresh}, **more})


class Stage:
    """A feed, two workers, and the documents."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers = Servers()
        listener = socket.socket(socket.AF_UNIX)
        self._path = str(folder / "feed")
        Path(self._path).unlink(missing_ok=True)
        listener.bind(self._path)
        listener.listen()
        listener.setblocking(False)
        self.server = FeedServer(listener, timeout=20)
        self.documents = NodeDocuments(self.server, folder / "documents.msgpack")
        self.workers: list[WorkerDocuments] = []
        self.refuse = False
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, workers: int = 2) -> None:
        self.documents.start(http=self.servers)
        await self.server.start()
        for index in range(workers):
            known = WorkerDocuments()
            feed = WorkerFeed(self._path, index=index, generation=1, apply=self._apply_to(known), renewed=known.renewed)
            known.ask = feed.renew
            self.workers.append(known)
            self._tasks.append(asyncio.get_running_loop().create_task(feed.run()))
        await until(lambda: len(self.server.workers) == workers)

    def _apply_to(self, known: WorkerDocuments) -> Any:
        async def apply(
            version: int, full: bool, put: dict[str, Any], delete: dict[str, list[str]], digest: str
        ) -> None:
            if self.refuse and not full:
                raise ConfigurationError("no")
            known.take(put.get(KIND, ()), delete.get(KIND, ()), full=full)

        return apply

    def everywhere(self, url: str) -> set[bytes | None]:
        return {worker.get(url) for worker in self.workers}

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.documents.close()
        self.server.close()
        await asyncio.sleep(0)


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not look():  # noqa: ASYNC110 - no event tells of what the other end has done
            await asyncio.sleep(0.002)


@pytest.fixture
def staged(tmp_path: Path) -> Callable[[Callable[[Stage], Awaitable[None]]], None]:
    register_plugin(Needs)

    def run(scene: Callable[[Stage], Awaitable[None]]) -> None:
        async def whole() -> None:
            stage = Stage(tmp_path)
            try:
                await scene(stage)
            finally:
                await stage.close()

        asyncio.run(whole())

    return run


def test_what_a_plugin_needs_is_fetched_once_and_reaches_every_worker(staged: Any) -> None:
    async def scene(stage: Stage) -> None:
        stage.servers.answers = {A: b"a", B: b"b"}
        await stage.open()
        await stage.server.publish(rows(needs(A), needs(A, B), needs("https://c.test/", enabled=False)), "1")
        await until(lambda: stage.everywhere(A) == {b"a"} and stage.everywhere(B) == {b"b"})
        assert sorted(stage.servers.fetched) == [A, B]

    staged(scene)


def test_a_fetch_is_limited(staged: Any) -> None:
    async def scene(stage: Stage) -> None:
        stage.servers.answers = {A: b"a"}
        await stage.open()
        await stage.server.publish(rows(needs(A)), "1")
        await until(lambda: stage.servers.asked)
        (asked,) = stage.servers.asked
        assert asked["timeout"] == 10
        assert asked["limit"] == 256 * 1024
        assert asked["verify"] is True

    staged(scene)


def test_what_is_needed_no_more_is_forgotten(staged: Any) -> None:
    async def scene(stage: Stage) -> None:
        stage.servers.answers = {A: b"a", B: b"b"}
        await stage.open()
        one, other = needs(A), needs(B)
        await stage.server.publish(rows(one, other), "1")
        await until(lambda: stage.everywhere(A) == {b"a"} and stage.everywhere(B) == {b"b"})
        await stage.server.change(Delta(delete={"plugins": [one.id]}), "2")
        await until(lambda: stage.everywhere(A) == {None})
        assert stage.everywhere(B) == {b"b"}
        await stage.server.change(Delta(put=rows(one)), "3")
        await until(lambda: stage.everywhere(A) == {b"a"})
        assert stage.servers.fetched.count(B) == 1, "what nobody has changed is not fetched again"

    staged(scene)


@pytest.mark.parametrize(
    "answer", [b"bad", Reply(b"new", 500), Reply(b"new", 302), HttpError("limit", "too long"), ValueError("no URL")]
)
def test_the_last_good_one_stays(staged: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any, answer: Any) -> None:
    monkeypatch.setattr(module, "LONGEST_WAIT", 0.01)

    async def scene(stage: Stage) -> None:
        stage.servers.answers = {A: b"good"}
        await stage.open()
        await stage.server.publish(rows(needs(A, refresh=0.01)), "1")
        await until(lambda: stage.everywhere(A) == {b"good"})
        stage.servers.answers = {A: answer}
        seen = len(stage.servers.fetched)
        await until(lambda: len(stage.servers.fetched) > seen + 3)
        assert stage.everywhere(A) == {b"good"}
        stage.servers.answers = {A: b"better"}
        await until(lambda: "can be had again" in caplog.text)
        assert stage.everywhere(A) == {b"better"}

    with caplog.at_level(logging.INFO):
        staged(scene)
    told = [record.message for record in caplog.records if A in record.message]
    assert len(told) == 2, "once when it begins, once when it is over"
    assert "cannot be had" in told[0]
    assert "can be had again" in told[1]


def test_it_is_kept_for_the_next_process(staged: Any) -> None:
    async def first(stage: Stage) -> None:
        stage.servers.answers = {A: b"a", B: b"b"}
        await stage.open()
        await stage.server.publish(rows(needs(A), needs(B)), "1")
        await until(lambda: stage.everywhere(A) == {b"a"} and stage.everywhere(B) == {b"b"})

    async def second(stage: Stage) -> None:
        await stage.open()
        await stage.server.publish(rows(needs(A)), "1")
        assert stage.everywhere(A) == {b"a"}, "before anything was fetched"
        await until(lambda: stage.everywhere(B) == {None})

    staged(first)
    staged(second)


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\x81\xa1a\x01"])
def test_a_broken_file_is_said_and_nothing_else(staged: Any, caplog: Any, content: bytes) -> None:
    async def scene(stage: Stage) -> None:
        (stage.folder / "documents.msgpack").write_bytes(content)
        stage.servers.answers = {A: b"a"}
        await stage.open()
        await stage.server.publish(rows(needs(A)), "1")
        await until(lambda: stage.everywhere(A) == {b"a"})

    staged(scene)
    assert "cannot be read from" in caplog.text


def test_a_worker_has_it_fetched_out_of_turn_and_not_too_often(staged: Any) -> None:
    async def scene(stage: Stage) -> None:
        stage.servers.answers = {A: b"old"}
        await stage.open()
        await stage.server.publish(rows(needs(A)), "1")
        await until(lambda: stage.everywhere(A) == {b"old"})
        stage.servers.answers = {A: b"new"}
        await stage.workers[0].renew(A)
        assert stage.everywhere(A) == {b"new"}, "in force everywhere when the wait is over"
        stage.servers.answers = {A: b"newer"}
        for worker in stage.workers * 20:
            await worker.renew(A)
        assert stage.servers.fetched == [A, A], "also where it is another worker that asks"
        await stage.workers[0].renew("https://unknown.test/")

    staged(scene)


def test_who_asks_when_an_answer_has_come_already_gets_a_newer_one(
    staged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(stage: Stage) -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()
        put = stage.documents.put_in_force

        async def held(document: Document, body: bytes) -> None:
            begun.set()
            await go_on.wait()
            await put(document, body)

        monkeypatch.setattr(stage.documents, "put_in_force", held)
        stage.servers.answers = {A: b"old"}
        await stage.open()
        await stage.server.publish(rows(needs(A)), "1")
        await begun.wait()
        stage.servers.answers = {A: b"new"}
        asking = asyncio.get_running_loop().create_task(stage.workers[0].renew(A))
        await until(lambda: stage.documents._fetching[A]._waiting)
        go_on.set()
        await asking
        assert stage.everywhere(A) == {b"new"}

    staged(scene)


def test_a_worker_waits_for_the_first_fetch(staged: Any) -> None:
    async def scene(stage: Stage) -> None:
        there = asyncio.Event()

        async def slow() -> bytes:
            await there.wait()
            return b"a"

        stage.servers.answers = {A: slow}
        await stage.open()
        await stage.server.publish(rows(needs(A)), "1")
        waiting = [asyncio.get_running_loop().create_task(worker.renew(A)) for worker in stage.workers]
        await until(lambda: stage.servers.fetched)
        assert not any(task.done() for task in waiting)
        there.set()
        await asyncio.gather(*waiting)
        assert stage.everywhere(A) == {b"a"}
        assert stage.servers.fetched == [A]

    staged(scene)


def test_a_configuration_that_changes_meanwhile_does_not_lose_who_waits(staged: Any) -> None:
    async def scene(stage: Stage) -> None:
        never, there = asyncio.Event(), asyncio.Event()

        async def slow() -> bytes:
            await (never if len(stage.servers.fetched) == 1 else there).wait()
            return b"a"

        stage.servers.answers = {A: slow}
        await stage.open(1)
        plugin = needs(A)
        await stage.server.publish(rows(plugin), "1")
        await until(lambda: stage.servers.fetched)
        waiting = asyncio.get_running_loop().create_task(stage.workers[0].renew(A))
        await asyncio.sleep(0.05)
        changed = PluginEntity.patched(plugin.to_wire(), {"config": {"refresh": 60}})
        await stage.server.change(Delta(put=rows(changed)), "2")
        there.set()
        await waiting
        assert stage.everywhere(A) == {b"a"}

    staged(scene)


def test_a_document_that_the_workers_refuse_harms_nothing(staged: Any, caplog: Any) -> None:
    async def scene(stage: Stage) -> None:
        stage.servers.answers = {A: b"a"}
        await stage.open()
        stage.refuse = True
        await stage.server.publish(rows(needs(A)), "1")
        await until(lambda: "could not be put in force" in caplog.text)
        stage.refuse = False
        await stage.workers[0].renew(A)
        assert stage.everywhere(A) == {b"a"}, "the next fetch tries again"
        await stage.server.change(Delta(put=rows(needs(B))), "2")

    staged(scene)


def test_a_plugin_that_cannot_say_what_it_needs_is_told_of(staged: Any, caplog: Any) -> None:
    async def scene(stage: Stage) -> None:
        stage.servers.answers = {A: b"a"}
        await stage.open()
        await stage.server.publish(rows(needs("raise"), needs(A)), "1")
        await until(lambda: stage.everywhere(A) == {b"a"})

    staged(scene)
    assert "cannot say which documents it needs" in caplog.text


def test_of_several_needs_the_strictest_counts() -> None:
    one = Document(A, refresh=60, limit=10, timeout=5, verify=False)
    other = Document(A, refresh=300, limit=5, timeout=1, verify=True, problem=problem)
    (found,) = module.needed([(one,), (other,)]).values()
    assert found == Document(A, 60, 5, 1, True, problem)
