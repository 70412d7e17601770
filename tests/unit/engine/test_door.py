"""Who is let in, and who has stayed too long."""

from typing import cast

import pytest

from gateline.engine.door import ClientLimits, Crowd, Door
from gateline.engine.proxy import Proxy
from gateline.engine.wire.codec import Limits


class _Connection:
    def __init__(self, deadline: float = 0.0) -> None:
        self.deadline = deadline
        self.events: list[str] = []

    def timed_out(self, now: float) -> None:
        self.events.append(f"timed out at {now:g}")

    def drain(self) -> None:
        self.events.append("drain")

    def stop(self) -> None:
        self.events.append("stop")

    def idle(self) -> bool:
        return True


def _door(crowd: Crowd) -> Door:
    return Door(cast(Proxy, None), crowd, Limits(), port=8000, tls=False)


def test_door_lets_in_as_many_as_there_is_room_for() -> None:
    crowd = Crowd(ClientLimits(connections=2))
    first, second = _door(crowd), _door(crowd)
    connections = [_Connection() for _ in range(4)]
    assert [first.admit(connections[0]), second.admit(connections[1]), first.admit(connections[2])] == [
        True,
        True,
        False,
    ]
    first.left(connections[2])
    first.left(connections[0])
    assert first.admit(connections[3])
    assert crowd.accepted == 4


def test_leaving_twice_is_no_error() -> None:
    door = _door(Crowd(ClientLimits()))
    connection = _Connection()
    door.admit(connection)
    door.left(connection)
    door.left(connection)


@pytest.mark.parametrize(("deadline", "ended"), [(9.0, True), (10.0, True), (10.1, False), (float("inf"), False)])
def test_connection_is_ended_when_its_deadline_has_passed(deadline: float, ended: bool) -> None:
    crowd = Crowd(ClientLimits())
    connection = _Connection(deadline)
    _door(crowd).admit(connection)
    crowd.check_deadlines(10.0)
    assert connection.events == (["timed out at 10"] if ended else [])


def test_drain_and_stop_reach_everyone() -> None:
    crowd = Crowd(ClientLimits())
    door = _door(crowd)
    connections = [_Connection() for _ in range(3)]
    for connection in connections:
        door.admit(connection)
    crowd.drain()
    crowd.stop()
    assert crowd.draining
    assert [connection.events for connection in connections] == [["drain", "stop"]] * 3
