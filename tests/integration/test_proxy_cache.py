"""proxy-cache in running nodes: one fetch over all workers, purging, long bodies, what survives what."""

import http.client
import http.server
import json
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import pytest

from integration.nodes import LIMIT, Node, eventually, request
from integration.test_cluster_nodes import Make, database, make

__all__ = ["database", "make"]

CLIENTS = 60
LONG = bytes(range(256)) * 4096


class Service:
    """Counts requests; those for a path that ends with /held wait for `release`. /long has a long answer."""

    def __init__(self) -> None:
        service = self
        self.paths: list[str] = []
        self.go = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                service.paths.append(self.path)
                if self.path.endswith("/held"):
                    service.go.wait(LIMIT)
                body = LONG if self.path.endswith("/long") else b"ok"
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Cache-Control", "max-age=600")
                self.send_header("Cache-Tag", f"all,{self.path.strip('/').partition('/')[0]}")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


def config(service: Service, **cache: Any) -> dict[str, Any]:
    plugin = {"name": "proxy-cache", "config": {"strategy": "memory", "cache_control": True, **cache}}
    route = {"name": "r", "paths": ["/"], "strip_path": False}
    url = f"http://127.0.0.1:{service.port}"
    return {
        "_format_version": "3.0",
        "services": [{"name": "s", "url": url, "routes": [route], "plugins": [plugin]}],
    }


