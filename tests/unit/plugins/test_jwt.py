"""jwt, with credentials of consumers, on exchanges without sockets. What Kong does is in the conformance cases; here is
what is around it, and attacks."""

import time
from base64 import b64encode
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from gateline.entities import Plugin as PluginEntity
from gateline.pdk.discovery import register_plugin
from gateline.pdk.jose import ALGORITHMS, ASYMMETRIC
from gateline.plugins.acl import Acl
from gateline.plugins.jwt import Jwt, JwtSecret
from gateline.plugins.jwt.verified import Verified, VerifiedTokens
from gateline.plugins.key_auth import KeyAuth
from gateline.testing import Answer, Harness
from harness.tokens import b64, key_for, pem, rsa_key, signed, token
from unit.entities.refusing import fields_of
from unit.plugins.people import ANN, BOB, GUEST, give

FORGED = {
    "X-Consumer-ID": "root",
    "X-Consumer-Custom-ID": "root",
    "X-Consumer-Username": "root",
    "X-Credential-Identifier": "root",
    "X-Anonymous-Consumer": "false",
}
NOW = int(time.time())
"""When the tests were collected: for what need not be exact."""
SECRET = key_for("HS256")
PLAIN, CHANGED = b64(b'{"iss":"key"}'), b64(b'{"iss":"key","n":2}')


def now() -> int:
    return int(time.time())


class Guarded:
    """A service behind jwt; bob has the credential `key`."""

    def __init__(
        self, algorithm: str = "HS256", *others: Any, credential: dict[str, Any] | None = None, **config: Any
    ) -> None:
        self.algorithm = algorithm
        self.key = key_for(algorithm)
        self.harness = Harness((Jwt, config), *others)
        if algorithm.startswith("HS"):
            fields = {"secret": self.key.decode()}
        else:
            fields = {"secret": "unused", "rsa_public_key": pem(self.key)}
        give(self.harness, "jwt_secrets", BOB, **{"key": "key", "algorithm": algorithm, **fields, **(credential or {})})
        self.harness.credentials.consumers[GUEST.id] = GUEST

    def asks(self, text: str | None = None, **more: Any) -> Answer:
        """Ask with a token."""
        headers = {} if text is None else {"Authorization": f"Bearer {text}"}
        return self.harness.request(headers={**headers, **more.pop("headers", {})}, **more)

    def says(self, claims: Any = None, **more: Any) -> Answer:
        """Ask with a token of these claims."""
        return self.asks(token({"iss": "key"} if claims is None else claims, self.algorithm, self.key, **more))


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    made = Guarded()
    with made.harness:
        yield made


def told(answer: Answer) -> Any:
    """Who the service was told it is, or the status and body of a refusal."""
    if answer.sent is None:
        body = answer.json()
        return answer.status, body.get("message", body)
    return answer.sent.header("x-consumer-username")


BEARER = 'Bearer error="invalid_token"'


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_is_verified(algorithm: str) -> None:
    guarded = Guarded(algorithm)
    with guarded.harness:
        assert told(guarded.says()) == "bob"
        other = token({"iss": "key"}, algorithm, key_for(algorithm, 1))
        assert told(guarded.asks(other)) == (401, "Invalid signature")
        head, payload, signature = token({"iss": "key", "n": 1}, algorithm, guarded.key).split(".")
        assert told(guarded.asks(f"{head}.{CHANGED}.{signature}")) == (401, "Invalid signature")
        assert told(guarded.asks(f"{head}.{payload}.")) == (401, "Invalid signature")


# Where the token is.


@pytest.mark.parametrize(
    ("scheme", "who"),
    [
        ("Bearer ", "bob"),
        ("bearer ", "bob"),
        ("BEARER  ", "bob"),
        ("Bearer\t", "bob"),
        ("Basic ", (401, "Unauthorized")),
        ("Bearer", (401, "Unauthorized")),
        ("", (401, "Unauthorized")),
    ],
)
def test_the_scheme_is_bearer(guarded: Guarded, scheme: str, who: Any) -> None:
    answer = guarded.asks(headers={"Authorization": scheme + token({"iss": "key"})})
    assert told(answer) == who


