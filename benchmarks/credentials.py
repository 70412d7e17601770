"""What consumers and credentials cost: memory of a node with many of them, and look-ups in a worker.

    .venv/bin/python benchmarks/credentials.py [--consumers 100000] [--workers 2 4] [--database sqlite|off]

Memory is that of all processes of the node together, shared pages counted once (PSS), beside a node without consumers.
"""

import argparse
import asyncio
import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import timeit
from pathlib import Path

from gateline.engine.credentials import WorkerCredentials
from gateline.entities import Consumer, Entity
from gateline.entities.sealing import Sealer
from gateline.pdk.discovery import Plugins
from gateline.settings import load_settings
from gateline.sharedstate import Directory, Places, SharedCounters, open_directory
from gateline.sharedstate.keys import sealer_of
from gateline.store import StoreOptions
from gateline.store.sql import SqlStore

PART = 5000


def entities(count: int) -> "list[tuple[Consumer, Entity]]":
    """Consumers, each with a key."""
    from gateline.plugins.key_auth import KeyauthCredential

    made: list[tuple[Consumer, Entity]] = []
    for number in range(count):
        consumer = Consumer.parse({"username": f"user-{number}", "custom_id": f"customer-{number}"})
        made.append((consumer, KeyauthCredential.parse({"consumer": {"id": consumer.id}, "key": f"key-{number}"})))
    return made


async def fill(prefix: Path, count: int) -> None:
    settings = load_settings(overrides={"prefix": str(prefix), "database": "sqlite"}).settings
    store = SqlStore(StoreOptions("sqlite", settings.sqlite_path, sealer=sealer_of(settings)))
    await store.open()
    for start in range(0, count, PART):
        async with store.write() as transaction:
            await transaction.insert_many(
                [entity for pair in entities(min(PART, count - start)) for entity in _numbered(pair, start)]
            )
    await store.close()


def _numbered(pair: "tuple[Consumer, Entity]", start: int) -> "list[Entity]":
    consumer, credential = pair
    number = start + int(str(consumer.username).rpartition("-")[2])
    named = type(consumer).patched(consumer.to_wire(), {"username": f"user-{number}", "custom_id": f"c-{number}"})
    return [named, type(credential).patched(credential.to_wire(), {"key": f"key-{number}"})]


def pss(pid: int) -> tuple[int, int]:
    """Bytes of a process: its share (PSS), and what is its own."""
    fields = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        fields[name] = int(rest.split()[0]) * 1024
    return fields["Pss"], fields["Private_Clean"] + fields["Private_Dirty"]


def measured(prefix: Path, workers: int, database: str, document: Path | None) -> dict[str, float]:
    """Start a node, wait until it serves, and measure it."""
    given = {
        "GATELINE_PREFIX": str(prefix),
        "GATELINE_DATABASE": database,
        "GATELINE_PROXY_LISTEN": "127.0.0.1:0",
        "GATELINE_ADMIN_LISTEN": "127.0.0.1:0",
        "GATELINE_WORKER_PROCESSES": str(workers),
        "GATELINE_PROXY_ACCESS_LOG": "off",
    }
    if document is not None:
        given["GATELINE_DECLARATIVE_CONFIG"] = str(document)
    began = time.monotonic()
    with open(os.devnull, "w") as nowhere:
        node = subprocess.Popen(
            [sys.executable, "-m", "gateline", "start"], env={**os.environ, **given}, stdout=nowhere, stderr=nowhere
        )
    path = prefix / "run" / "state.json"
    try:
        while not (path.exists() and json.loads(path.read_text())["status"] == "running"):
            assert node.poll() is None, "the node ended"
            time.sleep(0.05)
        started = time.monotonic() - began
        time.sleep(2)
        state = json.loads(path.read_text())
        pids = [state["pid"], state["control"], *state["workers"]]
        figures = [pss(pid) for pid in pids]
        shared = sum(file.stat().st_blocks * 512 for file in Places.of(prefix).root.rglob("*.mdb"))
        return {
            "start s": started,
            "all MB": sum(figure[0] for figure in figures) / 1e6,
            "control's own MB": figures[1][1] / 1e6,
            "a worker's own MB": sum(figure[1] for figure in figures[2:]) / workers / 1e6,
            "shared memory MB": shared / 1e6,
        }
    finally:
        node.terminate()
        node.wait(30)


def lookups(prefix: Path, count: int) -> None:
    """Look-ups as a worker does them, in a directory that is filled like a node's."""
    from gateline.control.directory import NodeDirectory
    from gateline.control.rows import as_stored
    from gateline.sharedstate import DirectoryWriter

    environment = open_directory(prefix / "directory")
    node = NodeDirectory(DirectoryWriter(environment), Sealer("plain"))
    bringing = node.bringing()
    made = entities(count)
    for kind, some in (("consumers", [one for one, _ in made]), ("keyauth_credentials", [one for _, one in made])):
        bringing.take(kind, sorted(some, key=lambda one: one.id), as_stored)
    del made, bringing
    gc.collect()
    gc.freeze()
    credentials = WorkerCredentials(lambda: Directory(environment), Sealer("plain"))
    credentials.open()
    keys = [f"key-{number}" for number in random.sample(range(count), count)]
    few, unknown = keys[:1000], [f"no {key}" for key in keys[:1000]]

    def timed(what: str, keys: list[str], rounds: int) -> None:
        find = credentials.finder("keyauth_credentials", "key")

        def work() -> None:
            for key in keys:
                find(key)

        best = min(timeit.repeat(work, number=1, repeat=rounds))
        print(f"{best / len(keys) * 1e6:6.2f} µs  {what}")

    timed("found lately", few, 50)
    timed("found in the directory, with its consumer, all over it", keys, 3)
    timed("not found", unknown, 20)
    counters = SharedCounters(prefix / "counters")
    best = min(timeit.repeat(lambda: [counters.increment("key", ttl=60) for _ in range(1000)], number=1, repeat=20))
    print(f"{best / 1000 * 1e6:6.2f} µs  a counter incremented")
    print(f"{environment.size / 1e6:6.0f} MB  map")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--consumers", type=int, default=100_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--database", default="sqlite", choices=("sqlite", "off"))
    parser.add_argument("--only-lookups", action="store_true")
    asked = parser.parse_args()
    Plugins().load_all()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        lookups(Path(folder), asked.consumers)
    if asked.only_lookups:
        return
    for count in (0, asked.consumers):
        with tempfile.TemporaryDirectory() as folder:
            prefix = Path(folder)
            document = None
            if asked.database == "sqlite":
                asyncio.run(fill(prefix, count))
            else:
                document = prefix / "kong.json"
                rows = [{"username": f"u{n}", "keyauth_credentials": [{"key": f"key-{n}"}]} for n in range(count)]
                document.write_text(json.dumps({"_format_version": "3.0", "consumers": rows}))
            for workers in asked.workers:
                figures = measured(prefix, workers, asked.database, document)
                told = ", ".join(f"{name} {value:.1f}" for name, value in figures.items())
                print(f"{count} consumers, {workers} workers: {told}")


if __name__ == "__main__":
    main()
