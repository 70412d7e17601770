"""oauth2: the endpoint for tokens, grant by grant."""

import hmac
import ipaddress
import time
from base64 import b64encode
from typing import Any

import pytest

from gateline.pdk import EntitiesError
from gateline.plugins.oauth2.entities import TOKENS
from gateline.testing import Answer
from unit.plugins.oauth2_scene import CALLBACK, OTHER_SERVICE, VERIFIER, OAuth, challenge
from unit.plugins.people import ANN

MISMATCH = "Invalid redirect_uri that does not match with any redirect_uri created with the application"


def basic(client_id: str, secret: str) -> list[tuple[str, str]]:
    return [("Authorization", f"Basic {b64encode(f'{client_id}:{secret}'.encode()).decode()}")]


def refused(answer: Answer, error: str, description: str, status: int = 400) -> None:
    assert answer.json() == {"error": error, "error_description": description}
    assert answer.status == status
    assert answer.header("cache-control") == "no-store"
    assert answer.header("pragma") == "no-cache"
    assert answer.sent is None


# -- codes
def test_a_code_gives_a_token_that_opens_the_service() -> None:
    with OAuth() as gateway:
        told = gateway.issued(code=gateway.code(), state="s 1")
        assert {name: type(value) for name, value in told.items()} == {
            "access_token": str,
            "token_type": str,
            "expires_in": int,
            "refresh_token": str,
            "state": str,
        }
        assert (told["token_type"], told["expires_in"], told["state"]) == ("bearer", 7200, "s 1")
        assert len(told["access_token"]) == len(told["refresh_token"]) == 32
        answer = gateway.ask(told["access_token"])
    assert answer.sent is not None
    assert answer.sent.header("x-authenticated-userid") == "user-7"
    assert answer.sent.header("x-authenticated-scope") == "email"
    assert answer.sent.header("x-consumer-username") == "bob"
    assert answer.sent.header("x-credential-identifier") == "app"


def test_a_code_is_good_once_and_its_second_use_takes_back_what_it_gave() -> None:
    with OAuth() as gateway:
        code = gateway.code()
        first = gateway.issued(code=code)
        renewed = gateway.issued(grant_type="refresh_token", refresh_token=first["refresh_token"])
        assert gateway.ask(renewed["access_token"]).status == 200
        refused(gateway.token(code=code), "invalid_request", "Invalid code")
        assert gateway.ask(renewed["access_token"]).status == 401
        answer = gateway.token(grant_type="refresh_token", refresh_token=renewed["refresh_token"])
        refused(answer, "invalid_request", "Invalid refresh_token")


def test_the_second_use_by_somebody_else_takes_nothing_back() -> None:
    with OAuth() as gateway:
        code = gateway.code()
        told = gateway.issued(code=code)
        refused(gateway.token(code=code, client_id="ann"), "invalid_request", "Invalid code")
        refused(gateway.token(code=code, client_secret="wrong"), "invalid_client", "Invalid client authentication")
        assert gateway.ask(told["access_token"]).status == 200


def test_a_code_of_another_client_is_refused_and_stays_good() -> None:
    with OAuth() as gateway:
        code = gateway.code()
        refused(gateway.token(code=code, client_id="ann"), "invalid_request", "Invalid code")
        assert gateway.token(code=code).status == 200


def test_a_code_of_another_service_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with OAuth() as gateway, OAuth(service=OTHER_SERVICE) as other:
        monkeypatch.setattr(other.credentials, "_entities", gateway.credentials._entities)
        code = gateway.code()
        refused(other.token(code=code), "invalid_request", "Invalid code")


@pytest.mark.parametrize("code", [None, "", "nothing", ["a", "b"]])
def test_a_code_that_is_none_is_refused(code: Any) -> None:
    with OAuth() as gateway:
        refused(gateway.token(code=code), "invalid_request", "Invalid code")


def test_the_address_must_be_the_one_that_the_code_went_to() -> None:
    with OAuth() as gateway:
        code = gateway.code(redirect_uri=CALLBACK)
        refused(gateway.token(code=code, redirect_uri="https://evil.test/"), "invalid_request", MISMATCH)
        refused(gateway.token(code=code, redirect_uri="https://app.test/cb2?x=1"), "invalid_request", MISMATCH)
        assert gateway.token(code=code, redirect_uri=CALLBACK).status == 200
        assert gateway.token(code=gateway.code()).status == 200


