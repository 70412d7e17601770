"""The gateway's own headers, and whose word about the client is believed."""

import re
from email.utils import parsedate_to_datetime
from ipaddress import ip_network

import pytest

from gateline.engine.headers import ResponseHeaders, TrustedProxies, date_line
from gateline.engine.wire.codec import Limits, RequestHead, parse_request

ID = b"0" * 32
DEFAULT = {"server_tokens", "latency_tokens", "x-kong-request-id"}


def _head(*lines: str) -> RequestHead:
    text = "\r\n".join(("GET / HTTP/1.1", "Host: a", *lines, "", ""))
    head = parse_request(text.encode("latin-1"), Limits())
    assert head is not None
    return head


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.0199, 2.5, 1048.576, 3000.0])
def test_latencies_are_whole_milliseconds(seconds: float) -> None:
    block = ResponseHeaders(DEFAULT).proxied(seconds, 0.0, ID, 200)
    assert f"X-Kong-Upstream-Latency: {int(seconds * 1000)}\r\nX-Kong-Proxy-Latency: 0\r\n".encode() in block


def test_latencies_of_one_answer_are_not_taken_for_anothers() -> None:
    own = ResponseHeaders(DEFAULT)
    pairs = [(waited, spent) for waited in (0, 1, 2, 5000) for spent in (0, 1, 951424, 1048576, 2000000)]
    for _ in range(2):
        for waited, spent in pairs:
            block = own.proxied(waited / 1000, spent / 1000, ID, 200)
            assert re.search(rb"Upstream-Latency: (\d+)\r\nX-Kong-Proxy-Latency: (\d+)\r\n", block)
            assert b"Upstream-Latency: %d\r\nX-Kong-Proxy-Latency: %d\r\n" % (waited, spent) in block


def test_block_of_a_proxied_answer() -> None:
    assert ResponseHeaders(DEFAULT).proxied(0.002, 0.001, ID, 200) == (
        b"X-Kong-Upstream-Latency: 2\r\nX-Kong-Proxy-Latency: 1\r\nVia: 1.1 kong/3.9.3\r\nX-Kong-Request-Id: "
        + ID
        + b"\r\n"
    )


def test_block_of_an_own_answer() -> None:
    assert ResponseHeaders(DEFAULT).generated(0.002, ID) == (
        b"X-Kong-Response-Latency: 2\r\nServer: kong/3.9.3\r\nX-Kong-Request-Id: " + ID + b"\r\n"
    )


def test_nothing_is_shown_when_all_is_off() -> None:
    own = ResponseHeaders(set())
    assert own.proxied(1.0, 1.0, ID, 200) == b""
    assert own.generated(1.0, ID) == b""


def test_names_are_read_without_regard_to_case() -> None:
    assert ResponseHeaders({"Via", "X-KONG-UPSTREAM-STATUS"}).proxied(0.0, 0.0, ID, 404) == (
        b"Via: 1.1 kong/3.9.3\r\nX-Kong-Upstream-Status: 404\r\n"
    )


def test_date_is_now_and_made_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateline.engine.headers.time.time", lambda: 784111777.9)
    line = date_line()
    assert line == b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    assert date_line() is line
    monkeypatch.setattr("gateline.engine.headers.time.time", lambda: 784111778.0)
    assert parsedate_to_datetime(date_line()[6:-2].decode()).second == 38


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("10.1.2.3", True),
        ("11.0.0.1", False),
        ("2001:db8::5", True),
        ("2001:db9::5", False),
        ("unix:", False),
        ("", False),
        ("10.1.2", False),
    ],
)
def test_trusted_networks(address: str, trusted: bool) -> None:
    proxies = TrustedProxies((ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")))
    assert [proxies.trusts(address), proxies.trusts(address)] == [trusted, trusted]


def test_nobody_is_trusted_by_default() -> None:
    assert not TrustedProxies(())
    assert not TrustedProxies(()).trusts("127.0.0.1")


def test_memory_of_peers_is_bounded() -> None:
    proxies = TrustedProxies((ip_network("10.0.0.0/8"),))
    for number in range(10000):
        proxies.trusts(f"10.0.{number // 256}.{number % 256}")
    assert len(proxies._seen) <= 4096


@pytest.mark.parametrize(
    ("values", "recursive", "expected"),
    [
        ([], False, "10.0.0.1"),
        (["1.1.1.1"], False, "1.1.1.1"),
        (["1.1.1.1, 2.2.2.2"], False, "2.2.2.2"),
        (["1.1.1.1", "2.2.2.2"], False, "2.2.2.2"),
        (["1.1.1.1, 10.0.0.9, 10.0.0.8"], True, "1.1.1.1"),
        (["10.0.0.9, 10.0.0.8"], True, "10.0.0.9"),
        (["1.1.1.1, bad, 10.0.0.8"], True, "10.0.0.8"),
        (["bad"], True, "10.0.0.1"),
        (["1.1.1.1,"], False, "10.0.0.1"),
        (["[2001:db8::1]:80"], False, "2001:db8::1"),
        (["2001:db8::1"], False, "2001:db8::1"),
        (["2001:0DB8:0:0::0001"], False, "2001:db8::1"),
        (["::ffff:1.1.1.1"], False, "1.1.1.1"),
        (["1.1.1.1, ::ffff:10.0.0.8"], True, "1.1.1.1"),
        (["2001:db8::1%a"], False, "10.0.0.1"),
        (["1.1.1.1:80"], False, "1.1.1.1"),
        (["\xff"], False, "10.0.0.1"),
    ],
)
def test_address_behind_a_proxy(values: list[str], recursive: bool, expected: str) -> None:
    proxies = TrustedProxies((ip_network("10.0.0.0/8"),), "X-Forwarded-For", recursive=recursive)
    head = _head(*(f"X-Forwarded-For: {value}" for value in values))
    assert proxies.client_address("10.0.0.1", head) == expected
