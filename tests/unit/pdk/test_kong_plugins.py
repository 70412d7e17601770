"""Kong's Python plugins, unchanged: the examples of Kong's kit from what is documented of them, found and run."""

import asyncio
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from gateline.entities import EntityError
from gateline.entities.plugin_configs import plugin_type
from gateline.pdk.discovery import PluginLoadError, Plugins
from gateline.pdk.kong.threads import Threads
from gateline.testing import Harness, ServiceAnswer
from unit.pdk.kong_files import HELLO, answer_of, loaded

LOGGING = """
    from kong_pdk.pdk.kong import kong as types

    lines = []

    class Plugin:
        def __init__(self, config):
            self.config = config

        def log(self, kong: types):
            record, err = kong.log.serialize()
            if err:
                return
            lines.append("%s %s" % (record["request"]["method"], record["response"]["status"]))
"""

REDACTING = """
    import re

    Schema = ({"pattern": {"type": "string", "default": "[0-9]{4}"}},)

    class Plugin:
        def __init__(self, config):
            self.pattern = re.compile(config["pattern"].encode())

        def response(self, kong):
            body = kong.service.response.get_raw_body()
            kong.response.exit(200, self.pattern.sub(b"****", body), {"X-Redacted": "yes"})
"""


def test_hello_greets_as_it_does_in_kong(tmp_path: Path) -> None:
    answer = answer_of(tmp_path, HELLO)
    assert answer.header("x-hello-from-python") == "Python says hello to gateway.test"
    assert answer.header("x-python-pid") == str(os.getpid())
    answer = answer_of(tmp_path, HELLO, {"message": "hi"})
    assert answer.header("x-hello-from-python") == "Python says hi to gateway.test"


def test_a_file_says_priority_version_and_schema(tmp_path: Path) -> None:
    plugin = loaded(tmp_path, HELLO, "py-hello")
    known = plugin_type("py-hello")
    assert known is not None
    assert (plugin.priority, plugin.version, known.config) == (7, "0.1.0", plugin.config_model)
    with pytest.raises(EntityError, match=r"config\.message: expected a string"):
        Harness((plugin, {"message": 1}))


def test_a_file_without_them_has_kongs_defaults(tmp_path: Path) -> None:
    plugin = loaded(tmp_path, "class Plugin:\n    def __init__(self, config):\n        pass\n")
    assert (plugin.priority, plugin.version) == (0, "0.0.0")


def test_a_log_hook_runs_when_the_client_has_its_answer(tmp_path: Path) -> None:
    plugin = loaded(tmp_path, LOGGING)
    with Harness(plugin) as gateway:
        gateway.request("PUT")
    assert plugin.kong_class.log.__globals__["lines"] == ["PUT 200"]  # type: ignore[attr-defined]


def test_a_response_hook_has_the_body_whole(tmp_path: Path) -> None:
    answer = answer_of(tmp_path, REDACTING, service=ServiceAnswer(chunks=(b"pin 12", b"34.")))
    assert (answer.body, answer.header("x-redacted")) == (b"pin ****.", "yes")


def test_a_response_that_a_hook_cannot_have_whole_does_not_pass_it_by(tmp_path: Path) -> None:
    answer = answer_of(tmp_path, REDACTING, harness={"body_limit": 5}, service=ServiceAnswer(body=b"pin 1234"))
    assert answer.status == 502


def test_one_instance_lives_as_long_as_its_configuration(tmp_path: Path) -> None:
    source = """
        class Plugin:
            def __init__(self, config):
                self.count = 0

            def access(self, kong):
                self.count += 1
                kong.response.set_header("X-Count", self.count)
    """
    with Harness(loaded(tmp_path, source)) as gateway:
        assert [gateway.request().header("x-count") for _ in range(3)] == ["1", "2", "3"]


def test_preread_and_the_filters_that_kong_does_not_call_are_not_called(tmp_path: Path) -> None:
    source = """
        class Plugin:
            def __init__(self, config):
                pass

            def preread(self, kong):
                raise RuntimeError

            def header_filter(self, kong):
                raise RuntimeError

            def body_filter(self, kong):
                raise RuntimeError
    """
    assert answer_of(tmp_path, source).status == 200


def test_a_file_is_called_as_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "my_plugin.py").write_text("class Plugin:\n    pass\n")
    (tmp_path / "py-other.py").write_text("class Plugin:\n    pass\n")
    assert {"my_plugin", "py-other"} <= set(Plugins(["bundled", "my_plugin"], [tmp_path]).names)
    assert "my_plugin" in Plugins(["my_plugin"], [tmp_path / "my_plugin.py"]).names
    with pytest.raises(PluginLoadError, match="'my-plugin' is in the setting 'plugins'"):
        Plugins(["my-plugin"], [tmp_path])


def test_a_package_is_a_plugin_too(tmp_path: Path) -> None:
    folder = tmp_path / "py-package"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from .words import word\n\n\nclass Plugin:\n    def __init__(self, config):\n        pass\n\n"
        "    def access(self, kong):\n        word(kong)\n"
    )
    (folder / "words.py").write_text(
        "def word(kong):\n    kong.response.set_header('X-Word', kong.request.get_method())\n"
    )
    plugin = Plugins(["py-package"], [tmp_path]).load("py-package")
    assert plugin is not None
    with Harness(plugin) as gateway:
        assert gateway.request().header("x-word") == "GET"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("Schema = [{'a': {'type': 'x'}}]\nclass Plugin: pass", r"Schema\.a: the type 'x'"),
        ("priority = 'high'\nclass Plugin: pass", "'priority' must be a number"),
        ("gateline_runs_in = 'x'\nclass Plugin: pass", "'gateline_runs_in' must be"),
        ("import nothing_that_there_is\nclass Plugin: pass", "No module named"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path, source: str, why: str) -> None:
    with pytest.raises(PluginLoadError, match=f"plugin 'py-test' cannot be loaded: .*{why}"):
        loaded(tmp_path, source)


