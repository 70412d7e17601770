"""oauth2: its configuration and its entities, in Kong's words."""

import time
from typing import Any

import pytest

from gateline.declarative import difference, dump
from gateline.entities import Plugin, Snapshot
from gateline.plugins.oauth2 import Oauth2AuthorizationCode, Oauth2Credential, Oauth2Token
from gateline.plugins.oauth2.secret import Verified, hashed, is_hashed, verify
from unit.entities.refusing import fields_of
from unit.plugins.people import BOB

OF_BOB = {"consumer": {"id": BOB.id}, "name": "App"}
ID = "5f1d7fbc-0000-4000-8000-000000000001"
NO_GRANT = (
    "at least one of these fields must be true: enable_authorization_code, enable_implicit_grant, "
    "enable_client_credentials, enable_password_grant"
)


def test_a_configuration_gets_its_defaults_and_a_provision_key() -> None:
    config = Plugin.parse({"name": "oauth2", "config": {"enable_client_credentials": True}}).to_wire()["config"]
    key = config.pop("provision_key")
    assert len(key) == 32
    assert key.isalnum()
    assert config == {
        "accept_http_if_already_terminated": False,
        "anonymous": None,
        "auth_header_name": "authorization",
        "enable_authorization_code": False,
        "enable_client_credentials": True,
        "enable_implicit_grant": False,
        "enable_introspection": False,
        "enable_password_grant": False,
        "enable_revocation": False,
        "global_credentials": False,
        "hide_credentials": False,
        "mandatory_scope": False,
        "pkce": "lax",
        "realm": None,
        "refresh_token_ttl": 1209600,
        "reuse_refresh_token": False,
        "scopes": None,
        "token_expiration": 7200,
    }


def test_a_provision_key_stays_when_something_else_is_changed() -> None:
    made = Plugin.parse({"name": "oauth2", "config": {"enable_client_credentials": True}}).to_wire()
    changed = Plugin.patched(made, {"config": {"pkce": "strict"}}).to_wire()["config"]
    assert changed["provision_key"] == made["config"]["provision_key"]


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({}, {"config": NO_GRANT}),
        (
            {"enable_implicit_grant": True, "mandatory_scope": True},
            {
                "config": {
                    "scopes": "required field missing",
                    "@entity": ["failed conditional validation given value of field 'mandatory_scope'"],
                }
            },
        ),
        (
            {"enable_implicit_grant": True, "refresh_token_ttl": 100000001},
            {"config": {"refresh_token_ttl": "value should be between 0 and 100000000"}},
        ),
        (
            {"enable_implicit_grant": True, "pkce": "some"},
            {"config": {"pkce": "expected one of: none, lax, strict"}},
        ),
    ],
)
def test_what_is_refused(config: dict[str, Any], fields: dict[str, Any]) -> None:
    assert fields_of(Plugin, {"name": "oauth2", "config": config}) == fields


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("https://app.test/cb", None),
        ("http://127.0.0.1:8080/cb?a=b", None),
        ("https://app.test/cb#x", "fragment not allowed in 'https://app.test/cb#x'"),
        ("https://app.test/cb#", "fragment not allowed in 'https://app.test/cb#'"),
        ("not-absolute", "cannot parse 'not-absolute'"),
        ("/cb", "cannot parse '/cb'"),
        ("https:///cb", "cannot parse 'https:///cb'"),
        ("https://a.test/\r\nX: 1", "cannot parse 'https://a.test/\r\nX: 1'"),
        ("https://[::1/", "cannot parse 'https://[::1/'"),
    ],
)
def test_where_users_are_sent_is_absolute(uri: str, problem: str | None) -> None:
    given = {**OF_BOB, "redirect_uris": [uri]}
    if problem is None:
        assert Oauth2Credential.parse(given).redirect_uris == (uri,)
    else:
        assert fields_of(Oauth2Credential, given) == {"redirect_uris": [problem]}


def test_an_application_gets_an_id_and_a_secret() -> None:
    made = Oauth2Credential.parse(OF_BOB)
    assert len(made.client_id) == len(made.client_secret) == 32
    assert (made.client_type, made.hash_secret) == ("confidential", False)
    assert made.client_secret not in repr(made)


