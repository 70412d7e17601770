"""Nodes that lease limits, without sockets and without waiting: their own code and Redis' own script, by a clock that
jumps to whatever comes next.

Only the time is not real, and the way between a node and Redis: how long that takes, and whether Redis is there, is for
a test to say. The same seed gives the same run.
"""

import asyncio
import selectors
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from inspect import isawaitable
from random import Random
from typing import Any
from unittest.mock import patch

from gateline.engine import local_state
from gateline.engine.local_state import LocalCounters
from gateline.engine.node import PluginNode
from gateline.pdk.node import Node
from gateline.pdk.redis import Redis, RedisClient, RedisError, Script
from gateline.plugins.limits.budget import SECOND, Algorithm, Quota, Quotas
from gateline.plugins.limits.leases import LeasedBudget, at_hand, budget, nodes
from harness.worker import ending, worker_node

__all__ = ["Admitted", "Simulation", "run"]

EPOCH = 1_700_000_000
_UNDER_WAY = 2.0
"""Seconds that an answer takes at most."""
_PAUSE = 1.0
"""Seconds in which nobody asks, after Redis has failed."""


class _Jumping(selectors.SelectSelector):
    """Nothing is waited for: the time passes instead."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will come")
        self.now += max(timeout, 0.0)
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


@contextmanager
def _jumping() -> Iterator[_Loop]:
    loop = _Loop()
    with ExitStack() as stack:
        stack.callback(loop.close)
        for module in (at_hand, budget, nodes, local_state):
            stack.enter_context(patch.object(module, "monotonic", loop.time))
        yield loop


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run what is asynchronous by a clock that jumps, which begins at a whole second."""
    with _jumping() as loop:
        loop.run_until_complete(work())


