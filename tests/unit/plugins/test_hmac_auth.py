"""hmac-auth: signatures that are right, and the many that are not."""

import hmac
import time
from base64 import b64encode
from email.utils import formatdate
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.plugins.basic_auth import BasicAuth
from gateline.plugins.hmac_auth import HmacAuth, HmacauthCredential
from gateline.plugins.hmac_auth.dates import seconds_of
from gateline.plugins.hmac_auth.signature import signature_of
from gateline.testing import Answer, Harness
from unit.plugins.people import ANN, BOB, GUEST, give

NO_DATE = "HMAC signature cannot be verified, a valid date or x-date header is required for HMAC Authentication"
UNVERIFIABLE = "HMAC signature cannot be verified"
WRONG = "HMAC signature does not match"


def guarded(**config: Any) -> Harness:
    harness = Harness((HmacAuth, config))
    give(harness, "hmacauth_credentials", BOB, username="bob", secret="s3cret")
    harness.credentials.consumers[GUEST.id] = GUEST
    return harness


def date(offset: float = 0) -> str:
    return formatdate(time.time() + offset, usegmt=True)


def sign(text: str, secret: str = "s3cret", algorithm: str = "sha256") -> str:
    return b64encode(hmac.digest(secret.encode(), text.encode(), algorithm)).decode()


def header(signature: str, headers: str = "date", username: str = "bob", algorithm: str = "hmac-sha256") -> str:
    return f'hmac username="{username}", algorithm="{algorithm}", headers="{headers}", signature="{signature}"'


def signed(headers: str = "date", **values: str) -> dict[str, str]:
    """Headers with a signature over those of `headers`, which `values` has (underscores for dashes)."""
    known = {"date": date()} | {name.replace("_", "-"): value for name, value in values.items()}
    text = "\n".join(f"{name}: {known[name.lower()]}" for name in headers.split())
    return {**known, "Authorization": header(sign(text), headers)}


def refused(answer: Answer) -> str:
    assert answer.status == 401, answer
    assert answer.header("www-authenticate") == "hmac"
    assert answer.sent is None
    return str(answer.json()["message"])


def test_a_client_that_signs_x_date_gets_through() -> None:
    moment = date()
    given = header(sign(f"X-Date: {moment}"), "X-Date")
    with guarded() as harness:
        answer = harness.request(headers={"X-Date": moment, "Authorization": given, "X-Consumer-Username": "root"})
    assert answer.status == 200
    assert answer.sent is not None
    assert answer.sent.header("x-consumer-username") == "bob"
    assert answer.sent.header("x-credential-identifier") == "bob"
    assert answer.sent.header("authorization") == given


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_every_algorithm_is_taken_unless_the_configuration_says_otherwise(algorithm: str) -> None:
    moment = date()
    given = header(sign(f"date: {moment}", algorithm=algorithm), algorithm=f"hmac-{algorithm}")
    with guarded() as harness, guarded(algorithms=["hmac-sha384"]) as strict:
        assert harness.request(headers={"Date": moment, "Authorization": given}).status == 200
        answer = strict.request(headers={"Date": moment, "Authorization": given})
    if algorithm == "sha384":
        assert answer.status == 200
    else:
        assert refused(answer) == UNVERIFIABLE


def test_what_is_signed_may_be_the_request_itself() -> None:
    moment = date()
    lines = f"date: {moment}\n@request-target: post /a%20b?x=1&y\nPOST /a%20b?x=1&y HTTP/1.1\nhost: shop.test:81"
    names = "date @request-target request-line host"
    headers = {"Date": moment, "Host": "shop.test:81", "Authorization": header(sign(lines), names)}
    with guarded() as harness:
        assert harness.request("POST", "/a%20b?x=1&y", headers=headers).status == 200
        assert refused(harness.request("GET", "/a%20b?x=1&y", headers=headers)) == WRONG
        assert refused(harness.request("POST", "/a%20b?x=2&y", headers=headers)) == WRONG


def test_a_header_named_like_the_request_line_does_not_stand_in_for_it() -> None:
    moment = date()
    given = header(sign(f"date: {moment}\nrequest-line: GET /signed HTTP/1.1"), "date request-line")
    headers = {"Date": moment, "Request-Line": "GET /signed HTTP/1.1", "Authorization": given}
    with guarded() as harness:
        assert refused(harness.request("GET", "/other", headers=headers)) == WRONG


def test_a_header_that_is_not_there_is_signed_as_an_empty_one() -> None:
    moment = date()
    given = header(sign(f"date: {moment}\nx-gone:"), "date x-gone")
    with guarded() as harness:
        assert harness.request(headers={"Date": moment, "Authorization": given}).status == 200
        assert refused(harness.request(headers={"Date": moment, "X-Gone": "a", "Authorization": given})) == WRONG


