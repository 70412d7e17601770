"""rate-limiting-advanced, on exchanges without sockets."""

from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from gateline.entities import Plugin
from gateline.pdk import Consumer, Exchange, Identity, PluginConfig, permissions
from gateline.pdk import Plugin as Plugin_
from gateline.plugins.key_auth import KeyAuth
from gateline.plugins.limits.budget import BudgetError, Quotas, Verdict
from gateline.plugins.limits.node_budget import NodeBudget
from gateline.plugins.rate_limiting_advanced import RateLimitingAdvanced
from gateline.testing import Answer, Harness, ServiceAnswer
from unit.entities.refusing import fields_of
from unit.plugins.clock import held
from unit.plugins.people import ANN, BOB, give

START = 1_774_958_400.0  # the beginning of a minute and of an hour


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return held(monkeypatch, START)


def limited(*others: Any, **config: Any) -> Harness:
    return Harness(*others, (RateLimitingAdvanced, {"identifier": "ip", **config}))


def statuses(harness: Harness, *requests: dict[str, Any]) -> list[int]:
    return [harness.request(**request).status for request in requests]


def limits(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.lines if "ratelimit" in name.lower() or name == "Retry-After"}


# -- what clients are told ---------------------------------------------------------------------------------------------
def test_every_limit_is_told_and_the_one_with_least_left() -> None:
    with limited(limit=[5, 100, 7], window_size=[60, 3600, 90], window_type="fixed") as harness:
        answer = harness.request()
    assert limits(answer) == {
        "X-RateLimit-Limit-Minute": "5",
        "X-RateLimit-Remaining-Minute": "4",
        "X-RateLimit-Limit-90": "7",
        "X-RateLimit-Remaining-90": "6",
        "X-RateLimit-Limit-Hour": "100",
        "X-RateLimit-Remaining-Hour": "99",
        "RateLimit-Limit": "5",
        "RateLimit-Remaining": "4",
        "RateLimit-Reset": "60",
        "RateLimit-Policy": '"minute";q=5;w=60, "90";q=7;w=90, "hour";q=100;w=3600',
        "RateLimit": '"minute";r=4;t=60, "90";r=6;t=90, "hour";r=99;t=3600',
    }


def test_windows_are_told_in_seconds_where_they_have_no_name() -> None:
    with limited(limit=[5, 50, 7, 70, 700], window_size=[0.5, 2592000, 86400, 31536000, 604800]) as harness:
        names = {name.removeprefix("X-RateLimit-Limit-") for name, _ in harness.request().lines if "-Limit-" in name}
    assert names == {"0.5", "604800", "Day", "Month", "Year"}


def test_a_refusal_tells_when_to_come_again() -> None:
    with limited(limit=[1], window_size=[30], window_type="fixed") as harness:
        assert harness.request().status == 200
        answer = harness.request()
    assert (answer.status, answer.json()["message"]) == (429, "API rate limit exceeded")
    assert answer.sent is None
    assert answer.header("Retry-After") == answer.header("RateLimit-Reset") == "30"
    assert answer.header("X-RateLimit-Remaining-30") == "0"


def test_nothing_is_told_where_that_is_hidden() -> None:
    with limited(limit=[1], window_size=[60], hide_client_headers=True) as harness:
        assert [limits(harness.request()), limits(harness.request())] == [{}, {}]
        assert harness.request().status == 429


def test_the_refusal_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateline.plugins.rate_limiting_advanced.plan.random", lambda: 0.5)
    with limited(
        limit=[1],
        window_size=[60],
        window_type="fixed",
        error_code=503,
        error_message="later",
        retry_after_jitter_max=9,
    ) as harness:
        harness.request()
        answer = harness.request()
    assert (answer.status, answer.json()["message"]) == (503, "later")
    assert (answer.header("Retry-After"), answer.header("RateLimit-Reset")) == ("65", "60")


