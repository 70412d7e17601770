"""100 reloads under load: no request is refused, cut or answered wrongly, and each new configuration comes into force.

Every reload changes the service under load (its timeouts) and adds a route, so that workers cannot skip the swap.
"""

import asyncio
import os
import signal
import time

from benchmarks.processes import Address, resident_bytes
from benchmarks.proxies import HOST
from benchmarks.proxies.gateline import Admin, Configuration, one_route, write_configuration
from benchmarks.soak.client import LoadClient, percentile
from benchmarks.soak.gateway import gateway
from benchmarks.soak.verdict import Verdict
from benchmarks.verify import get

RELOADS = 100
CONNECTIONS = 64
RENEWING = 16
IN_FORCE_WITHIN = 5.0  # seconds after the signal


async def check() -> Verdict:
    """Run the check."""
    verdict = Verdict("reloads")
    with gateway(workers=2) as running:
        before = sum(resident_bytes(pid) for pid in running.proxy.workers)
        took: list[float] = []
        missing = 0
        async with LoadClient(running.address, CONNECTIONS, RENEWING) as load:
            await load.answers(CONNECTIONS * 10)
            for number in range(RELOADS):
                write_configuration(running.configuration, _configuration(running.upstream, number))
                old = await asyncio.to_thread(running.admin.configuration_hash)
                os.kill(running.server.pid, signal.SIGHUP)
                took.append(await _in_force(running.admin, old))
                missing += (await asyncio.to_thread(get, running.address, f"/extra-{number}"))[0] != 200
                await load.answers(CONNECTIONS)
        after = sum(resident_bytes(pid) for pid in running.admin.workers())
    tally = load.tally
    verdict.number("requests answered", f"{tally.answered:,} over {CONNECTIONS} connections, {tally.renewed} renewed")
    verdict.number("request latency", _milliseconds([latency for _, latency in tally.latencies]))
    verdict.number("memory of both workers", f"{before / 2**20:.0f} → {after / 2**20:.0f} MiB")
    verdict.hold(
        f"{RELOADS} reloads, each in force within {IN_FORCE_WITHIN:.0f} s",
        max(took) < IN_FORCE_WITHIN,
        f"slowest {max(took):.2f} s, median {percentile(took, 0.5):.2f} s",
    )
    verdict.hold("each added route answers when its reload is in force", missing == 0, f"{missing} missing")
    verdict.hold("no failed request", not tally.failures, tally.kinds())
    return verdict


def _configuration(upstream: Address, number: int) -> Configuration:
    configuration = one_route(upstream)
    service = configuration["services"][0]
    service["read_timeout"] = 60_000 + number
    service["routes"].append({"name": f"extra-{number}", "hosts": [HOST], "paths": [f"/extra-{number}"]})
    return configuration


async def _in_force(admin: Admin, old: str) -> float:
    """Seconds until the Admin API reports another configuration than `old`; IN_FORCE_WITHIN when it never does."""
    start = time.monotonic()
    while time.monotonic() - start < IN_FORCE_WITHIN:
        if await asyncio.to_thread(admin.configuration_hash) != old:
            return time.monotonic() - start
        await asyncio.sleep(0.01)
    return IN_FORCE_WITHIN


def _milliseconds(latencies: list[float]) -> str:
    p50, p99, worst = (percentile(latencies, share) * 1000 for share in (0.5, 0.99, 1.0))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {worst:.1f} ms"
