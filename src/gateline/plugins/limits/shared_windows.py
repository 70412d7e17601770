"""Windows of time that nodes share, wherever the configuration wants them: in a Redis at once, in a Redis from time to
time, or in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from gateline.pdk import Node, TalliesError, permissions
from gateline.pdk.fields import Field, OneOf
from gateline.pdk.redis import RedisClient, RedisError
from gateline.plugins.limits.redis_windows import RedisWindows, Told
from gateline.plugins.limits.stored_windows import StoredWindows
from gateline.plugins.limits.synced_windows import SyncedWindows

__all__ = ["FAULTS", "Policy", "SharedWindows", "shared_windows"]


@dataclass(frozen=True, slots=True)
class _Policy(OneOf):
    def refuse(self, value: Any) -> str | None:
        if permissions.database():
            return OneOf.refuse(self, value)
        return OneOf(tuple(one for one in self.values if one != "cluster")).refuse(value)


Policy = Annotated[
    str,
    _Policy(("local", "cluster", "redis")),
    Field(description="Where counters are: on this node, in its database (not on a node without one), or in a Redis."),
]
"""Where counters are."""

FAULTS = (RedisError, TalliesError)
"""What `count` raises where the counters cannot be reached."""


class SharedWindows(Protocol):
    """Counts in the windows of some limits."""

    def start(self) -> None:
        """Begin what runs in the background."""

    async def count(self, key: str, costs: Sequence[int]) -> Told:
        """Add to each window what it costs, or to none when one that costs something is used up. Raises FAULTS."""


def shared_windows(
    config: Any, node: Node, limits: Sequence[tuple[str, int]], names: Sequence[str] | None = None
) -> SharedWindows:
    """The windows of limits (units and whole numbers) as a configuration's `policy` wants them. `names` tell them apart
    where there are several of one unit.

    Raises PluginError where it cannot be used as it is configured.
    """
    if config.policy == "cluster":
        return StoredWindows(node, limits, names or [unit for unit, _ in limits])
    client = RedisClient(config.redis, node)
    sync_rate = getattr(config, "sync_rate", -1)
    if sync_rate > 0:
        return SyncedWindows(client, node, limits, sync_rate)
    return RedisWindows(client, limits)
