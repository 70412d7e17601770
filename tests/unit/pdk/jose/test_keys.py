"""Keys, and the signatures that they check: what the JOSE attacks of published suites try."""

import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, padding, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import example, given
from hypothesis import strategies as st

from gateline.pdk.jose import (
    ASYMMETRIC,
    SYMMETRIC,
    PublicKey,
    UnusableKeyError,
    hmac_is_right,
    key_of_jwk,
    keys,
    parse,
    public_key,
)
from gateline.pdk.jose.key_set import MOST_KEYS, KeySet, KeySetError
from harness.tokens import Key, b64, jwk, jwks, key_for, pem, rsa_key, signature, token

DATA = b"header.claims"


def both(algorithm: str, key: Key) -> list[PublicKey]:
    """The key from either form."""
    return [public_key(algorithm, pem(key)), key_of_jwk(jwk(key))]


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_a_signature_is_right_only_with_its_key_algorithm_and_text(algorithm: str) -> None:
    key = key_for(algorithm)
    right = signature(DATA, algorithm, key)
    for public in both(algorithm, key):
        assert public.verify(algorithm, DATA, right)
        assert not public.verify(algorithm, DATA + b"x", right)
        assert not public.verify(algorithm, DATA, right[:-1] + bytes([right[-1] ^ 1]))
        assert not public.verify(algorithm, DATA, right + b"\0")
        assert not public.verify(algorithm, DATA, b"\0" + right)
        assert not public.verify(algorithm, DATA, right[:-1])
        assert not public.verify(algorithm, DATA, b"")
        for other in (*ASYMMETRIC, *SYMMETRIC, "none"):
            assert public.verify(other, DATA, right) == (other == algorithm)
    for public in both(algorithm, key_for(algorithm, 1)):
        assert not public.verify(algorithm, DATA, right)


@pytest.mark.parametrize("algorithm", SYMMETRIC)
def test_a_symmetric_signature_is_right_only_with_its_secret(algorithm: str) -> None:
    right = signature(DATA, algorithm, b"secret")
    assert hmac_is_right(algorithm, b"secret", DATA, right)
    assert not hmac_is_right(algorithm, b"other", DATA, right)
    assert not hmac_is_right(algorithm, b"secret", DATA, right[:-1])
    assert not hmac_is_right(algorithm, b"secret", DATA, b"")


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512"])
def test_ecdsa_signatures_of_nothing_are_wrong(algorithm: str) -> None:
    """CVE-2022-21449: r = s = 0; and the values at the borders, and DER in place of the two numbers."""
    key = key_for(algorithm)
    size = len(signature(DATA, algorithm, key)) // 2
    order = {
        "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        "ES384": int("F" * 48 + "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
        "ES512": int("01FF" + "F" * 62 + "FA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409", 16),
    }[algorithm]
    (public, _) = both(algorithm, key)
    for r in (0, 1, order - 1, order):
        for s in (0, 1, order - 1, order):
            assert not public.verify(algorithm, DATA, r.to_bytes(size, "big") + s.to_bytes(size, "big"))
    assert not public.verify(algorithm, DATA, key.sign(DATA, ec.ECDSA(SHA256())))


_numbers = st.integers(0, 2**521) | st.integers(0, 66 * 8).map(lambda bits: 2**bits)


@given(_numbers, _numbers)
@example(2**527, 2**527)
def test_elliptic_signatures_are_written_as_der(r: int, s: int) -> None:
    wanted = encode_dss_signature(r, s)
    for size in (32, 48, 66):
        if max(r, s) < 1 << 8 * size:
            assert keys._der(r.to_bytes(size, "big"), s.to_bytes(size, "big")) == wanted


def test_rsa_padding_is_what_the_algorithm_says() -> None:
    key = rsa_key()
    public = public_key("RS256", pem(key))
    short_salt = key.sign(DATA, padding.PSS(padding.MGF1(SHA256()), 0), SHA256())
    assert not public.verify("PS256", DATA, short_salt)
    assert not public.verify("RS256", DATA, signature(DATA, "PS256", key))


