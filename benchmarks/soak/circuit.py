"""A circuit that is open refuses within a millisecond and opens no connection to its target; half open it lets exactly
the configured trials through, over all workers, however many requests come at once.
"""

import asyncio
import contextlib
import socket
import time

from benchmarks.processes import Address
from benchmarks.soak.bad_targets import one_upstream, opened, put
from benchmarks.soak.client import REQUEST, AnswerError, exchange, percentile
from benchmarks.soak.gateway import gateway
from benchmarks.soak.targets import Target
from benchmarks.soak.verdict import Verdict

WORKERS = 2
CONNECTIONS = 40
REFUSALS = 1000
REFUSED_WITHIN = 0.001  # seconds, the median: a client in the same machine waits for its own turn too
OPEN = 3.0  # seconds
TRIALS = 3
ROUNDS = 5


async def check() -> Verdict:
    """Run the check."""
    verdict = Verdict("circuit")
    breaker = {"window": 10, "minimum_calls": 5, "failure_rate": 50, "open_time": OPEN, "trial_calls": TRIALS}
    async with opened(1) as [target]:
        with gateway(workers=WORKERS) as running, contextlib.ExitStack() as stack:
            service = {"retries": 0, "read_timeout": 60000}
            await put(running, one_upstream([target], {"circuit_breaker": breaker}, service))
            clients = [stack.enter_context(await _client(running.address)) for _ in range(CONNECTIONS)]
            await _open(clients, target)
            await _refusals(verdict, clients, target)
            through = [await _half_open(clients, target) for _ in range(ROUNDS)]
            await asyncio.sleep(OPEN)
            await target.behave("well")
            await _closed(clients)
            verdict.hold("closed again after its trials", await _status(clients[0]) == 200, "it answers")
    verdict.hold(
        f"half open lets {TRIALS} of {CONNECTIONS} requests at once through, {ROUNDS} times",
        through == [TRIALS] * ROUNDS,
        ", ".join(str(count) for count in through),
    )
    return verdict


async def _open(clients: list[socket.socket], target: Target) -> None:
    """Let the target fail until its circuit is open: until requests do not reach it any more."""
    await target.behave("error")
    async with asyncio.timeout(30):
        while True:
            served = target.served
            await asyncio.gather(*(_status(client) for client in clients))
            if target.served == served:
                return


async def _refusals(verdict: Verdict, clients: list[socket.socket], target: Target) -> None:
    accepted, served = target.accepted, target.served
    waits = []
    statuses = set()
    for number in range(REFUSALS):
        start = time.perf_counter()
        statuses.add(await _status(clients[number % len(clients)]))
        waits.append(time.perf_counter() - start)
    median, high = percentile(waits, 0.5), percentile(waits, 0.99)
    verdict.number("99th percentile of refusals", f"{high * 1000:.2f} ms")
    verdict.hold(f"refused within {REFUSED_WITHIN * 1000:g} ms", median <= REFUSED_WITHIN, f"{median * 1000:.2f} ms")
    verdict.hold("refused with 503", statuses == {503}, ", ".join(map(str, sorted(statuses))))
    reached = target.accepted - accepted, target.served - served
    verdict.hold("no connection to the target", reached == (0, 0), f"{reached[0]} connections, {reached[1]} requests")


async def _half_open(clients: list[socket.socket], target: Target) -> int:
    """How many requests reach the target once its time is over; they fail in the end, so that it opens again."""
    await asyncio.sleep(OPEN + 0.5)
    await target.behave("hang")
    served = target.served
    under_way = asyncio.gather(*(_status(client) for client in clients))
    await asyncio.sleep(1.0)
    through = target.served - served
    target.mode = "error"
    for connection in list(target.connections):
        connection.answer()
    await under_way
    return through


async def _closed(clients: list[socket.socket]) -> None:
    for _ in range(100):
        if {await _status(client) for client in clients} == {200}:
            return
        await asyncio.sleep(0.1)


async def _client(address: Address) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setblocking(False)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    await asyncio.get_running_loop().sock_connect(made, (address.host, address.port))
    return made


async def _status(client: socket.socket) -> int:
    try:
        await exchange(client, REQUEST)
    except AnswerError as error:
        return int(str(error).removeprefix("status "))
    return 200
