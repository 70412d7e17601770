"""The Admin API against a small node: paths, verbs, headers, bodies and texts as Kong has them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateline.admin.app import admin_app, status_app
from gateline.admin.edge import access_log
from gateline.admin.errors import busy
from gateline.admin.node import Readiness
from gateline.entities.plugin_configs import plugin_types
from gateline.version import KONG_VERSION, __version__
from unit.admin.small_node import UUID, Client, SmallNode


@pytest.fixture
def node() -> SmallNode:
    return SmallNode()


@pytest.fixture
def api(node: SmallNode) -> Client:
    return Client(admin_app(node))


def test_the_root_tells_what_this_is(api: Client, node: SmallNode) -> None:
    root = api.get("/").json()
    assert root["tagline"] == "Welcome to kong"
    assert (root["version"], root["gateline"]) == (KONG_VERSION, {"version": __version__})
    assert root["node_id"] == UUID
    assert root["pids"] == {"master": 1, "workers": [11, 12]}
    assert root["configuration"] == node.settings.masked()
    assert root["configuration"]["database"] == "off"
    assert set(root["plugins"]["available_on_server"]) == set(plugin_types())
    assert root["plugins"]["enabled_in_cluster"] == []


def test_secrets_do_not_show_in_the_root() -> None:
    api = Client(admin_app(SmallNode(pg_password="hidden-word", declarative_config_string="hidden-word: 1")))
    assert "hidden-word" not in api.get("/").text


def test_every_answer_has_kongs_headers(api: Client) -> None:
    for path in ("/", "/nothing"):
        headers = api.get(path).headers
        assert headers["server"] == f"kong/{KONG_VERSION}"
        assert headers["x-kong-admin-latency"].isdigit()
        assert headers["access-control-allow-origin"] == "*"
        assert headers["access-control-allow-credentials"] == "true"
        assert headers["content-type"] == "application/json; charset=utf-8"


def test_headers_can_be_switched_off() -> None:
    headers = Client(admin_app(SmallNode(headers="off"))).get("/").headers
    assert "server" not in headers
    assert "x-kong-admin-latency" not in headers


def test_the_asking_origin_may_read_unless_the_web_pages_have_one() -> None:
    anywhere = Client(admin_app(SmallNode())).get("/", headers={"Origin": "http://gui.test"})
    assert anywhere.headers["access-control-allow-origin"] == "http://gui.test"
    assert anywhere.headers["vary"] == "Origin"
    api = Client(admin_app(SmallNode(admin_gui_url="http://one.test:8002/path, https://two.test")))
    origins = {None: "http://one.test:8002", "https://two.test": "https://two.test", "http://x": "http://one.test:8002"}
    for asked, expected in origins.items():
        answer = api.get("/", headers={"Origin": asked} if asked else {})
        assert answer.headers["access-control-allow-origin"] == expected


def test_an_unknown_path_is_not_found(api: Client) -> None:
    for method in ("GET", "POST", "OPTIONS", "BREW"):
        answer = api.request(method, "/not-there")
        assert (answer.status_code, answer.json()) == (404, {"message": "Not found"})


def test_a_verb_that_a_path_does_not_have_is_refused(api: Client) -> None:
    for method, path in (("POST", "/"), ("DELETE", "/config"), ("BREW", "/status")):
        answer = api.request(method, path)
        assert (answer.status_code, answer.json()) == (405, {"message": "Method not allowed"})
    assert api.post("/").headers["allow"] == "GET, HEAD, OPTIONS"


def test_options_tells_the_verbs(api: Client) -> None:
    answer = api.options("/tags")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS, POST"
    assert answer.headers["access-control-allow-headers"] == "Content-Type"
    asked = api.options("/tags", headers={"Access-Control-Request-Headers": "x-a, x-b"})
    assert asked.headers["access-control-allow-headers"] == "x-a, x-b"


def test_head_is_get_without_the_body(api: Client) -> None:
    head, get = api.head("/endpoints"), api.get("/endpoints")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers["content-length"] == get.headers["content-length"]
    assert api.head("/not-there").content == b""


def test_a_trailing_slash_makes_no_difference(api: Client) -> None:
    assert api.get("/endpoints/").json() == api.get("/endpoints").json()


def test_endpoints_lists_every_path(api: Client) -> None:
    paths = api.get("/endpoints").json()["data"]
    assert paths == sorted(paths)
    assert {"/", "/config", "/endpoints", "/status", "/timers", "/debug/node/log-level/{log_level}"} <= set(paths)


def test_status_counts_requests_and_tells_memory(api: Client) -> None:
    status = api.get("/status").json()
    assert status["server"] == {
        "connections_accepted": 7,
        "connections_active": 3,
        "connections_handled": 7,
        "connections_reading": 0,
        "connections_waiting": 2,
        "connections_writing": 1,
        "total_requests": 101,
    }
    assert status["memory"] == {
        "lua_shared_dicts": {"kong": {"capacity": "5.00 MiB", "allocated_slabs": "1.00 MiB"}},
        "workers_lua_vms": [
            {"pid": 11, "http_allocated_gc": "3.00 MiB"},
            {"pid": 12, "http_allocated_gc": "1.00 MiB"},
        ],
    }
    assert status["database"] == {"reachable": True}
    assert status["configuration_hash"] == "0" * 32
    assert api.get("/status").json()["server"]["total_requests"] == 102


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("unit=k", "1024.00 KiB"),
        ("unit=K&scale=0", "1024 KiB"),
        ("unit=g&scale=4", "0.0010 GiB"),
        ("unit=b", 2**20),
        ("unit=", 2**20),
        ("scale=x", "1.00 MiB"),
    ],
)
def test_status_has_units(api: Client, query: str, shown: str | int) -> None:
    memory = api.get(f"/status?{query}").json()["memory"]
    assert memory["lua_shared_dicts"]["kong"]["allocated_slabs"] == shown


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("unit=V", "invalid unit 'V' (expected 'k/K', 'm/M', or 'g/G')"),
        ("scale=-1", "scale must be equal or greater than 0"),
        ("scale=100000", "scale must be less than 100"),
    ],
)
def test_status_refuses_what_is_no_unit(api: Client, query: str, message: str) -> None:
    answer = api.get(f"/status?{query}")
    assert (answer.status_code, answer.json()) == (400, {"message": message})


@pytest.mark.parametrize(
    ("readiness", "status", "message"),
    [
        ("ready", 200, "ready"),
        ("no configuration", 503, "no configuration available (empty configuration present)"),
        ("draining", 503, "draining"),
    ],
)
def test_readiness(node: SmallNode, readiness: Readiness, status: int, message: str) -> None:
    node.readiness = readiness
    admin = admin_app(node)
    for application in (admin, status_app(node, admin)):
        answer = Client(application).get("/status/ready")
        assert (answer.status_code, answer.json()) == (status, {"message": message})


def test_the_status_api_only_tells(node: SmallNode) -> None:
    admin = admin_app(node)
    api = Client(status_app(node, admin))
    Client(admin).get("/")
    assert api.get("/status").json()["server"]["total_requests"] == 102
    for path in ("/", "/config", "/endpoints"):
        assert api.get(path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/debug/node/log-level", 200, "log level: notice"),
        ("PUT", "/debug/node/log-level/debug", 405, "cannot change log level when not using a database"),
        ("PUT", "/debug/cluster/log-level/debug", 405, "cannot change log level when not using a database"),
        (
            "PUT",
            "/debug/cluster/control-planes-nodes/log-level/debug",
            405,
            "cannot change log level when not using a database",
        ),
        (
            "GET",
            "/clustering/data-planes",
            400,
            "this endpoint is only available when Kong is configured to run as Control Plane for the cluster",
        ),
        (
            "GET",
            "/clustering/status",
            400,
            "this endpoint is only available when Kong is configured to run as Control Plane for the cluster",
        ),
        ("GET", "/filter-chains", 400, "this endpoint is only available when wasm is enabled"),
        ("PATCH", "/filter-chains/x", 400, "this endpoint is only available when wasm is enabled"),
        ("GET", "/status/dns", 501, "not implemented with the legacy DNS client"),
    ],
)
def test_what_is_not_there_says_so(api: Client, method: str, path: str, status: int, message: str) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, answer.json()) == (status, {"message": message})


def test_timers_are_json(api: Client) -> None:
    assert api.get("/timers").json()["worker"]["count"] == 2


# /config

TEXT = '_format_version: "3.0"\nservices: [{name: s, host: h.test}]\n'
OBJECT = {"_format_version": "3.0", "services": [{"name": "s", "host": "h.test"}]}


@pytest.mark.parametrize(
    "request_",
    [
        {"json": OBJECT},
        {"json": {"config": TEXT}},
        {"json": {"config": OBJECT}},
        {"data": {"config": TEXT}},
        {"files": {"config": ("kong.yml", TEXT)}},
        {"content": TEXT, "headers": {"Content-Type": "text/yaml"}},
        {"content": TEXT, "headers": {"Content-Type": "application/yaml; charset=utf-8"}},
    ],
    ids=["object", "text in JSON", "object in JSON", "form", "file", "text/yaml", "application/yaml"],
)
def test_a_configuration_comes_in_many_forms(api: Client, node: SmallNode, request_: dict[str, Any]) -> None:
    answer = api.post("/config", **request_)
    assert answer.status_code == 201, answer.text
    (service,) = answer.json()["services"].values()
    assert (service["name"], service["port"]) == ("s", 80)
    assert "routes" not in answer.json()
    assert "name: s" in api.get("/config").json()["config"]


def test_no_configuration_is_refused(api: Client) -> None:
    forms: list[dict[str, Any]] = [
        {},
        {"data": {"config": ""}},
        {"json": {"config": 5}},
        {"content": "", "headers": {"Content-Type": "text/yaml"}},
        {"files": {"other": ("x", "y")}},
    ]
    for form in forms:
        answer = api.post("/config", **form)
        assert (answer.status_code, answer.json()) == (400, {"message": "expected a declarative configuration"})


def test_an_object_without_a_version_is_an_invalid_configuration(api: Client) -> None:
    answer = api.post("/config", json={})
    assert answer.status_code == 400
    assert answer.json()["code"] == 14
    assert answer.json()["fields"] == {"_format_version": "required field missing"}


def test_text_that_is_in_force_is_not_loaded_again_when_asked_to_check(api: Client) -> None:
    for status in (201, 304):
        answer = api.post("/config?check_hash=1", json={"config": TEXT})
        assert answer.status_code == status
    assert answer.content == b""
    assert api.post("/config", json={"config": TEXT, "check_hash": 1}).status_code == 304
    assert api.post("/config", json={"config": TEXT}).status_code == 201
    assert api.post("/config?check_hash=1", json=OBJECT).status_code == 201


def test_errors_are_flattened_when_asked_for(api: Client) -> None:
    bad = {"_format_version": "3.0", "services": [{"name": "s"}]}
    plain = api.post("/config", json=bad).json()
    assert plain["fields"] == {"services": [{"host": "required field missing"}]}
    assert "flattened_errors" not in plain
    for query in ("1", "true"):
        flat = api.post(f"/config?flatten_errors={query}", json=bad).json()
        assert flat["fields"] == {}
        assert flat["flattened_errors"][0]["entity_type"] == "service"


def test_a_busy_node_asks_to_come_back(api: Client, node: SmallNode) -> None:
    node.refusal = busy()
    answer = api.post("/config", json=OBJECT)
    assert (answer.status_code, answer.json()) == (429, {"message": "Currently loading previous configuration"})
    assert answer.headers["retry-after"] == "1"


def test_an_error_that_nobody_foresaw_is_logged_and_told_in_general(
    api: Client, node: SmallNode, caplog: pytest.LogCaptureFixture
) -> None:
    node.refusal = KeyError("inner secret")
    answer = api.post("/config", json=OBJECT)
    assert (answer.status_code, answer.json()) == (500, {"message": "An unexpected error occurred"})
    assert "POST /config failed" in caplog.text


BOUNDARY = "multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        ("application/json", b"", 400),
        ("application/json", b"{", 400),
        ("application/json", b"[]", 400),
        ("application/json", b'"text"', 400),
        ("application/json", b"42", 400),
        ("application/json", b"null", 400),
        ("application/json", b"\xff\xfe", 400),
        ("application/json", b'{"a": NaN}', 400),
        ("application/json", b'{"a": "\\ud800"}', 400),
        ("application/json", b"[" * 100_000, 400),
        ("application/json", b'{"a":' * 100_000, 400),
        ("application/json", b'{"_format_version": "3.0", "services": ' + b"[" * 500 + b"]" * 500 + b"}", 400),
        ("application/json", b'{"config": {"a": 1}}', 400),
        ("text/yaml", b"\xff\xfe\xfd", 400),
        ("text/yaml", b"\x00", 400),
        ("text/yaml", b"a: &a [*a]", 400),
        ("text/yaml", b"[" * 100_000, 400),
        ("application/x-www-form-urlencoded", b"config=%ff", 400),
        ("application/x-www-form-urlencoded", b"a=1&" * 1001, 400),
        ("multipart/form-data", b"x", 400),
        (BOUNDARY, b"x", 400),
        (BOUNDARY, b"--x\r\nContent-Disposition: form-data; name=config\r\n\r\n\xff\r\n--x--\r\n", 400),
        (BOUNDARY, b'--x\r\nContent-Disposition: form-data; name="config"\r\n\r\na: 1', 400),
        (BOUNDARY, b"--x\r\n\r\n\r\n" * 2000 + b"--x--\r\n", 400),
        ("text/plain", b"a: 1", 415),
        ("application/xml", b"<a/>", 415),
        ("", b"a: 1", 415),
    ],
)
def test_a_hostile_body_gets_a_clean_refusal(api: Client, kind: str, content: bytes, status: int) -> None:
    answer = api.post("/config", content=content, headers={"Content-Type": kind} if kind else {})
    assert answer.status_code == status, answer.text
    assert answer.json()["message"] if status == 400 else answer.content == b""


def test_two_content_types_are_refused(api: Client) -> None:
    headers = [("Content-Type", "application/json"), ("Content-Type", "text/yaml")]
    answer = api.post("/config", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"message": "Multiple Content-Type headers not allowed"})


def test_a_body_beyond_the_limit_is_refused_however_it_comes() -> None:
    api = Client(admin_app(SmallNode(nginx_admin_client_max_body_size="1k")))

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 500

    for content in (b" " * 1025, chunks()):
        answer = api.post("/config", content=content, headers={"Content-Type": "text/yaml"})
        assert (answer.status_code, answer.json()) == (413, {"message": "Payload too large"})
    assert api.post("/config", content=TEXT, headers={"Content-Type": "text/yaml"}).status_code == 201


def test_the_access_log_holds_one_safe_line_a_request(api: Client, caplog: pytest.LogCaptureFixture) -> None:
    access_log.propagate = True
    with caplog.at_level(logging.INFO, logger=access_log.name):
        api.get("/status?unit=k", headers={"User-Agent": b'a"b\x80'})
    (line,) = [record.getMessage() for record in caplog.records if record.name == access_log.name]
    assert '"GET /status?unit=k HTTP/1.1" 200 ' in line
    assert line.endswith('"-" "a\\"b\\x80"')


def test_other_protocols_are_not_served(node: SmallNode) -> None:
    edge = admin_app(node)

    async def never() -> Any:
        raise AssertionError("nothing is read or sent")

    asyncio.run(edge({"type": "lifespan"}, never, lambda _message: never()))
    assert edge.requests == 0
