"""Plugins between real connections: clients that leave, upstreams that die, long bodies, streams that switch."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.client import DEADLINE
from harness.stage import Stage, Stages
from harness.upstream import Script, Visit, answer

PLUGIN = """
import asyncio
from gateline.pdk import Exchange, Plugin, PluginConfig, Response

events = []


class Actor(Plugin[PluginConfig], name="actor", priority=10):
    async def access(self, exchange):
        act = exchange.request.header("x-act")
        if act == "refuse":
            return Response(403, "no")
        if act == "wait":
            events.append("waiting")
            try:
                await asyncio.sleep(float(exchange.request.header("x-seconds") or 60))
            except asyncio.CancelledError:
                events.append("cancelled")
                raise

    def reads_request(self, exchange):
        return exchange.request.header("x-act") == "read"

    def reads_response(self, exchange):
        return exchange.request.header("x-act") in ("whole", "shout")

    def header_filter(self, exchange):
        exchange.response.set_header("X-Actor", "1")

    def log(self, exchange):
        events.append(("log", exchange.request.path, exchange.response.status))
"""
WHOLE = (
    PLUGIN + "\n    def response(self, exchange):\n        exchange.response.set_body(exchange.response.body.upper())\n"
)
SHOUT = PLUGIN + "\n    def body_filter(self, exchange, data, last):\n        return data.upper()\n"


Make = Callable[..., Stage]


@pytest.fixture
def stage(stages: Stages, tmp_path: Path) -> Iterator[Make]:
    def make(code: str = PLUGIN, script: Script | None = None, **options: Any) -> Stage:
        (tmp_path / "actor.py").write_text(code)
        row = {
            "id": "60000000-0000-4000-8000-000000000001",
            "name": "actor",
            "config": {},
            "protocols": ["http", "https"],
            "enabled": True,
        }
        settings = {"plugin_folders": str(tmp_path), **options.pop("settings", {})}
        return stages.set(script, settings=settings, plugins=[row], **options)

    yield make
    sys.modules.pop("gateline_plugin_actor", None)


def events() -> list[Any]:
    found: list[Any] = sys.modules["gateline_plugin_actor"].events
    return found


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come: {events()}"
        time.sleep(0.005)


def test_a_client_that_leaves_ends_the_hook_that_it_waits_for(stage: Make) -> None:
    set_up = stage()
    client = set_up.client()
    client.send(b"GET /left HTTP/1.1\r\nHost: a\r\nX-Act: wait\r\n\r\n")
    until(lambda: "waiting" in events(), "the hook")
    client.close()
    until(lambda: ("log", "/left", 0) in events(), "the log")
    until(lambda: "cancelled" in events(), "the end of the hook")
    assert set_up.upstream.visits == []


def test_requests_sent_ahead_are_answered_in_order(stage: Make) -> None:
    client = stage().client()
    slow = b"GET /%d HTTP/1.1\r\nHost: a\r\nX-Act: wait\r\nX-Seconds: 0.02\r\n\r\n"
    client.send(slow % 1 + b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n" + slow % 3)
    assert [client.response().status for _ in range(3)] == [200] * 3
    until(lambda: sum(event[0] == "log" for event in events()) == 3, "three logs")
    assert [event[1] for event in events() if event[0] == "log"] == ["/1", "/2", "/3"]


def test_an_upstream_that_dies_while_its_answer_is_kept_is_an_error(stage: Make) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsecret")

    set_up = stage(WHOLE, script)
    response = set_up.client().get("/", "X-Act: whole")
    assert response.status == 502
    assert b"secret" not in response.body
    assert response.headers["x-actor"] == "1"
    assert len(set_up.upstream.visits) == 1, "it is not asked again"


def test_an_answer_is_kept_whole_over_many_segments(stage: Make) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        visit.send(head, b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n", delay=0.01)
        visit.wait_for_end()

    response = stage(WHOLE, script).client().get("/", "X-Act: whole")
    assert (response.body, response.headers["content-length"]) == (b"ABCDE", "5")


def test_a_long_answer_streams_through_a_filter(stage: Make) -> None:
    size = 2 * 1024 * 1024

    def script(visit: Visit) -> None:
        visit.request()
        visit.send(answer(b"a" * size))
        visit.wait_for_end()

    response = stage(SHOUT, script).client().get("/", "X-Act: shout")
    assert (len(response.body), set(response.body)) == (size, {ord("A")})


def test_a_client_that_waits_to_send_is_not_asked_for_a_body_that_is_refused(stage: Make) -> None:
    client = stage().client()
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\nX-Act: refuse\r\n\r\n"
    client.send(head)
    assert client.response().status == 403


def test_a_client_that_waits_to_send_is_asked_for_a_body_that_a_plugin_reads(stage: Make) -> None:
    set_up = stage()
    client = set_up.client()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\nX-Act: read\r\n\r\n")
    client.until(b"100 Continue\r\n\r\n")
    client.send(b"hello")
    assert client.response().status == 200
    assert set_up.upstream.visits[0].received.endswith(b"hello")
    assert set_up.upstream.visits[0].received.count(b"POST ") == 1


def test_a_request_in_flight_ends_with_the_plugins_that_it_began_with(stage: Make) -> None:
    set_up = stage()
    client = set_up.client()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Act: wait\r\nX-Seconds: 0.2\r\n\r\n")
    until(lambda: "waiting" in events(), "the hook")
    set_up.node.configure({**set_up.node._config, "plugins": []})
    assert set_up.client().get().headers.get("x-actor") is None
    assert client.response().headers["x-actor"] == "1"


def test_websockets_pass_through_plugins(stage: Make) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        visit.send(visit.take(4).upper())
        visit.wait_for_end()

    client = stage(SHOUT, script).client()
    client.send(
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert client.response().status == 101
    client.send(b"ping")
    client.until(b"PING")


def test_a_timer_of_a_plugin_runs_until_the_plugin_is_gone(stage: Make) -> None:
    code = PLUGIN + "\n    def start(self):\n        self.node.every(0.005, lambda: events.append('tick'))\n"
    set_up = stage(code)
    until(lambda: events().count("tick") >= 3, "three ticks")
    set_up.node.configure({**set_up.node._config, "plugins": []})
    events().clear()
    set_up.node.wait(lambda: asyncio.sleep(0.05))
    assert "tick" not in events()
