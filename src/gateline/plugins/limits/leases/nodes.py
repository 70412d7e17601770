"""The nodes that lease from one Redis: how many there are, and what time it is there. Asked in the background."""

import logging
from time import monotonic

from gateline.pdk import Node
from gateline.pdk.redis import RedisClient, RedisError
from gateline.pdk.redis.clock import RedisClock
from gateline.plugins.limits.leases.script import HEARTBEAT

__all__ = ["KnownNodes"]

_log = logging.getLogger(__name__)

INTERVAL = 2.0
"""Seconds between two heartbeats."""

RECOVERY = 4.0
"""Seconds after Redis was gone, or empty, in which other nodes may not know yet that it is there."""

FEWER = 10.0
"""Seconds after which it is believed that there are fewer nodes than before."""

_KEY = "gateline:nodes"


class KnownNodes:
    """`count` is how many nodes were there when Redis last answered; `up`, whether it did."""

    def __init__(self, client: RedisClient, node: Node, name: str) -> None:
        self.count = 1
        self.up = True
        self.clock = RedisClock(node.time)
        self._client = client
        self._name = name
        self._fewer_after = 0.0
        self._recovered_after = 0.0

    @property
    def recovering(self) -> bool:
        """Whether a node shall have no more than its share: others may be giving themselves theirs."""
        return monotonic() < self._recovered_after

    def failed(self) -> None:
        """Redis did not answer."""
        self.up = False
        self._recovered_after = monotonic() + RECOVERY

    async def beat(self) -> None:
        """Tell Redis that this node is there, and be told of the others."""
        begun = self.clock.begin()
        try:
            count, seconds, microseconds = await self._client.run_script(HEARTBEAT, (_KEY,), (self._name,))
        except RedisError as error:
            if self.up:
                _log.warning("limits: each node goes on with its share, one of %d: %s", self.count, error)
            self.failed()
            return
        if not self.up:
            _log.warning("limits: %s is there again", self._client.endpoint)
        self.up = True
        now = monotonic()
        if count >= self.count or now > self._fewer_after:  # a Redis that was empty hears of all nodes only by and by
            self.count, self._fewer_after = max(int(count), 1), now + FEWER
        elif count == 1:
            self._recovered_after = now + RECOVERY
        self.clock.measured(seconds + microseconds / 1e6, begun)
