"""prometheus: which groups count what, under Kong's names and labels."""

from typing import Any

import pytest

from gateline.plugins.key_auth import KeyAuth
from gateline.plugins.prometheus import Prometheus
from gateline.plugins.prometheus.plugin import GATEWAY_BUCKETS, UPSTREAM_BUCKETS
from gateline.plugins.request_termination import RequestTermination
from gateline.testing import Harness
from unit.plugins.people import ANN, give

ALL = {"status_code_metrics": True, "latency_metrics": True, "bandwidth_metrics": True}
OF_ROUTE = 'service="service",route="route"'


def counted(gateway: Harness, name: str) -> dict[str, float]:
    """The values of a metric by its labels; of a histogram, how many."""
    return gateway._node.metrics.metrics[name].values()


def metrics(gateway: Harness) -> set[str]:
    return {name for name in gateway._node.metrics.metrics if name != "kong_nginx_metric_errors_total"}


def test_every_group_is_off_by_default() -> None:
    with Harness(Prometheus) as gateway:
        gateway.request()
        assert metrics(gateway) == set()


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("status_code_metrics", {"kong_http_requests_total"}),
        ("bandwidth_metrics", {"kong_bandwidth_bytes"}),
        ("latency_metrics", {"kong_request_latency_ms", "kong_kong_latency_ms", "kong_upstream_latency_ms"}),
        ("upstream_health_metrics", set()),
        ("ai_metrics", set()),
        ("per_consumer", set()),
    ],
)
def test_a_group_has_its_metrics(group: str, names: set[str]) -> None:
    with Harness((Prometheus, {group: True})) as gateway:
        gateway.request()
        assert metrics(gateway) == names


def test_requests_are_counted_by_status_and_source() -> None:
    with Harness((Prometheus, ALL)) as gateway:
        for _ in range(3):
            gateway.request()
    labels = f'{OF_ROUTE},code="200",source="service",workspace="default",consumer=""'
    assert counted(gateway, "kong_http_requests_total") == {labels: 3}


def test_an_answer_of_a_plugin_has_the_source_exit() -> None:
    with Harness((Prometheus, ALL), (RequestTermination, {"status_code": 418})) as gateway:
        gateway.request()
        found = counted(gateway, "kong_http_requests_total")
        assert found == {f'{OF_ROUTE},code="418",source="exit",workspace="default",consumer=""': 1}
        assert counted(gateway, "kong_request_latency_ms") == {f'{OF_ROUTE},workspace="default"': 1}
        assert counted(gateway, "kong_upstream_latency_ms") == {f'{OF_ROUTE},workspace="default"': 0}


def test_a_request_without_a_route_has_no_names() -> None:
    with Harness((Prometheus, ALL), route={"paths": ["/only"]}) as gateway:
        assert gateway.request(target="/other").status == 404
        found = counted(gateway, "kong_http_requests_total")
    assert found == {'service="",route="",code="404",source="error",workspace="default",consumer=""': 1}


def test_a_service_without_a_name_goes_by_its_host() -> None:
    with Harness((Prometheus, ALL), service={"name": None}) as gateway:
        gateway.request()
        assert [labels.split(",")[0] for labels in counted(gateway, "kong_kong_latency_ms")] == [
            'service="service.test"'
        ]


def test_bytes_are_counted_with_their_heads() -> None:
    with Harness((Prometheus, ALL)) as gateway:
        answer = gateway.request("POST", body=b"x" * 1000)
        found = counted(gateway, "kong_bandwidth_bytes")
    ingress, egress = (
        found[f'{OF_ROUTE},direction="{one}",workspace="default",consumer=""'] for one in ("ingress", "egress")
    )
    head = b"POST / HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 1000\r\n\r\n"
    assert ingress == len(head) + 1000
    assert egress > len(answer.body) + 50


def test_consumers_are_told_apart_where_asked_for() -> None:
    for per_consumer, name in ((False, ""), (True, "ann")):
        with Harness(KeyAuth, (Prometheus, {**ALL, "per_consumer": per_consumer})) as gateway:
            give(gateway, "keyauth_credentials", ANN, key="ann-key")
            gateway.request(headers={"apikey": "ann-key"})
            consumers = {labels.rpartition("consumer=")[2] for labels in counted(gateway, "kong_http_requests_total")}
        assert consumers == {f'"{name}"'}


def test_latencies_have_kongs_buckets() -> None:
    with Harness((Prometheus, ALL)) as gateway:
        gateway.request()
        found = gateway._node.metrics.metrics
        assert list(found["kong_kong_latency_ms"].line.bounds) == list(GATEWAY_BUCKETS)
        for name in ("kong_request_latency_ms", "kong_upstream_latency_ms"):
            assert list(found[name].line.bounds) == list(UPSTREAM_BUCKETS)
            assert counted(gateway, name) == {f'{OF_ROUTE},workspace="default"': 1}


def test_what_the_client_chooses_makes_no_series() -> None:
    with Harness((Prometheus, ALL)) as gateway:
        for number in range(50):
            headers: dict[str, Any] = {"Host": f"h{number}.test", "User-Agent": str(number)}
            gateway.request("GET", f"/p{number}?q={number}", headers=headers)
        assert sum(len(counted(gateway, name)) for name in metrics(gateway)) == 6
