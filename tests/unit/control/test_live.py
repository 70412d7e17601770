"""With a database: what is written is in force or undone, other nodes are followed, and the database may go away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from gateline.control import live
from gateline.control.errors import ChangeRefusedError, ChangeTimeoutError, StartError
from gateline.control.feed import FeedServer
from gateline.control.live import LiveConfiguration
from gateline.control.rows import Delta, Rows, advance
from gateline.entities import Consumer, Entity, EntityError, Plugin, Route, Service, Vault
from gateline.settings import load_settings
from gateline.store import Store, StoredConfiguration, StoreOptions, StoreUnavailable, Transaction, open_store

LIMIT = 20.0


class Workers:
    """The feed's place: keeps what is in force, refuses what holds `bad`, and may hold steps back."""

    def __init__(self) -> None:
        self.rows: Rows = {}
        self.version = 0
        self.published = False
        self.steps: list[list[str]] = []
        """Names of what each step put, parents first."""
        self.bad: set[str] = set()
        self.error: type[Exception] = ChangeRefusedError
        self.gate = asyncio.Event()
        self.gate.set()

    def go_on_from(self, version: int) -> None:
        self.version = version

    async def publish(self, rows: Rows, digest: str, *, undo: Callable[[], None] = lambda: None) -> None:
        assert not self.published
        self.published = True
        self.rows = rows
        self.version += 1

    async def change(self, delta: Delta, digest: str, *, undo: Callable[[], None] = lambda: None) -> None:
        back = advance(self.rows, delta)
        self.version += 1
        put = [self._name(row) for of_kind in delta.put.values() for row in of_kind.values()]
        self.steps.append(put)
        await self.gate.wait()
        if self.bad.intersection(put):
            undo()
            advance(self.rows, back)
            raise self.error("a worker does not want it")

    def names(self, kind: str = "services") -> list[str]:
        return sorted(self._name(row) for row in self.rows.get(kind, {}).values())

    @staticmethod
    def _name(row: bytes) -> str:
        decoded = msgspec.msgpack.decode(row)
        return str(decoded.get("name") or decoded["id"])


class Fading:
    """A store that may be gone."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.gone = False
        self.asked: list[Collection[str] | None] = []

    def __getattr__(self, name: str) -> Any:
        if self.gone and name not in ("close", "name", "writable", "wait_for_change"):
            raise StoreUnavailable("nobody is there")
        return getattr(self._store, name)

    async def whole(self, kinds: Collection[str] | None = None, **others: Any) -> StoredConfiguration:
        if self.gone:
            raise StoreUnavailable("nobody is there")
        self.asked.append(kinds)
        return await self._store.whole(kinds, **others)

    async def open(self) -> None:
        if self.gone:
            raise StoreUnavailable("nobody is there")
        await self._store.open()


class Scene:
    """Nodes on one file of SQLite."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._nodes: list[LiveConfiguration] = []

    def node(
        self, name: str = "one", looks: float = 0.02, **settings: str
    ) -> tuple[LiveConfiguration, Workers, Fading]:
        """A node that is not started; `looks` are the seconds between its looks for what others write."""
        workers = Workers()
        store = Fading(open_store(StoreOptions("sqlite", self._folder / "g.db", poll_interval=looks, patience=LIMIT)))
        loaded = load_settings(environ={}, overrides={"prefix": str(self._folder), **settings}, search=()).settings
        made = LiveConfiguration(
            loaded, cast(FeedServer, workers), self._folder / f"{name}.kept", cast(Store, store), "here"
        )
        self._nodes.append(made)
        return made, workers, store

    async def started(
        self, name: str = "one", looks: float = 0.02, **settings: str
    ) -> tuple[LiveConfiguration, Workers, Fading]:
        """A node that serves."""
        made = self.node(name, looks, **settings)
        await made[0].start(recover=False)
        return made

    async def close(self) -> None:
        for node in self._nodes:
            await node.close()
        await asyncio.sleep(0)


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Scene], Awaitable[None]]], None]:
    """Runs what happens in a scene."""
    monkeypatch.setattr(live, "PAUSES", (0.02, 0.05))
    monkeypatch.setattr(live, "LOOK", 0.1)

    @asynccontextmanager
    async def stage() -> AsyncIterator[Scene]:
        scene = Scene(tmp_path)
        try:
            yield scene
        finally:
            await scene.close()

    def run(script: Callable[[Scene], Awaitable[None]]) -> None:
        async def main() -> None:
            async with stage() as scene, asyncio.timeout(LIMIT):
                await script(scene)

        asyncio.run(main())

    return run


