"""The Admin API of a running gateway with a store: what it has acknowledged is in force in every worker, writers at the
same time lose nothing, and the token guards the real port."""

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.gateway import Gateway

LIMIT = 30.0


@pytest.fixture(scope="module")
def stored_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with two workers and an empty store."""
    with Gateway(tmp_path_factory.mktemp("admin")) as running:
        yield running


def ask(
    port: int, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any, http.client.HTTPResponse]:
    """Ask on a connection of its own: status, decoded JSON, the response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if body is None or isinstance(body, bytes) else json.dumps(body)
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, path, content, sent)
        response = connection.getresponse()
        answer = response.read()
        return response.status, json.loads(answer) if answer else None, response
    finally:
        connection.close()


def test_what_was_acknowledged_is_in_force_in_every_worker(stored_gateway: Gateway) -> None:
    admin, proxy = stored_gateway.admin_port, stored_gateway.port

    def served(path: str) -> set[int]:
        return {ask(proxy, "GET", path)[0] for _ in range(8)}

    for number in range(10):
        path, other = f"/live-{number}", f"/moved-{number}"
        status, route, _ = ask(admin, "POST", "/routes", {"paths": [path]})
        assert status == 201
        assert served(path) == {503}, "a route without a service answers so; without the route it were 404"
        assert ask(admin, "PATCH", f"/routes/{route['id']}", {"paths": [other]})[0] == 200
        assert (served(path), served(other)) == ({404}, {503})
        assert ask(admin, "DELETE", f"/routes/{route['id']}")[0] == 204
        assert served(other) == {404}


def test_writers_that_state_what_they_saw_lose_no_change(stored_gateway: Gateway) -> None:
    admin, clients, each = stored_gateway.admin_port, 6, 5
    assert ask(admin, "PUT", "/services/counter", {"host": "h.test", "retries": 0})[0] == 200
    conflicts = []

    def count() -> None:
        done = 0
        while done < each:
            _, seen, response = ask(admin, "GET", "/services/counter")
            change = {"retries": seen["retries"] + 1}
            status, _, _ = ask(admin, "PATCH", "/services/counter", change, If_Match=response.headers["ETag"])
            if status == 200:
                done += 1
            else:
                conflicts.append(status)

    threads = [threading.Thread(target=count) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert ask(admin, "GET", "/services/counter")[1]["retries"] == clients * each
    assert set(conflicts) <= {412}


def test_of_many_that_make_the_same_thing_one_does(stored_gateway: Gateway) -> None:
    admin = stored_gateway.admin_port
    statuses: list[int] = []

    def make() -> None:
        statuses.append(ask(admin, "POST", "/services", {"name": "only-one", "host": "h.test"})[0])

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert sorted(statuses) == [201, *[409] * 7]


def test_an_acknowledged_write_is_there_after_a_restart(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        assert ask(gateway.admin_port, "PUT", "/routes/r", {"paths": ["/kept"]})[0] == 200
    with Gateway(tmp_path) as gateway:
        assert ask(gateway.admin_port, "GET", "/routes/r")[1]["paths"] == ["/kept"]
        assert ask(gateway.port, "GET", "/kept")[0] == 503


def test_the_log_level_is_that_of_the_whole_node(stored_gateway: Gateway) -> None:
    admin = stored_gateway.admin_port
    assert ask(admin, "PUT", "/debug/node/log-level/debug?timeout=0")[1] == {"message": "log level changed"}
    assert ask(admin, "GET", "/debug/node/log-level")[1] == {"message": "log level: debug"}
    assert ask(admin, "PUT", "/debug/node/log-level/notice?timeout=0")[0] == 200


def test_the_root_tells_the_store(stored_gateway: Gateway) -> None:
    status, root, response = ask(stored_gateway.admin_port, "GET", "/")
    assert (status, root["configuration"]["database"]) == (200, "sqlite")
    assert response.headers["Server"] == f"kong/{root['version']}"
    assert response.headers["X-Kong-Admin-Latency"].isdigit()


def test_a_body_may_come_in_chunks(stored_gateway: Gateway) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", stored_gateway.admin_port, timeout=LIMIT)
    parts = (b'{"host":', b'"chunks.test"}')
    connection.request("POST", "/services", iter(parts), {"Content-Type": "application/json"}, encode_chunked=True)
    assert connection.getresponse().status == 201
    connection.close()


def test_a_client_that_goes_away_in_the_middle_of_a_body_does_no_harm(stored_gateway: Gateway) -> None:
    for _ in range(3):
        connection = http.client.HTTPConnection("127.0.0.1", stored_gateway.admin_port, timeout=LIMIT)
        connection.putrequest("POST", "/services")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "100")
        connection.endheaders(b'{"host":')
        connection.close()
    assert ask(stored_gateway.admin_port, "GET", "/services?size=1")[0] == 200
    assert "failed" not in stored_gateway.log()


def test_the_token_guards_the_admin_port_alone(tmp_path: Path) -> None:
    with Gateway(tmp_path, admin_token="open-sesame", status_listen="127.0.0.1:0") as gateway:
        for path in ("/", "/services", "/openapi.json", "/not-there"):
            status, answer, response = ask(gateway.admin_port, "GET", path)
            assert (status, answer) == (401, {"message": "Unauthorized"})
            assert response.headers["WWW-Authenticate"] == "Bearer"
        body = b"x" * 100_000
        assert ask(gateway.admin_port, "POST", "/services", body)[0] == 401
        assert ask(gateway.admin_port, "GET", "/services", Kong_Admin_Token="open-sesame")[0] == 200
        assert ask(gateway.admin_port, "GET", "/services", Authorization="Bearer open-sesame")[0] == 200
        status_port = int(gateway.state["status_listen"][0].rpartition(":")[2])
        assert ask(status_port, "GET", "/status")[0] == 200
        assert "open-sesame" not in gateway.log()
