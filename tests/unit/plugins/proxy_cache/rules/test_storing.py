"""What a shared cache keeps (RFC 9111, section 3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.plugins.proxy_cache.rules import Answer, Policy, Stored, decode, encode, store
from unit.plugins.proxy_cache.rules.scene import NOW, asks, stored, try_storing


@pytest.mark.parametrize("status", [200, 203, 204, 299, 301, 302, 307, 308, 400, 404, 410, 499, 500, 503, 599])
def test_every_final_status_with_a_lifetime_is_kept(status: int) -> None:
    assert isinstance(try_storing("Cache-Control: max-age=60", status=status), Stored)


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ("Cache-Control: no-store, max-age=60", "no-store"),
        ("Cache-Control: private, max-age=60", "private"),
        ("Cache-Control: max-age=60\nVary: *", "vary"),
        ("Cache-Control: max-age=60\nVary: foo, *", "vary"),
        ("Cache-Control: max-age=60\nVary: a b", "vary"),
        ("Cache-Control: max-age=0", "no-freshness"),
        ("Cache-Control: max-age=60\nAge: 60", "no-freshness"),
        ("Cache-Control: max-age=60, no-cache", "no-freshness"),
        ("Expires: {-60}", "no-freshness"),
        ("", "no-freshness"),
        ("CDN-Cache-Control: no-store\nCache-Control: max-age=60", "no-store"),
        ("Surrogate-Control: no-store\nCache-Control: max-age=60", "no-store"),
        ("Last-Modified: {-86400}\nSet-Cookie: a=b", "set-cookie"),
    ],
)
def test_what_is_not_kept(headers: str, refusal: str) -> None:
    assert try_storing(headers) == refusal


@pytest.mark.parametrize("status", [100, 103, 206, 304, 412, 416])
def test_statuses_that_are_never_kept(status: int) -> None:
    assert try_storing("Cache-Control: max-age=60", status=status) == "status"


def test_a_status_without_a_lifetime_is_kept_where_that_is_usual() -> None:
    """RFC 9111, section 3: explicit freshness, `public`, or a status that heuristics are for."""
    assert try_storing("Last-Modified: {-86400}", status=503) == "no-freshness"
    assert isinstance(try_storing("Last-Modified: {-86400}", status=410), Stored)
    assert isinstance(try_storing("Last-Modified: {-86400}\nCache-Control: public", status=503), Stored)


@pytest.mark.parametrize(
    "headers",
    [
        'Cache-Control: no-cache\nETag: "a"',
        'Cache-Control: max-age=0\nETag: "a"',
        "Cache-Control: max-age=0\nLast-Modified: {-60}",
        'ETag: "a"',
        "Cache-Control: max-age=0, stale-while-revalidate=60",
        "Cache-Control: max-age=0, stale-if-error=60",
    ],
)
def test_a_stale_answer_is_kept_where_it_can_serve_later(headers: str) -> None:
    assert isinstance(try_storing(headers), Stored)


def test_a_set_cookie_is_shared_only_where_the_service_says_for_how_long() -> None:
    assert isinstance(try_storing("Cache-Control: max-age=60\nSet-Cookie: a=b"), Stored)


@pytest.mark.parametrize("directive", ["public", "must-revalidate", "s-maxage=60"])
def test_an_answer_to_an_authorized_request_is_shared_where_the_service_says_so(directive: str) -> None:
    """RFC 9111, section 3.5."""
    request = "Authorization: Basic Zm9v"
    assert try_storing("Cache-Control: max-age=60", request=request) == "authorization"
    assert isinstance(try_storing(f"Cache-Control: max-age=60, {directive}", request=request), Stored)


def test_a_client_may_forbid_to_keep_the_answer() -> None:
    """RFC 9111, section 5.2.1.5."""
    assert try_storing("Cache-Control: max-age=60", request="Cache-Control: no-store") == "no-store"


def test_must_understand_overrides_no_store_for_statuses_that_are_known() -> None:
    """RFC 9111, section 5.2.2.3."""
    headers = "Cache-Control: max-age=60, must-understand, no-store"
    assert isinstance(try_storing(headers), Stored)
    assert try_storing(headers, status=599) == "must-understand"
    assert try_storing("Cache-Control: max-age=60, must-understand", status=599) == "must-understand"


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "QUERY"])
def test_only_what_answers_get_is_kept(method: str) -> None:
    assert try_storing("Cache-Control: max-age=60", method=method) == "method"


def test_fields_that_are_not_kept() -> None:
    """RFC 9111, section 3.1."""
    answer = stored(
        """
        Connection: close, X-Hop
        X-Hop: 1
        Keep-Alive: timeout=5
        Proxy-Authenticate: Basic
        Proxy-Authentication-Info: a
        Proxy-Authorization: a
        Proxy-Connection: close
        TE: trailers
        Trailer: x
        Transfer-Encoding: chunked
        Upgrade: h2c
        Age: 1
        Cache-Control: max-age=60, private="X-User", no-cache="x-fresh"
        X-User: 1
        X-Fresh: 1
        Content-Type: text/plain
        Set-Cookie: a=b
        Set-Cookie: c=d
        """
    )
    assert [name for name, _ in answer.headers] == [b"Cache-Control", b"Content-Type", b"Set-Cookie", b"Set-Cookie"]


def test_what_is_decided_when_an_answer_is_stored() -> None:
    answer = stored(
        """
        Cache-Control: s-maxage=60, stale-while-revalidate=5, stale-if-error=7
        ETag: W/"a"
        Last-Modified: {-60}
        Date: {-2}
        Vary: Accept, accept-language
        Cache-Tag: one,two
        """,
        length=12,
    )
    assert answer.lifetime == 60
    assert answer.initial_age == 2
    assert answer.etag == b'W/"a"'
    assert answer.last_modified == NOW - 60
    assert answer.date == NOW - 2
    assert answer.vary == (b"accept", b"accept-language")
    assert answer.tags == (b"one", b"two")
    assert (answer.stale_while_revalidate, answer.stale_if_error) == (5, 7)
    assert answer.length == 12
    assert not answer.heuristic


def test_graces_of_the_configuration_are_for_answers_that_say_nothing_of_it() -> None:
    policy = Policy(stale_while_revalidate=30, stale_if_error=60)

    def graces(value: str) -> tuple[int, int]:
        answer = stored(f'Cache-Control: {value}\nETag: "a"', policy=policy)
        return answer.stale_while_revalidate, answer.stale_if_error

    assert graces("max-age=60") == (30, 60)
    assert graces("max-age=60, stale-while-revalidate=0, stale-if-error=1") == (0, 1)
    assert graces("s-maxage=60") == (0, 0)
    assert graces("s-maxage=60, stale-if-error=5") == (0, 5)
    assert graces("max-age=60, must-revalidate, stale-if-error=5") == (0, 0)
    assert graces("max-age=60, proxy-revalidate") == (0, 0)
    assert graces("no-cache") == (0, 0)


def test_how_long_an_answer_is_worth_its_place() -> None:
    assert stored("Cache-Control: max-age=60\nAge: 20").useful_until() == NOW + 40
    assert stored("Cache-Control: max-age=60").useful_until(keep_stale=100) == NOW + 60, "nothing can be asked about it"
    assert stored('Cache-Control: max-age=60\nETag: "a"').useful_until(keep_stale=100) == NOW + 160
    assert stored("Cache-Control: max-age=60, stale-if-error=9").useful_until() == NOW + 69


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"Cache-Control",
                    b"Expires",
                    b"Date",
                    b"Age",
                    b"Vary",
                    b"ETag",
                    b"Last-Modified",
                    b"Cache-Tag",
                    b"Connection",
                ]
            ),
            st.binary(max_size=40),
        ),
        max_size=8,
    )
)
def test_any_answer_is_kept_or_not_and_what_is_kept_can_be_read(headers: list[tuple[bytes, bytes]]) -> None:
    result = store("GET", (), asks(), Answer(200, headers, NOW, NOW), Policy(heuristic_limit=60))
    if isinstance(result, Stored):
        assert decode(encode(result)) == result


@given(
    st.lists(
        st.sampled_from(
            [
                "max-age=60",
                "s-maxage=60",
                "public",
                "must-understand",
                "stale-if-error=9",
                'no-cache="a"',
                'private="b"',
                "x",
            ]
        )
    ),
    st.sampled_from(["private", "private=x y", "no-store, x"]),
)
def test_what_the_service_forbids_is_never_kept(others: list[str], prohibition: str) -> None:
    value = ", ".join([*others, prohibition])
    allowed = "must-understand" in others and "no-store" in prohibition
    assert allowed or isinstance(try_storing(f'Cache-Control: {value}\nETag: "a"'), str)


def test_what_another_version_wrote_reads_as_nothing() -> None:
    data = encode(stored("Cache-Control: max-age=60"))
    assert decode(data) is not None
    assert decode(memoryview(data)) is not None
    assert decode(bytes((data[0] + 1,)) + data[1:]) is None
    assert decode(data[:-1]) is None
    assert decode(b"") is None


@given(st.binary(max_size=60))
def test_damaged_bytes_read_as_nothing(data: bytes) -> None:
    assert decode(b"\x01" + data) is None