def test_a_line_more_of_a_header_that_is_signed_is_noticed() -> None:
    moment = date()
    given = header(sign(f"date: {moment}\nx-own: a"), "date x-own")
    lines = [("Date", moment), ("X-Own", "a"), ("X-Own", "b"), ("Authorization", given)]
    with guarded() as harness:
        assert refused(harness.request(headers=lines)) == WRONG


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "Unauthorized"),
        ({"Date": date()}, "Unauthorized"),
        ({"Authorization": header(sign("host: gateway.test"), "host")}, NO_DATE),
        ({"Authorization": header(sign("host: gateway.test"), "host"), "Date": "yesterday"}, NO_DATE),
        (signed(date=date(-600)), NO_DATE),
        (signed(date=date(600)), NO_DATE),
        ({"Date": date(), "Authorization": "Basic Ym9iOmtvbmc="}, UNVERIFIABLE),
        ({"Date": date(), "Authorization": "hmac"}, UNVERIFIABLE),
        ({"Date": date(), "Authorization": 'hmac username="bob"'}, UNVERIFIABLE),
        ({"Date": date(), "Authorization": header("", "")}, UNVERIFIABLE),
        ({"Date": date(), "Authorization": header(sign("x"), username="nobody")}, UNVERIFIABLE),
        ({"Date": date(), "Authorization": header(sign("x"), algorithm="hmac-md5")}, UNVERIFIABLE),
        ({"Date": date(), "Authorization": header(sign("x"), algorithm="none")}, UNVERIFIABLE),
        ({"Date": date(), "Authorization": header(sign("x")) + ', username="root"'}, UNVERIFIABLE),
        ({"Date": date(), "Authorization": header(sign("x")) + ' and="more"'}, UNVERIFIABLE),
        ({"Date": date(), "Authorization": header(sign("x")) + ", more"}, UNVERIFIABLE),
        ({"Date": date(), "Authorization": header("")}, WRONG),
        ({"Date": date(), "Authorization": header("\xff!")}, WRONG),
        ({"Date": date(), "Authorization": header(sign("x"))}, WRONG),
        ({"Date": date(), "Authorization": header(sign("x", secret="other"))}, WRONG),
    ],
)
def test_whatever_is_not_right_is_refused(headers: dict[str, str], message: str) -> None:
    with guarded() as harness:
        assert refused(harness.request(headers=headers)) == message


def test_the_clock_may_be_as_wrong_as_the_configuration_says() -> None:
    with guarded(clock_skew=900) as harness:
        assert harness.request(headers=signed(date=date(-600))).status == 200
        assert refused(harness.request(headers=signed(date=date(-1000)))) == NO_DATE


def test_an_old_signature_is_not_made_young_by_a_date_beside_it() -> None:
    with guarded() as harness:
        assert refused(harness.request(headers={**signed(date=date(-600)), "X-Date": date()})) == NO_DATE
        old = signed("x-date", x_date=date(-600))
        assert refused(harness.request(headers={**old, "Date": date()})) == NO_DATE
        assert harness.request(headers={**signed(), "X-Date": date(-600)}).status == 200
    twice = [*signed().items(), ("Date", date(1))]
    with guarded() as harness:
        assert refused(harness.request(headers=twice)) == NO_DATE


def test_headers_that_must_be_signed_have_to_be() -> None:
    with guarded(enforce_headers=["date", "X-Own"]) as harness:
        assert refused(harness.request(headers=signed())) == UNVERIFIABLE
        assert harness.request(headers=signed("date x-own", x_own="a")).status == 200


@pytest.mark.parametrize(
    ("body", "digest", "status"),
    [
        (b"{}", "SHA-256=" + b64encode(sha256(b"{}").digest()).decode(), 200),
        (b"{ }", "SHA-256=" + b64encode(sha256(b"{}").digest()).decode(), 401),
        (b"{}", None, 401),
        (None, None, 200),
        (None, "SHA-256=" + b64encode(sha256(b"").digest()).decode(), 200),
        (None, "SHA-256=" + b64encode(sha256(b"{}").digest()).decode(), 401),
    ],
)
def test_a_body_is_compared_with_its_digest(body: bytes | None, digest: str | None, status: int) -> None:
    headers = signed() if digest is None else signed("date digest", digest=digest)
    with guarded(validate_request_body=True) as harness:
        answer = harness.request("POST", headers=headers, body=body)
        assert answer.status == status
        if status == 401:
            assert refused(answer) == WRONG
        if body is not None:
            chunked = harness.request("POST", headers=headers, chunks=[body[:1], body[1:]])
            assert chunked.status == status


