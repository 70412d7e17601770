"""The database is stopped and started again: calls say so meanwhile, and go on by themselves afterwards."""

import asyncio

import pytest

from gateline.store import StoreOptions, StoreUnavailable
from gateline.store.sql import SqlStore
from harness.postgres import Postgres
from harness.stores import filled, service


def test_a_store_goes_on_when_its_database_is_back(postgres: Postgres, postgres_options: StoreOptions) -> None:
    async def main() -> None:
        store, other = SqlStore(postgres_options), SqlStore(postgres_options)
        await store.open()
        await other.open()
        await filled(store, service("before"))
        await asyncio.gather(*(store.version() for _ in range(5)))  # several connections, all of which will be dead
        waiting = asyncio.get_running_loop().create_task(other.wait_for_change(1))
        await asyncio.sleep(0)
        try:
            await asyncio.to_thread(postgres.stop)
            for _ in range(3):
                with pytest.raises(StoreUnavailable):
                    await filled(store, service())
                with pytest.raises(StoreUnavailable):
                    await store.page("services", size=9)
            with pytest.raises(StoreUnavailable, match="nothing listens at"):
                await store.check()
            with pytest.raises(StoreUnavailable):
                await SqlStore(postgres_options).open()
            assert not waiting.done()
        finally:
            await asyncio.to_thread(postgres.start)
        await filled(store, service("after"))
        async with asyncio.timeout(30):
            assert await waiting == 2
        changes = await other.since(1)
        assert changes is not None
        assert [entity.to_wire()["name"] for entity in changes[0].put["services"]] == ["after"]
        names = {entity.to_wire()["name"] for entity in (await store.page("services", size=9)).entities}
        assert names == {"before", "after"}
        await store.close()
        await other.close()

    asyncio.run(main())


def test_a_commit_that_the_database_does_not_answer_is_told_as_unknown(
    postgres: Postgres, postgres_options: StoreOptions
) -> None:
    async def main() -> None:
        store = SqlStore(postgres_options)
        await store.open()

        async def cut_off() -> None:
            async with store.write() as transaction:
                await transaction.insert(service("one"))
                finish = transaction.finish

                async def then_stop(**how: object) -> None:
                    await finish(**how)  # type: ignore[arg-type]
                    await asyncio.to_thread(postgres.stop)

                transaction.finish = then_stop  # type: ignore[method-assign]

        try:
            with pytest.raises(StoreUnavailable, match="it is unknown whether the change was stored"):
                await cut_off()
        finally:
            await asyncio.to_thread(postgres.start)
        assert await store.version() == 0
        await filled(store, service("two"))
        await store.close()

    asyncio.run(main())