# -- algorithms --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "config",
    [
        {"window_type": "fixed"},
        {"window_type": "sliding"},
        {"window_type": "sliding", "disable_penalty": True},
        {"algorithm": "token-bucket"},
        {"algorithm": "gcra", "burst": 2},
    ],
)
def test_who_waits_as_long_as_told_is_admitted(config: dict[str, Any], now: list[float]) -> None:
    with limited(limit=[4], window_size=[60], **config) as harness:
        for passed in (0, 1, 3, 20, 0, 0, 7):
            now[0] += passed
            while harness.request().status == 200:
                pass
            wait = int(harness.request().header("Retry-After") or "")
            assert wait > 0
            now[0] += wait
            assert harness.request().status == 200


def test_a_sliding_window_gives_nobody_twice_the_limit_around_its_end(now: list[float]) -> None:
    with limited(limit=[10], window_size=[60], disable_penalty=True) as harness:
        now[0] += 59
        assert statuses(harness, *[{}] * 11) == [200] * 10 + [429]
        now[0] += 1
        assert statuses(harness, {}) == [429]
        now[0] += 30
        assert statuses(harness, *[{}] * 6) == [200] * 5 + [429]


def test_a_fixed_window_does(now: list[float]) -> None:
    with limited(limit=[2], window_size=[60], window_type="fixed") as harness:
        now[0] += 59
        assert statuses(harness, *[{}] * 3) == [200, 200, 429]
        now[0] += 1
        assert statuses(harness, *[{}] * 3) == [200, 200, 429]


def test_refused_requests_count_in_a_sliding_window_unless_that_is_disabled(now: list[float]) -> None:
    for disabled, status in ((False, 429), (True, 200)):
        with limited(limit=[4], window_size=[60], disable_penalty=disabled) as harness:
            statuses(harness, *[{}] * 20)
            now[0] += 90
            assert harness.request().status == status


def test_a_bucket_takes_a_burst_and_then_the_rate(now: list[float]) -> None:
    with limited(limit=[2], window_size=[1], algorithm="token-bucket", burst=4) as harness:
        first = harness.request()
        assert (first.header("X-RateLimit-Limit-Second"), first.header("X-RateLimit-Remaining-Second")) == ("4", "3")
        assert first.header("RateLimit-Policy") == '"second";q=2;w=1'
        assert statuses(harness, *[{}] * 4) == [200, 200, 200, 429]
        now[0] += 0.5
        assert statuses(harness, {}, {}) == [200, 429]
        now[0] += 100
        assert statuses(harness, *[{}] * 5) == [200] * 4 + [429]


def test_a_rate_may_be_a_fraction(now: list[float]) -> None:
    with limited(limit=[0.5], window_size=[1], algorithm="gcra") as harness:
        assert statuses(harness, {}, {}) == [200, 429]
        now[0] += 2
        assert statuses(harness, {}, {}) == [200, 429]


def test_of_several_limits_what_one_refuses_counts_in_none(now: list[float]) -> None:
    with limited(
        limit=[10],
        window_size=[3600],
        window_type="fixed",
        limits=[{"limit": 1, "window_size": 10, "algorithm": "gcra", "name": "pace"}],
    ) as harness:
        assert statuses(harness, {}, {}, {}) == [200, 429, 429]
        answer = harness.request()
        assert answer.header("X-RateLimit-Remaining-Hour") == "9"
        assert answer.header("X-RateLimit-Remaining-pace") == "0"
        assert answer.header("Retry-After") == "10"


# -- who is counted ----------------------------------------------------------------------------------------------------
ONE = {"limit": [1], "window_size": [60]}


def test_members_of_a_group_are_counted_together_or_have_limits_of_their_own() -> None:
    for config, expected in (
        ({"identifier": "consumer-group"}, [200, 429, 200, 200]),
        (
            {"identifier": "consumer", "consumer_group_overrides": {"gold": {"limit": [2], "window_size": [60]}}},
            [200] * 4,
        ),
        (
            {
                "identifier": "consumer",
                "consumer_group_overrides": {"gold": {"limit": [2], "window_size": [60]}},
                "enforce_consumer_groups": True,
                "consumer_groups": ["silver"],
            },
            [200, 200, 429, 429],
        ),
    ):
        other = Consumer("5f1d7fbc-0000-4000-8000-000000000009", "eve", groups=("gold",), group_ids=("g",))
        with limited((KeyAuth, {}), **ONE, **config) as harness:
            for key, who in (("b", BOB), ("e", other), ("a", ANN)):
                give(harness, "keyauth_credentials", who, key=key)
            bob, eve, ann = ({"headers": {"apikey": key}} for key in "bea")
            wanted = [bob, eve, ann] if config["identifier"] == "consumer-group" else [bob, eve, bob, eve]
            found = statuses(harness, *wanted)
            assert found == expected[: len(found)]


