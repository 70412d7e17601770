"""Every function of Kong's Python kit, called in a hook."""

import json
import logging
import socket
from pathlib import Path
from typing import Any

import pytest

from gateline.pdk.identity import Consumer
from gateline.testing import Harness, ServiceAnswer
from unit.pdk.kong_files import answer_of, loaded, seen

_HEADERS = [("Host", "Example.Test:8000"), ("X-Many", "1"), ("X-Many", "2"), ("Cookie", "a=b")]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("request.get_scheme()", "http"),
        ("request.get_host()", "example.test"),
        ("request.get_port()", 8000),
        ("request.get_forwarded_scheme()", "http"),
        ("request.get_forwarded_host()", "example.test"),
        ("request.get_forwarded_port()", 8000),
        ("request.get_forwarded_path()", "/a%20b"),
        ("request.get_forwarded_prefix()", None),
        ("request.get_http_version()", 1.1),
        ("request.get_method()", "GET"),
        ("request.get_raw_path()", "/a%20b"),
        ("request.get_path_with_query()", "/a%20b?x=1&x=2&y&z=&q=a%20b+c"),
        ("request.get_raw_query()", "x=1&x=2&y&z=&q=a%20b+c"),
        ("request.get_query()", {"x": ["1", "2"], "y": True, "z": "", "q": "a b c"}),
        ("request.get_query(1)", {"x": "1"}),
        ("request.get_query_arg('x')", "1"),
        ("request.get_query_arg('y')", True),
        ("request.get_query_arg('z')", ""),
        ("request.get_query_arg('n')", None),
        ("request.get_header('HOST')", "Example.Test:8000"),
        ("request.get_header('x_many')", "1"),
        ("request.get_header('x-none')", None),
        ("request.get_headers()", {"host": "Example.Test:8000", "x-many": ["1", "2"], "cookie": "a=b"}),
        ("request.get_headers(1)", {"host": "Example.Test:8000"}),
        ("request.get_raw_body()", b""),
        ("client.get_ip()", "127.0.0.1"),
        ("client.get_port()", 40000),
        ("client.get_forwarded_ip()", "127.0.0.1"),
        ("client.get_forwarded_port()", 40000),
        ("client.get_protocol()", "http"),
        ("client.get_consumer()", None),
        ("client.get_credential()", None),
        ("client.get_consumer_groups()", []),
        ("client.get_consumer_group()", None),
        ("node.get_id()", "00000000-0000-4000-8000-000000000000"),
        ("node.get_hostname()", socket.gethostname()),
        ("cluster.get_id()", None),
        ("ip.is_trusted('127.0.0.1')", False),
        ("nginx.get_subsystem()", "http"),
        ("nginx.get_var('arg_x')", "1"),
        ("nginx.get_var('http_x_many')", "1"),
        ("nginx.get_var('cookie_a')", "b"),
        ("nginx.get_var('request_method')", "GET"),
        ("nginx.get_var('nothing')", None),
        ("nginx.get_ctx('k')", None),
        ("nginx.shared.get('k')", None),
        ("ctx.shared.get('k')", None),
        ("vault.is_reference('{vault://env/x}')", True),
        ("vault.is_reference('x')", False),
        ("vault.flush()", None),
        ("service.request.enable_buffering()", None),
        ("telemetry.log('p', {}, 't', 'm', {'a': 1})", True),
    ],
)
def test_a_function_gives_its_value_and_no_error(tmp_path: Path, expression: str, value: Any) -> None:
    target = "/a%20b?x=1&x=2&y&z=&q=a%20b+c"
    assert seen(tmp_path, f"kong.{expression}", target=target, headers=_HEADERS) == (value, None)


def test_headers_can_be_asked_for_in_any_writing(tmp_path: Path) -> None:
    expression = "[kong.request.get_headers()[0][name] for name in ('X-Many', 'x_many', 'x-many')]"
    assert seen(tmp_path, expression, headers=_HEADERS) == [["1", "2"]] * 3
    assert seen(tmp_path, "kong.request.get_headers()[0].get('nope', 1)") == 1
    assert seen(tmp_path, "'X_Many' in kong.request.get_headers()[0]", headers=_HEADERS) is True


