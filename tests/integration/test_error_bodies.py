"""Errors that the gateway answers itself: in the format that the client asks for."""

import json
import re
from pathlib import Path

import pytest

from harness.messages import Response
from harness.stage import Stages
from harness.upstream import Visit

_INVALID = "An invalid response was received from the upstream server"


def _bad(visit: Visit) -> None:
    visit.request()
    visit.send(b"garbage\r\n\r\n")


def _error(stages: Stages, *lines: str, settings: dict[str, str] | None = None) -> Response:
    response = stages.set(_bad, settings=settings).client().get("/x", *lines)
    assert response.status == 502
    return response


_TYPES = {
    "text/plain": "text/plain",
    "text/html": "text/html",
    "application/json": "application/json",
    "application/xml": "application/xml",
    "text/xml": "application/xml",
    "*/*": "application/json",
    "text/*": "text/plain",
    "application/*": "application/json",
    "image/png": "application/json",
    "": "application/json",
    "nonsense": "application/json",
    "TEXT/HTML": "text/html",
    "text/html;q=0.5, application/xml;q=0.9": "application/xml",
    "text/html;q=0.5, application/xml;q=0.4": "text/html",
    "text/html, application/xml": "text/html",
    "image/png, text/html;q=0.1": "text/html",
    "text/html;q=x, application/xml;q=0.1": "application/xml",
    "text/html ; level=1 ; q=0.2, application/json;q=0.3": "application/json",
}


@pytest.mark.parametrize("accept", _TYPES)
def test_format_follows_accept(stages: Stages, accept: str) -> None:
    response = _error(stages, f"Accept: {accept}")
    assert response.headers["content-type"] == f"{_TYPES[accept]}; charset=utf-8"


def test_json_body(stages: Stages) -> None:
    response = _error(stages, "Accept: application/json")
    body = json.loads(response.body)
    assert body == {"message": _INVALID, "request_id": response.headers["x-kong-request-id"]}


def test_plain_body(stages: Stages) -> None:
    response = _error(stages)
    assert response.body.decode() == f"{_INVALID}\nrequest_id: {response.headers['x-kong-request-id']}\n"
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


def test_html_body(stages: Stages) -> None:
    text = _error(stages, "Accept: text/html").body.decode()
    assert f"<p>{_INVALID}.</p>" in text
    assert re.search(r"<p>request_id: [0-9a-f]{32}</p>", text)


def test_xml_body(stages: Stages) -> None:
    text = _error(stages, "Accept: application/xml").body.decode()
    assert f"<message>{_INVALID}</message>" in text
    assert re.search(r"<requestid>[0-9a-f]{32}</requestid>", text)


def test_grpc_error_is_told_in_headers(stages: Stages) -> None:
    response = stages.set(_bad).client().get("/x", "Content-Type: application/grpc")
    assert response.status == 200
    assert response.headers["grpc-status"] == "13"
    assert response.headers["grpc-message"] == _INVALID
    assert response.body == b""


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/html", "text/html"),
        ("application/xml; charset=utf-8", "application/xml"),
        ("text/plain", "text/plain"),
        ("image/png", "application/json"),
    ],
)
def test_without_accept_the_requests_own_type_decides(stages: Stages, content_type: str, expected: str) -> None:
    response = _error(stages, f"Content-Type: {content_type}")
    assert response.headers["content-type"] == f"{expected}; charset=utf-8"


@pytest.mark.parametrize("kind", ["text/html", "application/json", "application/xml"])
def test_setting_decides_where_the_request_says_nothing(stages: Stages, kind: str) -> None:
    response = _error(stages, settings={"error_default_type": kind})
    assert response.headers["content-type"] == f"{kind}; charset=utf-8"


def test_templates_of_the_settings_take_the_place_of_the_bundled_ones(stages: Stages, tmp_path: Path) -> None:
    template = tmp_path / "error.json"
    template.write_text('{"error": "%s", "id": "%s"}')
    response = _error(stages, "Accept: application/json", settings={"error_template_json": str(template)})
    assert json.loads(response.body) == {"error": _INVALID, "id": response.headers["x-kong-request-id"]}


def test_no_route_is_json_where_nothing_is_asked_for(stages: Stages) -> None:
    response = stages.set(route={"paths": ["/other"]}).client().get("/x")
    assert response.status == 404
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert json.loads(response.body)["message"] == "no Route matched with those values"


def test_route_without_a_service_is_a_503(stages: Stages) -> None:
    stage = stages.set()
    from gateline.entities import Route

    stage.node.configure({"routes": [Route.parse({"paths": ["/"]}).to_wire()]})
    response = stage.client().get("/x")
    assert response.status == 503
    assert json.loads(response.body)["message"] == "no Service found with those values"


@pytest.mark.parametrize(
    ("request_bytes", "status", "message"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400, "Bad request"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 10000 + b"\r\n\r\n", 400, "Request header or cookie too large"),
        (b"GET /" + b"y" * 10000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "URI too long"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "Not implemented"),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "HTTP version not supported"),
        (b"TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405, "Method not allowed"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: x\r\n\r\n", 417, "Expectation failed"),
    ],
)
def test_refused_request_is_told_why_in_plain_text(
    stages: Stages, request_bytes: bytes, status: int, message: str
) -> None:
    client = stages.set().client()
    client.send(request_bytes)
    response = client.response()
    assert (response.status, response.keeps_alive) == (status, False)
    identity = response.headers["x-kong-request-id"]
    assert response.body.decode() == f"{message}\nrequest_id: {identity}\n"
    assert response.headers["server"] == "kong/3.9.3"
    assert "date" in response.headers


def test_head_of_an_error_has_no_body(stages: Stages) -> None:
    stage = stages.set(route={"paths": ["/other"]})
    client = stage.client()
    response = client.get("/x", method="HEAD")
    assert response.status == 404
    assert int(response.headers["content-length"]) > 0
    assert client.get("/x", method="HEAD").status == 404


def test_https_only_route_asks_for_https(stages: Stages) -> None:
    response = stages.set(route={"protocols": ["https"]}).client().get("/x")
    assert response.status == 426
    assert response.headers["connection"] == "Upgrade"
    assert response.headers["upgrade"] == "TLS/1.2, HTTP/1.1"
    assert json.loads(response.body)["message"] == "Please use HTTPS protocol"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_https_only_route_may_redirect(stages: Stages, status: int) -> None:
    stage = stages.set(route={"protocols": ["https"], "https_redirect_status_code": status})
    response = stage.client().get("/a%20b?c=d", host="Gateway.test:8000")
    assert (response.status, response.body) == (status, b"")
    assert response.headers["location"] == "https://gateway.test/a%20b?c=d"


def test_trusted_proxy_may_have_ended_tls_before(stages: Stages) -> None:
    stage = stages.set(route={"protocols": ["https"]}, settings={"trusted_ips": "127.0.0.1"})
    assert stage.client().get("/x", "X-Forwarded-Proto: https").status == 200
    assert stage.client().get("/x", "X-Forwarded-Proto: http").status == 426


def test_stranger_cannot_say_that_tls_has_ended_before(stages: Stages) -> None:
    stage = stages.set(route={"protocols": ["https"]})
    assert stage.client().get("/x", "X-Forwarded-Proto: https").status == 426
