"""Keys and sets of keys."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateline.entities import Key, KeySet
from unit.entities.pems import ec_key, private_pem, public_pem, rsa_key
from unit.entities.refusing import fields_of

EC, RSA = ec_key(), rsa_key()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


POINT = EC.public_key().public_numbers()
EC_JWK = {"kty": "EC", "crv": "P-256", "x": number(POINT.x), "y": number(POINT.y), "kid": "1"}
MODULUS = RSA.public_key().public_numbers()
RSA_JWK = {"kty": "RSA", "n": number(MODULUS.n), "e": number(MODULUS.e), "kid": "1"}
ED_JWK = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": b64(Ed25519PrivateKey.generate().public_key().public_bytes_raw()),
    "kid": "1",
}
OCT_JWK = {"kty": "oct", "k": "c2VjcmV0", "kid": "1"}


@pytest.mark.parametrize("jwk", [EC_JWK, RSA_JWK, ED_JWK, OCT_JWK])
def test_a_key_from_a_jwk_whose_kid_agrees(jwk: dict[str, Any]) -> None:
    key = Key.parse({"name": "k", "kid": "1", "jwk": json.dumps(jwk)})
    assert Key.from_wire(key.to_wire()) == key


def test_a_key_from_a_pair() -> None:
    key = Key.parse({"kid": "1", "pem": {"public_key": public_pem(EC), "private_key": private_pem(EC)}})
    assert key.to_wire()["pem"] == {"public_key": public_pem(EC), "private_key": private_pem(EC)}
    assert Key.parse({"kid": "1", "pem": {"private_key": "{vault://env/key}"}})
    assert Key.parse({"kid": "1", "jwk": "{vault://env/jwk}"})


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ({}, {"@entity": ["at least one of these fields must be non-empty: 'jwk', 'pem'"]}),
        ({"kid": None, "jwk": json.dumps(EC_JWK)}, {"kid": "required field missing"}),
        (
            {"jwk": json.dumps(EC_JWK), "pem": {"public_key": public_pem(EC)}},
            {"@entity": ["only one or none of these fields must be set: 'jwk', 'pem'"]},
        ),
        ({"kid": "2", "jwk": json.dumps(EC_JWK)}, {"@entity": ["kid in jwk.kid must be equal to keys.kid"]}),
        ({"jwk": "{"}, {"@entity": ["could not json decode jwk string"]}),
        ({"jwk": "[1]"}, {"@entity": ["could not json decode jwk string"]}),
        ({"pem": {}}, {"@entity": ["need to supply a PEM formatted public and/or private key."]}),
        ({"pem": {"private_key": "x"}}, {"pem": {"private_key": "invalid key: not a key in PEM form"}}),
        ({"pem": {"public_key": "x"}}, {"pem": {"public_key": "invalid key: not a public key in PEM form"}}),
    ],
)
def test_what_is_refused(data: dict[str, Any], fields: dict[str, Any]) -> None:
    assert fields_of(Key, {"kid": "1", **data}) == fields


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kty": "DSA"}, "unknown type of key (kty), expected one of: RSA, EC, OKP, oct"),
        ({"kty": None}, "unknown type of key (kty), expected one of: RSA, EC, OKP, oct"),
        ({"crv": "P-1"}, "unknown curve (crv), expected one of: P-256, P-384, P-521, secp256k1"),
        ({"x": None}, "x is missing"),
        ({"x": "A"}, "x is not base64url"),
        ({"kty": "OKP"}, "unknown curve (crv), expected one of: Ed25519, Ed448, X25519, X448"),
    ],
)
def test_a_jwk_that_is_no_key_says_why(change: dict[str, Any], reason: str) -> None:
    fields = fields_of(Key, {"kid": "1", "jwk": json.dumps({**EC_JWK, **change})})
    assert fields == {"@entity": [f"could not load JWK: {reason}"]}


def test_a_point_that_is_not_on_the_curve_is_no_key() -> None:
    [sentence] = fields_of(Key, {"kid": "1", "jwk": json.dumps({**EC_JWK, "y": EC_JWK["x"]})})["@entity"]
    assert sentence.startswith("could not load JWK: ")


def test_sets_and_keys_have_their_own_paths_and_keys() -> None:
    assert (KeySet.kind, KeySet.flat_path, KeySet.nested_path) == ("key_sets", "key-sets", "key-sets")
    assert KeySet.parse({"name": "s"}).endpoint_value == "s"
    assert Key.unique_together == (("kid", "set"),)
