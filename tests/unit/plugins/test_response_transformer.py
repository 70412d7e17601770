"""response-transformer: what becomes of an answer on its way to the client."""

from typing import Any

import pytest

from gateline.entities import Plugin as PluginEntity
from gateline.pdk import Exchange, Plugin, PluginConfig, Response
from gateline.pdk.discovery import register_plugin
from gateline.plugins.response_transformer import ResponseTransformer
from gateline.testing import Answer, Harness, ServiceAnswer
from unit.entities.refusing import fields_of

JSON = {"Content-Type": "application/json"}


class Refusing(Plugin[PluginConfig], name="refusing"):
    def access(self, exchange: Exchange) -> Response:
        return Response(403, {"secret": 1}, {"X-A": "1"})


def answered(config: dict[str, Any], body: str = "", method: str = "GET", **service: Any) -> Answer:
    """The answer that the client gets."""
    headers = {**JSON, **service.pop("headers", {})}
    with Harness((ResponseTransformer, config)) as gateway:
        return gateway.request(method, service=ServiceAnswer(headers=headers, body=body.encode(), **service))


def test_header_rules_run_in_order() -> None:
    config = {
        "remove": {"headers": ["x-gone", "x-none"]},
        "rename": {"headers": ["x-old:x-new", "x-none:x-new"]},
        "replace": {"headers": ["x-new:2", "x-none:2"]},
        "add": {"headers": ["x-new:no", "x-gone:back"]},
        "append": {"headers": ["x-gone:more", "x-more:a:b"]},
    }
    got = answered(config, headers={"X-Gone": "1", "X-Old": "1"})
    assert (got.header("x-old"), got.header_values("x-new")) == (None, ["2"])
    assert (got.header_values("x-gone"), got.header("x-more")) == (["back", "more"], "a:b")


def test_a_value_of_a_header_can_be_removed() -> None:
    config = {"remove": {"headers": ["x-a:1", "x-b:/^no/", "Set-Cookie:/^s=/", "x-c:other"]}}
    cookie = "s=1; Path=/, x"
    got = answered(config, headers={"X-A": "1, 2,1", "X-B": "yes", "Set-Cookie": cookie, "X-C": "a,b"})
    assert [got.header(name) for name in ("x-a", "x-b", "set-cookie", "x-c")] == ["2", "yes", None, "a,b"]
    assert answered(config, headers={"Set-Cookie": "t=s=1, s=2"}).header("set-cookie") == "t=s=1, s=2"
    assert answered(config, headers={"X-B": "no-1,no-2"}).header("x-b") is None


def test_json_rules_run_in_order() -> None:
    config = {
        "remove": {"json": ["gone"]},
        "rename": {"json": ["old:new", "none:new"]},
        "replace": {"json": ["a:x", "none:x"]},
        "add": {"json": ["a:no", 'q:"v"', "p:/a/b"]},
        "append": {"json": ["l:2", "new:2", "m:2"]},
    }
    got = answered(config, '{"gone":1,"old":1.50,"a":null,"l":[1],"e":[]}')
    assert got.body == b'{"a":"x","l":[1,"2"],"e":[],"new":[1.5,"2"],"q":"\\"v\\"","p":"/a/b","m":["2"]}'
    assert got.header("content-length") == str(len(got.body))


def test_values_have_types() -> None:
    types = ["number", "boolean", "boolean", "string", "number"]
    config = {"add": {"json": ["n:-1", "t:true", "f:x", "s:1", "bad:x"], "json_types": types}}
    assert answered(config, "{}").body == b'{"n":-1,"t":true,"f":false,"s":"1"}'


@pytest.mark.parametrize(
    ("content_type", "changed"),
    [
        ("application/json; charset=utf-8", True),
        ("application/problem+json", True),
        ("application/x-www-form-urlencoded, application/json", True),
        ("text/plain", False),
        ("application/jsonp", False),
    ],
)
def test_only_json_is_changed(content_type: str, changed: bool) -> None:
    got = answered({"remove": {"json": ["a"]}}, '{"a":1}', headers={"Content-Type": content_type})
    assert got.body == (b"{}" if changed else b'{"a":1}')


