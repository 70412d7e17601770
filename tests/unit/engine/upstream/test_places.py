"""The places that a name stands for: even turns, what is gone, what rests."""

import asyncio
from collections import Counter

import pytest

from gateline.engine.upstream import places as module
from gateline.engine.upstream.dns import Endpoint, NameResolutionError, Resolver
from gateline.engine.upstream.dns.message import Service, Type
from gateline.engine.upstream.health import Addresses
from gateline.engine.upstream.places import Place, Places
from gateline.engine.upstream.pool import Target
from unit.engine.upstream.dns.zones import Zone, run, zone

__all__ = ["zone"]


class _Connection:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


def _places(zone: Zone, **target: object) -> Places:
    return Places(Target("a.test", 80, **target), zone.resolver())  # type: ignore[arg-type]


def _turns(places: Places, count: int) -> Counter[str]:
    return Counter(places.next().address for _ in range(count))


def _sole(places: Places) -> Place | None:
    return places.sole


async def _known(places: Places) -> list[str]:
    return [place.address for place in await places.to_try(None)]


def test_address_is_the_only_place(zone: Zone) -> None:
    async def main() -> None:
        places = Places(Target("192.0.2.1", 81), zone.resolver())
        assert places.sole is not None
        assert (places.sole.address, places.sole.port) == ("192.0.2.1", 81)
        assert await places.to_try(None) == [places.sole]

    run(main)


def test_name_with_one_address_has_one_place(zone: Zone) -> None:
    zone.set("a.test", Type.A, "192.0.2.1")

    async def main() -> None:
        places = _places(zone)
        assert places.sole is None
        assert places.next().idle == []
        assert await _known(places) == ["192.0.2.1"]
        assert places.sole is not None

    run(main)


def test_addresses_take_even_turns(zone: Zone) -> None:
    zone.set("a.test", Type.A, "192.0.2.1", "192.0.2.2", "192.0.2.3")

    async def main() -> None:
        places = _places(zone)
        await _known(places)
        assert _turns(places, 30) == {"192.0.2.1": 10, "192.0.2.2": 10, "192.0.2.3": 10}
        assert places.chosen is not None

    run(main)


def test_service_records_take_turns_by_weight_at_their_ports(zone: Zone) -> None:
    zone.set("a.test", Type.SRV, Service(1, 3, 8001, "one.test"), Service(1, 1, 80, "two.test"))
    zone.set("one.test", Type.A, "192.0.2.1")
    zone.set("two.test", Type.A, "192.0.2.2")

    async def main() -> None:
        places = _places(zone, srv_names=80)
        tried = await places.to_try(None)
        assert sorted((place.address, place.port, place.host_line) for place in tried) == [
            ("192.0.2.1", 8001, b" HTTP/1.1\r\nHost: one.test:8001\r\n"),
            ("192.0.2.2", 80, b" HTTP/1.1\r\nHost: two.test\r\n"),
        ]
        assert _turns(places, 40) == {"192.0.2.1": 30, "192.0.2.2": 10}
        assert all(place.host_line is None for place in await _places(zone).to_try(None))

    run(main)


def test_places_that_stay_are_kept_and_others_are_gone(zone: Zone) -> None:
    async def main() -> None:
        places = _places(zone)
        places.lead_to((Endpoint("192.0.2.1"), Endpoint("192.0.2.2")))
        first, second = places.next(), places.next()
        idle = _Connection()
        first.idle.append(idle)  # type: ignore[arg-type]
        places.lead_to((Endpoint(second.address), Endpoint("192.0.2.3")))
        assert (first.gone, idle.closed, second.gone) == (True, True, False)
        assert _turns(places, 10) == {second.address: 5, "192.0.2.3": 5}
        places.lead_to((Endpoint(second.address),))
        assert places.sole is second
        places.lead_to(())
        assert _sole(places) is None
        assert second.gone
        assert places.next().idle == []

    run(main)


def test_unhealthy_addresses_are_no_places(zone: Zone) -> None:
    zone.set("a.test", Type.A, "192.0.2.1", "192.0.2.2")

    async def main() -> None:
        healthy = _places(zone, among=Addresses(others=frozenset({"192.0.2.1"})))
        assert await _known(healthy) == ["192.0.2.2"]
        with pytest.raises(NameResolutionError, match=r"no address of a\.test is healthy"):
            await _known(_places(zone, among=Addresses(healthy=False)))

    run(main)


def test_health_is_of_an_address_and_a_port() -> None:
    endpoints = tuple(Endpoint(address, port) for address in ("192.0.2.1", "2001:db8::1") for port in (80, 81, 82))

    async def main() -> None:
        others = frozenset({"192.0.2.1", "192.0.2.1:82", "[2001:db8::1]:81"})
        places = Places(Target("a.test", 80, among=Addresses(healthy=False, others=others)), Resolver())
        places.lead_to(endpoints)
        found = {(place.address, place.port) for place in (places.next() for _ in range(9))}
        assert found == {("192.0.2.1", 80), ("192.0.2.1", 82), ("2001:db8::1", 81)}

    asyncio.run(main())


def test_place_that_takes_no_connection_rests(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REST", 0.05)
    zone.set("a.test", Type.A, "192.0.2.1", "192.0.2.2")

    async def main() -> None:
        places = _places(zone)
        first, second = await places.to_try(None)
        places.rest(first)
        assert _turns(places, 4) == {second.address: 4}
        assert (await places.to_try(None))[-1] is first, "it is the last resort"
        places.rest(second)
        assert len(_turns(places, 4)) == 2, "when all rest, all serve"
        await asyncio.sleep(0.2)
        assert not first.resting
        assert len(_turns(places, 4)) == 2

    run(main)


def test_the_one_whose_turn_it_is_is_tried_first(zone: Zone) -> None:
    zone.set("a.test", Type.A, *(f"192.0.2.{number}" for number in range(1, 9)))

    async def main() -> None:
        places = _places(zone)
        await _known(places)
        for _ in range(8):
            chosen = places.next()
            tried = await places.to_try(chosen)
            assert tried[0] is chosen
            assert len(tried) == module.TRIES

    run(main)


def test_retired_places_take_nothing_back(zone: Zone) -> None:
    zone.set("a.test", Type.A, "192.0.2.1")

    async def main() -> None:
        places = _places(zone)
        await _known(places)
        assert isinstance(places.sole, Place)
        places.follow()
        places.retire()
        assert places.sole.gone
        zone.now += 100
        zone.set("a.test", Type.A, "192.0.2.2")
        await _known(places)
        assert places.sole.address == "192.0.2.2"
        assert places.sole.gone

    run(main)
