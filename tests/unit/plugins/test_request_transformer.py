"""request-transformer: what becomes of a request on its way to the service."""

from typing import Any

import msgspec
import pytest

from gateline.entities import Plugin as PluginEntity
from gateline.pdk.discovery import register_plugin
from gateline.plugins.request_transformer import RequestTransformer
from gateline.testing import Harness, Sent
from unit.entities.refusing import fields_of

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=xyz"}
UNPARSABLE = (
    "value '$(uri_captures user2)' is not in supported format, error: expected ')', found 'user2' at character 16"
)
USERS = {"paths": [r"~/users/(?<id>\d+)/(\w+)"]}


def sent(config: dict[str, Any], method: str = "GET", target: str = "/", route: Any = None, **request: Any) -> Sent:
    """What the service was sent of a request."""
    with Harness((RequestTransformer, config), route=route) as gateway:
        answer = gateway.request(method, target, **request)
    assert answer.status == 200
    assert answer.sent is not None
    return answer.sent


def part(name: str, value: str) -> str:
    return f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


# Headers


def test_headers_are_removed_in_any_case() -> None:
    got = sent({"remove": {"headers": ["X-One", "x-none"]}}, headers=[("x-one", "1"), ("X-ONE", "2"), ("x-two", "3")])
    assert got.header_values("x-one") == []
    assert got.header("x-two") == "3"


def test_a_renamed_header_takes_all_its_lines_and_the_place_of_the_other() -> None:
    lines = [("x-old", "1"), ("x-new", "0"), ("X-Old", "2")]
    got = sent({"rename": {"headers": ["x-old:x-new", "x-none:x-new"]}}, headers=lines)
    assert got.header_values("x-new") == ["1", "2"]
    assert got.header("x-old") is None


def test_a_header_can_be_renamed_in_case_alone() -> None:
    got = sent({"rename": {"headers": ["x-abc:X-ABC"]}}, headers={"x-abc": "1"})
    assert ("X-ABC", "1") in got.lines


def test_a_replaced_header_keeps_the_case_of_the_request_and_an_added_one_that_of_the_rule() -> None:
    config = {"replace": {"headers": ["x-a:new", "x-none:new"]}, "add": {"headers": ["X-B:b", "x-a:no"]}}
    got = sent(config, headers=[("X-A", "1"), ("X-A", "2")])
    assert [line for line in got.lines if line[0].lower() in ("x-a", "x-b", "x-none")] == [("X-A", "new"), ("X-B", "b")]


def test_appended_values_are_lines_of_their_own() -> None:
    got = sent({"append": {"headers": ["x-a:v1", "x-a:v2", "x-b:v"]}}, headers={"x-a": "v0"})
    assert got.header_values("x-a") == ["v0", "v1", "v2"]
    assert got.header_values("x-b") == ["v"]


def test_only_replace_changes_the_host() -> None:
    rules = {"headers": ["host:no.test"]}
    got = sent(
        {
            "remove": {"headers": ["Host"]},
            "rename": {"headers": ["x-a:Host", "host:x-a"]},
            "add": rules,
            "append": rules,
        }
    )
    assert got.header_values("host") == ["service.test:8080"]
    assert sent({"replace": {"headers": ["Host:own.test"]}}).header_values("host") == ["own.test"]


def test_a_rule_without_a_value_does_nothing() -> None:
    config = {"replace": {"headers": ["x-a:"]}, "add": {"headers": ["x-b:"]}, "append": {"headers": ["x-a:"]}}
    assert sent(config, headers={"x-a": "1"}).header_values("x-a") == ["1"]


def test_the_value_begins_behind_the_first_colons() -> None:
    assert sent({"add": {"headers": ["x-a::a:b"]}}).header("x-a") == "a:b"


def test_text_beyond_ascii_goes_out_as_it_was_written_or_received() -> None:
    config = {"add": {"headers": ["x-a:é", "x-b:$(headers.x_c)", "x-d:$(query_params.d)"]}}
    got = sent(config, target="/?d=%C3%A9", headers={"x-c": "Ã©"})
    assert [got.header(name) for name in ("x-a", "x-b", "x-d")] == ["Ã©", "Ã©", "Ã©"]


