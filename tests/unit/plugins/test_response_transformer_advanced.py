"""response-transformer-advanced: what it has besides."""

import gzip
from typing import Any

import pytest

from gateline.entities import Plugin as PluginEntity
from gateline.pdk.discovery import register_plugin
from gateline.plugins.response_transformer import ResponseTransformerAdvanced
from gateline.testing import Answer, Harness, ServiceAnswer
from unit.entities.refusing import fields_of

JSON = {"Content-Type": "application/json"}
NO_LUA = (
    "functions in Lua are not run; use the other fields, or a plugin in Python (docs/differences-from-kong.md, 'Lua')"
)


def answered(config: dict[str, Any], body: bytes = b"", status: int = 200, **headers: str) -> Answer:
    """The answer that the client gets."""
    lines = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
    with Harness((ResponseTransformerAdvanced, config), body_limit=1000) as gateway:
        return gateway.request(service=ServiceAnswer(status, lines, body))


@pytest.mark.parametrize(
    ("status", "ours"), [(200, False), (404, True), (500, True), (550, True), (599, True), (600, False)]
)
def test_rules_are_for_some_status_codes_only(status: int, ours: bool) -> None:
    config = {"add": {"headers": ["x-a:1"], "json": ["a:1"], "if_status": ["404", "500-599"]}}
    got = answered(config, b"{}", status)
    assert (got.header("x-a"), got.body) == (("1", b'{"a":"1"}') if ours else (None, b"{}"))


def test_each_list_has_its_own_status_codes() -> None:
    config = {"add": {"json": ["a:1"], "if_status": ["500"]}, "remove": {"json": ["b"], "if_status": ["200"]}}
    assert answered(config, b'{"b":1}').body == b"{}"
    assert answered(config, b'{"b":1}', 500).body == b'{"b":1,"a":"1"}'


def test_a_whole_body_is_replaced_whatever_its_type() -> None:
    config = {"replace": {"body": '{"error":"é"}', "if_status": ["500"]}, "remove": {"json": ["a"]}}
    got = answered(config, b"<html>", 500, Content_Type="text/html")
    assert (got.body.decode(), got.header("content-type")) == ('{"error":"é"}', "text/html")
    assert answered(config, b'{"a":1}').body == b"{}"


def test_only_what_is_allowed_stays() -> None:
    config = {"allow": {"json": ["a", "b"]}, "add": {"json": ["b:1", "c:1"]}}
    assert answered(config, b'{"a":1,"x":2}').body == b'{"a":1,"b":"1"}'


def test_names_are_paths_when_dots_are_not_of_keys() -> None:
    config = {"dots_in_keys": False, "remove": {"json": ["customers[*].info.phone"]}}
    body = b'{"customers":[{"info":{"phone":1,"name":"a"}},{"info":{}},{}]}'
    assert answered(config, body).body == b'{"customers":[{"info":{"name":"a"}},{"info":{}},{}]}'


def test_a_compressed_body_is_changed_and_compressed_again() -> None:
    config = {"add": {"json": ["a:1"]}, "replace": {"body": "new", "if_status": ["500"]}}
    got = answered(config, gzip.compress(b'{"b":') + gzip.compress(b"1}"), Content_Encoding="gzip")
    assert (gzip.decompress(got.body), got.header("content-encoding")) == (b'{"b":1,"a":"1"}', "gzip")
    assert gzip.decompress(answered(config, b"x", 500, Content_Encoding="gzip").body) == b"new"
    assert answered(config, b"x", 500, Content_Encoding="br").header("content-encoding") is None


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"{" + b" " * 2000 + b"}"), b"\x1f\x8b broken", gzip.compress(b"{}")[:-3]],
    ids=["too long", "broken", "cut off"],
)
def test_a_body_that_does_not_unfold_passes_as_it_is(body: bytes) -> None:
    assert answered({"add": {"json": ["a:1"]}}, body, Content_Encoding="gzip").body == body


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        (
            {"add": {"if_status": ["5xx", "500-400", "99"]}},
            {
                "add": {
                    "if_status": [
                        f"'{text}' is no status code and no range of them such as 500-599"
                        for text in ("5xx", "500-400", "99")
                    ]
                }
            },
        ),
        (
            {"transform": {"functions": ["return function (data) return data end"]}},
            {"transform": {"functions": [NO_LUA]}},
        ),
    ],
)
def test_what_is_wrong_is_said_in_its_place(config: dict[str, Any], fields: dict[str, Any]) -> None:
    register_plugin(ResponseTransformerAdvanced)
    assert fields_of(PluginEntity, {"name": "response-transformer-advanced", "config": config}) == {"config": fields}