def test_networks_of_addresses_are_counted_together() -> None:
    config = {**ONE, "ipv4_prefix": 24, "ipv6_prefix": 64}
    addresses = [
        "10.0.0.1",
        "10.0.0.200",
        "10.0.1.1",
        "::ffff:10.0.1.7",
        "2001:db8::1",
        "2001:db8::ffff:1",
        "2001:db8:0:1::1",
    ]
    with Harness((RateLimitingAdvanced, {"identifier": "ip", **config}), trusted=_everybody(), settings={}) as harness:
        found = [harness.request(headers={"X-Real-IP": address}).status for address in addresses]
    assert found == [200, 429, 200, 429, 200, 429, 200]


def _everybody() -> list[Any]:
    from ipaddress import ip_network

    return [ip_network("127.0.0.0/8")]


def test_a_compound_counts_what_has_all_in_common() -> None:
    config = {**ONE, "compound_identifier": ["header", "path"], "header_name": "X-Tenant", "path": "/a"}
    with limited(**config) as harness:
        wanted = [
            {"target": target, "headers": {"X-Tenant": tenant}}
            for target, tenant in (("/a", "x"), ("/a", "x"), ("/a", "y"), ("/b", "x"), ("/b", "x"))
        ]
        assert statuses(harness, *wanted) == [200, 429, 200, 200, 429]


class Claiming(Plugin_[PluginConfig], name="claiming", priority=1500):
    """Takes the tenant of a request to be a claim."""

    def access(self, exchange: Exchange) -> None:
        tenant = exchange.request.header("X-Tenant")
        exchange.authenticate(Identity(claims={"org": {"id": tenant}, "a.b": 7} if tenant else {}))


@pytest.mark.parametrize(
    ("claim", "expected"), [("org.id", [200, 429, 200, 200, 429]), ("a.b", [200, 429, 429, 200, 429])]
)
def test_a_claim_of_a_token_is_counted(claim: str, expected: list[int]) -> None:
    with Harness(Claiming, (RateLimitingAdvanced, {**ONE, "identifier": "jwt-claim", "claim": claim})) as harness:
        wanted = [{"headers": {"X-Tenant": tenant} if tenant else {}} for tenant in ("x", "x", "y", None, None)]
        assert statuses(harness, *wanted) == expected


def test_plugins_of_one_namespace_count_together() -> None:
    class Other(RateLimitingAdvanced, name="rate-limiting-other"):
        """The same under another name."""

    with Harness(
        (RateLimitingAdvanced, {**ONE, "limit": [2], "namespace": "x"}),
        (Other, {**ONE, "limit": [2], "namespace": "x"}),
    ) as harness:
        assert statuses(harness, {}, {}) == [200, 429]


# -- what requests cost ------------------------------------------------------------------------------------------------
def spent(harness: Harness, limit: int, **request: Any) -> int:
    return limit - int(harness.request(**request).header("RateLimit-Remaining") or "")


def costing(**cost: Any) -> Harness:
    return limited(limit=[100], window_size=[60], window_type="fixed", cost=cost)


@pytest.mark.parametrize(
    ("value", "cost"),
    [
        ("7", 7),
        ("2.1", 3),
        ("0", 0),
        ("-3", 1),
        ("x", 1),
        ("1e3", 1),
        ("1" * 30, 50),
        ("3.0" + "1" * 30, 4),
        (None, 1),
        ("60", 50),
    ],
)
def test_a_header_says_the_cost(value: str | None, cost: int) -> None:
    with costing(source="request_header", header_name="X-Cost", maximum=50) as harness:
        headers = {} if value is None else {"X-Cost": value}
        assert spent(harness, 100, headers=headers) == cost


