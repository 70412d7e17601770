"""basic-auth, and several authentication plugins together."""

import hmac
from base64 import b64encode
from typing import Any

import pytest

from gateline.plugins.basic_auth import BasicAuth, BasicauthCredential, password_hash
from gateline.plugins.key_auth import KeyAuth
from gateline.testing import Harness
from unit.plugins.people import ANN, BOB, GUEST, give


def guarded(*plugins: Any) -> Harness:
    harness = Harness(*plugins)
    give(harness, "basicauth_credentials", BOB, username="b", password=password_hash("p:1", BOB.id))
    give(harness, "keyauth_credentials", ANN, key="kong")
    harness.credentials.consumers[GUEST.id] = GUEST
    return harness


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(text.encode()).decode()}"}


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (basic("b:p:1")["Authorization"], 200),
        (basic("b:p:1")["Authorization"].replace("Basic", "bAsIc"), 200),
        (basic("b:p")["Authorization"], 401),
        (basic("x:p:1")["Authorization"], 401),
        (basic("b:")["Authorization"], 401),
        (basic(":p:1")["Authorization"], 401),
        ("Basic", 401),
        ("Basic !!", 401),
        ("Bearer Yjpw", 401),
        ("", 401),
    ],
)
def test_the_password_must_be_right(header: str, status: int) -> None:
    with guarded(BasicAuth) as harness:
        answer = harness.request(headers={"Authorization": header})
    assert answer.status == status
    if status == 401:
        assert answer.header("www-authenticate") == 'Basic realm="service"'
        assert answer.json()["message"] == "Unauthorized"


@pytest.mark.parametrize("text", ["b:p:1", "b:wrong", "nobody:p:1"])
def test_passwords_are_compared_in_constant_time_even_of_nobody(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    with guarded(BasicAuth) as harness:
        monkeypatch.setattr(hmac, "compare_digest", compare)
        assert harness.request(headers=basic(text)).status == (200 if text == "b:p:1" else 401)
    assert [(len(one), len(other)) for one, other in compared] == [(40, 40)]


def test_passwords_are_kept_as_in_kong() -> None:
    consumer = "5f1d7fbc-0000-4000-8000-000000000001"
    made = BasicauthCredential.parse({"consumer": {"id": consumer}, "username": "b", "password": "kong"})
    assert made.password == "0595acdbd7729d9c832f72ec565fcf1eab2ffa2d"
    assert BasicauthCredential.patched(made.to_wire(), {"tags": ["a"]}).password == made.password
    changed = BasicauthCredential.patched(made.to_wire(), {"password": "x"})
    assert changed.password == password_hash("x", consumer)


def test_credentials_can_be_hidden_from_the_service() -> None:
    with guarded((BasicAuth, {"hide_credentials": True})) as harness:
        answer = harness.request(headers=basic("b:p:1"))
    assert answer.sent is not None
    assert answer.sent.header("authorization") is None


def test_two_plugins_must_both_be_satisfied_and_the_last_one_says_who_it_is() -> None:
    with guarded(KeyAuth, BasicAuth) as harness:
        assert harness.request(headers={"apikey": "kong"}).header("www-authenticate") == 'Basic realm="service"'
        assert harness.request(headers=basic("b:p:1")).header("www-authenticate") == "Key"
        answer = harness.request(headers={"apikey": "kong", **basic("b:p:1")})
    assert answer.sent is not None
    assert answer.sent.header("x-consumer-username") == "bob"


@pytest.mark.parametrize(
    ("headers", "name"),
    [({"apikey": "kong"}, "ann"), (basic("b:p:1"), "bob"), ({}, "guest"), ({"apikey": "x"}, "guest")],
)
def test_with_an_anonymous_consumer_one_of_them_is_enough(headers: dict[str, str], name: str) -> None:
    config = {"anonymous": "guest"}
    with guarded((KeyAuth, config), (BasicAuth, config)) as harness:
        answer = harness.request(headers=headers)
    assert answer.sent is not None
    assert answer.sent.header("x-consumer-username") == name
    assert answer.sent.header("x-anonymous-consumer") == ("true" if name == "guest" else None)
