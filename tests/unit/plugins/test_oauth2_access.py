"""oauth2: tokens at the service, and what it is told."""

import time
from typing import Any
from urllib.parse import parse_qsl

import pytest

from gateline.plugins.key_auth import KeyAuth
from gateline.plugins.oauth2 import Oauth2Token
from gateline.plugins.oauth2.entities import CREDENTIALS, TOKENS
from gateline.testing import Answer
from unit.plugins.oauth2_scene import OTHER_SERVICE, SERVICE, OAuth
from unit.plugins.people import ANN, BOB, give

INVALID = "The access token is invalid or has expired"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def put(gateway: OAuth, token: str, service: str | None = SERVICE, **fields: Any) -> None:
    """A token as if it had been put in by hand."""
    application = gateway.credentials.find(CREDENTIALS, "client_id", "app")
    assert application is not None
    given = {"service": service and {"id": service}, "expires_in": 0, "access_token": token, **fields}
    made = Oauth2Token.parse({"credential": {"id": application.id}, **given})
    gateway.credentials.add(TOKENS, made.to_wire(), None)


def refused(answer: Answer, error: str, description: str, challenge: str) -> None:
    assert answer.status == 401
    assert answer.json() == {"error": error, "error_description": description}
    assert answer.header("www-authenticate") == challenge
    assert answer.sent is None


def invalid(answer: Answer, realm: str = "") -> None:
    refused(answer, "invalid_token", INVALID, f'Bearer{realm} error="invalid_token" error_description="{INVALID}"')


def test_without_a_token_nobody_gets_through() -> None:
    with OAuth() as gateway, OAuth(realm="r") as named:
        for headers in ({}, {"Authorization": ""}):
            answer = gateway.request(headers=headers)
            refused(answer, "invalid_request", "The access token is missing", "Bearer")
        refused(named.request(), "invalid_request", "The access token is missing", 'Bearer realm="r"')
        invalid(named.ask("x"), ' realm="r"')


@pytest.mark.parametrize(
    "header",
    [
        "Bearer nothing",
        "Bearer",
        "Bearer good good",
        "Basic Ym9iOmtvbmc=",
        "Bearer \xe9",
        "Bearer good,good",
        "good, x",
    ],
)
def test_what_is_no_token_is_refused(header: str) -> None:
    with OAuth() as gateway:
        put(gateway, "good")
        invalid(gateway.request(headers={"Authorization": header}))


@pytest.mark.parametrize("header", ["Bearer good", "bearer good", "token good", "TOKEN  good"])
def test_a_token_is_taken_from_the_header(header: str) -> None:
    with OAuth() as gateway:
        put(gateway, "good")
        assert gateway.request(headers={"Authorization": header}).status == 200


def test_a_token_is_taken_from_another_header_if_that_is_said() -> None:
    with OAuth(auth_header_name="x-token", hide_credentials=True) as gateway:
        put(gateway, "good")
        answer = gateway.request(headers={"X-Token": "Bearer good", "Authorization": "Basic eDp5"})
        assert answer.sent is not None
        assert answer.sent.header("x-token") is None
        assert answer.sent.header("authorization") == "Basic eDp5"
        assert gateway.ask("good").status == 401


def test_a_token_may_be_in_the_query_or_the_body() -> None:
    with OAuth() as gateway:
        put(gateway, "good")
        assert gateway.request("GET", "/?a=1&access_token=good").status == 200
        assert gateway.post("/", {"access_token": "good"}).status == 200
        assert gateway.post("/?access_token=bad", {"access_token": "good"}).status == 200
        assert gateway.post("/", {"access_token": "good"}, as_json=True).status == 200
        refused(
            gateway.post("/", {"access_token": ["good"]}, as_json=True),
            "invalid_request",
            "The access token is missing",
            "Bearer",
        )
        twice = gateway.request("GET", "/?access_token=good&access_token=good")
        refused(twice, "invalid_request", "The access token is missing", "Bearer")
        invalid(gateway.request("GET", "/?access_token=good", headers={"Authorization": "Bearer bad"}))


def test_a_token_is_hidden_from_the_service_wherever_it_was() -> None:
    with OAuth(hide_credentials=True) as gateway:
        put(gateway, "good")
        answer = gateway.ask("good")
        assert answer.sent is not None
        assert answer.sent.header("authorization") is None
        answer = gateway.request("GET", "/?a=%20&access%5Ftoken=good&b")
        assert answer.sent is not None
        assert answer.sent.target == "/?a=%20&b"
        answer = gateway.post("/?access_token=good", {"a": "1", "access_token": "good"})
        assert answer.sent is not None
        assert (answer.sent.target, parse_qsl(answer.sent.body.decode())) == ("/", [("a", "1")])
        answer = gateway.post("/", {"a": 1, "access_token": "good"}, as_json=True)
        assert answer.sent is not None
        assert answer.sent.body == b'{"a":1}'


def test_a_long_body_does_not_keep_a_request_without_a_token_waiting() -> None:
    with OAuth() as gateway:
        body = b"a=" + b"x" * (9 * 1024 * 1024)
        answer = gateway.request("POST", "/", headers=FORM, body=body)
        refused(answer, "invalid_request", "The access token is missing", "Bearer")