@pytest.mark.parametrize("body", ["", "not json", "[1]", '{"a":'])
def test_what_is_no_json_object_passes(body: str) -> None:
    got = answered({"add": {"headers": ["x-a:1"], "json": ["a:1"]}}, body)
    assert (got.body, got.header("x-a")) == (body.encode(), "1")


def test_a_chunked_answer_is_changed_and_has_a_length() -> None:
    got = answered({"add": {"json": ["a:1"]}}, chunks=(b'{"b"', b":1}"))
    assert (got.body, got.header("content-length")) == (b'{"b":1,"a":"1"}', "15")


def test_an_answer_to_head_has_changed_headers_and_no_body() -> None:
    got = answered({"add": {"json": ["a:1"], "headers": ["x-a:1"]}}, '{"b":1}', "HEAD")
    assert (got.body, got.header("x-a")) == (b"", "1")


def test_an_answer_that_is_too_long_to_change_is_refused_and_one_of_another_type_streams() -> None:
    long = b'{"a":"bcdefgh"}'
    with Harness((ResponseTransformer, {"remove": {"json": ["a"]}}), body_limit=10) as gateway:
        assert gateway.request(service=ServiceAnswer(headers=JSON, body=long)).status == 502
        text = {"Content-Type": "text/plain"}
        assert gateway.request(service=ServiceAnswer(headers=text, body=long)).body == long


def test_answers_of_other_plugins_and_errors_are_changed_too() -> None:
    config = {"remove": {"json": ["secret"], "headers": ["x-a"]}, "add": {"json": ["b:1"], "headers": ["x-b:1"]}}
    with Harness((ResponseTransformer, config), Refusing) as gateway:
        got = gateway.request()
    assert (got.status, got.body, got.header("x-a"), got.header("x-b")) == (403, b'{"b":"1"}', None, "1")
    assert got.header("content-length") == "9"


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({"add": {"headers": ["nocolon"]}}, {"add": {"headers": ["invalid value: nocolon"]}}),
        ({"add": {"json": ["nocolon"]}}, {"add": {"json": ["invalid value: nocolon"]}}),
        ({"rename": {"headers": ["nocolon"]}}, {"rename": {"headers": ["invalid value: nocolon"]}}),
        ({"rename": {"headers": ["a:b c"]}}, {"rename": {"headers": ["'b c' is not a valid header"]}}),
        ({"rename": {"headers": ["a b:c"]}}, {"rename": {"headers": ["'a b' is not a valid header"]}}),
        ({"add": {"json_types": ["integer"]}}, {"add": {"json_types": ["expected one of: boolean, number, string"]}}),
        ({"remove": {"json": None}}, {"remove": {"json": "required field missing"}}),
        ({"replace": {"body": "x"}}, {"replace": {"body": "unknown field"}}),
    ],
)
def test_what_is_wrong_is_said_in_its_place(config: dict[str, Any], fields: dict[str, Any]) -> None:
    register_plugin(ResponseTransformer)
    assert fields_of(PluginEntity, {"name": "response-transformer", "config": config}) == {"config": fields}


def test_a_regex_that_is_none_is_refused() -> None:
    register_plugin(ResponseTransformer)
    config = {"remove": {"headers": ["a:/(/"]}}
    [problem] = fields_of(PluginEntity, {"name": "response-transformer", "config": config})["config"]["remove"][
        "headers"
    ]
    assert problem.startswith("invalid regex: '('")


def test_every_list_is_there_and_empty() -> None:
    register_plugin(ResponseTransformer)
    values: dict[str, Any] = {"json": [], "json_types": [], "headers": []}
    names: dict[str, Any] = {"json": [], "headers": []}
    shown = PluginEntity.parse({"name": "response-transformer"}).to_wire()["config"]
    assert shown == {
        **dict.fromkeys(("remove", "rename"), names),
        **dict.fromkeys(("replace", "add", "append"), values),
    }


@pytest.mark.parametrize(
    ("rules", "idle"),
    [
        ({"add": {"headers": ["x-a:1"]}}, ("response", "body_filter")),
        ({"add": {"headers": ["x-a:1"], "json": ["a:1"]}}, ()),
    ],
)
def test_without_rules_for_bodies_it_has_nothing_to_do_with_them(rules: dict[str, Any], idle: tuple[str, ...]) -> None:
    with Harness((ResponseTransformer, rules)) as gateway:
        (plugin,) = gateway._plugins
    assert plugin.idle_phases == idle