@pytest.mark.parametrize(
    ("content_type", "body", "value", "error"),
    [
        ("application/json", b'{"a": [1]}', {"a": [1]}, None),
        ("application/json", b"{", None, "invalid json body"),
        ("application/x-www-form-urlencoded", b"a=1&a=2&b", {"a": ["1", "2"], "b": True}, None),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
            {"a": "1"},
            None,
        ),
        ("text/plain", b"x", None, "unsupported content type 'text/plain'"),
        (None, b"x", None, "missing content type"),
    ],
)
def test_a_body_is_read_by_its_type(
    tmp_path: Path, content_type: str | None, body: bytes, value: Any, error: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    request: dict[str, Any] = {"method": "POST", "body": body, "headers": headers}
    assert seen(tmp_path, "kong.request.get_body()", **request) == (value, error)


def test_a_body_comes_as_bytes_however_it_is_sent(tmp_path: Path) -> None:
    request: dict[str, Any] = {"method": "POST", "chunks": [b"\xff" * 10, b"end"]}
    assert seen(tmp_path, "kong.request.get_raw_body()", **request) == (b"\xff" * 10 + b"end", None)


def test_a_body_that_is_too_long_passes_and_the_plugin_is_told(tmp_path: Path) -> None:
    value, error = seen(
        tmp_path, "kong.request.get_raw_body()", harness={"body_limit": 10}, method="POST", body=b"x" * 11
    )
    assert value is None
    assert error.startswith("request body did not fit into client body buffer")


def test_what_is_set_for_the_service_is_what_it_gets(tmp_path: Path) -> None:
    source = """
        class Plugin:
            def __init__(self, config):
                pass

            def access(self, kong):
                request = kong.service.request
                request.set_method("put")
                request.set_path("/new")
                request.set_query({"b": ["1", True], "a": "x y", "c": False})
                request.set_header("X-One", 1)
                request.set_header("X-True", True)
                request.add_header("X-Two", "a")
                request.add_header("X-Two", "b")
                request.set_headers({"X-Three": ["a", "b"], "X-Four": "c"})
                request.clear_header("X-Gone")
                ok, err = request.set_body({"a": 1}, "application/json")
                assert ok and not err
                kong.service.set_retries(2)
                kong.service.set_timeouts(1000, 2000, 3000)
                kong.service.set_target("other.test", 81)
                ok, err = kong.service.set_upstream("nobody")
                assert ok is None and "nobody" in err, err
                ok, err = kong.service.set_tls_verify(True)
                assert ok is None and err
                request.disable_tls()
                request.set_scheme("http")
    """
    answer = answer_of(tmp_path, source, headers={"X-Gone": "x"})
    assert answer.status == 200
    sent = answer.sent
    assert sent is not None
    assert (sent.method, sent.target) == ("PUT", "/new?a=x%20y&b=1&b")
    assert [sent.header(name) for name in ("x-one", "x-true", "x-four", "x-gone")] == ["1", "true", "c", None]
    lines = [(name, value) for name, value in sent.lines if name in ("X-Two", "X-Three")]
    assert lines == [("X-Two", "a"), ("X-Two", "b"), ("X-Three", "a"), ("X-Three", "b")]
    assert (json.loads(sent.body), sent.header("content-type")) == ({"a": 1}, "application/json")


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ('{"a": "1", "b": ["x", "y"]}, "application/x-www-form-urlencoded"', b"a=1&b=x&b=y"),
        ('{"a": 1}, "multipart/form-data"', b'Content-Disposition: form-data; name="a"\r\n\r\n1\r\n'),
    ],
)
def test_a_body_is_written_in_the_type_that_is_asked_for(tmp_path: Path, arguments: str, body: bytes) -> None:
    source = f"""
        class Plugin:
            def __init__(self, config):
                pass

            def access(self, kong):
                kong.service.request.set_body({arguments})
    """
    sent = answer_of(tmp_path, source).sent
    assert sent is not None
    assert body in sent.body


def test_a_body_in_no_known_type_is_an_error_value(tmp_path: Path) -> None:
    assert seen(tmp_path, "kong.service.request.set_body({}, 'x/y')") == (None, "unsupported content type x/y")
    value, error = seen(tmp_path, "kong.service.request.set_body({})")
    assert value is None
    assert "content type" in error


