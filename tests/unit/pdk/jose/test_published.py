"""Signatures that were published (RFC 4231, 6979, 7515, 7520, 8037), beside those that tests make."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateline.pdk.jose import ALGORITHMS, base64url, hmac_is_right, key_of_jwk, parse

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("published.json").read_text())
NOT_PUBLISHED = {"RS384", "RS512", "PS256", "PS512"}
"""By no RFC: they differ from RS256 and PS384 in their hash."""


def is_right(vector: dict[str, Any], signed: bytes, signature: bytes) -> bool:
    key, algorithm = vector["key"], vector["algorithm"]
    if key["kty"] == "oct":
        return hmac_is_right(algorithm, base64url(key["k"].encode()), signed, signature)
    return key_of_jwk(key).verify(algorithm, signed, signature)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: f"{one['source']} {one['algorithm']}")
def test_a_published_signature_is_right_and_no_other(vector: dict[str, Any]) -> None:
    signed, signature = vector["signed"].encode(), base64url(vector["signature"].encode())
    assert is_right(vector, signed, signature)
    assert not is_right(vector, signed + b"x", signature)
    for place in (0, len(signature) // 2, len(signature) - 1):
        changed = bytearray(signature)
        changed[place] ^= 1
        assert not is_right(vector, signed, bytes(changed))


@pytest.mark.parametrize("vector", [one for one in VECTORS if one["source"] in ("RFC 7515, A.1", "RFC 7515, A.2")])
def test_a_published_token_comes_apart(vector: dict[str, Any]) -> None:
    token = parse(f"{vector['signed']}.{vector['signature']}")
    assert token.algorithm == vector["algorithm"]
    assert token.claims == {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
    assert is_right(vector, token.signed, token.signature)


def test_every_algorithm_but_these_has_one() -> None:
    assert set(ALGORITHMS) - {one["algorithm"] for one in VECTORS} == NOT_PUBLISHED