@pytest.mark.parametrize(
    ("body", "cost"),
    [
        (b'{"query": {"size": 12}}', 12),
        (b'{"query": {"size": [1, 2, 3]}}', 3),
        (b'{"query": {"size": true}}', 1),
        (b'{"query": {"size": -1}}', 1),
        (b'{"query": 5}', 1),
        (b"no json", 1),
        (b"[" * 100_000, 1),
        (None, 1),
    ],
)
def test_a_field_of_the_body_says_the_cost(body: bytes | None, cost: int) -> None:
    with costing(source="request_body", field="query.size") as harness:
        assert spent(harness, 100, method="POST", body=body) == cost


def test_the_response_says_the_cost_and_what_is_overdrawn_is_missing_afterwards(now: list[float]) -> None:
    dear = ServiceAnswer(headers={"X-Tokens": "99"})
    with costing(source="response_header", header_name="X-Tokens", reserve=10) as harness:
        assert spent(harness, 100, service=dear) == 99
        assert harness.request(service=dear).status == 429, "the reserve is not there"
    with limited(
        limit=[100],
        window_size=[100],
        algorithm="token-bucket",
        cost={"source": "response_header", "header_name": "X-Tokens"},
    ) as harness:
        assert statuses(harness, *[{"service": dear}] * 3) == [200, 200, 429], "98 too many"
        now[0] += 98
        assert harness.request(service=dear).status == 429
        now[0] += 1
        assert harness.request(service=dear).status == 200


def test_less_than_was_reserved_is_given_back() -> None:
    with costing(source="response_status", statuses={"5xx": 0, "404": 3}, reserve=50, value=2) as harness:
        assert spent(harness, 100, service=ServiceAnswer(status=200)) == 2
        assert spent(harness, 100, service=ServiceAnswer(status=404)) == 5
        assert spent(harness, 100, service=ServiceAnswer(status=503)) == 5


def test_what_costs_nothing_always_passes() -> None:
    with limited(**ONE, cost={"source": "request_header", "header_name": "X-Cost"}) as harness:
        free = {"headers": {"X-Cost": "0"}}
        assert statuses(harness, free, {}, {}, free) == [200, 200, 429, 200]


# -- dry run -----------------------------------------------------------------------------------------------------------
def test_a_dry_run_tells_and_refuses_nothing() -> None:
    with limited(**ONE, dry_run=True) as harness:
        first, second = harness.request(), harness.request()
    assert (first.status, second.status) == (200, 200)
    assert first.header("X-RateLimit-Dry-Run") == "admitted"
    assert second.header("X-RateLimit-Dry-Run") == "refused"
    assert second.header("Retry-After") is None
    assert second.log["rate_limit"] == {"dry_run": True, "admitted": False, "cost": 1}


# -- budgets that have to ask ------------------------------------------------------------------------------------------
class Far:
    """A budget that answers later, or fails."""

    def __init__(self, near: NodeBudget, broken: bool) -> None:
        self.near = near
        self.broken = broken

    async def _later(self, verdict: Verdict) -> Verdict:
        if self.broken:
            raise BudgetError("nobody there")
        return verdict

    def take(self, key: str, quotas: Quotas, cost: int) -> Coroutine[Any, Any, Verdict]:
        return self._later(self.near.take("far" + key, quotas, cost))

    def charge(self, key: str, quotas: Quotas, cost: int) -> Coroutine[Any, Any, Verdict]:
        return self._later(self.near.charge("far" + key, quotas, cost))


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    state = {"broken": False}
    made = RateLimitingAdvanced.__init__

    def make(self: RateLimitingAdvanced, config: Any) -> None:
        made(self, config)
        self._budget = Far(self._own, state["broken"])

    monkeypatch.setattr(RateLimitingAdvanced, "__init__", make)
    return state


def test_a_verdict_may_come_later(far: dict[str, bool]) -> None:
    with limited(**ONE) as harness:
        assert statuses(harness, {}, {}) == [200, 429]
    with costing(source="response_header", header_name="X-Tokens") as harness:
        harness.request(service=ServiceAnswer(headers={"X-Tokens": "40"}))
        assert spent(harness, 100) == 40


