"""Consistent hashing: a ring of slots, and for each slot the target that it belongs to.

A request's hash gives a slot, and the slot belongs to the target that bids most for it (weighted rendezvous hashing):
bids follow from the slot's number and the target's address alone. So the ring is the same in every worker and node,
needs no order in which targets came, and when a target goes, its slots go to others while all others stay. Who owns
a slot is worked out when a request asks for it; only of more than a few targets it is kept, in two bytes a slot.
"""

from array import array
from collections.abc import Sequence
from hashlib import blake2b
from math import log
from typing import TYPE_CHECKING
from zlib import crc32

from gateline.engine.upstream.balancer import Algorithm, CompiledTarget
from gateline.engine.upstream.hash_inputs import HashInputs

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange

__all__ = ["ConsistentHashing"]

FEW = 16
"""So many targets are asked for their bids each time: that is quick, and takes no memory."""
MANY = 65535
"""So many fit into two bytes; of more no owner is kept."""

_ALL = (1 << 64) - 1
_GAMMA = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB
_UNIT = 2.0**-53


class ConsistentHashing(Algorithm):
    """A ring of so many `slots`. Where there is nothing to hash, `otherwise` chooses."""

    __slots__ = ("_inputs", "_otherwise", "_owners", "_seeds", "_slots", "_targets")

    def __init__(self, targets: Sequence[CompiledTarget], slots: int, inputs: HashInputs, otherwise: Algorithm) -> None:
        self._targets = list(targets)
        self._slots = slots
        self._inputs = inputs
        self._otherwise = otherwise
        self._seeds: list[int] | None = None
        self._owners: array[int] | None = None

    def pick(self, exchange: "Exchange") -> CompiledTarget | None:
        """The owner of the request's slot; where that was tried, who would own it without those that were."""
        value = self._inputs.of(exchange)
        if value is None:
            return self._otherwise.pick(exchange)
        targets = self._targets
        if not targets:
            return None
        if self._seeds is None:
            self._begin()
        slot = _mixed(crc32(value)) % self._slots
        tried = exchange.tried
        if tried is not None:
            place = self._owner(slot, tried)
            return targets[place if place >= 0 else self._owner(slot, None)]
        if self._owners is None:
            return targets[self._owner(slot, None)]
        place = self._owners[slot] - 1
        if place < 0:
            place = self._owner(slot, None)
            self._owners[slot] = place + 1
        return targets[place]

    def fraction(self, exchange: "Exchange") -> float | None:
        """A number from 0 to 1 that is the same for the same hash; None where there is nothing to hash."""
        value = self._inputs.of(exchange)
        return None if value is None else (_mixed(crc32(value) + 1) >> 11) * _UNIT

    def _begin(self) -> None:
        self._seeds = [_seed(target) for target in self._targets]
        if FEW < len(self._targets) <= MANY:
            self._owners = array("H", bytes(2 * self._slots))

    def _owner(self, slot: int, tried: list[CompiledTarget] | None) -> int:
        """The place of the highest bidder that was not tried; -1 where all were."""
        seeds = self._seeds or []
        owner = -1
        highest = -1.0
        for place in range(len(self._targets)):
            target = self._targets[place]
            if tried is not None and target in tried:
                continue
            seed = seeds[place]
            chance = ((_mixed(seed ^ (slot * _FIRST & _ALL)) >> 11) + 0.5) * _UNIT
            bid = target.weight / -log(chance)
            if bid > highest:
                highest = bid
                owner = place
        return owner


def _seed(target: CompiledTarget) -> int:
    return int.from_bytes(blake2b(target.place.encode(), digest_size=8).digest(), "big")


def _mixed(number: int) -> int:
    """A 64-bit number, mixed well (SplitMix64's last step)."""
    number = (number + _GAMMA) & _ALL
    number = ((number ^ (number >> 30)) * _FIRST) & _ALL
    number = ((number ^ (number >> 27)) * _SECOND) & _ALL
    return number ^ (number >> 31)