Play = Callable[[Callable[[Scene], Awaitable[None]]], None]


def service(name: str, **fields: Any) -> Service:
    return Service.parse({"name": name, "host": "h.test", **fields})


async def write(node: LiveConfiguration, *entities: Entity) -> None:
    async with node.writing() as transaction:
        await transaction.insert_many(entities)


async def until(look: Callable[[], object]) -> None:
    while not look():  # noqa: ASYNC110 - no event tells of what another node has done
        await asyncio.sleep(0.005)


# ---- writes of this node


def test_a_write_is_in_force_when_it_ends(play: Play) -> None:
    async def script(scene: Scene) -> None:
        node, workers, _ = await scene.started()
        a = service("a")
        await write(node, a, Route.parse({"name": "r", "paths": ["/"], "service": {"id": a.id}}))
        assert (workers.names(), workers.names("routes")) == (["a"], ["r"])
        async with node.writing() as transaction:
            await transaction.replace(service("b", id=a.id))
        assert workers.names() == ["b"]
        assert workers.steps == [["a", "r"], ["b"]]

    play(script)


def test_what_workers_do_not_need_does_not_reach_them(play: Play) -> None:
    async def script(scene: Scene) -> None:
        node, workers, store = await scene.started()
        await write(node, Consumer.parse({"username": "c"}))
        assert workers.steps == []
        assert await node.store.find("consumers", "username", "c") is not None
        assert all(kinds is not None and "consumers" not in kinds for kinds in store.asked)

    play(script)


def test_a_block_that_fails_changes_nothing(play: Play) -> None:
    async def script(scene: Scene) -> None:
        node, workers, _ = await scene.started()

        async def fail() -> None:
            async with node.writing() as transaction:
                await transaction.insert(service("a"))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert workers.steps == []
        assert await node.store.find("services", "name", "a") is None

    play(script)


def test_a_route_that_the_router_cannot_use_is_refused_before_it_is_stored(play: Play) -> None:
    async def script(scene: Scene) -> None:
        node, workers, _ = await scene.started(router_flavor="expressions")
        route = Route.parse(
            {"name": "r", "expression": "no.such.field == 1", "protocols": ["http"]}, router_flavor="expressions"
        )
        with pytest.raises(EntityError) as refused:
            await write(node, route)
        assert refused.value.fields is not None
        assert set(refused.value.fields) == {"expression"}
        assert workers.steps == []
        assert await node.store.get("routes", route.id) is None

    play(script)


@pytest.mark.parametrize("error", [ChangeRefusedError, ChangeTimeoutError])
def test_what_a_worker_refuses_is_undone(play: Play, error: type[Exception]) -> None:
    async def script(scene: Scene) -> None:
        node, workers, _ = await scene.started()
        workers.error = error
        kept, gone = service("kept"), service("gone")
        await write(node, kept, gone, Consumer.parse({"username": "c"}))
        before = (await node.store.whole()).kinds
        workers.bad = {"bad"}

        async def change() -> None:
            async with node.writing() as transaction:
                await transaction.delete("services", gone.id)
                await transaction.replace(service("bad", id=kept.id))
                await transaction.insert(service("new"))
                await transaction.insert(Consumer.parse({"username": "d"}))

        with pytest.raises(error, match="a worker does not want it"):
            await change()
        assert (await node.store.whole()).kinds == before
        assert workers.names() == ["gone", "kept"]
        await write(node, service("later"))
        assert workers.names() == ["gone", "kept", "later"]

    play(script)


