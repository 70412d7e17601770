"""Tokens taken apart: what is one, and what two readers could take for two different ones, and so is none."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.pdk.jose import ALGORITHMS, TokenError, base64url, parse
from harness.tokens import b64, key_for, signed, token

HEAD = b64(b'{"alg":"HS256"}')
CLAIMS = b64(b'{"iss":"a"}')


def reason(text: str) -> str:
    with pytest.raises(TokenError) as caught:
        parse(text)
    return str(caught.value)


def test_a_token_comes_apart() -> None:
    claims = {"iss": "https://a.test/", "n": 1, "deep": {"list": ["x:y", {"z": None}]}}
    parsed = parse(token(claims, "HS384", header={"kid": "k"}))
    assert parsed.claims == claims
    assert parsed.algorithm == "HS384"
    assert parsed.header["kid"] == "k"
    assert parsed.signed.decode() + "." + b64(parsed.signature) == token(claims, "HS384", header={"kid": "k"})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_is_known(algorithm: str) -> None:
    assert parse(token({"iss": "a"}, algorithm)).algorithm == algorithm


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "", "hs256", "HS1", "RS1", "ES256K", "dir", 1, None, ["HS256"]]
)
def test_no_other_algorithm_is(algorithm: Any) -> None:
    head = {"typ": "JWT"} if algorithm is None else {"alg": algorithm}
    text = f"{b64(json.dumps(head).encode())}.{CLAIMS}."
    assert reason(text) == "invalid alg"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "a.b",
        "..",
        f"{HEAD}.{CLAIMS}",
        f"{HEAD}.{CLAIMS}.YQ.YQ",
        f"{HEAD}.{CLAIMS}.YQ.",
        f".{HEAD}.{CLAIMS}.YQ",
        f"{HEAD}..YQ",
        f".{CLAIMS}.YQ",
        f"{HEAD} .{CLAIMS}.YQ",
        f"{HEAD}.{CLAIMS}é.YQ",
        f"{b64(b'[]')}.{CLAIMS}.YQ",
        f"{b64(b'1')}.{CLAIMS}.YQ",
        f"{HEAD}.{b64(b'{')}.YQ",
        f"{HEAD}.{b64(b'{}x')}.YQ",
        f"{HEAD}.{b64(b'{}{}')}.YQ",
        f"{HEAD}.{b64(bytes([0xEF, 0xBB, 0xBF]) + b'{}')}.YQ",
        f"{HEAD}.{b64(bytes([0xFF]))}.YQ",
        f"{HEAD}.{b64(b'{') + b64(b'}')}.YQ=",
        f"{HEAD}.{b64(b'[' * 100000)}.YQ",
    ],
)
def test_what_is_no_json_is_no_token(text: str) -> None:
    assert reason(text) in ("invalid JSON", "invalid signature")


@pytest.mark.parametrize("claims", ["null", "false", "[]", '"text"', "1"])
def test_claims_are_an_object(claims: str) -> None:
    assert reason(token(claims)) == "invalid claims"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_are_numbers(number: str) -> None:
    assert reason(token(f'{{"exp":{number}}}')) == "invalid JSON"


@pytest.mark.parametrize(
    "claims",
    [
        '{"iss":"a","iss":"b"}',
        '{"iss":"a","iss":"a"}',
        '{"iss":"a","\\u0069ss":"b"}',
        '{"iss":"a" , "iss" : "b"}',
        '{"iss":"a","iss":"b","x":"\\u003a"}',
        '{"iss":"a:b","iss":"c"}',
        '{"deep":{"a":1,"a":2}}',
        '{"deep":[{"a":1},{"b":1,"b":2}]}',
        '{"x":":","iss":"a","iss":"b"}',
    ],
)
def test_a_claim_that_is_there_twice_is_refused(claims: str) -> None:
    assert reason(token(claims)) == "invalid JSON"


def test_a_field_of_the_header_that_is_there_twice_is_refused() -> None:
    head = b64(b'{"alg":"HS256","alg":"none"}')
    assert reason(signed(head, CLAIMS, "HS256")) == "invalid JSON"


@pytest.mark.parametrize("crit", [["exp"], ["b64"], [], "b64", None])
def test_extensions_that_must_be_understood_are_not(crit: Any) -> None:
    head = b64(json.dumps({"alg": "HS256", "b64": False, "crit": crit}).encode())
    assert reason(signed(head, CLAIMS, "HS256")) == "invalid crit"


def test_a_header_that_comes_again_is_judged_again() -> None:
    for head, why in (({"alg": "none"}, "invalid alg"), ({"alg": "HS256", "crit": ["exp"]}, "invalid crit")):
        text = signed(b64(json.dumps(head).encode()), CLAIMS, "HS256")
        assert [reason(text), reason(text)] == [why, why]
        assert reason(signed(b64(json.dumps(head).encode()), b64(b"{"), "HS256")) == "invalid JSON"


def test_many_headers_do_not_mix() -> None:
    for number in range(1000):
        assert parse(token({"iss": "a"}, header={"kid": str(number)})).header["kid"] == str(number)


_members = st.text(st.sampled_from('ab:\\"é'), max_size=3)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | _members,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(_members, inner), max_size=4),
    max_leaves=8,
)


def written(value: Any, *, ascii_only: bool) -> str:
    """JSON in which lists of pairs are objects, whatever their names."""
    if isinstance(value, list) and all(isinstance(one, tuple) for one in value):
        inner = (
            f"{json.dumps(name, ensure_ascii=ascii_only)}: {written(one, ascii_only=ascii_only)}" for name, one in value
        )
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(one, ascii_only=ascii_only) for one in value) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


def repeats(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    if all(isinstance(one, tuple) for one in value):
        names = [name for name, _ in value]
        return len(set(names)) != len(names) or any(repeats(one) for _, one in value)
    return any(map(repeats, value))


@given(st.lists(st.tuples(_members, _values), max_size=4), st.booleans())
def test_repeats_are_found_wherever_they_are_and_nothing_else(value: Any, ascii_only: bool) -> None:
    text = token(written(value, ascii_only=ascii_only))
    if repeats(value):
        assert reason(text) == "invalid JSON"
    else:
        assert parse(text).claims == json.loads(written(value, ascii_only=ascii_only))


@given(st.binary(max_size=64))
def test_base64url_has_one_form(data: bytes) -> None:
    encoded = b64(data).encode()
    assert base64url(encoded) == data
    for other in (encoded + b"=", encoded + b"A", encoded + b"\n", b" " + encoded, encoded.replace(b"-", b"+") + b"+"):
        try:
            again = base64url(other)
        except ValueError:
            continue
        assert b64(again).encode() == other


@pytest.mark.parametrize("text", ["YR", "YWJ", "Y", "YQ==", "YQ=", "YW+v", "YW/v", "Y Q", "YQ\n", "éé", "=", "===="])
def test_what_encoders_do_not_write_is_not_base64url(text: str) -> None:
    with pytest.raises(ValueError):
        base64url(text.encode())


def test_the_last_character_of_a_signature_cannot_be_changed() -> None:
    text = token({"iss": "a"}, "HS256", key_for("HS256"))
    for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        changed = text[:-1] + other
        if changed == text:
            continue
        with contextlib.suppress(TokenError):
            assert parse(changed).signature != parse(text).signature
