"""Upstreams and targets."""

from typing import Any

import pytest

from gateline.entities import Target, Upstream
from unit.entities.refusing import fields_of, patch_fields_of

HASHED = "failed conditional validation given value of field 'hash_on'"
FALLBACK = "failed conditional validation given value of field 'hash_fallback'"
UPSTREAM = {"upstream": {"id": "5f1d7fbc-0000-4000-8000-000000000001"}}


def test_an_upstream_has_kongs_defaults() -> None:
    upstream = Upstream.parse({"name": "u"})
    wire = upstream.to_wire()
    checks = wire["healthchecks"]
    assert (wire["algorithm"], wire["hash_on"], wire["slots"], wire["hash_on_cookie_path"]) == (
        "round-robin",
        "none",
        10000,
        "/",
    )
    assert checks["active"]["unhealthy"]["http_statuses"] == [429, 404, 500, 501, 502, 503, 504, 505]
    assert checks["active"]["healthy"] == {"interval": 0, "http_statuses": [200, 302], "successes": 0}
    assert checks["passive"]["healthy"]["http_statuses"] == [*range(200, 209), 226, *range(300, 309)]
    assert checks["passive"]["unhealthy"]["http_statuses"] == [429, 500, 503]
    assert Upstream.from_wire(wire) == upstream


def test_a_row_of_an_older_release_gets_the_defaults_of_what_it_does_not_have() -> None:
    upstream = Upstream.parse({"name": "u"})
    wire = upstream.to_wire()
    del wire["healthchecks"]
    assert Upstream.from_wire(wire) == upstream


@pytest.mark.parametrize(
    ("data", "algorithm", "hash_on"),
    [
        ({"hash_on": "ip"}, "consistent-hashing", "ip"),
        ({"hash_on": "ip", "algorithm": "round-robin"}, "consistent-hashing", "ip"),
        ({"hash_on": "none", "algorithm": "latency"}, "latency", "none"),
        ({"algorithm": "least-connections"}, "least-connections", "none"),
    ],
)
def test_a_hash_input_makes_the_algorithm_consistent_hashing(
    data: dict[str, Any], algorithm: str, hash_on: str
) -> None:
    upstream = Upstream.parse({"name": "u", **data})
    assert (upstream.algorithm, upstream.hash_on) == (algorithm, hash_on)


def test_a_change_to_the_least_connections_ends_hashing() -> None:
    hashing = Upstream.parse({"name": "u", "hash_on": "ip"})
    changed = Upstream.patched(hashing.to_wire(), {"algorithm": "least-connections"})
    assert (changed.algorithm, changed.hash_on) == ("least-connections", "none")


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ({"name": None}, {"name": "required field missing"}),
        ({"name": "1.2.3.4"}, {"name": "Invalid name ('1.2.3.4'); no ip addresses allowed"}),
        ({"name": "[::1]"}, {"name": "Invalid name ('[::1]'); no ip addresses allowed"}),
        ({"name": "u.test:80"}, {"name": "Invalid name ('u.test:80'); no port allowed"}),
        ({"name": "u.test:99999"}, {"name": "Invalid name ('u.test:99999'); no port allowed"}),
        ({"name": "a b"}, {"name": "Invalid name ('a b'); must be a valid hostname"}),
        (
            {"hash_on": "x"},
            {"hash_on": "expected one of: none, consumer, ip, header, cookie, path, query_arg, uri_capture"},
        ),
        ({"hash_on": 5}, {"hash_on": "expected a string"}),
        ({"hash_on": None}, {"hash_on": "required field missing"}),
        ({"hash_on": "header"}, {"hash_on_header": "required field missing", "@entity": [HASHED]}),
        ({"hash_on": "query_arg"}, {"hash_on_query_arg": "required field missing", "@entity": [HASHED]}),
        ({"hash_on": "uri_capture"}, {"hash_on_uri_capture": "required field missing", "@entity": [HASHED]}),
        ({"hash_on": "cookie"}, {"hash_on_cookie": "required field missing", "@entity": [HASHED]}),
        ({"hash_fallback": "ip"}, {"hash_fallback": "expected one of: none", "@entity": [HASHED]}),
        (
            {"hash_on": "cookie", "hash_on_cookie": "c", "hash_fallback": "ip"},
            {"hash_fallback": "expected one of: none", "@entity": [HASHED]},
        ),
        (
            {"hash_on": "consumer", "hash_fallback": "consumer"},
            {
                "hash_fallback": "expected one of: none, ip, header, cookie, path, query_arg, uri_capture",
                "@entity": [HASHED],
            },
        ),
        (
            {"hash_on": "ip", "hash_fallback": "header"},
            {"hash_fallback_header": "required field missing", "@entity": [FALLBACK]},
        ),
        (
            {"hash_on": "header", "hash_on_header": "x", "hash_fallback": "header", "hash_fallback_header": "x"},
            {"@entity": ["values of these fields must be distinct: 'hash_on_header', 'hash_fallback_header'"]},
        ),
        (
            {"hash_on_header": "a <b"},
            {"hash_on_header": "bad header name 'a <b', allowed characters are A-Z, a-z, 0-9, '_', and '-'"},
        ),
        (
            {"hash_on_cookie": "a b"},
            {"hash_on_cookie": "bad cookie name 'a b', allowed characters are A-Z, a-z, 0-9, '_', '.', and '-'"},
        ),
        ({"slots": 9}, {"slots": "value should be between 10 and 65536"}),
        ({"host_header": "a b"}, {"host_header": "invalid value: a b"}),
        (
            {"healthchecks": {"passive": {"unhealthy": {"http_failures": 256}}, "active": {"http_path": "x"}}},
            {
                "healthchecks": {
                    "passive": {"unhealthy": {"http_failures": "value should be between 0 and 255"}},
                    "active": {"http_path": "should start with: /"},
                }
            },
        ),
        (
            {"healthchecks": {"active": {"healthy": {"http_statuses": [99]}, "type": "udp"}}},
            {
                "healthchecks": {
                    "active": {
                        "healthy": {"http_statuses": ["value should be between 100 and 999"]},
                        "type": "expected one of: tcp, http, https, grpc, grpcs",
                    }
                }
            },
        ),
    ],
)
def test_what_an_upstream_refuses(data: dict[str, Any], fields: dict[str, Any]) -> None:
    assert fields_of(Upstream, {"name": "u", **data}) == fields


