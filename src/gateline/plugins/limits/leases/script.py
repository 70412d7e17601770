"""What is asked of Redis: slices of the quotas of one key, by one script, by Redis' clock.

For each quota Redis keeps a window's number, what was given out in it and in the one before; of a bucket what is in it,
and as of when; and what each node has been given in the present window, so that a Redis that has lost its memory is
told by the nodes what it had given them. Nodes that asked lately are known. At most a node gets what it lacks to its
share of the quota, or its share of what is left, or a twentieth of the quota (of one that becomes free bit by bit, a
tenth), the most of these: so that nodes do not ask for ever smaller slices.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gateline.pdk.redis import Script
from gateline.plugins.limits.budget import Quota

__all__ = ["HEARTBEAT", "LEASE", "Asked", "Granted", "answers_of", "arguments_of"]

_ACTIVE = 10_000_000
"""Microseconds for which a node that asked is counted."""

HEARTBEAT = Script(
    f"""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - {_ACTIVE})
redis.call('EXPIRE', KEYS[1], 60)
return {{redis.call('ZCARD', KEYS[1]), tonumber(time[1]), tonumber(time[2])}}
"""
)
"""`(nodes, node) → number of nodes, seconds, microseconds`: here is a node."""

LEASE = Script(
    f"""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local node, nodes = ARGV[1], tonumber(ARGV[2])
local stored, list = {{}}, redis.call('HGETALL', KEYS[1])
for at = 1, #list, 2 do stored[list[at]] = list[at + 1] end
local fresh, active, put, gone, longest = #list == 0, 1, {{'a' .. node, now}}, {{}}, 0
for name, value in pairs(stored) do
  if string.sub(name, 1, 1) == 'a' and name ~= 'a' .. node then
    if now - tonumber(value) < {_ACTIVE} then active = active + 1 else gone[#gone + 1] = name end
  end
end
if fresh then active = math.max(active, nodes) end
local told = {{tonumber(time[1]), tonumber(time[2])}}
local function set(name, value)
  put[#put + 1], put[#put + 2] = name, string.format('%.17g', value)
end
for quota = 1, (#ARGV - 2) / 9 do
  local base = 2 + 9 * (quota - 1)
  local kind, amount = tonumber(ARGV[base + 1]), tonumber(ARGV[base + 2])
  local window, burst = tonumber(ARGV[base + 3]), tonumber(ARGV[base + 4])
  local want, owed, lost = tonumber(ARGV[base + 5]), tonumber(ARGV[base + 6]), tonumber(ARGV[base + 7])
  local when, had = tonumber(ARGV[base + 8]), tonumber(ARGV[base + 9])
  local number, passed = math.floor(now / window), 0
  local at = tonumber(stored[quota .. 'n'] or -1)
  local count, before = tonumber(stored[quota .. 'c'] or 0), tonumber(stored[quota .. 'b'] or 0)
  if at == number + 1 then number = at else passed = now - number * window end
  if at == number - 1 then
    before, count = count, 0
  elseif at ~= number then
    before, count = 0, 0
  end
  local own = 0
  local mine = stored[quota .. 'o' .. node]
  if mine then
    local which, value = string.match(mine, '^(%S+) (%S+)$')
    if tonumber(which) == number then own = tonumber(value) end
  end
  local forgotten = 0
  if when == number and had > own then forgotten, own = had - own, had end
  if when ~= number then
    if when == number - 1 and owed < 0 then before = math.max(0, before + owed) end
    owed = 0
  end
  local level, available, reset, retry
  if kind == 2 then
    level = tonumber(stored[quota .. 'l'] or (had > 0 and 0 or burst))
    level = math.min(burst, level + math.max(0, now - tonumber(stored[quota .. 't'] or now)) * amount / window)
    level = math.min(burst, level - forgotten - owed - lost)
    available = math.floor(level + 1e-9)
  else
    count = math.max(0, count + forgotten + owed + lost)
    available = amount - count
    if kind == 1 then available = math.floor(available - before * (window - passed) / window + 1e-9) end
  end
  own = own + owed
  local cap = math.max(available / active, amount / active - own, amount / (kind == 0 and 20 or 10))
  if forgotten > 0 then cap = amount / nodes - own end
  local grant = math.max(0, math.min(want, available, math.ceil(cap)))
  own = own + grant
  if kind == 2 then
    level = level - grant
    reset = (burst - level) * window / amount
    retry = math.max(0, 1 - level) * window / amount
    set(quota .. 'l', level)
    set(quota .. 't', now)
    longest = math.max(longest, reset, window)
  else
    count, reset = count + grant, window - passed
    retry = reset
    if kind == 1 and amount - count >= 1 and before > 0 then
      retry = math.max(0, (window - passed) - (amount - count - 1) * window / before)
    end
    set(quota .. 'c', count)
    set(quota .. 'b', before)
    longest = math.max(longest, 2 * window)
  end
  set(quota .. 'n', number)
  put[#put + 1], put[#put + 2] = quota .. 'o' .. node, string.format('%.17g %.17g', number, own)
  local answer = {{grant, owed, number, math.max(0, available - grant), math.ceil(reset), math.ceil(retry)}}
  for _, value in ipairs(answer) do told[#told + 1] = string.format('%.0f', value) end
end
redis.call('HSET', KEYS[1], unpack(put))
if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end
redis.call('PEXPIRE', KEYS[1], math.ceil(longest / 1000) + {_ACTIVE // 1000})
return told
"""
)
"""Slices of the quotas of a key; `arguments_of` and `answers_of` say of what."""


class Asked(NamedTuple):
    """What a node asks for of one quota."""

    want: int
    """How much it would like to have."""
    owed: int = 0
    """What it has taken without having it; less than nothing where it gives something back."""
    lost: int = 0
    """What was refused and counts all the same."""
    number: int = -1
    """The window that `owed` and `had` are about."""
    had: int = 0
    """What it has been given in that window, or has given itself."""


class Granted(NamedTuple):
    """What it gets; times in microseconds."""

    amount: int
    owed: int
    """What of the `owed` was counted: all, or nothing where its window is over."""
    number: int
    left: int
    """What Redis still has."""
    reset: int
    retry: int
    """Until there may be something again, where nothing is left."""


def arguments_of(node: str, nodes: int, quotas: Sequence[Quota], asked: Sequence[Asked]) -> list[str | int]:
    """The arguments of `LEASE`. `nodes`: how many are known to be there."""
    arguments: list[str | int] = [node, max(nodes, 1)]
    for quota, ask in zip(quotas, asked, strict=True):
        arguments += (int(quota.algorithm), quota.amount, max(quota.window // 1000, 1), quota.most, *ask)
    return arguments


def answers_of(told: Sequence[int | bytes]) -> tuple[float, list[Granted]]:
    """Redis' time in seconds since 1970, and what it gives."""
    numbers = [int(one) for one in told]
    return numbers[0] + numbers[1] / 1e6, [Granted(*numbers[at : at + 6]) for at in range(2, len(numbers), 6)]
