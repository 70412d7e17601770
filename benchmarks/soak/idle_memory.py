"""Idle memory: a worker that has served a few requests and waits takes at most 60 MB of resident memory."""

import asyncio

from benchmarks.processes import resident_bytes
from benchmarks.soak.client import LoadClient
from benchmarks.soak.gateway import gateway
from benchmarks.soak.verdict import Verdict

LIMIT = 60_000_000  # bytes
IDLE = 3.0  # seconds of silence before the look, so that what is freed late is freed


async def check() -> Verdict:
    """Run the check."""
    verdict = Verdict("idle_memory")
    with gateway() as running:
        [pid] = running.proxy.workers
        fresh = resident_bytes(pid)
        async with LoadClient(running.address, 8) as load:
            await load.answers(1000)
        await asyncio.sleep(IDLE)
        idle = resident_bytes(pid)
        total = running.proxy.total_memory()
    verdict.number("worker before its first request", f"{fresh / 1e6:.1f} MB")
    verdict.number("all processes together", f"{total / 1e6:.1f} MB")
    verdict.hold(f"idle worker ≤ {LIMIT / 1e6:.0f} MB resident", idle <= LIMIT, f"{idle / 1e6:.1f} MB")
    return verdict