def test_other_headers_cookies_and_arguments_can_be_named() -> None:
    guarded = Guarded(header_names=["X-Token", "X-Other"], cookie_names=["a", "b"], uri_param_names=["t", "a-b"])
    text = token({"iss": "key"})
    with guarded.harness:
        assert told(guarded.asks(text)) == (401, "Unauthorized")
        assert told(guarded.asks(headers={"X-Other": f"Bearer {text}"})) == "bob"
        assert told(guarded.asks(headers={"Cookie": f"z=1; b={text}"})) == "bob"
        assert told(guarded.asks(target=f"/?x=1&a-b={text}")) == "bob"
        assert told(guarded.asks(target=f"/?%74={text}")) == "bob"
        assert told(guarded.asks(target=f"/?x={text}")) == (401, "Unauthorized")


@pytest.mark.parametrize(
    "asked",
    [
        {"headers": [("Authorization", "Bearer ONE"), ("Authorization", "Bearer TWO")]},
        {"headers": {"Authorization": "Bearer ONE", "Cookie": "c=TWO"}},
        {"headers": {"Authorization": "Bearer ONE"}, "target": "/?jwt=TWO"},
        {"target": "/?jwt=ONE&jwt=TWO"},
        {"target": "/?jwt=ONE&%6awt=TWO"},
        {"headers": {"Cookie": "c=ONE"}, "target": "/?jwt=TWO"},
    ],
)
def test_different_tokens_are_refused_wherever_they_are(asked: dict[str, Any]) -> None:
    one, two = token({"iss": "key"}), token({"iss": "key", "n": 2})

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("ONE", one).replace("TWO", two)
        if isinstance(value, dict):
            return {name: filled(inner) for name, inner in value.items()}
        return [(name, filled(inner)) for name, inner in value]

    guarded = Guarded(cookie_names=["c"])
    with guarded.harness:
        answer = guarded.harness.request(**{name: filled(value) for name, value in asked.items()})
        assert told(answer) == (401, "Multiple tokens provided")
        assert answer.header("www-authenticate") == BEARER


def test_the_same_token_twice_is_one_token(guarded: Guarded) -> None:
    text = token({"iss": "key"})
    assert told(guarded.asks(text, target=f"/?jwt={text}&jwt={text}&jwt=")) == "bob"


# What it says.


@pytest.mark.parametrize(
    ("claims", "header", "message"),
    [
        ({}, {}, "No mandatory 'iss' in claims"),
        ({"iss": None}, {}, "No mandatory 'iss' in claims"),
        ({"iss": ""}, {}, "Invalid 'iss' in claims"),
        ({"iss": ["key"]}, {}, "Invalid 'iss' in claims"),
        ({"iss": {"key": 1}}, {}, "Invalid 'iss' in claims"),
        ({"iss": 1}, {}, "Invalid 'iss' in claims"),
        ({"iss": True}, {}, "Invalid 'iss' in claims"),
        ({"iss": "Key"}, {}, "No credentials found for given 'iss'"),
        ({"iss": "key "}, {}, "No credentials found for given 'iss'"),
        ({"iss": "key\u0000"}, {}, "No credentials found for given 'iss'"),
        ({"iss": "'; DROP TABLE jwt_secrets; --"}, {}, "No credentials found for given 'iss'"),
        ({"iss": "../../../dev/null"}, {}, "No credentials found for given 'iss'"),
        ({"iss": BOB.id}, {}, "No credentials found for given 'iss'"),
    ],
)
def test_the_key_claim_names_a_credential(guarded: Guarded, claims: Any, header: Any, message: str) -> None:
    answer = guarded.says(claims, header=header)
    assert told(answer) == (401, message)
    assert answer.header("www-authenticate") == BEARER
    assert "request_id" not in answer.json()


def test_the_key_may_be_in_the_header_under_the_same_name() -> None:
    guarded = Guarded(key_claim_name="kid")
    with guarded.harness:
        assert told(guarded.says({}, header={"kid": "key"})) == "bob"
        assert told(guarded.says({"kid": "other"}, header={"kid": "key"}))[0] == 401, "the claim counts first"
        assert told(guarded.says({"iss": "key"})) == (401, "No mandatory 'kid' in claims")


