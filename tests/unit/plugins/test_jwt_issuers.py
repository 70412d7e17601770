"""jwt, with tokens of issuers: whose keys count, whom tokens stand for, and what waits for keys that are not there."""

import asyncio
import time
from typing import Any

import pytest

from gateline.entities import Plugin as PluginEntity
from gateline.pdk import Exchange, Identity, Plugin, PluginConfig
from gateline.pdk.discovery import register_plugin
from gateline.plugins.acl import Acl
from gateline.plugins.jwt import Config, Jwt
from gateline.testing import Answer, Harness
from harness.tokens import Key, b64, jwk, jwks, key_for, pem, rsa_key, token
from unit.entities.refusing import fields_of
from unit.plugins.people import ANN, BOB, GUEST, give

URL = "https://login.test/keys"
ISSUER = "https://login.test/"
NOW = int(time.time())
ONE, TWO = rsa_key(), key_for("ES256")
KEYS = jwks(jwk(ONE, kid="one", alg="RS256"), jwk(TWO, kid="two"))


class Sees(Plugin[PluginConfig], name="sees", priority=5):
    """Notes who sends the request."""

    identity: Identity | None = None

    def access(self, exchange: Exchange) -> None:
        Sees.identity = exchange.identity


class Guarded:
    """A service behind jwt with one issuer; `config` is the issuer's, `plugin` the plugin's."""

    def __init__(
        self, *others: Any, keys: bytes | None = KEYS, plugin: dict[str, Any] | None = None, **config: Any
    ) -> None:
        issuer: dict[str, Any] = {"issuer": ISSUER, "jwks_uri": URL, **config}
        self.harness = Harness((Jwt, {"issuers": [issuer], **(plugin or {})}), Sees, *others)
        self.fetched = 0
        self.served: bytes | None = None
        if keys is not None:
            self.harness.documents.bodies[URL] = keys
        for consumer in (BOB, ANN, GUEST):
            self.harness.credentials.consumers[consumer.id] = consumer

    def serve(self, keys: bytes | None) -> None:
        """What a fetch gives from now on."""
        self.served = keys
        self.harness.documents.fetch = self._fetch

    async def _fetch(self, url: str) -> bytes | None:
        assert url == URL
        self.fetched += 1
        await asyncio.sleep(0)
        return self.served

    def says(
        self, claims: dict[str, Any] | None = None, key: Key = ONE, kid: Any = "one", alg: str = "RS256", **more: Any
    ) -> Answer:
        """Ask with a token of these claims, beside those that each has."""
        said = {"iss": ISSUER, "exp": int(time.time()) + 60, "sub": "u-1", **(claims or {})}
        text = token({k: v for k, v in said.items() if v is not None}, alg, key, {"kid": kid})
        return self.asks(text, **more)

    def asks(self, text: str, **headers: str) -> Answer:
        """Ask with a token."""
        return self.harness.request(headers={"Authorization": f"Bearer {text}", **headers})


def told(answer: Answer) -> Any:
    """What the service was told, or the status and body of a refusal."""
    if answer.sent is None:
        body = answer.json()
        return answer.status, body.get("message", body)
    return answer.sent.header("x-consumer-username"), answer.sent.header("x-credential-identifier")


NOBODY = (None, "u-1")
UNKNOWN = (401, "No key found for given 'kid'")


def test_a_token_is_verified_with_the_key_that_it_names() -> None:
    guarded = Guarded()
    with guarded.harness:
        assert told(guarded.says()) == NOBODY
        assert told(guarded.says(key=TWO, kid="two", alg="ES256")) == NOBODY
        assert told(guarded.says(key=TWO, kid=None, alg="ES256")) == NOBODY, "the only one that may be meant"
        assert told(guarded.says(key=rsa_key(number=1))) == (401, "Invalid signature")
        assert told(guarded.says(key=rsa_key(number=1), kid="two")) == UNKNOWN, "its key is for another algorithm"
        assert told(guarded.says(alg="RS512")) == UNKNOWN, "the key says what it is for"
        assert told(guarded.says(kid="three")) == UNKNOWN


@pytest.mark.parametrize(
    "kid", ["", "../one", "one\u0000", "ONE", ["one"], {"one": 1}, 1, "' OR 1=1 --", "https://evil.test/k"]
)
def test_the_key_id_is_looked_up_and_nothing_else(kid: Any) -> None:
    guarded = Guarded()
    with guarded.harness:
        assert told(guarded.says(kid=kid)) == UNKNOWN


