"""How each kind of value is read, and what it says about one that it cannot take."""

from pathlib import Path
from typing import Any

import pytest

from gateline.settings import BadValue, kinds


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (kinds.BOOLEAN, "on", True),
        (kinds.BOOLEAN, "true", True),
        (kinds.BOOLEAN, "off", False),
        (kinds.BOOLEAN, "FALSE", False),
        (kinds.INTEGER, "0", 0),
        (kinds.INTEGER, "10000", 10000),
        (kinds.integer(0, 8, auto=0), "auto", 0),
        (kinds.number(0, 1), "0.01", 0.01),
        (kinds.SIZE, "0", 0),
        (kinds.SIZE, "8k", 8192),
        (kinds.SIZE, "10M", 10 * 1024**2),
        (kinds.SIZE, "2g", 2 * 1024**3),
        (kinds.DURATION, "60", 60.0),
        (kinds.DURATION, "0.5", 0.5),
        (kinds.DURATION, "500ms", 0.5),
        (kinds.DURATION, "1m", 60.0),
        (kinds.DURATION, "1h30m", 5400.0),
        (kinds.DURATION, "1h 30m", 5400.0),
        (kinds.DURATION, "1d", 86400.0),
        (kinds.LIST, "a, b,,c", ("a", "b", "c")),
        (kinds.choices("a", "b"), "b a", ("b", "a")),
        (kinds.choice("debug", "info"), "DEBUG", "debug"),
        (kinds.HEADER_NAME, "X-Real-IP", "x-real-ip"),
        (kinds.NETWORKS, "10.0.0.0/8, ::1,192.168.1.1, unix:", ("10.0.0.0/8", "::1", "192.168.1.1", "unix:")),
        (kinds.NETWORKS, "10.1.2.3/8", ("10.1.2.3/8",)),
        (kinds.PORT_MAPS, "80:8000, 443:8443", {8000: 80, 8443: 443}),
        (kinds.LOG_FILE, "off", None),
        (kinds.LOG_FILE, "/dev/stdout", Path("/dev/stdout")),
        (kinds.HEADERS, "off", frozenset()),
        (kinds.HEADERS, "Server, x-kong-upstream-status", frozenset({"server", "x-kong-upstream-status"})),
        (kinds.HEADERS, "server_tokens", frozenset({"server", "via"})),
        (
            kinds.HEADERS,
            "latency_tokens",
            frozenset(
                {"x-kong-proxy-latency", "x-kong-response-latency", "x-kong-upstream-latency", "x-kong-admin-latency"}
            ),
        ),
        (kinds.HEADERS_UPSTREAM, "X-Kong-Request-Id", frozenset({"x-kong-request-id"})),
        (kinds.HEADERS_UPSTREAM, "off", frozenset()),
    ],
)
def test_a_value_is_read_and_survives_its_plain_form(kind: kinds.Kind, text: str, value: Any) -> None:
    assert kind.parse(text) == value
    assert kind.load(kind.dump(value)) == value


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (kinds.BOOLEAN, "yes", "on or off"),
        (kinds.INTEGER, "-1", "a whole number, 0 or more"),
        (kinds.INTEGER, "1.5", "a whole number"),
        (kinds.INTEGER, "९", "a whole number"),
        (kinds.INTEGER, "9" * 30, "a whole number"),
        (kinds.integer(1, 10, auto=0), "11", "auto or a whole number from 1 to 10"),
        (kinds.number(0, 1), "1.1", "a number from 0 to 1"),
        (kinds.number(0, 1), "nan", "a number from 0 to 1"),
        (kinds.SIZE, "8kb", "a size in bytes"),
        (kinds.SIZE, "-8", "a size in bytes"),
        (kinds.SIZE, "999999999999999999g", "a size of"),
        (kinds.size(1, 8), "9", "a size from 1 to 8 bytes"),
        (kinds.DURATION, "ten", "a time in seconds"),
        (kinds.DURATION, "-1", "a time in seconds"),
        (kinds.DURATION, "5w", "a time in seconds"),
        (kinds.duration(1), "10ms", "a time of 1 s or more"),
        (kinds.duration(0, 10), "11", "a time of 10 s or less"),
        (kinds.choice("a", "b"), "c", "one of a, b"),
        (kinds.choices("a", "b"), "a c", "'c' is none of them"),
        (kinds.HEADER_NAME, "X Y", "the name of a header"),
        (kinds.NETWORKS, "10.0.0.0/33", "'10.0.0.0/33'"),
        (kinds.NETWORKS, "example.test", "IP addresses"),
        (kinds.PORT_MAPS, "80", "80:8000"),
        (kinds.PORT_MAPS, "80:0", "80:8000"),
        (kinds.LOG_FILE, "syslog:server=unix:/dev/log", "syslog is not supported"),
        (kinds.HEADERS, "x-powered-by", "'x-powered-by' is none of them"),
        (kinds.HEADERS, "off, via", "'off' is none of them"),
        (kinds.HEADERS_UPSTREAM, "server_tokens", "x-kong-request-id"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_was_expected(
    kind: kinds.Kind, text: str, expected: str
) -> None:
    with pytest.raises(BadValue) as refused:
        kind.parse(text)
    assert expected in refused.value.expected


def test_header_groups_are_written_as_groups() -> None:
    value = kinds.HEADERS.parse("via, server, x-kong-request-id")
    assert kinds.HEADERS.dump(value) == ["server_tokens", "x-kong-request-id"]
