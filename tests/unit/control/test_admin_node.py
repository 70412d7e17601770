"""The node as the Admin API sees it: its log level, and its errors as answers."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from gateline.admin.errors import ApiError
from gateline.control.admin_node import AdminNode
from gateline.control.configuration import Configuration
from gateline.control.declared import DeclaredConfiguration
from gateline.control.errors import ChangeRefusedError, ChangeTimeoutError
from gateline.control.feed import FeedServer
from gateline.control.live import LiveConfiguration
from gateline.entities import EntityError
from gateline.settings import load_settings


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


def node(tmp_path: Path, configuration: object = None) -> tuple[AdminNode, Feed]:
    feed = Feed()
    (tmp_path / "run").mkdir(exist_ok=True)
    settings = load_settings(environ={}, overrides={"prefix": str(tmp_path)}, search=()).settings
    made = AdminNode(settings, cast(Configuration, configuration), cast(FeedServer, feed), lambda: False)
    return made, feed


def test_a_log_level_reaches_everybody_and_ends_after_its_time(tmp_path: Path, root_level: None) -> None:
    async def main() -> None:
        made, feed = node(tmp_path)
        assert made.log_level == "notice"
        await made.set_log_level("debug", 0)
        assert (made.log_level, logging.getLogger().level) == ("debug", logging.DEBUG)
        await made.set_log_level("error", 0.01)  # type: ignore[arg-type]
        async with asyncio.timeout(10):
            while made.log_level != "notice":  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.005)
        assert feed.levels == [logging.DEBUG, logging.ERROR, 25]

    asyncio.run(main())


def test_a_new_level_ends_the_wait_for_the_end_of_the_one_before(tmp_path: Path, root_level: None) -> None:
    async def main() -> None:
        made, feed = node(tmp_path)
        await made.set_log_level("debug", 0.01)  # type: ignore[arg-type]
        await made.set_log_level("info", 0)
        await asyncio.sleep(0.05)
        assert made.log_level == "info"
        assert feed.levels == [logging.DEBUG, logging.INFO]

    asyncio.run(main())


def test_the_identity_is_made_once_and_kept(tmp_path: Path) -> None:
    assert node(tmp_path)[0].identity == node(tmp_path)[0].identity


@pytest.mark.parametrize(("error", "status"), [(ChangeRefusedError("no"), 500), (ChangeTimeoutError("no"), 504)])
def test_what_the_workers_refuse_is_an_answer(tmp_path: Path, error: Exception, status: int) -> None:
    class Refusing(LiveConfiguration):
        def __init__(self) -> None:
            pass

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
            await node(tmp_path, object())[0].load(b"", unless_loaded=False)
        assert refused.value.status == 400

    asyncio.run(main())
