"""A large configuration in PostgreSQL: how long a cold start takes, a change until it is in force, a page, an `apply`,
and what changes cost the requests that are served meanwhile.

10,000 services with a route each and 50,000 consumers, with a key each where the gateway knows keys. The database is
one of the check's own, and syncs to the disk as any other.
"""

import asyncio
import contextlib
import http.client
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Self

from benchmarks.load import run_wrk
from benchmarks.many_routes import HOSTS, PATHS, asked_route, host, ten_thousand_routes
from benchmarks.processes import (
    Address,
    Server,
    StartError,
    children,
    choose_cores,
    cpu_seconds,
    ending,
    family,
    free_address,
    own_environment,
    start,
    wait_until,
)
from benchmarks.proxies.gateline import Admin, encode_configuration
from benchmarks.soak.client import percentile
from benchmarks.soak.verdict import Verdict
from benchmarks.upstream import start_upstream
from benchmarks.verify import get
from gateline.entities import Consumer, Entity, Route, Service, entity_class
from gateline.store import StoreOptions, open_store

CONSUMERS = 50_000
WORKERS = 2
STARTS = 3
CHANGES = 400
PAGES_OF = ("services", "routes", "consumers")
WALKS = 3
PAGE = 1000
ROUNDS = 12
SECONDS = 2  # of each part of a round
RATES = (1.0, 10.0)  # changes a second while the throughput is measured
AGAIN = -1.0  # no changes once more: what that differs by is what cannot be told
COSTLY = ("control process", "database")
TAG = "orders"

COLD_START = 15.0  # seconds
IN_FORCE = 0.050  # seconds
DENT = 0.03  # share of the throughput
LATER_PAGES = 1.25  # times the first ones
APPLY = 5.0  # seconds


async def check() -> Verdict:
    """Run the check."""
    verdict = Verdict("large_store")
    try:
        from harness.postgres import Postgres  # of the tests
    except ImportError:
        raise StartError("the tests are not in the path: run scripts/soak large_store") from None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateline-soak-")))
        postgres = stack.enter_context(Postgres(durable=True))
        server, upstream = start_upstream(folder, None, [f"/area-{number:02d}" for number in range(PATHS)])
        stack.enter_context(ending(server))
        database = await postgres.create_database(migrated=True)
        document = _document(upstream)
        keys = await _fill(postgres.options(database), document)
        verdict.number("stored", f"{HOSTS * PATHS:,} services, as many routes, {CONSUMERS:,} consumers, {keys:,} keys")
        others = {"database": family(postgres.pid), "upstream": family(server.pid)}
        await asyncio.to_thread(_measure, verdict, folder, postgres.environment(database), document, others)
    return verdict


def _measure(
    verdict: Verdict,
    folder: Path,
    database: dict[str, str],
    document: dict[str, Any],
    others: dict[str, list[int]],
) -> None:
    starts: list[float] = []
    for _ in range(STARTS):
        with _Node(folder, database, WORKERS) as node:
            starts.append(node.started_in)
            if len(starts) == STARTS:
                _changes(verdict, node)
                _pages(verdict, node)
                _apply(verdict, node, document)
    verdict.hold(
        f"cold start within {COLD_START:.0f} s, until every worker serves", max(starts) <= COLD_START, _seconds(starts)
    )
    with _Node(folder, database, 1) as node:
        others["database"] = family(others["database"][0])  # it has a process for each connection
        _throughput(verdict, node, others)


