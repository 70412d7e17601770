"""Programs that write into a store are killed in the middle of it: what was acknowledged is there, and nothing is half
there."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest

from gateline.entities import Entity
from gateline.store import StoreOptions
from gateline.store.sql import SqlStore
from harness.stores import sqlite_options

PROGRAM = Path(__file__).with_name("store_program.py")


class Writer:
    """The program, running."""

    def __init__(self, options: StoreOptions, name: str) -> None:
        self.name = name
        given = json.dumps(asdict(options), default=str)
        self.process = subprocess.Popen([sys.executable, str(PROGRAM), given, name], stdout=subprocess.PIPE, text=True)
        self.acknowledged = 0

    def wait_for(self, count: int) -> None:
        """Read so many acknowledgements."""
        assert self.process.stdout is not None
        for _ in range(count):
            line = self.process.stdout.readline()
            assert line, "the program ended by itself"
            self.acknowledged = int(line)

    def kill(self) -> None:
        """End it wherever it is, and read what it had still printed."""
        self.process.kill()
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                if line.endswith("\n"):
                    self.acknowledged = int(line)
        self.process.wait()


async def whole(options: StoreOptions) -> tuple[int, dict[str, dict[str, Entity]]]:
    store = SqlStore(options)
    await store.open()
    try:
        stored = await store.whole()
        changes = await store.since(0)
        assert changes is not None
        assert [change.version for change in changes] == list(range(1, stored.version + 1))
        return stored.version, stored.kinds
    finally:
        await store.close()


def check(kinds: dict[str, dict[str, Entity]], writers: dict[str, int]) -> int:
    """Everything acknowledged is there, and every transaction is there as a whole; how many there are."""
    services = {row["name"]: row for row in (entity.to_wire() for entity in kinds["services"].values())}
    routes = Counter(entity.to_wire()["service"]["id"] for entity in kinds["routes"].values())
    transactions = 0
    for name, acknowledged in writers.items():
        stored = int(services.pop(f"{name}-counter")["host"].removeprefix("n"))
        assert stored in (acknowledged, acknowledged + 1), "one may have been committed without an answer"
        for number in range(1, stored + 1):
            row = services.pop(f"{name}-{number}")
            assert routes.pop(row["id"]) == 2
        transactions += stored
    assert not services
    assert not routes
    return transactions


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_no_acknowledged_write_is_lost(request: pytest.FixtureRequest, tmp_path: Path, database: str) -> None:
    options: StoreOptions = (
        sqlite_options(tmp_path) if database == "sqlite" else request.getfixturevalue("postgres_options")
    )
    names = ("ann", "bob")
    for count in (1, 8, 20):
        writers = [Writer(options, name) for name in names]
        for writer in writers:
            writer.wait_for(count)
        for writer in writers:
            writer.kill()
        version, kinds = asyncio.run(whole(options))
        assert check(kinds, {writer.name: writer.acknowledged for writer in writers}) == version
