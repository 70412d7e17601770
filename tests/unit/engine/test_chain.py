"""Which plugins run for a request, and in which order."""

from typing import Any

import pytest

from gateline.engine.chain import RANKS, Chain, InForce, OrderingError, PluginSet, ordered, scope_key
from gateline.entities import Plugin as PluginEntity
from gateline.entities.plugin_configs import unregister
from gateline.pdk import Consumer, Identity, Plugin, PluginConfig
from gateline.pdk.discovery import register_plugin

ROUTE, SERVICE = "10000000-0000-4000-8000-000000000001", "20000000-0000-4000-8000-000000000001"
CONSUMER, GROUP = "30000000-0000-4000-8000-000000000001", "40000000-0000-4000-8000-000000000001"
IDS = {"route": ROUTE, "service": SERVICE, "consumer": CONSUMER, "consumer_group": GROUP}


class Early(Plugin[PluginConfig], name="chain-early", priority=20):
    def access(self, exchange: object) -> None: ...


class Late(Plugin[PluginConfig], name="chain-late", priority=10):
    def access(self, exchange: object) -> None: ...
    def log(self, exchange: object) -> None: ...


class Same(Plugin[PluginConfig], name="chain-same", priority=10):
    def access(self, exchange: object) -> None: ...


CLASSES = {plugin.name: plugin for plugin in (Early, Late, Same)}


@pytest.fixture(autouse=True)
def registered() -> Any:
    for plugin in CLASSES.values():
        register_plugin(plugin)
    yield
    for name in CLASSES:
        unregister(name)


def in_force(name: str, *scopes: str, **fields: Any) -> InForce:
    entity = PluginEntity.parse({"name": name, **{scope: {"id": IDS[scope]} for scope in scopes}, **fields})
    return InForce(entity, CLASSES[name].made(PluginConfig(), None, entity.id))  # type: ignore[arg-type]


def plugin_set(*plugins: InForce) -> PluginSet:
    by_key: dict[str, str | set[str]] = {}
    for one in plugins:
        ids = by_key.setdefault(scope_key(one.entity), set())
        assert isinstance(ids, set)
        ids.add(one.entity.id)
    return PluginSet({one.entity.id: one for one in plugins}, by_key)


def names(chain: Chain) -> list[str]:
    return [step.name for step in chain.access]


def ids(chain: Chain) -> list[str]:
    return [step.plugin.id for step in chain.access]


def identity(consumer: str = CONSUMER, *groups: str) -> Identity:
    return Identity(Consumer(consumer, group_ids=groups))


def test_higher_priorities_run_earlier_and_equal_ones_by_name_from_z_to_a() -> None:
    chain = plugin_set(in_force("chain-late"), in_force("chain-same"), in_force("chain-early")).chain("", "", "http")
    assert names(chain) == ["chain-early", "chain-same", "chain-late"]
    assert [step.name for step in chain.log] == ["chain-late"]
    assert chain.header_filter == ()
    assert not chain.filters


def test_the_most_specific_scope_wins_whatever_the_order() -> None:
    every = [in_force("chain-late", *scopes) for scopes in RANKS]
    for best in range(len(every)):
        some = every[best:]
        for given in (some, some[::-1]):
            chain = plugin_set(*given).chain(ROUTE, SERVICE, "http").personal(identity(CONSUMER, GROUP))
            assert ids(chain) == [every[best].entity.id], f"{every[best].scopes} did not win over less specific ones"


def test_a_plugin_of_another_route_or_service_does_not_run() -> None:
    plugins = plugin_set(in_force("chain-early", "route"), in_force("chain-late", "service"))
    assert names(plugins.chain("other", "other", "http")) == []
    assert names(plugins.chain(ROUTE, "other", "http")) == ["chain-early"]
    assert plugins.chain("other", "other", "http").empty