@pytest.mark.parametrize(
    ("claims", "body"),
    [
        ({}, {"exp": "must be a number", "nbf": "must be a number"}),
        ({"exp": str(NOW + 3600), "nbf": True}, {"exp": "must be a number", "nbf": "must be a number"}),
        ({"exp": NOW - 1, "nbf": NOW + 3600}, {"exp": "token expired", "nbf": "token not valid yet"}),
        ({"exp": -1e300, "nbf": 0}, {"exp": "token expired"}),
        ({"exp": NOW + 3600, "nbf": 1e300}, {"nbf": "token not valid yet"}),
        ({"exp": NOW + 3600, "nbf": NOW}, "bob"),
        ({"exp": NOW + 3600.5, "nbf": 0}, "bob"),
        ({"exp": 10**30, "nbf": -(10**30)}, "bob"),
        ({"exp": 10**400, "nbf": -(10**400)}, "bob"),
        ({"exp": -(10**400), "nbf": 10**400}, {"exp": "token expired", "nbf": "token not valid yet"}),
    ],
)
def test_claims_of_time_must_hold(claims: Any, body: Any) -> None:
    guarded = Guarded(claims_to_verify=["exp", "nbf"])
    with guarded.harness:
        assert told(guarded.says({"iss": "key", **claims})) == (body if body == "bob" else (401, body))


def test_clocks_may_differ() -> None:
    guarded = Guarded(claims_to_verify=["exp", "nbf"], clock_skew=60)
    with guarded.harness:
        assert told(guarded.says({"iss": "key", "exp": now() - 30, "nbf": now() + 30})) == "bob"
        assert told(guarded.says({"iss": "key", "exp": now() - 90, "nbf": 0})) == (401, {"exp": "token expired"})


def test_what_is_not_verified_does_not_matter(guarded: Guarded) -> None:
    assert told(guarded.says({"iss": "key", "exp": 1, "nbf": "x"})) == "bob"


def test_tokens_for_other_services_are_refused() -> None:
    guarded = Guarded(audience_required=["orders", "all"])
    with guarded.harness:
        for right in ("orders", ["x", "all"]):
            assert told(guarded.says({"iss": "key", "aud": right})) == "bob"
        for audience in (None, "order", "orders ", "", [], ["x"], [["orders"]], {"orders": 1}, "Orders", 1):
            assert told(guarded.says({"iss": "key", "aud": audience})) == (401, "Invalid audience")
        assert told(guarded.says({"iss": "key"})) == (401, "Invalid audience")


def test_scopes_must_be_granted() -> None:
    guarded = Guarded(scopes_required=["read write", "admin"], scopes_claim=["x", "scp"], anonymous="guest")
    with guarded.harness:
        for right in ("write other read", ["read", "write"], "admin"):
            assert told(guarded.says({"iss": "key", "x": {"scp": right}})) == "bob"
        for scopes in ("read", ["read write"], "", None, {"admin": 1}, 1):
            answer = guarded.says({"iss": "key", "x": {"scp": scopes}})
            assert told(answer) == (403, "Insufficient scope"), "and whoever is known is not made anonymous"
            assert answer.header("www-authenticate") == 'Bearer error="insufficient_scope", scope="admin read write"'


def test_other_claims_must_be_as_required() -> None:
    rules = [{"claim": ["role"], "values": ["a", "1", "true"]}, {"claim": ["x", "y.z"]}]
    guarded = Guarded(claims_required=rules)
    with guarded.harness:
        for right in ("a", ["z", "a"], 1, True):
            assert told(guarded.says({"iss": "key", "role": right, "x": {"y.z": 0}})) == "bob"
        for role in ("b", ["z"], None, 2, [["a"]], {"a": 1}, "A"):
            answer = guarded.says({"iss": "key", "role": role, "x": {"y.z": 0}})
            assert told(answer) == (403, "The claim 'role' is not as required")
        for x in (None, "y.z", {"y": {"z": 1}}, {"y.z": None}):
            answer = guarded.says({"iss": "key", "role": "a", "x": x})
            assert told(answer) == (403, "The claim 'x.y.z' is not as required")


# Attacks.


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", "YQ", b64(b"\0" * 32)])
def test_no_algorithm_is_no_algorithm(guarded: Guarded, algorithm: str, signature: str) -> None:
    head = b64(f'{{"alg":"{algorithm}"}}'.encode())
    answer = guarded.asks(f"{head}.{PLAIN}.{signature}")
    assert told(answer) == (401, "Bad token; invalid alg")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "PS512", "EdDSA"])
