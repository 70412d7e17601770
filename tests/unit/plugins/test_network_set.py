"""Sets of networks: which addresses are in them."""

from ipaddress import ip_address

import pytest

from gateline.plugins.ip_restriction import NetworkSet


@pytest.mark.parametrize(
    ("networks", "address", "inside"),
    [
        (["127.0.0.1"], "127.0.0.1", True),
        (["127.0.0.1"], "127.0.0.2", False),
        (["10.0.0.0/8", "192.168.1.0/24"], "192.168.1.255", True),
        (["10.0.0.0/8", "192.168.1.0/24"], "192.168.2.0", False),
        (["10.1.2.3/8"], "10.9.9.9", True),
        (["0.0.0.0/0"], "255.255.255.255", True),
        (["0.0.0.0/0"], "::1", False),
        (["::/0"], "1.2.3.4", False),
        (["2001:db8::/32"], "2001:db8:ffff::1", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        ([], "1.2.3.4", False),
    ],
)
def test_an_address_is_in_a_network_or_not(networks: list[str], address: str, inside: bool) -> None:
    assert (ip_address(address) in NetworkSet(networks)) is inside


def test_a_set_is_false_when_there_is_nothing_in_it() -> None:
    assert not NetworkSet(())
    assert NetworkSet(["::/0"])
