"""How long a session lasts. Times are seconds since 1970, timeouts seconds; a timeout of 0 never comes."""

import math
from dataclasses import dataclass

from gateline.plugins.session.tokens import Token

__all__ = ["Times"]

_TOUCH = 60
_FOR_EVER = 400 * 86400
"""Browsers keep no cookie longer."""


@dataclass(frozen=True, slots=True)
class Times:
    """The timeouts of sessions of one kind."""

    idling: float
    rolling: float
    absolute: float

    def good(self, token: Token, now: float) -> bool:
        """Whether a session is not over."""
        return all(left is None or left > 0 for left in self._left(token, now))

    def left(self, token: Token, now: float) -> dict[str, int]:
        """Seconds until each timeout that there is, by the names that headers have; `timeout` is the first to come."""
        idling, rolling, absolute = self._left(token, now)
        known = {"idling-timeout": idling, "rolling-timeout": rolling, "absolute-timeout": absolute}
        found = {name: max(math.ceil(left), 0) for name, left in known.items() if left is not None}
        return {**found, "timeout": min(found.values())} if found else {}

    def lasts(self, token: Token, now: float) -> int:
        """Seconds for which a session may last without being renewed."""
        _, rolling, absolute = self._left(token, now)
        return max(1, math.ceil(min([_FOR_EVER, *(left for left in (rolling, absolute) if left is not None)])))

    def wants_renewal(self, token: Token, now: float) -> bool:
        """Whether a session is in the last quarter of its rolling timeout."""
        return self.rolling > 0 and now - token.rolled >= self.rolling * 3 / 4

    def wants_touch(self, token: Token, now: float) -> bool:
        """Whether it has to be noted that a session is in use."""
        return self.idling > 0 and now - token.touched >= min(_TOUCH, self.idling / 4)

    def _left(self, token: Token, now: float) -> tuple[float | None, float | None, float | None]:
        return (
            token.touched + self.idling - now if self.idling else None,
            token.rolled + self.rolling - now if self.rolling else None,
            token.created + self.absolute - now if self.absolute else None,
        )
