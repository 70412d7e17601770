"""Headers that upstreams get: who the client is, what was asked, and nothing that belongs to the other hop."""

from typing import Any

import pytest

from harness.messages import Request
from harness.stage import Stage, Stages

TRUSTING = {"trusted_ips": "127.0.0.1"}


def _sent(stage: Stage, *lines: str, path: str = "/x", host: str = "gateway.test") -> Request:
    assert stage.client().get(path, *lines, host=host).status == 200
    return stage.upstream.request


def test_upstream_learns_who_asked_for_what(stages: Stages) -> None:
    stage = stages.set()
    headers = _sent(stage, path="/a%20b/../c?d=e", host="Gateway.TEST:8000").headers
    assert headers["host"] == f"127.0.0.1:{stage.upstream.port}"
    assert headers["x-real-ip"] == "127.0.0.1"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == "gateway.test"
    assert headers["x-forwarded-port"] == str(stage.node.port)
    assert headers["x-forwarded-path"] == "/a%20b/../c"
    assert headers["via"] == "1.1 kong/3.9.3"
    assert len(headers["x-kong-request-id"]) == 32
    assert "x-forwarded-prefix" not in headers


def test_request_id_is_new_for_every_request_and_the_same_in_the_answer(stages: Stages) -> None:
    stage = stages.set()
    client = stage.client()
    answers = [client.get("/x", "X-Kong-Request-Id: mine").headers["x-kong-request-id"] for _ in range(3)]
    assert [request.headers["x-kong-request-id"] for request in stage.upstream.requests()] == answers
    assert len(set(answers)) == 3
    assert "mine" not in answers


def test_request_id_can_be_kept_from_upstreams(stages: Stages) -> None:
    headers = _sent(stages.set(settings={"headers_upstream": "off"}), "X-Kong-Request-Id: mine").headers
    assert "x-kong-request-id" not in headers


@pytest.mark.parametrize(
    ("url", "host"),
    [("http://127.0.0.1:{port}", "127.0.0.1:{port}"), ("http://localhost:{port}/base", "localhost:{port}")],
)
def test_host_is_the_services(stages: Stages, url: str, host: str) -> None:
    upstream = stages.upstream()
    stage = stages.set(service={"url": url.format(port=upstream.port)})
    assert stage.client().get("/x").status == 200
    assert upstream.request.headers["host"] == host.format(port=upstream.port)


@pytest.mark.parametrize("host", ["gateway.test", "gateway.test:1234", "GATEWAY.Test"])
def test_host_of_the_client_is_kept_where_the_route_says_so(stages: Stages, host: str) -> None:
    assert _sent(stages.set(route={"preserve_host": True}), host=host).headers["host"] == host


@pytest.mark.parametrize(
    ("route", "path", "target", "prefix"),
    [
        ({"paths": ["/api"], "strip_path": True}, "/api/x", "/x", "/api"),
        ({"paths": ["/api"], "strip_path": True}, "/api", "/", "/api"),
        ({"paths": ["/"], "strip_path": True}, "/api/x", "/api/x", None),
        ({"paths": ["/api"], "strip_path": False}, "/api/x", "/api/x", None),
        ({"paths": [r"~/v\d+"], "strip_path": True}, "/v12/x", "/x", "/v12"),
        ({"hosts": ["gateway.test"], "paths": None, "strip_path": True}, "/api/x", "/api/x", None),
    ],
)
def test_stripped_prefix_is_told(
    stages: Stages, route: dict[str, Any], path: str, target: str, prefix: str | None
) -> None:
    request = _sent(stages.set(route=route), path=path)
    assert request.target == target
    assert request.headers.get("x-forwarded-prefix") == prefix
    assert request.headers["x-forwarded-path"] == path


@pytest.mark.parametrize("target", ["/x?", "/x?a=b&c", "/x?a=%20%2F", "/x?a=b?c", "/?", "/x%2Fy", "/x;a=b"])
def test_target_arrives_as_it_was_sent(stages: Stages, target: str) -> None:
    assert _sent(stages.set(), path=target).target == target


def test_forwarding_headers_of_a_stranger_are_not_believed(stages: Stages) -> None:
    stage = stages.set()
    headers = _sent(
        stage,
        "X-Real-IP: 6.6.6.6",
        "X-Forwarded-For: 6.6.6.6",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: evil.test",
        "X-Forwarded-Port: 666",
        "X-Forwarded-Path: /evil",
        "X-Forwarded-Prefix: /evil",
    ).headers
    assert headers["x-real-ip"] == "127.0.0.1"
    assert headers["x-forwarded-for"] == "6.6.6.6, 127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == "gateway.test"
    assert headers["x-forwarded-port"] == str(stage.node.port)
    assert headers["x-forwarded-path"] == "/x"
    assert "x-forwarded-prefix" not in headers