def test_what_is_set_for_the_client_is_what_it_gets(tmp_path: Path) -> None:
    source = """
        class Plugin:
            def __init__(self, config):
                pass

            def access(self, kong):
                kong.response.set_header("X_Early", "1")

            def response(self, kong):
                kong.response.set_status(201)
                kong.response.add_header("X-Two", "a")
                kong.response.add_header("X-Two", "b")
                kong.response.clear_header("X-Secret")
                kong.response.set_headers({"X-Three": "c"})
                status, err = kong.response.get_status()
                source, err = kong.response.get_source()
                kong.response.set_header("X-Seen", "%s %s" % (status, source))
                body, err = kong.service.response.get_body()
                kong.response.set_header("X-Plan", body["plan"])
                raw, err = kong.service.response.get_raw_body()
                kong.response.set_header("X-Length", len(raw))
                headers, err = kong.service.response.get_headers()
                kong.response.set_header("X-Type", headers["content_type"])
                secret, err = kong.service.response.get_header("x-secret")
                kong.response.set_header("X-Was", secret)
                status, err = kong.service.response.get_status()
                kong.response.set_header("X-Status", status)
    """
    service = ServiceAnswer(headers={"Content-Type": "application/json", "X-Secret": "s"}, body=b'{"plan":"gold"}')
    answer = answer_of(tmp_path, source, service=service)
    assert (answer.status, answer.body) == (201, b'{"plan":"gold"}')
    names = ["x-early", "x-secret", "x-three", "x-seen", "x-plan", "x-length", "x-type", "x-was", "x-status"]
    assert [answer.header(name) for name in names] == [
        "1", None, "c", "201 service", "gold", "15", "application/json", "s", "200",
    ]  # fmt: skip
    assert [value for name, value in answer.lines if name == "X-Two"] == ["a", "b"]


@pytest.mark.parametrize(
    ("call", "status", "body", "content_type"),
    [
        ("exit(403, {'message': 'no'})", 403, b'{"message":"no"}', "application/json; charset=utf-8"),
        ("exit(200, 'plain', {'Content-Type': 'text/plain', 'X-A': ['1', '2']})", 200, b"plain", "text/plain"),
        ("exit(204)", 204, b"", None),
        ("exit(200, b'bytes')", 200, b"bytes", None),
        ("error(403, 'Access Forbidden')", 403, None, "application/json; charset=utf-8"),
        ("error(503)", 503, None, "application/json; charset=utf-8"),
    ],
)
def test_an_exit_ends_the_hook_and_answers(
    tmp_path: Path, call: str, status: int, body: bytes | None, content_type: str | None
) -> None:
    source = f"""
        class Plugin:
            def __init__(self, config):
                pass

            def access(self, kong):
                try:
                    kong.response.{call}
                except Exception:
                    pass
                raise RuntimeError("nothing after an exit runs")
    """
    answer = answer_of(tmp_path, source, headers={"Accept": "application/json"})
    assert (answer.status, answer.header("content-type"), answer.sent) == (status, content_type, None)
    if body is not None:
        assert answer.body == body
    elif status == 403:
        assert json.loads(answer.body)["message"] == "Access Forbidden"


def test_an_exit_in_the_response_phase_takes_the_place_of_the_services_answer(tmp_path: Path) -> None:
    source = """
        class Plugin:
            def __init__(self, config):
                pass

            def response(self, kong):
                kong.response.exit(502, "replaced")
    """
    answer = answer_of(tmp_path, source)
    assert (answer.status, answer.body, answer.sent is not None) == (502, b"replaced", True)


_FILTERS = "response, header_filter, body_filter, log"
_IN = "function cannot be called in"
_NOT_STRING = "got nil, expected string, number or boolean"


