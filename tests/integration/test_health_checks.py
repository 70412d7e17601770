"""Health that a node finds out by itself: probes, what requests meet, outliers; and what survives of it."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateline.engine.upstream.observing import LATER
from harness.name_server import NameServer
from integration.nodes import Node, eventually, request
from integration.sites import Site, config

PROBES = {
    "active": {
        "http_path": "/probe",
        "timeout": 5,
        "healthy": {"interval": 0.1, "successes": 2},
        "unhealthy": {"interval": 0.1, "http_failures": 2, "tcp_failures": 2, "timeouts": 1},
    }
}
PASSIVE = {"passive": {"unhealthy": {"http_failures": 3, "tcp_failures": 2, "timeouts": 2}}}


@pytest.fixture
def sites() -> Iterator[tuple[Site, Site]]:
    with Site("a") as one, Site("b") as two:
        yield one, two


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Node(tmp_path / "node") as running:
        yield running


def answers(node: Node, requests: int = 12) -> Counter[tuple[int, bytes]]:
    return Counter(request(node.port, "GET", "/u") for _ in range(requests))


def names(node: Node, requests: int = 12) -> set[bytes]:
    """Who answers; all answers must be good."""
    found = answers(node, requests)
    assert all(status == 200 for status, _ in found), found
    return {body for _, body in found}


def shown(node: Node, site: Site) -> str:
    rows = node.admin("GET", "/upstreams/u.test/health")[1]["data"]
    return next(str(row["health"]) for row in rows if row["target"] == site.target)


def becomes(node: Node, site: Site, word: str) -> None:
    eventually(lambda: shown(node, site) == word, f"{site.name} is {word}")


def test_probes_take_a_target_out_and_bring_it_back(node: Node, sites: tuple[Site, Site]) -> None:
    a, b = sites
    node.configure(config(a, b, healthchecks=PROBES))
    assert names(node) == {b"a", b"b"}
    for status in (500, None):
        if status is None:
            a.stop()
        else:
            a.status = status
        becomes(node, a, "UNHEALTHY")
        assert names(node) == {b"b"}
        if status is None:
            a.start()
        a.status = 200
        becomes(node, a, "HEALTHY")
        assert names(node) == {b"a", b"b"}
    node.configure(config(a, b, healthchecks=PROBES | {"active": PROBES["active"] | {"timeout": 0.2}}))
    a.hangs = True
    becomes(node, a, "UNHEALTHY")
    a.release()
    becomes(node, a, "HEALTHY")
    events = node.log.read_text()
    assert f"target {a.target} of upstream" in events
    assert "is unhealthy (2 HTTP failures in a row, by active checks)" in events
    assert "is unhealthy (1 timeouts in a row, by active checks)" in events


def test_a_target_is_probed_once_a_node_and_no_more_when_that_is_not_asked_for(
    node: Node, sites: tuple[Site, Site]
) -> None:
    a, b = sites
    node.configure(config(a, b, healthchecks=PROBES))
    eventually(lambda: a.probes >= 5 and b.probes >= 5, "probes come")
    # One control process sends them: with one sender a round of 0.1 s, two sites get about the same number.
    assert abs(a.probes - b.probes) <= max(a.probes, b.probes) * 0.8
    node.configure(config(a, b, healthchecks=PASSIVE))
    before = a.probes
    eventually(lambda: names(node) == {b"a", b"b"}, "it serves")
    assert a.probes <= before + 1


def test_failures_are_counted_over_all_workers(node: Node, sites: tuple[Site, Site]) -> None:
    a, b = sites
    node.configure(config(a, b, healthchecks=PASSIVE))
    a.status = 500
    eventually(lambda: answers(node, 2)[(500, b"a")] == 0 and shown(node, a) == "UNHEALTHY", "a is out")
    taken = a.requests
    assert names(node, 20) == {b"b"}
    assert a.requests == taken, "nothing goes to a target that is out"
    a.status = 200
    assert names(node, 20) == {b"b"}, "what gets no requests cannot show that it is well"
    status, _ = node.admin("PUT", f"/upstreams/u.test/targets/{a.target}/healthy")
    assert status == 204
    assert names(node) == {b"a", b"b"}
    a.status = 500
    found = sum(answers(node, 4).values())
    assert found == 4
    a.status = 200


def test_successes_in_between_forget_failures(node: Node, sites: tuple[Site, Site]) -> None:
    a, _ = sites
    node.configure(config(a, healthchecks=PASSIVE))
    for _ in range(4):
        a.status = 500
        assert answers(node, 2)[(500, b"a")] == 2
        a.status = 200
        assert names(node, 1) == {b"a"}
        time.sleep(10 * LATER)  # the success of one worker must be known before the failures of another come
    assert shown(node, a) == "HEALTHY"


def test_refused_connections_count_and_nothing_is_left_to_ask(node: Node, sites: tuple[Site, Site]) -> None:
    a, _ = sites
    node.configure(config(a, healthchecks=PASSIVE))
    a.stop()
    eventually(lambda: answers(node, 1).keys() & {(502, b"")} or shown(node, a) == "UNHEALTHY", "a is out")
    status, body = request(node.port, "GET", "/u")
    assert status == 503
    assert b"failure to get a peer from the ring-balancer" in body
    whole = node.admin("GET", "/upstreams/u.test/health?balancer_health=1")[1]["data"]
    assert whole["health"] == "UNHEALTHY"


def test_what_was_found_out_survives_the_processes(node: Node, sites: tuple[Site, Site]) -> None:
    a, b = sites
    node.configure(config(a, b, healthchecks=PASSIVE))
    a.status = 500
    eventually(lambda: not answers(node, 2)[(500, b"a")] and shown(node, a) == "UNHEALTHY", "a is out")
    a.status = 200
    control = node.state.control
    os.kill(control, signal.SIGKILL)
    assert names(node) == {b"b"}, "workers go on with what they know"
    node.renewed_control(control)
    eventually(lambda: node.admin("GET", "/status")[0] == 200, "the Admin API answers")
    assert shown(node, a) == "UNHEALTHY"
    worker = node.workers[0]
    os.kill(worker, signal.SIGKILL)
    node.replaced(worker)
    assert names(node) == {b"b"}
    b.status = 500
    eventually(lambda: shown(node, b) == "UNHEALTHY" or not answers(node, 1), "the new processes count")
    assert request(node.port, "GET", "/u")[0] == 503


def test_with_too_little_left_all_are_used_where_that_means_panic(node: Node, sites: tuple[Site, Site]) -> None:
    a, b = sites
    node.configure(config(a, b, healthchecks=PASSIVE, panic_threshold=60))
    assert node.admin("PUT", f"/upstreams/u.test/targets/{a.target}/unhealthy")[0] == 204
    assert names(node) == {b"a", b"b"}
    node.configure(config(a, b, healthchecks=PASSIVE | {"threshold": 60}))
    assert node.admin("PUT", f"/upstreams/u.test/targets/{a.target}/unhealthy")[0] == 204
    assert set(answers(node)) != {(200, b"b")}
    assert {status for status, _ in answers(node)} == {503}


def test_an_outlier_is_ejected_for_a_while(node: Node, sites: tuple[Site, Site]) -> None:
    a, b = sites
    rules: dict[str, Any] = {"consecutive_5xx": 3, "base_ejection_time": 1, "max_ejection_percent": 50}
    node.configure(config(a, b, outlier_detection=rules))
    a.status = 503
    eventually(lambda: not answers(node, 2)[(503, b"a")] and shown(node, a) == "UNHEALTHY", "a is ejected")
    b.status = 503
    assert answers(node, 8) == {(503, b"b"): 8}, "half of the targets are ejected already"
    a.status = b.status = 200
    becomes(node, a, "HEALTHY")
    assert names(node) == {b"a", b"b"}
    assert "is ejected (3 failures in a row; for 1 s)" in node.log.read_text()


def test_the_address_of_a_name_goes_out_and_is_probed_back(node: Node, sites: tuple[Site, Site]) -> None:
    a, _ = sites
    document = config(a, healthchecks=PASSIVE)
    document["upstreams"][0]["targets"] = [{"target": f"localhost:{a.port}"}]
    node.configure(document)
    assert names(node, 2) == {b"a"}
    a.status = 500

    def shown_addresses() -> list[str]:
        [row] = node.admin("GET", "/upstreams/u.test/health")[1]["data"]
        return [one["health"] for one in row["data"]["addresses"] if one["ip"] == "127.0.0.1"]

    eventually(lambda: answers(node, 1) and shown_addresses() == ["UNHEALTHY"], "the address is out")
    assert request(node.port, "GET", "/u")[0] == 503
    a.status = 200
    document["upstreams"][0]["healthchecks"] = PASSIVE | PROBES
    node.configure(document)
    eventually(lambda: shown_addresses() == ["HEALTHY"], "the address is back")
    assert names(node, 2) == {b"a"}


@pytest.mark.parametrize("checks", [PASSIVE, PROBES], ids=["passive", "active"])
def test_ports_of_srv_records_at_one_address_go_out_each_for_itself(
    tmp_path: Path, sites: tuple[Site, Site], checks: dict[str, Any]
) -> None:
    a, b = sites
    document = config(a, healthchecks=checks)
    document["upstreams"][0]["targets"] = [{"target": "sites.test:80"}]
    with NameServer() as server:
        server.set("sites.test", "SRV", *(f"1 1 {site.port} local.test." for site in sites))
        server.set("local.test", "A", "127.0.0.1")
        with Node(tmp_path / "node", dns_resolver=server.address) as node:
            node.configure(document)
            assert names(node) == {b"a", b"b"}
            a.status = 500

            def shown_places() -> dict[tuple[str, int], str]:
                [row] = node.admin("GET", "/upstreams/u.test/health")[1]["data"]
                return {(one["ip"], one["port"]): one["health"] for one in row["data"]["addresses"]}

            half = {("127.0.0.1", a.port): "UNHEALTHY", ("127.0.0.1", b.port): "HEALTHY"}
            eventually(lambda: answers(node, 2) and shown_places() == half, "one port is out")
            assert names(node) == {b"b"}
            a.status = 200
            if checks is PASSIVE:
                path = f"/upstreams/u.test/targets/sites.test:80/127.0.0.1:{a.port}/healthy"
                assert node.admin("PUT", path)[0] == 204
            eventually(lambda: set(shown_places().values()) == {"HEALTHY"}, "it is back")
            assert names(node) == {b"a", b"b"}
