"""ip-restriction: who passes, and what the others get."""

from typing import Any

import pytest

from gateline.plugins import ip_restriction
from gateline.plugins.ip_restriction import IpRestriction
from gateline.testing import Harness


@pytest.mark.parametrize(
    ("config", "address", "passes"),
    [
        ({"allow": ["10.0.0.0/8"]}, "10.1.2.3", True),
        ({"allow": ["10.0.0.0/8"]}, "11.1.2.3", False),
        ({"deny": ["10.0.0.0/8"]}, "10.1.2.3", False),
        ({"deny": ["10.0.0.0/8"]}, "11.1.2.3", True),
        ({"allow": ["10.0.0.0/8"], "deny": ["10.0.0.1"]}, "10.0.0.1", False),
        ({"allow": ["10.0.0.0/8"], "deny": ["10.0.0.1"]}, "10.0.0.2", True),
        ({"allow": ["::1"]}, "::1", True),
        ({"deny": ["10.0.0.1"]}, "::ffff:10.0.0.1", False),
        ({"allow": ["fe80::/10"]}, "fe80::1%eth0", True),
    ],
)
def test_who_passes(config: dict[str, Any], address: str, passes: bool) -> None:
    with Harness((IpRestriction, config), address=address) as gateway:
        answers = [gateway.request(), gateway.request()]
    assert [answer.status for answer in answers] == ([200, 200] if passes else [403, 403])


def test_a_refusal_names_the_address() -> None:
    with Harness((IpRestriction, {"deny": ["127.0.0.1"]})) as gateway:
        answer = gateway.request()
    assert answer.json()["message"] == "IP address not allowed: 127.0.0.1"
    assert "request_id" in answer.json()


def test_status_and_message_can_be_chosen() -> None:
    plugin = IpRestriction, {"deny": ["127.0.0.1"], "status": 401, "message": "not here"}
    with Harness(plugin) as gateway:
        answer = gateway.request()
    assert (answer.status, answer.json()["message"]) == (401, "not here")


def test_a_client_without_an_address_is_refused() -> None:
    with Harness((IpRestriction, {"deny": ["1.1.1.1"]}), address="unix:") as gateway:
        answer = gateway.request()
    assert (answer.status, answer.json()["message"]) == (
        403,
        "Cannot identify the client IP address, unix domain sockets are not supported.",
    )


def test_more_addresses_than_are_kept_are_judged_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ip_restriction, "_REMEMBERED", 2)
    config = ip_restriction.Config(deny=("10.0.0.1",))
    verdicts = ip_restriction.Verdicts(config)

    class Seen:
        client_address = ""

    for last in [*range(1, 6), *range(1, 6)]:
        Seen.client_address = f"10.0.0.{last}"
        assert (verdicts.access(Seen()) is None) is (last != 1)  # type: ignore[arg-type]