def test_the_signature_may_be_for_a_proxy_and_is_hidden_where_it_was() -> None:
    headers = signed()
    headers["Proxy-Authorization"] = headers.pop("Authorization")
    with guarded(hide_credentials=True) as harness:
        answer = harness.request(headers={**headers, "Authorization": "Basic eDp5"})
        assert answer.sent is not None
        assert answer.sent.header("authorization") == "Basic eDp5"
        answer = harness.request(headers=signed())
    assert answer.sent is not None
    assert answer.sent.header("authorization") is None


def test_a_realm_is_told() -> None:
    with guarded(realm="my realm") as harness:
        assert harness.request().header("www-authenticate") == 'hmac realm="my realm"'


@pytest.mark.parametrize("headers", [{}, {"Date": date(), "Authorization": header(sign("x"))}])
def test_without_a_signature_one_may_go_on_as_the_anonymous_consumer(headers: dict[str, str]) -> None:
    spoofed = {"X-Consumer-Username": "root", "X-Credential-Identifier": "root"}
    with guarded(anonymous="guest") as harness:
        answer = harness.request(headers={**headers, **spoofed})
    assert answer.sent is not None
    assert answer.sent.header("x-consumer-username") == "guest"
    assert answer.sent.header("x-anonymous-consumer") == "true"
    assert answer.sent.header("x-credential-identifier") is None


def test_another_plugin_may_have_found_out_already_who_it_is() -> None:
    with Harness((BasicAuth, {"anonymous": "guest"}), (HmacAuth, {"anonymous": "guest"})) as harness:
        give(harness, "hmacauth_credentials", ANN, username="ann", secret="s")
        harness.credentials.consumers[GUEST.id] = GUEST
        moment = date()
        given = header(sign(f"date: {moment}", "s"), username="ann")
        answer = harness.request(headers={"Date": moment, "Authorization": given})
    assert answer.sent is not None
    assert answer.sent.header("x-consumer-username") == "ann"


def test_signatures_and_digests_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    digest = "SHA-256=" + b64encode(sha256(b"{}").digest()).decode()
    headers = signed("date digest", digest=digest)
    with guarded(validate_request_body=True) as harness:
        monkeypatch.setattr(hmac, "compare_digest", compare)
        assert harness.request("POST", headers=headers, body=b"{}").status == 200
    value = headers["Authorization"].rpartition('signature="')[2].rstrip('="').encode()
    assert compared == [(value, value), (digest.encode(), digest.encode())]


@given(st.text(max_size=200))
def test_any_text_is_read_or_is_none(text: str) -> None:
    for header in (text, f"hmac {text}", f'hmac username="a", {text}'):
        found = signature_of(header)
        assert found is None or all(isinstance(part, str) for part in (found.username, found.algorithm, found.value))
    assert seconds_of(text) is None or text.isascii()


@given(
    st.permutations(["username", "algorithm", "headers", "signature"]),
    st.text(st.characters(exclude_characters='"'), max_size=20),
    st.sampled_from([",", ", ", " ,\t"]),
)
def test_the_order_of_parameters_does_not_matter(order: list[str], username: str, comma: str) -> None:
    values = {"username": username, "algorithm": "hmac-sha1", "headers": "date  X-A", "signature": "abc="}
    header = "hmac " + comma.join(f'{name}="{values[name]}"' for name in order)
    found = signature_of(header)
    assert found is not None
    assert (found.username, found.algorithm, found.value) == (username, "hmac-sha1", "abc")
    assert found.names == ("date", "X-A")
    assert found.covers == {"date", "x-a"}


def test_a_secret_is_made_where_none_is_given_and_is_masked() -> None:
    made = HmacauthCredential.parse({"consumer": {"id": BOB.id}, "username": "b"})
    assert len(made.secret) == 32
    assert made.secret.isalnum()
    assert made.secret not in repr(made)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        ("Sun, 6 Nov 1994 08:49:37 UTC", 784111777),
        ("06 Nov 1994 08:49:37", 784111777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784111777),
        ("Sun Nov  6 08:49:37 1994", 784111777),
        ("Sun, 06 Nov 2094 08:49:37 GMT", 3939871777),
        ("Sun, 06 Nov 1994 08:49:60 GMT", 784111799),
        ("Sun, 06 Nov 1994 08:49:37 +0200", None),
        ("Sun, 06 Nov 1994 08:49:37 EST", None),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ("Sun, 06 Foo 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 25:49:37 GMT", None),
        ("Sun, \u0660\u0666 Nov 1994 08:49:37 GMT", None),
        ("784111777", None),
        ("", None),
    ],
)
def test_dates_are_read_as_clients_write_them(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds
