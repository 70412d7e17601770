"""The node as the Admin API sees it: its log level, and its errors as answers."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from gateline.admin.errors import ApiError
from gateline.control.admin_node import AdminNode
from gateline.control.configuration import Configuration
from gateline.control.declared import DeclaredConfiguration
from gateline.control.errors import ChangeError, ChangeRefusedError, ChangeTimeoutError
from gateline.control.feed import FeedServer
from gateline.control.health import TargetStates
from gateline.control.live import LiveConfiguration
from gateline.entities import EntityError, Target, Upstream
from gateline.settings import load_settings
from gateline.sharedstate import Shelves
from gateline.store import MemoryStore, StoreUnavailable
from gateline.telemetry import Registry

UPSTREAM = Upstream.parse({"name": "u.test"})
TARGET = Target.parse({"target": "t.test:80", "upstream": {"id": UPSTREAM.id}})


class States:
    """Remembers what is set."""

    def __init__(self) -> None:
        self.set_to: list[tuple[str, str, str | None, bool]] = []
        self.refusal: ChangeError | None = None

    async def set(self, upstream: str, target: str, address: str | None, *, healthy: bool) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.set_to.append((upstream, target, address, healthy))


class Shared(MemoryStore):
    """A store that nodes share: what one tells, all hear."""

    def __init__(self) -> None:
        super().__init__()
        self.hearing: list[Callable[[str], None]] = []
        self.gone = False

    async def tell(self, message: str) -> None:
        if self.gone:
            raise StoreUnavailable("nothing listens")
        for heard in self.hearing:
            heard(message)

    def hear(self, heard: Callable[[str], None]) -> None:
        self.hearing.append(heard)


class Stored:
    """A configuration over a store."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store


class Feed:
    def __init__(self) -> None:
        self.levels: list[int] = []

    def set_log_level(self, level: int) -> None:
        self.levels.append(level)


@pytest.fixture
def root_level() -> Iterator[None]:
    before = logging.getLogger().level
    yield
    logging.getLogger().setLevel(before)


def node(tmp_path: Path, configuration: object = None, states: States | None = None) -> tuple[AdminNode, Feed]:
    feed = Feed()
    configuration = configuration or Stored(MemoryStore())
    (tmp_path / "run").mkdir(exist_ok=True)
    settings = load_settings(environ={}, overrides={"prefix": str(tmp_path)}, search=()).settings
    made = AdminNode(
        settings,
        cast(Configuration, configuration),
        cast(FeedServer, feed),
        cast(TargetStates, states or States()),
        lambda: False,
        Shelves(None),
        Registry(),
    )
    return made, feed


def test_a_log_level_reaches_everybody_and_ends_after_its_time(tmp_path: Path, root_level: None) -> None:
    async def main() -> None:
        made, feed = node(tmp_path)
        assert made.log_level == "notice"
        await made.set_log_level("debug", 0, everywhere=False)
        assert (made.log_level, logging.getLogger().level) == ("debug", logging.DEBUG)
        await made.set_log_level("error", 0.01, everywhere=False)  # type: ignore[arg-type]
        async with asyncio.timeout(10):
            while made.log_level != "notice":  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.005)
        assert feed.levels == [logging.DEBUG, logging.ERROR, 25]

    asyncio.run(main())


def test_a_new_level_ends_the_wait_for_the_end_of_the_one_before(tmp_path: Path, root_level: None) -> None:
    async def main() -> None:
        made, feed = node(tmp_path)
        await made.set_log_level("debug", 0.01, everywhere=False)  # type: ignore[arg-type]
        await made.set_log_level("info", 0, everywhere=False)
        await asyncio.sleep(0.05)
        assert made.log_level == "info"
        assert feed.levels == [logging.DEBUG, logging.INFO]

    asyncio.run(main())


