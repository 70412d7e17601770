"""oauth2: the endpoint that a page asks which has asked the user."""

from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest

from gateline.plugins.oauth2.entities import CODES
from gateline.testing import Answer
from unit.plugins.oauth2_scene import CALLBACK, VERIFIER, OAuth, challenge, told
from unit.plugins.people import BOB

MISMATCH = "Invalid redirect_uri that does not match with any redirect_uri created with the application"
NO_METHOD = "code_challenge is required when code_method is present"
NO_CHALLENGE = "code_challenge is not the SHA-256 of a code_verifier in base64url"


def sent_back(answer: Answer, error: str, description: str, to: str = CALLBACK) -> None:
    """The user's browser is to take the error to the application."""
    assert answer.status == 400
    assert answer.header("cache-control") == "no-store"
    assert answer.json()["redirect_uri"].partition("?")[0] == to
    assert told(answer) == {"error": error, "error_description": description}


def test_a_code_goes_to_the_applications_first_address() -> None:
    with OAuth() as gateway:
        answer = gateway.authorize(state="a b&c")
        assert answer.status == 200
        assert answer.header("cache-control") == "no-store"
        assert answer.header("pragma") == "no-cache"
        assert answer.json()["redirect_uri"].startswith(f"{CALLBACK}?code=")
        code = told(answer)
        assert (len(code["code"]), code["state"]) == (32, "a b&c")
        found = gateway.credentials.find(CODES, "code", code["code"])
        assert found is not None
        assert (found.fields["authenticated_userid"], found.fields["scope"]) == ("user-7", "email")
        assert answer.sent is None


def test_a_code_goes_to_another_of_the_addresses_and_keeps_its_query() -> None:
    with OAuth() as gateway:
        answer = gateway.authorize(redirect_uri="https://app.test/cb2?x=1")
        assert answer.json()["redirect_uri"].startswith("https://app.test/cb2?x=1&code=")


def test_an_address_cannot_fix_the_code_or_state_in_advance() -> None:
    with OAuth() as gateway:
        gateway.application(BOB, "fixed", client_secret="s", redirect_uris=["https://a.test/?c%6fde=x&state=y&z"])
        answer = gateway.authorize(client_id="fixed", state="s")
        assert answer.json()["redirect_uri"].startswith("https://a.test/?z&code=")
        assert told(answer)["state"] == "s"


def test_a_token_goes_into_the_fragment() -> None:
    with OAuth() as gateway:
        answer = gateway.authorize(response_type="token", state="s")
        assert answer.json()["redirect_uri"].startswith(f"{CALLBACK}#access_token=")
        given = told(answer)
        assert given.keys() == {"access_token", "expires_in", "state", "token_type"}
        assert gateway.ask(given["access_token"]).status == 200


@pytest.mark.parametrize("uri", ["https://evil.test/", f"{CALLBACK}/", f"{CALLBACK}?x", "https://app.test/cb2", ""])
def test_nobody_is_sent_where_the_application_has_not_said(uri: str) -> None:
    with OAuth() as gateway:
        sent_back(gateway.authorize(redirect_uri=uri), "invalid_request", MISMATCH)
        assert gateway.codes == 0


@pytest.mark.parametrize(
    ("fields", "error", "description"),
    [
        ({"provision_key": "x"}, "invalid_provision_key", "Invalid provision_key"),
        ({"provision_key": None}, "invalid_provision_key", "Invalid provision_key"),
        ({"provision_key": ["pk", "pk"]}, "invalid_provision_key", "Invalid provision_key"),
        ({"authenticated_userid": None}, "invalid_authenticated_userid", "Missing authenticated_userid parameter"),
        ({"authenticated_userid": " "}, "invalid_authenticated_userid", "Missing authenticated_userid parameter"),
        ({"authenticated_userid": "a\nb"}, "invalid_authenticated_userid", "Invalid authenticated_userid parameter"),
        ({"client_id": "nobody"}, "invalid_client", "Invalid client authentication"),
        ({"client_id": None}, "invalid_client", "Invalid client authentication"),
        ({"client_id": ["app", "app"]}, "invalid_client", "Invalid client authentication"),
    ],
)
def test_without_a_page_or_an_application_the_page_is_told(
    fields: dict[str, Any], error: str, description: str
) -> None:
    with OAuth() as gateway:
        answer = gateway.authorize(**fields, state="s")
        assert answer.status == 400
        assert answer.json() == {"error": error, "error_description": description, "state": "s"}