def test_a_line_break_in_a_rendered_value_ends_no_line() -> None:
    got = sent({"add": {"headers": ["x-a:$(query_params.a)"]}}, target="/?a=1%0d%0aX-Evil:%201")
    assert (got.header("x-a"), got.header("x-evil")) == ("1%0D%0AX-Evil: 1", None)


# The line


def test_the_path_is_made_of_captures() -> None:
    got = sent({"replace": {"uri": "/u/$(uri_captures.id)/$(uri_captures[2])"}}, target="/users/7/ann?a=1", route=USERS)
    assert got.target == "/u/7/ann?a=1"


def test_what_is_not_allowed_in_a_path_is_encoded() -> None:
    assert sent({"replace": {"uri": "/tést/$(query_params.q)"}}, target="/?q=a?b%23%0d").target == (
        "/t%C3%A9st/a%3Fb%23%0D?q=a?b%23%0d"
    )


def test_the_method_is_changed() -> None:
    assert sent({"http_method": "POST"}).method == "POST"


def test_a_form_that_is_sent_with_get_goes_into_the_query() -> None:
    got = sent({"http_method": "GET"}, "POST", "/?b=1", headers=FORM, body=b"a=x+y&b=2")
    assert (got.method, got.target) == ("GET", "/?a=x+y&b=1&b=2")


# The query


def test_query_rules_run_in_order_and_write_by_name() -> None:
    config = {
        "remove": {"querystring": ["gone"]},
        "rename": {"querystring": ["old:new", "none:new"]},
        "replace": {"querystring": ["b:x y", "none:1"]},
        "add": {"querystring": ["b:no", "z[1]:&"]},
        "append": {"querystring": ["b:é"]},
    }
    got = sent(config, target="/?old=1&gone&b=%20+1&new=0&a=%7E&gone=2")
    assert got.target == "/?a=%7E&b=x%20y&b=%C3%A9&new=1&z%5B1%5D=%26"


@pytest.mark.parametrize("query", ["/?b=1&a=+%7e", "/", "/?"])
def test_a_query_that_no_rule_changes_stays_as_it_is(query: str) -> None:
    assert (
        sent({"remove": {"querystring": ["none"]}, "replace": {"querystring": ["none:1"]}}, target=query).target
        == query
    )


def test_the_last_argument_can_go() -> None:
    assert sent({"remove": {"querystring": ["a"]}}, target="/?a=1").target == "/"


# Bodies


def test_json_rules_change_what_they_name_and_nothing_else() -> None:
    config = {
        "remove": {"body": ["gone", "none"]},
        "rename": {"body": ["old:new", "none:new"]},
        "replace": {"body": ["f:v", "none:v"]},
        "add": {"body": ["f:no", "é:ü"]},
        "append": {"body": ["s:2", "l:2", "n:2", "x:2"]},
    }
    body = '{"gone":1,"old":1.50,"f":false,"s":"1","l":[ 1 ],"n":1,"e":[],"big":12345678901234567890123}'
    got = sent(config, "POST", headers=JSON, body=body.encode())
    assert got.body.decode() == (
        '{"f":"v","s":["1","2"],"l":[1,"2"],"n":[1,"2"],"e":[],"big":12345678901234567890123,"new":1.50,"é":"ü","x":["2"]}'
    )
    assert got.header("content-length") == str(len(got.body))


@pytest.mark.parametrize("body", [b"{", b"[1]", b"1", b'"a"', b"{} x", b"\xff"])
def test_what_is_no_json_object_passes_untouched(body: bytes) -> None:
    assert sent({"add": {"body": ["a:1"]}}, "POST", headers=JSON, body=body).body == body


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml"])
def test_a_body_of_another_type_is_not_even_kept(content_type: str) -> None:
    body = b"x" * 3000
    with Harness((RequestTransformer, {"add": {"body": ["a:1"]}}), body_limit=1000) as gateway:
        answer = gateway.request("POST", headers={"Content-Type": content_type}, body=body)
    assert answer.sent is not None
    assert answer.sent.body == body