def test_writes_that_meet_a_running_delivery_go_together(play: Play) -> None:
    async def script(scene: Scene) -> None:
        node, workers, store = await scene.started()
        workers.gate.clear()
        first = asyncio.get_running_loop().create_task(write(node, service("first")))
        await until(lambda: workers.steps)
        others = [asyncio.get_running_loop().create_task(write(node, service(f"s{number}"))) for number in range(5)]
        await until(lambda: len(node._delivery._own) == 6)  # all are committed, and wait
        assert await cast(Store, store).version() == 6
        assert not any(task.done() for task in (first, *others))
        workers.gate.set()
        await asyncio.gather(first, *others)
        assert [sorted(step) for step in workers.steps] == [["first"], [f"s{number}" for number in range(5)]]

    play(script)


def test_of_writes_that_go_together_only_the_bad_one_is_undone(play: Play) -> None:
    async def script(scene: Scene) -> None:
        node, workers, _ = await scene.started()
        workers.bad = {"s2"}
        workers.gate.clear()
        first = asyncio.get_running_loop().create_task(write(node, service("first")))
        await until(lambda: workers.steps)
        others = [asyncio.get_running_loop().create_task(write(node, service(f"s{number}"))) for number in range(5)]
        await until(lambda: len(node._delivery._own) == 6)  # all are committed, and wait
        workers.gate.set()
        outcomes = await asyncio.gather(first, *others, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes].count(ChangeRefusedError) == 1
        assert isinstance(outcomes[3], ChangeRefusedError)
        assert workers.names() == ["first", "s0", "s1", "s3", "s4"]
        assert await node.store.find("services", "name", "s2") is None

    play(script)


def test_a_write_whose_caller_has_gone_is_in_force_all_the_same(play: Play) -> None:
    async def script(scene: Scene) -> None:
        node, workers, _ = await scene.started()
        workers.gate.clear()
        writing = asyncio.get_running_loop().create_task(write(node, service("a")))
        await until(lambda: workers.steps)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        workers.gate.set()
        await write(node, service("b"))
        assert workers.steps == [["a"], ["b"]]

    play(script)


