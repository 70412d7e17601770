"""Where the connections of a target lead: its address, or the places that its name stands for at the moment.

The places of a name take turns by their weights, so that requests are spread evenly over them however many connections
each has. A place that the name does not lead to any more is gone: its idle connections are closed, and a busy one when
its request is over. A place that does not take connections rests for a moment while the others serve.
"""

import asyncio
from random import randrange
from typing import TYPE_CHECKING

from gateline.engine.upstream.dns import Endpoint, NameResolutionError, Resolver, Subscription, is_address
from gateline.engine.upstream.health import place_key
from gateline.engine.upstream.turns import smooth_turns

if TYPE_CHECKING:
    from gateline.engine.streams import PooledStream
    from gateline.engine.upstream.pool import Target

__all__ = ["Place", "Places"]

REST = 5.0
"""Seconds for which a place that refused a connection, or did not answer, gets no turn while others have one."""
TRIES = 4
"""Places that one connection is tried at."""


class Place:
    """One address and port, and the idle connections to it.

    `gone`: no new request goes there. `host_line`: the end of the request line and the Host line of requests that are
    to name the host as its SRV record does; None where they name it as the target does.
    """

    __slots__ = ("address", "gone", "host_line", "idle", "port", "resting", "weight")

    def __init__(self, address: str, port: int, weight: int = 1) -> None:
        self.address = address
        self.port = port
        self.weight = weight
        self.gone = False
        self.resting = False
        self.host_line: bytes | None = None
        self.idle: list[PooledStream] = []

    def kept(self) -> "PooledStream | None":
        """An idle connection, the one used last first; None when there is none."""
        idle = self.idle
        while idle:
            connection = idle.pop()
            if connection.usable():
                return connection
        return None

    def leave(self) -> None:
        """The target is there no more."""
        self.gone = True
        idle, self.idle = self.idle, []
        for connection in idle:
            connection.close()


class Places:
    """The places of one target. `sole` is the only one, None while there are several, or none."""

    __slots__ = (
        "_among",
        "_endpoints",
        "_host",
        "_known",
        "_nowhere",
        "_order",
        "_port",
        "_resolver",
        "_srv_names",
        "_subscription",
        "_turn",
        "chosen",
        "retired",
        "sole",
    )

    def __init__(self, target: "Target", resolver: Resolver) -> None:
        self._host = target.host
        self._port = target.port
        self._among = target.among
        self._srv_names = target.srv_names
        self._resolver = resolver
        self._endpoints: tuple[Endpoint, ...] | None = None
        self._known: dict[tuple[str, int], Place] = {}
        self._order: list[Place] = []
        self._turn = 0
        self.retired = False
        self._subscription: Subscription | None = None
        self._nowhere = Place("", 0)
        self.chosen: Place | None = None
        self.sole: Place | None = None
        if is_address(target.host):
            self._endpoints = ()
            self.sole = Place(target.host, target.port)
            self._known[target.host, target.port] = self.sole

    def next(self) -> Place:
        """The place whose turn it is, which is then `chosen`; while none is known one without connections."""
        order = self._order
        if not order:
            self.chosen = None
            return self._nowhere
        turn = self._turn
        if turn >= len(order):
            turn = 0
        self._turn = turn + 1
        self.chosen = order[turn]
        return order[turn]

    async def to_try(self, first: Place | None) -> list[Place]:
        """Where to connect, in the order of trying; `first` is the one whose turn it is. Raises NameResolutionError."""
        if self.sole is not None and self._endpoints == ():
            return [self.sole]
        self.lead_to((await self._resolver.look_up(self._host)).endpoints)
        if self.sole is not None:
            return [self.sole]
        if not self._known:
            raise NameResolutionError(f"no address of {self._host} is healthy")
        if first is None or first.gone or first.resting:
            first = self.next()
        places = list(self._known.values())
        begin = places.index(first) if first in places else 0
        places = places[begin:] + places[:begin]
        places.sort(key=lambda place: place.resting)  # those that rest come last
        return places[:TRIES]

    def follow(self) -> None:
        """There are connections: hear of it when the name leads elsewhere."""
        if self._subscription is None and self._endpoints and not self.retired:
            self._subscription = self._resolver.subscribe(self._host, self.lead_to, self._endpoints)

    def unfollow(self) -> None:
        """There are none any more."""
        if self._subscription is not None:
            self._subscription.cancel()
            self._subscription = None

    def lead_to(self, endpoints: tuple[Endpoint, ...]) -> None:
        """The name leads to these endpoints now."""
        if endpoints is self._endpoints:
            return
        self._endpoints = endpoints or None
        before, self._known = self._known, {}
        for endpoint in endpoints:
            key = endpoint.address, endpoint.port or self._port
            if self._among is not None and not self._among.takes(place_key(*key, self._port)):
                continue
            place = before.pop(key, None) or Place(*key)
            place.weight = endpoint.weight
            place.gone = self.retired
            if self._srv_names and endpoint.name:
                place.host_line = _host_line(endpoint.name, key[1], self._srv_names)
            self._known[key] = place
        for place in before.values():
            place.leave()
        self._arrange()

    def rest(self, place: Place) -> None:
        """Give a place no turn for a moment: no connection came about there."""
        if len(self._known) > 1 and not place.resting:
            place.resting = True
            self._arrange()
            asyncio.get_running_loop().call_later(REST, self._rested, place)

    def retire(self) -> None:
        """The target is not used any more."""
        self.retired = True
        self.unfollow()
        for place in self._known.values():
            place.leave()

    def _rested(self, place: Place) -> None:
        place.resting = False
        self._arrange()

    def _arrange(self) -> None:
        places = list(self._known.values())
        self.sole = places[0] if len(places) == 1 else None
        awake = [place for place in places if not place.resting] or places
        self._order = [awake[turn] for turn in smooth_turns([place.weight for place in awake])]
        self._turn = randrange(len(self._order)) if self._order else 0  # noqa: S311 - no secret


def _host_line(name: str, port: int, default_port: int) -> bytes:
    authority = name if port == default_port else f"{name}:{port}"
    return f" HTTP/1.1\r\nHost: {authority}\r\n".encode()