# -- PKCE
def test_who_began_with_a_challenge_has_to_know_its_verifier() -> None:
    for mode in ("none", "lax", "strict"):
        with OAuth(pkce=mode) as gateway:
            code = gateway.code(code_challenge=challenge(), code_challenge_method="S256")
            required = "code_verifier is required for PKCE authorization requests"
            refused(gateway.token(code=code), "invalid_request", required)
            short = "code_verifier must be between 43 and 128 characters"
            refused(gateway.token(code=code, code_verifier="v" * 42), "invalid_request", short)
            refused(gateway.token(code=code, code_verifier="v" * 129), "invalid_request", short)
            twice = gateway.token(code=code, code_verifier=[VERIFIER, VERIFIER])
            refused(twice, "invalid_request", "code_verifier is not a string")
            refused(gateway.token(code=code, code_verifier="w" * 50), "invalid_grant", "Invalid code")
            assert gateway.token(code=code, code_verifier=VERIFIER).status == 200


def test_a_challenge_that_was_taken_away_is_noticed() -> None:
    with OAuth() as gateway:
        refused(gateway.token(code=gateway.code(), code_verifier=VERIFIER), "invalid_grant", "Invalid code")
    with OAuth(pkce="strict") as gateway, OAuth() as lax:
        gateway.credentials._entities = lax.credentials._entities
        refused(gateway.token(code=lax.code(), code_verifier=VERIFIER), "invalid_grant", "Invalid code")
    with OAuth(pkce="none") as gateway:
        assert gateway.token(code=gateway.code(), code_verifier=VERIFIER).status == 200


def test_a_public_client_has_no_secret_but_a_verifier() -> None:
    with OAuth() as gateway:
        code = gateway.code(client_id="spa", code_challenge=challenge())
        answer = gateway.token(client_id="spa", code=code, code_verifier=VERIFIER)
        refused(answer, "invalid_request", "client_secret is disallowed for public clients")
        given = {"client_id": "spa", "client_secret": None, "code": code, "code_verifier": VERIFIER}
        told = gateway.issued(**given)
        assert gateway.ask(told["access_token"]).status == 200


# -- the other grants
def test_a_client_gets_a_token_for_itself_without_a_refresh_token() -> None:
    with OAuth() as gateway:
        told = gateway.issued(grant_type="client_credentials", scope="email profile")
        assert told.keys() == {"access_token", "token_type", "expires_in"}
        answer = gateway.ask(told["access_token"])
    assert answer.sent is not None
    assert answer.sent.header("x-authenticated-userid") is None
    assert answer.sent.header("x-authenticated-scope") == "email profile"


def test_a_client_speaks_for_a_user_only_with_the_provision_key() -> None:
    with OAuth() as gateway:
        given = {"grant_type": "client_credentials", "authenticated_userid": "u"}
        refused(gateway.token(**given), "invalid_provision_key", "Invalid provision_key")
        refused(gateway.token(**given, provision_key="x"), "invalid_provision_key", "Invalid provision_key")
        answer = gateway.ask(gateway.issued(**given, provision_key="pk")["access_token"])
    assert answer.sent is not None
    assert answer.sent.header("x-authenticated-userid") == "u"


def test_a_public_client_gets_no_token_for_itself() -> None:
    with OAuth() as gateway:
        answer = gateway.token(grant_type="client_credentials", client_id="spa", client_secret=None)
        refused(answer, "unauthorized_client", "client_credentials is disallowed for public clients")


def test_the_password_grant_needs_the_provision_key_and_a_user() -> None:
    with OAuth() as gateway:
        given = {"grant_type": "password", "provision_key": "pk", "authenticated_userid": "u"}
        refused(gateway.token(**{**given, "provision_key": "x"}), "invalid_provision_key", "Invalid provision_key")
        for user in (None, "", " "):
            missing = gateway.token(**{**given, "authenticated_userid": user})
            refused(missing, "invalid_authenticated_userid", "Missing authenticated_userid parameter")
        broken = gateway.token(**{**given, "authenticated_userid": "a\r\nX-Admin: 1"})
        refused(broken, "invalid_authenticated_userid", "Invalid authenticated_userid parameter")
        assert gateway.issued(**given).keys() == {"access_token", "token_type", "expires_in", "refresh_token"}