@pytest.mark.parametrize(
    ("phase", "call", "message"),
    [
        ("access", "response.get_status()", f"{_IN} access phase (only in: {_FILTERS}, admin_api)"),
        ("log", "service.set_retries(1)", "function cannot be called in log phase (only in: access)"),
        ("rewrite", "router.get_route()", f"function cannot be called in rewrite phase (only in: access, {_FILTERS})"),
        ("access", "log.serialize()", "function cannot be called in access phase (only in: log)"),
        ("access", "request.get_header(None)", "header name must be a string"),
        ("access", "request.get_headers(0)", "max_headers must be >= 1"),
        ("access", "request.get_headers(1001)", "max_headers must be <= 1000"),
        ("access", "response.set_header('X-A', None)", f'invalid header value for "X-A": {_NOT_STRING}'),
        ("access", "response.set_header(1, 'a')", "header must be a string"),
        ("access", "response.set_headers('a')", "headers must be a table"),
        ("access", "response.exit('200')", "code must be a number"),
        ("access", "response.exit(99)", "code must be a number between 100 and 599"),
        ("access", "response.exit(200, 1)", "body must be a nil, string or table"),
        ("access", "response.error(200)", "code must be a number between 400 and 599"),
        ("access", "service.set_target('a', 70000)", "port must be an integer between 0 and 65535: given 70000"),
        ("access", "service.set_retries(1.5)", "retries must be an integer"),
        ("access", "service.request.set_path('a')", "path must start with /"),
        ("access", "client.authenticate()", "either credential or consumer must be provided"),
        ("access", "client.load_consumer('joe')", "cannot load a consumer with an id that is not a uuid"),
    ],
)  # fmt: skip
def test_a_wrong_call_raises_as_kong_says(tmp_path: Path, phase: str, call: str, message: str) -> None:
    source = f"""
        from kong_pdk.exception import PDKException

        said = []

        class Plugin:
            def __init__(self, config):
                pass

            def {phase}(self, kong):
                try:
                    kong.{call}
                except PDKException as error:
                    said.append(str(error))
    """
    plugin = loaded(tmp_path, source)
    with Harness(plugin) as gateway:
        gateway.request()
    assert plugin.kong_class.__init__.__globals__["said"] == [message]  # type: ignore[attr-defined]