def test_a_public_key_cannot_be_used_as_a_secret(algorithm: str) -> None:
    guarded = Guarded(algorithm)
    text = pem(guarded.key)
    with guarded.harness:
        for secret in (text, text.strip(), text.replace("\n", ""), "", "unused"):
            for symmetric in ("HS256", "HS384", "HS512"):
                forged = token({"iss": "key"}, symmetric, secret.encode())
                assert told(guarded.asks(forged)) == (401, "Invalid algorithm")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_another_algorithm_than_the_credential_is_refused(algorithm: str) -> None:
    guarded = Guarded(algorithm)
    with guarded.harness:
        for other in ALGORITHMS:
            if other != algorithm:
                assert told(guarded.asks(token({"iss": "key"}, other))) == (401, "Invalid algorithm")


@pytest.mark.parametrize("field", ["jwk", "jku", "x5u", "x5c", "kid"])
def test_keys_in_the_token_are_not_looked_at(field: str) -> None:
    guarded = Guarded("RS256")
    own = rsa_key(number=7)
    with guarded.harness:
        forged = token({"iss": "key"}, "RS256", own, header={field: pem(own)})
        assert told(guarded.asks(forged)) == (401, "Invalid signature")


@pytest.mark.parametrize(
    "claims", ['{"iss":"key","iss":"other"}', '{"iss":"other","iss":"key"}', '{"iss":"key","exp":1,"exp":2}']
)
def test_claims_that_are_there_twice_are_refused(guarded: Guarded, claims: str) -> None:
    assert told(guarded.says(claims)) == (401, "Bad token; invalid JSON")


@pytest.mark.parametrize(
    "change", [lambda t: t + "=", lambda t: t + "A", lambda t: t + ".", lambda t: t + ".YQ", lambda t: t[:-1]]
)
def test_a_token_has_one_form(guarded: Guarded, change: Any) -> None:
    text = token({"iss": "key"})
    assert told(guarded.asks(text)) == "bob"
    assert told(guarded.asks(change(text)))[0] == 401


def test_extensions_that_must_be_understood_are_refused(guarded: Guarded) -> None:
    assert told(guarded.says(header={"crit": ["exp"]})) == (401, "Bad token; invalid crit")


@pytest.mark.parametrize("key", [pem(rsa_key(1024)), pem(key_for("ES256")), "no key", "", None])
def test_weak_and_wrong_keys_of_old_credentials_are_not_used(key: str | None) -> None:
    guarded = Guarded(credential={"algorithm": "RS256", "rsa_public_key": key})
    with guarded.harness:
        assert told(guarded.asks(token({"iss": "key"}, "RS256", rsa_key(1024)))) == (401, "Invalid key/secret")


@pytest.mark.parametrize("secret", ["", "!", "=", None])
def test_an_empty_or_undecodable_secret_verifies_nothing(secret: str | None) -> None:
    guarded = Guarded(credential={"secret": secret}, secret_is_base64=True)
    with guarded.harness:
        assert told(guarded.asks(token({"iss": "key"}, "HS256", b""))) == (401, "Invalid key/secret")


@pytest.mark.parametrize("written", [b64encode(b"\xff\xfe?>").decode(), b64(b"\xff\xfe?>")])
def test_secrets_may_be_base64(written: str) -> None:
    guarded = Guarded(credential={"secret": written}, secret_is_base64=True)
    with guarded.harness:
        assert told(guarded.asks(token({"iss": "key"}, "HS256", b"\xff\xfe?>"))) == "bob"
        assert told(guarded.asks(token({"iss": "key"}, "HS256", written.encode()))) == (401, "Invalid signature")


