"""A budget that nodes share by leases; see `Budget`.

What a node has been given of the quotas of a key lies in its shared memory (`AtHand`). Beside it is how much the node
was given in a window, which it tells Redis whenever it asks.

While Redis is gone a node gives itself its share of each window, less what it was given before: the limit by the number
of nodes that were known last. When Redis is there again it is told of that with the next question.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from math import inf
from secrets import token_hex
from time import monotonic
from typing import Any

from gateline.pdk import Node
from gateline.pdk.redis import RedisClient, RedisError
from gateline.plugins.limits.budget import BudgetError, Quotas, Verdict
from gateline.plugins.limits.leases.at_hand import AtHand
from gateline.plugins.limits.leases.lease import Lease
from gateline.plugins.limits.leases.nodes import INTERVAL, known_nodes
from gateline.plugins.limits.leases.script import LEASE, Asked, Granted, answers_of, arguments_of
from gateline.plugins.limits.leases.slot import Slot

__all__ = ["LeasedBudget"]

_TRIES = 8
"""How often a request waits for another slice before it is refused."""
_PAUSE = 1.0
"""Seconds until an empty share is looked at again, at most."""
_SHORT = 2.0
"""Seconds of a window of which nothing is given back: it is over before somebody else could use it."""
_AHEAD = 0.25
"""The part of a slice that is left when the next one is asked for."""
_RENEWED = 0.05
"""Seconds before the end of a flow at which there should be another one."""
_FORGOTTEN = 0.75
"""The part of how long an answer took that the next one is taken to take, though it was quicker."""
_LONGEST = 0.5
"""Seconds that an answer is taken to take, at most."""


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
        self._exact = exact
        self._tolerant = tolerant
        self._told = asked
        self._counters = node.counters
        self._tasks: set[asyncio.Task[None]] = set()
        self._name = ""
        self._worker = token_hex(4)
        self._takes = 0.0
        """Seconds that an answer takes."""
        self.nodes = known_nodes(client, node)
        self._at_hand = AtHand(
            node.counters, self.nodes.clock, part=part, tolerant=tolerant, ask=self._ask, later=self._later
        )
        self.take: Callable[[str, Quotas, int], Verdict | Coroutine[Any, Any, Verdict]] = self._at_hand.take
        """See `Budget`."""

    def start(self) -> None:
        """Begin what runs in the background."""
        self._name = self.nodes.name
        self._begin(self.nodes.beat(self._client))
        self._node.every(INTERVAL, self._beat)
        self._node.every(INTERVAL, self._give_back_unused)

    def charge(self, key: str, quotas: Quotas, cost: int) -> Verdict:
        """Take whatever is left; what the node does not have it owes, and is asked for."""
        lease = self._at_hand.lease(key, quotas)
        lease.used = True
        verdict, owes = self._at_hand.charge(lease, cost, monotonic())
        if owes and lease.asking is None:
            self._ask(lease)
        return verdict

    # -- asking ----------------------------------------------------------------------------------------------------
    async def _later(self, lease: Lease, cost: int) -> Verdict:
        for _ in range(_TRIES):
            lease.waiting += cost or 1
            try:
                await asyncio.shield(lease.asking or self._ask(lease))
            finally:
                lease.waiting -= cost or 1
            if lease.error is not None and not self._tolerant:
                raise BudgetError(lease.error)
            now = monotonic()
            verdict = self._at_hand.attempt(lease, cost, now)
            if verdict is not None:
                return verdict
            if self._at_hand.is_empty(lease, cost, now):
                break
        return self._at_hand.refused(lease, cost, monotonic())

    def _ask(self, lease: Lease) -> "asyncio.Task[None]":
        task: asyncio.Task[None] = self._begin(self._exchange(lease))
        lease.asking = task
        return task

    def _begin(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work, name="leases of limits")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _beat(self) -> None:
        await self.nodes.beat_in_time(self._client)

    async def _exchange(self, lease: Lease) -> None:
        """Ask Redis for more, or take the node's share where it is gone."""
        try:
            await asyncio.sleep(0)  # so that those who come together are all counted
            asked = self._questions(lease)
            try:
                told_at, granted = await self._run(lease, asked)
            except RedisError as error:
                self._take_back(lease, asked)
                alone, lease.error, lease.renew_at = lease.error is not None, str(error), inf
                self.nodes.failed()
                if self._tolerant:
                    self._take_share(lease, alone)
            else:
                lease.error = None
                self._take_in(lease, asked, granted, told_at)
        finally:
            lease.asking = None

    async def _run(self, lease: Lease, asked: Sequence[Asked]) -> tuple[float, list[Granted]]:
        """What Redis gives, and its time then."""
        begun, since = self.nodes.clock.begin(), monotonic()
        arguments = arguments_of(self._name, self.nodes.count, self._worker, lease.quotas, asked, takes=self._takes)
        self._told()
        told = await self._client.run_script(LEASE, ("gateline:" + lease.key,), arguments)
        self._takes = min(max(monotonic() - since, self._takes * _FORGOTTEN), _LONGEST)
        time, granted = answers_of(told)
        self.nodes.clock.measured(time, begun)
        return time, granted

    def _questions(self, lease: Lease) -> list[Asked]:
        time = self.nodes.clock.not_before()
        rate = 0.0 if self._exact else lease.expected(monotonic())
        values = self._at_hand.claim(lease)
        backs, lease.back = lease.back or [0] * len(values), []
        asked = []
        for at, (slot, value, back) in enumerate(zip(lease.slots, values, backs, strict=True)):
            number = slot.number_at(time)
            wanted = lease.waiting if self._exact else max(slot.wanted(rate, time, self.nodes.count), lease.waiting)
            had = self._had(lease, at, number)
            want = max(wanted + min(value, 0), 0)
            wish = slot.wish(rate, time, max(-value, 0), self.nodes.count)
            needs = wish if slot.bucket else rate
            slot.barred = False
            if self.nodes.recovering:
                share = max(slot.quota.amount // self.nodes.count - had - slot.ready(time), 0)
                slot.barred, want = want > share, min(want, share)
                wish = needs = min(wish, slot.pace_of(share, time))
            asked.append(Asked(want, max(value, 0) - back, slot.lost, number, had, wish, needs))
            slot.lost = 0
            if not slot.bucket:  # what is of a bucket is owed to the next flow
                slot.flow.hold(time)
        return asked

    def _take_back(self, lease: Lease, asked: Sequence[Asked]) -> None:
        """Redis could not be told. What was owed still is, in its window; what was given back counts as given, as Redis
        may have heard of it all the same."""
        time = self.nodes.clock.not_before()
        owed = []
        for slot, ask in zip(lease.slots, asked, strict=True):
            slot.lost += ask.lost
            present = slot.bucket or slot.number_at(time) == ask.number
            owed.append(max(ask.owed, 0) if present else 0)
        self._at_hand.add(lease, owed)

    # -- answers ---------------------------------------------------------------------------------------------------
    def _take_in(self, lease: Lease, asked: Sequence[Asked], granted: Sequence[Granted], told_at: float) -> None:
        now, time = monotonic(), self.nodes.clock.not_before()
        renew = inf
        amounts = []
        since = max(time - told_at, 0.0)
        for at, (slot, ask, got) in enumerate(zip(lease.slots, asked, granted, strict=True)):
            late = got.number < slot.number and not slot.bucket  # the answer came too late for its window
            slot.number = max(slot.number, got.number)
            amounts.append(0 if late else got.amount)
            given = 0 if late else got.amount + got.owed
            if given:
                self._counters.increment(_given(lease, at, got.number), given, ttl=lease.ttl)
            self._renew_flow(lease, at, got, told_at)
            slot.left = got.left
            reset, retry = got.reset / 1e6 - since, got.retry / 1e6 - since
            slot.reset_at, slot.retry_at = now + reset, now + retry
            slot.low = 0 if self._exact or not got.left else int(_AHEAD * got.amount)
            slot.empty_until = 0.0
            ends = got.until - time
            if got.pace and (slot.bucket or slot.over(time) - ends > _RENEWED):
                ends -= min(_RENEWED + self._takes, ends / 2)
                renew = min(renew, now + ends)
            if got.number != ask.number and not got.amount:
                continue  # it was about a window that is over
            has_share = got.pace or got.amount >= ask.want or (slot.bucket and got.amount)
            if slot.barred and has_share:
                slot.low = 0
                slot.empty_until = now + min(slot.over(time), ends if got.pace else _PAUSE)
            elif slot.is_dry(got.amount, got.left) or (ask.want and not got.amount):
                if got.pace:
                    pause = slot.pause_beside_flow(got.amount, ends, got.pace, got.free, self.nodes.count)
                else:
                    pause = slot.pause(0.0 if got.left else retry, reset, self.nodes.count)
                slot.empty_until = now + pause
        self._at_hand.give(lease, amounts)
        self._at_hand.tell_left(lease)
        lease.renew_at = renew
        lease.flowing = lease.flowing or any(got.pace for got in granted)

    def _renew_flow(self, lease: Lease, at: int, got: Granted, told_at: float) -> None:
        slot = lease.slots[at]
        self._count_flowed(lease, at)
        if not slot.bucket and slot.flow_number != got.number:
            slot.flow.end()
        slot.flow.renew(got.pace, told_at, got.until)
        slot.flow_number = got.number
        if slot.bucket:
            slot.workers = got.workers
            slot.flow_most = slot.flow_of(self.nodes.count)

    def _had(self, lease: Lease, at: int, number: int) -> int:
        """How much the node was given of a quota in a window."""
        self._count_flowed(lease, at)
        return self._counters.get(_given(lease, at, number))

    def _count_flowed(self, lease: Lease, at: int) -> None:
        slot = lease.slots[at]
        if slot.flowed:
            self._counters.increment(_given(lease, at, slot.flow_number), slot.flowed, ttl=lease.ttl)
            slot.flowed = 0

    def _take_share(self, lease: Lease, alone: bool) -> None:
        """Give the node its share of what each quota allows; `alone` says whether it was without Redis before."""
        now, time = monotonic(), self.nodes.clock.not_before()
        amounts = [self._more_of_share(lease, at, time, alone) for at in range(len(lease.slots))]
        self._at_hand.give(lease, amounts)
        for slot, amount in zip(lease.slots, amounts, strict=True):
            slot.left = slot.low = 0
            slot.retry_at = now + slot.over(time)
            slot.empty_until = 0.0 if amount else now + slot.pause_alone(time, self.nodes.count)
        self._at_hand.tell_left(lease)
        lease.renew_at, lease.flowing = inf, False

    def _more_of_share(self, lease: Lease, at: int, time: float, alone: bool) -> int:
        """What the node has not been given yet of its share of a window; of a bucket no more than that can hold."""
        slot = lease.slots[at]
        slot.number = max(slot.number_at(time), slot.number)
        share, most = slot.share(time, self.nodes.count, alone=alone)
        more = share - self._had(lease, at, slot.number)
        slot.flow.end()
        given = _given(lease, at, slot.number)
        if more <= 0 or not self._counters.increment_within(given, share, more, ttl=lease.ttl)[1]:
            return 0
        return min(more, most)

    # -- giving back -----------------------------------------------------------------------------------------------
    async def _give_back_unused(self) -> None:
        """Give back what is leased of keys that nobody has used for a while, and forget them."""
        leases = self._at_hand.leases
        idle = [lease for lease in leases.values() if not lease.used and lease.asking is None]
        for lease in leases.values():
            lease.used = False
        for lease in idle:
            if lease.asking is None and any(_gives_back(slot) for slot in lease.slots):
                # Whoever comes meanwhile waits: a question that overtook this one would be answered in vain.
                lease.asking = self._begin(self._give_back(lease))
                await lease.asking
            if not lease.used and lease.asking is None:
                leases.pop(lease.place, None)

    async def _give_back(self, lease: Lease) -> None:
        try:
            await self._give_back_at_hand(lease)
        finally:
            lease.asking = None

    async def _give_back_at_hand(self, lease: Lease) -> None:
        values = self._at_hand.values(lease)
        backs = [
            -value if value < 0 and _gives_back(slot) else 0 for slot, value in zip(lease.slots, values, strict=True)
        ]
        if not any(backs) or not self._at_hand.take_out(lease, backs):
            return
        asked = []
        time = self.nodes.clock.not_before()
        lease.flowing = False
        for at, (slot, back) in enumerate(zip(lease.slots, backs, strict=True)):
            number = slot.number_at(time)
            asked.append(Asked(0, -back, 0, number, self._had(lease, at, number)))
            slot.flow.end()
            if back:
                self._counters.increment(_given(lease, at, number), -back, ttl=lease.ttl)
        try:
            await self._run(lease, asked)
        except RedisError as error:
            lease.error = str(error)


def _gives_back(slot: Slot) -> bool:
    return slot.seconds > _SHORT or slot.bucket


def _given(lease: Lease, at: int, number: int) -> str:
    """Under which name is counted how much the node was given in a window."""
    return f"leased:{lease.key}:{at}:{number}"
