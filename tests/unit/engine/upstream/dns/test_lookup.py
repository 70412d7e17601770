"""From a name to its endpoints: search domains, types in their order, CNAMEs, SRV records, and what leads nowhere."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.engine.upstream.dns.answer import Answer, Endpoint, NameResolutionError, NotFoundError, shared_out
from gateline.engine.upstream.dns.files import ResolverConfiguration
from gateline.engine.upstream.dns.lookup import CHAIN, Found, candidates, look_up
from gateline.engine.upstream.dns.message import Service, Type
from gateline.engine.upstream.dns.servers import ServerError
from unit.engine.upstream.dns.zones import Zone

ORDER = (Type.SRV, Type.A, Type.AAAA, Type.CNAME)


def _look_up(zone: Zone, *names: str, kinds: Sequence[Type] = ORDER, last: Found | None = None) -> Found:
    return asyncio.run(look_up(zone.ask, names or ("a.test",), kinds, last))


def _addresses(zone: Zone, *names: str, kinds: Sequence[Type] = ORDER) -> tuple[str, ...]:
    return _look_up(zone, *names, kinds=kinds).answer.addresses


@pytest.mark.parametrize(
    ("name", "dots", "tried"),
    [
        ("a", 1, ["a.one.test", "a.two.test", "a"]),
        ("a.b", 1, ["a.b", "a.b.one.test", "a.b.two.test"]),
        ("a.b", 5, ["a.b.one.test", "a.b.two.test", "a.b"]),
        ("a", 0, ["a", "a.one.test", "a.two.test"]),
    ],
)
def test_search_domains_are_tried_by_the_number_of_dots(name: str, dots: int, tried: list[str]) -> None:
    configuration = ResolverConfiguration(search=("one.test", "two.test"), dots=dots)
    assert candidates(name, configuration, absolute=False) == tried
    assert candidates(name, configuration, absolute=True) == [name]


def test_search_domain_that_makes_a_name_too_long_is_left_out() -> None:
    configuration = ResolverConfiguration(search=("x" * 60 + ".test",), dots=5)
    name = ".".join(["a" * 60] * 4)
    assert candidates(name, configuration, absolute=False) == [name]


def test_first_name_that_has_an_address_is_taken() -> None:
    zone = Zone()
    zone.set("a.two.test", Type.A, "192.0.2.2")
    zone.set("a", Type.A, "192.0.2.3")
    assert _addresses(zone, "a.one.test", "a.two.test", "a") == ("192.0.2.2",)


def test_name_that_does_not_exist_is_not_asked_for_other_types() -> None:
    zone = Zone()
    with pytest.raises(NotFoundError, match="3 name error"):
        _look_up(zone)
    assert zone.asked == [("a.test", Type.SRV)]


def test_types_are_asked_for_in_their_order() -> None:
    zone = Zone()
    zone.set("a.test", Type.A, "192.0.2.1")
    zone.set("a.test", Type.AAAA, "2001:db8::1")
    assert _addresses(zone) == ("192.0.2.1",)
    assert _addresses(zone, kinds=(Type.AAAA, Type.A)) == ("2001:db8::1",)
    zone.set("a.test", Type.A)
    assert _addresses(zone) == ("2001:db8::1",)
    assert _addresses(zone, kinds=(Type.SRV, Type.AAAA)) == ("2001:db8::1",)


def test_name_without_a_record_of_the_types_has_no_address() -> None:
    zone = Zone()
    zone.set("a.test", Type.AAAA, "2001:db8::1")
    with pytest.raises(NotFoundError, match="101 empty record received"):
        _look_up(zone, kinds=(Type.A,))


def test_what_was_found_last_is_asked_for_first() -> None:
    zone = Zone()
    zone.set("a.test", Type.A, "192.0.2.1")
    last = _look_up(zone, "a.one.test", "a.test")
    zone.asked.clear()
    assert _look_up(zone, "a.one.test", "a.test", last=last) == last
    assert zone.asked == [("a.test", Type.A)]
    zone.set("a.test", Type.A)
    zone.set("a.one.test", Type.A, "192.0.2.9")
    assert _look_up(zone, "a.one.test", "a.test", last=last).answer.addresses == ("192.0.2.9",)


def test_aliases_are_followed_and_the_shortest_life_counts() -> None:
    zone = Zone()
    zone.set("a.test", Type.CNAME, "b.test")
    zone.set("b.test", Type.CNAME, "c.test")
    zone.set("c.test", Type.A, "192.0.2.1", "192.0.2.2", "192.0.2.1")
    assert _look_up(zone).answer == Answer((Endpoint("192.0.2.1"), Endpoint("192.0.2.2")), 60)


def test_alias_without_its_address_is_asked_for_again() -> None:
    zone = Zone()
    zone.set("b.test", Type.A, "192.0.2.1")
    records, ask = zone.records, zone.ask

    async def one_step(name: str, kind: Type):  # type: ignore[no-untyped-def]
        zone.records = (
            {("a.test", Type.CNAME): ["b.test"], ("b.test", Type.AAAA): ["::1"]} if name == "a.test" else records
        )
        return await ask(name, kind)

    found = asyncio.run(look_up(one_step, ["a.test"], (Type.A,)))
    assert found.answer.addresses == ("192.0.2.1",)


@pytest.mark.parametrize("length", [1, 2, CHAIN + 5])
def test_aliases_that_lead_nowhere_end(length: int) -> None:
    zone = Zone()
    for number in range(length):
        zone.set(f"a{number}.test", Type.CNAME, f"a{(number + 1) % length}.test")
    with pytest.raises(NameResolutionError, match="lead nowhere"):
        _look_up(zone, "a0.test")
    assert len(zone.asked) < 10 * CHAIN


def test_alias_of_what_does_not_exist_has_no_address() -> None:
    zone = Zone()
    zone.set("a.test", Type.CNAME, "gone.test")
    with pytest.raises(NotFoundError):
        _look_up(zone)


def test_service_records_give_ports_and_shares() -> None:
    zone = Zone()
    zone.set(
        "a.test",
        Type.SRV,
        Service(1, 3, 8001, "one.test"),
        Service(1, 0, 8002, "two.test"),
        Service(2, 9, 8003, "one.test"),
    )
    zone.set("one.test", Type.A, "192.0.2.1")
    zone.set("two.test", Type.A, "192.0.2.2")
    assert _look_up(zone).answer.endpoints == (
        Endpoint("192.0.2.1", 8001, 3, "one.test"),
        Endpoint("192.0.2.2", 8002, 1, "two.test"),
    )


def test_share_of_a_service_record_is_shared_by_its_addresses() -> None:
    zone = Zone()
    zone.set("a.test", Type.SRV, Service(1, 1, 80, "one.test"), Service(1, 1, 80, "two.test"))
    zone.set("one.test", Type.A, "192.0.2.1", "192.0.2.2")
    zone.set("two.test", Type.A, "192.0.2.3")
    assert {one.address: one.weight for one in _look_up(zone).answer.endpoints} == {
        "192.0.2.1": 1,
        "192.0.2.2": 1,
        "192.0.2.3": 2,
    }


def test_service_targets_without_address_are_left_out() -> None:
    zone = Zone()
    zone.set("a.test", Type.SRV, Service(1, 1, 80, "gone.test"), Service(1, 1, 81, "192.0.2.7"))
    assert _look_up(zone).answer.endpoints == (Endpoint("192.0.2.7", 81, 1, "192.0.2.7"),)
    zone.set("a.test", Type.SRV, Service(0, 0, 0, ""))
    zone.set("a.test", Type.A, "192.0.2.1")
    assert _addresses(zone) == ("192.0.2.1",)


def test_service_that_leads_to_itself_ends() -> None:
    zone = Zone()
    zone.set("a.test", Type.SRV, Service(1, 1, 80, "a.test"))
    with pytest.raises(NotFoundError):
        _look_up(zone)


def test_huge_service_is_bounded() -> None:
    zone = Zone()
    zone.set("a.test", Type.SRV, *(Service(1, 1, 80, f"t{number}.test") for number in range(900)))
    for number in range(900):
        zone.set(f"t{number}.test", Type.A, f"192.0.{number // 250}.{number % 250}")
    assert len(_look_up(zone).answer.endpoints) == 100
    assert len(zone.asked) == 101


def test_failure_of_the_servers_is_no_answer() -> None:
    zone = Zone()
    zone.failure = ServerError("dns server error: 2 server failure", silent=False)
    with pytest.raises(NameResolutionError, match="2 server failure") as caught:
        _look_up(zone)
    assert not isinstance(caught.value, NotFoundError)
    assert len(zone.asked) == len(ORDER), "another type may have an answer"


def test_silence_of_the_servers_ends_the_look_up() -> None:
    zone = Zone()
    zone.failure = ServerError("no answer", silent=True)
    with pytest.raises(NameResolutionError, match="no answer"):
        _look_up(zone, "a.one.test", "a.test")
    assert len(zone.asked) == 1


def test_server_that_fails_for_one_type_serves_another() -> None:
    zone = Zone()
    zone.set("a.test", Type.A, "192.0.2.1")
    ask = zone.ask

    async def no_services(name: str, kind: Type):  # type: ignore[no-untyped-def]
        if kind is Type.SRV:
            raise ServerError("dns server error: 4 not implemented", silent=False)
        return await ask(name, kind)

    assert asyncio.run(look_up(no_services, ["a.test"], ORDER)).answer.addresses == ("192.0.2.1",)


@given(
    st.lists(
        st.tuples(st.integers(0, 65535), st.integers(1, 9), st.integers(1, 12)),
        min_size=1,
        max_size=8,
    )
)
def test_shares_are_in_proportion_to_weights(records: list[tuple[int, int, int]]) -> None:
    groups = [
        (weight, port, f"t{number}", [f"{number}.{one}" for one in range(count)])
        for number, (weight, port, count) in enumerate(records)
    ]
    endpoints = shared_out(groups)
    assert len(endpoints) == sum(count for _, _, count in records)
    shares = {name: sum(one.weight for one in endpoints if one.name == name) for _, _, name, _ in groups}
    unit = shares["t0"] / max(records[0][0], 1)
    for weight, _, name, addresses in groups:
        assert abs(shares[name] - max(weight, 1) * unit) <= max(0.02 * shares[name], len(addresses))
