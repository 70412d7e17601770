"""The schemas that are derived from the declarations: Kong's layout and JSON schema."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from gateline.entities import (
    entity_class,
    json_plugin_schema,
    json_schema,
    kinds,
    kong_plugin_schema,
    kong_schema,
    kong_vault_schema,
)
from gateline.entities.plugin_configs import PluginType


def fields(layout: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    assert layout is not None
    return {name: field for element in layout["fields"] for name, field in element.items()}


def kong_fields(kind: str, **more: Any) -> dict[str, dict[str, Any]]:
    return fields(kong_schema(kind, **more))


def without_words(field: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in field.items() if name != "description"}


def test_kongs_layout_of_plain_fields() -> None:
    services = kong_fields("services")
    assert without_words(services["id"]) == {"type": "string", "auto": True, "uuid": True}
    assert without_words(services["created_at"]) == {"type": "integer", "auto": True, "timestamp": True}
    assert without_words(services["name"]) == {"type": "string", "unique": True}
    assert without_words(services["port"]) == {
        "type": "integer",
        "required": True,
        "default": 80,
        "between": [0, 65535],
    }
    assert without_words(services["retries"]) == {"type": "integer", "default": 5, "between": [0, 32767]}
    assert without_words(services["ca_certificates"]) == {
        "type": "array",
        "elements": {"type": "string", "uuid": True},
    }
    assert without_words(services["tags"]) == {"type": "set", "elements": {"type": "string"}}


def test_kongs_layout_of_references_maps_records_and_secrets() -> None:
    assert without_words(kong_fields("routes")["service"]) == {"type": "foreign", "reference": "services"}
    plugins = kong_fields("plugins")
    assert without_words(plugins["route"]) == {"type": "foreign", "reference": "routes", "on_delete": "cascade"}
    assert without_words(plugins["config"]) == {"type": "record", "required": True, "abstract": True}
    headers = kong_fields("routes")["headers"]
    assert headers["values"] == {"type": "array", "elements": {"type": "string"}, "required": True}
    assert headers["keys"]["match_none"][0]["pattern"] == "^[Hh][Oo][Ss][Tt]$"
    key = kong_fields("certificates")["key"]
    assert (key["referenceable"], key["encrypted"]) == (True, True)
    checks = kong_fields("upstreams")["healthchecks"]
    assert checks["default"]["active"]["http_path"] == "/"
    assert fields(fields(checks)["active"])["concurrency"]["default"] == 10


def test_kongs_layout_of_checks() -> None:
    layout = kong_schema("services")
    assert layout is not None
    assert layout["entity_checks"][0] == {
        "conditional": {
            "if_field": "protocol",
            "if_match": {"one_of": ["tcp", "tls", "udp", "grpc", "grpcs", "tls_passthrough"]},
            "then_field": "path",
            "then_match": {"eq": None},
        }
    }
    consumers = kong_schema("consumers")
    assert consumers is not None
    assert consumers["entity_checks"] == [{"at_least_one_of": ["custom_id", "username"]}]


def test_kongs_layout_follows_the_routers_flavour() -> None:
    assert "expression" not in kong_fields("routes")
    assert kong_fields("routes", router_flavor="expressions")["priority"]["default"] == 0


def test_kongs_layout_of_a_plugin(limit: PluginType) -> None:
    layout = kong_plugin_schema("limit")
    known = fields(layout)
    assert list(known) == ["consumer", "config", "protocols"]
    assert known["consumer"] == {"type": "foreign", "reference": "consumers", "eq": None}
    assert known["protocols"]["default"] == ["grpc", "grpcs", "http", "https"]
    config = fields(known["config"])
    assert config["limit_by"] == {"type": "string", "required": True, "default": "ip", "one_of": ["ip", "header"]}
    assert layout is not None
    assert layout["entity_checks"] == [{"at_least_one_of": ["config.minute", "config.hour"]}]
    assert kong_plugin_schema("nope") is None


def test_kongs_layout_of_a_type_of_vault() -> None:
    config = fields(fields(kong_vault_schema("env"))["config"])
    assert config["prefix"]["match"] == "^[%a_-][%a%d_-]*$"
    assert kong_vault_schema("aws") is None


def test_what_is_no_kind_has_no_schema() -> None:
    assert kong_schema("nope") is None
    assert json_schema("nope", mode="read") is None
    assert json_plugin_schema("nope", mode="read") is None


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_has_every_schema_as_json(kind: str, limit: PluginType) -> None:
    assert json.loads(json.dumps(kong_schema(kind))) == kong_schema(kind)
    for mode in ("create", "update", "read"):
        schema = json_schema(kind, mode=mode)
        assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize("kind", kinds())
def test_what_is_not_shown_is_in_no_answer(kind: str) -> None:
    model, schema = entity_class(kind), json_schema(kind, mode="read")
    assert model is not None
    assert schema is not None
    assert not model.not_shown & {*schema["properties"], *schema["required"]}


def json_fields(kind: str, mode: Any) -> dict[str, Any]:
    schema = json_schema(kind, mode=mode)
    assert schema is not None
    return dict(schema["properties"])


def test_json_schema_says_what_must_be_there() -> None:
    create, update, read = (json_schema("targets", mode=mode) or {} for mode in ("create", "update", "read"))
    assert create["required"] == ["upstream", "target"]
    assert "required" not in update
    assert set(read["properties"]) - set(read["required"]) == {"priority", "locality"}, "they are left out by default"
    assert create["additionalProperties"] is update["additionalProperties"] is False
    services = json_schema("services", mode="create") or {}
    assert services["anyOf"] == [{"required": ["host"]}, {"required": ["url"]}]
    assert services["properties"]["url"]["writeOnly"] is True
    assert "url" not in json_fields("services", "read")


def test_json_schema_says_types_ranges_and_nulls() -> None:
    create = json_fields("services", "create")
    assert without_words(create["port"]) == {"type": "integer", "minimum": 0, "maximum": 65535, "default": 80}
    assert create["retries"]["type"] == ["integer", "null"]
    assert json_fields("services", "read")["retries"]["type"] == "integer"
    assert create["path"]["type"] == ["string", "null"]
    assert "default" not in json_fields("services", "update")["port"]
    assert create["client_certificate"]["properties"] == {"id": {"type": "string", "format": "uuid"}}
    routes = json_fields("routes", "create")
    assert routes["service"]["anyOf"] == [{"required": ["id"]}, {"required": ["name"]}]
    assert routes["protocols"]["minItems"] == 1
    assert json_fields("upstreams", "create")["algorithm"]["enum"][0] == "consistent-hashing"


def test_json_schema_says_that_one_of_several_fields_is_needed() -> None:
    [one_of] = (json_schema("consumers", mode="create") or {})["allOf"]
    assert [part["required"] for part in one_of["anyOf"]] == [["custom_id"], ["username"]]
    assert "allOf" not in (json_schema("consumers", mode="update") or {})


def test_json_schema_lets_references_to_secrets_pass() -> None:
    one, other = json_fields("certificates", "create")["key"]["anyOf"]
    assert re.search(one["pattern"], "-----BEGIN EC PRIVATE KEY-----\n")
    assert re.search(other["pattern"], "{vault://env/key}")


def test_json_schema_of_a_plugin(limit: PluginType) -> None:
    schema = json_plugin_schema("limit", mode="create") or {}
    assert schema["properties"]["names"]["default"] == ["apikey"]
    assert "limit" in json_fields("plugins", "create")["name"]["enum"]


PATTERNS = [
    ("services", "name", ["a", "円~-._"], ["", "a b", "a/b", "a\n"]),
    ("snis", "name", ["a.test", "*.a.test", "a.*", "*"], ["a b", "*.a.*", "a..b", "1.2.3.4"]),
    ("upstreams", "name", ["u", "a-b.c_d."], ["1.2.3.4", "a:80", "-", "a.-"]),
    ("consumers", "username", ["a b", "é"], ["a\0"]),
    ("services", "path", ["/", "/a%20b"], ["a", "//", "/a//b", "/%2", "/ä"]),
]


@pytest.mark.parametrize(("kind", "field", "right", "wrong"), PATTERNS)
def test_patterns_agree_with_the_validation(kind: str, field: str, right: list[str], wrong: list[str]) -> None:
    schema = json_fields(kind, "create")[field]
    patterns = [part["pattern"] for part in (schema, *schema.get("allOf", ())) if "pattern" in part]
    lengths = schema.get("minLength", 0)
    for value in right:
        assert all(re.search(pattern, value) for pattern in patterns), value
    for value in wrong:
        assert len(value) < lengths or not all(re.search(pattern, value) for pattern in patterns), value


def test_importing_the_entities_is_light() -> None:
    heavy = "[name for name in sys.modules if name.split('.')[0] in ('cryptography', 're2', 'yaml', 'asyncio')]"
    script = f"import sys, gateline.entities; print({heavy})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