@pytest.mark.parametrize(
    "statement",
    [
        "import kong_pdk",
        "import kong_pdk.pdk.kong as kong\nkong.kong.request.get_header\nkong.kong.client.tls",
        "from kong_pdk.pdk.kong import kong\nkong.service.request.set_header",
        "from kong_pdk.pdk.kong.request import request\nrequest.get_path",
        "from kong_pdk.exception import PDKException, PluginServerException",
        "from kong_pdk.cli import start_dedicated_server, start_server",
        "from kong_pdk.kong import kong",
        "from kong_pdk.const import __version__",
    ],
)
def test_what_plugins_import_of_kongs_package_is_there(tmp_path: Path, statement: str) -> None:
    loaded(tmp_path, f"{statement}\nclass Plugin:\n    pass\n")


BLOCKING = """
    import threading

    gateline_runs_in = "threads"
    free = threading.Event()
    names = []

    class Plugin:
        def __init__(self, config):
            pass

        def access(self, kong):
            names.append(threading.current_thread().name)
            path, err = kong.request.get_path()
            if path == "/slow":
                free.wait(10)
            consumer, err = kong.client.load_consumer("ann", True)
            kong.client.authenticate({"id": "x", "username": "ann"})
            kong.response.exit(200, path)
"""


def test_a_plugin_that_may_block_runs_in_threads(tmp_path: Path) -> None:
    plugin = loaded(tmp_path, BLOCKING)
    with Harness(plugin) as gateway:
        answer = gateway.request(target="/quick")
    assert (answer.status, answer.body) == (200, b"/quick")
    [name] = plugin.kong_class.access.__globals__["names"]  # type: ignore[attr-defined]
    assert name != threading.main_thread().name


def test_one_that_may_block_is_made_with_its_first_request(tmp_path: Path) -> None:
    source = """
        gateline_runs_in = "threads"
        made = []

        class Plugin:
            def __init__(self, config):
                made.append(config)
                if len(made) == 1:
                    raise OSError("the database is not there yet")

            def log(self, kong):
                record, err = kong.log.serialize()
                made.append(record["response"]["status"])

            def access(self, kong):
                kong.response.exit(200, "made")
    """
    plugin = loaded(tmp_path, source)
    made = plugin.kong_class.access.__globals__["made"]  # type: ignore[attr-defined]
    with Harness(plugin) as gateway:
        assert made == []
        assert gateway.request().status == 500
        assert [gateway.request().status for _ in range(2)] == [200, 200]
    assert made.count({}) == 2


def test_a_configuration_that_a_class_refuses_is_refused_before_it_is_in_force(tmp_path: Path) -> None:
    source = """
        class Plugin:
            def __init__(self, config):
                raise ValueError("no such plan")
    """
    with pytest.raises(Exception, match="refuses its configuration: no such plan"):
        Harness(loaded(tmp_path, source))


def test_threads_run_calls_side_by_side_and_reuse_one_another() -> None:
    async def run() -> tuple[list[int], set[str]]:
        threads = Threads(2)
        both = threading.Barrier(2, timeout=10)
        names: set[str] = set()

        def call(number: int) -> int:
            names.add(threading.current_thread().name)
            if number < 2:
                both.wait()
            return number

        return await asyncio.gather(*(threads.run(lambda number=number: call(number)) for number in range(10))), names  # type: ignore[misc]

    numbers, names = asyncio.run(run())
    assert numbers == list(range(10))
    assert len(names) <= 2


def test_what_a_thread_raises_comes_out_and_one_that_nobody_waits_for_is_let_go() -> None:
    async def run() -> None:
        threads = Threads(1)
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 // 0)
        go_on = threading.Event()
        waiting = asyncio.get_running_loop().create_task(threads.run(lambda: go_on.wait(10)))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        go_on.set()
        assert await threads.run(lambda: "free again") == "free again"

    asyncio.run(run())


EXAMPLES = Path(__file__).parents[3] / "examples" / "plugins"


@pytest.fixture(params=["custom-auth", "custom-auth-own"])
def custom_auth(request: pytest.FixtureRequest) -> Any:
    plugin = Plugins([request.param], [EXAMPLES]).load(request.param)
    assert plugin is not None
    return plugin


def test_both_examples_refuse_a_wrong_configuration(custom_auth: Any) -> None:
    for config in ({}, {"auth_url": "ftp://x"}, {"auth_url": "http://x", "timeout": 0}):
        with pytest.raises(EntityError):
            Harness((custom_auth, config))


def test_both_examples_want_a_key(custom_auth: Any) -> None:
    with Harness((custom_auth, {"auth_url": "http://127.0.0.1:1/check"})) as gateway:
        answer = gateway.request(headers={"X-Consumer-ID": "forged"})
    assert (answer.status, json.loads(answer.body), answer.sent) == (401, {"message": "Missing API Key"}, None)
