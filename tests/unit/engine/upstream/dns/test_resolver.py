"""What the resolver remembers: for how long, for whom, and what serves while there is no new answer."""

import asyncio
from pathlib import Path

import pytest

from gateline.engine import tasks
from gateline.engine.upstream.dns import Endpoint, NameResolutionError, NotFoundError
from gateline.engine.upstream.dns import resolver as module
from gateline.engine.upstream.dns.message import Service, Type
from gateline.engine.upstream.dns.servers import ServerError
from unit.engine.upstream.dns.zones import Zone, run, zone

__all__ = ["zone"]

FAILURE = ServerError("dns server error: 2 server failure", silent=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "2001:db8::1"])
def test_address_is_its_own_answer(zone: Zone, address: str) -> None:
    async def main() -> None:
        assert await zone.resolver().addresses(address) == (address,)

    run(main)
    assert zone.asked == []


def test_answer_holds_as_long_as_it_says(zone: Zone) -> None:
    zone.set("a.test", Type.A, "192.0.2.1")

    async def main() -> None:
        resolver = zone.resolver()
        assert await resolver.addresses("a.test") == ("192.0.2.1",)
        asked = len(zone.asked)
        zone.set("a.test", Type.A, "192.0.2.2")
        zone.now += 59.9
        assert await resolver.addresses("a.test") == ("192.0.2.1",)
        assert len(zone.asked) == asked
        zone.now += 0.2
        assert await resolver.addresses("a.test") == ("192.0.2.2",)
        assert zone.asked[asked:] == [("a.test", Type.A)], "the type of before was not asked for first"

    run(main)


def test_type_of_before_is_not_preferred_without_last(zone: Zone) -> None:
    zone.set("a.test", Type.A, "192.0.2.1")

    async def main() -> None:
        resolver = zone.resolver(last_first=False)
        await resolver.look_up("a.test")
        zone.set("a.test", Type.SRV, Service(1, 1, 8080, "192.0.2.9"))
        zone.now += 61
        assert (await resolver.look_up("a.test")).endpoints == (Endpoint("192.0.2.9", 8080, 1, "192.0.2.9"),)

    run(main)


def test_ttl_can_be_overruled(zone: Zone) -> None:
    zone.set("a.test", Type.A, "192.0.2.1")

    async def main() -> None:
        resolver = zone.resolver(valid_ttl=300.0)
        await resolver.look_up("a.test")
        asked = len(zone.asked)
        zone.now += 299
        await resolver.look_up("a.test")
        assert len(zone.asked) == asked

    run(main)


def test_many_askers_share_one_look_up(zone: Zone) -> None:
    zone.set("a.test", Type.A, "192.0.2.1")

    async def main() -> None:
        resolver = zone.resolver(kinds=(Type.A,))
        await asyncio.gather(*(resolver.look_up("a.test") for _ in range(20)))
        assert len(zone.asked) == 1

    run(main)


def test_askers_that_do_not_share_ask_each(zone: Zone) -> None:
    zone.set("a.test", Type.A, "192.0.2.1")

    async def main() -> None:
        resolver = zone.resolver(kinds=(Type.A,), shared=False)
        await asyncio.gather(*(resolver.look_up("a.test") for _ in range(5)))
        assert len(zone.asked) == 5

    run(main)


def test_asker_that_gives_up_does_not_spoil_it_for_the_others(zone: Zone) -> None:
    zone.set("a.test", Type.A, "192.0.2.1")

    async def main() -> None:
        resolver = zone.resolver()
        first = tasks.start(resolver.addresses("a.test"), name="asker")
        second = tasks.start(resolver.addresses("a.test"), name="asker")
        await asyncio.sleep(0)
        first.cancel()
        assert await second == ("192.0.2.1",)

    run(main)


@pytest.mark.parametrize(("failure", "seconds"), [(None, 30.0), (FAILURE, 1.0)])
def test_failure_is_remembered(zone: Zone, failure: ServerError | None, seconds: float) -> None:
    zone.failure = failure

    async def main() -> None:
        resolver = zone.resolver(kinds=(Type.A,))
        for _ in range(3):
            with pytest.raises(NameResolutionError):
                await resolver.look_up("a.test")
        assert len(zone.asked) == 1
        zone.now += seconds + 0.1
        zone.failure = None
        zone.set("a.test", Type.A, "192.0.2.1")
        assert await resolver.addresses("a.test") == ("192.0.2.1",)

    run(main)


