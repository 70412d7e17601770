"""Tasks that nobody awaits are neither lost nor silent."""

import asyncio
import gc

import pytest

from gateline.engine import tasks


def test_task_that_nobody_holds_lives_to_its_end() -> None:
    done: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(1)

    async def main() -> None:
        tasks.start(work(), name="work")
        gc.collect()
        await asyncio.sleep(0.05)

    asyncio.run(main())
    assert done == [1]
    assert not tasks._running


def test_task_that_fails_is_logged_with_its_name(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("no good")

    async def main() -> None:
        tasks.start(fail(), name="the failing one")
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert "the task the failing one failed: ValueError('no good')" in caplog.text


def test_task_that_is_cancelled_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        tasks.start(asyncio.sleep(10), name="sleeper").cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert caplog.text == ""