def weak_and_wrong() -> list[Any]:
    koblitz = ec.generate_private_key(ec.SECP256K1())
    point = jwk(key_for("ES256"))
    good = jwk(rsa_key())
    return [
        pytest.param(jwk(rsa_key(1024)), id="1024 bits"),
        pytest.param(jwk(rsa_key(), e=b64(b"\x01")), id="exponent 1"),
        pytest.param(jwk(rsa_key(), e=b64(b"\x02")), id="exponent 2"),
        pytest.param(jwk(rsa_key(), e=b64(b"\x01" + b"\0" * 7 + b"\x01")), id="a very large exponent"),
        pytest.param({"kty": "RSA", "n": b64(b"\xff" * 1025), "e": "AQAB"}, id="a very large modulus"),
        pytest.param({"kty": "RSA", "n": b64(b"\xff" * 200_000), "e": "AQAB"}, id="a huge modulus"),
        pytest.param(jwk(koblitz, crv="P-256"), id="a point of another curve"),
        pytest.param(jwk(koblitz, crv="secp256k1"), id="a curve of no algorithm"),
        pytest.param({**point, "y": point["x"]}, id="a point on no curve"),
        pytest.param({**point, "x": b64(b"\0" * 32), "y": b64(b"\0" * 32)}, id="the origin"),
        pytest.param({**point, "crv": "P-384"}, id="a point said to be on another curve"),
        pytest.param({**point, "crv": ["P-256"]}, id="a curve that is no text"),
        pytest.param({"kty": "OKP", "crv": "X25519", "x": _x25519()}, id="a key for key agreement"),
        pytest.param(jwk(key_for("EdDSA"), x="AAAA"), id="too few bytes"),
        pytest.param(jwk(b"secret"), id="a secret"),
        pytest.param({**good, "use": "enc"}, id="for encryption"),
        pytest.param({**good, "key_ops": ["encrypt"]}, id="not for verifying"),
        pytest.param({**good, "key_ops": "verify"}, id="operations that are no list"),
        pytest.param({**good, "alg": "HS256"}, id="said to be for HMAC"),
        pytest.param({**good, "alg": "ES256"}, id="said to be for another type"),
        pytest.param({**good, "alg": ["RS256"]}, id="an algorithm that is no text"),
        pytest.param({**good, "n": good["n"] + "="}, id="padded"),
        pytest.param({**good, "n": "é"}, id="not base64"),
        pytest.param({**good, "n": 1}, id="a number as a number"),
        pytest.param({"kty": "RSA"}, id="nothing in it"),
        pytest.param({}, id="nothing"),
    ]