def test_failure_reaches_all_who_asked(zone: Zone) -> None:
    async def main() -> None:
        resolver = zone.resolver()
        results = await asyncio.gather(*(resolver.look_up("a.test") for _ in range(5)), return_exceptions=True)
        assert all(isinstance(result, NotFoundError) for result in results)
        assert len({id(result) for result in results}) == 5

    run(main)


def test_old_answer_serves_while_the_servers_fail(zone: Zone) -> None:
    zone.set("a.test", Type.A, "192.0.2.1")

    async def main() -> None:
        resolver = zone.resolver(kinds=(Type.A,), stale_ttl=100.0)
        await resolver.look_up("a.test")
        zone.failure = FAILURE
        zone.now += 61
        for _ in range(3):
            assert await resolver.addresses("a.test") == ("192.0.2.1",)
        assert len(zone.asked) == 2, "the failure was not remembered"
        zone.now += 98
        assert await resolver.addresses("a.test") == ("192.0.2.1",)
        zone.now += 2
        with pytest.raises(NameResolutionError):
            await resolver.look_up("a.test")

    run(main)


def test_old_answer_serves_while_the_new_one_takes_its_time(zone: Zone) -> None:
    zone.set("a.test", Type.A, "192.0.2.1")

    async def main() -> None:
        resolver = zone.resolver(kinds=(Type.A,))
        await resolver.look_up("a.test")
        zone.set("a.test", Type.A, "192.0.2.2")
        zone.held = asyncio.Event()
        zone.now += 61
        assert await resolver.addresses("a.test") == ("192.0.2.1",)
        zone.now += module.PATIENCE
        assert await resolver.addresses("a.test") == ("192.0.2.1",)
        assert len(zone.asked) == 2, "it was asked for twice"
        zone.held.set()
        for _ in range(100):
            await asyncio.sleep(0)
        assert await resolver.addresses("a.test") == ("192.0.2.2",)

    run(main)


def test_name_that_is_gone_serves_no_more(zone: Zone) -> None:
    zone.set("a.test", Type.A, "192.0.2.1")

    async def main() -> None:
        resolver = zone.resolver()
        await resolver.look_up("a.test")
        zone.set("a.test", Type.A)
        zone.now += 61
        with pytest.raises(NotFoundError):
            await resolver.look_up("a.test")

    run(main)


def test_memory_is_bounded(zone: Zone) -> None:
    async def main() -> None:
        resolver = zone.resolver(size=10)
        for number in range(50):
            with pytest.raises(NameResolutionError):
                await resolver.look_up(f"n{number}.test")
        assert len(resolver._cache) == 10

    run(main)


@pytest.mark.parametrize("name", ["localhost", "LocalHost.", "a.localhost"])
def test_localhost_is_this_machine(zone: Zone, name: str) -> None:
    async def main() -> None:
        assert await zone.resolver().addresses(name) == ("127.0.0.1",)
        assert await zone.resolver(kinds=(Type.AAAA, Type.A)).addresses(name) == ("::1",)

    run(main)
    assert zone.asked == []


@pytest.mark.parametrize("name", ["a.invalid", "", "a..b", "a" * 64, "a b"])
def test_what_can_have_no_address_is_not_asked_for(zone: Zone, name: str) -> None:
    async def main() -> None:
        with pytest.raises(NotFoundError):
            await zone.resolver().look_up(name)

    run(main)
    assert zone.asked == []


def test_name_in_another_script_is_asked_for_in_ascii(zone: Zone) -> None:
    zone.set("xn--bcher-kva.test", Type.A, "192.0.2.1")

    async def main() -> None:
        assert await zone.resolver().addresses("Bücher.test") == ("192.0.2.1",)

    run(main)


