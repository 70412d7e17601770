"""Every kind in a file: nested or flat, tied together, unique, dumped."""

import json
from typing import Any

import pytest

from gateline.declarative import DeclarativeError, dump, load_object, load_text, to_config_response
from gateline.entities import (
    Consumer,
    ConsumerGroup,
    ConsumerGroupMember,
    Plugin,
    Reference,
    Snapshot,
    Sni,
    Target,
    Upstream,
    Vault,
)
from gateline.entities.plugin_configs import PluginType
from unit.entities.pems import certificate, ec_key, private_pem

KEY = ec_key()
PAIR = {"cert": certificate(KEY), "key": private_pem(KEY)}
JWK = json.dumps({"kty": "oct", "k": "c2VjcmV0", "kid": "1"})
ID = "5f1d7fbc-0000-4000-8000-000000000001"
LIMIT = {"name": "limit", "config": {"minute": 5}}


def load(**kinds: Any) -> Snapshot:
    return load_object({"_format_version": "3.0", **kinds}, source="POST /config")


def refusal(**kinds: Any) -> DeclarativeError:
    with pytest.raises(DeclarativeError) as caught:
        load(**kinds)
    return caught.value


def test_everything_may_nest_under_its_parent(limit: PluginType) -> None:
    snapshot = load(
        services=[
            {"name": "s", "host": "a.test", "plugins": [LIMIT], "routes": [{"paths": ["/x"], "plugins": [LIMIT]}]}
        ],
        consumer_groups=[{"name": "gold", "plugins": [LIMIT]}],
        upstreams=[{"name": "u", "targets": [{"target": "a.test"}]}],
        certificates=[{**PAIR, "snis": [{"name": "a.test"}]}],
        key_sets=[{"name": "ks", "keys": [{"kid": "1", "jwk": JWK}]}],
    )
    [service], [route], [group] = (
        snapshot.services.values(),
        snapshot.routes.values(),
        snapshot.of(ConsumerGroup).values(),
    )
    scopes = {(plugin.service, plugin.route, plugin.consumer_group) for plugin in snapshot.of(Plugin).values()}
    assert scopes == {
        (Reference(service.id), None, None),
        (None, Reference(route.id), None),
        (None, None, Reference(group.id)),
    }
    [target], [upstream] = snapshot.of(Target).values(), snapshot.of(Upstream).values()
    assert (target.target, target.upstream) == ("a.test:8000", Reference(upstream.id))
    [sni] = snapshot.of(Sni).values()
    assert sni.certificate.id in snapshot.kind("certificates")
    [key] = snapshot.kind("keys").values()
    assert key.to_wire()["set"]["id"] in snapshot.kind("key_sets")


def test_everything_may_stand_flat_and_name_its_parents(limit: PluginType) -> None:
    snapshot = load(
        services=[{"name": "s", "host": "a.test"}],
        consumer_groups=[{"name": "gold"}],
        upstreams=[{"name": "u"}],
        targets=[{"target": "a.test:80", "upstream": "u"}],
        plugins=[{**LIMIT, "service": "s", "consumer_group": "gold"}],
    )
    [plugin] = snapshot.of(Plugin).values()
    assert plugin.service == Reference(next(iter(snapshot.services)))
    assert plugin.consumer_group == Reference(next(iter(snapshot.of(ConsumerGroup))))


@pytest.mark.parametrize(
    "kinds",
    [
        {"consumers": [{"username": "bob", "groups": [{"name": "gold"}]}], "consumer_groups": [{"name": "gold"}]},
        {"consumers": [{"username": "bob", "groups": ["gold"]}], "consumer_groups": [{"name": "gold"}]},
        {"consumers": [{"username": "bob", "groups": [{"id": ID}]}], "consumer_groups": [{"name": "gold", "id": ID}]},
        {"consumers": [{"username": "bob"}], "consumer_groups": [{"name": "gold", "consumers": [{"username": "bob"}]}]},
        {"consumers": [{"username": "bob"}], "consumer_groups": [{"name": "gold", "consumers": ["bob"]}]},
        {
            "consumers": [{"username": "bob"}],
            "consumer_groups": [{"name": "gold"}],
            "consumer_group_consumers": [{"consumer": "bob", "consumer_group": "gold"}],
        },
    ],
)
def test_consumers_are_put_into_groups_from_either_side(kinds: dict[str, Any]) -> None:
    snapshot = load(**kinds)
    [member] = snapshot.of(ConsumerGroupMember).values()
    assert member.consumer.id in snapshot.of(Consumer)
    assert member.consumer_group.id in snapshot.of(ConsumerGroup)
    assert load_text(dump(snapshot), source="dump") == snapshot