def test_a_secret_is_hashed_when_it_is_written_and_not_again() -> None:
    made = Oauth2Credential.parse({**OF_BOB, "client_secret": "s", "hash_secret": True})
    assert verify("s", made.client_secret)
    kept = Oauth2Credential.patched(made.to_wire(), {"name": "Other"})
    assert kept.client_secret == made.client_secret
    changed = Oauth2Credential.patched(made.to_wire(), {"client_secret": "t"})
    assert verify("t", changed.client_secret)
    plain = Oauth2Credential.parse({**OF_BOB, "client_secret": "s"})
    assert verify("s", Oauth2Credential.patched(plain.to_wire(), {"hash_secret": True}).client_secret)
    again = Oauth2Credential.parse({**OF_BOB, "client_secret": made.client_secret, "hash_secret": True})
    assert again.client_secret == made.client_secret
    assert is_hashed(Oauth2Credential.parse({**OF_BOB, "hash_secret": True}).client_secret)


def test_hashes_of_kong_are_read() -> None:
    kept = "$pbkdf2-sha512$i=10000,l=32$c2FsdHNhbHRzYWx0c2FsdA$" + "x" * 43
    assert is_hashed(kept)
    assert not verify("s", kept)
    one, other = hashed("s"), hashed("s")
    assert one != other
    assert verify("s", one)
    assert not verify("t", one)


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "s",
        "$pbkdf2-sha512$i=9999999,l=32$c2FsdA$c2FsdA",
        "$pbkdf2-sha512$i=1,l=32$c$c",
        "$pbkdf2-md5$i=10000,l=32$c2FsdA$c2FsdA",
        "$2b$12$abcdefghijklmnopqrstuv",
    ],
)
def test_what_is_no_hash_or_too_dear_fits_nothing(kept: str) -> None:
    assert not verify("s", kept)


def test_what_was_right_is_remembered_for_its_hash_only() -> None:
    verified = Verified()
    verified.remember("s", "one")
    assert verified.knows("s", "one")
    assert not verified.knows("t", "one")
    assert not verified.knows("s", "other")
    for number in range(1024):
        verified.remember("s", str(number))
    assert not verified.knows("s", "one"), "only so many are"


def test_a_token_knows_its_end() -> None:
    credential = {"credential": {"id": ID}}
    made = Oauth2Token.parse({**credential, "expires_in": 5, "created_at": 1500000000})
    assert made.valid_until == 1500000005.0
    assert Oauth2Token.parse({**credential, "expires_in": 0}).valid_until is None
    assert abs((Oauth2Token.parse({**credential, "expires_in": 60}).valid_until or 0) - time.time() - 60) < 30
    later = Oauth2Token.patched(made.to_wire(), {"expires_in": 10})
    assert later.valid_until == 1500000010.0
    assert Oauth2Token.parse({**credential, "expires_in": 5, "valid_until": 9e9, "created_at": 1}).valid_until == 6.0
    shown = made.shown()
    assert shown.keys() == {
        "access_token",
        "authenticated_userid",
        "created_at",
        "credential",
        "expires_in",
        "id",
        "refresh_token",
        "scope",
        "service",
        "token_type",
        "ttl",
    }


@pytest.mark.parametrize("field", ["scope", "authenticated_userid"])
@pytest.mark.parametrize("kind", [Oauth2Token, Oauth2AuthorizationCode])
def test_what_becomes_a_header_is_one_line(kind: Any, field: str) -> None:
    given = {"credential": {"id": ID}, field: "a\r\nX-Admin: 1"}
    assert fields_of(kind, {**given, **({"expires_in": 0} if kind is Oauth2Token else {})}) == {
        field: "cannot hold control characters"
    }


def test_what_is_given_in_operation_is_left_alone_by_configurations() -> None:
    token = Oauth2Token.parse({"credential": {"id": ID}, "expires_in": 60})
    code = Oauth2AuthorizationCode.parse({"credential": {"id": ID}})
    stored = Snapshot(hash="", **{one.kind: {one.id: one} for one in (token, code)})
    assert not difference(stored, Snapshot(hash=""))
    assert token.access_token not in dump(stored)
