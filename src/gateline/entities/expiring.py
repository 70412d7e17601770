"""Entities with an end: `ttl` says after how many seconds one is over, counted from when it was written.

What is kept is the moment (`expires_at`), and the `ttl` as it was given; what is shown is the time that is left, as in
Kong. One that is over is as good as deleted, and is deleted some time later.
"""

import math
import time
from collections.abc import Collection
from typing import Annotated, Any, ClassVar

from pydantic import Field

from gateline.entities.constraints import Between
from gateline.entities.model import Entity

__all__ = ["Expiring", "is_over"]

_LONGEST = 100_000_000
_LAST = 10**10
"""In the year 2286."""


class Expiring(Entity):
    """The base of kinds with an end."""

    not_shown: ClassVar[frozenset[str]] = frozenset({"expires_at"})

    ttl: Annotated[
        Annotated[int, Between(0, _LONGEST)] | None,
        Field(description="Seconds until it is over; with 0 and without it, it never is."),
    ] = None
    expires_at: Annotated[
        Annotated[float, Between(0, _LAST)] | None,
        Field(description="When it is over, in seconds since 1970; follows from `ttl`."),
    ] = None

    @classmethod
    def derive(cls, values: dict[str, Any], given: Collection[str]) -> None:
        """The end follows from a `ttl` that is written, unless it is written itself."""
        explicit = "expires_at" in given and values["expires_at"] is not None
        written = "ttl" in given and not explicit
        if values["ttl"] and (written or values["expires_at"] is None):
            values["expires_at"] = round(time.time() + values["ttl"], 3)
        elif written:
            values["expires_at"] = None

    def shown(self, now: float | None = None) -> dict[str, Any]:
        """The wire form with the time that is left, as far as a `ttl` can tell."""
        row = super().shown(now)
        if self.expires_at is not None:
            left = math.ceil(self.expires_at - (time.time() if now is None else now))
            row["ttl"] = min(max(left, 0), _LONGEST)
        return row


def is_over(entity: Entity, now: float | None = None) -> bool:
    """Whether an entity has come to its end."""
    end = entity.__dict__.get("expires_at")
    return end is not None and end <= (time.time() if now is None else now)
