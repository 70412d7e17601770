"""`kong.enterprise_edition.jwe`: RFC 7516's tokens, and what is refused."""

import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateline.pdk.kong.exceptions import Failure
from gateline.pdk.kong.jwe import Jwe
from unit.pdk.kong_files import seen

# The key and the token of the documentation of Kong's function.
KEY = {
    "kty": "EC",
    "crv": "P-256",
    "use": "enc",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",
}
TOKEN = (
    "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSIsImFwdSI6Ik1lUFhUS2oyWFR1NUktYldUSFI2bXciLCJhcHYiOiJmUHFo"
    "a2hfNkdjVFd1SG5YWFZBclVnIiwiZXBrIjp7Imt0eSI6IkVDIiwiY3J2IjoiUC0yNTYiLCJ4IjoiWWd3eF9NVXRLTW9NYUpNZXFh"
    "SjZjUFV1Z29oYkVVc0I1NndrRlpYRjVMNCIsInkiOiIxaEYzYzlRVEhELVozam1vYUp2THZwTGJqcVNaSW9KNmd4X2YtUzAtZ21R"
    "In19..4ZrIopIhLi3LeXyE.-Ke4ofA.MI5lTkML5NIa-Twm-92F6Q"
)
jwe: Any = Jwe(None, None)
RSA = rsa.generate_private_key(65537, 2048)
RSA_PEM = RSA.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
RSA_PUBLIC = RSA.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("options", [None, {"zip": "DEF"}, {"apu": False, "apv": "Bob"}])
@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_what_is_encrypted_for_a_curve_is_decrypted(curve: ec.EllipticCurve, options: Any) -> None:
    private = ec.generate_private_key(curve)
    pem = serialization.Encoding.PEM
    public = private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    secret = private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    token = jwe.encrypt("ECDH-ES", "A256GCM", public, "hello", options)
    assert jwe.decrypt(secret, token) == "hello"
    assert jwe.decode(token)["protected"]["alg"] == "ECDH-ES"


def test_what_is_encrypted_with_rsa_is_decrypted() -> None:
    token = jwe.encrypt("RSA-OAEP", "A256GCM", RSA_PUBLIC, "hello")
    assert jwe.decrypt(RSA_PEM, token) == "hello"


def test_a_jwk_may_be_a_text_or_a_table() -> None:
    for key in (KEY, json.dumps(KEY)):
        assert jwe.decrypt(key, jwe.encrypt("ECDH-ES", "A256GCM", key, "hello")) == "hello"


def test_the_token_of_kongs_documentation_is_decrypted() -> None:
    assert jwe.decrypt(KEY, TOKEN) == "hello"


def test_a_token_is_taken_apart() -> None:
    decoded = jwe.decode(TOKEN)
    assert (decoded["protected"]["alg"], decoded[2], decoded["encrypted_key"], len(decoded["tag"])) == (
        "ECDH-ES",
        "",
        b"",
        16,
    )
    assert ".".join(decoded[place] for place in range(1, 6)) == TOKEN


def _changed(token: str, part: int) -> str:
    parts = token.split(".")
    first = "B" if parts[part][0] == "A" else "A"
    parts[part] = first + parts[part][1:]
    return ".".join(parts)


def test_a_token_that_was_changed_is_refused() -> None:
    token = jwe.encrypt("ECDH-ES", "A256GCM", KEY, "hello")
    for part in (2, 3, 4):
        with pytest.raises(Failure, match="unable to decrypt"):
            jwe.decrypt(KEY, _changed(token, part))


@pytest.mark.parametrize("token", ["", "a.b.c", None, "!.a.a.a.a", "e30.a.a.a", f"{'e30'}....", "W10...."])
def test_what_is_no_token_is_refused(token: Any) -> None:
    with pytest.raises(Failure):
        jwe.decrypt(KEY, token)


@pytest.mark.parametrize(
    "call",
    [
        lambda: jwe.encrypt("dir", "A256GCM", KEY, "x"),
        lambda: jwe.encrypt("RSA-OAEP", "A256GCM", KEY, "x"),
        lambda: jwe.encrypt("ECDH-ES", "A128GCM", KEY, "x"),
        lambda: jwe.encrypt("ECDH-ES", "A256GCM", "no key", "x"),
        lambda: jwe.encrypt("ECDH-ES", "A256GCM", {"kty": "oct", "k": "x"}, "x"),
        lambda: jwe.decrypt({**KEY, "d": ""}, TOKEN),
    ],
)
def test_what_is_not_supported_is_an_error_value(call: Any) -> None:
    with pytest.raises(Failure):
        call()


def test_a_small_token_cannot_become_an_endless_text() -> None:
    token = jwe.encrypt("RSA-OAEP", "A256GCM", RSA_PUBLIC, "0" * 2_000_000, {"zip": "DEF"})
    with pytest.raises(Failure, match="too long"):
        jwe.decrypt(RSA_PEM, token)


def test_a_hook_gets_a_pair(tmp_path: Path) -> None:
    assert seen(tmp_path, "kong.enterprise_edition.jwe.decode('x')") == (None, "invalid JWE token: expected 5 parts")


def test_header_without_what_is_needed_is_refused() -> None:
    header = urlsafe_b64encode(b'{"alg":"ECDH-ES","enc":"A256GCM"}').rstrip(b"=").decode()
    with pytest.raises(Failure):
        jwe.decrypt(KEY, f"{header}..AAAA.AAAA.AAAA")
