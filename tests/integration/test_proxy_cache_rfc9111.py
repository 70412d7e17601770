"""proxy-cache with `cache_control`, between real connections: what the service is asked, and what clients get.

Answers grow old without waiting: the service says that they are (`Age`).
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateline.entities import Plugin
from gateline.pdk.discovery import Plugins
from gateline.plugins.proxy_cache import coalescing
from harness.messages import Request, Response
from harness.stage import Stage, Stages
from harness.upstream import Visit, answer

Reply = Callable[[Request], bytes | None]
FRESH = "Cache-Control: max-age=600"


@pytest.fixture(autouse=True)
def bundled() -> Iterator[None]:
    """The plugin, known to the entities."""
    plugins = Plugins(["proxy-cache"])
    plugins.load_all()
    yield
    plugins.unload()


class Service:
    """Answers as it is told to, None being a connection that breaks; keeps what it was asked."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.asked: list[Request] = []

    def __call__(self, visit: Visit) -> None:
        while True:
            request = visit.request()
            self.asked.append(request)
            reply = self.reply(request)
            if reply is None:
                visit.reset()
                return
            visit.send(reply)


def says(*headers: str, status: int = 200, body: bytes = b"hello") -> Reply:
    """A service that gives one answer to everything; to HEAD without its body."""

    def reply(request: Request) -> bytes:
        whole = answer(body, *headers, status=status)
        return whole.removesuffix(body) if request.method == "HEAD" else whole

    return reply


class Scene:
    """A service behind a gateway with a cache."""

    def __init__(self, stages: Stages, reply: Reply, **config: object) -> None:
        self.service = Service(reply)
        fields = {"strategy": "memory", "cache_control": True, "content_type": ["*/*"], **config}
        plugin = Plugin.parse({"name": "proxy-cache", "config": fields})
        self.stage: Stage = stages.set(self.service, service={"retries": 0}, plugins=[plugin.to_wire()])
        self._client = self.stage.client()

    def get(self, path: str = "/a", *headers: str, method: str = "GET") -> Response:
        return self._client.get(path, *headers, method=method)

    @property
    def asked(self) -> int:
        """How often the service was asked."""
        return len(self.service.asked)


def test_what_is_fresh_is_given_without_asking(stages: Stages) -> None:
    scene = Scene(stages, says(FRESH, "X-Kind: orange"))
    first, second, head = scene.get(), scene.get(), scene.get(method="HEAD")
    assert scene.asked == 1
    assert (first.status, first.body, "age" in first.headers) == (200, b"hello", False)
    assert (second.status, second.body, second.headers["x-kind"]) == (200, b"hello", "orange")
    assert int(second.headers["age"]) < 60
    assert first.headers["cache-status"].startswith("gateline; fwd=")
    assert second.headers["cache-status"].startswith("gateline; hit; ttl=")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "5")


@pytest.mark.parametrize("directive", ["no-store", "private", "max-age=0", "no-cache"])
def test_what_the_service_forbids_is_not_given_again(stages: Stages, directive: str) -> None:
    scene = Scene(stages, says(f"Cache-Control: max-age=600, {directive}"))
    scene.get()
    scene.get()
    assert scene.asked == 2


def test_answers_vary(stages: Stages) -> None:
    def reply(request: Request) -> bytes:
        return answer(request.headers["accept-language"].encode(), FRESH, "Vary: Accept-Language")

    scene = Scene(stages, reply)
    for language in ("de", "en", "DE", "en"):
        assert scene.get("/a", f"Accept-Language: {language}").body == language.lower().encode()
    assert scene.asked == 2


def test_a_304_of_the_service_makes_the_stored_answer_fresh(stages: Stages) -> None:
    def reply(request: Request) -> bytes:
        if "if-none-match" in request.headers:
            return b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nX-Turn: second\r\n' + FRESH.encode() + b"\r\n\r\n"
        return answer(b"hello", "Cache-Control: max-age=60", "Age: 61", 'ETag: "1"', "X-Turn: first")

    scene = Scene(stages, reply)
    scene.get()
    second, third = scene.get(), scene.get()
    assert scene.asked == 2
    assert scene.service.asked[1].headers["if-none-match"] == '"1"'
    for response in (second, third):
        assert (response.status, response.body, response.headers["x-turn"]) == (200, b"hello", "second")
        assert int(response.headers["age"]) < 60


def test_a_client_that_has_it_already_gets_304(stages: Stages) -> None:
    scene = Scene(stages, says(FRESH, 'ETag: "1"', "Content-Type: text/plain"))
    scene.get()
    response = scene.get("/a", 'If-None-Match: W/"1"')
    assert scene.asked == 1
    assert (response.status, response.body, response.headers["etag"]) == (304, b"", '"1"')
    assert scene.get("/a", 'If-None-Match: "2"').body == b"hello"
    assert scene.asked == 1


