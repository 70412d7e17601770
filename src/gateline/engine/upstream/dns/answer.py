"""What a name leads to: addresses, of SRV records with ports and shares, and how long that holds."""

from collections.abc import Iterable, Sequence
from math import lcm
from typing import NamedTuple

__all__ = ["Answer", "Endpoint", "NameResolutionError", "NotFoundError", "shared_out"]

ENDPOINTS = 1000
"""Endpoints of one name; more are left out."""


class NameResolutionError(Exception):
    """A name has no address, or none that can be found out; the text says why."""


class NotFoundError(NameResolutionError):
    """There is no such name, or it has no address: what the name servers say, not a failure to ask them."""


class Endpoint(NamedTuple):
    """One place that a name leads to; `port` 0 where the records tell none.

    `weight`: its share of requests beside the others'; `name`: the target of the SRV record that it comes from.
    """

    address: str
    port: int = 0
    weight: int = 1
    name: str = ""


class Answer(NamedTuple):
    """The endpoints of a name, one at least, none twice; `ttl` in seconds."""

    endpoints: tuple[Endpoint, ...]
    ttl: float

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses alone."""
        return tuple(dict.fromkeys(endpoint.address for endpoint in self.endpoints))


def shared_out(groups: Iterable[tuple[int, int, str, Sequence[str]]]) -> tuple[Endpoint, ...]:
    """Endpoints of SRV records: (weight, port, name, the name's addresses) each.

    The weight of a record is shared by its addresses; 0 counts as 1, as Kong has it.
    """
    groups = [group for group in groups if group[3]]
    parts = min(lcm(*(len(addresses) for _, _, _, addresses in groups)), 5040)
    weights: dict[tuple[str, int], Endpoint] = {}
    for weight, port, name, addresses in groups:
        share = max(1, max(weight, 1) * parts // len(addresses))
        for address in addresses:
            known = weights.get((address, port))
            total = share + (known.weight if known is not None else 0)
            weights[address, port] = Endpoint(address, port, total, name)
    return tuple(weights.values())[:ENDPOINTS]