@pytest.mark.parametrize("grant", ["client_credentials", "password", "implicit", "", None])
def test_a_grant_that_is_not_on_is_refused(grant: str | None) -> None:
    with OAuth(enable_client_credentials=False, enable_password_grant=False) as gateway:
        refused(gateway.token(grant_type=grant), "unsupported_grant_type", "Invalid grant_type")


@pytest.mark.parametrize(
    ("config", "scope", "description"),
    [
        ({}, "email admin", '"admin" is an invalid scope'),
        ({}, ["email", "profile"], "scope must be a string"),
        ({"mandatory_scope": True}, None, "You must specify a scope"),
        ({"mandatory_scope": True}, " ", "You must specify a scope"),
    ],
)
def test_scopes_are_those_of_the_configuration(config: dict[str, Any], scope: Any, description: str) -> None:
    with OAuth(**config) as gateway:
        answer = gateway.token(grant_type="client_credentials", scope=scope)
        refused(answer, "invalid_scope", description)


def test_a_scope_counts_once_however_often_it_is_asked_for() -> None:
    with OAuth() as gateway:
        answer = gateway.ask(
            gateway.issued(grant_type="client_credentials", scope="email  email " * 99)["access_token"]
        )
    assert answer.sent is not None
    assert answer.sent.header("x-authenticated-scope") == "email"


# -- refreshing
def test_a_refresh_token_is_good_once() -> None:
    with OAuth() as gateway:
        old = gateway.user_token()
        new = gateway.issued(grant_type="refresh_token", refresh_token=old["refresh_token"], state="s")
        assert new["state"] == "s"
        assert new["access_token"] != old["access_token"]
        assert new["refresh_token"] != old["refresh_token"]
        assert (gateway.ask(old["access_token"]).status, gateway.ask(new["access_token"]).status) == (401, 200)
        again = gateway.token(grant_type="refresh_token", refresh_token=old["refresh_token"])
        refused(again, "invalid_request", "Invalid refresh_token")
        assert gateway.ask(new["access_token"]).status == 200
        assert gateway.tokens == 1
        answer = gateway.ask(new["access_token"])
    assert answer.sent is not None
    assert answer.sent.header("x-authenticated-userid") == "user-7"


def test_a_public_client_whose_old_refresh_token_comes_back_loses_the_new_one() -> None:
    with OAuth(pkce="none") as gateway:
        public = {"client_id": "spa", "client_secret": None}
        old = gateway.user_token(**public)
        new = gateway.issued(grant_type="refresh_token", refresh_token=old["refresh_token"], **public)
        assert gateway.token(grant_type="refresh_token", refresh_token=old["refresh_token"], **public).status == 400
        assert gateway.ask(new["access_token"]).status == 401


def test_a_refresh_token_may_be_kept() -> None:
    with OAuth(reuse_refresh_token=True) as gateway:
        old = gateway.user_token()
        end = gateway.credentials.find(TOKENS, "access_token", old["access_token"])
        for _ in range(3):
            new = gateway.issued(grant_type="refresh_token", refresh_token=old["refresh_token"])
            assert new["refresh_token"] == old["refresh_token"]
            assert gateway.ask(new["access_token"]).status == 200
        assert gateway.ask(old["access_token"]).status == 401
        found = gateway.credentials.find(TOKENS, "access_token", new["access_token"])
    assert found is not None
    assert end is not None
    assert found.end == end.end, "its time is not prolonged"


def test_how_long_tokens_live_follows_from_the_configuration() -> None:
    now = time.time()
    with OAuth(refresh_token_ttl=1000) as gateway:
        with_refresh = gateway.credentials.find(TOKENS, "access_token", gateway.user_token()["access_token"])
        without = gateway.issued(grant_type="client_credentials")["access_token"]
        for found, lasts in ((with_refresh, 1000), (gateway.credentials.find(TOKENS, "access_token", without), 7200)):
            assert found is not None
            assert lasts <= found.end - now < lasts + 60
    with OAuth(token_expiration=0) as gateway:
        told = gateway.user_token()
        assert told.keys() == {"access_token", "token_type"}
        for_ever = gateway.credentials.find(TOKENS, "access_token", told["access_token"])
        assert for_ever is not None
        assert (for_ever.end, for_ever.fields["expires_in"], for_ever.fields.get("valid_until")) == (0.0, 0, None)
        assert gateway.ask(told["access_token"]).status == 200
    with OAuth(refresh_token_ttl=0, token_expiration=0.5) as gateway:
        told = gateway.user_token()
        assert told["expires_in"] == 1