def test_a_change_is_merged_into_the_health_checks() -> None:
    before = Upstream.parse({"name": "u", "healthchecks": {"active": {"http_path": "/h", "healthy": {"successes": 3}}}})
    after = Upstream.patched(before.to_wire(), {"healthchecks": {"active": {"unhealthy": {"http_failures": 2}}}})
    active = after.healthchecks.active
    assert (active.http_path, active.healthy.successes, active.unhealthy.http_failures) == ("/h", 3, 2)
    assert active.healthy.http_statuses == (200, 302)
    assert patch_fields_of(before, {"healthchecks": None}) == {"healthchecks": "required field missing"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.test", "a.test:8000"),
        ("a.test:80", "a.test:80"),
        ("10.0.0.1", "10.0.0.1:8000"),
        ("::1", "[0000:0000:0000:0000:0000:0000:0000:0001]:8000"),
        ("[::1]", "[0000:0000:0000:0000:0000:0000:0000:0001]:8000"),
        ("[::1]:81", "[0000:0000:0000:0000:0000:0000:0000:0001]:81"),
    ],
)
def test_a_target_is_kept_with_its_port(given: str, kept: str) -> None:
    target = Target.parse({"target": given, **UPSTREAM})
    assert target.target == kept
    assert Target.parse(target.to_wire()) == target


@pytest.mark.parametrize("value", ["a b", "a.test:x", "a.test:99999", "1.2.3", "[::1", "a..b", ":80"])
def test_a_target_is_a_host_or_an_address(value: str) -> None:
    assert fields_of(Target, {"target": value, **UPSTREAM}) == {
        "target": "Invalid target; not a valid hostname or ip address"
    }


def test_a_target_tells_milliseconds() -> None:
    target = Target.parse({"target": "a.test", **UPSTREAM}, now=1700000000.12345)
    assert (target.created_at, target.updated_at) == (1700000000.123, 1700000000.123)
    changed = Target.patched(target.to_wire(), {"weight": 0}, now=1700000001.5)
    assert (changed.created_at, changed.updated_at, changed.weight) == (1700000000.123, 1700000001.5, 0)


def test_a_target_is_unique_in_its_upstream_and_goes_with_it() -> None:
    assert Target.flat_path is None
    assert Target.unique_together == (("upstream", "target"),)
    assert fields_of(Target, {"target": "a.test", "weight": 65536}) == {
        "upstream": "required field missing",
        "weight": "value should be between 0 and 65535",
    }
