"""From one route to 10,000 and back under load: in force in time, without a hiccup, in little memory, at the same cost.

Requests are due at fixed times; the new configuration is encoded
beforehand and its answer is not decoded, so that this program's own work is not mistaken for the gateway's.
"""

import asyncio
import os
import time
from dataclasses import dataclass, field
from statistics import median

from benchmarks.load import run_wrk
from benchmarks.many_routes import asked_request, every_route, host, one_route_for_all, ten_thousand_routes
from benchmarks.processes import choose_cores, cpu_seconds, resident_bytes
from benchmarks.proxies.gateline import encode_configuration
from benchmarks.soak.client import LoadClient, percentile
from benchmarks.soak.gateway import Gateway, gateway
from benchmarks.soak.verdict import Verdict
from benchmarks.verify import get

SWAPS = 5
CONNECTIONS = 32
RATE = 500.0  # requests a second
CALM = 2.0  # seconds of load before each swap
COST_SECONDS = 3  # of each cost measurement
IN_FORCE_WITHIN = 2.0  # seconds
P99_RISE = 0.020  # seconds
MEMORY = 60_000_000  # bytes
COST = 1.10  # times the cost with one route


@dataclass(slots=True)
class _Found:
    took: list[float] = field(default_factory=list)
    calm: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)
    costs: list[tuple[float, float]] = field(default_factory=list)  # seconds with one route, with 10,000
    memory: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    not_in_force: int = 0


async def check() -> Verdict:
    """Run the check."""
    verdict = Verdict("swap_10000")
    found = _Found()
    with gateway(one_route_for_all, prefixes=("/area-00",)) as running:
        one = encode_configuration(one_route_for_all(running.upstream))
        many = encode_configuration(ten_thousand_routes(running.upstream))
        [pid] = running.proxy.workers
        cores = choose_cores()
        os.sched_setaffinity(pid, {cores.proxy})  # the worker alone: the control process takes what is left
        single = await _cost(running, cores.load)
        before = resident_bytes(pid)
        for _ in range(SWAPS):
            await _swap(running, many, found)
            cost = await _cost(running, cores.load)
            found.memory.append(resident_bytes(pid))
            found.costs.append((single, cost))
            await asyncio.to_thread(running.admin.post_encoded, one)
            single = await _cost(running, cores.load)
    _judge(verdict, found, before)
    return verdict


async def _swap(running: Gateway, encoded: bytes, found: _Found) -> None:
    request = asked_request().encode()
    async with LoadClient(running.address, CONNECTIONS, rate=RATE, request=request) as load:
        calm = time.monotonic()
        await asyncio.sleep(CALM)
        start = time.monotonic()
        await asyncio.to_thread(running.admin.post_encoded, encoded)
        end = time.monotonic()
        found.not_in_force += await asyncio.to_thread(_routes_missing, running)
    found.took.append(end - start)
    found.calm += load.tally.between(calm, start)
    found.during += load.tally.between(start, end)
    found.failures += [failure.kind for failure in load.tally.failures]


def _routes_missing(running: Gateway) -> int:
    """How many of a sample of the new routes do not answer; regex routes refuse what they do not match."""
    missing = sum(get(running.address, f"/area-{n:02d}/4711", host(n))[0] != 200 for n in range(0, 100, 3))
    return missing + (get(running.address, "/area-99/letters", host(1))[0] != 404)


async def _cost(running: Gateway, core: int) -> float:
    """CPU seconds of the worker per request."""
    pids = running.proxy.workers

    def run() -> float:
        run_wrk(every_route(), running.address, 1, running.folder, core)
        before = cpu_seconds(pids)
        seen = run_wrk(every_route(), running.address, COST_SECONDS, running.folder, core)
        return (cpu_seconds(pids) - before) / max(seen.requests, 1)

    return await asyncio.to_thread(run)


def _judge(verdict: Verdict, found: _Found, before: int) -> None:
    calm, during = percentile(found.calm, 0.99), percentile(found.during, 0.99)
    grown = max(found.memory) - before
    ratio = median(many / one for one, many in found.costs)
    costs = ", ".join(f"{one * 1e6:.1f} and {many * 1e6:.1f} µs" for one, many in found.costs)
    verdict.number("worker with one route", f"{before / 1e6:.1f} MB")
    verdict.number(
        "worker with 10,000 routes, swap by swap", ", ".join(f"{each / 1e6:.0f} MB" for each in found.memory)
    )
    verdict.number("cost of a request with one route and with 10,000", costs)
    verdict.number("p99 when calm", f"{calm * 1000:.1f} ms")
    verdict.number("longest request during a swap", f"{percentile(found.during, 1.0) * 1000:.1f} ms")
    verdict.hold(
        f"POST /config of 10,000 routes within {IN_FORCE_WITHIN:.0f} s",
        max(found.took) < IN_FORCE_WITHIN,
        f"slowest {max(found.took):.2f} s, median {median(found.took):.2f} s",
    )
    verdict.hold("every sampled route is in force at once", found.not_in_force == 0, f"{found.not_in_force} missing")
    verdict.hold(
        f"p99 rises < {P99_RISE * 1000:.0f} ms during the swap", during - calm < P99_RISE, f"to {during * 1000:.1f} ms"
    )
    verdict.hold(f"worker grows < {MEMORY / 1e6:.0f} MB", grown < MEMORY, f"{grown / 1e6:.1f} MB")
    verdict.hold(f"cost ≤ {COST:g} times one route", ratio <= COST, f"{ratio:.3f} (median of {SWAPS})")
    verdict.hold("no failed request", not found.failures, ", ".join(sorted(set(found.failures))) or "none")
