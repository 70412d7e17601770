"""What plugins want to be counted in the database goes there together, and everybody hears what came of it."""

import asyncio
from typing import Any, cast

from gateline.control.plugin_counts import PAUSE, PluginCounts
from gateline.engine.feed import Count, Counted
from gateline.store import Store, StoreUnavailable, Tally, Total


class Counting:
    """A store that counts; `gate` holds it up."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.trouble: Exception | None = None
        self.gate = asyncio.Event()
        self.begun = asyncio.Event()

    async def tally(self, asked: list[Tally]) -> list[Total]:
        self.batches.append(len(asked))
        self.begun.set()
        await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        return [Total([number], True) for number, _ in enumerate(asked)]


def count(number: int) -> Count:
    return Count(number, "key", [("minute", 0, 60, 10, 1)])


async def answers(store: Counting, *, late: int) -> list[Counted]:
    counts = PluginCounts(cast(Store, cast(Any, store)))
    loop = asyncio.get_running_loop()
    asked = [loop.create_task(counts.count(count(0)))]
    await store.begun.wait()
    asked += [loop.create_task(counts.count(count(number))) for number in range(1, late + 1)]
    await asyncio.sleep(0)
    store.gate.set()
    return await asyncio.gather(*asked)


def test_what_comes_during_a_transaction_goes_in_one_with_the_others() -> None:
    async def main() -> None:
        store = Counting()
        assert [one.number for one in await answers(store, late=20)] == list(range(21))
        assert store.batches == [1, 20]

    asyncio.run(main())


def test_everybody_hears_why_it_cannot_be() -> None:
    async def main() -> None:
        for trouble, reason in ((StoreUnavailable("it is gone"), "it is gone"), (KeyError("x"), "internal error")):
            store = Counting()
            store.trouble = trouble
            assert {one.error for one in await answers(store, late=2)} == {reason}

    asyncio.run(main())


def test_a_database_that_is_gone_is_asked_by_one_alone_and_now_and_then() -> None:
    async def main() -> None:
        time = [0.0]
        store = Counting()
        store.trouble = StoreUnavailable("it is gone")
        store.gate.set()
        counts = PluginCounts(cast(Store, cast(Any, store)), lambda: time[0])
        assert (await counts.count(count(0))).error == "it is gone"
        assert {(await counts.count(count(number))).error for number in range(9)} == {"it is gone"}
        assert store.batches == [1]
        time[0] += PAUSE
        answers = await asyncio.gather(*(counts.count(count(number)) for number in range(9)))
        assert {one.error for one in answers} == {"it is gone"}
        assert store.batches == [1, 1]
        store.trouble = None
        time[0] += PAUSE
        assert (await counts.count(count(0))).added
        assert all(one.added for one in await asyncio.gather(*(counts.count(count(number)) for number in range(9))))

    asyncio.run(main())
