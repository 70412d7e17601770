"""Certificates, server names and authorities."""

import hashlib
import ssl
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from gateline.entities import CACertificate, Certificate, Sni
from unit.entities.pems import certificate, ec_key, private_pem, rsa_key
from unit.entities.refusing import fields_of, patch_fields_of

KEY, OTHER, RSA = ec_key(), ec_key(), rsa_key()
PAIR = {"cert": certificate(KEY), "key": private_pem(KEY)}
RSA_PAIR = {"cert": certificate(RSA), "key": private_pem(RSA)}
BOTH = "all or none of these fields must be set: 'cert_alt', 'key_alt'"


def protected() -> str:
    return KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()


def test_a_certificate_and_its_key() -> None:
    made = Certificate.parse(PAIR)
    assert (made.cert, made.key, made.cert_alt) == (PAIR["cert"], PAIR["key"], None)
    assert Certificate.from_wire(made.to_wire()) == made


def test_a_chain_may_follow_the_certificate() -> None:
    assert Certificate.parse({**PAIR, "cert": PAIR["cert"] + certificate(OTHER, ca=True)})


def test_a_second_pair_of_another_key_type_may_stand_beside() -> None:
    assert Certificate.parse({**RSA_PAIR, "cert_alt": PAIR["cert"], "key_alt": PAIR["key"]}).cert_alt == PAIR["cert"]


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (
            {"cert": "rubbish", "key": "rubbish"},
            {
                "cert": "invalid certificate: not a certificate in PEM form",
                "key": "invalid key: not a key in PEM form",
            },
        ),
        (
            {"cert": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
            {"cert": "invalid certificate: it cannot be read"},
        ),
        (
            {"key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"},
            {"key": "invalid key: it cannot be read"},
        ),
        ({"key": protected()}, {"key": "invalid key: it is protected by a password"}),
        ({"key": private_pem(OTHER)}, {"@entity": ["certificate does not match key"]}),
        ({"cert_alt": RSA_PAIR["cert"]}, {"@entity": [BOTH]}),
        (
            {"cert_alt": RSA_PAIR["cert"], "key_alt": PAIR["key"]},
            {"@entity": ["alternative certificate does not match key"]},
        ),
        ({"key": None}, {"key": "required field missing"}),
        ({"snis": ["a.test"]}, {"snis": "unknown field"}),
    ],
)
def test_what_is_refused(data: dict[str, Any], fields: dict[str, Any]) -> None:
    assert fields_of(Certificate, {**PAIR, **data}) == fields


def test_two_pairs_of_one_key_type_are_refused() -> None:
    data = {**PAIR, "cert_alt": certificate(OTHER), "key_alt": private_pem(OTHER)}
    [sentence] = fields_of(Certificate, data)["@entity"]
    assert sentence.startswith("certificate and alternative certificate need to have different type")


def test_references_to_secrets_are_taken_as_they_are() -> None:
    made = Certificate.parse({"cert": "{vault://env/cert}", "key": "{vault://mine/key/member?prefix=x#1}"})
    assert made.cert == "{vault://env/cert}"
    assert Certificate.parse({**PAIR, "key": "{vault://env/key}"})
    assert "key" in fields_of(Certificate, {**PAIR, "key": "x{vault://env/key}"})


def test_a_changed_key_must_still_fit() -> None:
    before = Certificate.parse(PAIR)
    assert patch_fields_of(before, {"key": private_pem(OTHER)}) == {"@entity": ["certificate does not match key"]}
    changed = Certificate.patched(before.to_wire(), {"cert": certificate(OTHER), "key": private_pem(OTHER)})
    assert changed.id == before.id


def test_the_digest_of_an_authority_is_computed_and_follows_its_certificate() -> None:
    first, second = certificate(KEY, ca=True), certificate(OTHER, ca=True)
    made = CACertificate.parse({"cert": first, "cert_digest": "given"})
    assert made.cert_digest == hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest()
    changed = CACertificate.patched(made.to_wire(), {"cert": second})
    assert changed.cert_digest == hashlib.sha256(ssl.PEM_cert_to_DER_cert(second)).hexdigest()


NOT_A_CA = 'certificate does not appear to be a CA because it is missing the "CA" basic constraint'


@pytest.mark.parametrize(
    ("pem", "sentence"),
    [
        (certificate(KEY, ca=True, days=-1), 'certificate expired, "Not After" time is in the past'),
        (certificate(KEY), NOT_A_CA),
        (certificate(KEY, ca=False), NOT_A_CA),
        (certificate(KEY, ca=True) + certificate(OTHER, ca=True), "please submit only one certificate at a time"),
    ],
)
def test_what_an_authority_is_not(pem: str, sentence: str) -> None:
    assert fields_of(CACertificate, {"cert": pem}) == {"@entity": [sentence]}


def test_an_authority_takes_no_reference() -> None:
    assert fields_of(CACertificate, {"cert": "{vault://env/ca}"}) == {
        "cert": "invalid certificate: not a certificate in PEM form"
    }


@pytest.mark.parametrize("name", ["a.test", "*.a.test", "a.*"])
def test_a_server_name(name: str) -> None:
    assert Sni.parse({"name": name, "certificate": {"id": "5f1d7fbc-0000-4000-8000-000000000001"}}).name == name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a.*.test", "wildcard must be leftmost or rightmost character"),
        ("*.a.*", "only one wildcard must be specified"),
        ("a.test:443", "must not have a port"),
        ("10.0.0.1", "must not be an IP"),
    ],
)
def test_what_is_no_server_name(name: str, sentence: str) -> None:
    fields = fields_of(Sni, {"name": name, "certificate": {"id": "5f1d7fbc-0000-4000-8000-000000000001"}})
    assert fields == {"name": sentence}


def test_a_key_is_not_shown_when_a_certificate_is_printed() -> None:
    made = Certificate.parse(PAIR)
    assert "PRIVATE KEY" not in repr(made) + str(made)
    assert "key='******'" in repr(made)
    assert "key_alt=None" in repr(made)
