"""Limits over nodes by leases from Redis: five nodes with clocks that differ admit together what the limit allows, to
the hundredth, and never more than is said; also when one is killed, when Redis is slow, killed and started again.

A phase begins inside a window of Redis and ends inside another one, with nothing before and after: what was admitted in
it is that of a known number of windows. The load of each node is above its share at any time.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.soak.leasing import ALGORITHMS, Count, DelayingProxy, LimitNode, LimitRedis, Load
from benchmarks.soak.verdict import Verdict

LIMIT = 1000  # in each second, all nodes together
OFFSETS = (0.0, 2.0, -2.0, 1.0, 0.0)  # seconds by which the clocks of the nodes are wrong
RATE = 340.0  # requests per second to each node
WINDOWS = 10  # of a phase
SLOW = 0.2  # seconds that Redis takes then
WITHIN = 0.01  # of the limit
OPERATIONS = 0.02  # to Redis, for each admitted request
PART = 0.4  # of a bucket, by which it may be exceeded
BEGIN, END = 0.3, 0.15  # seconds after a window's begin, and before another one's end

Step = tuple[float, Callable[[], None]]
"""What happens in a phase: so many seconds after its first window began."""


async def check() -> Verdict:
    """Run the check."""
    verdict = Verdict("redis_leases")
    verdict.number("what is limited", f"{LIMIT:,} requests per second over {len(OFFSETS)} nodes, {RATE:g} come to each")
    with tempfile.TemporaryDirectory(prefix="gateline-leases-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        redis = LimitRedis(folder)
        stack.callback(redis.end)
        proxy = DelayingProxy(redis.address)
        await proxy.start()
        nodes = []
        for number, offset in enumerate(OFFSETS):
            node = await asyncio.to_thread(LimitNode, number, folder, proxy.address, LIMIT, offset)
            stack.callback(node.end)
            nodes.append(node)
        await _phase(nodes, 2)  # so that all know each other
        await asyncio.sleep(2)
        redis.reset_statistics()
        _judge(verdict, "clocks up to 4 s apart", count := await _phase(nodes, WINDOWS))
        each = redis.operations() / max(count.admitted, 1)
        verdict.hold(
            f"at most {OPERATIONS} operations of Redis for each admitted request", each <= OPERATIONS, f"{each:.4f}"
        )
        for algorithm in ALGORITHMS[1:]:
            await _other_algorithm(verdict, redis, nodes, algorithm)
        proxy.delay = SLOW
        await asyncio.sleep(2)
        _judge(verdict, f"Redis takes {SLOW * 1000:.0f} ms", await _phase(nodes, WINDOWS))
        proxy.delay = 0.0
        await asyncio.sleep(2)
        steps: list[Step] = [(3.5, redis.kill), (7.5, redis.start_again)]
        _judge(verdict, "Redis killed, and started again, empty", await _phase(nodes, WINDOWS + 4, steps), faults=2)
        await asyncio.sleep(2)
        steps = [(3.5, nodes[-1].kill)]
        _judge(verdict, "one node killed", await _phase(nodes, 2 * WINDOWS, steps), loses=1)
        await proxy.close()
    return verdict


async def _other_algorithm(verdict: Verdict, redis: LimitRedis, nodes: Sequence[LimitNode], algorithm: str) -> None:
    redis.reset_statistics()
    count = await _phase(nodes, WINDOWS, algorithm=algorithm)
    each = redis.operations() / max(count.admitted, 1)
    bucket = algorithm == "token-bucket"
    held = LIMIT * (1 + PART) - LIMIT * (BEGIN + END)  # what is in the bucket at first, less the time that is missing
    allowed = LIMIT * WINDOWS + (held if bucket else 0)
    verdict.number(f"{algorithm}: seconds", ", ".join(str(count.seconds.get(second, 0)) for second in range(WINDOWS)))
    found = f"{count.admitted:,} ({each:.4f} operations of Redis for each)"
    verdict.hold(f"{algorithm}: never more than {allowed:,.0f}", count.admitted <= allowed, found)


async def _phase(
    nodes: Sequence[LimitNode], windows: int, steps: Sequence[Step] = (), algorithm: str = ALGORITHMS[0]
) -> Count:
    first = int(time.time()) + 2
    load = asyncio.get_running_loop().create_task(
        Load(nodes, RATE, algorithm).run(first + BEGIN, first + windows - END)
    )
    for after, step in steps:
        await asyncio.sleep(max(first + after - time.time(), 0))
        await asyncio.to_thread(step)
    count = await load
    count.seconds = {second - first: value for second, value in count.seconds.items()}
    count.windows = windows
    return count


def _judge(verdict: Verdict, what: str, count: Count, *, faults: int = 0, loses: int = 0) -> None:
    """`faults`: windows in which Redis failed or forgot, each of which may allow the shares of all nodes but one more.
    `loses`: nodes that were killed, with what they held."""
    allowed = count.windows * LIMIT
    share = LIMIT / len(OFFSETS)
    bound = allowed + faults * (LIMIT - share)
    verdict.number(f"{what}: seconds", ", ".join(str(count.seconds.get(second, 0)) for second in range(count.windows)))
    came = (count.admitted + count.refused) / count.windows
    found = f"{count.admitted:,} of {allowed:,} ({count.admitted / allowed:.2%}); {came:,.0f} came each second"
    verdict.hold(f"{what}: never more than {bound:,.0f}", count.admitted <= bound, found)
    allowed -= LIMIT
    settled = count.admitted - count.seconds.get(0, 0)
    within = allowed * (1 - WITHIN) - loses * share <= settled <= allowed * (1 + WITHIN)
    found = f"{settled:,} of {allowed:,} ({settled / allowed:.2%})"
    verdict.hold(f"{what}: within {WITHIN:.0%} of the limit after the first second", within, found)
