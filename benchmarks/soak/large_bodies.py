"""1 GiB up and 1 GiB down through one worker, by length and chunked: everything arrives, and nothing piles up.

The worker's resident memory is sampled all the time; its highest value counts, not the one at the end.
"""

import asyncio
import time
from collections.abc import Callable

from benchmarks.processes import Address, resident_bytes
from benchmarks.soak.bodies import PAUSE, bodies_upstream, checksum, download, upload
from benchmarks.soak.gateway import gateway
from benchmarks.soak.verdict import Verdict

SIZE = 2**30  # bytes
WARM_UP = 2**24  # bytes, so that what a first body allocates once is not counted as growth
LIMIT = 20_000_000  # bytes of growth
_SAMPLE = 0.02  # seconds

Transfer = Callable[[Address, int, bool], tuple[int, int]]


async def check() -> Verdict:
    """Run the check."""
    verdict = Verdict("large_bodies")
    expected = (SIZE, checksum(SIZE))
    with bodies_upstream() as upstream, gateway(upstream=upstream) as running:
        [pid] = running.proxy.workers
        for transfer in (upload, download):
            await asyncio.to_thread(transfer, running.address, WARM_UP, False)
        before = resident_bytes(pid)
        for name, transfer in (("upload", upload), ("download", download)):
            for chunked in (False, True):
                kind = f"1 GiB {name}, {'chunked' if chunked else 'by length'}"
                arrived, peak, seconds = await _watched(pid, transfer, running.address, chunked)
                verdict.hold(f"{kind}: all of it arrives", arrived == expected, f"{arrived[0]:,} bytes")
                grown = peak - before
                speed = SIZE / max(seconds - PAUSE, 0.001) / 1e6
                found = f"{grown / 1e6:.1f} MB at {speed:,.0f} MB/s"
                verdict.hold(f"{kind}: worker grows < {LIMIT / 1e6:.0f} MB", grown < LIMIT, found)
    verdict.number("worker before", f"{before / 1e6:.1f} MB")
    return verdict


async def _watched(pid: int, transfer: Transfer, address: Address, chunked: bool) -> tuple[tuple[int, int], int, float]:
    """Run a transfer; what arrived, the worker's highest resident memory meanwhile, and the seconds it took."""
    start = time.monotonic()
    peak = 0
    async with asyncio.TaskGroup() as group:
        running = group.create_task(asyncio.to_thread(transfer, address, SIZE, chunked))
        while not running.done():
            peak = max(peak, resident_bytes(pid))
            await asyncio.sleep(_SAMPLE)
    return running.result(), peak, time.monotonic() - start
