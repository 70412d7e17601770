"""A gateway with oauth2, applications, and what a client does with them."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from gateline.pdk import Consumer
from gateline.plugins.oauth2 import OAuth2, Oauth2Credential
from gateline.plugins.oauth2.entities import CODES, CREDENTIALS, TOKENS
from gateline.testing import Answer, Harness
from unit.plugins.people import ANN, BOB, GUEST

__all__ = ["CALLBACK", "OTHER_SERVICE", "SERVICE", "VERIFIER", "OAuth", "challenge"]

SERVICE = "5f1d7fbc-0000-4000-8000-00000000000a"
OTHER_SERVICE = "5f1d7fbc-0000-4000-8000-00000000000b"
CALLBACK = "https://app.test/cb"
VERIFIER = "v" * 50
ALL = {
    "enable_authorization_code": True,
    "enable_implicit_grant": True,
    "enable_client_credentials": True,
    "enable_password_grant": True,
    "provision_key": "pk",
    "scopes": ["email", "profile"],
}


def challenge(verifier: str = VERIFIER) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class OAuth(Harness):
    """Bob has the application `app` (secret `sec`) and the public one `spa`; Ann has `ann` (secret `sec`)."""

    def __init__(
        self,
        *others: Any,
        service: str = SERVICE,
        route: Any = None,
        entities: Any = None,
        tls: bool = True,
        trusted: Any = (),
        **config: Any,
    ) -> None:
        super().__init__(
            *others,
            (OAuth2, {**ALL, **config}),
            service={"id": service},
            route=route,
            entities=entities,
            tls=tls,
            trusted=trusted,
        )
        self.application(BOB, "app", client_secret="sec")
        self.application(BOB, "spa", client_type="public")
        self.application(ANN, "ann", client_secret="sec")
        self.credentials.consumers[GUEST.id] = GUEST

    def application(self, of: Consumer, client_id: str, **fields: Any) -> Oauth2Credential:
        given = {"name": client_id, "client_id": client_id, "redirect_uris": [CALLBACK, "https://app.test/cb2?x=1"]}
        made = Oauth2Credential.parse({"consumer": {"id": of.id}, **given, **fields})
        self.credentials.add(CREDENTIALS, made.to_wire(), of)
        return made

    def post(self, path: str, fields: Any, *, headers: Any = (), as_json: bool = False) -> Answer:
        kind = "application/json" if as_json else "application/x-www-form-urlencoded"
        body = json.dumps(fields) if as_json else urlencode(fields, doseq=True)
        return self.request("POST", path, headers=[("Content-Type", kind), *headers], body=body.encode())

    def authorize(self, **fields: Any) -> Answer:
        given = {
            "provision_key": "pk",
            "authenticated_userid": "user-7",
            "client_id": "app",
            "response_type": "code",
            "scope": "email",
        }
        given |= fields
        return self.post("/oauth2/authorize", {name: value for name, value in given.items() if value is not None})

    def code(self, **fields: Any) -> str:
        answer = self.authorize(**fields)
        assert answer.status == 200, answer.body
        return told(answer)["code"]

    def token(self, **fields: Any) -> Answer:
        given = {"client_id": "app", "client_secret": "sec", "grant_type": "authorization_code"} | fields
        return self.post("/oauth2/token", {name: value for name, value in given.items() if value is not None})

    def issued(self, **fields: Any) -> dict[str, Any]:
        answer = self.token(**fields)
        assert answer.status == 200, answer.body
        return dict(answer.json())

    def user_token(self, **fields: Any) -> dict[str, Any]:
        """A token of the password grant, with a refresh token."""
        given = {"provision_key": "pk", "authenticated_userid": "user-7", "scope": "email", **fields}
        return self.issued(grant_type="password", **given)

    def ask(self, token: str | None, path: str = "/x", **headers: str) -> Answer:
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.request("GET", path, headers=headers)

    def kept(self, kind: str) -> int:
        return len(self.credentials._entities.get(kind, ()))

    @property
    def codes(self) -> int:
        return self.kept(CODES)

    @property
    def tokens(self) -> int:
        return self.kept(TOKENS)


def told(answer: Answer) -> dict[str, str]:
    """What the user's browser takes to the application: in the query, or in the fragment."""
    parts = urlsplit(answer.json()["redirect_uri"])
    return dict(parse_qsl(parts.fragment or parts.query))