class _Client(RedisClient):
    """The way of a worker to Redis."""

    def __init__(self, simulation: "Simulation", node: Node) -> None:
        super().__init__(Redis(host="127.0.0.1"), node)
        self._simulation = simulation
        self._paused_until = 0.0

    async def run_script(self, script: Script, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        simulation, loop = self._simulation, asyncio.get_running_loop()
        if loop.time() < self._paused_until:
            raise RedisError("Redis is gone")
        life = simulation.life
        answer: Any = None
        for step in range(2):
            await asyncio.sleep(simulation.latency())
            if not simulation.answers(life):
                self._paused_until = loop.time() + _PAUSE
                raise RedisError("Redis is gone")
            if not step:
                answer = simulation.evaluate(script, keys, arguments)
        return answer


@dataclass(frozen=True)
class Admitted:
    """A request that passed: when (seconds since the beginning, by Redis' clock), and of which window it was taken."""

    at: float
    window: int


class Simulation:
    """Nodes that share one limit. `redis` is a client of a Redis; `skews` are the seconds by which the clocks of the
    nodes are wrong; `beside` are limits that hold as well; `part` as a `LeasedBudget` has it."""

    def __init__(
        self,
        redis: Any,
        quota: Quota,
        skews: Sequence[float],
        *,
        beside: Sequence[Quota] = (),
        workers: int = 1,
        part: float = 0.4,
        seed: int = 1,
    ) -> None:
        self.quota = quota
        self.skews = skews
        self.workers = workers
        self.part = part
        self.delay, self.jitter = 0.001, 0.0005
        """Seconds until Redis has answered, and by how much longer it may take."""
        self.questions = self.came = 0
        """What Redis was asked, heartbeats included, and how many requests there were."""
        self.admitted: list[Admitted] = []
        self._random = Random(seed)
        self._redis = redis
        self._redis.flushall()
        self._up, self.life = True, 0
        self._quotas = Quotas([quota, *beside])
        self._nodes: list[PluginNode] = []
        self._budgets: list[LeasedBudget] = []
        self._counters: dict[LeasedBudget, LocalCounters] = {}
        self._alive = list(range(len(skews)))
        self._tasks: set[asyncio.Task[None]] = set()
        self._scripts: dict[str, Any] = {}

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return asyncio.get_running_loop().time() - _Jumping.now

    # -- what a test does ------------------------------------------------------------------------------------------
    async def begin(self) -> None:
        """Have all nodes know each other; a whole second begins then."""
        for skew in self.skews:
            counters = LocalCounters()
            for _ in range(self.workers):
                node = worker_node(counters)
                node.time = self._clock(skew)
                self._nodes.append(node)
                self._budgets.append(LeasedBudget(_Client(self, node), node, part=self.part))
                self._counters[self._budgets[-1]] = counters
        for one in self._budgets:
            one.start()
        for _ in range(2):
            await asyncio.gather(*(one.nodes.beat(one._client) for one in self._budgets))
        await asyncio.sleep(-self.now % 1.0)

    async def end(self) -> None:
        """Nothing runs any more: what is under way comes to its end."""
        await asyncio.sleep(_UNDER_WAY)
        await ending(self._nodes)

    async def load(self, rate: float, until: float, *, evenly: bool = True) -> None:
        """So many requests in a second, to all nodes that are there together, until a time: to each in turn, at about
        equal distances, or whenever and wherever chance has it."""
        turn = 0
        while self.now < until:
            turn += 1
            place = turn if evenly else self._random.randrange(len(self._alive) * self.workers)
            number, worker = place % len(self._alive), place // len(self._alive) % self.workers
            self._request(self._budgets[self._alive[number] * self.workers + worker])
            gap = self._random.uniform(0.0, 2.0 / rate) if evenly else self._random.expovariate(rate)
            await asyncio.sleep(gap)

    def kill(self, node: int) -> None:
        """Requests go to the other nodes from now on, and what it had is lost."""
        self._alive.remove(node)
        for one in self._nodes[node * self.workers : (node + 1) * self.workers]:
            one.close()

    def lose_redis(self) -> None:
        """Redis is killed."""
        self._up = False
        self.life += 1
        self._redis.flushall()

    def find_redis(self) -> None:
        """Redis is there again, empty."""
        self._up = True

    # -- what came of it -------------------------------------------------------------------------------------------
    def seconds(self, end: int) -> list[int]:
        """What was admitted in each second."""
        counted = Counter(int(one.at) for one in self.admitted)
        return [counted[second] for second in range(end)]

    def excess(self) -> float:
        """By how much the limit was exceeded at any time, at most; less than nothing where it never was."""
        if self.quota.algorithm is Algorithm.BUCKET:
            return self._excess_of_bucket()
        totals = Counter(one.window for one in self.admitted)
        seconds = self.quota.window / SECOND
        so_far: Counter[int] = Counter()
        worst = -float(self.quota.amount)
        for one in self.admitted:
            so_far[one.window] += 1
            found = float(so_far[one.window])
            if self.quota.algorithm is Algorithm.SLIDING:
                passed = min(max((EPOCH + one.at) / seconds - one.window, 0.0), 1.0)
                found += totals[one.window - 1] * (1.0 - passed)
            worst = max(worst, found - self.quota.amount)
        return worst

    def _excess_of_bucket(self) -> float:
        taken, last, worst = 0.0, 0.0, -float(self.quota.burst)
        for one in self.admitted:
            taken = max(taken - (one.at - last) * self.quota.amount * SECOND / self.quota.window, 0.0) + 1
            last = one.at
            worst = max(worst, taken - self.quota.burst)
        return worst

    # -- what nodes do ---------------------------------------------------------------------------------------------
    def answers(self, life: int) -> bool:
        """Whether Redis is there, and has been since it had that life."""
        return self._up and self.life == life

    def latency(self) -> float:
        """Seconds of one way."""
        return (self.delay + self._random.random() * self.jitter) / 2

    def evaluate(self, script: Script, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """What Redis answers."""
        ours = self._scripts.get(script.sha)
        if ours is None:
            text = script.text.replace("redis.call('TIME')", "{KEYS[#KEYS - 1], KEYS[#KEYS]}")
            ours = self._scripts[script.sha] = self._redis.register_script(text)
        self.questions += 1
        seconds, microseconds = divmod(int((EPOCH + self.now) * 1e6), 1_000_000)
        return ours(keys=[*keys, seconds, microseconds], args=list(arguments))

    def _clock(self, skew: float) -> Callable[[], float]:
        return lambda: EPOCH + self.now + skew

    def _request(self, to: LeasedBudget) -> None:
        self.came += 1
        verdict = to.take("key", self._quotas, 1)
        if not isawaitable(verdict):
            self._decided(to, verdict)
            return
        task = asyncio.get_running_loop().create_task(self._decided_later(to, verdict))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _decided_later(self, to: LeasedBudget, verdict: Coroutine[Any, Any, Any]) -> None:
        self._decided(to, await verdict)

    def _decided(self, by: LeasedBudget, verdict: Any) -> None:
        if verdict.admitted:
            stored, _ = self._counters[by]._windows["lease:key"]
            self.admitted.append(Admitted(self.now, stored[0]))
