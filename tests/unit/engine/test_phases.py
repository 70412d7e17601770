"""Requests through plugins: phases, answers, bodies, failures."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from gateline.pdk import Consumer, Credential, ErrorResponse, Exchange, Identity, Plugin, PluginConfig, Response
from gateline.testing import Answer, Harness, ServiceAnswer


class Probe(Plugin[PluginConfig], name="probe", priority=1000):
    """Does in each phase what a test says."""

    does: ClassVar[dict[str, Callable[..., Any]]] = {}
    seen: ClassVar[list[str]] = []

    def _do(self, phase: str, *args: Any) -> Any:
        self.seen.append(phase)
        does = self.does.get(phase)
        return does(*args) if does is not None else None

    def rewrite(self, exchange: Exchange) -> Any:
        return self._do("rewrite", exchange)

    def access(self, exchange: Exchange) -> Any:
        return self._do("access", exchange)

    def header_filter(self, exchange: Exchange) -> None:
        self._do("header_filter", exchange)

    def body_filter(self, exchange: Exchange, data: bytes, last: bool) -> Any:
        return self._do("body_filter", exchange, data, last)

    def log(self, exchange: Exchange) -> Any:
        return self._do("log", exchange)

    def reads_request(self, exchange: Exchange) -> bool:
        return "reads_request" in self.does


class After(Probe, name="after", priority=1):
    """Runs behind the other one, of which it has the phases."""

    does: ClassVar[dict[str, Callable[..., Any]]] = {}
    seen: ClassVar[list[str]] = []


class Whole(Plugin[PluginConfig], name="whole"):
    """Has answers whole."""

    does: ClassVar[dict[str, Callable[..., Any]]] = {}

    def response(self, exchange: Exchange) -> Any:
        does = self.does.get("response")
        return does(exchange) if does is not None else None

    def reads_response(self, exchange: Exchange) -> bool:
        return bool(self.does["reads_response"](exchange)) if "reads_response" in self.does else True


class Slow(Plugin[PluginConfig], name="slow"):
    """Waits in access."""

    does: ClassVar[dict[str, Any]] = {}

    async def access(self, exchange: Exchange) -> Any:
        return await self.does["access"](exchange)

    async def log(self, exchange: Exchange) -> None:
        await asyncio.sleep(0)
        self.does["logged"] = exchange.request.path


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    for plugin in (Probe, After, Whole, Slow):
        plugin.does.clear()
    Probe.seen.clear()
    After.seen.clear()
    Whole.large_body = Probe.large_body = "refuse"
    Slow.deadline, Slow.on_deadline = None, "fail"


@pytest.fixture
def gateway() -> Iterator[Harness]:
    with Harness(Probe, After) as harness:
        yield harness


# -- the order of things ---------------------------------------------------------------------------------------------
def test_every_phase_runs_once(gateway: Harness) -> None:
    assert gateway.request().status == 200
    assert Probe.seen == ["rewrite", "access", "header_filter", "body_filter", "log"]
    assert After.seen == Probe.seen


def test_what_access_answers_is_the_answer_and_the_filters_still_run(gateway: Harness) -> None:
    Probe.does["access"] = lambda _: Response(403, message="no", headers={"X-Why": "so", "X-Two": ["1", "2"]})
    answer = gateway.request()
    assert (answer.status, answer.json()) == (403, {"message": "no"})
    assert answer.header("content-type") == "application/json; charset=utf-8"
    assert (answer.header("x-why"), answer.header_values("x-two")) == ("so", ["1", "2"])
    assert answer.sent is None
    assert After.seen == ["rewrite", "header_filter", "body_filter", "log"]


@pytest.mark.parametrize(
    ("given", "body", "content_type"),
    [(None, b"", None), ("text", b"text", None), (b"bytes", b"bytes", None), ([1], b"[1]", "application/json")],
)
def test_bodies_of_answers(gateway: Harness, given: Any, body: bytes, content_type: str | None) -> None:
    Probe.does["access"] = lambda _: Response(299, given)
    answer = gateway.request()
    assert answer.body == body
    assert (answer.header("content-type") or "").partition(";")[0] == (content_type or "")


def test_an_answer_has_the_content_type_that_it_says() -> None:
    Probe.does["access"] = lambda _: Response(200, {"a": 1}, {"content-type": "application/problem+json"})
    answer = Harness(Probe).request()
    assert answer.header_values("content-type") == ["application/problem+json"]


def test_an_error_speaks_the_clients_format(gateway: Harness) -> None:
    Probe.does["access"] = lambda _: ErrorResponse(401, headers={"WWW-Authenticate": "Key"})
    answer = gateway.request(headers={"Accept": "text/plain"})
    assert (answer.status, answer.header("www-authenticate")) == (401, "Key")
    assert answer.body.startswith(b"Unauthorized\nrequest_id: ")
    assert gateway.request().json()["message"] == "Unauthorized"


def test_an_answer_without_content_has_no_length(gateway: Harness) -> None:
    Probe.does["access"] = lambda _: Response(204)
    answer = gateway.request()
    assert (answer.status, answer.header("content-length")) == (204, None)


def test_head_gets_the_head_of_an_answer_only(gateway: Harness) -> None:
    Probe.does["access"] = lambda _: Response(200, "12345")
    answer = gateway.request("HEAD")
    assert (answer.body, answer.header("content-length")) == (b"", "5")


@pytest.mark.parametrize(
    "outcome", ["text", 403, Response(99), Response(200, object()), Response(200, headers={"a b": "c"})]
)
def test_what_cannot_be_an_answer_is_an_error(gateway: Harness, outcome: Any, caplog: pytest.LogCaptureFixture) -> None:
    Probe.does["access"] = lambda _: outcome
    assert gateway.request().status == 500
    assert "plugin probe failed in access" in caplog.text


# -- rewriting -------------------------------------------------------------------------------------------------------
def test_rewrite_changes_what_is_routed() -> None:
    def rewrite(exchange: Exchange) -> None:
        exchange.service_request.set_header("X-Tenant", "a")
        exchange.service_request.set_path("/tenants/a")
        exchange.service_request.set_method("PUT")

    Probe.does["rewrite"] = rewrite
    route = {"paths": ["/tenants"], "methods": ["PUT"], "headers": {"x-tenant": ["a"]}, "strip_path": True}
    answer = Harness(Probe, route=route).request("GET", "/x?q=1")
    assert answer.sent is not None
    assert (answer.sent.method, answer.sent.target, answer.sent.header("x-tenant")) == ("PUT", "/a?q=1", "a")


def test_rewrite_may_answer(gateway: Harness) -> None:
    Probe.does["rewrite"] = lambda _: Response(410, message="gone")
    assert gateway.request().status == 410
    assert "access" not in Probe.seen


def test_plugins_without_a_scope_see_requests_without_a_route() -> None:
    Probe.does["header_filter"] = lambda exchange: exchange.response.set_header("X-Seen", exchange.response.source)
    with Harness(Probe, After, route={"paths": ["/known"]}, entities={"after": {"protocols": ["https"]}}) as gateway:
        answer = gateway.request("GET", "/unknown")
    assert (answer.status, answer.header("x-seen")) == (404, "error")
    assert Probe.seen == ["rewrite", "header_filter", "body_filter", "log"]
    assert After.seen == []


# -- requests to the service -----------------------------------------------------------------------------------------
def test_headers_query_path_method_and_host_can_be_changed(gateway: Harness) -> None:
    def access(exchange: Exchange) -> None:
        request = exchange.service_request
        request.set_header("X-Set", "1")
        request.add_header("X-Both", "new")
        request.remove_header("X-Gone")
        request.set_headers({"X-Many": ["a", "b"], "X-Number": 5})
        request.set_header("Host", "other.test")
        request.set_path("/p a")
        request.set_query_args([("q", "a b"), ("q", "&")])
        request.set_method("PATCH")

    Probe.does["access"] = access
    After.does["access"] = lambda exchange: Response(
        200,
        {
            "set": exchange.request.header("x-set"),
            "both": exchange.request.header_values("x-both"),
            "gone": exchange.request.header("x-gone"),
            "host": exchange.request.header("host"),
            "method": exchange.request.method,
            "query": exchange.request.query_args(),
        },
    )
    headers = {"X-Set": "0", "X-Both": "old", "X-Gone": "1"}
    assert gateway.request(headers=headers).json() == {
        "set": "1",
        "both": ["old", "new"],
        "gone": None,
        "host": "other.test",
        "method": "PATCH",
        "query": [["q", "a b"], ["q", "&"]],
    }
    After.does.clear()
    sent = gateway.request("GET", "/x?old=1", headers=headers).sent
    assert sent is not None
    assert (sent.method, sent.target, sent.header("host")) == ("PATCH", "/p%20a?q=a%20b&q=%26", "other.test")
    assert (sent.header_values("x-set"), sent.header_values("x-both")) == (["1"], ["old", "new"])
    assert (sent.header("x-gone"), sent.header_values("x-many"), sent.header("x-number")) == (None, ["a", "b"], "5")


def test_a_plugin_cannot_smuggle_a_line(gateway: Harness, caplog: pytest.LogCaptureFixture) -> None:
    Probe.does["access"] = lambda exchange: exchange.service_request.set_header("X-A", "1\r\nX-B: 2")
    answer = gateway.request()
    assert (answer.status, answer.sent) == (500, None)


def test_another_body_goes_in_place_of_the_clients(gateway: Harness) -> None:
    Probe.does["access"] = lambda exchange: exchange.service_request.set_body(b"new", "text/plain")
    for sent in (
        gateway.request("POST", body=b"old body").sent,
        gateway.request("POST", chunks=[b"old", b"body"]).sent,
        gateway.request("GET").sent,
    ):
        assert sent is not None
        assert (sent.body, sent.header("content-type"), sent.header_values("content-length")) == (
            b"new",
            "text/plain",
            ["3"],
        )


def test_a_body_is_there_whole_when_it_is_asked_for(gateway: Harness) -> None:
    bodies: list[bytes | None] = []
    Probe.does["reads_request"] = lambda _: True
    Probe.does["access"] = lambda exchange: bodies.append(exchange.request.body)
    large = b"x" * 200_000
    assert gateway.request("POST", chunks=[b"ab", b"c"]).sent.body == b"abc"  # type: ignore[union-attr]
    assert gateway.request("POST", chunks=[large, large]).sent.body == large * 2  # type: ignore[union-attr]
    assert gateway.request("POST", body=b"").sent is not None
    assert gateway.request("GET").sent is not None
    assert bodies == [b"abc", large * 2, b"", b""]


def test_a_body_that_is_too_long_is_refused_or_passes() -> None:
    bodies: list[bytes | None] = []
    Probe.does["reads_request"] = lambda _: True
    Probe.does["access"] = lambda exchange: bodies.append(exchange.request.body)
    with Harness(Probe, body_limit=1000) as gateway:
        assert gateway.request("POST", body=b"x" * 1001).status == 413
        assert gateway.request("POST", chunks=[b"x" * 600, b"y" * 600]).status == 413
        assert bodies == []
        Probe.large_body = "pass"
        answer = gateway.request("POST", chunks=[b"x" * 600, b"y" * 600])
        assert answer.sent is not None
        assert answer.sent.body == b"x" * 600 + b"y" * 600
        assert gateway.request("POST", body=b"x" * 1001).sent.body == b"x" * 1001  # type: ignore[union-attr]
        assert bodies == [None, None]


@pytest.mark.parametrize("form", ["body", "chunks"])
def test_a_plugin_may_limit_a_body_as_it_comes(gateway: Harness, form: str) -> None:
    Probe.does["access"] = lambda exchange: exchange.request.limit_body(10, Response(417, message="too much"))

    def send(first: bytes, second: bytes) -> Answer:
        if form == "body":
            return gateway.request("POST", body=first + second)
        return gateway.request("POST", chunks=[first, second])

    refused = send(b"x" * 6, b"y" * 5)
    assert (refused.status, refused.sent) == (417, None)
    assert send(b"x" * 6, b"y" * 4).sent is not None


# -- answers of the service ------------------------------------------------------------------------------------------
def test_header_filter_changes_the_head(gateway: Harness) -> None:
    def header_filter(exchange: Exchange) -> None:
        response = exchange.response
        response.set_header("X-Source", response.source)
        response.add_header("X-Both", "new")
        response.remove_header("X-Gone")
        response.set_status(418)

    Probe.does["header_filter"] = header_filter
    After.does["header_filter"] = lambda exchange: exchange.response.set_header(
        "X-Status", str(exchange.response.status)
    )
    answer = gateway.request(service=ServiceAnswer(200, {"X-Both": "old", "X-Gone": "1"}, b"abc"))
    assert (answer.status, answer.header("x-source"), answer.header("x-status")) == (418, "service", "418")
    assert (answer.header_values("x-both"), answer.header("x-gone"), answer.body) == (["old", "new"], None, b"abc")
    assert answer.log["upstream_status"] == "200"


def test_what_access_sets_in_the_answer_is_there_in_every_answer(gateway: Harness) -> None:
    Probe.does["access"] = lambda exchange: exchange.response.set_header("X-Early", "1")
    assert gateway.request(service=ServiceAnswer(200, {"X-Early": "0"})).header_values("x-early") == ["1"]


def test_body_filter_has_every_piece(gateway: Harness) -> None:
    pieces: list[tuple[bytes, bool]] = []

    def body_filter(_: Exchange, data: bytes, last: bool) -> bytes:
        pieces.append((data, last))
        return data.upper() + (b"." if last else b"")

    Probe.does["body_filter"] = body_filter
    answer = gateway.request(service=ServiceAnswer(chunks=(b"ab", b"cd")))
    assert (answer.body, b"".join(data for data, _ in pieces), pieces[-1][1]) == (b"ABCD.", b"abcd", True)
    assert gateway.request(service=ServiceAnswer(body=b"xyz")).header_values("content-length") == ["4"]


def test_bodies_that_are_none_are_not_filtered(gateway: Harness) -> None:
    gateway.request("HEAD")
    gateway.request(service=ServiceAnswer(304))
    assert "body_filter" not in Probe.seen


def test_a_response_is_there_whole_and_can_be_changed() -> None:
    def response(exchange: Exchange) -> None:
        body = exchange.response.body
        assert body is not None
        exchange.response.set_body(body[::-1], "text/reversed")
        exchange.response.set_header("X-Whole", "1")

    Whole.does["response"] = response
    with Harness(Whole, Probe) as gateway:
        for service in (ServiceAnswer(body=b"abc"), ServiceAnswer(chunks=(b"a", b"bc"))):
            answer = gateway.request(service=service)
            assert (answer.body, answer.header("content-type"), answer.header("x-whole")) == (
                b"cba",
                "text/reversed",
                "1",
            )
            assert answer.header_values("content-length") == ["3"]
        assert gateway.request("HEAD", service=ServiceAnswer(body=b"abc")).header("content-length") is None


def test_a_response_may_be_replaced_by_an_answer() -> None:
    Whole.does["response"] = lambda _: Response(502, message="not that")
    answer = Harness(Whole).request(service=ServiceAnswer(body=b"secret"))
    assert (answer.status, answer.json()) == (502, {"message": "not that"})


def test_only_the_responses_that_a_plugin_wants_are_kept() -> None:
    Whole.does["reads_response"] = lambda exchange: exchange.response.header("content-type") == "text/x"
    Whole.does["response"] = lambda exchange: exchange.response.set_body(b"changed")
    with Harness(Whole) as gateway:
        assert gateway.request(service=ServiceAnswer(headers={"Content-Type": "text/x"}, body=b"a")).body == b"changed"
        assert gateway.request(service=ServiceAnswer(headers={"Content-Type": "text/y"}, body=b"a")).body == b"a"


def test_a_response_that_is_too_long_is_refused_or_passes() -> None:
    Whole.does["response"] = lambda exchange: exchange.response.set_body(b"changed")
    with Harness(Whole, body_limit=10) as gateway:
        assert gateway.request(service=ServiceAnswer(body=b"x" * 11)).status == 502
        assert gateway.request(service=ServiceAnswer(chunks=(b"x" * 6, b"y" * 6))).status == 502
        Whole.large_body = "pass"
        assert gateway.request(service=ServiceAnswer(body=b"x" * 11)).body == b"x" * 11
        assert gateway.request(service=ServiceAnswer(chunks=(b"x" * 6, b"y" * 6))).body == b"x" * 6 + b"y" * 6


def test_the_body_of_an_answer_is_set_in_response_only(gateway: Harness) -> None:
    Probe.does["header_filter"] = lambda exchange: exchange.response.set_body(b"x")
    assert gateway.request().status == 500


# -- failures --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("phase", ["rewrite", "access", "header_filter", "body_filter"])
def test_a_plugin_that_raises_is_named_and_the_request_gets_500(
    gateway: Harness, phase: str, caplog: pytest.LogCaptureFixture
) -> None:
    Probe.does[phase] = lambda *_: 1 / 0
    answer = gateway.request(service=ServiceAnswer(body=b"secret"))
    assert answer.status == 500
    assert b"secret" not in answer.body
    record = next(record for record in caplog.records if record.levelno == logging.ERROR)
    assert record.getMessage().startswith("plugin probe failed in ")
    assert answer.log["request"]["id"] in record.getMessage()
    Probe.does.clear()
    assert gateway.request().status == 200, "the worker lives"


def test_a_filter_that_raises_in_the_middle_breaks_the_answer_off(gateway: Harness) -> None:
    Probe.does["body_filter"] = lambda _, data, last: 1 / 0 if data == b"b" else data
    with pytest.raises(ConnectionError):
        gateway.request(service=ServiceAnswer(chunks=(b"a", b"b")))


def test_a_plugin_that_raises_in_log_changes_nothing(gateway: Harness, caplog: pytest.LogCaptureFixture) -> None:
    Probe.does["log"] = lambda _: 1 / 0
    assert gateway.request().status == 200
    assert After.seen[-1] == "log"
    assert "plugin probe failed in log" in caplog.text


# -- coroutines ------------------------------------------------------------------------------------------------------
def test_a_coroutine_hook_is_awaited() -> None:
    async def access(exchange: Exchange) -> None:
        await asyncio.sleep(0.001)
        exchange.service_request.set_header("X-Slow", "1")

    Slow.does["access"] = access
    with Harness(Slow, After) as gateway:
        answer = gateway.request("POST", "/slow", body=b"abc")
        assert answer.sent is not None
        assert (answer.sent.header("x-slow"), answer.sent.body) == ("1", b"abc")
        assert After.seen[:2] == ["rewrite", "access"]
    assert Slow.does["logged"] == "/slow"


def test_a_plain_hook_may_return_a_coroutine_for_the_requests_that_wait() -> None:
    async def waits(exchange: Exchange) -> Response | None:
        await asyncio.sleep(0)
        return Response(202) if exchange.request.path == "/answer" else None

    with Harness(Probe, After) as gateway:
        Probe.does["access"] = lambda exchange: None if exchange.request.path == "/plain" else waits(exchange)
        assert [gateway.request("GET", path).status for path in ("/plain", "/wait", "/answer")] == [200, 200, 202]


def test_a_coroutine_hook_may_answer_or_raise(caplog: pytest.LogCaptureFixture) -> None:
    async def answers(_: Exchange) -> Response:
        return Response(202)

    async def raises(_: Exchange) -> None:
        raise KeyError("x")

    with Harness(Slow) as gateway:
        Slow.does["access"] = answers
        assert gateway.request().status == 202
        Slow.does["access"] = raises
        assert gateway.request().status == 500
    assert "plugin slow failed in access" in caplog.text


@pytest.mark.parametrize("phase", ["rewrite", "access"])
def test_a_plain_hook_may_wait_for_some_requests(gateway: Harness, phase: str) -> None:
    async def later(exchange: Exchange) -> Response | None:
        await asyncio.sleep(0)
        exchange.service_request.set_header("x-late", "1")
        return Response(403, message="late") if exchange.request.path == "/refused" else None

    Probe.does = {phase: lambda exchange: None if exchange.request.path == "/plain" else later(exchange)}
    plain, waited = gateway.request(target="/plain"), gateway.request(target="/waits")
    assert plain.sent is not None
    assert plain.sent.header("x-late") is None
    assert waited.sent is not None
    assert waited.sent.header("x-late") == "1"
    assert gateway.request(target="/refused").status == 403


def test_a_deadline_ends_a_hook() -> None:
    async def access(_: Exchange) -> None:
        await asyncio.sleep(60)

    Slow.does["access"] = access
    Slow.deadline = 0.01
    with Harness(Slow) as gateway:
        assert gateway.request().status == 500
        Slow.on_deadline = "continue"
        assert gateway.request().status == 200


def test_a_timeout_of_the_plugins_own_is_no_deadline() -> None:
    async def access(_: Exchange) -> None:
        raise TimeoutError

    Slow.does["access"] = access
    Slow.deadline, Slow.on_deadline = 10, "continue"
    assert Harness(Slow).request().status == 500


def test_hooks_that_cannot_wait_cannot_be_coroutines() -> None:
    with pytest.raises(TypeError, match="header_filter cannot be a coroutine function"):

        class Wrong(Plugin[PluginConfig], name="wrong"):
            async def header_filter(self, exchange: Exchange) -> None: ...


# -- identity --------------------------------------------------------------------------------------------------------
ANN = Consumer("30000000-0000-4000-8000-000000000001", "ann", None)
SPOOFED = {
    "X-Consumer-ID": "x",
    "X-Consumer-Username": "x",
    "X-Consumer-Custom-ID": "x",
    "X-Credential-Identifier": "x",
    "X-Anonymous-Consumer": "x",
}


def test_the_service_is_told_who_asks_and_nothing_that_the_client_says_of_it(gateway: Harness) -> None:
    Probe.does["access"] = lambda exchange: exchange.authenticate(Identity(ANN, Credential("c", "key-1")))
    sent = gateway.request(headers=SPOOFED).sent
    assert sent is not None
    assert {name: sent.header_values(name) for name in SPOOFED} == {
        "X-Consumer-ID": [ANN.id],
        "X-Consumer-Username": ["ann"],
        "X-Consumer-Custom-ID": [],
        "X-Credential-Identifier": ["key-1"],
        "X-Anonymous-Consumer": [],
    }


def test_an_anonymous_consumer_is_told_as_such(gateway: Harness) -> None:
    Probe.does["access"] = lambda exchange: exchange.authenticate(Identity(ANN, anonymous=True))
    answer = gateway.request(headers=SPOOFED)
    assert answer.sent is not None
    assert (answer.sent.header("x-anonymous-consumer"), answer.sent.header("x-credential-identifier")) == ("true", None)
    assert answer.log["consumer"]["username"] == "ann"


def test_what_is_configured_for_a_consumer_runs_once_it_is_known() -> None:
    Probe.does["access"] = lambda exchange: exchange.authenticate(Identity(ANN))
    with Harness(Probe, After, entities={"after": {"consumer": {"id": ANN.id}}}) as gateway:
        gateway.request()
        assert After.seen == ["access", "header_filter", "body_filter", "log"]
        After.seen.clear()
        Probe.does.clear()
        gateway.request()
        assert After.seen == []


# -- context and logs ------------------------------------------------------------------------------------------------
def test_plugins_share_a_context_for_the_exchange(gateway: Harness) -> None:
    Probe.does["access"] = lambda exchange: exchange.context.update(shared="a")
    After.does["access"] = lambda exchange: Response(200, exchange.context["shared"])
    assert gateway.request().body == b"a"


def test_log_fields_get_into_the_record(gateway: Harness) -> None:
    def access(exchange: Exchange) -> None:
        exchange.log_field("deep.er", 1)
        exchange.log_field("request.method", None)

    Probe.does["access"] = access
    answer = gateway.request("GET", "/a?b=1", headers={"Authorization": "secret"})
    assert answer.log["deep"] == {"er": 1}
    assert "method" not in answer.log["request"]
    assert answer.log["request"]["headers"]["authorization"] == "REDACTED"
    assert (answer.log["request"]["uri"], answer.log["request"]["querystring"]) == ("/a?b=1", {"b": "1"})
    assert (answer.log["response"]["status"], answer.log["source"]) == (200, "upstream")
    assert answer.log["tries"][0]["port"] == 8080


def test_a_plain_log_hook_may_return_a_coroutine() -> None:
    later: list[str] = []

    async def logs() -> None:
        await asyncio.sleep(0)
        later.append("logged")

    Probe.does["log"] = lambda exchange: logs()
    with Harness(Probe) as gateway:
        gateway.request()
    assert later == ["logged"]