class _Node(AbstractContextManager["_Node"]):
    """A gateway on the database, without anything that it kept from an earlier run."""

    def __init__(self, folder: Path, database: dict[str, str], workers: int) -> None:
        self.folder = folder
        self.address, self.admin_address = free_address(), free_address()
        self._environment = {
            **database,
            "GATELINE_PREFIX": tempfile.mkdtemp(dir=folder),
            "GATELINE_PROXY_LISTEN": str(self.address),
            "GATELINE_ADMIN_LISTEN": str(self.admin_address),
            "GATELINE_STATUS_LISTEN": "off",
            "GATELINE_ADMIN_GUI_LISTEN": "off",
            "GATELINE_WORKER_PROCESSES": str(workers),
            "GATELINE_PROXY_ACCESS_LOG": "off",
        }
        self._workers = workers
        self.server: Server
        self.workers: list[int] = []
        self.started_in = 0.0

    def __enter__(self) -> Self:
        began = time.monotonic()
        command = [Path(sys.executable).with_name("gateline"), "start"]
        self.server = start("gateline", command, self.folder, None, self._environment)
        admin = Admin(self.admin_address)
        ready = wait_until(lambda: len(admin.workers()) == self._workers and self._serves(), 60.0)
        self.started_in = time.monotonic() - began
        if not ready:
            self.server.end()
            raise StartError(f"gateline was not ready: {self.server.last_words()}")
        self.workers = admin.workers()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.end()

    @property
    def control(self) -> list[int]:
        """The control process."""
        return [pid for pid in children(self.server.pid) if pid not in self.workers]

    def _serves(self) -> bool:
        return get(self.address, "/area-42/4711", host(42))[0] == 200

    def run(self, *arguments: object) -> tuple[float, str]:
        """A command of `gateline` for this node: the seconds that it took, and what it printed."""
        command = [
            Path(sys.executable).with_name("gateline"),
            *arguments,
            "--admin-url",
            f"http://{self.admin_address}",
        ]
        began = time.monotonic()
        done = subprocess.run(
            [str(word) for word in command],
            check=False,
            capture_output=True,
            text=True,
            env=own_environment(),
            timeout=120,
        )
        if done.returncode != 0:
            raise StartError(f"{command[1]} ended with {done.returncode}: {(done.stderr or done.stdout)[-300:]}")
        return time.monotonic() - began, done.stdout


class _Client:
    """The Admin API over one connection."""

    def __init__(self, address: Address) -> None:
        self._connection = http.client.HTTPConnection(address.host, address.port, timeout=60)

    def call(self, method: str, path: str, body: object = None) -> tuple[float, bytes]:
        """Seconds until the answer, and the answer, which must be a good one."""
        encoded = None if body is None else json.dumps(body).encode()
        began = time.monotonic()
        self._connection.request(method, path, encoded, {"Content-Type": "application/json"} if encoded else {})
        response = self._connection.getresponse()
        content = response.read()
        took = time.monotonic() - began
        if response.status not in (200, 201):
            raise StartError(f"{method} {path} answered {response.status}: {content[:300]!r}")
        return took, content

    def close(self) -> None:
        self._connection.close()


@dataclass(slots=True)
class _Changes:
    """Changes of one route after the other, each to a path of its own."""

    address: Address
    numbers: Iterator[int] = field(default_factory=itertools.count)
    took: list[float] = field(default_factory=list)
    path: str = ""
    last: int = 0

    def next(self, client: _Client) -> None:
        number = self.last = next(self.numbers)
        self.path = f"/changed-{number}"
        tenant, area = number % HOSTS, number * 7 % 97  # none of the regexes
        name = f"tenant-{tenant:02d}-area-{area:02d}"
        took, _ = client.call("PATCH", f"/routes/{name}", {"paths": [f"/area-{area:02d}", self.path]})
        self.took.append(took)

    def missing(self) -> bool:
        """Whether the last change is not in force; its path is answered by the upstream, with its own 404."""
        tenant = self.last % HOSTS
        return b"no Route matched" in get(self.address, self.path, host(tenant))[1]


