"""What a client says of itself reaches the service through no plugin that authenticates."""

import hmac
import time
from base64 import b64encode
from email.utils import formatdate
from typing import Any

import pytest

from gateline.pdk import Plugin
from gateline.plugins.basic_auth import BasicAuth, password_hash
from gateline.plugins.hmac_auth import HmacAuth
from gateline.plugins.jwt import Jwt
from gateline.plugins.key_auth import KeyAuth
from gateline.plugins.oauth2 import OAuth2, Oauth2Token
from gateline.plugins.oauth2.entities import CREDENTIALS, TOKENS
from gateline.testing import Answer, Harness
from harness.tokens import token
from unit.plugins.people import BOB, CREDENTIAL, GUEST, give

TOLD = ("X-Consumer-ID", "X-Consumer-Custom-ID", "X-Consumer-Username", "X-Credential-Identifier")
ALL = (*TOLD, "X-Anonymous-Consumer", "X-Authenticated-Scope", "X-Authenticated-UserId")
OAUTH2: dict[str, Any] = {"enable_client_credentials": True, "global_credentials": True, "provision_key": "p"}


def signed() -> dict[str, str]:
    date = formatdate(time.time(), usegmt=True)
    value = b64encode(hmac.digest(b"sec", f"date: {date}".encode(), "sha256")).decode()
    authorization = f'hmac username="key", algorithm="hmac-sha256", headers="date", signature="{value}"'
    return {"Date": date, "Authorization": authorization}


def right(kind: type[Plugin[Any]]) -> dict[str, str]:
    """The headers with which bob gets through."""
    if kind is HmacAuth:
        return signed()
    if kind is KeyAuth:
        return {"apikey": "key"}
    if kind is BasicAuth:
        return {"Authorization": f"Basic {b64encode(b'key:sec').decode()}"}
    return {"Authorization": f"Bearer {token({'iss': 'key'}, 'HS256', b'sec') if kind is Jwt else 'key'}"}


def guarded(kind: type[Plugin[Any]], **config: Any) -> Harness:
    harness = Harness((kind, {**(OAUTH2 if kind is OAuth2 else {}), **config}))
    give(harness, "keyauth_credentials", BOB, key="key")
    give(harness, "basicauth_credentials", BOB, username="key", password=password_hash("sec", BOB.id))
    give(harness, "hmacauth_credentials", BOB, username="key", secret="sec")
    give(harness, "jwt_secrets", BOB, key="key", secret="sec", algorithm="HS256")
    give(harness, CREDENTIALS, BOB, client_id="key", name="n")
    issued = Oauth2Token.parse({"credential": {"id": CREDENTIAL}, "access_token": "key", "expires_in": 0})
    harness.credentials.add(TOKENS, issued.to_wire(), None)
    harness.credentials.consumers[GUEST.id] = GUEST
    return harness


def seen(answer: Answer) -> list[str | None]:
    assert answer.sent is not None
    return [", ".join(answer.sent.header_values(name)) or None for name in ALL]


def forged(name: str) -> list[tuple[str, str]]:
    """Two lines of the name, and one in other letters."""
    return [(name, "root"), (name, "admin"), (name.swapcase(), "root")]


@pytest.mark.parametrize("kind", [KeyAuth, BasicAuth, HmacAuth, Jwt, OAuth2])
def test_it_is_replaced_or_taken_away(kind: type[Plugin[Any]]) -> None:
    lies = [line for name in ALL for line in forged(name)]
    wrong = {name: f"{value}x" for name, value in right(kind).items()}
    identifier = CREDENTIAL if kind is KeyAuth else "key"
    with guarded(kind, anonymous="guest") as harness:
        for _ in range(2):  # the second time it may be known
            answer = harness.request(headers=[*lies, *right(kind).items()])
            assert seen(answer)[:5] == [BOB.id, "b-1", "bob", identifier, None]
        for headers in ({}, wrong):
            answer = harness.request(headers=[*lies, *headers.items()])
            assert seen(answer)[:5] == [GUEST.id, None, "guest", None, "true"]
    if kind is OAuth2:
        assert seen(answer)[5:] == [None, None]
    with guarded(kind) as harness:
        for headers in ({}, wrong):
            refused = harness.request(headers=[*lies, *headers.items()])
            assert (refused.status, refused.sent) == (401, None)


@pytest.mark.parametrize("kind", [KeyAuth, Jwt])
def test_a_preflight_that_passes_says_nothing_of_anybody(kind: type[Plugin[Any]]) -> None:
    with guarded(kind, run_on_preflight=False) as harness:
        answer = harness.request("OPTIONS", headers=[line for name in ALL for line in forged(name)])
    assert set(seen(answer)[:5]) == {None}
