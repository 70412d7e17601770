"""Configurations of simple plugins: defaults and refusals, in Kong's words."""

from typing import Any

import pytest

from gateline.entities import Plugin, kong_plugin_schema
from unit.entities.refusing import fields_of

ID = "5f1d7fbc-0000-4000-8000-000000000001"
METHODS = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT"]


@pytest.mark.parametrize(
    ("name", "given", "config"),
    [
        (
            "correlation-id",
            {},
            {"header_name": "Kong-Request-ID", "generator": "uuid#counter", "echo_downstream": False},
        ),
        (
            "request-termination",
            {},
            {
                "status_code": 503,
                "message": None,
                "content_type": None,
                "body": None,
                "echo": False,
                "trigger": None,
            },
        ),
        (
            "ip-restriction",
            {"allow": ["10.0.0.0/8", "::1"]},
            {"allow": ["10.0.0.0/8", "::1"], "deny": None, "status": None, "message": None},
        ),
        ("bot-detection", {}, {"allow": [], "deny": []}),
        (
            "cors",
            {},
            {
                "origins": None,
                "headers": None,
                "exposed_headers": None,
                "methods": METHODS,
                "max_age": None,
                "credentials": False,
                "private_network": False,
                "preflight_continue": False,
                "allow_origin_absent": True,
            },
        ),
        (
            "request-size-limiting",
            {},
            {"allowed_payload_size": 128, "size_unit": "megabytes", "require_content_length": False},
        ),
        (
            "redirect",
            {"location": "https://example.test"},
            {"status_code": 301, "location": "https://example.test", "keep_incoming_path": False},
        ),
    ],
)
def test_a_plugin_gets_its_defaults(name: str, given: dict[str, Any], config: dict[str, Any]) -> None:
    wire = Plugin.parse({"name": name, "config": given}).to_wire()
    assert wire["config"] == config
    assert Plugin.from_wire(wire).to_wire() == wire


@pytest.mark.parametrize(
    ("name", "config", "fields"),
    [
        (
            "correlation-id",
            {"generator": "serial", "header_name": "a b", "echo_downstream": "x"},
            {
                "config": {
                    "generator": "expected one of: uuid, uuid#counter, tracker",
                    "header_name": "bad header name 'a b', allowed characters are A-Z, a-z, 0-9, '_', and '-'",
                    "echo_downstream": "expected a boolean",
                }
            },
        ),
        (
            "request-termination",
            {"status_code": 99},
            {"config": {"status_code": "value should be between 100 and 599"}},
        ),
        ("request-termination", {"status_code": None}, {"config": {"status_code": "required field missing"}}),
        (
            "request-termination",
            {"message": "m", "body": "b"},
            {"config": "message cannot be used with content_type or body"},
        ),
        ("request-termination", {"content_type": "a/b"}, {"config": "content_type requires a body"}),
        (
            "request-termination",
            {"echo": True, "body": "b"},
            {"config": "echo cannot be used with content_type and body"},
        ),
        ("request-termination", {"body": "b", "status_code": "x"}, {"config": {"status_code": "expected an integer"}}),
        (
            "ip-restriction",
            {},
            {"@entity": ["at least one of these fields must be non-empty: 'config.allow', 'config.deny'"]},
        ),
        (
            "ip-restriction",
            {"allow": ["1.1.1.1", "x"], "deny": ["1.1.1.1/40"], "status": "x"},
            {
                "config": {
                    "allow": [None, "invalid ip or cidr range: 'x'"],
                    "deny": ["invalid ip or cidr range: '1.1.1.1/40'"],
                    "status": "expected a number",
                }
            },
        ),
        ("bot-detection", {"deny": ["ok", "[(/*"]}, {"config": {"deny": [None, "not a valid regex: [(/*"]}}),
        ("bot-detection", {"allow": "x"}, {"config": {"allow": "expected an array"}}),
        ("cors", {"origins": ["*", "[a"]}, {"config": {"origins": [None, "'[a' is not a valid regex"]}}),
        ("cors", {"methods": ["LOOK"]}, {"config": {"methods": [f"expected one of: {', '.join(METHODS)}"]}}),
        ("cors", {"max_age": "x"}, {"config": {"max_age": "expected a number"}}),
        (
            "request-size-limiting",
            {"allowed_payload_size": 1.5, "size_unit": "bits"},
            {
                "config": {
                    "allowed_payload_size": "expected an integer",
                    "size_unit": "expected one of: megabytes, kilobytes, bytes",
                }
            },
        ),
        ("redirect", {}, {"config": {"location": "required field missing"}}),
        ("redirect", {"location": "/path"}, {"config": {"location": "missing host in url"}}),
        (
            "redirect",
            {"location": "http://a.test/\r\nX: 1"},
            {"config": {"location": "invalid value: http://a.test/\r\nX: 1"}},
        ),
    ],
)
def test_what_is_refused(name: str, config: dict[str, Any], fields: dict[str, Any]) -> None:
    assert fields_of(Plugin, {"name": name, "config": config}) == fields


@pytest.mark.parametrize("name", ["cors", "bot-detection"])
@pytest.mark.parametrize("scope", ["consumer", "consumer_group"])
def test_what_comes_before_authentication_cannot_be_for_a_consumer(name: str, scope: str) -> None:
    assert fields_of(Plugin, {"name": name, scope: {"id": ID}}) == {scope: "value must be null"}


def test_numbers_are_shown_as_they_were_given() -> None:
    config = Plugin.parse({"name": "cors", "config": {"max_age": 23}}).to_wire()["config"]
    assert isinstance(config["max_age"], int)


def test_addresses_may_be_restricted_on_connections_without_http() -> None:
    plugin = Plugin.parse({"name": "ip-restriction", "config": {"deny": ["::1"]}})
    assert set(plugin.protocols) == {"grpc", "grpcs", "http", "https", "tcp", "tls"}


def test_the_schema_is_told_in_kongs_layout() -> None:
    schema = kong_plugin_schema("ip-restriction") or {}
    assert schema["entity_checks"] == [{"at_least_one_of": ["config.allow", "config.deny"]}]
