"""acl, on exchanges without sockets; what Kong does is in tests/conformance/cases/acl.yaml."""

from typing import Any

import pytest

from gateline.entities import Plugin as PluginEntity
from gateline.pdk import Consumer, Credential, Exchange, Identity, Plugin, PluginConfig
from gateline.pdk.discovery import register_plugin
from gateline.plugins.acl import Acl
from gateline.testing import Answer, Harness
from unit.entities.refusing import fields_of
from unit.plugins.people import BOB, give


class Says(Plugin[PluginConfig], name="says", priority=2000):
    """Takes a test's word for who sends the request."""

    who: Identity | None = None

    def access(self, exchange: Exchange) -> None:
        if Says.who is not None:
            exchange.authenticate(Says.who)


def asked(who: Identity | None, *groups: str, headers: dict[str, str] | None = None, **config: Any) -> Answer:
    Says.who = who
    with Harness(Says, (Acl, config)) as harness:
        for group in groups:
            give(harness, "acls", BOB, group=group)
        return harness.request(headers=headers or {})


PROVEN = Identity(BOB, Credential("1"))
ANONYMOUS = Identity(BOB, anonymous=True)
IN_NONE = Identity(BOB, Credential("1"), groups=())
"""Known to be in no group, where groups come with the authentication."""
BY_TOKEN = Identity(None, Credential("1"), groups=["a", "b"])
NO_ACCESS = "You cannot consume this service"


def outcome(answer: Answer) -> Any:
    if answer.sent is None:
        return answer.status, answer.json()["message"]
    return answer.sent.header("x-consumer-groups"), answer.sent.header("x-authenticated-groups")


@pytest.mark.parametrize(
    ("who", "groups", "config", "expected"),
    [
        (PROVEN, "ab", {"allow": ["b", "c"]}, ("a, b", None)),
        (PROVEN, "a", {"allow": ["b"]}, (403, NO_ACCESS)),
        (PROVEN, "a", {"deny": ["a"]}, (403, NO_ACCESS)),
        (PROVEN, "a", {"deny": ["b"]}, ("a", None)),
        (PROVEN, "", {"deny": ["b"]}, ("", None)),
        (None, "", {"deny": ["b"]}, (401, "Unauthorized")),
        (ANONYMOUS, "a", {"allow": ["b"]}, (401, "Unauthorized")),
        (ANONYMOUS, "a", {"allow": ["a"]}, ("a", None)),
        (ANONYMOUS, "a", {"deny": ["b"]}, ("a", None)),
        (Identity(None, Credential("1")), "", {"allow": ["a"]}, (403, NO_ACCESS)),
        (BY_TOKEN, "", {"allow": ["b"]}, (None, "a, b")),
        (BY_TOKEN, "", {"deny": ["b"]}, (403, NO_ACCESS)),
        (PROVEN, "a", {"allow": ["a"], "hide_groups_header": True}, (None, None)),
        (PROVEN, "", {"allow": ["gold"], "include_consumer_groups": True}, ("gold", None)),
        (PROVEN, "", {"allow": ["gold"]}, (403, NO_ACCESS)),
        (Identity(BOB, Credential("1"), groups=["t"]), "a", {"allow": ["a"]}, ("a", None)),
        (Identity(BOB, groups=["t"]), "a", {"allow": ["t"]}, (None, "t")),
        (
            Identity(BOB, Credential("1"), groups=["t"]),
            "a",
            {"allow": ["t"], "always_use_authenticated_groups": True},
            (None, "t"),
        ),
        (
            Identity(BOB, Credential("1"), groups=["t"]),
            "a",
            {"allow": ["a"], "always_use_authenticated_groups": True},
            (403, NO_ACCESS),
        ),
        (PROVEN, "a", {"allow": ["a"], "always_use_authenticated_groups": True}, ("a", None)),
        (IN_NONE, "a", {"allow": ["a"], "always_use_authenticated_groups": True}, (403, NO_ACCESS)),
        (IN_NONE, "a", {"allow": ["a"]}, ("a", None)),
        (IN_NONE, "", {"allow": ["gold"], "include_consumer_groups": True}, ("gold", None)),
        (IN_NONE, "", {"deny": ["gold"], "include_consumer_groups": True}, (403, NO_ACCESS)),
        (Identity(None, Credential("1"), groups=()), "", {"allow": ["a"]}, (403, NO_ACCESS)),
        (Identity(None, Credential("1"), groups=()), "", {"deny": ["a"]}, (None, "")),
        (Identity(None, Credential("1")), "", {"deny": ["a"]}, (403, NO_ACCESS)),
    ],
)
def test_who_may_and_what_the_service_is_told(
    who: Identity | None, groups: str, config: dict[str, Any], expected: Any
) -> None:
    assert outcome(asked(who, *groups, **config)) == expected


def test_groups_of_the_client_do_not_reach_the_service() -> None:
    forged = {"X-Consumer-Groups": "root", "X-Authenticated-Groups": "root"}
    for hide in (False, True):
        answer = asked(PROVEN, "a", headers=forged, allow=["a"], hide_groups_header=hide)
        assert outcome(answer) == (None if hide else "a", None)


def test_allow_or_deny_and_not_both() -> None:
    register_plugin(Acl)
    both = fields_of(PluginEntity, {"name": "acl", "config": {"allow": ["a"], "deny": ["b"]}})
    neither = fields_of(PluginEntity, {"name": "acl", "config": {}})
    names = "fields must be non-empty: 'config.allow', 'config.deny'"
    assert both == {"@entity": [f"exactly one of these {names}"]}
    assert neither == {"@entity": [f"at least one of these {names}"]}


def test_an_unknown_consumer_is_in_no_group() -> None:
    stranger = Identity(Consumer("5f1d7fbc-0000-4000-8000-00000000000f"), Credential("1"))
    assert outcome(asked(stranger, "a", allow=["a"])) == (403, NO_ACCESS)


class Appends(Plugin[PluginConfig], name="appends", priority=1):
    """Adds a line to one that was made for the consumer."""

    def access(self, exchange: Exchange) -> None:
        exchange.service_request.add_header("X-Consumer-Username", "and more")


def test_what_one_request_adds_to_the_consumers_lines_is_not_there_in_the_next() -> None:
    Says.who = PROVEN
    with Harness(Says, Appends) as harness:
        for _ in range(3):
            sent = harness.request().sent
            assert sent is not None
            assert sent.header_values("x-consumer-username") == [BOB.username, "and more"]
