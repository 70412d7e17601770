"""Headers that clients get: of proxied answers, of the gateway's own, and as the `headers` setting has them."""

import email.utils
import time

import pytest

from harness.messages import Headers
from harness.stage import Stages
from harness.upstream import Script, Visit

OWN = ("x-kong-upstream-latency", "x-kong-proxy-latency", "via", "x-kong-request-id")


def _says(*lines: bytes) -> Script:
    def script(visit: Visit) -> None:
        while True:
            visit.request()
            visit.send(
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\nok"
            )

    return script


def _proxied(stages: Stages, *lines: bytes, headers: str | None = None, ask: tuple[str, ...] = ()) -> Headers:
    stage = stages.set(_says(*lines), settings={"headers": headers} if headers else None)
    return stage.client().get("/x", *ask).headers


def _own(stages: Stages, headers: str | None = None) -> Headers:
    stage = stages.set(route={"paths": ["/other"]}, settings={"headers": headers} if headers else None)
    return stage.client().get("/x").headers


def test_proxied_answer(stages: Stages) -> None:
    headers = _proxied(stages, b"Server: upstream/1", b"Date: yesterday", b"X-Mine: y")
    assert headers["server"] == "upstream/1"
    assert headers["date"] == "yesterday"
    assert headers["x-mine"] == "y"
    assert headers["via"] == "1.1 kong/3.9.3"
    assert headers["x-kong-upstream-latency"].isdigit()
    assert headers["x-kong-proxy-latency"].isdigit()
    assert len(headers["x-kong-request-id"]) == 32
    assert "x-kong-response-latency" not in headers
    assert "x-kong-upstream-status" not in headers


def test_answer_of_an_upstream_without_server_and_date_gets_the_gateways(stages: Stages) -> None:
    headers = _proxied(stages)
    assert headers["server"] == "kong/3.9.3"
    stamp = email.utils.parsedate_to_datetime(headers["date"]).timestamp()
    assert abs(stamp - time.time()) < 10


def test_own_answer(stages: Stages) -> None:
    headers = _own(stages)
    assert headers["server"] == "kong/3.9.3"
    assert headers["x-kong-response-latency"].isdigit()
    assert len(headers["x-kong-request-id"]) == 32
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert "date" in headers
    for name in ("via", "x-kong-upstream-latency", "x-kong-proxy-latency"):
        assert name not in headers


def test_upstream_latency_is_the_upstreams(stages: Stages) -> None:
    def slow(visit: Visit) -> None:
        visit.request()
        time.sleep(0.5)
        visit.answer()

    headers = stages.set(slow).client().get("/x").headers
    assert 500 <= int(headers["x-kong-upstream-latency"]) < 10000
    assert int(headers["x-kong-proxy-latency"]) < 500


def test_headers_off(stages: Stages) -> None:
    headers = _proxied(stages, headers="off")
    for name in (*OWN, "server"):
        assert name not in headers
    own = _own(stages, headers="off")
    for name in ("server", "x-kong-response-latency", "x-kong-request-id"):
        assert name not in own


@pytest.mark.parametrize(
    ("setting", "present"),
    [
        ("server_tokens", {"via", "server"}),
        ("latency_tokens", {"x-kong-upstream-latency", "x-kong-proxy-latency"}),
        ("via", {"via"}),
        ("server", {"server"}),
        ("X-Kong-Upstream-Latency", {"x-kong-upstream-latency"}),
        ("x-kong-proxy-latency", {"x-kong-proxy-latency"}),
        ("x-kong-request-id", {"x-kong-request-id"}),
        ("x-kong-upstream-status", {"x-kong-upstream-status"}),
        ("latency_tokens, via", {"x-kong-upstream-latency", "x-kong-proxy-latency", "via"}),
    ],
)
def test_headers_by_name_and_by_token(stages: Stages, setting: str, present: set[str]) -> None:
    headers = _proxied(stages, headers=setting)
    assert {name for name in (*OWN, "server", "x-kong-upstream-status") if name in headers} == present


@pytest.mark.parametrize(
    ("setting", "present"),
    [
        ("server_tokens", {"server"}),
        ("latency_tokens", {"x-kong-response-latency"}),
        ("x-kong-response-latency", {"x-kong-response-latency"}),
        ("x-kong-request-id", {"x-kong-request-id"}),
        ("via", set()),
    ],
)
def test_own_answers_headers_by_name_and_by_token(stages: Stages, setting: str, present: set[str]) -> None:
    headers = _own(stages, headers=setting)
    assert {name for name in ("server", "x-kong-response-latency", "x-kong-request-id") if name in headers} == present


def test_upstream_status_is_told_where_it_is_asked_for(stages: Stages) -> None:
    assert _proxied(stages, headers="x-kong-upstream-status")["x-kong-upstream-status"] == "200"


def test_upstream_cannot_speak_for_the_gateway(stages: Stages) -> None:
    headers = _proxied(
        stages,
        b"X-Kong-Upstream-Latency: 666",
        b"X-Kong-Proxy-Latency: 666",
        b"X-Kong-Response-Latency: 666",
        b"X-Kong-Upstream-Status: 666",
        b"X-Kong-Request-Id: 666",
    )
    assert "666" not in {value for _, value in headers}
    for name in OWN:
        assert len(headers.all(name)) == 1


def test_headers_of_the_hop_end_here(stages: Stages) -> None:
    headers = _proxied(
        stages,
        b"Connection: keep-alive, X-Secret",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"Upgrade: h2c",
        b"X-Secret: s",
    )
    for name in ("keep-alive", "proxy-connection", "upgrade", "x-secret"):
        assert name not in headers
    assert headers.all("connection") == ["keep-alive"]


def test_via_of_the_upstream_is_kept_in_order(stages: Stages) -> None:
    assert _proxied(stages, b"Via: 1.1 inner")["via"] == "1.1 inner, 1.1 kong/3.9.3"


def test_repeated_headers_stay_repeated_and_in_order(stages: Stages) -> None:
    headers = _proxied(
        stages, b"Set-Cookie: a=1; Path=/", b"Set-Cookie: b=2", b"X-Text: caf\xe9", b"WWW-Authenticate: A"
    )
    assert headers.all("set-cookie") == ["a=1; Path=/", "b=2"]
    assert headers["x-text"] == "caf\xe9"
    assert headers["www-authenticate"] == "A"


def test_reason_phrase_of_the_upstream_is_kept(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 299 Quite Fine\r\nContent-Length: 0\r\n\r\n")

    response = stages.set(script).client().get("/x")
    assert (response.status, response.reason) == (299, "Quite Fine")


def test_debug_header_is_off_unless_it_is_allowed(stages: Stages) -> None:
    headers = _proxied(stages, ask=("Kong-Debug: 1",))
    assert not [name for name, _ in headers if name.lower().startswith(("kong-route", "kong-service"))]


def test_debug_header_tells_route_and_service(stages: Stages) -> None:
    stage = stages.set(settings={"allow_debug_header": "on"})
    headers = stage.client().get("/x", "Kong-Debug: 1").headers
    assert (headers["kong-route-name"], headers["kong-service-name"]) == ("r", "s")
    assert len(headers["kong-route-id"]) == len(headers["kong-service-id"]) == 36
    assert "kong-route-id" not in stage.client().get("/x").headers
    assert "kong-route-id" not in stage.client().get("/x", "Kong-Debug: 0").headers
