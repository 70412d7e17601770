"""Connecting to one of several places: attempts that begin a moment apart, addresses of both families in turn, of which
the first one that is connected wins (Happy Eyeballs, RFC 8305, sections 4 and 5).
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from gateline.engine import tasks

if TYPE_CHECKING:
    from gateline.engine.streams import PooledStream
    from gateline.engine.upstream.places import Place

__all__ = ["alternating", "race"]

STAGGER = 0.25
"""Seconds that an attempt has alone before the next one begins beside it, as the RFC recommends."""


def alternating(places: "Iterable[Place]") -> "deque[Place]":
    """Places in the order of trying: the first stays it, families take turns, and those that rest come last."""
    places = list(places)
    awake = [place for place in places if not place.resting]
    return deque([*_alternating(awake), *_alternating([place for place in places if place.resting])])


def _alternating(places: "list[Place]") -> "Iterator[Place]":
    like = [place for place in places if _family(place) == _family(places[0])]
    others = [place for place in places if _family(place) != _family(places[0])]
    return (place for place in chain.from_iterable(zip_longest(like, others)) if place is not None)


async def race(
    left: "deque[Place]", failed: "Callable[[Place, OSError | None], None]"
) -> "tuple[Place, socket.socket | PooledStream]":
    """A place, and a socket that is connected there or, at a later one, a connection that was kept.

    Takes the places that it tries out of `left`. `failed` hears of those that are of no use now: one that takes no
    connection, or that another one has overtaken (None). Raises OSError, the last one's, when there is no other left.
    """
    attempts: dict[asyncio.Task[socket.socket | OSError], Place] = {}
    first = True
    try:
        while True:
            if left:
                place = left.popleft()
                if not first and (kept := place.kept()) is not None:
                    return place, kept
                first = False
                attempts[tasks.start(_attempt(place), name=f"connect to {place.address}")] = place
            ended, _ = await asyncio.wait(
                attempts, timeout=STAGGER if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            overtaken: list[Place] = []
            for task, place in list(attempts.items()):  # in the order in which they began
                if task not in ended:
                    overtaken.append(place)
                    continue
                del attempts[task]
                outcome = task.result()
                if isinstance(outcome, socket.socket):
                    for one in overtaken:
                        failed(one, None)
                    return place, outcome
                if not (attempts or left):
                    raise outcome
                failed(place, outcome)
    finally:
        for task in attempts:
            task.cancel()
            task.add_done_callback(_discarded)


async def _attempt(place: "Place") -> socket.socket | OSError:
    """A socket that is connected to a place, or why there is none."""
    try:
        made = socket.socket(_family(place), socket.SOCK_STREAM)
    except OSError as error:
        return error
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, (place.address, place.port))
    except OSError as error:
        made.close()
        return error
    except asyncio.CancelledError:
        made.close()
        raise
    return made


def _discarded(task: "asyncio.Task[socket.socket | OSError]") -> None:
    """An attempt that nobody waits for has ended."""
    if not task.cancelled() and isinstance(outcome := task.result(), socket.socket):
        outcome.close()


def _family(place: "Place") -> int:
    return socket.AF_INET6 if ":" in place.address else socket.AF_INET