def test_parts_of_what_is_stored(stages: Stages) -> None:
    scene = Scene(stages, says(FRESH, 'ETag: "1"', body=b"0123456789"))
    scene.get()
    part = scene.get("/a", "Range: bytes=2-4")
    assert (part.status, part.body, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    assert scene.get("/a", "Range: bytes=-3").body == b"789"
    none = scene.get("/a", "Range: bytes=10-")
    assert (none.status, none.headers["content-range"]) == (416, "bytes */10")
    assert scene.get("/a", "Range: bytes=2-4", 'If-Range: "2"').body == b"0123456789"
    assert scene.asked == 1


def test_a_stale_answer_is_given_while_a_new_one_is_fetched(stages: Stages) -> None:
    def reply(request: Request) -> bytes:
        if scene.asked == 1:
            return answer(b"old", "Cache-Control: max-age=60, stale-while-revalidate=600", "Age: 100")
        return answer(b"new", FRESH)

    scene = Scene(stages, reply)
    scene.get()
    assert scene.get().body == b"old"
    scene.stage.upstream.wait_for_requests(2)
    for _ in range(1000):
        body = scene.get().body
        if body == b"new":
            break
    assert body == b"new"
    assert scene.asked == 2


@pytest.mark.parametrize("fails", ["status", "connection"])
def test_a_stale_answer_stands_in_for_a_service_that_fails(stages: Stages, fails: str) -> None:
    def reply(request: Request) -> bytes | None:
        if scene.asked == 1:
            return answer(b"old", "Cache-Control: max-age=60, stale-if-error=600", "Age: 100")
        return answer(b"broken", status=503) if fails == "status" else None

    scene = Scene(stages, reply)
    scene.get()
    response = scene.get()
    assert (response.status, response.body) == (200, b"old")
    assert int(response.headers["age"]) >= 100
    assert scene.asked >= 2, "a connection that broke may be tried again"


def test_a_stale_answer_never_stands_in_where_the_service_forbids_it(stages: Stages) -> None:
    def reply(request: Request) -> bytes:
        if scene.asked == 1:
            return answer(
                b"old", "Cache-Control: max-age=60, must-revalidate, stale-if-error=600", "Age: 100", 'ETag: "1"'
            )
        return answer(b"broken", status=503)

    scene = Scene(stages, reply)
    scene.get()
    assert scene.get().status == 503


@pytest.mark.parametrize(
    ("directive", "asked"), [("no-cache", 2), ("max-age=10", 2), ("min-fresh=550", 2), ("max-stale", 1)]
)
def test_the_client_has_a_say(stages: Stages, directive: str, asked: int) -> None:
    scene = Scene(stages, says(FRESH, "Age: 100"))
    scene.get()
    assert scene.get("/a", f"Cache-Control: {directive}").body == b"hello"
    assert scene.asked == asked


def test_a_client_that_wants_nothing_else_gets_504_where_nothing_is_stored(stages: Stages) -> None:
    scene = Scene(stages, says(FRESH))
    assert scene.get("/a", "Cache-Control: only-if-cached").status == 504
    assert scene.asked == 0
    scene.get()
    assert scene.get("/a", "Cache-Control: only-if-cached").body == b"hello"


@pytest.mark.parametrize(("status", "asked"), [(200, 5), (500, 3)])
def test_what_changes_something_makes_what_is_stored_worthless(stages: Stages, status: int, asked: int) -> None:
    def reply(request: Request) -> bytes:
        if request.method == "DELETE":
            return answer(b"", "Location: /b", status=status)
        return answer(b"hello", FRESH)

    scene = Scene(stages, reply)
    for method, path in (("GET", "/a"), ("GET", "/b"), ("DELETE", "/a"), ("GET", "/a"), ("GET", "/b")):
        scene.get(path, method=method)
    assert scene.asked == asked


def test_a_failure_is_remembered_for_as_long_as_the_configuration_says(stages: Stages) -> None:
    scene = Scene(stages, says(status=404), negative_ttl={"404": 600}, response_code=[200, 404])
    assert [scene.get().status for _ in range(3)] == [404, 404, 404]
    assert scene.asked == 1


def test_requests_for_one_answer_wait_for_it_together(stages: Stages) -> None:
    scene = Scene(stages, says(FRESH))
    clients = [scene.stage.client() for _ in range(20)]
    for client in clients:
        client.send(b"GET /a HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    assert {client.response().body for client in clients} == {b"hello"}
    assert scene.asked == 1


@pytest.mark.parametrize("limit", ["STALLED", "LONGEST_BODY"])
def test_nobody_waits_for_a_client_that_is_slow(stages: Stages, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STALLED", "LONGEST_BODY"):
        monkeypatch.setattr(coalescing, name, 1.0 if name == limit else 60.0)
    body = b"x" * 12_000_000  # more than fits between a service and a client that does not read
    scene = Scene(stages, says(FRESH, body=body))
    slow = scene.stage.client()
    slow.send(b"GET /a HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    scene.stage.upstream.wait_for_requests(1)
    clients = [scene.stage.client() for _ in range(8)]
    for client in clients:
        client.send(b"GET /a HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    with ThreadPoolExecutor(len(clients)) as threads:
        bodies = list(threads.map(lambda client: client.response(timeout=60).body, clients))
    assert all(given == body for given in bodies)
    asked = scene.asked
    assert asked in (2, 3), "one fetches for the others; another one where that one is slow as well"
    assert slow.response().body == body
    assert scene.get().body == body
    assert scene.asked == asked
