"""key-auth, on exchanges without sockets; what Kong does is in tests/conformance/cases/key_auth.yaml."""

import json
from typing import Any

import pytest

from gateline.plugins.key_auth import KeyAuth, KeyauthCredential
from gateline.testing import Answer, Harness
from unit.entities.refusing import fields_of
from unit.plugins.people import ANN, BOB, CREDENTIAL, GUEST, give

PART = b'--x\r\nContent-Disposition: form-data; name="apikey"\r\n\r\n'
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def guarded(**config: Any) -> Harness:
    harness = Harness((KeyAuth, config))
    give(harness, "keyauth_credentials", BOB, key="kong")
    give(harness, "keyauth_credentials", ANN, key="kéy")
    return harness


def told(answer: Answer, name: str) -> str | None:
    assert answer.sent is not None, answer
    return answer.sent.header(name)


def test_a_key_says_who_sends_the_request() -> None:
    with guarded() as harness:
        answer = harness.request(headers={"apikey": "kong", "X-Consumer-Groups": "x"})
    assert told(answer, "x-consumer-username") == "bob"
    assert told(answer, "x-credential-identifier") == CREDENTIAL


@pytest.mark.parametrize("key", ["", "wrong", "KONG", "kong "])
def test_a_wrong_key_does_not(key: str) -> None:
    with guarded() as harness:
        answer = harness.request(target=f"/?apikey={key.replace(' ', '%20')}")
    assert (answer.status, answer.sent) == (401, None)
    assert answer.json()["message"] == ("Unauthorized" if key else "No API key found in request")


def test_a_key_may_have_any_letters_in_utf_8() -> None:
    with guarded() as harness:
        answer = harness.request(headers={"apikey": "kéy".encode().decode("latin-1")})
        assert told(answer, "x-consumer-username") == "ann"
        assert told(harness.request(target="/?apikey=k%C3%A9y"), "x-consumer-username") == "ann"


def test_a_realm_and_the_names_are_configured() -> None:
    with guarded(realm="r", key_names=["a", "b"]) as harness:
        refused = harness.request(headers={"apikey": "kong"})
        assert refused.header("www-authenticate") == 'Key realm="r"'
        assert harness.request(headers={"b": "kong"}).status == 200
        assert harness.request(target="/?b=kong", headers={"a": "wrong"}).status == 401


def test_the_first_name_counts_and_headers_before_the_query() -> None:
    with guarded(key_names=["a", "b"]) as harness:
        assert harness.request(target="/?a=wrong", headers={"a": "kong"}).status == 200
        assert harness.request(target="/?a=kong", headers={"b": "wrong"}).status == 200


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"a=1&apikey=kong", "application/x-www-form-urlencoded", 200),
        (b"apikey=kong&apikey=kong", "application/x-www-form-urlencoded", 401),
        (b'{"apikey": "kong"}', "application/json; charset=utf-8", 200),
        (b'{"apikey": "kong"}', "application/vnd.api+json", 200),
        (b'{"apikey": ["kong"]}', "application/json", 401),
        (b'{"apikey": 7}', "application/json", 401),
        (b'["apikey"]', "application/json", 401),
        (b"{", "application/json", 401),
        (b"", "application/json", 401),
        (PART + b"kong\r\n--x--\r\n", 'multipart/form-data; boundary="x"', 200),
    ],
)
def test_a_key_in_the_body(body: bytes, kind: str, status: int) -> None:
    with guarded(key_in_body=True) as harness:
        assert harness.request("POST", headers={"Content-Type": kind}, body=body).status == status
    with guarded() as harness:
        assert harness.request("POST", headers={"Content-Type": kind}, body=body).status == 401


def test_a_hidden_key_does_not_reach_the_service() -> None:
    with guarded(hide_credentials=True, key_in_body=True) as harness:
        answer = harness.request(target="/?b=%20&apikey=kong&a", headers={"apikey": "kong"})
        assert answer.sent is not None
        assert (answer.sent.target, answer.sent.header("apikey")) == ("/?b=%20&a", None)
        answer = harness.request("POST", headers=FORM, body=b"a=1&apikey=kong&b=%C3%A9")
        assert answer.sent is not None
        assert answer.sent.body == b"a=1&b=%C3%A9"
        answer = harness.request(
            "POST", headers={"Content-Type": "application/json"}, body=b'{"apikey":"kong","a":[1]}'
        )
        assert answer.sent is not None
        assert json.loads(answer.sent.body) == {"a": [1]}
        parts = (
            PART + b'kong\r\n--x\r\nContent-Disposition: form-data; name="f"; filename="n"\r\n\r\n\x00\xff\r\n--x--\r\n'
        )
        answer = harness.request("POST", headers={"Content-Type": "multipart/form-data; boundary=x"}, body=parts)
        assert answer.sent is not None
        assert answer.sent.body == parts.partition(b"kong\r\n")[2]


def test_without_a_key_the_anonymous_consumer_goes_on() -> None:
    with guarded(anonymous="guest") as harness:
        harness.credentials.consumers[GUEST.id] = GUEST
        answer = harness.request(headers={"X-Credential-Identifier": "forged"})
        assert told(answer, "x-consumer-username") == "guest"
        assert told(answer, "x-anonymous-consumer") == "true"
        assert told(answer, "x-credential-identifier") is None
    with guarded(anonymous="nobody") as harness:
        assert harness.request().json()["message"] == "An unexpected error occurred"


def test_a_preflight_may_pass() -> None:
    with guarded(run_on_preflight=False, key_in_body=True) as harness:
        passed = harness.request("OPTIONS", headers={"X-Consumer-ID": "root", "X-Anonymous-Consumer": "false"})
        assert passed.sent is not None
        assert (passed.sent.header("x-consumer-id"), passed.sent.header("x-anonymous-consumer")) == (None, None)
        assert harness.request("GET").status == 401


def test_a_credential_is_made_with_what_is_left_out() -> None:
    made = KeyauthCredential.parse({"consumer": {"id": BOB.id}})
    assert len(made.key) == 32
    assert made.key.isalnum()
    assert set(made.shown()) == {"id", "created_at", "consumer", "key", "tags", "ttl"}
    assert "******" in repr(made)
    assert fields_of(KeyauthCredential, {"consumer": {"id": BOB.id}, "ttl": -1, "key": ""}) == {
        "ttl": "value should be between 0 and 100000000",
        "key": "length must be at least 1",
    }


def test_a_credential_has_the_time_that_is_left() -> None:
    made = KeyauthCredential.parse({"consumer": {"id": BOB.id}, "ttl": 10})
    assert made.expires_at is not None
    assert [made.shown(made.expires_at - left)["ttl"] for left in (10, 3.5, 0, -1)] == [10, 4, 0, 0]
    forever = KeyauthCredential.patched(made.to_wire(), {"ttl": 0})
    assert (forever.expires_at, forever.shown()["ttl"]) == (None, 0)
    kept = KeyauthCredential.patched(made.to_wire(), {"tags": ["a"]})
    assert kept.expires_at == made.expires_at
    far = KeyauthCredential.parse({"consumer": {"id": BOB.id}, "expires_at": 10**10})
    assert far.shown()["ttl"] == 100_000_000
    assert fields_of(KeyauthCredential, {"consumer": {"id": BOB.id}, "expires_at": 4e16}) == {
        "expires_at": "value should be between 0 and 10000000000"
    }