def asked(node: Node, path: str) -> tuple[str | None, str | None, bytes]:
    """Status and key of the cache, and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=LIMIT)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.headers["X-Cache-Status"], response.headers["X-Cache-Key"], body


def test_requests_at_two_workers_make_one_fetch(tmp_path: Path, service: Service) -> None:
    with Node(tmp_path / "node", worker_processes="2") as node, ThreadPoolExecutor(CLIENTS) as pool:
        node.configure(config(service))
        answers = [pool.submit(asked, node, "/cold/held") for _ in range(CLIENTS)]
        eventually(lambda: _requests(node) >= CLIENTS, "all requests have come")
        service.go.set()
        found = [answer.result() for answer in answers]
    assert service.paths == ["/cold/held"]
    assert {body for _, _, body in found} == {b"ok"}
    assert sorted({status for status, _, _ in found if status}) == ["Hit", "Miss"]


def _requests(node: Node) -> int:
    return int(node.admin("GET", "/status")[1]["server"]["connections_active"])


def test_a_worker_that_is_killed_while_it_fetches_holds_up_nobody(tmp_path: Path, service: Service) -> None:
    with Node(tmp_path / "node", worker_processes="1") as node:
        node.configure(config(service))
        worker = node.workers[0]
        with ThreadPoolExecutor(1) as pool:
            lost = pool.submit(asked, node, "/cold/held")
            eventually(lambda: service.paths, "the service was asked")
            os.kill(worker, signal.SIGKILL)
            assert isinstance(lost.exception(), OSError | http.client.HTTPException)
        node.replaced(worker)
        service.go.set()
        assert eventually(lambda: _tried(node, "/cold/held"), "an answer")[2] == b"ok"
        assert asked(node, "/cold/held")[0] == "Hit"


def _tried(node: Node, path: str) -> tuple[str | None, str | None, bytes] | None:
    try:
        return asked(node, path)
    except OSError:
        return None


@pytest.mark.parametrize("strategy", ["memory", "disk"])
def test_entries_are_purged_in_every_way(tmp_path: Path, service: Service, strategy: str) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(config(service, strategy=strategy))
        paths = ["/a/1", "/a/2", "/b/1?x=1", "/c/long"]
        keys = {path: asked(node, path)[1] for path in paths}

        def there() -> list[str]:
            return [path for path in paths if node.admin("GET", f"/proxy-cache/{keys[path]}")[0] == 200]

        assert there() == paths
        shown = node.admin("GET", f"/proxy-cache/{keys['/a/1']}")[1]
        assert (shown["status"], shown["body"], shown["headers"]["Content-Type"]) == (200, "ok", "text/plain")
        assert asked(node, "/c/long") == ("Hit", keys["/c/long"], LONG)
        assert node.admin("DELETE", f"/proxy-cache/{keys['/a/1']}")[0] == 204
        assert node.admin("DELETE", f"/proxy-cache/{keys['/a/1']}")[0] == 404
        assert there() == paths[1:]
        assert node.admin("DELETE", "/proxy-cache?url=http://127.0.0.1/b/1%3Fx=1") == (200, {"purged": 1})
        assert there() == ["/a/2", "/c/long"]
        assert node.admin("DELETE", "/proxy-cache?tag=c") == (200, {"purged": 1})
        assert there() == ["/a/2"]
        asked(node, "/a/1")
        assert node.admin("DELETE", "/proxy-cache?prefix=127.0.0.1/a/") == (200, {"purged": 2})
        assert there() == []
        asked(node, "/a/1")
        plugin = node.admin("GET", "/plugins")[1]["data"][0]["id"]
        place = f"/proxy-cache/{plugin}/caches/{keys['/a/1']}"
        assert [node.admin(verb, place)[0] for verb in ("GET", "DELETE", "GET")] == [200, 204, 404]
        asked(node, "/a/1")
        assert node.admin("DELETE", "/proxy-cache")[0] == 204
        assert there() == []


@pytest.mark.parametrize("strategy", ["memory", "disk"])
def test_no_worker_gives_what_it_remembers_of_what_was_purged(tmp_path: Path, service: Service, strategy: str) -> None:
    with Node(tmp_path / "node", worker_processes="2") as node:
        node.configure(config(service, strategy=strategy))
        key = asked(node, "/a/1")[1]
        for purge in (f"/{key}", "?url=http://127.0.0.1/a/1", "?tag=a", "?prefix=127.0.0.1/a/", ""):
            assert {asked(node, "/a/1")[0] for _ in range(16)} == {"Hit"}  # both workers remember it
            assert node.admin("DELETE", f"/proxy-cache{purge}")[0] in (200, 204)
            assert [asked(node, "/a/1")[0] for _ in range(8)] == ["Miss"] + ["Hit"] * 7, purge


def test_what_is_on_disk_outlives_the_node(tmp_path: Path, service: Service) -> None:
    declared = tmp_path / "kong.json"
    declared.write_text(json.dumps(config(service, strategy="disk")))
    for round_ in range(2):
        with Node(tmp_path / "node", declarative_config=str(declared), proxy_listen=_free(tmp_path)) as node:
            if not round_:
                eventually(lambda: asked(node, "/a/long")[0] == "Hit", "it is kept")
                os.kill(node.workers[0], signal.SIGKILL)
            else:
                assert asked(node, "/a/long")[::2] == ("Hit", LONG)


def _free(place: Path) -> str:
    """A free port, the same at each call, as keys have the port in them."""
    known = place / "port"
    if not known.exists():
        with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as found:
            known.write_text(str(found.server_address[1]))
    return f"127.0.0.1:{known.read_text()}"


def test_a_purge_reaches_the_other_nodes_of_a_database(make: Make, service: Service) -> None:
    with make("one") as one, make("two") as two:
        assert one.admin("POST", "/services", {"name": "s", "url": f"http://127.0.0.1:{service.port}"})[0] == 201
        route = {"name": "r", "paths": ["/"], "strip_path": False}
        assert one.admin("POST", "/services/s/routes", route)[0] == 201
        plugin = {"name": "proxy-cache", "config": {"strategy": "memory", "cache_control": True}}
        assert one.admin("POST", "/plugins", plugin)[0] == 201
        eventually(lambda: request(two.port, "GET", "/warm")[0] == 200, "the other node serves it")
        eventually(lambda: asked(two, "/a/1")[0] == "Hit", "the other node caches it")
        assert one.admin("DELETE", "/proxy-cache?tag=a")[0] == 200
        eventually(lambda: asked(two, "/a/1")[0] == "Miss", "the other node has purged it")
