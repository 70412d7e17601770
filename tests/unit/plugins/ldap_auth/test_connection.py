"""What comes over a connection to a directory, in whatever pieces."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.plugins.ldap_auth.connection import Connection, DirectoryError
from gateline.plugins.ldap_auth.messages import Entry, Result
from harness.false_directory import SEARCH, entry, result


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.ended = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abort(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.ended


def searched(pieces: list[bytes]) -> tuple[Any, Wire]:
    """What a search gives to which these octets come, and the connection's other end."""

    async def run() -> Any:
        connection = Connection()
        connection.connection_made(wire)  # type: ignore[arg-type]
        task = asyncio.get_running_loop().create_task(connection.search("dc=test", "uid", "bob", most=10, seconds=1))
        await asyncio.sleep(0)
        for piece in pieces:
            connection.data_received(piece)
        connection.connection_lost(None)
        return (await asyncio.gather(task, return_exceptions=True))[0]

    wire = Wire()
    return asyncio.run(run()), wire


ANSWER = entry(1, "uid=a", mail="x") + entry(1, "uid=b" * 50) + result(1, SEARCH)
WANTED = (Result(0, ""), [Entry("uid=a", {"mail": [b"x"]}), Entry("uid=b" * 50, {})])


@given(st.lists(st.integers(0, len(ANSWER)), max_size=20))
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(ANSWER)]
    pieces = [ANSWER[start:end] for start, end in pairwise(places)]
    assert searched(pieces)[0] == WANTED


@given(st.lists(st.binary(max_size=60), max_size=10))
def test_any_octets_are_an_answer_or_an_error(pieces: list[bytes]) -> None:
    assert isinstance(searched(pieces)[0], DirectoryError)


@given(st.integers(0, len(ANSWER) - 1), st.integers(1, 255))
def test_an_answer_with_a_changed_octet_is_another_answer_or_an_error(place: int, change: int) -> None:
    changed = ANSWER[:place] + bytes((ANSWER[place] ^ change,)) + ANSWER[place + 1 :]
    assert isinstance(searched([changed])[0], DirectoryError | tuple)


def test_octets_after_an_error_are_not_looked_at() -> None:
    answer, wire = searched([b"HTTP/1.1 200 OK", ANSWER])
    assert isinstance(answer, DirectoryError)
    assert wire.ended


def test_nothing_is_asked_on_a_connection_that_is_gone() -> None:
    async def run() -> None:
        connection = Connection()
        connection.connection_made(Wire())  # type: ignore[arg-type]
        connection.connection_lost(OSError("x"))
        with pytest.raises(DirectoryError):
            await connection.bind("uid=bob", "x")

    asyncio.run(run())
