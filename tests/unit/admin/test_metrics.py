"""`/metrics`: Kong's own metrics, under Kong's names, and what else a node counts."""

from typing import cast

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from gateline.admin import metrics
from gateline.admin.app import admin_app, status_app
from gateline.pdk.discovery import register_plugin
from gateline.plugins.prometheus import Prometheus
from gateline.store import Store, StoreUnavailable
from gateline.telemetry import Family
from gateline.version import KONG_VERSION
from unit.admin.small_node import UUID, Client, SmallNode

UPSTREAMS = {
    "_format_version": "3.0",
    "upstreams": [
        {
            "name": "checked",
            "healthchecks": {"active": {"healthy": {"interval": 1}}},
            "targets": [{"target": "10.0.0.1:80"}, {"target": "nowhere.test:81"}],
        },
        {"name": "unchecked", "targets": [{"target": "10.0.0.2:80"}]},
    ],
}


@pytest.fixture
def node() -> SmallNode:
    register_plugin(Prometheus)
    return SmallNode()


def samples(client: Client, **headers: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Values by name and by the values of labels."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in read_text(client.get("/metrics", headers=headers).text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_it_is_not_there_where_the_plugin_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "plugin_types", dict)
    with Client.of(SmallNode()) as client:
        assert client.get("/metrics").status_code == 404


def test_kongs_metrics_are_there_without_a_configured_plugin(node: SmallNode) -> None:
    with Client.of(node) as client:
        found = samples(client)
    assert found["kong_nginx_connections_total"] == {
        (UUID, "http", "accepted"): 7,
        (UUID, "http", "active"): 3,
        (UUID, "http", "handled"): 7,
        (UUID, "http", "reading"): 0,
        (UUID, "http", "total"): 100,
        (UUID, "http", "waiting"): 2,
        (UUID, "http", "writing"): 1,
    }
    assert found["kong_nginx_requests_total"] == {(UUID, "http"): 100}
    assert found["kong_nginx_timers"] == {("running",): 0, ("pending",): 0}
    assert found["kong_datastore_reachable"] == {(): 1}
    assert found["kong_node_info"] == {(UUID, KONG_VERSION): 1}
    assert found["kong_memory_workers_lua_vms_bytes"] == {(UUID, "11", "http"): 3 * 2**20, (UUID, "12", "http"): 2**20}
    assert found["kong_memory_lua_shared_dict_bytes"] == {(UUID, "kong", "http"): 2**20}
    assert found["kong_memory_lua_shared_dict_total_bytes"] == {(UUID, "kong", "http"): 5 * 2**20}
    assert found["gateline_workers"] == {(): 2}
    assert "kong_upstream_target_health" not in found


def test_what_plugins_count_is_beside(node: SmallNode) -> None:
    node.counted = [Family.of_values("counter", "orders_total", "Orders.", [('shop="a"', 3.0)])]
    with Client.of(node) as client:
        assert samples(client)["orders_total"] == {("a",): 3}


def test_the_format_is_what_is_asked_for(node: SmallNode) -> None:
    with Client.of(node) as client:
        plain = client.get("/metrics")
        other = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
        head = client.head("/metrics")
    assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert other.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    opened = read_openmetrics(other.text)  # type: ignore[no-untyped-call]
    assert {family.name for family in read_text(plain.text)} == {family.name for family in opened}
    assert (head.status_code, head.content) == (200, b"")


def test_the_status_api_has_it_too(node: SmallNode) -> None:
    with Client(status_app(node, admin_app(node)), node) as client:
        assert "kong_node_info" in samples(client)


@pytest.mark.parametrize("asks", [True, False])
def test_the_health_of_targets_is_there_when_a_plugin_asks_for_it(node: SmallNode, asks: bool) -> None:
    node.addresses = {"nowhere.test": []}
    plugin = {"name": "prometheus", "config": {"upstream_health_metrics": asks}}
    with Client.of(node) as client:
        assert client.post("/config", {**UPSTREAMS, "plugins": [plugin]}).status_code == 201
        found = samples(client).get("kong_upstream_target_health", {})
    states = {labels[:-1]: value for labels, value in found.items() if value}
    expected = {
        ("checked", "10.0.0.1:80", "10.0.0.1:80", "healthy"): 1,
        ("checked", "nowhere.test:81", "", "dns_error"): 1,
        ("unchecked", "10.0.0.2:80", "10.0.0.2:80", "healthchecks_off"): 1,
    }
    assert states == (expected if asks else {})
    assert len(found) == (12 if asks else 0)


class _Gone:
    """A store that cannot be reached."""

    writable = True

    async def check(self) -> None:
        raise StoreUnavailable("connection refused")

    async def page(self, *_: object, **__: object) -> None:
        raise StoreUnavailable("connection refused")


def test_a_store_that_is_gone_is_told(node: SmallNode) -> None:
    node.store = cast(Store, _Gone())
    node.counted = [Family.of_values("counter", "orders_total", "Orders.", [("", 3.0)])]
    found = samples(Client(admin_app(node)))
    assert found["kong_datastore_reachable"] == {(): 0}
    assert found["orders_total"] == {(): 3}