def _changes(verdict: Verdict, node: _Node) -> None:
    client, changes = _Client(node.admin_address), _Changes(node.address)
    for _ in range(20):
        changes.next(client)
    changes.took.clear()
    changes.numbers = itertools.count()
    groups = {"worker": node.workers, "control process": node.control}
    before = _spent(groups)
    for _ in range(CHANGES):
        changes.next(client)
    spent = {name: (cpu - before[name]) / CHANGES * 1000 for name, cpu in _spent(groups).items()}
    spent["worker"] /= len(node.workers)
    missing = 0
    for _ in range(CHANGES // 4):
        changes.next(client)
        missing += changes.missing()
    del changes.took[CHANGES:]
    client.close()
    p50, p99, worst = (percentile(changes.took, share) * 1000 for share in (0.5, 0.99, 1.0))
    verdict.hold(
        f"a changed route in force in ≤ {IN_FORCE * 1000:.0f} ms (p99 of {CHANGES})",
        p99 <= IN_FORCE * 1000,
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {worst:.1f} ms",
    )
    verdict.number(
        "CPU time of a change", ", ".join(f"{name} {milliseconds:.2f} ms" for name, milliseconds in spent.items())
    )
    verdict.hold(
        f"{RATES[-1]:g} changes a second leave a worker ≥ {1 - DENT:g} of its time",
        spent["worker"] * RATES[-1] / 1000 <= DENT,
        f"{1 - spent['worker'] * RATES[-1] / 1000:.4f}",
    )
    verdict.hold("each is in force when it is answered", missing == 0, f"{missing} missing")


def _pages(verdict: Verdict, node: _Node) -> None:
    client = _Client(node.admin_address)
    for kind in PAGES_OF:
        walks = [_walk(client, kind) for _ in range(WALKS)]
        pages = [median(times) for times in zip(*walks, strict=True)]
        some = max(2, len(pages) // 5)
        first, last = median(pages[:some]), median(pages[-some:])
        verdict.hold(
            f"{kind}: the last pages cost ≤ {LATER_PAGES:g} times the first ones ({len(pages)} of {PAGE})",
            last <= first * LATER_PAGES,
            f"{first * 1000:.1f} and {last * 1000:.1f} ms, worst {max(pages) * 1000:.1f} ms",
        )
    client.close()


def _walk(client: _Client, kind: str) -> list[float]:
    """Seconds of each page."""
    times: list[float] = []
    path: str | None = f"/{kind}?size={PAGE}"
    while path:
        took, content = client.call("GET", path)
        times.append(took)
        path = json.loads(content)["next"]
    return times


def _apply(verdict: Verdict, node: _Node, document: dict[str, Any]) -> None:
    path = node.folder / "orders.json"
    path.write_bytes(encode_configuration(document))
    arguments = ("apply", "--yes", "--select-tag", TAG, "-f", path)
    node.run(*arguments)  # takes back what `_changes` did
    document["services"][4711]["routes"][0]["paths"].append("/applied")
    path.write_bytes(encode_configuration(document))
    took, said = node.run(*arguments)
    verdict.hold(
        f"apply of a file with {HOSTS * PATHS:,} routes and one change within {APPLY:.0f} s",
        took <= APPLY and "1 changed" in said,
        f"{took:.2f} s: {said.strip().splitlines()[-1]}",
    )


@dataclass(slots=True)
class _Part:
    """Some seconds of load with so many changes a second; CPU seconds by who spent them."""

    requests: int
    rate: float
    failures: int
    changes: int
    cpu: dict[str, float]


def _throughput(verdict: Verdict, node: _Node, others: dict[str, list[int]]) -> None:
    """The worker has a core for itself; control process, database, load, upstream and this process share the other."""
    cores = choose_cores()
    groups = {"worker": node.workers, "control process": node.control, **others}
    for name, pids in groups.items():
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(pid, {cores.proxy if name == "worker" else cores.load})
    os.sched_setaffinity(0, {cores.load})
    client, changes = _Client(node.admin_address), _Changes(node.address)
    run_wrk(asked_route(), node.address, 2, node.folder, cores.load)
    parts: dict[float, list[_Part]] = {rate: [] for rate in (0.0, AGAIN, *RATES)}
    for number in range(ROUNDS):
        order = list(parts)
        start = number % len(order)
        for rate in order[start:] + order[:start]:
            parts[rate].append(_load(node, client, changes, max(rate, 0.0), groups, cores.load))
    client.close()
    _judge_throughput(verdict, parts, changes.took)


def _load(
    node: _Node, client: _Client, changes: _Changes, rate: float, groups: dict[str, list[int]], core: int
) -> _Part:
    end = threading.Event()
    writer = threading.Thread(target=_write, args=(client, changes, rate, end))
    made, before = len(changes.took), _spent(groups)
    if rate:
        writer.start()
    seen = run_wrk(asked_route(), node.address, SECONDS, node.folder, core)
    end.set()
    if rate:
        writer.join()
    cpu = {name: spent - before[name] for name, spent in _spent(groups).items()}
    return _Part(seen.requests, seen.requests / seen.seconds, seen.failures, len(changes.took) - made, cpu)


def _spent(groups: dict[str, list[int]]) -> dict[str, float]:
    """CPU seconds of groups of processes; one that has ended, as some of a database do, counts for nothing."""
    found = dict.fromkeys(groups, 0.0)
    for name, pids in groups.items():
        for pid in pids:
            with contextlib.suppress(OSError):
                found[name] += cpu_seconds([pid])
    return found


def _judge_throughput(verdict: Verdict, parts: dict[float, list[_Part]], took: list[float]) -> None:
    calm = parts[0.0]
    usual = median(part.rate for part in calm)
    same = median(part.rate / other.rate for part, other in zip(parts[AGAIN], calm, strict=True))
    verdict.number(
        "requests a second without changes, one worker on a core of its own",
        f"{usual:,.0f}, the worker busy {_share(calm, 'worker'):.0%}",
    )
    verdict.hold(
        f"the machine is calm enough to tell: once more without changes within {DENT:.0%}",
        abs(same - 1) <= DENT,
        f"{same:.3f} (median of {ROUNDS})",
    )
    for rate in RATES:
        ratio = median(part.rate / other.rate for part, other in zip(parts[rate], calm, strict=True))
        cost = median(
            (part.cpu["worker"] / part.requests) / (other.cpu["worker"] / other.requests)
            for part, other in zip(parts[rate], calm, strict=True)
        )
        found = f"{ratio:.3f} of it; a request costs the worker {cost:.3f} of the CPU time (medians of {ROUNDS})"
        if rate == RATES[0]:
            verdict.hold(f"with {rate:g} change a second, ≥ {1 - DENT:g} of it", ratio >= 1 - DENT, found)
        else:
            verdict.number(f"with {rate:g} changes a second", found)
    most = parts[RATES[-1]]
    changes = sum(part.changes for part in most)
    beside = {name: sum(part.cpu[name] for part in most) - sum(part.cpu[name] for part in calm) for name in most[0].cpu}
    verdict.number(
        "CPU time of a change beside the worker's, on the core of the load",
        ", ".join(f"{name} {spent / changes * 1000:.1f} ms" for name, spent in beside.items() if name in COSTLY),
    )
    p50, p99 = (percentile(took, share) * 1000 for share in (0.5, 0.99))
    verdict.number("a change in force under that load", f"p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    failures = sum(part.failures for of_rate in parts.values() for part in of_rate)
    verdict.hold("no failed request", failures == 0, str(failures))


def _share(parts: list[_Part], name: str) -> float:
    return median(part.cpu[name] / SECONDS for part in parts)


def _write(client: _Client, changes: _Changes, rate: float, end: threading.Event) -> None:
    due = time.monotonic()
    while not end.is_set():
        changes.next(client)
        due += 1 / rate
        end.wait(max(0.0, due - time.monotonic()))


def _document(upstream: Address) -> dict[str, Any]:
    """A service of its own for each of the 10,000 routes."""
    services = [
        {"name": f"service-{route['name']}", "url": service["url"], "tags": [TAG], "routes": [{**route, "tags": [TAG]}]}
        for service in ten_thousand_routes(upstream)["services"]
        for route in service["routes"]
    ]
    return {"_format_version": "3.0", "services": services}


async def _fill(options: StoreOptions, document: dict[str, Any]) -> int:
    """Store the document and the consumers; how many keys they got."""
    entities: list[Entity] = []
    for row in document["services"]:
        given = {name: value for name, value in row.items() if name != "routes"}
        service = Service.parse(given)
        entities.append(service)
        entities += [Route.parse({**route, "service": {"id": service.id}}) for route in row["routes"]]
    consumers = [Consumer.parse({"username": f"consumer-{number}"}) for number in range(CONSUMERS)]
    key = entity_class("keyauth_credentials")
    keys = [key.parse({"key": f"key-{one.username}", "consumer": {"id": one.id}}) for one in consumers] if key else []
    store = open_store(options)
    await store.open()
    try:
        async with store.write() as transaction:
            await transaction.insert_many([*entities, *consumers, *keys])
    finally:
        await store.close()
    return len(keys)


def _seconds(times: list[float]) -> str:
    return ", ".join(f"{one:.1f}" for one in times) + " s"
