"""Connections to upstreams: kept within their limits, closed after their time, shared between clients."""

import threading
import time

import pytest

from harness.node import configuration
from harness.stage import Stage, Stages
from harness.upstream import Visit

_GET = b"GET /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n"


def _open(stage: Stage) -> int:
    return stage.node.ask(lambda: len(stage.node.worker._pools.connections))


def _until_open(stage: Stage, count: int, timeout: float = 5.0) -> None:
    deadline = time.monotonic() + timeout
    while (now := _open(stage)) != count:
        assert time.monotonic() < deadline, f"{now} connections are open, not {count}"
        time.sleep(0.01)


def _together(stages: Stages, count: int, **options: dict[str, str]) -> Stage:
    """A stage that has just served so many requests at the same time."""
    barrier = threading.Barrier(count)

    def script(visit: Visit) -> None:
        visit.request()
        barrier.wait(10)
        visit.answer()
        while True:
            visit.request()
            visit.answer()

    stage = stages.set(script, settings=options.get("settings"))
    clients = [stage.client() for _ in range(count)]
    for client in clients:
        client.send(_GET)
    assert [client.response().status for client in clients] == [200] * count
    assert len(stage.upstream.visits) == count
    return stage


def test_one_connection_serves_many_clients_one_after_the_other(stages: Stages) -> None:
    stage = stages.set()
    for _ in range(10):
        assert stage.client().get("/x").status == 200
    assert len(stage.upstream.visits) == 1


def test_requests_at_the_same_time_have_connections_of_their_own(stages: Stages) -> None:
    stage = _together(stages, 8)
    assert _open(stage) == 8


def test_pool_keeps_no_more_than_its_size(stages: Stages) -> None:
    stage = _together(stages, 5, settings={"upstream_keepalive_pool_size": "2"})
    _until_open(stage, 2)


def test_pool_of_size_zero_keeps_nothing(stages: Stages) -> None:
    stage = stages.set(settings={"upstream_keepalive_pool_size": "0"})
    client = stage.client()
    assert [client.get("/x").status for _ in range(3)] == [200] * 3
    assert len(stage.upstream.visits) == 3
    _until_open(stage, 0)


def test_connection_serves_no_more_requests_than_it_may(stages: Stages) -> None:
    stage = stages.set(settings={"upstream_keepalive_max_requests": "2"})
    client = stage.client()
    assert [client.get("/x").status for _ in range(5)] == [200] * 5
    assert len(stage.upstream.visits) == 3


@pytest.mark.parametrize("name", ["upstream_keepalive_max_requests", "upstream_keepalive_idle_timeout"])
def test_zero_is_no_limit(stages: Stages, name: str) -> None:
    stage = stages.set(settings={name: "0"})
    hurried = {"name": "hurried", "url": "http://127.0.0.1:1", "read_timeout": 100, "routes": [{"paths": ["/hurried"]}]}
    service = {"name": "s", "url": stage.upstream.url, "routes": [{"paths": ["/"]}]}
    stage.node.configure(configuration(service, hurried))  # so that the deadlines of all are looked at often
    client = stage.client()
    for _ in range(3):
        assert client.get("/x").status == 200
        time.sleep(0.05)
    assert len(stage.upstream.visits) == 1


def test_connection_that_idles_too_long_is_closed(stages: Stages) -> None:
    stage = stages.set(settings={"upstream_keepalive_idle_timeout": "1"}, service={"read_timeout": 1000})
    assert stage.client().get("/x").status == 200
    assert _open(stage) == 1
    assert stage.upstream.visits[0].finished.wait(5)
    _until_open(stage, 0)


def test_services_at_one_address_share_their_connections(stages: Stages) -> None:
    stage = stages.set()
    stage.node.configure(
        configuration(
            {"name": "a", "url": stage.upstream.url, "routes": [{"paths": ["/a"]}]},
            {"name": "b", "url": f"{stage.upstream.url}/base", "routes": [{"paths": ["/b"]}]},
        )
    )
    client = stage.client()
    assert [client.get(path).status for path in ("/a", "/b", "/a", "/b")] == [200] * 4
    assert len(stage.upstream.visits) == 1


def test_connections_survive_a_change_of_configuration_that_keeps_their_target(stages: Stages) -> None:
    stage = stages.set()
    client = stage.client()
    for number in range(5):
        stage.node.configure(
            configuration({"name": f"n{number}", "url": stage.upstream.url, "routes": [{"paths": ["/"]}]})
        )
        assert client.get("/x").status == 200
    assert len(stage.upstream.visits) == 1


def test_connections_to_a_target_that_is_gone_are_closed(stages: Stages) -> None:
    stage = stages.set()
    assert stage.client().get("/x").status == 200
    stage.node.configure({})
    assert stage.upstream.visits[0].finished.wait(5)
    _until_open(stage, 0)


def test_upstream_that_speaks_unasked_loses_its_connection(stages: Stages) -> None:
    speak, chosen = threading.Event(), threading.Event()

    def script(visit: Visit) -> None:
        visit.request()
        first = not chosen.is_set()
        chosen.set()
        visit.answer()
        if first:
            speak.wait(10)
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
        visit.request()
        visit.answer()

    stage = stages.set(script)
    client = stage.client()
    assert client.get("/x").body == b"ok"
    speak.set()
    assert stage.upstream.visits[0].finished.wait(5)
    assert client.get("/x").body == b"ok"


def test_disabled_service_takes_no_requests(stages: Stages) -> None:
    stage = stages.set(service={"enabled": False})
    assert stage.client().get("/x").status == 404


def test_upstream_of_an_ipv6_address_is_reached(stages: Stages) -> None:
    stage = stages.set(service={"url": "http://[::1]:9", "retries": 0})
    assert stage.client().get("/x").status == 502


def test_name_with_several_addresses_is_reached(stages: Stages) -> None:
    upstream = stages.upstream()
    stage = stages.set(service={"url": f"http://localhost:{upstream.port}"})
    assert [stage.client().get("/x").status for _ in range(4)] == [200] * 4
