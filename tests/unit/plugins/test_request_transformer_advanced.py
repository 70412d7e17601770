"""request-transformer-advanced: what it has besides."""

from typing import Any

import pytest

from gateline.plugins.request_transformer import RequestTransformerAdvanced
from gateline.testing import Harness

JSON = {"Content-Type": "application/json"}


def body_sent(config: dict[str, Any], body: str, content_type: str = "application/json") -> str:
    """The body that the service was sent."""
    with Harness((RequestTransformerAdvanced, config)) as gateway:
        answer = gateway.request("POST", headers={"Content-Type": content_type}, body=body.encode())
    assert answer.status == 200
    assert answer.sent is not None
    return answer.sent.body.decode()


def test_values_have_types() -> None:
    rules = ["i:-1", "f:1.5", "b:true", "c:no", "s:5", "t:$(1 + 1)", "x:none", "h:0x1F"]
    types = ["number", "number", "boolean", "boolean", "string", "number", "number", "number"]
    made = body_sent({"add": {"body": rules, "json_types": types}}, "{}")
    assert made == '{"i":-1,"f":1.5,"b":true,"c":false,"s":"5","t":2,"h":31.0}'
    assert body_sent({"replace": {"body": ["a:1"], "json_types": ["number"]}}, '{"a":2}') == '{"a":1}'
    assert (
        body_sent({"append": {"body": ["a:1", "b:x"], "json_types": ["number"]}}, '{"a":2}') == '{"a":[2,1],"b":["x"]}'
    )


def test_only_what_is_allowed_stays() -> None:
    config = {"allow": {"body": ["a", "c"]}, "add": {"body": ["c:1", "d:2"]}}
    assert body_sent(config, '{"a":1,"b":2}') == '{"a":1,"c":"1"}'
    assert body_sent(config, "a=1&b=2", "application/x-www-form-urlencoded") == "a=1&c=1"
    multipart = '--x\r\nContent-Disposition: form-data; name="b"\r\n\r\n1\r\n--x--\r\n'
    assert 'name="b"' not in body_sent(config, multipart, "multipart/form-data; boundary=x")
    assert body_sent({"allow": {"body": []}}, '{"a":1}') == "{}"
    assert body_sent({"allow": {"body": ["a"]}}, '{"a" : 1}') == '{"a" : 1}'


@pytest.mark.parametrize(
    ("config", "body", "made"),
    [
        ({"remove": {"body": ["a.b"]}}, '{"a":{"b":1,"c":2},"a.b":3}', '{"a":{"c":2},"a.b":3}'),
        ({"remove": {"body": ["a[*].b"]}}, '{"a":[{"b":1},{"b":2,"c":3},4]}', '{"a":[{},{"c":3},4]}'),
        ({"remove": {"body": ["a[2]"]}}, '{"a":[1,2,3]}', '{"a":[1,3]}'),
        ({"remove": {"body": ["a[*]"]}}, '{"a":[1,2,3]}', '{"a":[]}'),
        ({"remove": {"body": ["[*].x"]}}, '[{"x":1},{"y":2}]', '[{},{"y":2}]'),
        ({"rename": {"body": ["a.b:a.c"]}}, '{"a":{"b":1}}', '{"a":{"c":1}}'),
        ({"rename": {"body": ["a[*].b:a[*].c"]}}, '{"a":[{"b":1},{"b":2}]}', '{"a":[{"c":1},{"c":2}]}'),
        ({"rename": {"body": ["a.b:c.d"]}}, '{"a":{"b":1}}', '{"a":{},"c":{"d":1}}'),
        ({"replace": {"body": ["a[*].b:x", "a[1].c:x"]}}, '{"a":[{"b":1},{}]}', '{"a":[{"b":"x"},{}]}'),
        ({"replace": {"body": ["a[2]:x"]}}, '{"a":[1,2]}', '{"a":[1,"x"]}'),
        ({"add": {"body": ["a.b.c:x", "a[1]:y"]}}, '{"a":{"d":1}}', '{"a":{"d":1,"b":{"c":"x"}}}'),
        (
            {"append": {"body": ["a.l:x", "a.s:y", "a.n:z"]}},
            '{"a":{"l":[1],"s":2}}',
            '{"a":{"l":[1,"x"],"s":[2,"y"],"n":["z"]}}',
        ),
        ({"remove": {"body": ["a..b", "a[0]"]}}, '{"a..b":1,"a[0]":2}', "{}"),
        ({"remove": {"body": ["a.b.c"]}}, '{"a":1}', '{"a":1}'),
    ],
)
def test_names_are_paths_when_dots_are_not_of_keys(config: dict[str, Any], body: str, made: str) -> None:
    assert body_sent({"dots_in_keys": False, **config}, body) == made


def test_dots_are_of_keys_unless_said_otherwise() -> None:
    assert body_sent({"remove": {"body": ["a.b"]}}, '{"a":{"b":1},"a.b":3}') == '{"a":{"b":1}}'


def test_everything_that_the_plain_one_does() -> None:
    config = {"add": {"headers": ["x-a:$(query_params.a)"]}, "replace": {"uri": "/x"}}
    with Harness((RequestTransformerAdvanced, config)) as gateway:
        answer = gateway.request(target="/?a=1")
    assert answer.sent is not None
    assert (answer.sent.header("x-a"), answer.sent.target) == ("1", "/x?a=1")