def test_hosts_file_goes_first_and_is_followed(zone: Zone, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("192.0.2.7 a.test\n2001:db8::7 a.test b.test\n")
    zone.set("a.test", Type.A, "192.0.2.1")
    zone.set("c.test", Type.A, "192.0.2.3")

    async def main() -> None:
        resolver = zone.resolver(hosts=hosts)
        assert await resolver.addresses("A.test") == ("192.0.2.7",)
        assert await resolver.addresses("b.test") == ("2001:db8::7",)
        assert zone.asked == []
        assert await resolver.addresses("c.test") == ("192.0.2.3",)
        hosts.write_text("192.0.2.8 a.test c.test\n")
        zone.now += module.FILES_INTERVAL
        assert await resolver.addresses("a.test") == ("192.0.2.8",)
        assert await resolver.addresses("c.test") == ("192.0.2.8",), "the old answer holds on"

    run(main)


def test_search_domains_come_from_the_system(zone: Zone, tmp_path: Path) -> None:
    system = tmp_path / "resolv.conf"
    system.write_text("search one.test two.test\n")
    zone.set("a.two.test", Type.A, "192.0.2.2")

    async def main() -> None:
        resolver = zone.resolver(system=system, kinds=(Type.A,))
        assert await resolver.addresses("a") == ("192.0.2.2",)
        assert [name for name, _ in zone.asked] == ["a.one.test", "a.two.test"]
        with pytest.raises(NotFoundError):
            await resolver.addresses("a.")
        system.write_text("search three.test\n")
        zone.now += module.FILES_INTERVAL
        zone.set("a.three.test", Type.A, "192.0.2.3")
        with pytest.raises(NotFoundError):
            await resolver.addresses("b")
        assert await resolver.addresses("a") == ("192.0.2.3",)

    run(main)


def test_service_names_alone_are_asked_for_services(zone: Zone) -> None:
    zone.set("_http._tcp.a.test", Type.SRV, Service(1, 1, 8080, "a.test"))
    zone.set("a.test", Type.SRV, Service(1, 1, 9999, "a.test"))
    zone.set("a.test", Type.A, "192.0.2.1")

    async def main() -> None:
        resolver = zone.resolver(services_by_name=True, kinds=(Type.A, Type.SRV))
        assert (await resolver.look_up("a.test")).endpoints == (Endpoint("192.0.2.1"),)
        assert (await resolver.look_up("_http._tcp.a.test")).endpoints == (Endpoint("192.0.2.1", 8080, 1, "a.test"),)

    run(main)


class _Subscriber:
    def __init__(self) -> None:
        self.told: asyncio.Queue[tuple[Endpoint, ...]] = asyncio.Queue()

    async def next(self) -> tuple[str, ...]:
        return tuple(endpoint.address for endpoint in await asyncio.wait_for(self.told.get(), 20))


def test_subscriber_is_told_of_other_addresses(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCH_INTERVAL", 0.0)
    zone.ttl = 0
    zone.set("a.test", Type.A, "192.0.2.1", "192.0.2.2")

    async def main() -> None:
        resolver = zone.resolver()
        subscriber = _Subscriber()
        endpoints = (await resolver.look_up("a.test")).endpoints
        subscription = resolver.subscribe("a.test", subscriber.told.put_nowait, endpoints)
        zone.set("a.test", Type.A, "192.0.2.2", "192.0.2.1")  # the same in another order
        asked = len(zone.asked)
        await zone.until_asked(asked + 3)
        assert subscriber.told.empty()
        zone.set("a.test", Type.A, "192.0.2.3")
        assert await subscriber.next() == ("192.0.2.3",)
        zone.failure = FAILURE
        await asyncio.sleep(0.05)
        zone.failure = None
        assert subscriber.told.empty(), "a failure is no news"
        zone.set("a.test", Type.A)
        assert await subscriber.next() == ()
        subscription.cancel()
        await asyncio.sleep(0.02)
        asked = len(zone.asked)
        zone.now += 100
        await asyncio.sleep(0.05)
        assert len(zone.asked) == asked, "nobody wants to know"

    run(main)


def test_subscriber_hears_of_a_changed_hosts_file(zone: Zone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILES_INTERVAL", 0.02)
    hosts = tmp_path / "hosts"
    zone.ttl = 3600
    zone.set("a.test", Type.A, "192.0.2.1")

    async def main() -> None:
        resolver = zone.resolver(hosts=hosts)
        subscriber = _Subscriber()
        endpoints = (await resolver.look_up("a.test")).endpoints
        subscription = resolver.subscribe("a.test", subscriber.told.put_nowait, endpoints)
        hosts.write_text("192.0.2.9 a.test\n")
        zone.now += 1
        assert await subscriber.next() == ("192.0.2.9",)
        subscription.cancel()

    run(main)