def test_a_plugin_that_raises_is_a_500(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = """
        class Plugin:
            def __init__(self, config):
                pass

            def access(self, kong):
                kong.request.nothing()
    """
    assert answer_of(tmp_path, source).status == 500
    assert "plugin py-test failed in access" in caplog.text
    assert "Kong's kit has no 'nothing' here" in caplog.text


ANN = Consumer("5f1d7fbc-0000-4000-8000-000000000001", "ann", "c-1", ("vip",), ("gold",), ("g-1",))
ANN_TABLE = {"id": ANN.id, "username": "ann", "custom_id": "c-1", "tags": ["vip"]}


def test_an_authenticated_consumer_is_told_to_the_service_and_to_later_hooks(tmp_path: Path) -> None:
    source = """
        out = []

        class Plugin:
            def __init__(self, config):
                pass

            def access(self, kong):
                ann, err = kong.client.load_consumer("ann", True)
                nobody, err = kong.client.load_consumer("nobody", True)
                out.extend([ann, nobody])
                kong.client.authenticate(ann, {"id": "k-1", "consumer_id": ann["id"], "key": "secret"})
                out.append(kong.client.get_consumer()[0])
                out.append(kong.client.get_credential()[0])
                out.append(kong.client.get_consumer_groups()[0])
                kong.client.set_authenticated_consumer_groups([{"id": "g-2", "name": "silver"}])
                out.append(kong.client.get_consumer_group()[0])
    """
    plugin = loaded(tmp_path, source)
    with Harness(plugin) as gateway:
        gateway.credentials.add("keyauth_credentials", {"id": "k-1", "key": "secret"}, ANN)
        answer = gateway.request()
    assert plugin.kong_class.__init__.__globals__["out"] == [  # type: ignore[attr-defined]
        ANN_TABLE,
        None,
        ANN_TABLE,
        {"id": "k-1", "consumer_id": ANN.id, "key": "secret", "consumer": {"id": ANN.id}},
        [{"id": "g-1", "name": "gold"}],
        {"id": "g-2", "name": "silver"},
    ]
    assert answer.sent is not None
    assert answer.sent.header("x-consumer-username") == "ann"


def test_a_consumer_that_is_nowhere_stored_may_be_authenticated(tmp_path: Path) -> None:
    source = """
        class Plugin:
            def __init__(self, config):
                pass

            def access(self, kong):
                kong.client.authenticate({"id": "x", "username": "external"}, None)
    """
    sent = answer_of(tmp_path, source).sent
    assert sent is not None
    assert (sent.header("x-consumer-id"), sent.header("x-consumer-username")) == ("x", "external")


def test_plugins_share_what_they_know_of_a_request(tmp_path: Path) -> None:
    source = """
        class Plugin:
            def __init__(self, config):
                pass

            def access(self, kong):
                kong.ctx.shared.set("plan", {"name": "gold"})
                kong.nginx.set_ctx("n", 1)
                kong.nginx.shared.set("count", 5)

            def response(self, kong):
                plan, err = kong.ctx.shared.get("plan")
                n, err = kong.nginx.get_ctx("n")
                count, err = kong.nginx.shared.get("count")
                kong.response.set_header("X-Seen", "%s %s %s" % (plan["name"], n, count))
    """
    assert answer_of(tmp_path, source).header("x-seen") == "gold 1 5"


def test_routes_and_services_are_tables(tmp_path: Path) -> None:
    route, _ = seen(tmp_path, "kong.router.get_route()")
    service, _ = seen(tmp_path, "kong.router.get_service()")
    assert (route["name"], route["paths"], service["name"]) == ("route", ["/"], "service")
    assert len(seen(tmp_path, "kong.plugin.get_id()")[0]) == 36


def test_captures_of_the_route_are_there(tmp_path: Path) -> None:
    captures, _ = seen(
        tmp_path,
        "kong.request.get_uri_captures()",
        harness={"route": {"paths": ["~/users/(?<user>[a-z]+)"]}},
        target="/users/ann",
    )
    assert captures["named"] == {"user": "ann"}
    assert captures["unnamed"][-1] == "ann"


def test_lines_of_the_log_name_the_plugin(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    source = """
        class Plugin:
            def __init__(self, config):
                pass

            def access(self, kong):
                kong.log("a", 1)
                kong.log.err("broken: ", {"x": None})
                kong.log.debug("d")
                kong.log.deprecation("old", {"after": "2.5.0", "removal": "3.0.0"})
    """
    answer_of(tmp_path, source)
    lines = [(record.levelno, record.message) for record in caplog.records if "[py-test]" in record.message]
    assert lines == [
        (25, "[py-test] a1"),
        (40, "[py-test] broken: {'x': None}"),
        (10, "[py-test] d"),
        (30, "[py-test] old (deprecated after 2.5.0, scheduled for removal in 3.0.0)"),
    ]


def test_values_are_put_into_the_log_record(tmp_path: Path) -> None:
    source = """
        out = []

        class Plugin:
            def __init__(self, config):
                pass

            def access(self, kong):
                kong.log.set_serialize_value("my.plan", "gold")
                kong.log.set_serialize_value("my.plan", "silver", {"mode": "add"})
                kong.log.set_serialize_value("my.other", 1, {"mode": "replace"})
                kong.log.set_serialize_value("my.new", 2, {"mode": "add"})
                kong.log.set_serialize_value("request.id", "x", {"mode": "add"})

            def log(self, kong):
                record, err = kong.log.serialize()
                out.append(record)
    """
    plugin = loaded(tmp_path, source)
    with Harness(plugin) as gateway:
        gateway.request()
    [record] = plugin.kong_class.__init__.__globals__["out"]  # type: ignore[attr-defined]
    assert record["my"] == {"plan": "gold", "new": 2}
    assert record["request"]["id"] != "x"


def test_secrets_are_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", '{"key": "s3cret"}')
    options: dict[str, Any] = {"harness": {"settings": {"vault_env_prefix": None}}}
    assert seen(tmp_path, "kong.vault.get('{vault://env/my-secret/key}')", **options) == ("s3cret", None)
    value, error = seen(tmp_path, "kong.vault.get('{vault://env/nothing-there}')", **options)
    assert value is None
    assert "NOTHING_THERE" in error
    assert seen(tmp_path, "kong.vault.parse_reference('{vault://env/cert/key?prefix=SSL_#1}')") == (
        {"name": "env", "resource": "cert", "key": "key", "config": {"prefix": "SSL_"}, "version": 1},
        None,
    )
    updated, _ = seen(
        tmp_path, "kong.vault.update({'a': 'old', '$refs': {'a': '{vault://env/my-secret/key}'}})", **options
    )
    assert updated["a"] == "s3cret"


def test_memory_is_told_in_the_unit_that_is_asked_for(tmp_path: Path) -> None:
    stats, _ = seen(tmp_path, "kong.node.get_memory_stats('m', 1)")
    assert stats["workers_lua_vms"][0]["http_allocated_gc"].endswith(" MiB")
