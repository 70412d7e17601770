"""What is asked of Redis: slices of the quotas of one key, by one script, by Redis' clock.

For each quota Redis keeps a window's number, what was given out in it and in the one before; of a bucket what is in it,
and as of when; and what each node has been given in the present window, so that a Redis that has lost its memory is
told by the nodes what it had given them. Nodes that asked lately are known. At most a node gets what it lacks to its
share of the quota, or its share of what is left, or a twentieth of the quota (of one that becomes free bit by bit, a
tenth), the most of these: so that nodes do not ask for ever smaller slices.

What becomes free bit by bit (as the window before slides out, as a bucket is refilled) is given in advance where there
is too little at once: as a flow, at a pace, for a second or until the window ends. A flow counts as taken from the
beginning. All flows together are no faster than what becomes free; who wishes for less than an equal part leaves the
rest to those that wish for more. Whoever asks again has another flow in place of the one before. Of what a sliding
window has at once, each worker gets an equal part: that of one that has not asked in this window yet is kept for it for
a moment, the others have the rest.

A node that is killed takes its flows with it. Of a sliding window of which more is wished than becomes free, flows are
therefore short, as far as they bring enough to be worth a question, and end one after the other: whoever asks next sees
that one was not asked for again, and has what it leaves. A Redis that takes long has longer ones.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gateline.pdk.redis import Script
from gateline.plugins.limits.budget import Quota

__all__ = ["HEARTBEAT", "LEASE", "Asked", "Granted", "answers_of", "arguments_of"]

_ACTIVE = 10_000_000
"""Microseconds for which a node that asked is counted."""
_WISHING = 350_000
"""Microseconds for which a worker is taken to wish for a flow: after the end of the last one, or its last question, or
since a window began, if it wished for one in the window before. So long does a worker that was killed keep its part."""
_ENDED = 50_000
"""The same, once it had a flow in the present window: it asks for the next one before that ends."""
_FLOWING = 1_000_000
"""Microseconds of a flow, at most."""
_SHORTEST = 250_000
_SLICE = 100
"""What is enough for a short flow, if it takes so many microseconds at least."""
_SPREAD = (0.6, 0.8)
"""The first short flow of a window is this part of that, and as much longer is the last one to be asked for."""
_AGAIN = 0.9
"""The part of it that the next ones are."""
_LEAST = 8
"""What a flow has to bring, at least: what comes to less is asked for when it is there."""

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
local node, nodes, worker = ARGV[1], tonumber(ARGV[2]), ARGV[1] .. '.' .. ARGV[3]
local takes = tonumber(ARGV[4])
local stored, list = {{}}, redis.call('HGETALL', KEYS[1])
for at = 1, #list, 2 do stored[list[at]] = list[at + 1] end
local fresh, active, put, gone, longest = #list == 0, 1, {{'a' .. node, now}}, {{}}, 0
local flows = {{}}
for name, value in pairs(stored) do
  if string.sub(name, 1, 1) == 'a' and name ~= 'a' .. node then
    if now - tonumber(value) < {_ACTIVE} then active = active + 1 else gone[#gone + 1] = name end
  end
  local quota, who, whose = string.match(name, '^(%d+)f((.+)%..+)$')
  if quota then
    local number, till, pace, wish = string.match(value, '^(%S+) (%S+) (%S+) (%S+)$')
    local flow = {{whose = whose, number = tonumber(number), till = tonumber(till), pace = tonumber(pace)}}
    flow.wish, flow.mine, flow.left = tonumber(wish), who == worker, flow.pace * math.max(0, flow.till - now)
    if now - flow.till < {_ACTIVE} then
      flows[quota] = flows[quota] or {{}}
      table.insert(flows[quota], flow)
    elseif not flow.mine then
      gone[#gone + 1] = name
    end
  end
end
if fresh then active = math.max(active, nodes) end
local told = {{tonumber(time[1]), tonumber(time[2])}}
local function set(name, value)
  put[#put + 1], put[#put + 2] = name, string.format('%.17g', value)
end
local function wishing(all, kind, number, began)
  local others, here, given, absent, flowing = {{}}, 1, 0, 0, 0
  for _, flow in ipairs(all) do
    if not flow.mine then
      if flow.left > 0 then given, flowing = given + flow.pace, flowing + 1 end
      local last, kept = flow.till, {_ENDED}
      if kind == 2 or flow.number < number or flow.pace == 0 then kept = {_WISHING} end
      if flow.number < number then last = math.max(last, math.min(began, last + {_FLOWING})) end
      if now - last < kept + takes then
        others[#others + 1] = flow.wish
        if flow.whose == node then here = here + 1 end
        if flow.number ~= number then absent = absent + 1 end
      end
    end
  end
  table.sort(others)
  return others, here, given, absent, flowing
end
local function part(others, parts, growth)
  local rest = growth
  for _, wishes in ipairs(others) do
    if wishes >= rest / parts then break end
    rest, parts = rest - wishes, parts - 1
  end
  return rest / parts
end
for quota = 1, (#ARGV - 4) / 11 do
  local base = 4 + 11 * (quota - 1)
  local kind, amount = tonumber(ARGV[base + 1]), tonumber(ARGV[base + 2])
  local window, burst = tonumber(ARGV[base + 3]), tonumber(ARGV[base + 4])
  local want, owed, lost = tonumber(ARGV[base + 5]), tonumber(ARGV[base + 6]), tonumber(ARGV[base + 7])
  local when, had = tonumber(ARGV[base + 8]), tonumber(ARGV[base + 9])
  local wish, needs = tonumber(ARGV[base + 10]) / 1e6, tonumber(ARGV[base + 11]) / 1e6
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
  local all, to_come, back, again = flows[tostring(quota)] or {{}}, 0, 0, false
  for _, flow in ipairs(all) do
    if not flow.mine then
      to_come = to_come + flow.left
    else
      back = flow.left
      again = flow.number == number and flow.pace > 0
      if flow.number == number then own = own - flow.left end
    end
  end
  local forgotten = 0
  if when == number and had > own + 0.5 then forgotten, own = had - own, had end
  if when ~= number then
    if kind == 1 then wish = needs end
    if when == number - 1 and owed < 0 then before = math.max(0, before + owed) end
    owed = 0
  end
  local level, available, reset, retry
  if kind == 2 then
    level = tonumber(stored[quota .. 'l'] or (had > 0 and 0 or burst)) + back
    level = level + math.max(0, now - tonumber(stored[quota .. 't'] or now)) * amount / window
    level = math.min(burst - to_come, level) - forgotten - owed - lost
    level = math.min(burst - to_come, level)
    available = math.floor(level + to_come + 1e-9)
  else
    count = math.max(0, count - back + forgotten + owed + lost)
    available = amount - count + to_come
    if kind == 1 then
      local free = available - before * (window - passed) / window
      available = math.floor(math.min(free, amount - count) + 1e-9)
    end
  end
  own = own + owed
  local cap = math.max(available / active, amount / active - own, amount / (kind == 0 and 20 or 10))
  if forgotten > 0 then cap = amount / nodes - own end
  local grant = math.max(0, math.min(want, available, math.ceil(cap)))
  local pace, till, free, here = 0, now, 0, 1
  if kind > 0 then
    local growth = (kind == 1 and before or amount) / window
    local most = grant
    local others, given, absent, flowing
    others, here, given, absent, flowing = wishing(all, kind, number, now - passed)
    local parts = #others + 1
    if fresh then parts = math.max(parts, active) end
    local ends, over = now + {_FLOWING}, (number + 1) * window
    if kind == 1 then
      ends = math.min(ends, over)
      local share = math.max(0, available / parts)
      available = math.ceil(available - absent * share)
      most = math.max(0, math.min(most, available))
      grant = math.min(most, math.ceil(share))
    end
    free = growth - given
    local share = part(others, parts, growth)
    if kind == 1 and wish - grant / (ends - now) > share then
      local spread = again and {_AGAIN} or {_SPREAD[0]} + {_SPREAD[1]} * flowing / parts
      local enough = math.max({_SHORTEST}, {_SLICE} / share) * spread
      ends = now + math.min({_FLOWING}, enough + 4 * takes)
      if over - ends < {2 * _ENDED} then ends = over end
    end
    pace = math.max(0, math.min(wish - grant / (ends - now), share, free))
    if available < 0 or pace * (ends - now) < {_LEAST} then pace = 0 else till = ends end
    grant = math.min(most, math.max(grant, math.ceil(want - pace * (till - now))))
    pace = math.floor(pace * 1e12) / 1e12
    free = math.max(0, free - pace - (kind == 1 and absent * share or 0))
    put[#put + 1] = quota .. 'f' .. worker
    put[#put + 1] = string.format('%.17g %.17g %.17g %.17g', number, till, pace, needs)
  end
  local given = grant + pace * (till - now)
  own = own + given
  if kind == 2 then
    level = level - given
    reset = (burst - level) * window / amount
    retry = math.max(0, 1 - level) * window / amount
    set(quota .. 'l', level)
    set(quota .. 't', now)
    longest = math.max(longest, reset, window)
  else
    count, reset = count + given, window - passed
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
  answer[7], answer[8], answer[9], answer[10] = pace * 1e12, till, free * 1e12, here
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
    wish: float = 0.0
    """How much it would like to have in each second of the next, beside what it has."""
    needs: float = 0.0
    """The same, for when what it has is gone."""


class Granted(NamedTuple):
    """What it gets; lengths of time in microseconds."""

    amount: int
    owed: int
    """What of the `owed` was counted: all, or nothing where its window is over."""
    number: int
    left: int
    """What Redis still has."""
    reset: int
    retry: int
    """Until there may be something again, where nothing is left."""
    pace: float
    """The flow that it gets, in units for each second."""
    until: float
    """When that ends, in seconds since 1970."""
    free: float
    """What becomes free in a second and flows to nobody."""
    workers: int
    """How many workers of the node wish for a flow."""


def arguments_of(
    node: str, nodes: int, worker: str, quotas: Sequence[Quota], asked: Sequence[Asked], *, takes: float = 0.0
) -> list[str | int]:
    """The arguments of `LEASE`. `nodes`: how many are known to be there; `worker`: who of the node asks; `takes`: how
    many seconds it takes until Redis has answered."""
    arguments: list[str | int] = [node, max(nodes, 1), worker, int(takes * 1e6)]
    for quota, ask in zip(quotas, asked, strict=True):
        arguments += (int(quota.algorithm), quota.amount, max(quota.window // 1000, 1), quota.most)
        arguments += (*ask[:-2], f"{ask.wish:.6f}", f"{max(ask.wish, ask.needs):.6f}")
    return arguments


def answers_of(told: Sequence[int | bytes]) -> tuple[float, list[Granted]]:
    """Redis' time in seconds since 1970, and what it gives."""
    numbers = [int(one) for one in told]
    return numbers[0] + numbers[1] / 1e6, [_granted(numbers[at : at + 10]) for at in range(2, len(numbers), 10)]


def _granted(told: Sequence[int]) -> Granted:
    amount, owed, number, left, reset, retry, pace, until, free, workers = told
    return Granted(amount, owed, number, left, reset, retry, pace / 1e6, until / 1e6, free / 1e6, workers)
