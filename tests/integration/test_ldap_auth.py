"""ldap-auth and ldap-auth-advanced against a real directory."""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateline.pdk import Consumer
from gateline.plugins.acl import Acl
from gateline.plugins.ldap_auth import LdapAuth, LdapAuthAdvanced
from gateline.testing import Harness
from harness.directory import ADMIN, BASE, Slapd

PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
BOB = Consumer("5f1d7fbc-0000-4000-8000-000000000001", "bob", "b-1")
GUEST = Consumer("5f1d7fbc-0000-4000-8000-000000000003", "guest")


def ldap(text: str | bytes, scheme: str = "ldap", header: str = "Authorization") -> dict[str, str]:
    raw = text.encode() if isinstance(text, str) else text
    return {header: f"{scheme} {b64encode(raw).decode()}"}


def simple(slapd: Slapd, **config: Any) -> tuple[type[LdapAuth], Mapping[str, Any]]:
    given = {"ldap_host": "127.0.0.1", "ldap_port": slapd.port, "base_dn": PEOPLE, "attribute": "uid"}
    return LdapAuth, {**given, **config}


def advanced(slapd: Slapd, **config: Any) -> tuple[type[LdapAuthAdvanced], Mapping[str, Any]]:
    given = {
        "ldap_host": "127.0.0.1",
        "ldap_port": slapd.port,
        "base_dn": BASE,
        "attribute": "uid",
        "bind_dn": ADMIN,
        "ldap_password": "admin-secret",
        "group_base_dn": GROUPS,
        "group_name_attribute": "cn",
        "consumer_optional": True,
    }
    return LdapAuthAdvanced, {**given, **config}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (ldap("bob:bob-secret"), 200),
        (ldap("bob:bob-secret", "LDAP"), 200),
        (ldap("bob:bob-secret", header="Proxy-Authorization"), 200),
        ({**ldap("bob:x", header="Proxy-Authorization"), **ldap("bob:bob-secret")}, 200),
        (ldap("ann:ann:secret"), 200),
        (ldap("o,brien:comma-secret"), 200),
        (ldap("bob:wrong"), 401),
        (ldap("nobody:bob-secret"), 401),
        (ldap("bob:bob-secret", "Basic"), 401),
        (ldap("bob:"), 401),
        (ldap(":bob-secret"), 401),
        (ldap("bob"), 401),
        ({"Authorization": "ldap"}, 401),
        ({"Authorization": "ldap !!"}, 401),
        (ldap(b"\xff:bob-secret"), 401),
        ({}, 401),
    ],
)
def test_a_user_gets_through_with_the_password_in_the_directory(
    headers: dict[str, str], status: int, slapd: Slapd
) -> None:
    with Harness(simple(slapd)) as harness:
        answer = harness.request(headers=headers)
    assert answer.status == status
    if status == 401:
        assert answer.header("www-authenticate") == "LDAP"
        assert answer.json()["message"] == "Unauthorized"
    else:
        assert answer.sent is not None
        assert answer.sent.header("x-credential-identifier") in ("bob", "ann", "o,brien")
        assert answer.sent.header("x-consumer-id") is None


@pytest.mark.parametrize(
    "username",
    ["*", "bob)(uid=*", "bob,ou=people", "bob+cn=Bob", "\\62ob", "bob\x00", "bob\r\nX-A: b", "#626f62", "bob\\"],
)
def test_nothing_in_a_user_name_means_anything_to_the_directory(username: str, slapd: Slapd) -> None:
    with Harness(simple(slapd)) as direct, Harness(advanced(slapd)) as searching:
        for harness in (direct, searching):
            answer = harness.request(headers=ldap(f"{username}:bob-secret"))
            assert answer.status == 401
            assert answer.sent is None


def test_the_scheme_and_the_realm_can_be_others(slapd: Slapd) -> None:
    with Harness(simple(slapd, header_type="basic", realm="office")) as harness:
        assert harness.request().header("www-authenticate") == 'basic realm="office"'
        assert harness.request(headers=ldap("bob:bob-secret", "Basic")).status == 200