def _x25519() -> str:
    return b64(x25519.X25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


@pytest.mark.parametrize("key", weak_and_wrong())
def test_weak_and_wrong_keys_are_refused(key: dict[str, Any]) -> None:
    with pytest.raises(UnusableKeyError):
        key_of_jwk(key)


@pytest.mark.parametrize(
    ("algorithm", "text"),
    [
        ("RS256", pem(rsa_key(1024))),
        ("RS256", pem(key_for("ES256"))),
        ("ES256", pem(rsa_key())),
        ("ES384", pem(key_for("ES256"))),
        ("ES256", pem(ec.generate_private_key(ec.SECP256K1()))),
        ("EdDSA", pem(x25519.X25519PrivateKey.generate())),
        ("HS256", pem(rsa_key())),
        ("none", pem(rsa_key())),
        ("RS256", ""),
        ("RS256", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"),
        ("RS256", "\udcff"),
        (
            "RS256",
            rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        ),
    ],
)
def test_pem_texts_must_hold_a_key_for_the_algorithm(algorithm: str, text: str) -> None:
    with pytest.raises(UnusableKeyError):
        public_key(algorithm, text)


def test_the_other_edwards_curve_serves_too() -> None:
    key = ed448.Ed448PrivateKey.generate()
    for public in both("EdDSA", key):
        assert public.verify("EdDSA", DATA, key.sign(DATA))


def test_a_public_key_is_no_secret() -> None:
    """Algorithm confusion: HMAC with the text of a public key."""
    text = pem(rsa_key())
    forged = parse(token({"iss": "a"}, "HS256", text.encode()))
    assert not public_key("RS256", text).verify("HS256", forged.signed, forged.signature)


class TestKeySets:
    def test_keys_are_found_by_id_and_algorithm(self) -> None:
        one, two = rsa_key(), key_for("ES256")
        keys = KeySet.read(jwks(jwk(one, kid="a", alg="RS256"), jwk(two, kid="b"), jwk(two, kid="a")))
        right = signature(DATA, "RS256", one)
        found = keys.find("a", "RS256")
        assert found is not None
        assert found.verify("RS256", DATA, right)
        assert keys.find("a", "RS512") is None, "the key says what it is for"
        assert keys.find("a", "PS256") is None
        assert keys.find("a", "ES256") is not None
        assert keys.find("b", "RS256") is None
        assert keys.find("c", "RS256") is None

    @pytest.mark.parametrize("name", ["", "a/../b", "'; DROP TABLE", 1, ["a"], {"a": 1}, True])
    def test_ids_are_looked_up_and_nothing_else(self, name: Any) -> None:
        keys = KeySet.read(jwks(jwk(rsa_key(), kid="a")))
        assert keys.find(name, "RS256") is None

    def test_without_an_id_the_only_key_is_meant(self) -> None:
        one, two = jwk(rsa_key()), jwk(key_for("ES256"))
        assert KeySet.read(jwks(one, two)).find(None, "RS256") is not None
        assert KeySet.read(jwks(one, jwk(rsa_key(number=1)))).find(None, "RS256") is None

    def test_keys_that_cannot_be_used_are_left_out(self) -> None:
        keys = jwks(
            jwk(rsa_key(1024), kid="weak"), jwk(b"secret", kid="secret"), {"kty": "future"}, jwk(rsa_key(), kid="a")
        )
        assert KeySet.problem(keys) is None
        assert KeySet.read(keys).find("weak", "RS256") is None
        assert KeySet.read(keys).find("secret", "HS256") is None
        assert KeySet.read(keys).find("a", "RS256") is not None

    @pytest.mark.parametrize(
        ("data", "problem"),
        [
            (b"", "not a JSON object, or one with a member twice"),
            (b"<html>", "not a JSON object, or one with a member twice"),
            (b"[]", "not a JSON object, or one with a member twice"),
            (b"[" * 100_000, "not a JSON object, or one with a member twice"),
            (b'{"keys":[],"keys":[]}', "not a JSON object, or one with a member twice"),
            (b"{}", "without a list of keys"),
            (b'{"keys":{}}', "without a list of keys"),
            (b'{"keys":[1]}', "without a list of keys"),
            (jwks(), "no key in it can be used"),
            (jwks(jwk(b"secret")), "no key in it can be used"),
            (jwks(*[{}] * (MOST_KEYS + 1)), f"{MOST_KEYS + 1} keys, of which {MOST_KEYS} are taken at most"),
        ],
    )
    def test_a_document_that_is_no_key_set_says_why(self, data: bytes, problem: str) -> None:
        assert KeySet.problem(data) == problem
        if "can be used" not in problem:
            with pytest.raises(KeySetError):
                KeySet.read(data)

    def test_the_same_bytes_are_the_same_set(self) -> None:
        data = jwks(jwk(rsa_key(), kid="a"))
        assert KeySet.read(data) is KeySet.read(bytes(bytearray(data)))


def test_constant_time_comparison_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not its time, which no test can tell, but that it is `hmac.compare_digest` that decides."""
    seen: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        seen.append((one, other))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr("gateline.pdk.jose.algorithms.compare_digest", compare)
    assert not hmac_is_right("HS256", b"secret", DATA, b"x")
    assert len(seen) == 1


def test_rsa_public_exponents_are_usual() -> None:
    key = rsa.generate_private_key(3, 2048)
    assert key_of_jwk(jwk(key)).verify("RS256", DATA, signature(DATA, "RS256", key))
