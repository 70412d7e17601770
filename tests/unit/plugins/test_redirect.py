"""redirect: where clients are sent."""

import pytest

from gateline.plugins.redirect import Redirect
from gateline.testing import Harness


def test_the_location_is_told_as_it_is() -> None:
    location = "https://a.test/path?foo=bar#x"
    with Harness((Redirect, {"location": location})) as gateway:
        answer = gateway.request("GET", "/elsewhere?q=1")
    assert (answer.status, answer.header("Location"), answer.body) == (301, location, b"redirecting")
    assert answer.sent is None


@pytest.mark.parametrize(
    ("location", "target", "told"),
    [
        ("https://a.test/path?foo=bar", "/x/y?q=1&q=2", "https://a.test/x/y?q=1&q=2"),
        ("https://a.test:8443", "/x", "https://a.test:8443/x"),
        ("https://a.test/#top", "/x?", "https://a.test/x#top"),
        ("https://a.test/", "/a%20b/%2e%2e/c", "https://a.test/c"),
        ("https://a.test/", "//evil.test/x", "https://a.test/evil.test/x"),
    ],
)
def test_path_and_query_of_the_request_can_be_kept(location: str, target: str, told: str) -> None:
    with Harness((Redirect, {"location": location, "keep_incoming_path": True, "status_code": 307})) as gateway:
        answer = gateway.request("GET", target)
    assert (answer.status, answer.header("Location")) == (307, told)
