"""`kill -9` of a worker under load: only the connections that it carried end, and it is replaced in under a second.

Which connections it carried is read from the kernel just before (its sockets' inodes, and the client ports that belong
to them), so a failure on any other connection is a failure of the gateway.
"""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

from benchmarks.proxies.gateline import Admin, wait_for_new_worker
from benchmarks.soak.client import LoadClient
from benchmarks.soak.gateway import gateway
from benchmarks.soak.verdict import Verdict

KILLS = 5
WORKERS = 2
CONNECTIONS = 64
REPLACED_WITHIN = 1.0  # seconds
_ESTABLISHED = "01"


async def check() -> Verdict:
    """Run the check."""
    verdict = Verdict("kill_worker")
    replaced: list[float] = []
    carried: list[int] = []
    ended = 0
    foreign: list[str] = []
    with gateway(workers=WORKERS) as running:
        async with LoadClient(running.address, CONNECTIONS) as load:
            for _ in range(KILLS):
                await load.answers(CONNECTIONS * 20)
                old = set(await asyncio.to_thread(running.admin.workers))
                ports = {pid: client_ports(pid, running.address.port) for pid in old}
                victim = max(ports, key=lambda pid: len(ports[pid]))
                carried.append(len(ports[victim]))
                known = len(load.tally.failures)
                os.kill(victim, signal.SIGKILL)
                replaced.append(await _replacement(running.admin, old))
                await load.answers(CONNECTIONS * 20)
                new = load.tally.failures[known:]
                ended += len(new)
                foreign += [failure.kind for failure in new if failure.port not in ports[victim]]
    worst = max(latency for _, latency in load.tally.latencies)
    verdict.number("requests answered", f"{load.tally.answered:,} over {CONNECTIONS} connections")
    verdict.number("connections of the killed workers", ", ".join(str(count) for count in carried))
    verdict.number("requests that ended with them", str(ended))
    verdict.number("longest wait of any answered request", f"{worst * 1000:.0f} ms")
    verdict.hold("no other connection sees an error", not foreign, ", ".join(sorted(foreign)) or "none")
    verdict.hold("the kill hits a loaded worker", min(carried) > 0, f"at least {min(carried)} connections")
    verdict.hold(
        f"{KILLS} killed workers, each replaced within {REPLACED_WITHIN:.0f} s",
        max(replaced) < REPLACED_WITHIN,
        f"slowest {max(replaced):.2f} s",
    )
    return verdict


async def _replacement(admin: Admin, old: set[int]) -> float:
    start = time.monotonic()
    await asyncio.to_thread(wait_for_new_worker, admin, old, WORKERS, 10 * REPLACED_WITHIN)
    return time.monotonic() - start


def client_ports(pid: int, listener: int) -> set[int]:
    """Remote ports of the established connections that a process holds on a listener's port."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed in between
            inodes.add(os.readlink(descriptor).removeprefix("socket:[").removesuffix("]"))
    ports = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote, state, inode = fields[1], fields[2], fields[3], fields[9]
        if state == _ESTABLISHED and inode in inodes and int(local.partition(":")[2], 16) == listener:
            ports.add(int(remote.partition(":")[2], 16))
    return ports