def test_the_id_of_a_membership_does_not_depend_on_how_it_is_written() -> None:
    one = load(consumers=[{"username": "bob", "groups": ["gold"]}], consumer_groups=[{"name": "gold"}])
    other = load(consumers=[{"username": "bob"}], consumer_groups=[{"name": "gold", "consumers": ["bob"]}])
    assert list(one.of(ConsumerGroupMember)) == list(other.of(ConsumerGroupMember))


def test_what_is_wrong_with_memberships_is_told() -> None:
    error = refusal(consumers=[{"username": "bob", "groups": [5, {"x": 1}, "gold"]}, {"custom_id": "1", "groups": "g"}])
    assert error.fields == {
        "consumers": [
            {
                "groups": [
                    "expected a record",
                    {"x": "unknown field", "consumer_group": "required field missing"},
                ]
            },
            {"groups": "expected an array"},
        ]
    }
    assert [(problem.entity, problem.field, problem.expected) for problem in error.problems] == [
        ("consumers[0] 'bob' > groups[0]", "", "expected a record"),
        ("consumers[1] > groups", "", "expected an array"),
        ("consumers[0] 'bob' > groups[1]", "consumer_group", "required field missing"),
        ("consumers[0] 'bob' > groups[1]", "x", "unknown field"),
        (
            "consumers[0] 'bob' > groups[2]",
            "consumer_group",
            "invalid reference 'consumer_group: gold' (no such entry in 'consumer_groups')",
        ),
    ]


def test_a_consumer_is_in_a_group_once() -> None:
    error = refusal(consumers=[{"username": "bob", "groups": ["gold", "gold"]}], consumer_groups=[{"name": "gold"}])
    assert error.fields is not None
    [first, second] = error.fields["consumers"][0]["groups"]
    assert first is None
    assert second.startswith("uniqueness violation: 'consumer_group_consumers' entity with {consumer={id=")


def test_a_wrong_plugin_is_told_at_its_place(limit: PluginType) -> None:
    error = refusal(
        services=[{"name": "s", "host": "a.test", "routes": [{"paths": ["/"], "plugins": [{"name": "nope"}]}]}],
        plugins=[{"name": "limit", "config": {"minute": 0, "hour": 1, "x": 2}}],
    )
    assert error.fields == {
        "services": [
            {
                "routes": [
                    {"plugins": [{"name": "plugin 'nope' not enabled; add it to the 'plugins' configuration property"}]}
                ]
            }
        ],
        "plugins": [{"config": {"minute": "value should be between 1 and 1000", "x": "unknown field"}}],
    }


def test_a_plugin_may_name_what_it_is_on_besides_its_parent(limit: PluginType) -> None:
    snapshot = load(
        services=[{"name": "s", "host": "a.test", "plugins": [LIMIT, {**LIMIT, "consumer_group": "gold"}]}],
        consumer_groups=[{"name": "gold"}],
    )
    assert len(snapshot.of(Plugin)) == 2
    error = refusal(services=[{"name": "s", "host": "a.test", "plugins": [{**LIMIT, "service": "s"}]}])
    assert error.fields == {"services": [{"plugins": [{"service": "value must be null"}]}]}


def test_the_id_of_a_plugin_comes_from_its_name_and_scope(limit: PluginType) -> None:
    changed = {"name": "limit", "config": {"hour": 1}}
    services = [{"name": "s", "host": "a.test"}]
    ids = [
        list(load(services=services, plugins=plugins).kind("plugins"))
        for plugins in ([{**LIMIT, "service": "s"}, LIMIT], [{**changed, "service": "s"}, changed])
    ]
    assert ids[0] == ids[1]
    nested = load(services=[{"name": "s", "host": "a.test", "plugins": [changed]}])
    assert list(nested.kind("plugins")) == ids[0][:1]


def test_one_plugin_stands_once_in_one_scope(limit: PluginType) -> None:
    error = refusal(plugins=[LIMIT, {**LIMIT, "id": ID}])
    assert error.fields == {
        "plugins": [
            None,
            (
                "uniqueness violation: 'plugins' entity with "
                '{consumer=null,consumer_group=null,name="limit",route=null,service=null} already declared'
            ),
        ]
    }


def test_equal_targets_may_stand_in_different_upstreams_only() -> None:
    target = {"target": "a.test:80"}
    snapshot = load(upstreams=[{"name": "u", "targets": [target]}, {"name": "v", "targets": [target]}])
    assert len(snapshot.of(Target)) == 2
    error = refusal(upstreams=[{"name": "u", "targets": [target, {"target": "a.test:80", "weight": 5}]}])
    assert "already declared" in error.body()["message"]
    error = refusal(upstreams=[{"name": "u", "targets": [{"target": "a.test"}, {"target": "a.test:8000"}]}])
    assert "already declared" in error.body()["message"]