def test_a_log_level_for_all_nodes_reaches_the_others(tmp_path: Path, root_level: None) -> None:
    async def main() -> None:
        store = Shared()
        nodes = [node(tmp_path, Stored(store))[0] for _ in range(3)]
        await nodes[0].set_log_level("debug", 0, everywhere=True)
        assert [one.log_level for one in nodes] == ["debug"] * 3
        await nodes[1].set_log_level("error", 0, everywhere=False)
        assert [one.log_level for one in nodes] == ["debug", "error", "debug"]

    asyncio.run(main())


def test_health_set_by_hand_is_set_here_and_on_the_other_nodes(tmp_path: Path) -> None:
    async def main() -> None:
        store, states = Shared(), [States(), States()]
        here, _ = [node(tmp_path, Stored(store), of)[0] for of in states]
        await here.set_health(UPSTREAM, TARGET, "192.0.2.1", healthy=False)
        await asyncio.sleep(0.01)
        assert [one.set_to for one in states] == [[(UPSTREAM.id, TARGET.id, "192.0.2.1", False)]] * 2

    asyncio.run(main())


def test_who_sets_health_is_told_when_other_nodes_cannot_be(tmp_path: Path) -> None:
    async def main() -> None:
        store, states = Shared(), States()
        store.gone = True
        with pytest.raises(
            StoreUnavailable, match="nothing listens; it is so on this node, and the others do not know"
        ):
            await node(tmp_path, Stored(store), states)[0].set_health(UPSTREAM, TARGET, None, healthy=False)
        assert len(states.set_to) == 1

    asyncio.run(main())


@pytest.mark.parametrize(("error", "status"), [(ChangeRefusedError("no"), 500), (ChangeTimeoutError("no"), 504)])
def test_health_that_the_workers_refuse_is_an_answer(tmp_path: Path, error: ChangeError, status: int) -> None:
    async def main() -> None:
        states = States()
        states.refusal = error
        with pytest.raises(ApiError) as refused:
            await node(tmp_path, None, states)[0].set_health(UPSTREAM, TARGET, None, healthy=False)
        assert refused.value.status == status

    asyncio.run(main())


def test_what_another_node_says_in_words_of_its_own_is_not_heard(tmp_path: Path) -> None:
    store = Shared()
    made, feed = node(tmp_path, Stored(store))
    for text in ("", "{}", '{"sender": "x", "said": {"type": "Later"}}'):
        store.hearing[0](text)
    assert (made.log_level, feed.levels) == ("notice", [])


def test_the_identity_is_made_once_and_kept(tmp_path: Path) -> None:
    assert node(tmp_path)[0].identity == node(tmp_path)[0].identity


@pytest.mark.parametrize(("error", "status"), [(ChangeRefusedError("no"), 500), (ChangeTimeoutError("no"), 504)])
def test_what_the_workers_refuse_is_an_answer(tmp_path: Path, error: Exception, status: int) -> None:
    class Refusing(LiveConfiguration):
        def __init__(self) -> None:
            self._store = MemoryStore()

        @asynccontextmanager
        async def writing(self, **_: Any) -> AsyncIterator[Any]:
            yield None
            raise error

    async def main() -> None:
        made, _ = node(tmp_path, Refusing())
        with pytest.raises(ApiError) as refused:
            async with made.writing():
                pass
        assert refused.value.status == status

    asyncio.run(main())


def test_without_a_database_nothing_is_written_and_with_one_nothing_is_loaded(tmp_path: Path) -> None:
    async def main() -> None:
        settings = load_settings(environ={}, overrides={"prefix": str(tmp_path)}, search=()).settings
        declared = DeclaredConfiguration(settings, cast(FeedServer, Feed()), tmp_path / "kept")
        with pytest.raises(EntityError):
            async with node(tmp_path, declared)[0].writing():
                pass
        with pytest.raises(ApiError) as refused:
            await node(tmp_path, Stored(MemoryStore()))[0].load(b"", unless_loaded=False)
        assert refused.value.status == 400

    asyncio.run(main())
