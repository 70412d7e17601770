"""What unsafe requests make worthless (RFC 9111, section 4.4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.plugins.proxy_cache.rules import invalidated_targets, invalidates
from unit.plugins.proxy_cache.rules.scene import lines


def targets(headers: str, target: str = "/orders/1?x=1") -> list[str]:
    return invalidated_targets("http", "Shop.example:8000", target, lines(headers))


@pytest.mark.parametrize(
    ("method", "status", "does"),
    [
        ("POST", 200, True),
        ("PUT", 204, True),
        ("DELETE", 303, True),
        ("PATCH", 201, True),
        ("M-SEARCH", 200, True),
        ("POST", 500, False),
        ("POST", 404, False),
        ("GET", 200, False),
        ("HEAD", 200, False),
        ("OPTIONS", 200, False),
    ],
)
def test_unsafe_methods_that_succeed(method: str, status: int, does: bool) -> None:
    assert invalidates(method, status) is does


@pytest.mark.parametrize(
    ("headers", "more"),
    [
        ("", []),
        ("Location: /orders/2", ["/orders/2"]),
        ("Location: 2", ["/orders/2"]),
        ("Location: ?y=2", ["/orders/1?y=2"]),
        ("Location: http://shop.EXAMPLE:8000/a?b=c#d", ["/a?b=c"]),
        ("Location: http://shop.example:8000", ["/"]),
        ("Location: //shop.example:8000/a", ["/a"]),
        ("Location: /a\nContent-Location: /b", ["/a", "/b"]),
        ("Location: /a\nContent-Location: /a", ["/a"]),
        ("Location: /orders/1?x=1", []),
        ("Location: http://other.example:8000/a", []),
        ("Location: http://shop.example/a", []),
        ("Location: https://shop.example:8000/a", []),
        ("Location: http://shop.example:99999/a", []),
        ("Location: http://[/a", []),
        ("Location: mailto:a@b", []),
    ],
)
def test_targets_of_the_same_origin(headers: str, more: list[str]) -> None:
    assert targets(headers) == ["/orders/1?x=1", *more]


def test_the_port_of_the_scheme_may_be_left_out() -> None:
    assert invalidated_targets("https", "a.example", "/", lines("Location: https://a.example:443/b")) == ["/", "/b"]


def test_a_reference_that_is_too_long_names_nothing() -> None:
    assert targets("Location: /" + "a" * 10_000) == ["/orders/1?x=1"]


@given(st.text(max_size=60))
def test_any_reference_can_be_read(reference: str) -> None:
    line = (b"Location", reference.encode("utf-8", "replace"))
    assert all(target.startswith("/") for target in invalidated_targets("http", "a", "/x", [line]))