def test_credentials_can_be_hidden_and_what_a_client_says_of_itself_is_not_passed_on(slapd: Slapd) -> None:
    spoofed = {"X-Consumer-ID": "x", "X-Consumer-Username": "root", "X-Credential-Identifier": "root"}
    with Harness(simple(slapd, hide_credentials=True)) as harness:
        headers = {**ldap("bob:bob-secret"), **ldap("x:y", header="Proxy-Authorization"), **spoofed}
        sent = harness.request(headers=headers).sent
    assert sent is not None
    assert sent.header("authorization") is None
    assert sent.header("proxy-authorization") is None
    assert sent.header("x-consumer-id") is None
    assert sent.header("x-consumer-username") is None
    assert sent.header("x-credential-identifier") == "bob"


def test_who_is_not_known_goes_on_as_the_anonymous_consumer(slapd: Slapd) -> None:
    with Harness(advanced(slapd, anonymous="guest")) as harness:
        harness.credentials.consumers[GUEST.id] = GUEST
        sent = harness.request(headers={**ldap("bob:wrong"), "X-Authenticated-Groups": "ops"}).sent
    assert sent is not None
    assert sent.header("x-consumer-username") == "guest"
    assert sent.header("x-anonymous-consumer") == "true"
    assert sent.header("x-authenticated-groups") is None


@pytest.mark.parametrize("tls", [{"ldaps": True}, {"start_tls": True}])
def test_tls_is_spoken_and_the_certificate_checked_where_it_shall_be(tls: dict[str, bool], slapd: Slapd) -> None:
    port = slapd.tls_port if "ldaps" in tls else slapd.port
    authority = Path(slapd.certificate).read_text()

    def status(host: str, verify: bool, *authorities: str) -> int:
        config = simple(slapd, ldap_host=host, ldap_port=port, verify_ldap_host=verify, **tls)
        with Harness(config, authorities=authorities) as harness:
            return harness.request(headers=ldap("bob:bob-secret")).status

    assert status("127.0.0.1", False) == 200
    assert status("localhost", True, authority) == 200
    assert status("localhost", True) == 500, "an authority that nobody trusts"
    assert status("127.0.0.1", True, authority) == 500, "a certificate of another host"


def test_groups_come_with_a_user_and_acl_goes_by_them(slapd: Slapd) -> None:
    with Harness(advanced(slapd), (Acl, {"allow": ["ops"]})) as harness:
        bob = harness.request(headers=ldap("bob:bob-secret"))
        ann = harness.request(headers={**ldap("ann:ann:secret"), "X-Authenticated-Groups": "ops"})
        brian = harness.request(headers=ldap("o,brien:comma-secret"))
    assert bob.sent is not None
    assert bob.sent.header("x-authenticated-groups") == "staff, ops"
    assert [ann.status, brian.status] == [403, 403]
    assert ann.json()["message"] == "You cannot consume this service"


@pytest.mark.parametrize(
    ("attribute", "groups"), [("memberOf", "staff, ops"), ("member", "ops, staff"), ("memberUid", "posix")]
)
@pytest.mark.parametrize("account", [{}, {"bind_dn": None, "ldap_password": None, "base_dn": PEOPLE}])
def test_groups_are_found_in_the_entry_of_the_user_or_in_theirs(
    attribute: str, groups: str, account: dict[str, Any], slapd: Slapd
) -> None:
    with Harness(advanced(slapd, group_member_attribute=attribute, **account)) as harness:
        sent = harness.request(headers=ldap("bob:bob-secret")).sent
    assert sent is not None
    assert sorted((sent.header("x-authenticated-groups") or "").split(", ")) == sorted(groups.split(", "))


def test_groups_elsewhere_in_the_directory_do_not_count(slapd: Slapd) -> None:
    with Harness(advanced(slapd, group_base_dn=PEOPLE)) as harness:
        sent = harness.request(headers={**ldap("bob:bob-secret"), "X-Authenticated-Groups": "ops"}).sent
    assert sent is not None
    assert sent.header("x-authenticated-groups") is None


