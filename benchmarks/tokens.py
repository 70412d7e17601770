"""What the plugin jwt costs a request, without the proxy around it: tokens that come again, and tokens that are new.

    .venv/bin/python -m benchmarks.tokens [--tokens 300]

A new token's cost stands beside that of OpenSSL's signature check alone, as `cryptography` gives it; the rest is what
the plugin adds: finding the token, taking it apart, verifying its claims, the identity.
"""

import argparse
import hmac
import json
import secrets
import sys
import tempfile
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks.directory import made, use
from gateline.engine.wire import codec
from gateline.entities import Entity
from gateline.pdk import Exchange, Plugin, PluginConfig
from gateline.plugins.jwt import Jwt
from gateline.plugins.key_auth import KeyAuth
from gateline.testing import Harness
from gateline.testing.messages import LIMITS

ROUNDS = 5
TURNS = 30
BOB = "5f1d7fbc-0000-4000-8000-000000000001"
TARGET = "/orders?expand=items&currency=EUR"
SECRET = secrets.token_bytes(32).hex().encode()
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())

Sign = Callable[[bytes], bytes]


def _b64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _es256(data: bytes) -> bytes:
    r, s = decode_dss_signature(EC.sign(data, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


SIGN: dict[str, Sign] = {
    "HS256": lambda data: hmac.digest(SECRET, data, "sha256"),
    "RS256": lambda data: RSA.sign(data, padding.PKCS1v15(), SHA256()),
    "ES256": _es256,
}


def bare(algorithm: str, tokens: list[str]) -> float:
    """µs of the signature check alone, of tokens that are all different."""
    signed = []
    for text in tokens:
        data, _, signature = text.encode().rpartition(b".")
        signed.append((data, urlsafe_b64decode(signature + b"==")))
    if algorithm == "HS256":
        return _each(lambda data, right: hmac.compare_digest(hmac.digest(SECRET, data, "sha256"), right), signed)
    if algorithm == "RS256":
        rsa_key, scheme, digest = RSA.public_key(), padding.PKCS1v15(), SHA256()
        return _each(lambda data, signature: rsa_key.verify(signature, data, scheme, digest), signed)
    key, ecdsa = EC.public_key(), ec.ECDSA(SHA256())
    return _each(
        lambda data, signature: key.verify(signature, data, ecdsa), [(data, _der(raw)) for data, raw in signed]
    )


def _der(raw: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


def _each(check: Callable[[bytes, bytes], object], signed: list[tuple[bytes, bytes]]) -> float:
    began = time.perf_counter()
    for data, signature in signed:
        check(data, signature)
    return (time.perf_counter() - began) / len(signed) * 1e6


def token(algorithm: str, number: int) -> str:
    """One of ten claims; each is another one."""
    now = int(time.time())
    claims = {
        "iss": algorithm,
        "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
        "aud": ["https://api.example.com", "https://example.com/userinfo"],
        "iat": now,
        "nbf": now - 5,
        "exp": now + 86400,
        "azp": "my_client_id",
        "scope": "openid profile email read:orders",
        "email": "ann@example.com",
        "jti": f"{secrets.token_hex(8)}-{number}",
    }
    head = {"alg": algorithm, "typ": "JWT", "kid": "2026-01"}
    signed = b".".join(_b64(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    return (signed + b"." + _b64(SIGN[algorithm](signed))).decode()


class Times(Plugin[PluginConfig], name="times", priority=1):
    """Measures other plugins on the exchange that it is called for."""

    work: Callable[[Exchange], None]

    def access(self, exchange: Exchange) -> None:
        Times.work(exchange)


def _best(work: Callable[[], object], count: int) -> float:
    """µs of one of `count` calls in the best of some rounds."""
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(count):
            work()
        found.append((time.perf_counter() - began) / count * 1e6)
    return min(found)


def _again(plugin: Any, exchange: Exchange) -> float:
    return _best(lambda: plugin.access(exchange), 20_000)


def _new(plugin: Any, exchange: Any, algorithm: str, count: int) -> tuple[float, float]:
    """µs of the check alone, and of the plugin, which finds another token in each call: in turns, the best of each."""
    checks, costs = [], []
    for _ in range(TURNS):
        tokens = [token(algorithm, number) for number in range(count)]
        checks.append(bare(algorithm, tokens))
        heads = [_head(text) for text in tokens]
        access, clock, cost = plugin.access, time.perf_counter, 0.0
        for head in heads:
            exchange.head = head
            began = clock()
            answer = access(exchange)
            cost += clock() - began
            assert answer is None
        costs.append(cost / count * 1e6)
    return min(checks), min(costs)


def _head(text: str) -> object:
    """A request with a token, as the codec gives it."""
    lines = f"GET {TARGET} HTTP/1.1\r\nHost: gate.test\r\napikey: kong\r\nAuthorization: Bearer {text}\r\n\r\n"
    return codec.parse_request(lines.encode(), LIMITS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=300)
    count = parser.parse_args().tokens
    made_of: list[Any] = []
    for kind in (Jwt, KeyAuth):
        _note(kind, made_of)
    config = {"claims_to_verify": ["exp", "nbf"]}
    with tempfile.TemporaryDirectory() as folder:
        use(Path(folder), _people())
        harness = Harness((Jwt, config), KeyAuth, Times)
    with harness:
        jwt, key_auth = (next(one for one in reversed(made_of) if type(one) is kind) for kind in (Jwt, KeyAuth))

        def work(exchange: Exchange) -> None:
            print(f"{_again(key_auth, exchange):7.2f} µs  key-auth, a key that comes again")
            print(f"{_again(jwt, exchange):7.2f} µs  jwt, a token that comes again")
            for algorithm in SIGN:
                check, cost = _new(jwt, exchange, algorithm, count)
                print(
                    f"{cost:7.2f} µs  jwt, new tokens, {algorithm}: {check:.2f} the check, {cost - check:.2f} the rest"
                )

        Times.work = staticmethod(work)
        headers = {"Authorization": f"Bearer {token('HS256', 0)}", "apikey": "kong"}
        assert harness.request(target=TARGET, headers=headers).status == 200


def _people() -> Iterator[tuple[str, Entity]]:
    """Bob, with a key and with a credential for each algorithm."""
    of = {"consumer": {"id": BOB}}
    yield "consumers", made("consumers", {"id": BOB, "username": "bob"})
    yield "keyauth_credentials", made("keyauth_credentials", {"key": "kong", **of})
    keys = {"RS256": RSA, "ES256": EC}
    for algorithm in SIGN:
        fields = {"key": algorithm, "algorithm": algorithm, "secret": SECRET.decode(), **of}
        if algorithm in keys:
            public = keys[algorithm].public_key()  # type: ignore[attr-defined]
            fields["rsa_public_key"] = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        yield "jwt_secrets", made("jwt_secrets", fields)


def _note(kind: type[Plugin[Any]], made: list[Any]) -> None:
    """Keep the instances that are made of a plugin."""
    before = kind.__init__

    def init(self: Any, config: Any) -> None:
        before(self, config)
        made.append(self)

    kind.__init__ = init  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