def test_a_refresh_token_of_another_client_or_service_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        OAuth() as gateway,
        OAuth(service=OTHER_SERVICE) as other,
        OAuth(service=OTHER_SERVICE, global_credentials=True) as everywhere,
    ):
        given = {"grant_type": "refresh_token", "refresh_token": gateway.user_token()["refresh_token"]}
        answer = gateway.token(**given, client_id="ann")
        refused(answer, "invalid_client", "Invalid client authentication")
        for elsewhere in (other, everywhere):
            monkeypatch.setattr(elsewhere.credentials, "_entities", gateway.credentials._entities)
            refused(elsewhere.token(**given), "invalid_request", "Invalid refresh_token")
        refused(gateway.token(**given, scope="email profile"), "invalid_scope", "Scope mismatch")
        assert gateway.token(**given, scope="email").status == 200


def test_scopes_that_are_no_more_cannot_be_renewed() -> None:
    with OAuth() as gateway, OAuth(scopes=["profile"]) as later:
        later.credentials._entities = gateway.credentials._entities
        given = {"grant_type": "refresh_token", "refresh_token": gateway.user_token()["refresh_token"]}
        refused(later.token(**given), "invalid_scope", "Scope mismatch")


# -- who asks
@pytest.mark.parametrize(
    ("client_id", "secret"),
    [("app", "wrong"), ("app", None), ("app", ""), ("nobody", "sec"), (None, None), ("", "")],
)
@pytest.mark.parametrize("grant", ["client_credentials", "authorization_code"])
def test_a_client_that_proves_nothing_is_refused(client_id: str | None, secret: str | None, grant: str) -> None:
    with OAuth() as gateway:
        answer = gateway.token(client_id=client_id, client_secret=secret, grant_type=grant)
        refused(answer, "invalid_client", "Invalid client authentication")


def test_a_client_may_prove_itself_in_the_header() -> None:
    grant = {"grant_type": "client_credentials"}
    with OAuth() as gateway:
        gateway.application(ANN, "a b+c", client_secret="s%:x")
        assert gateway.post("/oauth2/token", grant, headers=basic("app", "sec")).status == 200
        assert gateway.post("/oauth2/token", grant, headers=basic("a b+c", "s%:x")).status == 200
        assert gateway.post("/oauth2/token", grant, headers=basic("a%20b%2Bc", "s%25%3Ax")).status == 200
        for headers in (
            basic("app", "x"),
            basic("x", "sec"),
            [("Authorization", "Bearer x")],
            [("Authorization", "Basic !")],
        ):
            answer = gateway.post("/oauth2/token", grant, headers=headers)
            refused(answer, "invalid_client", "Invalid client authentication", 401)
            assert answer.header("www-authenticate") == 'Basic realm="OAuth2.0"'


def test_secrets_may_be_kept_as_hashes() -> None:
    with OAuth() as gateway:
        made = gateway.application(ANN, "hashed", client_secret="sec", hash_secret=True)
        assert made.client_secret.startswith("$pbkdf2-sha512$i=10000,l=32$")
        given = {"grant_type": "client_credentials", "client_id": "hashed"}
        for secret, status in (("sec", 200), ("sec", 200), ("wrong", 400), (made.client_secret, 400), ("", 400)):
            assert gateway.token(**given, client_secret=secret).status == status


def test_an_application_without_addresses_has_only_its_own_tokens() -> None:
    with OAuth() as gateway:
        gateway.application(ANN, "server", client_secret="sec", redirect_uris=None)
        gateway.application(ANN, "none", client_secret="sec", redirect_uris=[])
        assert gateway.token(grant_type="client_credentials", client_id="server").status == 200
        answer = gateway.token(client_id="server", code="x")
        refused(answer, "invalid_client", "Invalid client authentication")
        refused(gateway.token(client_id="none", code="x"), "invalid_request", MISMATCH)


def test_an_application_whose_consumer_is_gone_is_none() -> None:
    with OAuth() as gateway:
        found = gateway.credentials.find("oauth2_credentials", "client_id", "app")
        assert found is not None
        found.consumer = None
        refused(gateway.token(code="x"), "invalid_client", "Invalid client authentication")