def test_without_counts_the_node_counts_itself_or_nobody_passes(
    far: dict[str, bool], caplog: pytest.LogCaptureFixture
) -> None:
    far["broken"] = True
    with limited(**ONE) as harness:
        assert statuses(harness, {}, {}) == [200, 429]
    with limited(**ONE, fault_tolerant=False) as harness:
        assert statuses(harness, {}) == [500]
    with costing(source="response_status", statuses={"2xx": 3}) as harness:
        assert statuses(harness, {}) == [200]
    assert "nobody there" in caplog.text


# -- in the database ---------------------------------------------------------------------------------------------------
@pytest.fixture
def database() -> Iterator[None]:
    permissions.allow(untrusted_python=False, database=True)
    yield
    permissions.allow(untrusted_python=False)


@pytest.mark.usefixtures("database")
def test_the_database_counts_as_the_node_does(now: list[float]) -> None:
    limits_of_all = {"limit": [4, 6, 9], "window_size": [60, 90, 3600], "disable_penalty": True}
    for window_type in ("sliding", "fixed"):
        now[0] = START
        config: dict[str, Any] = {**limits_of_all, "window_type": window_type}
        with limited(**config) as here, limited(**config, strategy="cluster") as there:
            for seconds in (0, 0, 7, 0, 0, 31, 0, 25, 10, 9, 0, 8, 33, 0, 60, 0, 200, 0):
                now[0] += seconds
                one, other = here.request(), there.request()
                assert (other.status, limits(other)) == (one.status, limits(one))


@pytest.mark.usefixtures("database")
def test_in_the_database_what_a_sliding_window_refuses_counts_too(now: list[float]) -> None:
    with limited(limit=[2, 9], window_size=[60, 3600], strategy="cluster") as harness:
        assert statuses(harness, *[{}] * 4) == [200, 200, 429, 429]
        assert sorted(harness.tallies.values.values()) == [0, 0, 2, 4]
        now[0] += 90
        assert statuses(harness, {}) == [429]  # half of four is two
    with limited(**ONE, strategy="cluster", disable_penalty=True) as harness:
        assert statuses(harness, {}, {}) == [200, 429]
        assert sorted(harness.tallies.values.values()) == [0, 1]


@pytest.mark.usefixtures("database")
def test_the_database_counts_what_is_known_afterwards() -> None:
    cost = {"source": "response_header", "header_name": "X-Cost", "reserve": 5}
    with limited(limit=[100], window_size=[60], window_type="fixed", cost=cost, strategy="cluster") as harness:
        answer = harness.request(service=ServiceAnswer(headers={"X-Cost": "2"}))
        assert answer.status == 200
        assert max(harness.tallies.values.values()) == 2
        harness.request(service=ServiceAnswer(headers={"X-Cost": "7"}))
        assert max(harness.tallies.values.values()) == 9


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("tolerant", "wanted"), [(True, [200, 429]), (False, [500, 500])])
def test_without_the_database_the_node_counts_or_requests_fail(tolerant: bool, wanted: list[int]) -> None:
    with limited(**ONE, strategy="cluster", fault_tolerant=tolerant) as harness:
        harness.tallies.error = "the database is gone"
        assert statuses(harness, {}, {}) == wanted


@pytest.mark.usefixtures("database")
def test_without_the_database_the_node_counts_what_is_known_afterwards() -> None:
    cost = {"source": "response_header", "header_name": "X-Cost"}
    dear = {"service": ServiceAnswer(headers={"X-Cost": "7"})}
    with limited(limit=[10], window_size=[60], window_type="fixed", cost=cost, strategy="cluster") as harness:
        harness.tallies.error = "the database is gone"
        assert statuses(harness, *[dear] * 4) == [200, 200, 429, 429]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    "config",
    [
        {**ONE, "algorithm": "gcra"},
        {"limit": [1], "window_size": [0.5]},
        {**ONE, "limits": [{"limit": 1, "window_size": 90, "algorithm": "token-bucket"}]},
        {**ONE, "consumer_group_overrides": {"gold": {"limit": [9], "window_size": [0.1]}}},
    ],
)
def test_what_the_database_cannot_count_is_refused(config: dict[str, Any]) -> None:
    given = {"name": "rate-limiting-advanced", "config": {**config, "strategy": "cluster"}}
    assert fields_of(Plugin, given) == {
        "config": {"strategy": "the database counts in windows of a second or more: use redis, or local"}
    }


