"""Services and targets that are names: where their requests go, and what follows when a name leads elsewhere."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from gateline.entities import Route, Service, Target, Upstream
from harness.client import DEADLINE, RawClient
from harness.name_server import NameServer
from harness.node import Node, configuration
from harness.stage import Stages
from harness.upstream import RawUpstream, Visit

ADDRESSES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")


@pytest.fixture
def server() -> Iterator[NameServer]:
    with NameServer(ttl=60) as running:
        yield running


class _Site:
    """Upstreams at several addresses of the loopback and one port, each of which answers with its address."""

    def __init__(self, stack: ExitStack, addresses: tuple[str, ...] = ADDRESSES) -> None:
        with socket.create_server(("", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.upstreams = {
            address: stack.enter_context(RawUpstream(_answers_with(address.encode()), at=(address, self.port)))
            for address in addresses
        }


def _answers_with(body: bytes) -> Any:
    def script(visit: Visit) -> None:
        while True:
            visit.request()
            visit.answer(body)

    return script


@pytest.fixture
def site() -> Iterator[_Site]:
    with ExitStack() as stack:
        yield _Site(stack)


def _node(stages: Stages, server: NameServer, service: dict[str, Any], **settings: str) -> Node:
    config = configuration({"name": "s", "routes": [{"paths": ["/"]}], **service})
    return stages.node(config, {"dns_resolver": server.address, **settings})


def _bodies(node: Node, count: int) -> Counter[str]:
    with RawClient(node.port) as client:
        responses = [client.get("/x") for _ in range(count)]
    assert {response.status for response in responses} == {200}
    return Counter(response.body.decode() for response in responses)


def test_addresses_of_a_name_are_used_evenly(stages: Stages, server: NameServer, site: _Site) -> None:
    server.set("a.test", "A", *ADDRESSES)
    node = _node(stages, server, {"url": f"http://a.test:{site.port}"})
    _bodies(node, 1)  # makes the name known
    assert _bodies(node, 30) == dict.fromkeys(ADDRESSES, 10)
    assert {len(upstream.visits) for upstream in site.upstreams.values()} <= {1, 2}


def test_service_records_tell_ports_and_shares(stages: Stages, server: NameServer) -> None:
    heavy, light, spare = (stages.upstream(_answers_with(name)) for name in (b"heavy", b"light", b"spare"))
    server.set(
        "a.test",
        "SRV",
        f"1 3 {heavy.port} h.test.",
        f"1 1 {light.port} l.test.",
        f"2 9 {spare.port} l.test.",
    )
    server.set("h.test", "A", "127.0.0.1")
    server.set("l.test", "A", "127.0.0.1")
    node = _node(stages, server, {"url": "http://a.test:1"})
    _bodies(node, 1)
    assert _bodies(node, 40) == {"heavy": 30, "light": 10}


@pytest.mark.parametrize(("use_srv_name", "host_header"), [(True, None), (False, None), (True, "fixed.test")])
def test_host_is_the_name_of_the_service_record_where_that_is_wanted(
    stages: Stages, server: NameServer, use_srv_name: bool, host_header: str | None
) -> None:
    one = stages.upstream()
    server.set("a.test", "SRV", f"1 1 {one.port} one.test.")
    server.set("one.test", "A", "127.0.0.1")
    upstream = Upstream.parse({"name": "u", "use_srv_name": use_srv_name, "host_header": host_header})
    target = Target.parse({"target": "a.test:80", "upstream": {"id": upstream.id}})
    service = Service.parse({"name": "s", "host": "u"})
    route = Route.parse({"name": "r", "paths": ["/"], "service": {"id": service.id}})
    config = {entity.kind: [entity.to_wire()] for entity in (upstream, target, service, route)}
    node = stages.node(config, {"dns_resolver": server.address})
    with RawClient(node.port) as client:
        assert [client.get("/x").status for _ in range(2)] == [200, 200]
    expected = host_header or (f"one.test:{one.port}" if use_srv_name else "a.test")
    assert [request.headers.get("host") for request in one.requests()] == [expected, expected]


def test_change_of_a_name_under_load_moves_traffic_without_a_failed_request(
    stages: Stages, server: NameServer, site: _Site
) -> None:
    server.ttl = 1
    server.set("a.test", "A", "127.0.0.1")
    node = _node(stages, server, {"url": f"http://a.test:{site.port}", "retries": 0})
    ended = threading.Event()
    seen: list[tuple[str, int]] = []

    def load() -> None:
        with RawClient(node.port) as client:
            while not ended.is_set():
                response = client.get("/x")
                seen.append((response.body.decode(), response.status))

    clients = [threading.Thread(target=load) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        for address in ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1"):
            server.set("a.test", "A", address)
            deadline = time.monotonic() + DEADLINE
            while {body for body, _ in seen[-40:]} != {address}:
                assert time.monotonic() < deadline, f"the traffic does not move to {address}"
                time.sleep(0.05)
    finally:
        ended.set()
        for client in clients:
            client.join(DEADLINE)
    assert {status for _, status in seen} == {200}
    changes = [body for place, (body, _) in enumerate(seen) if place == 0 or seen[place - 1][0] != body]
    assert changes[0] == "127.0.0.1"
    assert changes[-1] == "127.0.0.1"


def test_connections_to_an_address_that_is_gone_are_closed(stages: Stages, server: NameServer, site: _Site) -> None:
    server.ttl = 1
    server.set("a.test", "A", "127.0.0.1")
    node = _node(stages, server, {"url": f"http://a.test:{site.port}"})
    assert _bodies(node, 1) == {"127.0.0.1": 1}
    server.set("a.test", "A", "127.0.0.2")
    [visit] = site.upstreams["127.0.0.1"].visits
    assert visit.finished.wait(DEADLINE), "the idle connection stays open"
    assert _bodies(node, 1) == {"127.0.0.2": 1}


def test_request_under_way_to_an_address_that_is_gone_is_answered(stages: Stages, server: NameServer) -> None:
    go_on = threading.Event()

    def slow(visit: Visit) -> None:
        visit.request()
        go_on.wait(DEADLINE)
        visit.answer(b"late")
        visit.wait_for_end()

    server.ttl = 1
    with ExitStack() as stack:
        site = _Site(stack)
        site.upstreams["127.0.0.1"].script = slow
        server.set("a.test", "A", "127.0.0.1")
        node = _node(stages, server, {"url": f"http://a.test:{site.port}"})
        client = stack.enter_context(RawClient(node.port))
        client.send(b"GET /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        site.upstreams["127.0.0.1"].wait_for_requests(1)
        server.set("a.test", "A", "127.0.0.2")
        server.until_asked(len(server.asked) + 2)
        deadline = time.monotonic() + DEADLINE
        while _bodies(node, 1) != {"127.0.0.2": 1}:
            assert time.monotonic() < deadline
        go_on.set()
        assert client.response().body == b"late"
        assert site.upstreams["127.0.0.1"].visits[0].finished.wait(DEADLINE), "the connection was kept"


def test_address_that_takes_no_connection_costs_no_request(stages: Stages, server: NameServer) -> None:
    with ExitStack() as stack:
        site = _Site(stack, ADDRESSES[:2])
        server.set("a.test", "A", *ADDRESSES)
        node = _node(stages, server, {"url": f"http://a.test:{site.port}", "retries": 0})
        assert sum(_bodies(node, 30).values()) == 30


def test_address_that_does_not_answer_is_given_up_for_the_next(stages: Stages, server: NameServer, site: _Site) -> None:
    full = socket.create_server(("127.0.0.4", site.port), backlog=0)
    with full, ExitStack() as stack:
        for _ in range(3):  # nobody takes them: the queue is full then
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        server.set("a.test", "A", "127.0.0.1", "127.0.0.4")
        node = _node(stages, server, {"url": f"http://a.test:{site.port}", "retries": 0, "connect_timeout": 2000})
        assert _bodies(node, 4) == {"127.0.0.1": 4}


def test_name_that_does_not_exist_is_a_503(stages: Stages, server: NameServer) -> None:
    node = _node(stages, server, {"url": "http://none.test"})
    with RawClient(node.port) as client:
        for _ in range(3):
            response = client.get("/x")
            assert (response.status, b'"message":"name resolution failed"' in response.body) == (503, True)
    assert server.names("A") == [], "a name that does not exist has no record of any type"
    assert len(server.asked) == 1, "that there is no such name is not remembered"


def test_silent_name_server_holds_nobody_else_up(stages: Stages, server: NameServer) -> None:
    other = stages.upstream()
    config = configuration(
        {"name": "a", "url": "http://a.test", "routes": [{"paths": ["/a"]}], "connect_timeout": 60000},
        {"name": "b", "url": other.url, "routes": [{"paths": ["/b"]}]},
    )
    server.silent = True
    node = stages.node(config, {"dns_resolver": server.address})
    with RawClient(node.port) as waiting, RawClient(node.port) as client:
        waiting.send(b"GET /a HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        server.until_asked(1)
        assert [client.get("/b").status for _ in range(50)] == [200] * 50
        assert len(server.asked) == 1, "the name server had time for a second try: the others waited"
        response = waiting.response(timeout=60)
        assert (response.status, b"name resolution failed" in response.body) == (503, True)


def test_old_address_serves_while_the_name_server_is_silent(stages: Stages, server: NameServer, site: _Site) -> None:
    server.ttl = 1
    server.set("a.test", "A", "127.0.0.1")
    node = _node(stages, server, {"url": f"http://a.test:{site.port}"}, upstream_keepalive_pool_size="0")
    _bodies(node, 1)
    server.silent = True
    asked = len(server.asked)
    deadline = time.monotonic() + DEADLINE
    while len(server.asked) == asked:  # the answer has not ended
        assert time.monotonic() < deadline, "the name is not asked for again"
        assert _bodies(node, 5) == {"127.0.0.1": 5}
    assert _bodies(node, 20) == {"127.0.0.1": 20}


def test_hosts_file_is_followed(stages: Stages, server: NameServer, site: _Site, tmp_path: Any) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 a.test\n")
    node = _node(stages, server, {"url": f"http://a.test:{site.port}"}, dns_hostsfile=str(hosts))
    assert _bodies(node, 2) == {"127.0.0.1": 2}
    hosts.write_text("127.0.0.2 a.test\n127.0.0.3 a.test\n")
    deadline = time.monotonic() + 60
    while _bodies(node, 2) != {"127.0.0.2": 1, "127.0.0.3": 1}:
        assert time.monotonic() < deadline, "the changed file is not noticed"
        time.sleep(0.1)
    assert server.asked == []


def test_settings_of_the_new_client_take_the_place_of_the_old_ones(
    stages: Stages, server: NameServer, site: _Site
) -> None:
    server.set("a.test", "SRV", "1 1 1 a.test.")
    server.set("a.test", "A", "127.0.0.1")
    config = configuration({"name": "s", "url": f"http://a.test:{site.port}", "routes": [{"paths": ["/"]}]})
    node = stages.node(
        config, {"new_dns_client": "on", "resolver_address": server.address, "dns_resolver": "127.0.0.1:1"}
    )
    assert _bodies(node, 2) == {"127.0.0.1": 2}
    assert server.names("SRV") == []
