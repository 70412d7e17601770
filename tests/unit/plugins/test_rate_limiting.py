"""rate-limiting, on exchanges without sockets; what Kong does is in tests/conformance/cases/rate_limiting.yaml."""

from calendar import timegm
from typing import Any, cast

import pytest

from gateline.engine.node import PluginNode
from gateline.entities import Plugin
from gateline.pdk import Node, PluginError, permissions
from gateline.pdk.redis import Redis, RedisClient
from gateline.plugins.key_auth import KeyAuth
from gateline.plugins.limits.stored_windows import stored_name
from gateline.plugins.limits.windows import Windows
from gateline.plugins.rate_limiting import RateLimiting
from gateline.testing import Answer, Harness
from unit.entities.refusing import fields_of
from unit.plugins.people import ANN, BOB, give

NOON = timegm((2026, 3, 31, 12, 0, 50))


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which a test may change."""
    time = [NOON + 0.5]
    made = PluginNode.__init__

    def make(self: PluginNode, *arguments: Any) -> None:
        made(self, *arguments)
        self.time = lambda: time[0]

    monkeypatch.setattr(PluginNode, "__init__", make)
    return time


def limited(*others: Any, **config: Any) -> Harness:
    return Harness(*others, (RateLimiting, config))


def statuses(harness: Harness, *requests: dict[str, Any]) -> list[int]:
    return [harness.request(**request).status for request in requests]


def limits(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.lines if "ratelimit" in name.lower() or name == "Retry-After"}


def test_every_window_is_told_and_the_tightest_rules() -> None:
    with limited(second=5, minute=5, hour=7, day=8, month=9, year=10) as harness:
        answer = harness.request()
    assert limits(answer) == {
        "X-RateLimit-Limit-Second": "5",
        "X-RateLimit-Remaining-Second": "4",
        "X-RateLimit-Limit-Minute": "5",
        "X-RateLimit-Remaining-Minute": "4",
        "X-RateLimit-Limit-Hour": "7",
        "X-RateLimit-Remaining-Hour": "6",
        "X-RateLimit-Limit-Day": "8",
        "X-RateLimit-Remaining-Day": "7",
        "X-RateLimit-Limit-Month": "9",
        "X-RateLimit-Remaining-Month": "8",
        "X-RateLimit-Limit-Year": "10",
        "X-RateLimit-Remaining-Year": "9",
        "RateLimit-Limit": "5",
        "RateLimit-Remaining": "4",
        "RateLimit-Reset": "10",
    }


def test_what_is_refused_counts_in_no_window(now: list[float]) -> None:
    with limited(minute=2, hour=10) as harness:
        assert statuses(harness, {}, {}, {}, {}) == [200, 200, 429, 429]
        refused = harness.request()
        assert refused.json()["message"] == "API rate limit exceeded"
        assert limits(refused) == {
            "X-RateLimit-Limit-Minute": "2",
            "X-RateLimit-Remaining-Minute": "0",
            "X-RateLimit-Limit-Hour": "10",
            "X-RateLimit-Remaining-Hour": "8",
            "RateLimit-Limit": "2",
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": "10",
            "Retry-After": "10",
        }
        now[0] += 10
        assert harness.request().header("X-RateLimit-Remaining-Hour") == "7"


def test_nothing_is_told_where_that_is_hidden() -> None:
    with limited(minute=1, hide_client_headers=True) as harness:
        assert [limits(harness.request()), limits(harness.request())] == [{}, {}]
        assert harness.request().status == 429


def test_the_refusal_is_configured() -> None:
    with limited(minute=1, error_code=503, error_message="later") as harness:
        harness.request()
        answer = harness.request()
    assert (answer.status, answer.json()["message"]) == (503, "later")


def test_part_of_a_request_is_a_request() -> None:
    with limited(minute=1.5) as harness:
        first, second, third = (harness.request() for _ in range(3))
    assert (first.header("X-RateLimit-Limit-Minute"), first.header("X-RateLimit-Remaining-Minute")) == ("1.5", "0.5")
    assert second.header("X-RateLimit-Remaining-Minute") == "0"
    assert third.status == 429


def test_by_consumer_all_keys_count_and_nobody_else() -> None:
    with limited((KeyAuth, {}), minute=1) as harness:
        for key, who in (("a", BOB), ("b", BOB), ("c", ANN)):
            give(harness, "keyauth_credentials", who, key=key)
        keys = [{"headers": {"apikey": key}} for key in "abc"]
        assert statuses(harness, *keys) == [200, 429, 200]


def test_by_header_a_value_that_looks_like_an_address_is_not_one() -> None:
    with limited(minute=1, limit_by="header", header_name="X-Tenant") as harness:
        tenant = {"headers": {"x-tenant": "127.0.0.1"}}
        assert statuses(harness, {}, {}, tenant, tenant) == [200, 429, 200, 429]


def test_by_path_others_count_by_address() -> None:
    with limited(minute=1, limit_by="path", path="/a") as harness:
        wanted = [{"target": target} for target in ("/a?x", "/a", "/a/b", "/c")]
        assert statuses(harness, *wanted) == [200, 429, 200, 429]


@pytest.mark.parametrize("limit_by", ["ip", "service", "credential", "consumer"])
def test_without_identity_the_address_counts(limit_by: str) -> None:
    with limited(minute=1, limit_by=limit_by) as harness:
        assert statuses(harness, {}, {}) == [200, 429]


@pytest.mark.parametrize(
    ("unit", "before", "after", "reset"),
    [
        ("second", (2026, 12, 31, 23, 59, 59), (2027, 1, 1, 0, 0, 0), 1),
        ("minute", (2026, 12, 31, 23, 59, 30), (2027, 1, 1, 0, 0, 0), 30),
        ("hour", (2026, 12, 31, 23, 0, 0), (2027, 1, 1, 0, 0, 0), 3600),
        ("day", (2026, 12, 31, 0, 0, 1), (2027, 1, 1, 0, 0, 0), 86399),
        ("month", (2026, 12, 1, 0, 0, 1), (2027, 1, 1, 0, 0, 0), 30 * 86400 - 1),
        ("month", (2026, 12, 31, 12, 0, 0), (2027, 1, 1, 0, 0, 0), 1),
        ("month", (2024, 2, 29, 23, 59, 59), (2024, 3, 1, 0, 0, 0), 86401),
        ("year", (2024, 12, 31, 23, 59, 59), (2025, 1, 1, 0, 0, 0), 1),
        ("year", (2026, 1, 1, 0, 0, 0), (2027, 1, 1, 0, 0, 0), 365 * 86400),
    ],
)
def test_windows_follow_one_another(unit: str, before: Any, after: Any, reset: int) -> None:
    windows = Windows([(unit, 5)])
    windows.at(timegm(before))
    [(first, limit, by)] = windows.counted
    assert (limit, by, windows.resets) == (5, 1, [reset])
    assert timegm(before) + windows.ttl >= timegm(after)
    windows.at(timegm(after) - 0.001)
    assert windows.counted[0][0] == first
    windows.at(timegm(after))
    assert windows.counted[0][0] == first + 1


NULLS = dict.fromkeys(("second", "hour", "day", "month", "year", "header_name", "path"))
REDIS = {
    "host": None,
    "port": 6379,
    "timeout": 2000,
    "username": None,
    "password": None,
    "database": 0,
    "ssl": False,
    "ssl_verify": False,
    "server_name": None,
}


def test_it_gets_its_defaults_and_shows_the_old_names() -> None:
    assert Plugin.parse({"name": "rate-limiting", "config": {"minute": 5}}).to_wire()["config"] == {
        **NULLS,
        "minute": 5,
        "limit_by": "consumer",
        "policy": "local",
        "fault_tolerant": True,
        "redis": REDIS,
        "hide_client_headers": False,
        "error_code": 429,
        "error_message": "API rate limit exceeded",
        "sync_rate": -1,
        **{f"redis_{name}": value for name, value in REDIS.items()},
    }


CONDITION = "failed conditional validation given value of field 'config.{}'"


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        (
            {},
            {
                "@entity": [
                    "at least one of these fields must be non-empty: "
                    + ", ".join(f"'config.{unit}'" for unit in ("second", "minute", "hour", "day", "month", "year"))
                ]
            },
        ),
        ({"minute": 0}, {"config": {"minute": "value must be greater than 0"}}),
        (
            {"second": 20, "minute": 10},
            {"config": "The limit for minute(10.0) cannot be lower than the limit for second(20.0)"},
        ),
        (
            {"hour": 20, "year": 1.5},
            {"config": "The limit for year(1.5) cannot be lower than the limit for hour(20.0)"},
        ),
        (
            {"minute": 1, "limit_by": "header"},
            {"config": {"header_name": "required field missing"}, "@entity": [CONDITION.format("limit_by")]},
        ),
        (
            {"minute": 1, "limit_by": "path"},
            {"config": {"path": "required field missing"}, "@entity": [CONDITION.format("limit_by")]},
        ),
        (
            {"minute": 1, "policy": "redis"},
            {"config": {"redis": {"host": "required field missing"}}, "@entity": [CONDITION.format("policy")]},
        ),
        (  # the time-out has its default, whatever else is wrong
            {"minute": 1, "policy": "redis", "redis": {"host": "a", "port": 99999}},
            {"config": {"redis": {"port": "value should be between 0 and 65535"}}},
        ),
        ({"minute": 1, "policy": "cluster"}, {"config": {"policy": "expected one of: local, redis"}}),
        ({"minute": 1, "error_code": 0}, {"config": {"error_code": "value must be greater than 0"}}),
        ({"minute": 1, "error_code": 99}, {"config": {"error_code": "value should be between 200 and 599"}}),
        (
            {"minute": 1, "limit_by": "moon"},
            {"config": {"limit_by": "expected one of: consumer, credential, ip, service, header, path"}},
        ),
    ],
)
def test_what_is_refused(config: dict[str, Any], fields: dict[str, Any]) -> None:
    assert fields_of(Plugin, {"name": "rate-limiting", "config": config}) == fields


def test_a_redis_without_its_client_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateline.pdk.redis.client.find_spec", lambda name: None)
    with pytest.raises(PluginError, match="Redis needs its client library"):
        RedisClient(Redis(host="redis.test"), cast(Node, None))


def test_the_database_counts_where_there_is_one() -> None:
    permissions.allow(untrusted_python=False, database=True)
    try:
        with limited(minute=2, policy="cluster") as harness:
            assert statuses(harness, {}, {}, {}) == [200, 200, 429]
            assert list(harness.tallies.values.values()) == [2]
            harness.tallies.error = "the database is gone"
            assert limits(harness.request()) == {}
        with limited(minute=2, policy="cluster", fault_tolerant=False) as harness:
            harness.tallies.error = "the database is gone"
            assert harness.request().json()["message"] == "An unexpected error occurred"
    finally:
        permissions.allow(untrusted_python=False)


@pytest.mark.parametrize("value", ["x" * 5000, "\udc80", "a\0b"])
def test_what_the_database_cannot_hold_is_counted_by_its_hash(value: str) -> None:
    assert stored_name("plain") == "plain"
    assert len(stored_name(value)) == 65
    assert stored_name(value).isprintable()
