"""Connecting to several places of which some do not answer, or refuse."""

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack

import pytest

from gateline.engine.streams import PooledStream
from gateline.engine.upstream import racing
from gateline.engine.upstream.places import Place
from gateline.engine.upstream.racing import alternating, race


class Failures:
    """The places that a race found to be of no use, and why."""

    def __init__(self) -> None:
        self.of: list[tuple[Place, type[OSError] | None]] = []

    def __call__(self, place: Place, error: OSError | None) -> None:
        self.of.append((place, None if error is None else type(error)))


@pytest.fixture
def silent() -> Iterator[Place]:
    """A place where nobody answers: its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as stack:
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield Place("127.0.0.1", full.getsockname()[1])


@pytest.fixture
def refusing() -> Place:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return Place("127.0.0.1", gone.getsockname()[1])


@pytest.fixture
def taking() -> Iterator[Place]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Place("127.0.0.1", server.getsockname()[1])


def raced(scene: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(60):
            await scene()
        while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110 - attempts that were called off
            await asyncio.sleep(0)

    asyncio.run(main())


def test_families_take_turns_and_places_that_rest_come_last() -> None:
    a, b, c, d, e = (Place(address, 80) for address in ("2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2", "::1"))
    assert list(alternating([a, b, c, d])) == [a, c, b, d]
    assert list(alternating([c, d, a])) == [c, a, d]
    d.resting = e.resting = True
    assert list(alternating([a, b, d, e])) == [a, b, d, e]


def test_the_next_begins_beside_one_that_does_not_answer(silent: Place, taking: Place) -> None:
    async def scene() -> None:
        failures = Failures()
        place, made = await race(deque([silent, taking]), failures)
        assert place is taking
        assert isinstance(made, socket.socket)
        assert made.getpeername() == (taking.address, taking.port)
        made.close()
        assert failures.of == [(silent, None)], "it was overtaken"

    raced(scene)


def test_one_that_refuses_is_followed_at_once(refusing: Place, taking: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(racing, "STAGGER", 600.0)

    async def scene() -> None:
        failures = Failures()
        left = deque([refusing, taking, refusing])
        place, made = await race(left, failures)
        assert place is taking
        assert isinstance(made, socket.socket)
        made.close()
        assert failures.of == [(refusing, ConnectionRefusedError)]
        assert list(left) == [refusing], "what was not needed was not tried"

    raced(scene)


def test_a_kept_connection_at_a_later_place_is_taken(silent: Place, taking: Place) -> None:
    async def scene() -> None:
        class Kept(PooledStream):
            def usable(self) -> bool:
                return True

        kept = Kept()
        taking.idle.append(kept)
        won: object = await race(deque([silent, taking]), Failures())
        assert won == (taking, kept)

    raced(scene)


def test_where_all_refuse_the_last_error_is_told(refusing: Place) -> None:
    async def scene() -> None:
        failures = Failures()
        with pytest.raises(ConnectionRefusedError):
            await race(deque([refusing, refusing]), failures)
        assert failures.of == [(refusing, ConnectionRefusedError)]

    raced(scene)


def test_a_race_that_is_called_off_leaves_nothing_behind(silent: Place) -> None:
    async def scene() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await race(deque([silent, silent]), Failures())

    raced(scene)
