"""Windows of time that are counted on the node and brought together in Redis from time to time: no request waits for
Redis but the first one of a key.

What the workers of a node count is in its shared memory and exact. Each worker tells Redis what the node has counted in
the windows of the keys that it sees, and is told what other nodes have; a request gets what both together leave. So
nodes see each other's counts late by one interval at most, and what they admit together may go over a limit by what the
others admit in that time. As all that the node has counted is told, and not what was added, nothing is missing when a
worker was killed, the configuration is changed before the interval is over, or Redis has begun anew.

In Redis each window is a hash: what everybody has counted, and what each node has. A node has a name of its own each
time that its shared memory begins anew, so that what it counted before counts as another's.
"""

import asyncio
import logging
from collections.abc import Sequence
from secrets import randbits

from gateline.pdk import Node
from gateline.pdk.redis import RedisClient, RedisError, Script
from gateline.pdk.redis.clock import RedisClock
from gateline.plugins.limits.redis_windows import Told
from gateline.plugins.limits.windows import Windows

__all__ = ["LEAST_RATE", "SyncedWindows", "incarnation"]

_log = logging.getLogger(__name__)

LEAST_RATE = 0.02
"""Seconds between two exchanges with Redis, at least."""

_SLACK = 2
"""Seconds after its end for which Redis keeps a window, at least."""

_FOR_EVER = 10 * 365 * 86400.0

_SYNC = Script(
    """
local told = {}
for at, key in ipairs(KEYS) do
  local value = tonumber(ARGV[2 * at])
  local stored = redis.call('HMGET', key, 'all', ARGV[1])
  local all, own = tonumber(stored[1] or 0), tonumber(stored[2] or 0)
  told[at] = all - own
  if value > own then
    redis.call('HSET', key, ARGV[1], string.format('%.0f', value), 'all', string.format('%.0f', told[at] + value))
    redis.call('EXPIRE', key, ARGV[2 * at + 1])
  end
end
local time = redis.call('TIME')
told[#KEYS + 1], told[#KEYS + 2] = tonumber(time[1]), tonumber(time[2])
return told
"""
)
"""Put in windows what a node has counted; what others have, for each, and the time. A worker may tell less than another
one has told before."""


def incarnation(node: Node) -> str:
    """What names a node as long as its shared memory lives; all workers get the same."""
    wanted = randbits(60) | 1 << 60
    found, _ = node.counters.increment_within("redis:incarnation", wanted, wanted, ttl=_FOR_EVER)
    return f"{found:x}"


class _Known:
    """What a worker knows of a key: the windows' numbers, what others have counted in them, and whether it has counted
    something itself that Redis was not told."""

    __slots__ = ("foreign", "numbers", "untold", "used")

    def __init__(self, numbers: list[int]) -> None:
        self.numbers = numbers
        self.foreign = [0] * len(numbers)
        self.untold = False
        self.used = True

    def move(self, numbers: list[int]) -> None:
        """Be about other windows, where these are over."""
        for at, number in enumerate(numbers):
            if self.numbers[at] < number:
                self.numbers[at] = number
                self.foreign[at] = 0


class SyncedWindows:
    """Counts in the windows of some limits; `rate`: seconds between two exchanges with Redis."""

    def __init__(self, client: RedisClient, node: Node, limits: Sequence[tuple[str, int]], rate: float) -> None:
        self._client = client
        self._units = tuple(unit for unit, _ in limits)
        self._windows = Windows(limits)
        self._count = node.counters.count
        self._clock = RedisClock(node.time)
        self._node = node
        self._rate = max(rate, LEAST_RATE)
        self._name = ""
        self._known: dict[str, _Known] = {}
        self._reading: dict[str, asyncio.Task[_Known]] = {}
        self._failing = False

    def start(self) -> None:
        """Begin to exchange."""
        self._name = incarnation(self._node)
        self._node.every(self._rate, self._sync)

    async def count(self, key: str, costs: Sequence[int]) -> Told:
        """Add to each window what it costs, or to none. Raises RedisError for a key that is new to the worker."""
        known = self._known.get(key) or await self._first(key)
        windows = self._windows
        windows.at(self._clock.now())
        known.move([number for number, _, _ in windows.counted])
        known.used = True
        left = [
            (number, limit - foreign, cost)
            for (number, limit, _), foreign, cost in zip(windows.counted, known.foreign, costs, strict=True)
        ]
        values, added = self._count("s:" + key, left, ttl=windows.ttl)
        if added:
            known.untold = True
        return [value + foreign for value, foreign in zip(values, known.foreign, strict=True)], windows.resets, added

    async def _first(self, key: str) -> _Known:
        """Learn of a key; whoever asks meanwhile waits for the same answer."""
        reading = self._reading.get(key)
        if reading is None:
            reading = asyncio.get_running_loop().create_task(self._read(key), name="counts of other nodes")
            self._reading[key] = reading
            reading.add_done_callback(lambda task: self._was_read(key, task))
        return await asyncio.shield(reading)

    def _was_read(self, key: str, task: "asyncio.Task[_Known]") -> None:
        del self._reading[key]
        if not task.cancelled():
            task.exception()  # whoever waits has it; perhaps nobody does any more

    async def _read(self, key: str) -> _Known:
        if not self._clock.known:
            await self._measure()
        self._windows.at(self._clock.now())
        known = _Known([number for number, _, _ in self._windows.counted])
        await self._exchange(key, known)
        self._known[key] = known
        return known

    async def _measure(self) -> None:
        begun = self._clock.begin()
        seconds, microseconds = await self._client.run_script(_SYNC, (), (self._name,))
        self._clock.measured(seconds + microseconds / 1e6, begun)

    async def _sync(self) -> None:
        """Exchange with Redis what there is of every key that was in use; forget the others."""
        self._known = {key: known for key, known in self._known.items() if known.used or known.untold}
        try:
            async with asyncio.TaskGroup() as group:
                for key, known in self._known.items():
                    known.used = False
                    group.create_task(self._exchange(key, known))
        except* RedisError as error:
            if not self._failing:
                _log.warning("counts go on without those of other nodes: %s", error.exceptions[0])
            self._failing = True
        else:
            self._failing = False

    async def _exchange(self, key: str, known: _Known) -> None:
        time = self._clock.now()
        self._windows.at(time)
        known.move([number for number, _, _ in self._windows.counted])
        numbers = list(known.numbers)
        values, _ = self._count("s:" + key, [(number, 0, 0) for number in numbers], ttl=self._windows.ttl)
        untold, known.untold = known.untold, False
        keys = [f"{{{key}}}:{unit}:{number}" for unit, number in zip(self._units, numbers, strict=True)]
        arguments: list[str | int] = [self._name]
        for value, (_, ends) in zip(values, self._windows.spans(), strict=True):
            arguments += (value, max(int(ends - time), 0) + _SLACK)
        begun = self._clock.begin()
        try:
            *foreign, seconds, microseconds = await self._client.run_script(_SYNC, keys, arguments)
        except (RedisError, asyncio.CancelledError):
            known.untold = known.untold or untold
            raise
        self._clock.measured(seconds + microseconds / 1e6, begun)
        for at, number in enumerate(numbers):
            if known.numbers[at] == number:
                known.foreign[at] = max(known.foreign[at], foreign[at])