def test_secrets_reach_the_workers_and_follow_their_vault(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_KEY", "first")
    monkeypatch.setenv("TWO_KEY", "second")

    async def script(scene: Scene) -> None:
        node, workers, _ = await scene.started()

        def key() -> str:
            (row,) = workers.rows["certificates"].values()
            return str(msgspec.msgpack.decode(row)["key"])

        from gateline.entities import Certificate

        vault = Vault.parse({"name": "env", "prefix": "mine", "config": {"prefix": "one_"}})
        values: dict[str, Any] = {
            name: 1 if name in ("created_at", "updated_at") else None for name in Certificate.model_fields
        }
        await write(node, vault)
        secret = Certificate.from_wire({**values, "id": vault.id, "cert": "c", "key": "{vault://mine/key}"})
        await write(node, secret)
        assert key() == "first"
        async with node.writing() as transaction:
            changed = {"id": vault.id, "name": "env", "prefix": "mine", "config": {"prefix": "two_"}}
            await transaction.replace(Vault.parse(changed))
        assert key() == "second"
        assert cast(Certificate, await node.store.get("certificates", vault.id)).key == "{vault://mine/key}"

    play(script)


# ---- other nodes


def test_what_another_node_writes_gets_in_force(play: Play) -> None:
    async def script(scene: Scene) -> None:
        one, _, _ = await scene.started("one")
        _, workers, _ = await scene.started("two")
        a, b = service("a"), service("b")
        await write(one, a)
        await write(one, b)
        await until(lambda: workers.names() == ["a", "b"])
        async with one.writing() as transaction:
            await transaction.delete("services", a.id)
        await until(lambda: workers.names() == ["b"])

    play(script)


def test_a_write_takes_along_what_others_wrote_before(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK", LIMIT)

    async def script(scene: Scene) -> None:
        one, _, _ = await scene.started("one")
        two, workers, _ = await scene.started("two", looks=LIMIT)
        await write(one, service("theirs"))
        await write(two, service("ours"))
        assert workers.names() == ["ours", "theirs"]

    play(script)


def test_what_cannot_be_had_of_another_node_stops_everything_until_it_is_made_good(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    async def script(scene: Scene) -> None:
        one, _, _ = await scene.started("one")
        two, workers, _ = await scene.started("two")
        await write(one, service("good"))
        await until(lambda: workers.names() == ["good"])
        workers.bad = {"bad"}
        bad = service("bad")
        await write(one, bad)
        await until(lambda: "cannot be put in force here" in caplog.text)
        with pytest.raises(ChangeRefusedError):
            await write(two, service("behind"))
        assert await two.store.find("services", "name", "behind") is None
        assert workers.names() == ["good"]
        async with one.writing() as transaction:
            await transaction.replace(service("better", id=bad.id))
        await until(lambda: workers.names() == ["better", "good"])
        await write(two, service("after"))
        assert workers.names() == ["after", "better", "good"]

    play(script)


# ---- the database is gone


def test_a_start_without_database_and_record_is_refused(play: Play) -> None:
    async def script(scene: Scene) -> None:
        node, _, store = scene.node()
        store.gone = True
        with pytest.raises(StartError, match="nobody is there"):
            await node.start(recover=False)

    play(script)


def test_a_node_starts_with_what_it_had_and_catches_up(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    async def script(scene: Scene) -> None:
        node, _, _ = await scene.started("one")
        a = service("a")
        await write(node, a)
        await write(node, service("b"))
        async with node.writing() as transaction:
            await transaction.delete("services", a.id)
        await node.close()
        other, _, _ = await scene.started("other")
        await write(other, service("meanwhile"))

        again, workers, store = scene.node("one")
        store.gone = True
        await again.start(recover=False)
        assert workers.names() == ["b"]
        assert again.state == "no database"
        assert "the database cannot be reached" in caplog.text
        with pytest.raises(StoreUnavailable):
            await write(again, service("c"))
        store.gone = False
        await until(lambda: again.state == "ready")
        assert workers.names() == ["b", "meanwhile"]
        await write(again, service("c"))
        assert workers.names() == ["b", "c", "meanwhile"]

    play(script)


def test_a_record_of_another_database_is_not_used(play: Play) -> None:
    async def script(scene: Scene) -> None:
        node, _, _ = await scene.started("one")
        await write(node, service("a"))
        await node.close()
        again, _, store = scene.node("one")
        again._kept._origin = "elsewhere"
        store.gone = True
        with pytest.raises(StartError):
            await again.start(recover=False)

    play(script)


def test_a_database_that_goes_away_is_noticed_and_found_again(play: Play) -> None:
    async def script(scene: Scene) -> None:
        node, workers, store = await scene.started("one")
        await write(node, service("a"))
        store.gone = True
        await until(lambda: node.state == "no database")
        assert workers.names() == ["a"]
        other, _, _ = await scene.started("other")
        await write(other, service("b"))
        store.gone = False
        await until(lambda: node.state == "ready")
        assert workers.names() == ["a", "b"]

    play(script)


def test_a_reload_compares_everything(play: Play) -> None:
    async def script(scene: Scene) -> None:
        node, workers, _ = await scene.started("one")
        await write(node, service("a"))
        workers.rows["services"].clear()
        await node.reload()
        assert workers.names() == ["a"]

    play(script)


def test_a_transaction_is_given_to_the_block(play: Play) -> None:
    async def script(scene: Scene) -> None:
        node, _, store = await scene.started("one")
        async with node.writing(actor="somebody", reason="because") as transaction:
            given: Transaction = transaction
            await given.insert(service("a"))
        assert given.change.version == await cast(Store, store).version() == 1

    play(script)


def test_plugins_and_the_like_are_what_workers_get() -> None:
    from gateline.control.rows import WORKER_KINDS
    from gateline.entities import kinds

    assert set(WORKER_KINDS) <= set(kinds())
    assert Plugin.kind in WORKER_KINDS
