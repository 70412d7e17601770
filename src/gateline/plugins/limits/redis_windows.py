"""Windows of time in Redis, which nodes share: one round trip a request, whatever the number of windows, and exact.

Redis' clock says which windows there are now; what the nodes' clocks say does not matter.
"""

from collections.abc import Sequence

from gateline.pdk.redis import RedisClient, Script

__all__ = ["PLACES", "RedisWindows", "Told"]

PLACES = """
local LENGTHS = {second = 1, minute = 60, hour = 3600, day = 86400}
local floor = math.floor
local function place(unit, now)
  local length = LENGTHS[unit]
  if length then return floor(now / length), now % length, length - now % length, length end
  local day = floor(now / 86400) + 719468
  local era = floor(day / 146097)
  local of_era = day - era * 146097
  local years = floor((of_era - floor(of_era / 1460) + floor(of_era / 36524) - floor(of_era / 146096)) / 365)
  local of_year = of_era - (365 * years + floor(years / 4) - floor(years / 100))
  local since_march = floor((5 * of_year + 2) / 153)
  local of_month = of_year - floor((153 * since_march + 2) / 5)
  local year, month = years + era * 400, since_march + 2
  if month > 11 then month, year = month - 12, year + 1 end
  if unit == 'month' then
    local since = of_month * 86400 + now % 86400
    return year * 12 + month + 1, since, 31 * 86400 - since, 30 * 86400
  end
  local leap = (year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)) and 1 or 0
  local since = (month < 2 and of_year - 306 or of_year + 59 + leap) * 86400 + now % 86400
  return year, since, 366 * 86400 - since, 365 * 86400
end
"""
"""`place(unit, now)`: a window's number, the seconds since it began, at least those until its end, and its length as
clients are told it; as `windows` has it."""

_COUNT = Script(
    PLACES
    + """
local now = tonumber(redis.call('TIME')[1])
local count = #ARGV / 3
local fields = {}
for at = 1, count do
  fields[2 * at - 1], fields[2 * at] = at .. 'n', at .. 'v'
end
local stored = redis.call('HMGET', KEYS[1], unpack(fields))
local after, told, free, adds, ttl = {}, {}, 1, false, 0
for at = 1, count do
  local number, since, left, length = place(ARGV[3 * at - 2], now)
  local limit, by = tonumber(ARGV[3 * at - 1]), tonumber(ARGV[3 * at])
  local before, value = tonumber(stored[2 * at - 1] or -1), tonumber(stored[2 * at] or 0)
  if before == number + 1 then
    number = before
  elseif before ~= number then
    value = 0
  end
  if by > 0 then
    adds = true
    if value >= limit then free = 0 end
  end
  if left > ttl then ttl = left end
  after[4 * at - 3], after[4 * at - 2] = at .. 'n', number
  after[4 * at - 1], after[4 * at] = at .. 'v', string.format('%.0f', value + by)
  told[at], told[count + at] = value, math.max(1, length - since)
end
if free == 1 and adds then
  redis.call('HSET', KEYS[1], unpack(after))
  redis.call('EXPIRE', KEYS[1], ttl + 1)
  for at = 1, count do told[at] = told[at] + tonumber(ARGV[3 * at]) end
end
told[2 * count + 1] = free
return told
"""
)
"""As `Counters.count` of the kit: add to all windows, or to none where one has reached its limit.

A server that takes another's place may have a clock that is a little behind: it goes on with the window that is there.
"""

Told = tuple[list[int], list[int], bool]
"""The values of the windows, the seconds until each is over, and whether they were added to."""


class RedisWindows:
    """Counts in the windows of some limits (units and whole numbers)."""

    def __init__(self, client: RedisClient, limits: Sequence[tuple[str, int]]) -> None:
        self._client = client
        self._limits = tuple(limits)

    def start(self) -> None:
        """Nothing runs in the background."""

    async def count(self, key: str, costs: Sequence[int]) -> Told:
        """Add to each window what it costs, or to none when one that costs something is used up.

        Raises RedisError.
        """
        arguments: list[str | int] = []
        for (unit, limit), cost in zip(self._limits, costs, strict=True):
            arguments += (unit, limit, cost)
        *told, added = await self._client.run_script(_COUNT, (key,), arguments)
        count = len(self._limits)
        return told[:count], told[count:], bool(added)
