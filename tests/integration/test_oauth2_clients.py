"""oauth2, driven by clients that nobody here wrote: Authlib and requests-oauthlib, all grants, PKCE and refresh, with a
database and without one."""

from collections.abc import Iterator
from typing import Any

import pytest
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient, MobileApplicationClient, OAuth2Error
from requests_oauthlib import OAuth2Session

from integration.oauth2_site import CALLBACK, PAGE, Site, site

VERIFIER = "a-verifier-that-is-long-enough-to-be-one-of-them-1234"
USER = {"provision_key": "pk", "authenticated_userid": "user-7"}


@pytest.fixture(scope="module", params=["sqlite", "off"])
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site"), request.param) as running:
        yield running


def authlib(api: Site, client_id: str = "app", secret: str | None = "s+cret", **options: Any) -> Any:
    session = AuthlibSession(client_id, secret, scope="email", redirect_uri=CALLBACK, **options)
    session.verify, session.trust_env = api.authority, False
    return session


def oauthlib(api: Site, client_id: str = "app", **options: Any) -> Any:
    session = OAuth2Session(client_id, scope=["email"], redirect_uri=CALLBACK, **options)
    session.verify, session.trust_env = api.authority, False
    return session


# -- Authlib
@pytest.mark.parametrize(
    ("client_id", "secret", "method"),
    [
        ("app", "s+cret", "client_secret_basic"),
        ("app", "s+cret", "client_secret_post"),
        ("hashed", "sec", "client_secret_basic"),
        ("spa", None, "none"),
    ],
)
def test_authlib_gets_a_token_for_a_code_with_pkce_and_renews_it(
    api: Site, client_id: str, secret: str | None, method: str
) -> None:
    options = {"token_endpoint_auth_method": method, "code_challenge_method": "S256"}
    with authlib(api, client_id, secret, **options) as session:
        url, state = session.create_authorization_url(PAGE, code_verifier=VERIFIER)
        where = api.allowed(url)
        token = session.fetch_token(api.token_url, authorization_response=where, state=state, code_verifier=VERIFIER)
        assert session.get(api.url, timeout=30).text == "ok"
        renewed = session.refresh_token(api.token_url)
        assert renewed["access_token"] != token["access_token"]
        assert session.get(api.url, timeout=30).text == "ok"
        assert api.status(token["access_token"]) == 401


def test_authlib_gets_tokens_by_the_other_grants(api: Site) -> None:
    with authlib(api) as session:
        session.fetch_token(api.token_url, grant_type="client_credentials")
        assert session.get(api.url, timeout=30).text == "ok"
    with authlib(api) as session:
        session.fetch_token(api.token_url, grant_type="password", username="u", password="p", **USER)
        assert session.get(api.url, timeout=30).text == "ok"
    with authlib(api) as session:
        url, state = session.create_authorization_url(PAGE, response_type="token")
        session.fetch_token(authorization_response=api.allowed(url), state=state)
        assert session.get(api.url, timeout=30).text == "ok"


def test_authlib_asks_about_tokens_and_gives_them_back(api: Site) -> None:
    with authlib(api) as session:
        token = session.fetch_token(api.token_url, grant_type="client_credentials")
        asked = session.introspect_token(f"{api.url}/oauth2/introspect", token=token["access_token"])
        assert asked.json()["active"] is True
        revoked = session.revoke_token(f"{api.url}/oauth2/revoke", token=token["access_token"])
        assert revoked.status_code == 200
        asked = session.introspect_token(f"{api.url}/oauth2/introspect", token=token["access_token"])
        assert asked.json() == {"active": False}
        assert api.status(token["access_token"]) == 401


# -- requests-oauthlib
def test_requests_oauthlib_gets_a_token_for_a_code_with_pkce_and_renews_it(api: Site) -> None:
    with oauthlib(api, pkce="S256") as session:
        url, _ = session.authorization_url(PAGE)
        where = api.allowed(url)
        token = session.fetch_token(api.token_url, authorization_response=where, client_secret="s+cret")
        assert session.get(api.url, timeout=30).text == "ok"
        renewed = session.refresh_token(api.token_url, client_id="app", client_secret="s+cret")
        assert renewed["access_token"] != token["access_token"]
        assert session.get(api.url, timeout=30).text == "ok"
        with pytest.raises(OAuth2Error, match="Invalid code"):
            session.fetch_token(api.token_url, authorization_response=where, client_secret="s+cret")
        assert api.status(renewed["access_token"]) == 401, "a code that is used twice takes its tokens with it"


def test_requests_oauthlib_gets_tokens_by_the_other_grants(api: Site) -> None:
    with oauthlib(api, client=BackendApplicationClient("app", scope=["email"])) as session:
        session.fetch_token(api.token_url, client_secret="s+cret")
        assert session.get(api.url, timeout=30).text == "ok"
    with oauthlib(api, client=LegacyApplicationClient("app", scope=["email"])) as session:
        session.fetch_token(api.token_url, username="u", password="p", client_secret="s+cret", **USER)
        assert session.get(api.url, timeout=30).text == "ok"
    with oauthlib(api, client=MobileApplicationClient("app", scope=["email"])) as session:
        url, _ = session.authorization_url(PAGE)
        session.token_from_fragment(api.allowed(url))
        assert session.get(api.url, timeout=30).text == "ok"