def test_only_algorithms_of_the_issuer_are_taken() -> None:
    guarded = Guarded(algorithms=["ES256"])
    with guarded.harness:
        assert told(guarded.says(key=TWO, kid="two", alg="ES256")) == NOBODY
        assert told(guarded.says()) == (401, "Invalid algorithm")


@pytest.mark.parametrize("secret", [pem(ONE), KEYS.decode(), b64(KEYS), "", "one"])
def test_hmac_is_no_algorithm_of_an_issuer(secret: str) -> None:
    guarded = Guarded(keys=jwks(jwk(ONE, kid="one"), jwk(secret.encode() or b"x", kid="secret")))
    with guarded.harness:
        for kid in ("one", "secret"):
            assert told(guarded.says(key=secret.encode(), alg="HS256", kid=kid)) == (401, "Invalid algorithm")


def test_an_issuer_is_meant_to_the_letter() -> None:
    guarded = Guarded()
    with guarded.harness:
        for issuer in (ISSUER[:-1], ISSUER + "/", ISSUER.upper(), f" {ISSUER}"):
            assert told(guarded.says({"iss": issuer})) == (401, "No credentials found for given 'iss'")
        assert told(guarded.says({"iss": [ISSUER]})) == (401, "Invalid 'iss' in claims")


def test_a_consumer_cannot_speak_for_an_issuer() -> None:
    """A credential whose key is the issuer's name verifies none of its tokens."""
    guarded = Guarded()
    give(guarded.harness, "jwt_secrets", BOB, key=ISSUER, secret="s" * 32, algorithm="HS256")
    with guarded.harness:
        assert told(guarded.says(key=b"s" * 32, alg="HS256")) == (401, "Invalid algorithm")


def test_tokens_of_consumers_go_beside() -> None:
    guarded = Guarded()
    give(guarded.harness, "jwt_secrets", BOB, key="bob", secret="s" * 32, algorithm="HS256")
    with guarded.harness:
        assert told(guarded.asks(token({"iss": "bob"}, "HS256", b"s" * 32))) == ("bob", "bob")
        assert told(guarded.says()) == NOBODY


@pytest.mark.parametrize(
    ("claims", "body"),
    [
        ({"exp": None}, {"exp": "must be a number"}),
        ({"exp": NOW - 1}, {"exp": "token expired"}),
        ({"exp": "never"}, {"exp": "must be a number"}),
        ({"nbf": NOW + 3600}, {"nbf": "token not valid yet"}),
        ({"nbf": "x"}, {"nbf": "must be a number"}),
    ],
)
def test_the_time_of_an_issuers_token_always_counts(claims: dict[str, Any], body: Any) -> None:
    guarded = Guarded()
    with guarded.harness:
        assert told(guarded.says(claims)) == (401, body)


def test_a_token_for_another_service_is_refused() -> None:
    guarded = Guarded(plugin={"audience_required": ["orders"]})
    with guarded.harness:
        assert told(guarded.says({"aud": ["invoices", "orders"]})) == NOBODY
        assert told(guarded.says({"aud": "invoices"})) == (401, "Invalid audience")
        assert told(guarded.says()) == (401, "Invalid audience")


# Whom it stands for.


def test_the_identity_has_what_the_token_says() -> None:
    guarded = Guarded(groups_claim=["realm", "roles"])
    with guarded.harness:
        assert told(guarded.says({"realm": {"roles": ["a", 1, "b"]}, "scope": "x y"})) == NOBODY
    identity = Sees.identity
    assert identity is not None
    assert identity.consumer is None
    assert identity.subject == "u-1"
    assert identity.groups == ["a", "b"]
    assert set(identity.scopes) == {"x", "y"}
    assert identity.claims["realm"] == {"roles": ["a", 1, "b"]}
    assert identity.credential is not None
    assert identity.credential.id == f"{ISSUER} u-1"


def test_groups_count_for_acl() -> None:
    guarded = Guarded((Acl, {"allow": ["staff"]}), groups_claim=["groups"])
    with guarded.harness:
        assert told(guarded.says({"groups": ["staff"]})) == NOBODY
        assert told(guarded.says({"groups": "other staff"})) == NOBODY
        for groups in (None, ["other"], {"staff": 1}, [["staff"]], 1):
            assert told(guarded.says({"groups": groups}))[0] == 403