def test_unique_fields_are_unique_in_a_file() -> None:
    error = refusal(consumers=[{"username": "a", "custom_id": "1"}, {"username": "b", "custom_id": "1"}])
    assert error.fields == {
        "consumers": [None, "uniqueness violation: 'consumers' entity with custom_id set to '1' already declared"]
    }


def test_a_secret_that_is_wrong_is_not_shown(limit: PluginType) -> None:
    password = {"name": "limit", "config": {"minute": 5, "server": {"password": ["s3cret"]}}}
    error = refusal(certificates=[{**PAIR, "key": "s3cret"}], plugins=[password])
    assert "s3cret" not in str([str(problem) for problem in error.problems])
    assert {problem.found for problem in error.problems} == {"******"}


def test_references_to_secrets_stay_in_fields_that_take_them(limit: PluginType) -> None:
    text = """
    _format_version: "3.0"
    vaults:
    - {name: env, prefix: mine, config: {prefix: pre_}}
    services:
    - {name: s, host: "{vault://mine/host}", port: "{vault://env/port}"}
    plugins:
    - name: limit
      config:
        minute: 5
        headers: {a: "{vault://mine/host}", b: "${PRE_HOST}"}
        server: {password: "{vault://env/not-set}", host: "{vault://mine/host}"}
    """
    snapshot = load_text(text, source="kong.yml", environ={"PRE_HOST": "a.test", "PORT": "81"})
    [service], [plugin] = snapshot.services.values(), snapshot.of(Plugin).values()
    assert (service.host, service.port) == ("a.test", 81)
    config = plugin.to_wire()["config"]
    assert config["headers"] == {"a": "{vault://mine/host}", "b": "a.test"}
    assert config["server"] == {"host": "a.test", "password": "{vault://env/not-set}"}
    [vault] = snapshot.of(Vault).values()
    assert vault.to_wire()["config"] == {"prefix": "pre_"}
    assert load_text(dump(snapshot), source="dump") == snapshot


def test_a_vault_that_is_not_declared_is_told() -> None:
    text = '{_format_version: "3.0", services: [{name: s, host: "{vault://mine/host}"}]}'
    with pytest.raises(DeclarativeError, match="there is no vault named 'mine'"):
        load_text(text, source="kong.yml", environ={})


def test_everything_is_dumped_and_answered(limit: PluginType) -> None:
    snapshot = load(
        services=[{"name": "s", "host": "a.test", "plugins": [LIMIT]}],
        consumers=[{"username": "bob", "tags": ["a"], "groups": ["gold"]}],
        consumer_groups=[{"name": "gold"}],
        upstreams=[{"name": "u", "hash_on": "ip", "targets": [{"target": "[::1]:80", "weight": 0}]}],
        certificates=[{**PAIR, "snis": [{"name": "a.test"}]}],
        ca_certificates=[{"cert": certificate(KEY, ca=True)}],
        vaults=[{"name": "env", "prefix": "mine"}],
        key_sets=[{"name": "ks", "keys": [{"kid": "1", "jwk": JWK}]}],
    )
    assert load_text(dump(snapshot), source="dump") == snapshot
    answer = to_config_response(snapshot)
    assert next(iter(answer["targets"].values()))["target"] == "[0000:0000:0000:0000:0000:0000:0000:0001]:80"
    assert answer["plugins"].keys() == snapshot.kind("plugins").keys()
    assert (
        load_object(
            {"_format_version": "3.0", **{kind: list(rows.values()) for kind, rows in answer.items()}}, source="x"
        )
        == snapshot
    )


def test_what_is_in_a_repeated_parent_is_told_with_the_parent() -> None:
    routes = [{"name": "r", "paths": ["/"]}]
    error = refusal(services=[{"name": "s", "host": "a.test", "routes": routes}] * 2)
    assert error.fields == {
        "services": [None, "uniqueness violation: 'services' entity with name set to 's' already declared"]
    }
    assert [problem.entity for problem in error.problems] == ["services[1] 's'", "services[1] 's' > routes[0] 'r'"]


@pytest.mark.parametrize("threshold", [1e-05, 5e-324, 2.5e-07, 0.1, 99.99999, 100.0])
def test_any_number_is_dumped_as_a_number(threshold: float) -> None:
    upstream = {"name": "u", "healthchecks": {"threshold": threshold}}
    snapshot = load_object({"_format_version": "3.0", "upstreams": [upstream]}, source="POST /config")
    again = load_text(dump(snapshot), source="dump")
    assert [one.to_wire()["healthchecks"]["threshold"] for one in again.kind("upstreams").values()] == [threshold]
