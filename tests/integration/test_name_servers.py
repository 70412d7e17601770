"""Asking name servers over real sockets: the well-behaved, the slow, the silent, and those that lie."""

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest
import uvloop

from gateline.engine.upstream.dns.files import ResolverConfiguration
from gateline.engine.upstream.dns.message import RECORDS, Message, Type
from gateline.engine.upstream.dns.servers import NameServers, ServerError
from harness.name_server import NameServer, Question, answer_to

ZONE = {("a.test", "A"): ["192.0.2.1", "192.0.2.2"]}


@pytest.fixture
def server() -> Iterator[NameServer]:
    with NameServer(dict(ZONE)) as running:
        yield running


def _names(*servers: NameServer, timeout: float = 5.0, **options: Any) -> NameServers:
    places = tuple(("127.0.0.1", server.port) for server in servers)
    return NameServers(lambda: ResolverConfiguration(places, timeout=timeout, **options))


def _run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def _ask(names: NameServers, name: str = "a.test", kind: Type = Type.A) -> Message:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(names.ask(name, kind))


def _data(message: Message) -> list[Any]:
    return sorted(record.data for record in message.records)


def test_question_is_answered(server: NameServer) -> None:
    assert _data(_ask(_names(server))) == ["192.0.2.1", "192.0.2.2"]
    assert _ask(_names(server), "none.test").code == 3
    assert not any(question.tcp for question in server.asked)


def test_answer_that_does_not_fit_is_fetched_over_tcp(server: NameServer) -> None:
    server.set("big.test", "A", *(f"192.0.{number // 250}.{number % 250}" for number in range(500)))
    assert len(_ask(_names(server), "big.test").records) == 500
    assert [question.tcp for question in server.asked] == [False, True]


def test_tcp_alone_is_spoken_where_that_is_wanted(server: NameServer) -> None:
    assert len(_ask(_names(server, stream=True)).records) == 2
    assert [question.tcp for question in server.asked] == [True]


def test_of_a_huge_answer_no_more_than_enough_is_read(server: NameServer) -> None:
    server.set("big.test", "A", *(f"10.0.{number // 250}.{number % 250}" for number in range(3000)))
    assert len(_ask(_names(server), "big.test").records) == RECORDS


def _with(question: Question, **changes: Any) -> bytes:
    message = answer_to(question, {("a.test", "A"): ["203.0.113.66"], ("b.test", "A"): ["203.0.113.66"]})
    for name, value in changes.items():
        setattr(message, name, value)
    return message.to_wire()


def _of_another_name(question: Question) -> bytes:
    other = dns.message.make_query("b.test", "A", id=question.message.id)
    return _with(Question(other.to_wire(), False))


LIES: dict[str, Callable[[Question], bytes]] = {
    "nothing": lambda question: b"",
    "garbage": lambda question: b"\xff" * 40,
    "another id": lambda question: _with(question, id=question.message.id ^ 1),
    "another name": _of_another_name,
    "a question": lambda question: question.message.to_wire(),
    "cut off": lambda question: _with(question)[:-3],
    "a loop": lambda question: _with(question)[:24] + b"\xc0\x18" + _with(question)[26:],
}


@pytest.mark.parametrize("lie", LIES)
def test_forged_answer_before_the_right_one_is_passed_over(server: NameServer, lie: str) -> None:
    server.script = lambda question: [LIES[lie](question), answer_to(question, ZONE).to_wire()]
    assert _data(_ask(_names(server))) == ["192.0.2.1", "192.0.2.2"]


@pytest.mark.parametrize("lie", LIES)
def test_server_that_only_lies_is_given_up(server: NameServer, lie: str) -> None:
    server.script = lambda question: [LIES[lie](question)] * 100
    with pytest.raises(ServerError) as caught:
        _ask(_names(server, timeout=0.5, attempts=1))
    assert caught.value.silent


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTIMP, dns.rcode.FORMERR])
def test_server_that_fails_is_followed_by_the_next(server: NameServer, code: dns.rcode.Rcode) -> None:
    def fail(question: Question) -> Sequence[bytes]:
        message = dns.message.make_response(question.message)
        message.set_rcode(code)
        return [message.to_wire()]

    with NameServer(script=fail) as bad:
        assert len(_ask(_names(bad, server)).records) == 2
        with pytest.raises(ServerError, match=f"dns server error: {int(code)}") as caught:
            _ask(_names(bad))
        assert not caught.value.silent


def test_server_that_is_silent_is_followed_by_the_next_and_asked_last(server: NameServer) -> None:
    with NameServer() as silent:
        silent.silent = True
        names = _names(silent, server, timeout=0.5)

        async def main() -> None:
            for _ in range(3):
                assert len((await names.ask("a.test", Type.A)).records) == 2

        _run(main)
        assert (len(silent.asked), len(server.asked)) == (1, 3)


def test_servers_take_turns_where_that_is_wanted(server: NameServer) -> None:
    with NameServer(dict(ZONE)) as other:
        names = _names(server, other, rotate=True)

        async def main() -> None:
            for _ in range(6):
                await names.ask("a.test", Type.A)

        _run(main)
        assert (len(server.asked), len(other.asked)) == (3, 3)


def test_silence_ends_after_the_attempts(server: NameServer) -> None:
    server.silent = True
    with pytest.raises(ServerError, match="does not answer") as caught:
        _ask(_names(server, timeout=0.1, attempts=3))
    assert caught.value.silent
    server.until_asked(3)


def test_server_that_is_not_there_fails_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    names = NameServers(lambda: ResolverConfiguration((("127.0.0.1", port),), timeout=30.0))
    with pytest.raises(ServerError):
        _ask(names)


def test_every_question_has_an_identity_and_a_port_of_its_own(server: NameServer) -> None:
    names = _names(server)

    async def main() -> None:
        await asyncio.gather(*(names.ask("a.test", Type.A) for _ in range(20)))

    _run(main)
    identities = {question.message.id for question in server.asked}
    assert len(identities) > 15, identities


def test_loop_serves_others_while_a_server_is_silent(server: NameServer, caplog: pytest.LogCaptureFixture) -> None:
    server.silent = True
    names = _names(server, timeout=0.5, attempts=1)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_debug(True)
        loop.slow_callback_duration = 0.4  # whoever waited for the server in a callback would take longer
        with pytest.raises(ServerError):
            await names.ask("a.test", Type.A)

    with caplog.at_level(logging.WARNING, "asyncio"), asyncio.Runner() as runner:
        runner.run(main())
    assert not [record for record in caplog.records if "took" in record.getMessage()]
