"""What a worker knows of the health of targets: whether a target takes requests, and which of its addresses do.

Where that comes from is none of its business. The control process finds it out, once a node, and sends it beside the
configuration; a target of which nothing was sent is well.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["KIND", "WELL", "Addresses", "Health", "health_from_wire", "health_to_wire", "place_key"]

KIND = "target_health"
"""What the rows are called on the feed; their id is the target's."""


def place_key(address: str, port: int, usual: int) -> str:
    """What one place of a target is called: its address, with the port where that is not the target's own (`usual`),
    as SRV records may say. Health is kept under it."""
    if port == usual:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Addresses(NamedTuple):
    """Which places of a name are healthy (`place_key`): all but `others` when `healthy`, else `others` alone."""

    healthy: bool = True
    others: frozenset[str] = frozenset()

    def takes(self, address: str) -> bool:
        """Whether a place is healthy."""
        return (address in self.others) != self.healthy


class Health(NamedTuple):
    """A target's. `serving`: it takes requests; `addresses`: at these (None: at all that it has)."""

    serving: bool = True
    addresses: Addresses | None = None


WELL = Health()


def health_to_wire(target: str, health: Health) -> dict[str, Any]:
    """The row that tells a worker of a target's health."""
    row: dict[str, Any] = {"id": target, "serving": health.serving}
    if health.addresses is not None:
        row |= {"healthy": health.addresses.healthy, "others": sorted(health.addresses.others)}
    return row


def health_from_wire(row: Mapping[str, Any]) -> Health:
    """What a row tells."""
    addresses = Addresses(row["healthy"], frozenset(row["others"])) if "others" in row else None
    return Health(row["serving"], addresses)
