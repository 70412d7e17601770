"""One of five targets goes bad under load, in every way that a target can: no client sees it, beyond a connection that
was cut in the middle of an answer, and the target is back in service within one interval of its recovery.

It is killed, hangs, resets its connections, answers 500 (with a retry policy that names it), or answers slowly: then
the latency balancer keeps the clients' 99th percentile within a fifth of what it was.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from benchmarks.proxies import PREFIX
from benchmarks.proxies.gateline import Configuration, encode_configuration
from benchmarks.soak.client import LoadClient, percentile
from benchmarks.soak.gateway import Gateway, gateway
from benchmarks.soak.targets import PROBE, Mode, Target
from benchmarks.soak.verdict import Verdict

TARGETS = 5
WORKERS = 2
CONNECTIONS = 32
RATE = 300.0  # requests a second
INTERVAL = 1.0  # seconds between two probes
BAD = 4.0  # seconds for which the target is bad
SETTLE = 2.0
LEARN = 5.0  # seconds until the latency balancer knows a slow target
MEASURE = 10.0
TOLERANCE = 0.1  # of an interval: the probe's own time, and the wait for a request
RISE = 1.2
WAYS: tuple[Mode, ...] = ("dead", "hang", "reset", "error")


async def check() -> Verdict:
    """Run the check."""
    verdict = Verdict("bad_targets")
    async with opened(TARGETS) as targets:
        with gateway(workers=WORKERS) as running:
            await put(running, _configuration(targets, "round-robin"))
            async with LoadClient(running.address, CONNECTIONS, rate=RATE) as load:
                for way in WAYS:
                    await _bad(verdict, load, targets[0], way)
            await put(running, _configuration(targets, "latency"))
            async with LoadClient(running.address, CONNECTIONS, rate=RATE) as load:
                await _slow(verdict, load, targets[0])
    return verdict


async def _bad(verdict: Verdict, load: LoadClient, target: Target, way: Mode) -> None:
    await asyncio.sleep(SETTLE)
    failed, answered = len(load.tally.failures), load.tally.answered
    await target.behave(way)
    await asyncio.sleep(BAD)
    served = target.served
    await target.behave("well")
    back = await _back_in_service(target, served)
    errors = [failure.kind for failure in load.tally.failures[failed:]]
    verdict.number(f"{way}: requests while it was bad", f"{load.tally.answered - answered:,}")
    verdict.hold(f"{way}: no client sees an error", not errors, ", ".join(sorted(set(errors))) or "none")
    limit = INTERVAL * (1 + TOLERANCE)
    verdict.hold(f"{way}: back in service within {INTERVAL:g} s", back <= limit, f"{back:.2f} s")


async def _back_in_service(target: Target, served: int) -> float:
    """Seconds until the target serves again; infinite when that takes ten intervals."""
    start = time.monotonic()
    for _ in range(2000):
        if target.served != served:
            return time.monotonic() - start
        await asyncio.sleep(INTERVAL / 200)
    return float("inf")


async def _slow(verdict: Verdict, load: LoadClient, target: Target) -> None:
    await asyncio.sleep(LEARN)
    before = await _p99(load)
    await target.behave("slow")
    await asyncio.sleep(LEARN)
    served = target.served
    after = await _p99(load)
    share = (target.served - served) / (RATE * MEASURE)
    verdict.number("slow: p99 before", f"{before * 1000:.1f} ms")
    verdict.number("slow: requests to the slow target", f"{share:.2%}")
    verdict.hold("slow: p99 rises by less than a fifth", after < before * RISE, f"{after * 1000:.1f} ms")
    errors = sorted({failure.kind for failure in load.tally.failures})
    verdict.hold("slow: no client sees an error", not errors, ", ".join(errors) or "none")


async def _p99(load: LoadClient) -> float:
    start = time.monotonic()
    await asyncio.sleep(MEASURE)
    return percentile(load.tally.between(start, time.monotonic()), 0.99)


@contextlib.asynccontextmanager
async def opened(count: int) -> AsyncIterator[list[Target]]:
    """So many targets, each on an address of its own."""
    targets = [Target(f"127.0.3.{number + 1}") for number in range(count)]
    try:
        for target in targets:
            await target.open()
        yield targets
    finally:
        for target in targets:
            target.close()


async def put(running: Gateway, configuration: Configuration) -> None:
    """Put a configuration in force."""
    await asyncio.to_thread(running.admin.post_encoded, encode_configuration(configuration))


def one_upstream(targets: list[Target], upstream: dict[str, Any], service: dict[str, Any]) -> Configuration:
    """One service before an upstream with these targets."""
    members = [{"target": f"{target.address.host}:{target.address.port}"} for target in targets]
    return {
        "_format_version": "3.0",
        "upstreams": [{"name": "targets", "targets": members, **upstream}],
        "services": [{"name": "s", "host": "targets", "routes": [{"name": "r", "paths": [PREFIX]}], **service}],
    }


def _configuration(targets: list[Target], algorithm: str) -> Configuration:
    active = {
        "http_path": PROBE,
        "timeout": 0.5,
        "healthy": {"interval": INTERVAL, "successes": 1},
        "unhealthy": {"interval": INTERVAL, "http_failures": 1, "tcp_failures": 1, "timeouts": 1},
    }
    passive = {"unhealthy": {"http_failures": 1, "tcp_failures": 1, "timeouts": 1}}
    upstream = {"algorithm": algorithm, "healthchecks": {"active": active, "passive": passive}}
    policy = {"retry_on": ["connect-failure", "reset", "timeout", "5xx"], "attempts": 4}
    return one_upstream(targets, upstream, {"read_timeout": 500, "connect_timeout": 500, "retry_policy": policy})