# -- configurations ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({}, {"config": {"limit": "required field missing", "window_size": "required field missing"}}),
        (
            {"limit": [1], "window_size": [1, 2]},
            {"@entity": ["You must provide the same number of windows and limits"]},
        ),
        ({"limit": [0], "window_size": [1]}, {"config": {"limit": ["value must be greater than 0"]}}),
        (
            {**ONE, "strategy": "cluster"},
            {"config": {"strategy": "expected one of: local, redis"}},
        ),
        ({**ONE, "identifier": "header"}, {"config": {"header_name": "required field missing"}}),
        ({**ONE, "compound_identifier": ["ip", "jwt-claim"]}, {"config": {"claim": "required field missing"}}),
        ({**ONE, "enforce_consumer_groups": True}, {"config": {"consumer_groups": "required field missing"}}),
        (
            {**ONE, "limits": [{"limit": 1, "window_size": 60}]},
            {"config": {"limits": "limits with one window need names"}},
        ),
        (
            {**ONE, "limits": [{"limit": 1, "window_size": 1, "name": "minute"}]},
            {"config": {"limits": "limits with one window need names"}},
        ),
        (
            {**ONE, "limits": [{"limit": 1, "window_size": second} for second in range(100, 180)]},
            {"config": {"limits": "there can be 80 limits together, at most"}},
        ),
        (
            {**ONE, "limits": [{"limit": 1, "window_size": 1, "name": "a b"}]},
            {
                "config": {
                    "limits": [{"name": "bad header name 'a b', allowed characters are A-Z, a-z, 0-9, '_', and '-'"}]
                }
            },
        ),
        ({**ONE, "cost": {"source": "request_body"}}, {"config": {"cost": {"field": "required field missing"}}}),
        (
            {**ONE, "cost": {"source": "response_status", "statuses": {"6xx": 1}}},
            {"config": {"cost": {"statuses": "not a status or a class of status: 6xx"}}},
        ),
        (
            {**ONE, "algorithm": "gcra", "burst": 10**12},
            {"config": {"window_size": "windows and bursts of more than a century"}},
        ),
        (
            {**ONE, "limits": [{"limit": 1e-300, "window_size": 1, "algorithm": "token-bucket"}]},
            {"config": {"limits": "a bucket that takes more than a century to be full"}},
        ),
        (
            {"limit": [1, 0.5], "window_size": [1, 60], "burst": 5},
            {
                "config": {
                    "burst": "only a token-bucket or gcra has a burst",
                    "limit": [None, "a window of which less than 1 is allowed lets nothing pass"],
                }
            },
        ),
        (
            {**ONE, "limits": [{"limit": 0.5, "window_size": 1, "algorithm": "fixed-window", "burst": 2}]},
            {
                "config": {
                    "limits": [
                        {
                            "burst": "only a token-bucket or gcra has a burst",
                            "limit": "a window of which less than 1 is allowed lets nothing pass",
                        }
                    ]
                }
            },
        ),
        (
            {**ONE, "consumer_group_overrides": {"gold": {"limit": [1]}}},
            {"config": {"consumer_group_overrides": {"window_size": "required field missing"}}},
        ),
    ],
)
def test_what_is_refused(config: dict[str, Any], fields: dict[str, Any]) -> None:
    assert fields_of(Plugin, {"name": "rate-limiting-advanced", "config": config}) == fields


def test_it_gets_kongs_defaults() -> None:
    config = Plugin.parse({"name": "rate-limiting-advanced", "config": ONE}).to_wire()["config"]
    expected = {
        "window_type": "sliding",
        "identifier": "consumer",
        "strategy": "local",
        "sync_rate": None,
        "hide_client_headers": False,
        "error_code": 429,
        "error_message": "API rate limit exceeded",
        "retry_after_jitter_max": 0,
        "disable_penalty": False,
        "dictionary_name": "kong_rate_limiting_counters",
        "enforce_consumer_groups": False,
    }
    assert {name: config[name] for name in expected} == expected