def test_a_body_that_is_too_long_to_change_is_refused() -> None:
    with Harness((RequestTransformer, {"remove": {"body": ["a"]}}), body_limit=10) as gateway:
        answer = gateway.request("POST", headers=JSON, body=b'{"a":"bcdef"}')
    assert (answer.status, answer.sent) == (413, None)


def test_a_chunked_body_is_changed_too() -> None:
    got = sent({"add": {"body": ["a:1"]}}, "POST", headers=JSON, chunks=[b'{"b"', b":1}"])
    assert got.body == b'{"b":1,"a":"1"}'


def test_json_of_a_type_with_the_suffix_is_json() -> None:
    headers = {"Content-Type": "application/merge-patch+json; charset=utf-8"}
    assert sent({"remove": {"body": ["a"]}}, "PATCH", headers=headers, body=b'{"a":1}').body == b"{}"


def test_a_body_is_made_where_there_was_none() -> None:
    config = {"http_method": "POST", "add": {"headers": ["Content-Type:application/json"], "body": ["a:b"]}}
    got = sent(config)
    assert (got.method, got.header("content-type"), got.body) == ("POST", "application/json", b'{"a":"b"}')


def test_form_rules() -> None:
    config = {
        "remove": {"body": ["gone"]},
        "rename": {"body": ["old:new"]},
        "replace": {"body": ["b:x y"]},
        "add": {"body": ["b:no", "c:&"]},
        "append": {"body": ["a:2"]},
    }
    got = sent(config, "POST", headers=FORM, body=b"old=1&a=%7E&gone=1&b=1&b=2&new=0")
    assert got.body == b"new=1&a=%7E&b=x%20y&c=%26&a=2"


def test_multipart_rules() -> None:
    config = {
        "remove": {"body": ["gone"]},
        "rename": {"body": ["old:new"]},
        "replace": {"body": ["b:two"]},
        "add": {"body": ["b:no", "c:three"]},
        "append": {"body": ["a:four"]},
    }
    head = 'Content-Type: text/x; name=gone\r\nContent-Disposition: form-data; name=f; filename="a"'
    file = f"--xyz\r\n{head}\r\n\r\n\x00\r\n\r\n"
    body = part("old", "1") + part("gone", "x") + file + part("b", "1") + part("a", "0") + "--xyz--\r\n"
    got = sent(config, "POST", headers=MULTIPART, body=body.encode())
    expected = part("new", "1") + file + part("b", "two") + part("a", "0") + part("c", "three") + part("a", "four")
    assert got.body.decode() == expected + "--xyz--\r\n"
    assert got.header("content-type") == MULTIPART["Content-Type"]


def test_a_value_cannot_end_a_multipart_part() -> None:
    config = {"add": {"body": ["a:$(query_params.a)"]}}
    body = part("b", "1") + "--xyz--\r\n"
    got = sent(config, "POST", "/?a=%0d%0a--xyz--", headers=MULTIPART, body=body.encode())
    boundary = (got.header("content-type") or "").partition("boundary=")[2]
    assert boundary not in ("", "xyz")
    assert got.body.count(f"--{boundary}".encode()) == 3


@pytest.mark.parametrize("body", ["", "garbage", part("a", "1"), "--xyz--\r\n"])
def test_a_multipart_body_without_the_field_or_broken_passes(body: str) -> None:
    assert sent({"remove": {"body": ["b"]}}, "POST", headers=MULTIPART, body=body.encode()).body == body.encode()


# Templates


def test_templates_see_the_request_as_it_was() -> None:
    config = {
        "remove": {"headers": ["x-a"], "querystring": ["q"]},
        "replace": {"headers": ["x-b:new"], "querystring": ["r:$(headers.x_a)"], "body": ["f:$(headers.x_a)"]},
        "add": {"headers": ["x-copy:$(headers.x_a) $(headers.x_b) $(query_params.q)"]},
        "rename": {"headers": ["x-c:x-$(headers.x_b)"]},
    }
    got = sent(config, "POST", "/?q=1&r=2", headers={"x-a": "a", "x-b": "b", "x-c": "c", **FORM}, body=b"f=0")
    assert (got.header("x-a"), got.header("x-b"), got.header("x-copy"), got.header("x-b")) == (
        None,
        "new",
        "a b 1",
        "new",
    )
    assert (got.target, got.body) == ("/?r=a", b"f=a")


