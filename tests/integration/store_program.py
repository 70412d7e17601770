"""A program that writes into a store until it is killed: `python store_program.py <options as JSON> <name>`.

Each transaction inserts a service with two routes, moves a counter on, and deletes what a transaction before it
inserted. Its number is printed when it has been acknowledged, and not before.
"""

import asyncio
import json
import sys
from pathlib import Path

from gateline.entities import Route, Service
from gateline.store import StoreOptions
from gateline.store.sql import SqlStore


async def main(options: StoreOptions, name: str) -> None:
    store = SqlStore(options)
    await store.open()
    counter = await store.find("services", "name", f"{name}-counter")
    number = int(counter.to_wire()["host"].removeprefix("n")) if counter else 0
    while True:
        number += 1
        async with store.write() as transaction:
            service = Service.parse({"name": f"{name}-{number}", "host": "h.test", "tags": [name]})
            await transaction.insert(service)
            for path in ("/a", "/b"):
                await transaction.insert(Route.parse({"paths": [path], "service": {"id": service.id}}))
            fields = {"name": f"{name}-counter", "host": f"n{number}"}
            known = await transaction.find("services", "name", f"{name}-counter")
            await transaction.upsert(Service.parse({**(known.to_wire() if known else {}), **fields}))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    if given["path"]:
        given["path"] = Path(given["path"])
    asyncio.run(main(StoreOptions(**given), sys.argv[2]))