def test_what_the_client_says_of_itself_reaches_the_service_on_no_path() -> None:
    def forwarded(answer: Answer) -> dict[str, str | None]:
        assert answer.sent is not None
        return {name: answer.sent.header(name) for name in FORGED}

    guarded = Guarded(anonymous="guest", run_on_preflight=False)
    with guarded.harness:
        bob = forwarded(guarded.asks(token({"iss": "key"}), headers=FORGED))
        guest = forwarded(guarded.asks(headers=FORGED))
        bad = forwarded(guarded.asks("a.b.c", headers=FORGED))
        preflight = forwarded(guarded.asks(method="OPTIONS", headers=FORGED))
    assert list(bob.values()) == [BOB.id, "b-1", "bob", "key", None]
    assert list(guest.values()) == [GUEST.id, None, "guest", None, "true"]
    assert bad == guest
    assert set(preflight.values()) == {None}
    with Guarded().harness as harness:
        assert harness.request(headers=FORGED).sent is None


# Together with others.


def test_the_challenge_names_the_realm() -> None:
    guarded = Guarded(realm="gate")
    with guarded.harness:
        assert guarded.asks().header("www-authenticate") == 'Bearer realm="gate"'
        assert guarded.asks("x").header("www-authenticate") == 'Bearer realm="gate" error="invalid_token"'


def test_with_an_anonymous_consumer_one_plugin_is_enough() -> None:
    anonymous: Any = {"anonymous": "guest"}
    guarded = Guarded("HS256", (KeyAuth, anonymous), **anonymous)
    give(guarded.harness, "keyauth_credentials", ANN, key="kong")
    with guarded.harness:
        assert told(guarded.asks(headers={"apikey": "kong"})) == "ann"
        assert told(guarded.asks(token({"iss": "key"}))) == "bob"
        assert told(guarded.asks("x")) == "guest"


def test_groups_are_not_what_a_consumer_says_of_itself() -> None:
    guarded = Guarded("HS256", (Acl, {"allow": ["staff"]}))
    with guarded.harness:
        assert told(guarded.says({"iss": "key", "groups": ["staff"]}))[0] == 403


# What is known of tokens.


