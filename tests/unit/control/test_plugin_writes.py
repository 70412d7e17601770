"""What plugins want to be stored: written in few transactions, each by itself, and never half."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateline.control.errors import ChangeRefusedError
from gateline.control.plugin_writes import PluginWrites
from gateline.engine.feed import Write, Written
from gateline.entities import Consumer
from gateline.plugins.key_auth import KeyauthCredential
from gateline.store import Change, StoreUnavailable, Transaction
from gateline.store.sql import SqlStore
from harness.stores import sqlite_options

BOB = Consumer.parse({"username": "bob"})
KIND = KeyauthCredential.kind
NOBODY = "5f1d7fbc-0000-4000-8000-000000000001"


class Scene:
    """A store, and what is written into it; `changes` are the transactions that were."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.changes: list[Change] = []
        self.trouble: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.writes = PluginWrites(self._writing)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Transaction]:
        await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        async with self.store.write() as transaction:
            yield transaction
        self.changes.append(transaction.change)

    async def write(self, *asked: Write) -> list[Written]:
        return await asyncio.gather(*[self.writes.write(one) for one in asked])

    async def keys(self) -> list[str]:
        found = await self.store.page(KIND, size=100)
        return sorted(entity.key for entity in found.entities if isinstance(entity, KeyauthCredential))


def play(tmp_path: Path, script: Callable[[Scene], Awaitable[None]]) -> None:
    async def main() -> None:
        store = SqlStore(sqlite_options(tmp_path))
        await store.open()
        try:
            async with store.write() as transaction:
                await transaction.insert(BOB)
            async with asyncio.timeout(20):
                await script(Scene(store))
        finally:
            await store.close()

    asyncio.run(main())


def add(number: int, key: str, *, instead_of: str | None = None, **fields: object) -> Write:
    made = KeyauthCredential.parse({"consumer": {"id": BOB.id}, "key": key, **fields})
    return Write(number, KIND, made.to_wire(), None if instead_of is None else (KIND, "key", instead_of))


def take(number: int, key: str) -> Write:
    return Write(number, KIND, None, (KIND, "key", key))


def outcomes(written: Sequence[Written]) -> list[tuple[int, bool]]:
    assert [one.error for one in written] == [None] * len(written)
    return [(one.number, one.done) for one in written]


def test_what_waits_is_written_in_one_transaction(tmp_path: Path) -> None:
    async def script(scene: Scene) -> None:
        scene.gate.clear()
        first = asyncio.get_running_loop().create_task(scene.write(add(1, "a")))
        await asyncio.sleep(0)
        others = asyncio.get_running_loop().create_task(scene.write(*[add(n, f"k{n}") for n in range(2, 9)]))
        await asyncio.sleep(0)
        scene.gate.set()
        assert outcomes([*await first, *await others]) == [(n, True) for n in range(1, 9)]
        assert len(scene.changes) == 2
        assert len(await scene.keys()) == 8

    play(tmp_path, script)


def test_one_of_several_gets_what_there_is_once(tmp_path: Path) -> None:
    async def script(scene: Scene) -> None:
        await scene.write(add(1, "code"))
        written = await scene.write(*[add(n, f"token{n}", instead_of="code") for n in range(2, 6)])
        assert outcomes(written) == [(2, True), (3, False), (4, False), (5, False)]
        assert await scene.keys() == ["token2"]
        assert outcomes(await scene.write(take(6, "token2"), take(7, "token2"))) == [(6, True), (7, False)]

    play(tmp_path, script)


def test_an_entity_takes_the_place_of_itself(tmp_path: Path) -> None:
    async def script(scene: Scene) -> None:
        identifier = "5f1d7fbc-0000-4000-8000-000000000001"
        await scene.write(add(1, "old", id=identifier))
        assert outcomes(await scene.write(add(2, "new", id=identifier, instead_of="old"))) == [(2, True)]
        assert outcomes(await scene.write(add(3, "newer", id=identifier, instead_of="old"))) == [(3, False)]
        assert await scene.keys() == ["new"]

    play(tmp_path, script)


def test_what_is_over_is_not_there(tmp_path: Path) -> None:
    async def script(scene: Scene) -> None:
        await scene.write(add(1, "code", ttl=100, expires_at=1.0))
        assert outcomes(await scene.write(add(2, "token", instead_of="code"))) == [(2, False)]

    play(tmp_path, script)


def test_what_is_refused_does_not_keep_the_others_back_and_takes_nothing_away(tmp_path: Path) -> None:
    async def script(scene: Scene) -> None:
        await scene.write(add(1, "a"), add(2, "code"))
        taken, orphan, good = await scene.write(
            add(3, "a", instead_of="code"), add(4, "b", consumer={"id": NOBODY}), add(5, "c")
        )
        assert "UNIQUE violation" in (taken.error or "")
        assert orphan.error is not None
        assert good.done
        assert await scene.keys() == ["a", "c", "code"]

    play(tmp_path, script)


def test_of_several_that_are_added_together_only_the_wrong_one_is_refused(tmp_path: Path) -> None:
    async def script(scene: Scene) -> None:
        first, twice, other = await scene.write(add(1, "a"), add(2, "a"), add(3, "b"))
        assert (first.done, other.done) == (True, True)
        assert "UNIQUE violation" in (twice.error or "")
        assert await scene.keys() == ["a", "b"]

    play(tmp_path, script)


@pytest.mark.parametrize("kind", ["consumers", "services", "nothing"])
def test_plugins_write_nothing_but_what_plugins_have_brought(tmp_path: Path, kind: str) -> None:
    async def script(scene: Scene) -> None:
        made, gone = await scene.write(
            Write(1, kind, {"username": "x"}), Write(2, kind, None, (kind, "username", "bob"))
        )
        assert made.error == gone.error == f"plugins do not write '{kind}' entities"
        assert await scene.store.find("consumers", "username", "bob") is not None

    play(tmp_path, script)


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (StoreUnavailable("nobody is there"), "nobody is there"),
        (ChangeRefusedError("a worker does not want it"), "a worker does not want it"),
        (KeyError("x"), "internal error"),
    ],
)
def test_everybody_hears_of_trouble_and_the_next_write_is_tried(tmp_path: Path, trouble: Exception, told: str) -> None:
    async def script(scene: Scene) -> None:
        scene.trouble = trouble
        assert [one.error for one in await scene.write(add(1, "a"), add(2, "b"))] == [told, told]
        scene.trouble = None
        assert outcomes(await scene.write(add(3, "a"))) == [(3, True)]

    play(tmp_path, script)