def test_a_token_has_its_time() -> None:
    now = int(time.time())
    with OAuth() as gateway:
        put(gateway, "young", expires_in=60)
        put(gateway, "old", expires_in=60, created_at=now - 70)
        put(gateway, "for-ever", expires_in=0, created_at=now - 10**8)
        assert gateway.ask("young").status == 200
        invalid(gateway.ask("old"))
        assert gateway.ask("for-ever").status == 200


def test_a_token_belongs_to_its_service() -> None:
    error = "The access token is global, but the current plugin is configured without 'global_credentials'"
    with OAuth() as gateway, OAuth(global_credentials=True) as everywhere:
        for one in (gateway, everywhere):
            put(one, "other", OTHER_SERVICE)
            put(one, "global", None)
            invalid(one.ask("other"))
        challenge = f'Bearer error="invalid_token" error_description="{error}"'
        refused(gateway.ask("global"), "invalid_token", error, challenge)
        assert everywhere.ask("global").status == 200
        told = everywhere.issued(grant_type="client_credentials")
        found = everywhere.credentials.find(TOKENS, "access_token", told["access_token"])
        assert found is not None
        assert "service" not in found.fields


def test_a_token_whose_application_or_consumer_is_gone_is_refused() -> None:
    with OAuth() as gateway:
        put(gateway, "good")
        application = gateway.credentials.find(CREDENTIALS, "client_id", "app")
        assert application is not None
        application.consumer = None
        invalid(gateway.ask("good"))
        gateway.credentials.remove(application)
        invalid(gateway.ask("good"))


SPOOFED = {
    "X-Authenticated-Scope": "admin",
    "X-Authenticated-UserId": "root",
    "X-Consumer-Username": "root",
    "X-Consumer-ID": "root",
    "X-Credential-Identifier": "root",
}


def test_what_clients_say_of_themselves_does_not_reach_the_service() -> None:
    with OAuth() as gateway:
        put(gateway, "plain")
        put(gateway, "full", scope="email profile", authenticated_userid="user-7")
        for token, scope, user in (("plain", None, None), ("full", "email profile", "user-7")):
            answer = gateway.ask(token, **SPOOFED)
            assert answer.sent is not None
            assert answer.sent.header("x-authenticated-scope") == scope
            assert answer.sent.header("x-authenticated-userid") == user
            assert answer.sent.header("x-consumer-username") == "bob"
            assert answer.sent.header("x-credential-identifier") == "app"


def test_without_a_token_one_may_go_on_as_the_anonymous_consumer() -> None:
    with OAuth(anonymous="guest") as gateway:
        for token in (None, "nothing"):
            answer = gateway.ask(token, **SPOOFED)
            assert answer.sent is not None
            assert answer.sent.header("x-consumer-username") == "guest"
            assert answer.sent.header("x-anonymous-consumer") == "true"
            for name in ("x-authenticated-scope", "x-authenticated-userid", "x-credential-identifier"):
                assert answer.sent.header(name) is None
        assert gateway.token(grant_type="client_credentials").status == 200


def test_the_endpoints_need_no_other_identity_where_one_of_several_is_enough() -> None:
    first = {"ordering": {"before": {"access": ["oauth2"]}}}
    with OAuth((KeyAuth, {"anonymous": "guest"}), anonymous="guest", entities={"key-auth": first}) as gateway:
        give(gateway, "keyauth_credentials", ANN, key="kong")
        answer = gateway.request(headers={"apikey": "kong", **SPOOFED})
        assert answer.sent is not None
        assert answer.sent.header("x-consumer-username") == "ann"
        assert answer.sent.header("x-authenticated-userid") is None
        told = gateway.issued(grant_type="client_credentials")
        answer = gateway.ask(told["access_token"])
        assert answer.sent is not None
        assert answer.sent.header("x-consumer-username") == "bob"


def test_what_is_known_of_a_token_follows_its_entity() -> None:
    """Its user, its scope and its application are looked at again once the token is written anew."""
    with OAuth(enable_client_credentials=True) as gateway:
        application = gateway.application(BOB, "own", client_secret="sec")
        others = gateway.application(ANN, "others", client_secret="sec")

        def told(**fields: Any) -> tuple[str | None, ...]:
            found = gateway.credentials.find(TOKENS, "access_token", "t")
            if found is not None:
                gateway.credentials.remove(found)
            given = {"credential": {"id": application.id}, "service": {"id": SERVICE}, "expires_in": 0, **fields}
            made = Oauth2Token.parse({"access_token": "t", **given})
            gateway.credentials.add(TOKENS, made.to_wire(), None)
            sent = [gateway.request(headers={"Authorization": "Bearer t"}).sent for _ in range(2)][1]
            assert sent is not None
            names = ("x-consumer-username", "x-authenticated-scope", "x-authenticated-userid")
            return tuple([sent.header(name) for name in names])

        assert told(scope="email", authenticated_userid="user-7") == ("bob", "email", "user-7")
        assert told() == ("bob", None, None)
        assert told(credential={"id": others.id}, scope="profile") == ("ann", "profile", None)
