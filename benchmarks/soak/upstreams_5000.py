"""5,000 upstreams with ten targets each: a worker takes at most 100 MB of resident memory, after a request to each of
them.

A service and a route lead to each upstream. One in ten hashes, the others take turns.
"""

import asyncio
from typing import Any

from benchmarks.processes import Address, StartError, resident_bytes
from benchmarks.soak.gateway import gateway
from benchmarks.soak.verdict import Verdict
from benchmarks.upstream import addresses
from benchmarks.verify import get

UPSTREAMS = 5000
TARGETS = 10
LIMIT = 100_000_000  # bytes
IDLE = 3.0  # seconds of silence before the look, so that what is freed late is freed
HOST = "many.example.com"


async def check() -> Verdict:
    """Run the check."""
    verdict = Verdict("upstreams_5000")
    with gateway(_configuration, prefixes=("/u",)) as running:
        [pid] = running.proxy.workers
        await asyncio.sleep(IDLE)
        verdict.number("worker before its first request", f"{resident_bytes(pid) / 1e6:.1f} MB")
        for number in range(UPSTREAMS):
            status, _ = get(running.address, f"/u/{number}", HOST)
            if status != 200:
                raise StartError(f"upstream {number} answered {status}")
        await asyncio.sleep(IDLE)
        idle = resident_bytes(pid)
        total = running.proxy.total_memory()
    verdict.number("all processes together", f"{total / 1e6:.1f} MB")
    verdict.hold(f"worker ≤ {LIMIT / 1e6:.0f} MB resident", idle <= LIMIT, f"{idle / 1e6:.1f} MB")
    return verdict


def _configuration(upstream: Address) -> dict[str, Any]:
    services = [
        {
            "name": f"service-{number}",
            "host": f"upstream-{number}.test",
            "routes": [{"name": f"route-{number}", "hosts": [HOST], "paths": [f"/u/{number}"], "strip_path": False}],
        }
        for number in range(UPSTREAMS)
    ]
    return {
        "_format_version": "3.0",
        "services": services,
        "upstreams": [_upstream(n, upstream) for n in range(UPSTREAMS)],
    }


def _upstream(number: int, upstream: Address) -> dict[str, Any]:
    """Two targets answer; the others have addresses of their own, and no weight."""
    others = [f"10.{number // 250}.{number % 250}.{last}:8080" for last in range(TARGETS - 2)]
    fields: dict[str, Any] = {"name": f"upstream-{number}.test"}
    if number % 10 == 0:
        fields["hash_on"] = "path"
    serving = [{"target": str(one)} for one in addresses(upstream)[:2]]
    return {**fields, "targets": [*serving, *({"target": other, "weight": 0} for other in others)]}