def test_whatever_is_secret_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    with OAuth() as gateway:
        monkeypatch.setattr(hmac, "compare_digest", compare)
        code = gateway.code(code_challenge=challenge())
        assert gateway.token(code=code, code_verifier=VERIFIER).status == 200
    proof = challenge().encode()
    assert compared == [(b"pk", b"pk"), (b"sec", b"sec"), (proof, proof)]


# -- how it is asked
def test_plain_http_is_refused() -> None:
    with OAuth(tls=False) as gateway:
        refused(gateway.token(code="x"), "access_denied", "You must use HTTPS")
        assert gateway.token(code="x", state="s").json()["state"] == "s"


def test_a_trusted_proxy_may_have_ended_tls() -> None:
    grant = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "sec"}
    told = [("X-Forwarded-Proto", "HTTPS")]
    trusted = [ipaddress.ip_network("127.0.0.0/8")]
    config: dict[str, Any] = {"accept_http_if_already_terminated": True, "tls": False}
    with OAuth(trusted=trusted, **config) as gateway:
        assert gateway.post("/oauth2/token", grant, headers=told).status == 200
        refused(gateway.post("/oauth2/token", grant), "access_denied", "You must use HTTPS")
        twice = gateway.post("/oauth2/token", grant, headers=[*told, ("X-Forwarded-Proto", "https")])
        refused(twice, "access_denied", "Only one X-Forwarded-Proto header allowed")
    with OAuth(**config) as gateway:
        refused(gateway.post("/oauth2/token", grant, headers=told), "access_denied", "You must use HTTPS")
    with OAuth(trusted=trusted, tls=False) as gateway:
        refused(gateway.post("/oauth2/token", grant, headers=told), "access_denied", "You must use HTTPS")


@pytest.mark.parametrize("path", ["/oauth2/token", "/a/b/oauth2/token", "/a/oauth2/token/"])
def test_the_endpoint_is_at_the_end_of_any_path(path: str) -> None:
    with OAuth() as gateway:
        grant = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "sec"}
        assert gateway.post(path, grant).status == 200
        assert gateway.post(path, grant, as_json=True).status == 200
        for elsewhere in ("/oauth2/token/x", "/oauth2/tokens", "/xoauth2/token"):
            assert gateway.post(elsewhere, grant).status == 401


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(method: str) -> None:
    description = f"The HTTP method {method} is invalid for the token endpoint"
    with OAuth(realm="r") as gateway:
        answer = gateway.request(method, "/oauth2/token?grant_type=client_credentials&client_id=app&client_secret=sec")
    assert answer.status == 405
    assert answer.json() == {"error": "invalid_method", "error_description": description}
    challenged = f'Bearer realm="r" error="invalid_method" error_description="{description}"'
    assert answer.header("www-authenticate") == challenged


def test_parameters_come_from_the_query_too_and_the_body_counts_more() -> None:
    with OAuth() as gateway:
        path = "/oauth2/token?grant_type=client_credentials&client_id=app&client_secret=sec"
        assert gateway.request("POST", path).status == 200
        assert gateway.post(path, {"client_secret": "wrong"}).status == 400
        assert gateway.post(path, [1], as_json=True).status == 200
        kind = [("Content-Type", "application/json")]
        assert gateway.request("POST", path, headers=kind, body=b"{").status == 200


def test_a_store_that_is_gone_is_said_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async def insert(*_: object, **__: object) -> bool:
        raise EntitiesError("nobody is there")

    with OAuth() as gateway:
        monkeypatch.setattr(gateway.entities, "insert", insert)
        answer = gateway.token(grant_type="client_credentials")
        refused(answer, "temporarily_unavailable", "Tokens cannot be stored now", 503)
    assert "nobody is there" in caplog.text


def test_of_two_that_come_at_once_one_gets_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    async def insert(*_: object, **__: object) -> bool:
        return False

    with OAuth() as gateway:
        code, refresh_token = gateway.code(), gateway.user_token()["refresh_token"]
        monkeypatch.setattr(gateway.entities, "insert", insert)
        refused(gateway.token(code=code), "invalid_request", "Invalid code")
        answer = gateway.token(grant_type="refresh_token", refresh_token=refresh_token)
        refused(answer, "invalid_request", "Invalid refresh_token")
