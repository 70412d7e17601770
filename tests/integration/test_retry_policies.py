"""Retry policies between real connections: what is tried again, where, how long it may take, what the client sees."""

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gateline.entities import Target, Upstream
from harness.client import RawClient
from harness.messages import MalformedError
from harness.node import Node, configuration
from harness.stage import Stage, Stages
from harness.upstream import GoneError, RawUpstream, Script, Visit

_POST = b"POST /x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 5\r\n\r\n"
_CHUNKED = b"POST /x HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n"
_DEADLINE = b"The request was not answered before its deadline\nrequest_id: "
_TIMING_OUT = b"The upstream server is timing out\nrequest_id: "


def in_turn(*scripts: Script) -> Script:
    """Does something else with each request, on whatever connection it comes; the last one goes on."""
    left = list(scripts)
    lock = threading.Lock()

    def script(visit: Visit) -> None:
        while True:
            visit.head()
            with lock:
                chosen = left.pop(0) if len(left) > 1 else left[0]
            chosen(visit)
            if visit.file.fileno() < 0:
                raise GoneError

    return script


def says(status: int, *headers: str, body: bytes = b"") -> Script:
    return lambda visit: visit.answer(body or b"%d" % status, *headers, status=status)


def reset(visit: Visit) -> None:
    visit.reset()


def hang(visit: Visit) -> None:
    visit.wait_for_end()


def serve(visit: Visit) -> None:
    visit.answer()


def policy(stages: Stages, script: Script, **fields: Any) -> Stage:
    """A stage whose service has that policy, and five retries unless the policy names another number."""
    return stages.set(script, service={"retry_policy": fields})


def heads(stage: Stage) -> int:
    """How many requests came, whole or not."""
    return sum(data.count(b" HTTP/1.1\r\n") for data in stage.upstream.received)


@pytest.mark.parametrize("fault", [reset, says(503)])
def test_what_the_policy_names_is_tried_again_until_it_goes_well(stages: Stages, fault: Script) -> None:
    stage = policy(stages, in_turn(fault, fault, fault, serve), retry_on=["reset"], statuses=[503], attempts=3)
    response = stage.client().get("/x")
    assert (response.status, response.body) == (200, b"ok")
    assert heads(stage) == 4


def test_the_last_answer_goes_through_when_the_attempts_are_used_up(stages: Stages) -> None:
    script = in_turn(says(503, body=b"1"), says(502, body=b"2"), says(503, "X-Try: 3", body=b"3"), serve)
    stage = policy(stages, script, retry_on=["gateway-error"], attempts=2)
    client = stage.client()
    response = client.get("/x")
    assert (response.status, response.body, response.headers["x-try"]) == (503, b"3", "3")
    assert client.get("/x").status == 200


@pytest.mark.parametrize("status", [500, 429, 404])
def test_other_answers_go_through_at_once(stages: Stages, status: int) -> None:
    stage = policy(stages, in_turn(says(status), serve), statuses=[503])
    assert stage.client().get("/x").status == status
    assert heads(stage) == 1


def test_what_the_policy_leaves_out_is_not_tried_again(stages: Stages) -> None:
    stage = policy(stages, in_turn(reset, serve), retry_on=["connect-failure"])
    assert stage.client().get("/x").status == 502
    assert heads(stage) == 1


def test_a_route_has_the_policy_of_its_service_or_its_own(stages: Stages) -> None:
    upstream = stages.upstream(in_turn(says(503)))
    service = {"url": upstream.url, "retry_policy": {"statuses": [503], "attempts": 1}}
    stage = stages.set(service=service)
    assert stage.client().get("/x").status == 503
    assert len(upstream.requests()) == 2
    own = stages.set(service=service, route={"retry_policy": {"statuses": [503], "attempts": 3}})
    upstream.forget()
    assert own.client().get("/x").status == 503
    assert len(upstream.requests()) == 4