def test_a_new_header_name_may_be_a_template() -> None:
    assert sent({"rename": {"headers": ["x-a:x-$(query_params.n)"]}}, target="/?n=new", headers={"x-a": "1"}).header(
        "x-new"
    )


@pytest.mark.parametrize(
    "config",
    [
        {"add": {"querystring": ["q:$(ERROR())"]}},
        {"add": {"headers": ["x-a:$(foo.bar)"]}},
        {"replace": {"headers": ["x-none:$(nil .. 'x')"]}},
        {"replace": {"uri": "$(query_params.u)"}},
        {"rename": {"headers": ["x-a:$(query_params.none)"]}},
    ],
)
def test_a_template_that_comes_to_nothing_fails_the_request(
    config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with Harness((RequestTransformer, config)) as gateway:
        answer = gateway.request(target="/?u=http://evil.test", headers={"x-a": "1", "Accept": "*/*"})
    assert (answer.status, answer.sent) == (500, None)
    assert answer.json()["message"] == "An unexpected error occurred"
    [record] = caplog.records
    assert record.getMessage().startswith("[request-transformer] failed to render the template ")
    assert record.exc_info is None


# The configuration


def refused(config: dict[str, Any]) -> dict[str, Any]:
    register_plugin(RequestTransformer)
    fields: dict[str, Any] = fields_of(PluginEntity, {"name": "request-transformer", "config": config})["config"]
    return fields


def test_every_list_is_there_and_empty() -> None:
    register_plugin(RequestTransformer)
    shown = PluginEntity.parse({"name": "request-transformer"}).to_wire()["config"]
    lists: dict[str, Any] = {"body": [], "headers": [], "querystring": []}
    others = dict.fromkeys(("remove", "rename", "add", "append"), lists)
    assert shown == {"http_method": None, "replace": {**lists, "uri": None}, **others}
    assert msgspec.json.encode(shown)


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({"http_method": "HELLO!"}, {"http_method": "invalid value: HELLO!"}),
        ({"add": {"headers": ["nocolon"]}}, {"add": {"headers": ["invalid value: nocolon"]}}),
        ({"add": {"headers": ["a b:c"]}}, {"add": {"headers": ["'a b' is not a valid header"]}}),
        ({"append": {"headers": ["a:b\rc"]}}, {"append": {"headers": ["'b\rc' is not a valid header"]}}),
        ({"rename": {"headers": ["a:b c"]}}, {"rename": {"headers": ["'b c' is not a valid header"]}}),
        ({"rename": {"headers": ["a:"]}}, {"rename": {"headers": ["'' is not a valid header"]}}),
        ({"remove": {"headers": ["a b"]}}, {"remove": {"headers": ["'a b' is not a valid header"]}}),
        ({"add": {"querystring": ["a:1", "b:"]}}, {"add": {"querystring": [None, "key 'b' has no value"]}}),
        ({"rename": {"body": ["a"]}}, {"rename": {"body": ["key 'a' has no value"]}}),
        ({"add": {"body": None}}, {"add": {"body": "required field missing"}}),
        ({"replace": {"uri": "x/y"}}, {"replace": {"uri": "should start with: / (or with a template)"}}),
        (
            {"add": {"querystring": ["a:$(uri_captures user2)"]}},
            {"add": {"querystring": [UNPARSABLE]}},
        ),
        ({"allow": {"body": ["a"]}}, {"allow": "unknown field"}),
    ],
)
def test_what_is_wrong_is_said_in_its_place(config: dict[str, Any], fields: dict[str, Any]) -> None:
    assert refused(config) == fields


def test_a_reference_may_stand_for_a_rule() -> None:
    register_plugin(RequestTransformer)
    config = {"add": {"headers": ["{vault://env/rule}"]}}
    assert PluginEntity.parse({"name": "request-transformer", "config": config}).to_wire()["config"]["add"]["headers"]
