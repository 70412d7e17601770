"""What a client is told of limits in windows of time, and the refusal of a request that is too much."""

from collections.abc import Sequence

from gateline.pdk import ErrorResponse, Exchange, HeaderForm
from gateline.plugins.limits.windows import text_of

__all__ = ["Telling"]


class Telling:
    """Kong's headers for some limits, in the order of their windows; none with `hidden`."""

    __slots__ = ("_bounds", "_code", "_form", "_hidden", "_message", "_reset", "_reset_text", "_texts")

    def __init__(self, limits: Sequence[tuple[str, float]], *, hidden: bool, code: int, message: str) -> None:
        """Units and their limits; the status and the message of a refusal."""
        self._hidden = hidden
        self._code = code
        self._message = message
        self._bounds = tuple(limit for _, limit in limits)
        self._texts = tuple(text_of(limit) for _, limit in limits)
        self._reset = -1
        self._reset_text = ""
        lines: list[tuple[str, str | None]] = []
        for (unit, _), text in zip(limits, self._texts, strict=True):
            lines += ((f"X-RateLimit-Limit-{unit.title()}", text), (f"X-RateLimit-Remaining-{unit.title()}", None))
        self._form = HeaderForm(
            (*lines, ("RateLimit-Limit", None), ("RateLimit-Remaining", None), ("RateLimit-Reset", None))
        )

    def told(
        self, exchange: Exchange, values: Sequence[int], resets: Sequence[int], counted: bool
    ) -> ErrorResponse | None:
        """Tell the client what remains; the refusal of a request that was not counted.

        The limit of which least remains is told as the one that rules, of several such the longest.
        """
        if self._hidden:
            return None if counted else ErrorResponse(self._code, self._message)
        told: list[str] = []
        least: float = -1
        tightest = 0
        for place, bound in enumerate(self._bounds):
            remaining = bound - values[place]
            if remaining < 0:
                remaining = 0
            told.append(str(remaining))
            if least < 0 or remaining <= least:
                least = remaining
                tightest = place
        reset = resets[tightest]
        if reset != self._reset:
            self._reset = reset
            self._reset_text = str(reset)
        told += (self._texts[tightest], told[tightest], self._reset_text)
        exchange.response.set_values(self._form, told)
        return None if counted else ErrorResponse(self._code, self._message, {"Retry-After": reset})