def test_a_discarded_answer_of_any_shape_leaves_nothing_behind(stages: Stages) -> None:
    def chunked(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 503 S\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n", delay=0.01)
        visit.wait_for_end()

    def half(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 503 S\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        visit.wait_for_end()

    def until_close(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 503 S\r\n\r\nhello")
        visit.close()

    def whole(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 503 S\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n")

    stage = policy(stages, in_turn(chunked, half, until_close, whole, serve), statuses=[503], attempts=4)
    client = stage.client()
    for _ in range(3):
        response = client.get("/x")
        assert (response.status, response.body) == (200, b"ok")


def test_an_answer_that_has_begun_is_not_asked_for_again(stages: Stages) -> None:
    def cut(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        visit.close()

    stage = policy(stages, in_turn(cut, serve), retry_on=["5xx"], statuses=[200])
    assert stage.client().get("/x").body == b"ok", "an answer with a status of the policy is not begun for the client"
    stage = policy(stages, in_turn(cut, serve), retry_on=["5xx"])
    with pytest.raises(MalformedError, match="cut off"):
        stage.client().get("/x")
    assert heads(stage) == 1


def test_nothing_is_tried_again_once_the_client_has_heard_of_it(stages: Stages) -> None:
    def hints(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        time.sleep(0.05)
        visit.answer(b"no", status=503)

    stage = policy(stages, in_turn(hints, serve), statuses=[503])
    client = stage.client()
    client.send(b"GET /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    assert b"103" in client.until(b"\r\n\r\n")
    assert client.response().status == 503
    assert heads(stage) == 1


# -- bodies and methods ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", [reset, says(503)])
def test_a_post_is_not_sent_twice_unless_the_policy_says_so(stages: Stages, fault: Script) -> None:
    stage = policy(stages, in_turn(fault, serve), retry_on=["reset"], statuses=[503])
    client = stage.client()
    client.send(_POST + b"hello")
    assert client.response().status >= 500
    assert heads(stage) == 1


def whole(then: Script) -> Script:
    """Takes five bytes of a body first."""

    def script(visit: Visit) -> None:
        visit.take(5)
        then(visit)

    return script


@pytest.mark.parametrize("fault", [whole(reset), whole(says(503)), says(503), reset])
def test_a_post_is_sent_again_with_its_body_where_the_route_says_so(stages: Stages, fault: Script) -> None:
    """Also where the upstream did not take the body at all."""
    fields = {"retry_on": ["reset"], "statuses": [503], "methods": ["POST"]}
    stage = stages.set(in_turn(fault, whole(serve)), route={"retry_policy": fields})
    client = stage.client()
    client.send(_POST, b"hel", b"lo", delay=0.02)
    assert client.response().status == 200
    assert heads(stage) == 2
    assert stage.upstream.visits[-1].received.endswith(b"hello")


def test_a_chunked_body_is_sent_again_in_chunks(stages: Stages) -> None:
    def take(then: Script) -> Script:
        def script(visit: Visit) -> None:
            while not visit.received.endswith(b"0\r\n\r\n"):
                visit.read()
            visit.take(len(b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"))
            then(visit)

        return script

    stage = policy(stages, in_turn(take(says(503)), take(reset), take(serve)), statuses=[503], methods=["POST"])
    client = stage.client()
    client.send(_CHUNKED, b"2\r\nhe\r\n", b"3\r\nllo\r\n0\r\n\r\n", delay=0.05)
    assert client.response().status == 200
    assert heads(stage) == 3


@pytest.mark.parametrize(("limit", "status"), [(100_000, 200), (99_999, 502), (0, 502)])
def test_bodies_are_kept_up_to_the_policys_limit(stages: Stages, limit: int, status: int) -> None:
    def take(then: Script) -> Script:
        def script(visit: Visit) -> None:
            visit.take(100_000)
            then(visit)

        return script

    stage = policy(stages, in_turn(take(reset), take(serve)), retry_on=["reset"], replay_limit=limit)
    client = stage.client()
    client.send(b"PUT /x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 100000\r\n\r\n", b"x" * 100_000)
    assert client.response().status == status


# -- times -------------------------------------------------------------------------------------------------------------
def test_a_try_that_takes_too_long_is_given_up_for_the_next(stages: Stages) -> None:
    stage = policy(stages, in_turn(hang, hang, serve), per_try_timeout=1000)
    assert stage.client().get("/x").status == 200
    assert heads(stage) == 3
    assert all(visit.finished.wait(5) for visit in stage.upstream.visits[:2]), "a try is still asked for its answer"


def test_the_last_try_that_takes_too_long_is_a_504(stages: Stages) -> None:
    stage = policy(stages, in_turn(hang), per_try_timeout=100, attempts=1)
    response = stage.client().get("/x")
    assert response.status == 504
    assert response.body.startswith(_TIMING_OUT)


def test_the_time_of_a_try_ends_with_the_head_of_its_answer(stages: Stages) -> None:
    def slow(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"hel", b"lo", delay=1.3)

    stage = policy(stages, in_turn(slow, serve), per_try_timeout=1000)
    assert stage.client().get("/x").body == b"hello"
    assert heads(stage) == 1


def test_a_connection_that_does_not_come_about_in_the_time_of_a_try_is_tried_again(stages: Stages) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as stack:
        for _ in range(4):  # its queue is full after one or two
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        stage = stages.set(
            service={
                "url": f"http://127.0.0.1:{full.getsockname()[1]}",
                "retry_policy": {"per_try_timeout": 100, "attempts": 1},
            }
        )
        assert stage.client().get("/x").status == 504


@pytest.mark.parametrize("fault", [hang, says(503)])
def test_the_deadline_ends_all_tries(stages: Stages, fault: Script) -> None:
    stage = policy(
        stages,
        in_turn(fault),
        statuses=[503],
        attempts=1000,
        per_try_timeout=40,
        deadline=200,
        backoff={"base": 5, "max": 10},
    )
    client = stage.client()
    response = client.get("/x")
    if fault is hang:
        assert response.status == 504
    else:
        assert response.status in (503, 504), "the last answer stands where the next try would come too late"
    assert client.get("/x").status in (503, 504), "the connection goes on"


def test_the_deadline_has_its_own_message(stages: Stages) -> None:
    stage = policy(stages, in_turn(hang), deadline=100)
    response = stage.client().get("/x")
    assert response.status == 504
    assert response.body.startswith(_DEADLINE)
    assert stage.upstream.visits[0].finished.wait(5), "the upstream is still asked"


def test_the_deadline_counts_the_requests_body(stages: Stages) -> None:
    stage = policy(stages, in_turn(hang), deadline=150)
    client = stage.client()
    client.send(_POST + b"he")
    assert client.response().status == 504


def test_the_deadline_of_the_answer_breaks_it_off(stages: Stages) -> None:
    def endless(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        visit.wait_for_end()

    stage = policy(stages, in_turn(endless), deadline=1999, response_deadline=2000)
    with pytest.raises(MalformedError, match="cut off"):
        stage.client().get("/x")
    assert stage.upstream.visits[0].finished.wait(5)


def test_deadlines_that_are_kept_change_nothing(stages: Stages) -> None:
    stage = policy(stages, in_turn(serve), deadline=60_000, response_deadline=60_000, per_try_timeout=60_000)
    client = stage.client()
    assert [client.get("/x").body for _ in range(20)] == [b"ok"] * 20


def test_a_retry_waits_as_the_answer_asks(stages: Stages) -> None:
    at: list[float] = []

    def note(then: Script) -> Script:
        def script(visit: Visit) -> None:
            at.append(time.monotonic())
            then(visit)

        return script

    stage = policy(
        stages, in_turn(note(says(503, "Retry-After: 1")), note(serve)), statuses=[503], retry_after_max=1000
    )
    assert stage.client().get("/x").status == 200
    assert at[1] - at[0] >= 0.99


def test_an_answer_that_asks_for_too_long_a_wait_stands(stages: Stages) -> None:
    stage = policy(stages, in_turn(says(503, "Retry-After: 2"), serve), statuses=[503], retry_after_max=1000)
    response = stage.client().get("/x")
    assert (response.status, response.headers["retry-after"]) == (503, "2")


def test_a_client_that_leaves_while_its_request_waits_ends_it(stages: Stages) -> None:
    stage = policy(stages, in_turn(says(503), serve), statuses=[503], backoff={"base": 600_000, "max": 600_000})
    with RawClient(stage.node.port) as client:
        client.send(b"GET /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        stage.upstream.wait_for_requests(1)
        client.abort()
    until(lambda: not stage.node.ask(lambda: len(stage.node.worker._crowd.connections)))
    assert heads(stage) == 1
    assert stage.client().get("/x").status == 200


def test_more_of_a_body_may_come_while_its_request_waits(stages: Stages) -> None:
    waits = {"base": 200, "max": 200}
    stage = policy(stages, in_turn(says(503), whole(serve)), statuses=[503], methods=["POST"], backoff=waits)
    client = stage.client()
    client.send(_POST + b"he")
    stage.upstream.wait_for_visits(1)[0].wait_for(b"\r\n\r\n")
    client.send(b"l", b"l", b"o", delay=0.02)
    assert client.response().status == 200
    assert stage.upstream.visits[-1].received.endswith(b"hello")


# -- several targets, budgets ------------------------------------------------------------------------------------------
def balanced(stages: Stages, *scripts: Script, **fields: Any) -> tuple[Node, list[RawUpstream]]:
    """A node whose service spreads its requests over several upstreams."""
    upstreams = [stages.upstream(script) for script in scripts]
    service = {"name": "s", "host": "u.test", "retry_policy": fields, "routes": [{"paths": ["/"]}]}
    config = configuration(service)
    entity = Upstream.parse({"name": "u.test"})
    config["upstreams"] = [entity.to_wire()]
    config["targets"] = [
        Target.parse({"target": f"127.0.0.1:{one.port}", "upstream": {"id": entity.id}}).to_wire() for one in upstreams
    ]
    return stages.node(config), upstreams


def test_another_try_goes_to_another_target(stages: Stages) -> None:
    node, upstreams = balanced(stages, in_turn(says(503)), in_turn(serve), in_turn(reset), statuses=[503], attempts=2)
    with RawClient(node.port) as client:
        assert [client.get("/x").status for _ in range(12)] == [200] * 12
    assert len(upstreams[1].requests()) == 12


def test_a_budget_holds_under_load(stages: Stages) -> None:
    """Forty requests of which the first answers are all discarded: no more than the budget have a second try."""
    clients = 40
    everybody = threading.Barrier(clients)
    second = threading.Semaphore(0)
    go_on = threading.Event()

    def refuse(visit: Visit) -> None:
        everybody.wait(10)
        visit.answer(b"no", status=503)

    def wait(visit: Visit) -> None:
        second.release()
        go_on.wait(10)
        visit.answer()

    script = in_turn(*[refuse] * clients, wait)
    stage = policy(stages, script, statuses=[503], budget={"percent": 10, "min_concurrent": 2})
    waiting = [stage.client() for _ in range(clients)]
    for client in waiting:
        client.send(b"GET /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    assert all(second.acquire(timeout=10) for _ in range(4)), "the budget is not used"
    load = stage.node.ask(lambda: next(iter(stage.node.worker._configuration.services.values())).compiled.load)
    assert load.retrying <= 4
    until(lambda: load.live == load.retrying)
    go_on.set()
    statuses = [client.response().status for client in waiting]
    assert sorted(set(statuses)) == [200, 503]
    assert statuses.count(200) == 4
    until(lambda: (load.live, load.retrying) == (0, 0))


def test_a_change_of_configuration_forgets_no_request(stages: Stages) -> None:
    go_on = threading.Event()

    def script(visit: Visit) -> None:
        visit.head()
        go_on.wait(10)
        visit.answer()
        visit.wait_for_end()

    upstream = stages.upstream(script)
    service = {"id": "70000000-0000-4000-8000-000000000001", "name": "s", "url": upstream.url}
    routes = [{"paths": ["/"]}]
    rows = configuration({**service, "retry_policy": {"budget": {}}, "routes": routes})
    node = stages.node(rows)
    with RawClient(node.port) as client:
        client.send(b"GET /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        upstream.wait_for_visits(1)[0].wait_for(b"\r\n\r\n")
        node.configure(configuration({**service, "retry_policy": {"budget": {"percent": 1}}, "routes": routes}))
        load = node.ask(lambda: next(iter(node.worker._configuration.services.values())).compiled.load)
        assert load.live == 1
        go_on.set()
        assert client.response().status == 200
        until(lambda: load.live == 0)


# -- with other things -------------------------------------------------------------------------------------------------
def test_a_refused_upgrade_is_tried_again_and_a_tunnel_outlives_deadlines(stages: Stages) -> None:
    def agree(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        visit.take(4)
        visit.send(b"pong")
        visit.wait_for_end()

    stage = policy(
        stages,
        in_turn(says(503), reset, agree),
        statuses=[503],
        deadline=2000,
        response_deadline=2100,
        per_try_timeout=1500,
    )
    client = stage.client()
    client.send(
        b"GET /ws HTTP/1.1\r\nHost: gateway.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert b" 101 " in client.until(b"\r\n\r\n")
    assert client.is_silent(2.5), "a deadline ended the tunnel"
    client.send(b"ping")
    assert client.until(b"pong") == b"pong"


@pytest.mark.parametrize("connection", ["", "Connection: keep-alive\r\n"])
def test_clients_of_http_1_0_have_retries_too(stages: Stages, connection: str) -> None:
    stage = policy(stages, in_turn(says(503), reset, serve), statuses=[503])
    client = stage.client()
    client.send(f"GET /x HTTP/1.0\r\nHost: gateway.test\r\n{connection}\r\n".encode())
    response = client.response()
    assert (response.status, response.body) == (200, b"ok")
    assert heads(stage) == 3


_PLUGIN = """
from gateline.pdk import Plugin, PluginConfig

records = []
seen = []


class Witness(Plugin[PluginConfig], name="witness", priority=10):
    def access(self, exchange):
        text = exchange.request.header("x-retries")
        if text:
            exchange.service_request.set_retries(int(text))

    def reads_response(self, exchange):
        return True

    def response(self, exchange):
        seen.append(exchange.service_response.status)
        exchange.response.set_body(exchange.response.body.upper())

    def log(self, exchange):
        records.append(exchange.log_record())
"""


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What a stage needs to run a plugin that keeps answers whole and every log record."""
    (tmp_path / "witness.py").write_text(_PLUGIN)
    row = {
        "id": "60000000-0000-4000-8000-000000000001",
        "name": "witness",
        "config": {},
        "protocols": ["http", "https"],
        "enabled": True,
    }
    yield {"settings": {"plugin_folders": str(tmp_path)}, "plugins": [row]}
    sys.modules.pop("gateline_plugin_witness", None)


def told() -> Any:
    return sys.modules["gateline_plugin_witness"]


def test_plugins_that_keep_answers_whole_see_the_one_that_counts(stages: Stages, witness: dict[str, Any]) -> None:
    service = {"retry_policy": {"statuses": [503]}}
    stage = stages.set(in_turn(says(503), says(503), serve), service=service, **witness)
    assert stage.client().get("/x").body == b"OK"
    until(lambda: bool(told().records))
    assert told().seen == [200]


def test_the_deadline_of_the_answer_is_a_504_while_a_plugin_keeps_it(stages: Stages, witness: dict[str, Any]) -> None:
    def half(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        visit.wait_for_end()

    stage = stages.set(headed(half), service={"retry_policy": {"response_deadline": 150}}, **witness)
    response = stage.client().get("/x")
    assert response.status == 504
    assert response.body.startswith(_DEADLINE)


def headed(then: Script) -> Script:
    def script(visit: Visit) -> None:
        visit.head()
        then(visit)

    return script


def test_the_retries_that_a_plugin_sets_count_more_than_the_policys(stages: Stages, witness: dict[str, Any]) -> None:
    service = {"retry_policy": {"statuses": [503], "attempts": 5}}
    stage = stages.set(in_turn(says(503)), service=service, **witness)
    client = stage.client()
    assert client.get("/x", "X-Retries: 1").status == 503
    assert heads(stage) == 2
    assert client.get("/x", "X-Retries: 0").status == 503
    assert heads(stage) == 3


def test_the_log_record_lists_every_try(stages: Stages, witness: dict[str, Any]) -> None:
    service = {"retry_policy": {"statuses": [503], "per_try_timeout": 1500}}
    before = int(time.time() * 1000) - 1
    stage = stages.set(in_turn(says(503), reset, hang, serve), service=service, **witness)
    assert stage.client().get("/x").status == 200
    until(lambda: bool(told().records))
    tries = told().records[0]["tries"]
    assert [(one["ip"], one["port"]) for one in tries] == [("127.0.0.1", stage.upstream.port)] * 4
    assert [(one.get("state"), one.get("code")) for one in tries] == [
        ("next", 503),
        ("failed", 502),
        ("failed", 504),
        (None, None),
    ]
    starts = [one["balancer_start"] for one in tries]
    assert before <= starts[0] <= starts[1] <= starts[2] <= starts[3] <= time.time() * 1000 + 1
    assert all(one["balancer_latency"] == 0 for one in tries)


def test_the_log_record_has_the_try_that_failed_last(stages: Stages, witness: dict[str, Any]) -> None:
    stage = stages.set(in_turn(reset), service={"retries": 1}, **witness)
    assert stage.client().get("/x").status == 502
    until(lambda: bool(told().records))
    assert [(one["state"], one["code"]) for one in told().records[0]["tries"]] == [("failed", 502)] * 2


def until(condition: Callable[[], bool], timeout: float = 10.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.005)
