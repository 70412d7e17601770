"""CDN-Cache-Control (RFC 9213) and Surrogate-Control."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.plugins.proxy_cache.rules import policy_of, surrogate_capability
from unit.plugins.proxy_cache.rules.scene import lines


def test_a_targeted_field_takes_the_place_of_cache_control() -> None:
    """RFC 9213, section 2.2."""
    directives = policy_of(lines("Cache-Control: no-store\nCDN-Cache-Control: max-age=60, must-revalidate"))
    assert directives.targeted == b"cdn-cache-control"
    assert directives.max_age == 60
    assert directives.must_revalidate
    assert not directives.no_store


def test_the_first_field_of_the_list_counts() -> None:
    headers = lines("Surrogate-Control: max-age=1\nCDN-Cache-Control: max-age=2")
    assert policy_of(headers).max_age == 2
    assert policy_of(headers, (b"surrogate-control", b"cdn-cache-control")).max_age == 1
    assert policy_of(headers, ()).max_age is None


@pytest.mark.parametrize(
    "value",
    [
        "max-age=60",
        "foobar, max-age=60",
        "max-age=60;foo",
        "max-age=60;foo=1;bar",
        "max-age=1, max-age=60",
        'private="a", max-age=60',
        'x="a, b", max-age=60',
        r'x="a\", b", max-age=60',
        "x=token, max-age=60",
    ],
)
def test_structured_fields_are_read(value: str) -> None:
    """RFC 9213, section 2.1; of a key that comes twice the last counts (RFC 9651, section 4.2.2)."""
    assert policy_of(lines(f"Cache-Control: max-age=5\nCDN-Cache-Control: {value}")).max_age == 60


@pytest.mark.parametrize(
    "value",
    [
        "",
        "max-age=60, &&&&&",
        'max-age="60"',
        "max-age=6x",
        "max-age =60",
        "max-age= 60",
        "max-age",
        "MaX-aGe=60",
        "max-age=60;=",
        "max-age=60;A=1",
        'x="a, max-age=60',
        'x="a"b, max-age=60',
        "max-age=9999999999999999",
    ],
)
def test_a_field_that_is_no_dictionary_is_not_there(value: str) -> None:
    """RFC 9213, section 2.1."""
    directives = policy_of(lines(f"Cache-Control: max-age=5\nCDN-Cache-Control: {value}"))
    assert directives.max_age == 5
    assert not directives.targeted


@pytest.mark.parametrize(
    "value", ["no-store", "no-store;x=1", "no-store;x", "no-store=?1", "max-age=60, no-store; x=1"]
)
def test_no_parameter_takes_a_prohibition_away(value: str) -> None:
    assert policy_of(lines(f"CDN-Cache-Control: {value}")).no_store


def test_a_directive_may_be_said_not_to_hold() -> None:
    assert not policy_of(lines("CDN-Cache-Control: no-store, no-store=?0, max-age=60")).no_store


def test_surrogate_control_may_be_for_one_cache_alone() -> None:
    def max_age(value: str) -> int | None:
        return policy_of(lines(f"Cache-Control: max-age=5\nSurrogate-Control: {value}")).max_age

    assert max_age("max-age=60;gateline") == 60
    assert max_age("max-age=60;other") == 5
    assert max_age("max-age=60, max-age=70;gateline") == 70
    assert max_age('content="ESI/1.0"') == 5


def test_surrogate_control_may_name_a_grace() -> None:
    directives = policy_of(lines("Surrogate-Control: max-age=60+30"))
    assert directives.max_age == 60
    assert directives.stale_while_revalidate == 30


def test_a_cache_tells_that_it_understands_surrogate_control() -> None:
    assert surrogate_capability(b"edge") == b'edge="Surrogate/1.0"'


@given(st.binary(max_size=100))
def test_any_value_can_be_read(value: bytes) -> None:
    policy_of([(b"CDN-Cache-Control", value)])
    policy_of([(b"Surrogate-Control", value)])