def test_a_plugin_of_a_consumer_runs_for_that_consumer_only() -> None:
    plugins = plugin_set(in_force("chain-early"), in_force("chain-late", "consumer"))
    base = plugins.chain(ROUTE, SERVICE, "http")
    assert names(base) == ["chain-early"]
    assert names(base.personal(identity())) == ["chain-early", "chain-late"]
    assert base.personal(identity("somebody else")) is base
    assert base.personal(Identity()) is base
    assert base.personal(identity()) is base.personal(identity()), "it is worked out once"
    assert base.personal(identity()).personal(identity("somebody else")) is base


def test_a_plugin_of_a_group_runs_for_members() -> None:
    plugins = plugin_set(in_force("chain-late", "consumer_group"))
    base = plugins.chain(ROUTE, SERVICE, "http")
    assert names(base.personal(identity("anybody", "another", GROUP))) == ["chain-late"]
    assert names(base.personal(identity("anybody", "another"))) == []


def test_a_plugin_of_a_consumer_and_a_route_needs_both() -> None:
    plugins = plugin_set(in_force("chain-late", "consumer", "route"))
    assert names(plugins.chain(ROUTE, SERVICE, "http").personal(identity())) == ["chain-late"]
    assert names(plugins.chain("other", SERVICE, "http").personal(identity())) == []
    assert names(plugins.chain(ROUTE, SERVICE, "http")) == []


def test_protocols_are_honoured() -> None:
    plugins = plugin_set(in_force("chain-early", protocols=["https"]), in_force("chain-late", protocols=["http"]))
    assert names(plugins.chain("", "", "http")) == ["chain-late"]
    assert names(plugins.everywhere_tls) == ["chain-early"]


def test_a_chain_goes_on_after_the_plugin_that_found_the_consumer() -> None:
    plugins = plugin_set(in_force("chain-early", "consumer"), in_force("chain-same"), in_force("chain-late"))
    base = plugins.chain("", "", "http")
    personal = base.personal(identity())
    assert names(personal) == ["chain-early", "chain-same", "chain-late"]
    assert personal.access[personal.after("chain-same")].name == "chain-late", "what is past does not run any more"
    assert personal.after("chain-late") == 3


def test_ordering_overrules_priority() -> None:
    plugins = [in_force("chain-early", ordering={"after": {"access": ["chain-late"]}}), in_force("chain-late")]
    assert [one.name for one in ordered(plugins, "access")] == ["chain-late", "chain-early"]
    assert [one.name for one in ordered(plugins, "log")] == ["chain-early", "chain-late"], "other phases stay"
    plugins = [in_force("chain-early"), in_force("chain-late", ordering={"before": {"access": ["chain-early"]}})]
    assert names(plugin_set(*plugins).everywhere) == ["chain-late", "chain-early"]


def test_ordering_by_plugins_that_are_not_there_is_nothing() -> None:
    plugins = [
        in_force("chain-early", ordering={"after": {"access": ["chain-late", "nobody"]}}),
        in_force("chain-same"),
    ]
    assert [one.name for one in ordered(plugins, "access")] == ["chain-early", "chain-same"]


def test_orderings_that_cannot_be_kept_are_an_error_and_priority_decides(caplog: pytest.LogCaptureFixture) -> None:
    plugins = [
        in_force("chain-early", ordering={"after": {"access": ["chain-late"]}}),
        in_force("chain-late", ordering={"after": {"access": ["chain-early"]}}),
    ]
    with pytest.raises(OrderingError, match="chain-early, chain-late cannot be ordered in access"):
        ordered(plugins, "access")
    assert names(plugin_set(*plugins).everywhere) == ["chain-early", "chain-late"]
    assert "they run by priority" in caplog.text


def test_a_hook_that_is_idle_with_its_configuration_is_in_no_chain() -> None:
    late = in_force("chain-late")
    late.plugin.idle_phases = ("log",)
    chain = plugin_set(late).chain("", "", "http")
    assert [step.name for step in chain.access] == ["chain-late"]
    assert chain.log == ()
