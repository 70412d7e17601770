"""A timing wheel: things by the time when they are due. To add one and to take one out costs the same however many
there are, where a heap of tens of thousands costs more than what is done with its first.

Pure: the clock is told.
"""

from typing import Any

__all__ = ["Wheel"]


class Wheel:
    """Things in slots of `grain` seconds. None is due too early; one may be due a grain late."""

    __slots__ = ("_grain", "_next", "_slots")

    def __init__(self, grain: float) -> None:
        self._grain = grain
        self._next = 0
        self._slots: dict[int, dict[Any, None]] = {}

    def add(self, what: Any, when: float) -> int:
        """Let a thing be due at a time; its slot, for `discard`."""
        slot = int(when / self._grain) + 1
        if slot < self._next or not self._slots:
            self._next = slot
        there = self._slots.get(slot)
        if there is None:
            there = self._slots[slot] = {}
        there[what] = None
        return slot

    def discard(self, what: Any, slot: int) -> None:
        """Take a thing out, if it is there."""
        there = self._slots.get(slot)
        if there is not None:
            there.pop(what, None)

    def due(self, now: float) -> list[Any]:
        """Take out what is due, in the order of the slots."""
        last = int(now / self._grain)
        found: list[Any] = []
        slots = self._slots
        while slots and self._next <= last:
            there = slots.pop(self._next, None)
            if there is not None:
                found += there
            self._next += 1
        return found
