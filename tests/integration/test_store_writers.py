"""Several nodes write into one PostgreSQL at once, while others read: nobody sees a half, and all agree in the end."""

import asyncio
import random

from gateline.entities import EntityError, Service
from gateline.entities.errors import UNIQUE_VIOLATION
from gateline.store import Change, StoreOptions
from gateline.store.sql import SqlStore
from harness.stores import filled, route, service

NODES = 3
ROUNDS = 25


async def opened(options: StoreOptions, count: int) -> list[SqlStore]:
    stores = [SqlStore(options) for _ in range(count)]
    for store in stores:
        await store.open()
    return stores


async def closed(stores: list[SqlStore]) -> None:
    for store in stores:
        await store.close()


def test_only_one_of_several_writers_gets_a_name(postgres_options: StoreOptions) -> None:
    async def take(store: SqlStore, name: str) -> bool:
        try:
            async with store.write() as transaction:
                if name.endswith("odd") and await transaction.find("services", "name", name):
                    return False
                await transaction.insert(service(name))
        except EntityError as error:
            return error.kind is not UNIQUE_VIOLATION
        return True

    async def main() -> None:
        stores = await opened(postgres_options, NODES)
        for number in range(ROUNDS):
            name = f"s{number}" + ("odd" if number % 2 else "")
            taken = await asyncio.gather(*(take(store, name) for store in stores))
            assert sorted(taken) == [False] * (NODES - 1) + [True]
        assert await stores[0].version() == ROUNDS
        await closed(stores)

    asyncio.run(main())


def test_a_service_is_either_deleted_or_has_its_route(postgres_options: StoreOptions) -> None:
    async def main() -> None:
        one, two = await opened(postgres_options, 2)
        for _ in range(ROUNDS):
            parent = service()
            await filled(one, parent)

            async def delete(parent: Service = parent) -> None:
                async with one.write() as transaction:
                    await transaction.delete("services", parent.id)

            async def refer(parent: Service = parent) -> None:
                async with two.write() as transaction:
                    await transaction.insert(route(parent))

            deleted, referred = await asyncio.gather(delete(), refer(), return_exceptions=True)
            assert isinstance(deleted, EntityError) != isinstance(referred, EntityError), (deleted, referred)
            assert (await one.get("services", parent.id) is None) == (deleted is None)
        await closed([one, two])

    asyncio.run(main())


def test_counting_up_together_loses_nothing_and_every_node_sees_every_version(postgres_options: StoreOptions) -> None:
    async def count(store: SqlStore, identifier: str) -> None:
        for _ in range(ROUNDS):
            async with store.write() as transaction:
                counter = await transaction.get("services", identifier)
                assert isinstance(counter, Service)
                row = counter.to_wire()
                await transaction.replace(Service.parse({**row, "retries": row["retries"] + 1}))

    async def follow(store: SqlStore, last: int) -> list[Change]:
        seen: list[Change] = []
        while not seen or seen[-1].version < last:
            await store.wait_for_change(seen[-1].version if seen else 0)
            changes = await store.since(seen[-1].version if seen else 0)
            assert changes is not None
            seen += changes
        return seen

    async def main() -> None:
        counter = service("counter", retries=0)
        stores = await opened(postgres_options, NODES + 1)
        *writers, reader = stores
        await filled(writers[0], counter)
        last = 1 + NODES * ROUNDS
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            following = [group.create_task(follow(store, last)) for store in (reader, writers[0])]
            for store in writers:
                group.create_task(count(store, counter.id))
        for task in following:
            changes = task.result()
            assert [change.version for change in changes] == list(range(1, last + 1))
            values = [change.put["services"][0].to_wire()["retries"] for change in changes]
            assert values == list(range(last)), "versions are not in the order of the writes"
        await closed(stores)

    asyncio.run(main())


def test_pages_hold_what_was_there_all_along_once(postgres_options: StoreOptions) -> None:
    async def disturb(store: SqlStore, done: asyncio.Event) -> None:
        while not done.is_set():
            passing = [service(tags=["t"]) for _ in range(random.randint(1, 20))]
            await filled(store, *passing)
            async with store.write() as transaction:
                await transaction.delete_many("services", [entity.id for entity in passing])

    async def main() -> None:
        reader, writer = await opened(postgres_options, 2)
        services = [service(tags=["t"]) for _ in range(300)]
        staying = {entity.id for entity in services}
        await filled(writer, *services)
        done = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(disturb(writer, done))
            for _ in range(5):
                listed: list[str] = []
                after: str | None = None
                while True:
                    page = await reader.page("services", size=17, after=after)
                    listed += [entity.id for entity in page.entities]
                    if (after := page.after) is None:
                        break
                assert listed == sorted(set(listed))
                assert staying <= set(listed)
            done.set()
        await closed([reader, writer])

    asyncio.run(main())


def test_the_whole_is_of_one_moment(postgres_options: StoreOptions) -> None:
    """A writer renames two entities of two kinds together; nobody ever reads them apart."""

    async def rename(store: SqlStore, done: asyncio.Event) -> None:
        number = 0
        while not done.is_set():
            number += 1
            async with store.write() as transaction:
                for kind in ("services", "routes"):
                    entity = (await transaction.page(kind, size=1)).entities[0]
                    await transaction.replace(type(entity).parse({**entity.to_wire(), "name": f"n{number}"}))

    async def main() -> None:
        reader, writer = await opened(postgres_options, 2)
        parent = service("n0")
        await filled(writer, parent, route(parent, "n0"))
        done = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(rename(writer, done))
            for _ in range(60):
                stored = await reader.whole()
                names = {entity.to_wire()["name"] for of in stored.kinds.values() for entity in of.values()}
                assert names == {f"n{stored.version - 1}"}
            done.set()
        await closed([reader, writer])

    asyncio.run(main())