@pytest.mark.parametrize(
    ("by", "claim", "who"),
    [
        (["custom_id"], "b-1", "bob"),
        (["username"], "bob", "bob"),
        (["id"], BOB.id, "bob"),
        (["custom_id", "username"], "ann", "ann"),
        (["custom_id"], "bob", None),
        (["username"], BOB.id, None),
        (["id"], "bob", None),
        (["custom_id"], "", None),
        (["custom_id"], ["b-1"], None),
        (["custom_id"], 1, None),
        (["custom_id"], None, None),
    ],
)
def test_a_claim_names_the_consumer(by: list[str], claim: Any, who: str | None) -> None:
    given: Any = {"consumer_claim": ["user"], "consumer_by": by}
    guarded, relaxed = Guarded(**given), Guarded(**given, consumer_optional=True)
    with guarded.harness, relaxed.harness:
        strict = told(guarded.says({"user": claim}))
        assert strict == ((who, "u-1") if who else (403, "No consumer found for the token"))
        assert told(relaxed.says({"user": claim})) == (who, "u-1")


def test_what_the_client_says_of_itself_does_not_reach_the_service() -> None:
    guarded = Guarded()
    with guarded.harness:
        answer = guarded.says(
            {"sub": None}, **{"X-Consumer-ID": "r", "X-Consumer-Username": "r", "X-Credential-Identifier": "r"}
        )
    assert answer.sent is not None
    assert {
        answer.sent.header(f"x-{name}") for name in ("consumer-id", "consumer-username", "credential-identifier")
    } == {None}


@pytest.mark.parametrize("subject", ["a\r\nX-Admin: 1", "a\u0000", "a\u2028b", 1, ["a"]])
def test_a_subject_that_is_no_header_value_is_not_told(subject: Any) -> None:
    guarded = Guarded()
    with guarded.harness:
        assert told(guarded.says({"sub": subject})) == (None, None)


# Keys come, change and go.


def test_an_unknown_key_is_asked_for_and_the_token_waits() -> None:
    new = rsa_key(number=1)
    guarded = Guarded()
    guarded.serve(jwks(jwk(new, kid="new")))
    with guarded.harness:
        assert told(guarded.says()) == NOBODY
        assert guarded.fetched == 0, "keys that are known are not asked for"
        assert told(guarded.says(key=new, kid="new")) == NOBODY
        assert guarded.fetched == 1
        assert told(guarded.says()) == UNKNOWN, "known tokens too, once the key is gone"


def test_a_key_that_stays_unknown_is_refused() -> None:
    guarded = Guarded()
    guarded.serve(KEYS)
    with guarded.harness:
        answer = guarded.says(kid="never")
        assert told(answer) == UNKNOWN
        assert answer.header("www-authenticate") == 'Bearer error="invalid_token"'
        guarded.serve(None)
        assert told(guarded.says(kid="never")) == UNKNOWN
        assert told(guarded.says()) == NOBODY, "what was good last stays"


def test_tokens_that_are_wrong_in_other_ways_ask_for_nothing() -> None:
    guarded = Guarded()
    guarded.serve(KEYS)
    with guarded.harness:
        guarded.asks("a.b.c")
        guarded.says({"iss": "x"}, kid="x")
        guarded.says(key=b"x", alg="HS256", kid="x")
        guarded.says(key=TWO)
    assert guarded.fetched == 0


def test_without_keys_there_is_a_defined_answer() -> None:
    guarded = Guarded(keys=None, plugin={"anonymous": "guest"})
    unavailable = (503, "The keys of the token's issuer are not available")
    with guarded.harness:
        assert told(guarded.says()) == unavailable
        guarded.serve(None)
        answer = guarded.says()
        assert told(answer) == unavailable, "and nobody is anonymous for it"
        assert answer.header("www-authenticate") is None
        assert told(guarded.asks("a.b.c")) == ("guest", None)
        guarded.serve(KEYS)
        assert told(guarded.says()) == NOBODY


@pytest.mark.parametrize(
    "document", [b"", b"<html>", b"[]", b'{"keys":[{"kty":"oct","k":"AAAA","kid":"one"}]}', b'{"keys":1}']
)
def test_a_document_that_is_no_key_set_verifies_nothing(document: bytes) -> None:
    guarded = Guarded(keys=document)
    with guarded.harness:
        assert told(guarded.says())[0] in (401, 503)
    (needed,) = Jwt.documents(_config({"issuer": "a", "jwks_uri": URL}))
    assert needed.problem is not None
    assert needed.problem(document), "and it would not have been taken in the first place"


