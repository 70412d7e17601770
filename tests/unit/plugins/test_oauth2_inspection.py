"""oauth2: introspection and revocation, which are off unless they are wanted."""

import time
from typing import Any

import pytest

from gateline.plugins.oauth2.entities import TOKENS
from gateline.testing import Answer
from unit.plugins.oauth2_scene import OTHER_SERVICE, OAuth

ON: dict[str, Any] = {"enable_introspection": True, "enable_revocation": True}


def introspect(gateway: OAuth, token: Any, **fields: Any) -> Answer:
    return gateway.post("/oauth2/introspect", {"client_id": "ann", "client_secret": "sec", "token": token} | fields)


def revoke(gateway: OAuth, token: Any, **fields: Any) -> Answer:
    return gateway.post("/oauth2/revoke", {"client_id": "app", "client_secret": "sec", "token": token} | fields)


@pytest.mark.parametrize("path", ["/oauth2/introspect", "/oauth2/revoke"])
def test_they_are_off_unless_they_are_wanted(path: str) -> None:
    with OAuth() as gateway:
        assert gateway.post(path, {"token": "x"}).status == 401
        answer = gateway.post(path, {"token": "x"}, headers=[("Authorization", f"Bearer {token_of(gateway)}")])
        assert answer.status == 200
        assert answer.sent is not None


def token_of(gateway: OAuth) -> str:
    return str(gateway.issued(grant_type="client_credentials")["access_token"])


def test_a_client_is_told_of_tokens() -> None:
    now = time.time()
    with OAuth(**ON) as gateway:
        told = gateway.user_token()
        answer = introspect(gateway, told["access_token"])
        assert answer.status == 200
        assert answer.header("cache-control") == "no-store"
        known = answer.json()
        assert abs(known.pop("iat") - now) < 60
        assert abs(known.pop("exp") - now - 7200) < 60
        assert known == {
            "active": True,
            "client_id": "app",
            "scope": "email",
            "sub": "user-7",
            "token_type": "bearer",
            "username": "bob",
        }
        refresh = introspect(gateway, told["refresh_token"], token_type_hint="refresh_token").json()
        assert abs(refresh["exp"] - now - 1_209_600) < 60
        assert "token_type" not in refresh
    with OAuth(token_expiration=0, **ON) as gateway:
        known = introspect(gateway, gateway.user_token()["access_token"]).json()
        assert known.keys().isdisjoint({"exp", "iat"})


def test_of_what_is_not_good_here_nothing_is_told() -> None:
    with OAuth(**ON) as gateway, OAuth(service=OTHER_SERVICE, **ON) as other:
        other.credentials._entities = gateway.credentials._entities
        token = token_of(gateway)
        assert introspect(other, token).json() == {"active": False}
        assert introspect(gateway, "nothing").json() == {"active": False}
        found = gateway.credentials.find(TOKENS, "access_token", token)
        assert found is not None
        found.fields = {**found.fields, "valid_until": time.time() - 1}
        assert introspect(gateway, token).json() == {"active": False}
        found.fields = {**found.fields, "valid_until": None, "credential": {"id": "gone"}}
        assert introspect(gateway, token).json() == {"active": False}


@pytest.mark.parametrize("ask", [introspect, revoke])
def test_who_asks_must_be_known(ask: Any) -> None:
    with OAuth(**ON) as gateway:
        token = token_of(gateway)
        assert ask(gateway, token, client_secret="wrong").status == 400
        assert ask(gateway, token, client_id="nobody").json()["error"] == "invalid_client"
        assert ask(gateway, "").json() == {"error": "invalid_request", "error_description": "token is required"}
        assert gateway.ask(token).status == 200
    with OAuth(tls=False, **ON) as gateway:
        assert ask(gateway, "x").json()["error"] == "access_denied"


def test_public_clients_are_told_nothing() -> None:
    with OAuth(**ON) as gateway:
        answer = gateway.post("/oauth2/introspect", {"client_id": "spa", "token": token_of(gateway)})
        assert answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize("sort", ["access_token", "refresh_token"])
def test_a_client_gives_its_tokens_back(sort: str) -> None:
    with OAuth(**ON) as gateway:
        told = gateway.user_token()
        answer = revoke(gateway, told[sort])
        assert (answer.status, answer.body) == (200, b"")
        assert gateway.ask(told["access_token"]).status == 401
        refreshed = gateway.token(grant_type="refresh_token", refresh_token=told["refresh_token"])
        assert refreshed.json()["error_description"] == "Invalid refresh_token"
        assert revoke(gateway, told[sort]).status == 200, "what is not there is as good as revoked"


def test_nobody_revokes_what_is_another_clients() -> None:
    with OAuth(**ON) as gateway:
        token = token_of(gateway)
        answer = revoke(gateway, token, client_id="ann")
        assert answer.json() == {"error": "invalid_grant", "error_description": "The token is another client's"}
        assert gateway.ask(token).status == 200
