"""Circuit breakers and limits: what they refuse, whom they let try, over all workers."""

import http.client
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.nodes import Node, eventually, request
from integration.sites import Site, config

BREAKER: dict[str, Any] = {"minimum_calls": 4, "failure_rate": 50, "open_time": 1, "trial_calls": 2, "window": 60}


@pytest.fixture
def site() -> Iterator[Site]:
    with Site("a") as one:
        yield one


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Node(tmp_path / "node", worker_processes="2") as running:
        yield running


def asked(node: Node) -> tuple[int, bytes, str | None]:
    """A request on a connection of its own: status, body, Retry-After."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=30)
    try:
        connection.request("GET", "/u", headers={"Accept": "application/json"})
        response = connection.getresponse()
        return response.status, response.read(), response.getheader("Retry-After")
    finally:
        connection.close()


def is_refused(node: Node) -> bool:
    status, body, _ = asked(node)
    return status == 503 and b"circuit breaker is open" in body


@pytest.mark.parametrize("place", ["target", "service"])
def test_a_circuit_opens_is_tried_and_closes(node: Node, site: Site, place: str) -> None:
    if place == "target":
        node.configure(config(site, circuit_breaker=BREAKER))
    else:
        node.configure(config(site, service={"circuit_breaker": BREAKER}))
    site.status = 500
    eventually(lambda: is_refused(node), "the circuit opens")
    assert site.requests >= 4
    site.status = 200
    taken = site.requests
    status, body, wait = asked(node)
    if status == 503:
        assert b"the circuit breaker is open" in body
        assert wait is not None
        assert int(wait) >= 1
        assert site.requests == taken, "nothing reaches a target whose circuit is open"
    eventually(lambda: asked(node)[0] == 200, "it is tried")
    eventually(lambda: [asked(node)[0] for _ in range(8)] == [200] * 8, "it closes")


def test_as_many_trials_as_are_allowed_are_let_through_by_all_workers(node: Node, site: Site) -> None:
    node.configure(config(site, circuit_breaker=BREAKER | {"trial_calls": 3}))
    site.status = 500
    eventually(lambda: is_refused(node), "the circuit opens")
    before = site.requests
    site.hangs = True
    found: list[int] = []
    threads: list[threading.Thread] = []
    eventually(lambda: _one_more(node, threads, found) and site.requests == before + 3, "three trials are let through")
    for _ in range(12):
        _one_more(node, threads, found)
    eventually(lambda: len(found) >= len(threads) - 3, "the others are refused")
    assert site.requests == before + 3
    assert Counter(found).keys() == {503}
    site.status = 200
    site.release()
    for thread in threads:
        thread.join()
    eventually(lambda: [asked(node)[0] for _ in range(8)] == [200] * 8, "it closes")


def _one_more(node: Node, threads: list[threading.Thread], found: list[int]) -> bool:
    """Send a request that may take its time."""
    if len(threads) - len(found) < 3:
        thread = threading.Thread(target=lambda: found.append(asked(node)[0]))
        thread.start()
        threads.append(thread)
    time.sleep(0.02)
    return True


def test_open_circuits_survive_the_control_process_and_lost_trials_a_worker(node: Node, site: Site) -> None:
    node.configure(config(site, circuit_breaker=BREAKER | {"open_time": 3, "trial_calls": 1}))
    site.status = 500
    eventually(lambda: is_refused(node), "the circuit opens")
    control = node.state.control
    os.kill(control, signal.SIGKILL)
    node.renewed_control(control)
    eventually(lambda: node.admin("GET", "/status")[0] == 200, "the Admin API answers")
    site.status, site.hangs = 200, True
    before = site.requests
    threads: list[threading.Thread] = []

    def one() -> None:
        try:
            asked(node)
        except (OSError, http.client.HTTPException):
            return

    def tried() -> bool:
        thread = threading.Thread(target=one)
        thread.start()
        threads.append(thread)
        thread.join(0.05)
        return site.requests > before

    eventually(tried, "a trial is let through")
    for worker in node.workers:  # whichever has it
        os.kill(worker, signal.SIGKILL)
        node.replaced(worker)
    site.release()
    for thread in threads:
        thread.join()
    eventually(lambda: asked(node)[0] == 200, "another trial takes its place")
    eventually(lambda: [asked(node)[0] for _ in range(6)] == [200] * 6, "it closes")


@pytest.mark.parametrize("name", ["max_requests", "max_connections"])
@pytest.mark.parametrize("place", ["limits", "target_limits"])
def test_no_more_than_the_limit_is_under_way_in_all_workers(node: Node, site: Site, place: str, name: str) -> None:
    node.configure(config(site, **{place: {name: 3}}))
    site.hangs = True
    found: list[int] = []
    threads: list[threading.Thread] = []
    eventually(lambda: _one_more(node, threads, found) and site.requests == 3, "three are under way")
    for _ in range(6):
        status, body, _ = asked(node)
        assert status == 503
        assert b"too much is under way at the upstream" in body
    assert site.requests == 3
    site.release()
    for thread in threads:
        thread.join()
    assert Counter(found) == {200: 3}
    eventually(lambda: [asked(node)[0] for _ in range(6)] == [200] * 6, "there is room again")


def test_requests_beyond_max_connections_wait_for_one(node: Node, site: Site) -> None:
    node.configure(config(site, limits={"max_connections": 3, "max_pending_requests": 3}))
    site.hangs = True
    found: list[int] = []
    threads: list[threading.Thread] = []
    eventually(lambda: _one_more(node, threads, found) and site.requests == 3, "three connections are in use")
    found.clear()
    more = [threading.Thread(target=lambda: found.append(asked(node)[0])) for _ in range(6)]
    for thread in more:
        thread.start()
    eventually(lambda: found == [503] * 3, "of six more, three wait")
    assert site.requests == 3
    site.release()
    for thread in [*threads, *more]:
        thread.join()
    assert Counter(found) == {503: 3, 200: 6}
    assert site.requests == 6


def test_what_a_worker_held_is_given_back_when_it_dies(node: Node, site: Site) -> None:
    node.configure(config(site, limits={"max_requests": 2}))
    site.hangs = True
    threads: list[threading.Thread] = []

    def one() -> None:
        try:
            asked(node)
        except (OSError, http.client.HTTPException):
            return

    for _ in range(2):
        threads.append(threading.Thread(target=one))
        threads[-1].start()
    eventually(lambda: site.requests == 2, "two are under way")
    for worker in node.workers:
        os.kill(worker, signal.SIGKILL)
        node.replaced(worker)
    site.release()
    for thread in threads:
        thread.join()
    assert [request(node.port, "GET", "/u")[0] for _ in range(4)] == [200] * 4
