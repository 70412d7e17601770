"""Names to addresses: cached, shared, rotated, and served stale when the name server is gone."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gateline.engine.upstream import dns
from gateline.engine.upstream.dns import NameResolutionError, Resolver
from gateline.engine.upstream.health import Addresses


class _NameServer:
    """Stands in for the system's resolver, and for the clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked: list[str] = []
        self.answers: dict[str, list[str]] = {}

    async def getaddrinfo(self, host: str, port: None, **options: Any) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        await asyncio.sleep(0)
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in self.answers[host]]


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> _NameServer:
    server = _NameServer()
    monkeypatch.setattr(dns, "monotonic", lambda: server.now)
    return server


def _run(server: _NameServer, main: Callable[[Resolver], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.__dict__["getaddrinfo"] = server.getaddrinfo
        await main(Resolver())

    asyncio.run(run())


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "2001:db8::1"])
def test_address_is_its_own_answer(name_server: _NameServer, address: str) -> None:
    async def main(resolver: Resolver) -> None:
        assert await resolver.resolve(address) == address

    _run(name_server, main)
    assert name_server.asked == []


def test_answer_is_kept_for_its_time(name_server: _NameServer) -> None:
    name_server.answers["a.test"] = ["1.1.1.1"]

    async def main(resolver: Resolver) -> None:
        assert await resolver.resolve("a.test") == "1.1.1.1"
        name_server.now += dns.TTL - 0.1
        assert await resolver.resolve("a.test") == "1.1.1.1"
        assert len(name_server.asked) == 1
        name_server.answers["a.test"] = ["2.2.2.2"]
        name_server.now += 0.2
        assert await resolver.resolve("a.test") == "2.2.2.2"

    _run(name_server, main)
    assert len(name_server.asked) == 2


def test_addresses_take_turns(name_server: _NameServer) -> None:
    name_server.answers["a.test"] = ["1.1.1.1", "2.2.2.2", "1.1.1.1"]

    async def main(resolver: Resolver) -> None:
        found = [await resolver.resolve("a.test") for _ in range(4)]
        assert sorted(found) == ["1.1.1.1", "1.1.1.1", "2.2.2.2", "2.2.2.2"]

    _run(name_server, main)


def test_ipv4_goes_before_ipv6(name_server: _NameServer) -> None:
    name_server.answers["a.test"] = ["::1", "1.1.1.1"]
    name_server.answers["b.test"] = ["::1"]

    async def main(resolver: Resolver) -> None:
        assert {await resolver.resolve("a.test") for _ in range(4)} == {"1.1.1.1"}
        assert await resolver.resolve("b.test") == "::1"

    _run(name_server, main)


def test_many_askers_share_one_look_up(name_server: _NameServer) -> None:
    name_server.answers["a.test"] = ["1.1.1.1"]

    async def main(resolver: Resolver) -> None:
        assert set(await asyncio.gather(*(resolver.resolve("a.test") for _ in range(20)))) == {"1.1.1.1"}

    _run(name_server, main)
    assert len(name_server.asked) == 1


def test_asker_that_gives_up_does_not_spoil_it_for_the_others(name_server: _NameServer) -> None:
    name_server.answers["a.test"] = ["1.1.1.1"]

    async def main(resolver: Resolver) -> None:
        first = asyncio.get_running_loop().create_task(resolver.resolve("a.test"))
        second = asyncio.get_running_loop().create_task(resolver.resolve("a.test"))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == "1.1.1.1"

    _run(name_server, main)


def test_failure_is_remembered_for_a_moment(name_server: _NameServer) -> None:
    async def main(resolver: Resolver) -> None:
        for _ in range(3):
            with pytest.raises(NameResolutionError):
                await resolver.resolve("none.test")
        assert len(name_server.asked) == 1
        name_server.now += dns.NEGATIVE_TTL + 0.1
        name_server.answers["none.test"] = ["1.1.1.1"]
        assert await resolver.resolve("none.test") == "1.1.1.1"

    _run(name_server, main)


def test_failure_reaches_all_who_asked(name_server: _NameServer) -> None:
    async def main(resolver: Resolver) -> None:
        results = await asyncio.gather(*(resolver.resolve("none.test") for _ in range(5)), return_exceptions=True)
        assert all(isinstance(result, NameResolutionError) for result in results)

    _run(name_server, main)
    assert len(name_server.asked) == 1


def test_old_answer_serves_on_when_the_name_server_is_gone(name_server: _NameServer) -> None:
    name_server.answers["a.test"] = ["1.1.1.1"]

    async def main(resolver: Resolver) -> None:
        await resolver.resolve("a.test")
        del name_server.answers["a.test"]
        name_server.now += dns.TTL + 1
        for _ in range(3):
            assert await resolver.resolve("a.test") == "1.1.1.1"
        assert len(name_server.asked) == 2, "the failure was not remembered"
        name_server.now += dns.STALE
        with pytest.raises(NameResolutionError):
            await resolver.resolve("a.test")

    _run(name_server, main)


def test_memory_of_failures_is_bounded(name_server: _NameServer) -> None:
    async def main(resolver: Resolver) -> None:
        for number in range(1500):
            with pytest.raises(NameResolutionError):
                await resolver.resolve(f"n{number}.test")
        assert len(resolver._failures) <= 1001

    _run(name_server, main)


def test_only_healthy_addresses_are_given(name_server: _NameServer) -> None:
    name_server.answers["a.test"] = ["1.1.1.1", "2.2.2.2", "3.3.3.3"]

    async def main(resolver: Resolver) -> None:
        assert await resolver.addresses("a.test") == ("1.1.1.1", "2.2.2.2", "3.3.3.3")
        but_one = Addresses(others=frozenset({"2.2.2.2"}))
        assert {await resolver.resolve("a.test", but_one) for _ in range(6)} == {"1.1.1.1", "3.3.3.3"}
        only_one = Addresses(healthy=False, others=frozenset({"2.2.2.2"}))
        assert {await resolver.resolve("a.test", only_one) for _ in range(6)} == {"2.2.2.2"}
        with pytest.raises(NameResolutionError):
            await resolver.resolve("a.test", Addresses(healthy=False))
        assert await resolver.addresses("::1") == ("::1",)

    _run(name_server, main)
    assert len(name_server.asked) == 1
