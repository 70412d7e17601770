"""Vaults, and what references to secrets stand for."""

from typing import Any

import pytest

from gateline.entities import Certificate, Plugin, Service, Vault
from gateline.entities.plugin_configs import PluginType
from gateline.entities.references import Resolver
from gateline.entities.resolving import refers, resolved, vault_prefixes
from unit.entities.refusing import fields_of


def test_a_vault_is_a_place_under_a_prefix() -> None:
    vault = Vault.parse({"name": "env", "prefix": "my-env", "config": {"prefix": "SSL_"}})
    assert vault.to_wire()["config"] == {"prefix": "SSL_"}
    assert Vault.from_wire(vault.to_wire()) == vault
    assert Vault.parse({"name": "env", "prefix": "e1"}).to_wire()["config"] == {"prefix": None}


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ({"name": None}, {"name": "required field missing"}),
        ({"name": "aws"}, {"name": "vault 'aws' is not installed"}),
        ({"prefix": "env"}, {"prefix": "must not be one of: env"}),
        ({"prefix": "Mine"}, {"prefix": "invalid value: Mine"}),
        ({"prefix": "mine-"}, {"prefix": "invalid value: mine-"}),
        ({"prefix": None}, {"prefix": "required field missing"}),
        ({"config": {"prefix": "1"}}, {"config": {"prefix": "invalid value: 1"}}),
        ({"config": {"x": 1}}, {"config": {"x": "unknown field"}}),
    ],
)
def test_what_is_refused(data: dict[str, Any], fields: dict[str, Any]) -> None:
    assert fields_of(Vault, {"name": "env", "prefix": "mine", **data}) == fields


def resolver() -> Resolver:
    vault = Vault.parse({"name": "env", "prefix": "mine", "config": {"prefix": "pa"}})
    environ = {"PATH": "/bin", "CERT": "c", "PASS": '{"word": "w"}'}
    return Resolver(environ, vault_prefixes([vault]))


def test_references_are_resolved_wherever_a_field_takes_them(limit: PluginType) -> None:
    config = {
        "minute": 5,
        "server": {"host": "{vault://env/cert}", "password": "{vault://env/pass/word}"},
        "headers": {"a": "{vault://mine/th}", "b": "plain"},
    }
    plugin = Plugin.parse({"name": "limit", "config": config})
    assert refers(plugin)
    row, problems = resolved(plugin, resolver())
    assert row["config"]["server"] == {"host": "{vault://env/cert}", "password": "w"}
    assert row["config"]["headers"] == {"a": "/bin", "b": "plain"}
    assert problems == []
    assert plugin.to_wire()["config"]["headers"]["a"] == "{vault://mine/th}"


def test_a_reference_that_leads_nowhere_is_an_empty_text_and_a_problem() -> None:
    certificate = Certificate.parse({"cert": "{vault://env/cert}", "key": "{vault://nope/x}"})
    row, problems = resolved(certificate, resolver())
    assert (row["cert"], row["key"]) == ("c", "")
    assert problems == ["{vault://nope/x}: there is no vault named 'nope'"]


def test_entities_without_references_are_given_as_they_are(limit: PluginType) -> None:
    for entity in (Service.parse({"host": "a.test"}), Plugin.parse({"name": "limit", "config": {"minute": 1}})):
        assert not refers(entity)
        assert resolved(entity, resolver()) == (entity.to_wire(), [])