def test_weak_keys_of_an_issuer_are_not_used() -> None:
    weak = rsa_key(1024)
    guarded = Guarded(keys=jwks(jwk(weak, kid="weak"), jwk(ONE, kid="one")))
    with guarded.harness:
        assert told(guarded.says(key=weak, kid="weak")) == UNKNOWN
        assert told(guarded.says()) == NOBODY


def test_a_known_token_follows_its_consumer() -> None:
    guarded = Guarded(consumer_claim=["sub"], consumer_by=["username"])
    with guarded.harness:
        assert told(guarded.says({"sub": "bob"})) == ("bob", "bob")
        del guarded.harness.credentials.consumers[BOB.id]
        assert told(guarded.says({"sub": "bob"})) == (403, "No consumer found for the token")


def test_a_token_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    guarded = Guarded()
    with guarded.harness:
        claims = {"jti": "once"}
        assert told(guarded.says(claims)) == NOBODY
        monkeypatch.setattr("gateline.plugins.jwt.judging.parse", lambda text: pytest.fail("taken apart again"))
        assert told(guarded.says(claims)) == NOBODY


# Configurations.


def _config(*issuers: dict[str, Any]) -> Config:
    register_plugin(Jwt)
    made = PluginEntity.parse({"name": "jwt", "config": {"issuers": issuers}}).config
    assert isinstance(made, Config)
    return made


def test_keys_may_stand_in_the_configuration() -> None:
    guarded = Guarded(jwks_uri=None, jwks=KEYS.decode())
    with guarded.harness:
        assert told(guarded.says()) == NOBODY
        assert told(guarded.says(kid="three")) == UNKNOWN
    assert list(Jwt.documents(_config({"issuer": "a", "jwks": KEYS.decode()}))) == []


def test_the_node_is_told_what_to_fetch() -> None:
    (document,) = Jwt.documents(_config({"issuer": "a", "jwks_uri": URL, "jwks_refresh": 60, "ssl_verify": False}))
    assert (document.url, document.refresh, document.verify) == (URL, 60, False)


@pytest.mark.parametrize(
    ("issuer", "path"),
    [
        ({"issuer": "a"}, ("@entity",)),
        ({"issuer": "a", "jwks_uri": URL, "jwks": KEYS.decode()}, ("@entity",)),
        ({"issuer": "a", "jwks": "{}"}, ("jwks",)),
        ({"issuer": "a", "jwks": '{"keys":[]}'}, ("jwks",)),
        ({"issuer": "a", "jwks_uri": "keys"}, ("jwks_uri",)),
        ({"issuer": "", "jwks_uri": URL}, ("issuer",)),
        ({"jwks_uri": URL}, ("issuer",)),
        ({"issuer": "a", "jwks_uri": URL, "algorithms": ["HS256"]}, ("algorithms",)),
        ({"issuer": "a", "jwks_uri": URL, "algorithms": ["none"]}, ("algorithms",)),
        ({"issuer": "a", "jwks_uri": URL, "algorithms": []}, ("algorithms",)),
        ({"issuer": "a", "jwks_uri": URL, "consumer_claim": []}, ("consumer_claim",)),
        ({"issuer": "a", "jwks_uri": URL, "consumer_by": ["tags"]}, ("consumer_by",)),
        ({"issuer": "a", "jwks_uri": URL, "jwks_refresh": 1}, ("jwks_refresh",)),
    ],
)
def test_an_issuer_that_cannot_be_meant_is_refused(issuer: dict[str, Any], path: tuple[str, ...]) -> None:
    register_plugin(Jwt)
    found = fields_of(PluginEntity, {"name": "jwt", "config": {"issuers": [issuer]}})
    (one,) = found["config"]["issuers"]
    assert set(path) <= one.keys(), found


def test_an_issuer_is_there_once() -> None:
    register_plugin(Jwt)
    twice = [{"issuer": "a", "jwks_uri": URL}, {"issuer": "a", "jwks_uri": URL}]
    found = fields_of(PluginEntity, {"name": "jwt", "config": {"issuers": twice}})
    assert found["config"] == {"issuers": "an issuer is there twice"}
