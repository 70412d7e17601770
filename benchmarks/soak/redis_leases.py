"""Limits over nodes by leases from Redis: five nodes with clocks that differ admit together what the limit allows, to
the hundredth, and never more than is said; also when one is killed, when Redis is slow, killed and started again.

A phase begins inside a window of Redis and ends inside another one, with nothing before and after: what was admitted in
it is that of a known number of windows. More comes to each node than its share at any time, whoever was killed: that is
looked at as well, for nothing else would be said by what was admitted.
"""

import asyncio
import contextlib
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.redis_server import RedisServer
from benchmarks.soak.leasing import ALGORITHMS, Count, DelayingProxy, LimitNode, Load
from benchmarks.soak.verdict import Verdict

LIMIT = 1000  # in each second, all nodes together
OFFSETS = (0.0, 2.0, -2.0, 1.0, 0.0)  # seconds by which the clocks of the nodes are wrong
RATE = 1700.0  # requests per second to all nodes that are there together
DEMAND = 1.25  # of the limit, comes in each second at least
WINDOWS = 10  # of a phase
KILLED = 3  # the window in which a node is killed
SLOW = 0.2  # seconds that Redis takes then
WITHIN = 0.01  # of the limit
OPERATIONS = 0.02  # to Redis, for each admitted request
PART = 0.4  # of a bucket, by which it may be exceeded
BEGIN, END = 0.3, 0.15  # seconds after a window's begin, and before another one's end

WINDOWED, BUCKETS = ALGORITHMS[:2], ALGORITHMS[2:]
SETTLED = dict.fromkeys(WINDOWED, 1) | dict.fromkeys(BUCKETS, 4)  # the second from which the load has what there is

Step = tuple[float, Callable[[], None]]
"""What happens in a phase: so many seconds after its first window began."""


async def check() -> Verdict:
    """Run the check."""
    verdict = Verdict("redis_leases")
    verdict.number("what is limited", f"{LIMIT:,} requests per second over {len(OFFSETS)} nodes, {RATE:,.0f} come")
    with tempfile.TemporaryDirectory(prefix="gateline-leases-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        redis = RedisServer(folder)
        stack.callback(redis.end)
        proxy = DelayingProxy(redis.address)
        await proxy.start()
        nodes = []
        for number, offset in enumerate(OFFSETS):
            node = await asyncio.to_thread(LimitNode, number, folder, proxy.address, LIMIT, offset)
            stack.callback(node.end)
            nodes.append(node)
        await _phase(nodes, ALGORITHMS[0], 2)  # so that all know each other
        for algorithm in ALGORITHMS:
            await asyncio.sleep(2)
            redis.reset_statistics()
            count = await _phase(nodes, algorithm)
            _judge(verdict, f"{algorithm}, clocks up to 4 s apart", count)
            each = redis.operations() / max(count.admitted, 1)
            verdict.hold(
                f"{algorithm}: at most {OPERATIONS} operations of Redis for each admitted request",
                each <= OPERATIONS,
                f"{each:.4f}",
            )
        proxy.delay = SLOW
        for algorithm in WINDOWED:
            await asyncio.sleep(2)
            _judge(verdict, f"{algorithm}, Redis takes {SLOW * 1000:.0f} ms", await _phase(nodes, algorithm))
        proxy.delay = 0.0
        for algorithm in WINDOWED:
            await asyncio.sleep(2)
            steps: list[Step] = [(3.5, redis.kill), (7.5, redis.start_again)]
            count = await _phase(nodes, algorithm, WINDOWS + 4, steps)
            _judge(verdict, f"{algorithm}, Redis killed, and started again, empty", count, faults=2)
        for algorithm, node in zip(WINDOWED, nodes, strict=False):
            await asyncio.sleep(2)
            count = await _phase(nodes, algorithm, 3 * WINDOWS, [(KILLED + 0.5, node.kill)])
            what = f"{algorithm}, one node killed"
            _judge(verdict, what, count)
            share = LIMIT / count.nodes
            verdict.hold(
                f"{what}: in that second at most its share is missing, {share:.0f}",
                count.seconds[KILLED] >= LIMIT * (1 - WITHIN) - share,
                str(count.seconds[KILLED]),
            )
            nodes = [one for one in nodes if one is not node]
        await proxy.close()
    return verdict


async def _phase(
    nodes: Sequence[LimitNode], algorithm: str, windows: int = WINDOWS, steps: Sequence[Step] = ()
) -> Count:
    first = int(time.time()) + 2
    load = asyncio.get_running_loop().create_task(
        Load(nodes, RATE, algorithm).run(first + BEGIN, first + windows - END)
    )
    for after, step in steps:
        await asyncio.sleep(max(first + after - time.time(), 0))
        await asyncio.to_thread(step)
    count = await load
    count.seconds, count.came = (
        Counter({second - first: value for second, value in counted.items()}) for counted in (count.seconds, count.came)
    )
    count.windows = windows
    return count


def _judge(verdict: Verdict, what: str, count: Count, *, faults: int = 0) -> None:
    """`faults`: windows in which Redis failed or forgot: each may allow the shares of all nodes but one more."""
    allowed: float = count.windows * LIMIT
    share = LIMIT / count.nodes
    bound = allowed + faults * (LIMIT - share)
    if count.algorithm in BUCKETS:  # what is in one at first, less the time that is missing
        bound += LIMIT * (1 + PART) - LIMIT * (BEGIN + END)
    verdict.number(f"{what}: seconds", ", ".join(str(count.seconds[second]) for second in range(count.windows)))
    whole = range(1, count.windows - 1)  # the seconds in which the load was there from beginning to end
    least = min(count.came[second] for second in whole)
    found = f"{sum(count.came[second] for second in whole) / len(whole):,.0f} on average, {least:,} in one second"
    enough = least >= DEMAND * LIMIT
    verdict.hold(f"{what}: at least {DEMAND:g} times the limit comes in each second", enough, found)
    found = f"{count.admitted:,} ({count.admitted / allowed:.2%} of the limit)"
    verdict.hold(f"{what}: never more than {bound:,.0f}", count.admitted <= bound, found)
    settled = [count.seconds[second] for second in range(SETTLED[count.algorithm], count.windows)]
    allowed = len(settled) * LIMIT
    missing = 0.0 if count.algorithm == "fixed-window" else LIMIT * END  # of what becomes free bit by bit
    within = (allowed - missing) * (1 - WITHIN) <= sum(settled) <= allowed * (1 + WITHIN)
    found = f"{sum(settled):,} of {allowed - missing:,.0f} ({sum(settled) / (allowed - missing):.2%})"
    verdict.hold(f"{what}: within {WITHIN:.0%} of the limit from second {SETTLED[count.algorithm]} on", within, found)