@pytest.mark.parametrize(
    ("required", "bob", "ann"),
    [
        (["ops"], 200, 403),
        (["staff"], 200, 200),
        (["staff ops"], 200, 403),
        (["x", "staff"], 200, 200),
        (["x"], 403, 403),
    ],
)
@pytest.mark.parametrize("account", [{}, {"bind_dn": None, "ldap_password": None, "base_dn": PEOPLE}])
def test_groups_can_be_required(required: list[str], bob: int, ann: int, account: dict[str, Any], slapd: Slapd) -> None:
    with Harness(advanced(slapd, groups_required=required, **account)) as harness:
        assert harness.request(headers=ldap("bob:bob-secret")).status == bob
        answer = harness.request(headers=ldap("ann:ann:secret"))
    assert answer.status == ann
    if ann == 403:
        assert answer.json()["message"] == "User not in authorized LDAP Group"


@pytest.mark.parametrize(
    ("by", "consumer", "status"),
    [
        (["username"], BOB, 200),
        (["custom_id"], BOB, 401),
        (["username", "custom_id"], Consumer(GUEST.id, "robert", "bob"), 200),
        (["custom_id"], Consumer(GUEST.id, "robert", "bob"), 200),
        (["username"], Consumer(GUEST.id, "robert", "bob"), 401),
    ],
)
def test_a_user_becomes_the_consumer_of_its_name(by: list[str], consumer: Consumer, status: int, slapd: Slapd) -> None:
    with Harness(advanced(slapd, consumer_optional=False, consumer_by=by)) as harness:
        harness.credentials.consumers[consumer.id] = consumer
        answer = harness.request(headers=ldap("bob:bob-secret"))
    assert answer.status == status
    if answer.sent is not None:
        assert answer.sent.header("x-consumer-id") == consumer.id
        assert answer.sent.header("x-credential-identifier") == "bob"
        assert answer.sent.header("x-authenticated-groups") == "staff, ops"


def test_two_entries_of_one_user_name_are_a_mistake_and_nobody_gets_through(slapd: Slapd) -> None:
    with Harness(advanced(slapd)) as harness:
        assert harness.request(headers=ldap("twice:twice")).status == 500


def test_an_account_that_is_refused_is_a_mistake_and_nobody_gets_through(slapd: Slapd) -> None:
    with Harness(advanced(slapd, ldap_password="wrong", anonymous="guest")) as harness:
        harness.credentials.consumers[GUEST.id] = GUEST
        answer = harness.request(headers=ldap("bob:bob-secret"))
    assert answer.status == 500
    assert answer.json()["message"] == "An unexpected error occurred"


def test_a_login_is_remembered_and_the_directory_not_asked_again(slapd: Slapd) -> None:
    with Slapd() as own, Harness(simple(own), (Acl, {"deny": ["x"]})) as harness:
        assert harness.request(headers=ldap("bob:bob-secret")).status == 403
        assert harness.request(headers=ldap("ann:wrong")).status == 401
        own.stop()
        assert harness.request(headers=ldap("bob:bob-secret")).status == 403
        assert harness.request(headers=ldap("ann:wrong")).status == 401
        gone = harness.request(headers=ldap("ann:ann:secret"))
        assert gone.status == 500
        own.start()
        assert harness.request(headers=ldap("ann:ann:secret")).status == 403


def test_a_connection_that_the_directory_has_closed_is_replaced() -> None:
    with Slapd() as own, Harness(simple(own, cache_ttl=0)) as harness:
        assert harness.request(headers=ldap("bob:bob-secret")).status == 200
        own.stop()
        own.start()
        assert harness.request(headers=ldap("bob:bob-secret")).status == 200


def test_a_directory_that_does_not_answer_costs_no_more_than_the_timeout() -> None:
    with Slapd() as own, Harness(simple(own, timeout=1500)) as harness:
        assert harness.request(headers=ldap("bob:bob-secret")).status == 200
        own.pause()
        try:
            slow = harness.request(headers=ldap("ann:ann:secret"))
            assert slow.status == 500
            assert 1500 <= slow.log["latencies"]["request"] < 15000
            assert harness.request(headers=ldap("bob:bob-secret")).status == 200
        finally:
            own.resume()
        assert harness.request(headers=ldap("ann:ann:secret")).status == 200
