"""pre-function and post-function: code of the configuration, run where the operator allows it."""

import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from gateline.entities import Plugin as PluginEntity
from gateline.pdk import permissions
from gateline.pdk.discovery import register_plugin
from gateline.plugins.request_transformer import RequestTransformer
from gateline.plugins.serverless import PostFunction, PreFunction
from gateline.plugins.serverless.config import Config
from gateline.plugins.serverless.lua import LUA
from gateline.testing import Answer, Harness, ServiceAnswer
from unit.entities.refusing import fields_of

OFF = (
    "Python code in the configuration is not run; whoever may write the configuration could do anything with it. "
    "Set untrusted_python = on to allow it"
)


@pytest.fixture
def allowed() -> Iterator[None]:
    permissions.allow(untrusted_python=True)
    yield
    permissions.allow(untrusted_python=False)


def answered(config: dict[str, Any], *others: Any, **request: Any) -> Answer:
    """The answer to a request that goes through pre-function."""
    config = {phase: [textwrap.dedent(code) for code in codes] for phase, codes in config.items()}
    with Harness((PreFunction, config), *others, settings={"untrusted_python": True}) as gateway:
        return gateway.request(**request)


def refused(config: dict[str, Any], plugin: Any = PreFunction) -> dict[str, Any]:
    register_plugin(plugin)
    return fields_of(PluginEntity, {"name": plugin.name, "config": config})