def test_a_token_is_verified_once(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []

    def right(algorithm: str, *_: bytes) -> bool:
        verified.append(algorithm)
        return True

    monkeypatch.setattr("gateline.plugins.jwt.judging.hmac_is_right", right)
    text = token({"iss": "key", "jti": "once"})
    assert [told(guarded.asks(text)) for _ in range(5)] == ["bob"] * 5
    assert len(verified) == 1
    assert told(guarded.asks(token({"iss": "key", "jti": "other"}))) == "bob"
    assert len(verified) == 2


def test_a_token_that_was_right_is_refused_when_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [float(NOW)]
    monkeypatch.setattr("gateline.engine.node.time", SimpleNamespace(time=lambda: moment[0]))
    guarded = Guarded(claims_to_verify=["exp"], clock_skew=10)
    text = token({"iss": "key", "exp": NOW + 60})
    with guarded.harness:
        assert told(guarded.asks(text)) == "bob"
        moment[0] += 69
        assert told(guarded.asks(text)) == "bob"
        moment[0] += 1
        assert told(guarded.asks(text)) == (401, {"exp": "token expired"})


def test_a_token_is_refused_once_its_credential_is_another_or_gone(guarded: Guarded) -> None:
    text = token({"iss": "key"})
    assert told(guarded.asks(text)) == "bob"
    credentials = guarded.harness.credentials
    credentials._entities["jwt_secrets"].clear()
    assert told(guarded.asks(text)) == (401, "No credentials found for given 'iss'")
    give(guarded.harness, "jwt_secrets", ANN, key="key", secret="another", algorithm="HS256")
    assert told(guarded.asks(text)) == (401, "Invalid signature")
    credentials._entities["jwt_secrets"].clear()
    give(guarded.harness, "jwt_secrets", ANN, key="key", secret=SECRET.decode(), algorithm="HS256")
    assert told(guarded.asks(text)) == "ann"


def test_what_one_plugin_knows_another_does_not() -> None:
    text = token({"iss": "key"})
    lax, strict = Guarded(), Guarded(claims_to_verify=["exp"])
    with lax.harness, strict.harness:
        assert told(lax.asks(text)) == "bob"
        assert told(strict.asks(text)) == (401, {"exp": "must be a number"})


def test_the_memory_of_tokens_is_bounded_and_forgets_what_is_old() -> None:
    tokens = VerifiedTokens(limit=1_000_000)
    for number in range(5000):
        tokens.put(1, Verified(f"{number:0100}", None, 0.0))
        assert tokens.get(1, f"{0:0100}") is not None, "what is asked for stays"
    assert 100 < len(tokens) < 600
    assert tokens.get(1, f"{1:0100}") is None
    assert tokens.get(2, f"{4999:0100}") is None
    tokens.put(1, Verified("x" * 1_000_000, None, 0.0))
    assert tokens.get(1, "x" * 1_000_000) is None


def test_a_token_is_known_as_a_whole_and_not_by_its_end() -> None:
    tokens = VerifiedTokens()
    known = Verified("head.claims." + "s" * 43, None, 0.0)
    tokens.put(1, known)
    assert tokens.get(1, known.text) is known
    for other in ("head.CLAIMS.", "", "head.claims", "x.head.claims."):
        assert tokens.get(1, other + "s" * 43) is None
    assert tokens.get(1, "s" * 32) is None
    assert tokens.get(1, known.text + "s") is None


@pytest.mark.parametrize("change", [lambda t: "x" + t, lambda t: t.replace(".", ".e", 1)])
def test_what_shares_the_end_of_a_known_token_is_verified(guarded: Guarded, change: Any) -> None:
    text = token({"iss": "key"})
    assert told(guarded.asks(text)) == "bob"
    assert told(guarded.asks(change(text)))[0] == 401
    assert told(guarded.asks(text)) == "bob"


# Credentials and configurations.

OF_BOB = {"consumer": {"id": BOB.id}}


def test_a_credential_is_made_up_where_it_is_left_out() -> None:
    made = JwtSecret.parse(OF_BOB)
    assert len(made.key) == len(made.secret) == 32
    assert (made.algorithm, made.rsa_public_key) == ("HS256", None)


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_an_asymmetric_algorithm_needs_a_key_of_its_kind(algorithm: str) -> None:
    wrong = ["failed conditional validation given value of field 'algorithm'"]
    given = {**OF_BOB, "key": "k", "algorithm": algorithm}
    assert JwtSecret.parse({**given, "rsa_public_key": pem(key_for(algorithm))}).algorithm == algorithm
    assert fields_of(JwtSecret, given) == {"rsa_public_key": "required field missing", "@entity": wrong}
    for key in ("no key", pem(rsa_key(1024)), pem(key_for("ES256" if algorithm != "ES256" else "ES384"))):
        assert fields_of(JwtSecret, {**given, "rsa_public_key": key}) == {
            "rsa_public_key": "invalid key",
            "@entity": wrong,
        }


def test_other_algorithms_are_refused() -> None:
    refused = fields_of(JwtSecret, {**OF_BOB, "algorithm": "none"})
    assert refused == {"algorithm": f"expected one of: {', '.join(ALGORITHMS)}"}


@pytest.mark.parametrize("claims", [[], ["nbf"]])
def test_a_maximum_expiration_needs_the_expiration_verified(claims: Any) -> None:
    register_plugin(Jwt)
    refused = fields_of(PluginEntity, {"name": "jwt", "config": {"maximum_expiration": 60, "claims_to_verify": claims}})
    assert refused == {
        "config": {"claims_to_verify": "expected to contain: exp"},
        "@entity": ["failed conditional validation given value of field 'config.maximum_expiration'"],
    }


@pytest.mark.parametrize("verified", [["exp"], None])
def test_a_token_may_not_live_too_long(verified: Any) -> None:
    guarded = Guarded(maximum_expiration=60, claims_to_verify=verified)
    with guarded.harness:
        assert told(guarded.says({"iss": "key", "exp": now() + 50})) == "bob"
        long = (401, {"exp": "exceeds maximum allowed expiration"})
        assert told(guarded.says({"iss": "key", "exp": now() + 90})) == long
        assert told(guarded.says({"iss": "key", "exp": 10**400})) == long
        if verified is None:
            assert told(guarded.says({"iss": "key"})) == long
            assert told(guarded.says({"iss": "key", "exp": "x"})) == long


def test_signed_parts_are_what_was_sent() -> None:
    """White space and order inside of a token's parts are the signer's own."""
    guarded = Guarded()
    text = signed(b64(b'{ "typ" : "JWT",\n "alg" : "HS256" }'), b64(b'\n{"iss" :\t"key"}\r\n'), "HS256", SECRET)
    with guarded.harness:
        assert told(guarded.asks(text)) == "bob"