def test_forwarding_headers_of_a_trusted_proxy_are_kept(stages: Stages) -> None:
    headers = _sent(
        stages.set(settings=TRUSTING),
        "X-Real-IP: 1.2.3.4",
        "X-Forwarded-For: 1.2.3.4",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: public.test",
        "X-Forwarded-Port: 443",
        "X-Forwarded-Path: /public",
        "X-Forwarded-Prefix: /prefix",
    ).headers
    assert headers["x-real-ip"] == "1.2.3.4"
    assert headers["x-forwarded-for"] == "1.2.3.4, 127.0.0.1"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-host"] == "public.test"
    assert headers["x-forwarded-port"] == "443"
    assert headers["x-forwarded-path"] == "/public"
    assert headers["x-forwarded-prefix"] == "/prefix"


def test_trusted_proxy_that_says_nothing_is_the_client(stages: Stages) -> None:
    headers = _sent(stages.set(settings=TRUSTING)).headers
    assert headers["x-real-ip"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == "gateway.test"


@pytest.mark.parametrize(
    ("settings", "lines", "address"),
    [
        ({"real_ip_header": "X-Forwarded-For"}, ["X-Forwarded-For: 1.1.1.1, 2.2.2.2"], "2.2.2.2"),
        ({"real_ip_header": "X-Forwarded-For"}, ["X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 2.2.2.2"], "2.2.2.2"),
        (
            {"real_ip_header": "X-Forwarded-For", "real_ip_recursive": "on", "trusted_ips": "127.0.0.1,2.0.0.0/8"},
            ["X-Forwarded-For: 1.1.1.1, 2.2.2.2"],
            "1.1.1.1",
        ),
        (
            {"real_ip_header": "X-Forwarded-For", "real_ip_recursive": "on", "trusted_ips": "0.0.0.0/0"},
            ["X-Forwarded-For: 1.1.1.1, 2.2.2.2"],
            "1.1.1.1",
        ),
        ({"real_ip_header": "X-Client"}, ["X-Client: 2001:db8::1"], "2001:db8::1"),
        ({"real_ip_header": "X-Client"}, ["X-Client: 1.2.3.4:567"], "1.2.3.4"),
        ({"real_ip_header": "X-Client"}, ["X-Client: [2001:db8::1]:567"], "2001:db8::1"),
        ({"real_ip_header": "X-Client"}, ["X-Client: nobody"], "127.0.0.1"),
        ({"real_ip_header": "X-Client"}, ["X-Client:"], "127.0.0.1"),
    ],
)
def test_clients_address_behind_a_trusted_proxy(
    stages: Stages, settings: dict[str, str], lines: list[str], address: str
) -> None:
    stage = stages.set(settings={**TRUSTING, **settings})
    assert _sent(stage, *lines).headers["x-real-ip"] == address


def test_via_of_proxies_before_is_kept_in_order(stages: Stages) -> None:
    assert _sent(stages.set(), "Via: 1.0 fred", "Via: 1.1 p.example.net").headers["via"] == (
        "1.0 fred, 1.1 p.example.net, 1.1 kong/3.9.3"
    )


def test_headers_of_the_hop_end_here(stages: Stages) -> None:
    headers = _sent(
        stages.set(),
        "Connection: keep-alive, X-Secret, x-other",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Proxy: http://evil.test",
        "Upgrade: h2c",
        "HTTP2-Settings: x",
        "X-Secret: s",
        "X-Other: o",
        "X-Kept: k",
    ).headers
    assert headers.all("connection") == ["keep-alive"]
    for name in ("keep-alive", "proxy-connection", "proxy", "upgrade", "http2-settings", "x-secret", "x-other"):
        assert name not in headers
    assert headers["x-kept"] == "k"


def test_proxy_authorization_passes(stages: Stages) -> None:
    assert _sent(stages.set(), "Proxy-Authorization: Basic eDp5").headers["proxy-authorization"] == "Basic eDp5"


def test_other_headers_pass_unchanged_and_in_order(stages: Stages) -> None:
    lines = ["X-B: 1", "x-a:  2 ", "X-B: 3", "Cookie: a=b; c=d", "X-Empty:", "X-Text: caf\xe9 \t x", "Accept: */*"]
    headers = _sent(stages.set(), *lines).headers
    kept = [(name, value) for name, value in headers if name.lower() in {"x-b", "x-a", "cookie", "x-empty", "x-text"}]
    assert kept == [
        ("X-B", "1"),
        ("x-a", "2"),
        ("X-B", "3"),
        ("Cookie", "a=b; c=d"),
        ("X-Empty", ""),
        ("X-Text", "caf\xe9 \t x"),
    ]


def test_many_clients_on_one_connection_do_not_inherit_each_others_host(stages: Stages) -> None:
    stage = stages.set()
    client = stage.client()
    for host in ("a.test", "b.test:1", "a.test", "c.test."):
        client.get("/x", host=host)
    assert [request.headers["x-forwarded-host"] for request in stage.upstream.requests()] == [
        "a.test",
        "b.test",
        "a.test",
        "c.test",
    ]


def test_mapped_port_is_the_one_that_is_told(stages: Stages) -> None:
    stage = stages.set(settings={"port_maps": "443:1"})
    assert _sent(stage).headers["x-forwarded-port"] == str(stage.node.port)
