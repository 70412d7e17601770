"""A budget that nodes share by leases; see `Budget`.

What a node has been given of the quotas of a key lies in its shared memory, and its workers take from that exactly: one
number for each quota, what was taken less what was given, so that less than nothing is what is at hand. Beside it is
how much the node was given in a window, which it tells Redis whenever it asks.

While Redis is gone a node gives itself its share of each window, less what it was given before: the limit by the number
of nodes that were known last. When Redis is there again it is told of that with the next question.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from time import monotonic
from typing import Any

from gateline.pdk import Node
from gateline.pdk.redis import RedisClient, RedisError
from gateline.plugins.limits.budget import BudgetError, Quotas, Standing, Verdict
from gateline.plugins.limits.leases.lease import AHEAD, Lease, Slot
from gateline.plugins.limits.leases.nodes import INTERVAL, KnownNodes
from gateline.plugins.limits.leases.script import LEASE, Asked, Granted, answers_of, arguments_of
from gateline.plugins.limits.synced_windows import incarnation

__all__ = ["LeasedBudget"]

_MOST = 2**62
_TRIES = 8
"""How often a request waits for another slice before it is refused."""
_PAUSE = 1.0
"""Seconds until an empty share is looked at again, at most."""
_SHORT = 2.0
"""Seconds of a window of which nothing is given back: it is over before somebody else could use it."""


class LeasedBudget:
    """Leases from the Redis of `client`.

    `part`: how much of a bucket all nodes together hold in advance, and may exceed it by. `exact`: nothing is taken in
    advance, each request is counted in Redis before it passes. Without `tolerant` requests fail while Redis is gone
    (BudgetError). `asked` is told of every question to Redis.
    """

    def __init__(
        self,
        client: RedisClient,
        node: Node,
        *,
        part: float,
        exact: bool = False,
        tolerant: bool = True,
        asked: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._node = node
        self._part = part
        self._exact = exact
        self._tolerant = tolerant
        self._told = asked
        self._count = node.counters.count
        self._counters = node.counters
        self._leases: dict[str, Lease] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._name = ""
        self.nodes = KnownNodes(client, node, "")

    def start(self) -> None:
        """Begin what runs in the background."""
        self._name = incarnation(self._node)
        self.nodes = KnownNodes(self._client, self._node, self._name)
        self._begin(self.nodes.beat())
        self._node.every(INTERVAL, self.nodes.beat)
        self._node.every(INTERVAL, self._give_back_unused)

    def take(self, key: str, quotas: Quotas, cost: int) -> Verdict | Coroutine[Any, Any, Verdict]:
        """Take from what the node has; where that is too little, ask for more."""
        now = monotonic()
        lease = self._lease(key, quotas)
        lease.demand(cost, now)
        verdict = self._try(key, lease, cost, now)
        if verdict is not None:
            return verdict
        if now < lease.empty_until and (lease.error is None or self._tolerant):
            return self._refused(key, lease, cost, now)
        return self._later(key, lease, cost)

    def charge(self, key: str, quotas: Quotas, cost: int) -> Verdict:
        """Take whatever is left; what the node does not have it owes, and is asked for."""
        now = monotonic()
        lease = self._lease(key, quotas)
        lease.used = True
        values, _ = self._count(*self._pool(key, lease, _MOST, cost), ttl=lease.ttl)
        if any(value > 0 for value in values) and lease.asking is None:
            self._ask(key, lease)
        return Verdict(True, self._standings(lease, values, 0, now))

    # -- at hand ---------------------------------------------------------------------------------------------------
    def _lease(self, key: str, quotas: Quotas) -> Lease:
        lease = self._leases.get(key)
        if lease is None or lease.quotas is not quotas:
            lease = self._leases[key] = Lease(quotas, self._part)
        return lease

    def _pool(self, key: str, lease: Lease, limit: int, by: int) -> tuple[str, list[tuple[int, int, int]]]:
        time = self.nodes.clock.not_before()
        return "lease:" + key, [(slot.pool_at(time), limit, by) for slot in lease.slots]

    def _try(self, key: str, lease: Lease, cost: int, now: float) -> Verdict | None:
        """Take from what is at hand, or give None; ask for more in time."""
        wanted = cost or 1
        values, took = self._count(*self._pool(key, lease, 1 - wanted, cost), ttl=lease.ttl)
        if not took or (not cost and max(values) > -1):
            return None
        if lease.asking is None and now >= lease.empty_until:
            for slot, value in zip(lease.slots, values, strict=True):
                if -value < slot.low:
                    self._ask(key, lease)
                    break
        return Verdict(True, self._standings(lease, values, 0, now))

    def _refused(self, key: str, lease: Lease, cost: int, now: float) -> Verdict:
        values, _ = self._count(*self._pool(key, lease, 1, 0), ttl=lease.ttl)
        for slot, value in zip(lease.slots, values, strict=True):
            if slot.quota.penalty and -value < cost:
                slot.lost += cost
        return Verdict(False, self._standings(lease, values, cost or 1, now))

    def _standings(self, lease: Lease, values: Sequence[int], wanted: int, now: float) -> list[Standing]:
        """How things stand, as far as the node knows. `wanted`: what was refused, 0 for nothing."""
        time = self.nodes.clock.now()
        standings = []
        for slot, value in zip(lease.slots, values, strict=True):
            reset = max(slot.reset_at - now, 0.0) if slot.bucket else slot.over(time)
            retry = max(slot.retry_at - now, 0.0) if wanted and -value < wanted else 0.0
            standings.append(Standing(max(slot.left - value, 0), reset, retry))
        return standings

    # -- asking ----------------------------------------------------------------------------------------------------
    async def _later(self, key: str, lease: Lease, cost: int) -> Verdict:
        for _ in range(_TRIES):
            lease.waiting += cost or 1
            try:
                await asyncio.shield(lease.asking or self._ask(key, lease))
            finally:
                lease.waiting -= cost or 1
            if lease.error is not None and not self._tolerant:
                raise BudgetError(lease.error)
            now = monotonic()
            verdict = self._try(key, lease, cost, now)
            if verdict is not None:
                return verdict
            if now < lease.empty_until:
                break
        return self._refused(key, lease, cost, monotonic())

    def _ask(self, key: str, lease: Lease) -> "asyncio.Task[None]":
        lease.asking = self._begin(self._exchange(key, lease))
        return lease.asking

    def _begin(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work, name="leases of limits")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _exchange(self, key: str, lease: Lease) -> None:
        """Ask Redis for more, or take the node's share where it is gone."""
        try:
            await asyncio.sleep(0)  # so that those who come together are all counted
            asked = self._questions(key, lease)
            try:
                granted = await self._run(key, lease, asked)
            except RedisError as error:
                for slot, ask in zip(lease.slots, asked, strict=True):
                    slot.lost += ask.lost
                lease.error = str(error)
                self.nodes.failed()
                if self._tolerant:
                    self._take_share(key, lease)
            else:
                lease.error = None
                self._take_in(key, lease, asked, granted)
        finally:
            lease.asking = None

    async def _run(self, key: str, lease: Lease, asked: Sequence[Asked]) -> list[Granted]:
        begun = self.nodes.clock.begin()
        arguments = arguments_of(self._name, self.nodes.count, lease.quotas, asked)
        self._told()
        told = await self._client.run_script(LEASE, ("gateline:" + key,), arguments)
        time, granted = answers_of(told)
        self.nodes.clock.measured(time, begun)
        return granted

    def _questions(self, key: str, lease: Lease) -> list[Asked]:
        time = self.nodes.clock.not_before()
        rate = 0.0 if self._exact else lease.expected(monotonic())
        values, _ = self._count(*self._pool(key, lease, 1, 0), ttl=lease.ttl)
        asked = []
        for at, (slot, value) in enumerate(zip(lease.slots, values, strict=True)):
            number = slot.number_at(time)
            wanted = lease.waiting if self._exact else max(slot.wanted(rate, time, self.nodes.count), lease.waiting)
            had = self._counters.get(_given(key, at, number))
            want = max(wanted + min(value, 0), 0)
            slot.barred = False
            if self.nodes.recovering:
                share = max(slot.quota.amount // self.nodes.count - had, 0)
                slot.barred, want = want > share, min(want, share)
            asked.append(
                Asked(
                    want=want,
                    owed=max(value, 0),
                    lost=slot.lost,
                    number=number,
                    had=had,
                )
            )
            slot.lost = 0
        return asked

    def _take_in(self, key: str, lease: Lease, asked: Sequence[Asked], granted: Sequence[Granted]) -> None:
        now = monotonic()
        until = 0.0
        deposit = []
        for at, (slot, ask, got) in enumerate(zip(lease.slots, asked, granted, strict=True)):
            amount = got.amount + got.owed
            if got.number < slot.number and not slot.bucket:  # the answer came too late for its window
                amount = 0
            slot.number = max(slot.number, got.number)
            deposit.append((0 if slot.bucket else slot.number, _MOST, -amount))
            if amount:
                self._counters.increment(_given(key, at, got.number), amount, ttl=lease.ttl)
            slot.left = got.left
            slot.reset_at, slot.retry_at = now + got.reset / 1e6, now + got.retry / 1e6
            slot.low = 0 if self._exact or not got.left else int(AHEAD * got.amount)
            if got.number != ask.number and not got.amount:
                continue  # it was about a window that is over
            if slot.barred:
                slot.low = 0
                until = max(until, now + min(got.reset / 1e6, _PAUSE))
            elif slot.is_dry(got.amount, got.left) or (ask.want and not got.amount):
                until = max(until, now + slot.pause(got.retry / 1e6, got.reset / 1e6, self.nodes.count))
        if any(by for _, _, by in deposit):
            self._count("lease:" + key, deposit, ttl=lease.ttl)
        lease.empty_until = until

    def _take_share(self, key: str, lease: Lease) -> None:
        """Give the node its share of what each quota allows, less what it was given before."""
        now, time = monotonic(), self.nodes.clock.not_before()
        deposit = []
        until = 0.0
        for at, slot in enumerate(lease.slots):
            number = slot.number = max(slot.number_at(time), slot.number)
            share = max(1, slot.quota.amount // self.nodes.count)
            given = _given(key, at, number)
            more = share - self._counters.get(given)
            if more > 0 and not self._counters.increment_within(given, share, more, ttl=lease.ttl)[1]:
                more = 0
            deposit.append((0 if slot.bucket else number, _MOST, -max(more, 0)))
            slot.left = slot.low = 0
            slot.retry_at = now + slot.over(time)
            if more <= 0:
                until = max(until, now + min(slot.over(time), _PAUSE))
        if any(by for _, _, by in deposit):
            self._count("lease:" + key, deposit, ttl=lease.ttl)
        lease.empty_until = until

    # -- giving back -----------------------------------------------------------------------------------------------
    async def _give_back_unused(self) -> None:
        """Give back what is leased of keys that nobody has used for a while, and forget them."""
        idle = [(key, lease) for key, lease in self._leases.items() if not lease.used and lease.asking is None]
        for lease in self._leases.values():
            lease.used = False
        for key, lease in idle:
            del self._leases[key]
            if any(_gives_back(slot) for slot in lease.slots):
                await self._give_back(key, lease)

    async def _give_back(self, key: str, lease: Lease) -> None:
        pool, windows = self._pool(key, lease, 1, 0)
        values, _ = self._count(pool, windows, ttl=lease.ttl)
        backs = [
            -value if value < 0 and _gives_back(slot) else 0 for slot, value in zip(lease.slots, values, strict=True)
        ]
        taking = [(number, 1 - back, back) for (number, _, _), back in zip(windows, backs, strict=True)]
        if not any(backs) or not self._count(pool, taking, ttl=lease.ttl)[1]:
            return
        asked = []
        time = self.nodes.clock.not_before()
        for at, (slot, back) in enumerate(zip(lease.slots, backs, strict=True)):
            number = slot.number_at(time)
            given = _given(key, at, number)
            asked.append(Asked(0, -back, 0, number, self._counters.get(given)))
            if back:
                self._counters.increment(given, -back, ttl=lease.ttl)
        try:
            await self._run(key, lease, asked)
        except RedisError as error:
            lease.error = str(error)


def _gives_back(slot: Slot) -> bool:
    return slot.seconds > _SHORT or slot.bucket


def _given(key: str, at: int, number: int) -> str:
    """Under which name is counted how much the node was given in a window."""
    return f"leased:{key}:{at}:{number}"