@pytest.mark.parametrize(
    ("fields", "error", "description"),
    [
        ({"response_type": "code token"}, "unsupported_response_type", "Invalid response_type"),
        ({"response_type": None}, "unsupported_response_type", "Invalid response_type"),
        ({"scope": "admin"}, "invalid_scope", '"admin" is an invalid scope'),
        ({"scope": None}, "invalid_scope", "You must specify a scope"),
        ({"code_challenge_method": "S256"}, "invalid_request", NO_METHOD),
        (
            {"code_challenge": challenge(), "code_challenge_method": "plain"},
            "invalid_request",
            "code_challenge_method is not supported, must be S256",
        ),
        ({"code_challenge": VERIFIER, "code_challenge_method": "S256"}, "invalid_request", NO_CHALLENGE),
        ({"code_challenge": "\xe9" * 43}, "invalid_request", NO_CHALLENGE),
        ({"code_challenge": [challenge(), challenge()]}, "invalid_request", NO_CHALLENGE),
    ],
)
def test_what_is_wrong_with_the_request_goes_to_the_application(
    fields: dict[str, Any], error: str, description: str
) -> None:
    with OAuth(mandatory_scope=True) as gateway:
        sent_back(gateway.authorize(**fields), error, description)
        assert gateway.codes == 0


def test_grants_that_are_off_are_refused() -> None:
    with OAuth(enable_authorization_code=False, enable_implicit_grant=False) as gateway:
        for kind in ("code", "token"):
            sent_back(gateway.authorize(response_type=kind), "unsupported_response_type", "Invalid response_type")


def test_who_needs_a_challenge_is_configured() -> None:
    with OAuth() as lax, OAuth(pkce="strict") as strict, OAuth(pkce="none") as none:
        for gateway, public, confidential in ((lax, 400, 200), (strict, 400, 400), (none, 200, 200)):
            assert gateway.authorize(client_id="spa").status == public
            assert gateway.authorize(client_id="app").status == confidential
            assert gateway.authorize(client_id="spa", code_challenge=challenge()).status == 200
        missing = "code_challenge is required for public clients"
        sent_back(lax.authorize(client_id="spa"), "invalid_request", missing)
        missing = "code_challenge is required for confidential clients"
        sent_back(strict.authorize(client_id="app"), "invalid_request", missing)


@pytest.mark.parametrize(
    "given",
    [
        challenge(),
        challenge() + "=",
        b64encode(sha256(VERIFIER.encode()).digest()).decode(),
    ],
)
def test_challenges_are_taken_as_clients_write_them(given: str) -> None:
    with OAuth() as gateway:
        code = gateway.code(code_challenge=given, code_challenge_method="s256")
        assert gateway.token(code=code, code_verifier=VERIFIER).status == 200


def test_plain_http_is_refused_before_anything_is_looked_at() -> None:
    with OAuth(tls=False) as gateway:
        answer = gateway.authorize(provision_key="x")
        assert answer.status == 400
        assert answer.json() == {"error": "access_denied", "error_description": "You must use HTTPS"}


def test_get_is_refused() -> None:
    with OAuth() as gateway:
        answer = gateway.request("GET", "/oauth2/authorize")
    assert answer.status == 405
    description = "The HTTP method GET is invalid for the authorization endpoint"
    assert answer.json() == {"error": "invalid_method", "error_description": description}


def test_where_there_is_no_service_nothing_is_given_that_would_be_good_everywhere() -> None:
    with OAuth(route={"service": None}) as gateway:
        description = "There is no service that a token could be for"
        answer = gateway.authorize()
        assert answer.status == 500
        assert told(answer)["error_description"] == description
        assert gateway.token(grant_type="client_credentials").json()["error_description"] == description
        assert (gateway.codes, gateway.tokens) == (0, 0)
