"""The limits that hold for a request together: as quotas, and as clients are told them."""

import math
from collections.abc import Sequence
from random import random
from typing import Any

from gateline.pdk import Exchange, HeaderForm
from gateline.plugins.limits.budget import SECOND, Algorithm, Quota, Quotas, Verdict

__all__ = ["ALGORITHMS", "Plan", "label_of", "too_long"]

ALGORITHMS = {
    "sliding-window": Algorithm.SLIDING,
    "fixed-window": Algorithm.FIXED,
    "token-bucket": Algorithm.BUCKET,
    "gcra": Algorithm.BUCKET,
}
"""What `algorithm` may be. A token bucket and GCRA are one rule, thought of in two ways."""

_WINDOWS: dict[float, str] = {
    1: "Second",
    60: "Minute",
    3600: "Hour",
    86400: "Day",
    2592000: "Month",
    31536000: "Year",
}
"""As Kong calls them."""
_LONGEST = 2**61 // SECOND
_MOST = 2**40


class Plan:
    """Limits in the order of their windows, shorter ones first. `config` has the fields that say them."""

    def __init__(self, config: Any, *, penalty: bool) -> None:
        default = getattr(config, "algorithm", None) or f"{config.window_type}-window"
        burst = getattr(config, "burst", None)
        pairs = zip(config.limit or (), config.window_size or (), strict=True)
        each = [(window, limit, default, burst, None) for limit, window in pairs]
        each += [(one.window_size, one.limit, one.algorithm, one.burst, one.name) for one in config.limits]
        each.sort(key=lambda one: one[0])
        self.quotas = Quotas(_quota(limit, window, name, most, penalty) for window, limit, name, most, _ in each)
        labels = [label_of(window, name) for window, _, _, _, name in each]
        self._labels = tuple(labels)
        self._limits = tuple(
            (str(quota.most), f'"{label.lower()}"') for label, quota in zip(labels, self.quotas, strict=True)
        )
        self._form = self._told_as(labels)
        self._jitter = config.retry_after_jitter_max

    def overshoots(self, part: float) -> list[tuple[str, int]]:
        """By how much each limit may be exceeded where nodes hold a part of it in advance: buckets, windows never."""
        return [
            (label, max(1, int(quota.most * part)) if part and quota.algorithm is Algorithm.BUCKET else 0)
            for label, quota in zip(self._labels, self.quotas, strict=True)
        ]

    def _told_as(self, labels: Sequence[str]) -> HeaderForm:
        """The headers, without what changes from request to request."""
        lines: list[tuple[str, str | None]] = []
        policies = []
        for label, quota in zip(labels, self.quotas, strict=True):
            lines.append((f"X-RateLimit-Limit-{label}", str(quota.most)))
            lines.append((f"X-RateLimit-Remaining-{label}", None))
            policies.append(f'"{label.lower()}";q={quota.amount};w={math.ceil(quota.window / SECOND)}')
        lines += [(name, None) for name in ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")]
        return HeaderForm((*lines, ("RateLimit-Policy", ", ".join(policies)), ("RateLimit", None)))

    def tell(self, exchange: Exchange, verdict: Verdict) -> None:
        """Tell the client how it stands with its limits."""
        least, chosen, reset = -1, "", 0
        told = []
        states = []
        for (limit, name), standing in zip(self._limits, verdict.standings, strict=True):
            remaining = standing.remaining
            told.append(str(remaining))
            until = _whole(standing.retry or standing.reset)
            states.append(f"{name};r={remaining};t={until}")
            if least < 0 or remaining < least or (remaining == least and until >= reset):
                least, chosen, reset = remaining, limit, until
        told += (chosen, str(least), str(reset if verdict.admitted else retry_of(verdict)), ", ".join(states))
        exchange.response.set_values(self._form, told)

    def retry_after(self, verdict: Verdict) -> int:
        """Whole seconds after which a client that was refused shall come again."""
        wait = retry_of(verdict)
        return wait + math.ceil(self._jitter * random()) if self._jitter else wait  # noqa: S311 - no secret


def retry_of(verdict: Verdict) -> int:
    """Whole seconds after which the request would be admitted, at least 1."""
    return _whole(max(standing.retry for standing in verdict.standings))


def label_of(window: float, name: str | None = None) -> str:
    """What headers call a limit: its name, or that of its window."""
    return name or _WINDOWS.get(window, _text(window))


def too_long(limit: float, window: float, burst: int | None) -> bool:
    """Whether a window, or the time in which a bucket gets full, is longer than can be counted."""
    return window > _LONGEST or (burst or math.ceil(limit)) / limit * window > _LONGEST


def _text(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _whole(seconds: float) -> int:
    return max(math.ceil(seconds), 1)


def _quota(limit: float, window: float, name: str, burst: int | None, penalty: bool) -> Quota:
    algorithm = ALGORITHMS[name]
    length = max(round(window * SECOND), 1)
    if algorithm is not Algorithm.BUCKET:
        return Quota(algorithm, int(min(limit, _MOST)), length, penalty=penalty and algorithm is Algorithm.SLIDING)
    size = min(burst or math.ceil(limit), _MOST)
    if limit == int(limit):
        return Quota(algorithm, int(min(limit, _MOST)), length, size)
    return Quota(algorithm, 1, math.ceil(length / limit), size)