@pytest.mark.usefixtures("allowed")
class TestAllowed:
    @pytest.mark.parametrize(
        "code",
        [
            'exchange.service_request.set_header("x-a", "1")',
            'def handler(exchange):\n    exchange.service_request.set_header("x-a", "1")',
            'def f(x):\n    x.service_request.set_header("x-a", "1")\nreturn f',
            'return lambda exchange: exchange.service_request.set_header("x-a", "1")',
            'async def handler(exchange, more=1):\n    exchange.service_request.set_header("x-a", "1")',
            'import asyncio\nawait asyncio.sleep(0)\nexchange.service_request.set_header("x-a", "1")',
            '    value = "1"\n    exchange.service_request.set_header("x-a", value)',
        ],
    )
    def test_code_is_a_function_or_the_body_of_one(self, code: str) -> None:
        got = answered({"access": [code]})
        assert got.sent is not None
        assert got.sent.header("x-a") == "1"

    def test_what_stands_before_a_function_is_run_once(self) -> None:
        code = """
            import itertools

            numbers = itertools.count(1)

            def handler(exchange):
                exchange.service_request.set_header("x-n", str(next(numbers)))
        """
        config = {"access": [textwrap.dedent(code)]}
        with Harness((PreFunction, config), settings={"untrusted_python": True}) as gateway:
            seen = [gateway.request().sent for _ in range(2)]
        assert [sent and sent.header("x-n") for sent in seen] == ["1", "2"]

    @pytest.mark.parametrize(
        "first", ["return Response(403, message='no')", "async def f(exchange): return Response(403)"]
    )
    def test_code_may_answer_and_what_follows_is_not_run(self, first: str) -> None:
        got = answered({"access": ["x = 1", first, "raise RuntimeError"], "log": ["exchange.log_field('x', 1)"]})
        assert (got.status, got.sent) == (403, None)
        assert got.log["x"] == 1

    def test_code_may_fail_with_an_error_in_the_clients_format(self) -> None:
        got = answered({"access": ["return ErrorResponse(401, 'who?')"]}, headers={"Accept": "application/json"})
        assert got.json()["message"] == "who?"

    def test_every_phase_has_its_code(self) -> None:
        config = {
            "rewrite": ["exchange.context['shared'] = 'rewritten'"],
            "access": ["exchange.service_request.set_header('x-a', exchange.context['shared'])"],
            "header_filter": ["exchange.response.set_header('x-h', '1')", "exchange.response.set_header('x-i', '2')"],
            "body_filter": ["return data.upper()", "return data + b'!' if last else None"],
            "log": ["exchange.log_field('seen', True)"],
        }
        got = answered(config, service=ServiceAnswer(body=b"hello"))
        assert got.sent is not None
        assert (got.sent.header("x-a"), got.header("x-h"), got.header("x-i")) == ("rewritten", "1", "2")
        assert (got.body, got.log["seen"]) == (b"HELLO!", True)

    def test_an_instance_has_the_hooks_of_its_phases_alone(self) -> None:
        node: Any = _Node()
        plugin = PreFunction.made(Config(log=("x = 1",)), node)
        assert plugin.hook("log")
        assert plugin.hook("access") is None

    def test_what_it_shares_templates_can_read(self) -> None:
        transformer = (RequestTransformer, {"add": {"querystring": ["v:$(shared.my_version)"]}})
        got = answered({"access": ["exchange.context['my_version'] = '1.2.3'"]}, transformer)
        assert got.sent is not None
        assert got.sent.target == "/?v=1.2.3"

    def test_code_that_raises_fails_the_request_and_the_log_names_its_place(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert answered({"access": ["x = 1", "\n1 / 0"]}).status == 500
        assert 'File "<pre-function access[2]>", line 2' in caplog.text

    @pytest.mark.parametrize(
        ("phase", "code", "problem"),
        [
            ("access", "x =", "error parsing function: invalid syntax in line 1"),
            ("access", "x = 1\nif x:\n", "error parsing function: expected an indented block after 'if' statement"),
            ("access", "def f(): pass", "error parsing function: f in line 1 must take (exchange)"),
            ("access", "x = 1\ndef f(a, b): pass", "error parsing function: f in line 2 must take (exchange)"),
            (
                "body_filter",
                "def f(a, b): pass",
                "error parsing function: f in line 1 must take (exchange, data, last)",
            ),
            ("access", "def f(exchange, *, needed): pass", "error parsing function: f in line 1 must take (exchange)"),
            (
                "header_filter",
                "async def f(x): pass",
                "error parsing function: f in line 1 cannot be async in header_filter",
            ),
            ("body_filter", "x = 1\nawait data", "error parsing function: 'await' in line 2 cannot be in body_filter"),
            ("access", "break", "error parsing function: 'break' outside loop in line 1"),
            ("access", "local x = kong.request.get_header('x')", LUA),
            ("access", "kong.response.set_header('x', 'y')", LUA),
            ("access", "return function() ngx.exit(403) end", LUA),
            ("access", "if x ~= nil then return end", LUA),
        ],
    )
    def test_code_that_cannot_be_used_is_refused_with_its_line(self, phase: str, code: str, problem: str) -> None:
        [found] = refused({phase: [code]})["config"][phase]
        assert found.startswith(problem)

    def test_a_name_of_kong_that_the_code_has_itself_is_no_lua(self) -> None:
        register_plugin(PreFunction)
        config = {"access": ["kong = exchange\nkong.request", "def f(ngx):\n    ngx.request", "import kong.x\nkong.x"]}
        assert PluginEntity.parse({"name": "pre-function", "config": config})

    def test_set_up_that_fails_makes_the_plugin_unusable(self) -> None:
        code = "raise RuntimeError('no')\ndef f(exchange): pass"
        with pytest.raises(Exception, match=r"pre-function access\[1\]: RuntimeError: no"):
            answered({"access": [code]})


class _Node:
    def setting(self, name: str) -> bool:
        return name == "untrusted_python"


@pytest.mark.parametrize("plugin", [PreFunction, PostFunction])
def test_code_is_refused_unless_the_operator_allows_it(plugin: Any) -> None:
    assert refused({"access": ["x = 1", "x ="]}, plugin) == {"config": {"access": [OFF, OFF]}}


def test_lua_is_told_from_python_even_so() -> None:
    assert refused({"access": ["kong.log.err('x')"]}) == {"config": {"access": [LUA]}}


def test_some_phase_needs_code() -> None:
    [sentence] = refused({})["@entity"]
    assert sentence == (
        "at least one of these fields must be non-empty: 'config.certificate', 'config.rewrite', 'config.access', "
        "'config.header_filter', 'config.body_filter', 'config.log'"
    )


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    ("phase", "status"),
    [("rewrite", 500), ("access", 500), ("header_filter", 500), ("body_filter", 500), ("log", 200)],
)
def test_code_that_was_stored_is_not_run_when_it_is_not_allowed_any_more(phase: str, status: int) -> None:
    with Harness((PreFunction, {phase: ["raise SystemError"]}), settings={"untrusted_python": False}) as gateway:
        assert gateway.request().status == status


def test_they_run_first_and_last() -> None:
    assert (PreFunction.priority, PostFunction.priority) == (1000000, -1000)
    assert PreFunction.scopes_refused == ("consumer", "consumer_group")
