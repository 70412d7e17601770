"""`validate`, `diff`, `apply`, `dump`, `db_import` and `db_export` against a node with a database."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gateline.cli.app import run
from harness.gateway import Gateway

TOKEN = "very-secret-token"


class Ended(NamedTuple):
    code: int
    out: str
    err: str


Gateline = Callable[..., Ended]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = {"admin_listen": "127.0.0.1:0, 127.0.0.1:0 ssl", "admin_token": TOKEN, "worker_processes": "1"}
    with Gateway(tmp_path_factory.mktemp("node"), None, **settings) as running:
        yield running


@pytest.fixture
def gateline(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, node: Gateway
) -> Gateline:
    """Runs a command in a directory of its own, for a node without entities."""
    for name in [name for name in os.environ if name.startswith(("KONG_", "GATELINE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GATELINE_PREFIX", str(node.prefix))
    monkeypatch.setenv("KONG_ADMIN_TOKEN", TOKEN)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ended:
        code = run(["gateline", *arguments])
        return Ended(code, *capfd.readouterr())

    write(tmp_path / "empty.yml")
    assert call("apply", "-f", "empty.yml").code == 0
    return call


def write(path: Path, *services: dict[str, Any], **others: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"_format_version": "3.0", "services": list(services), **others}))


def service(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "host": f"{name}.test", **fields}


def test_apply_shows_what_it_does_and_diff_what_is_left(gateline: Gateline, tmp_path: Path) -> None:
    write(tmp_path / "k.yml", service("a", routes=[{"name": "r", "paths": ["/r"]}]))
    found = gateline("diff", "-f", "k.yml")
    assert (found.code, found.err) == (2, "")
    assert found.out.splitlines()[:3] == ["+ services a", '    name: "a"', '    host: "a.test"']
    assert found.out.splitlines()[-1] == "2 to create, 0 to change, 0 to delete"
    done = gateline("apply", "-f", "k.yml")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "Applied: 2 created, 0 changed, 0 deleted"
    assert gateline("diff", "-f", "k.yml") == (0, "Nothing to change\n", "")
    write(tmp_path / "k.yml", service("b", routes=[{"name": "r", "paths": ["/r", "/s"], "methods": ["GET"]}]))
    assert gateline("apply", "-f", "k.yml", "--dry-run").out.splitlines()[-1] == "1 to create, 1 to change, 1 to delete"
    lines = gateline("apply", "-f", "k.yml", "-y").out.splitlines()
    assert '    paths: ["/r"] → ["/r", "/s"]' in lines
    assert '    methods: null → ["GET"]' in lines
    assert "- services a" in lines


def test_a_directory_is_one_configuration(gateline: Gateline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTREAM", "from-environment.test")
    write(tmp_path / "d" / "a.yml", service("a", routes=[{"name": "r", "paths": ["/r"]}]))
    write(tmp_path / "d" / "b.yml", {"name": "b", "host": "${UPSTREAM}"})
    assert gateline("apply", "-f", "d").code == 0
    assert "host: from-environment.test" in gateline("dump").out


def test_json_is_for_programs(gateline: Gateline, tmp_path: Path) -> None:
    write(tmp_path / "k.yml", service("a"))
    found = json.loads(gateline("diff", "-f", "k.yml", "--json").out)
    assert (found["applied"], found["summary"]) == (False, {"create": 1, "update": 0, "delete": 0})
    assert json.loads(gateline("apply", "-f", "k.yml", "--json").out)["applied"] is True


def test_with_tags_only_a_part_is_touched(gateline: Gateline, tmp_path: Path) -> None:
    write(tmp_path / "k.yml", service("theirs"))
    assert gateline("apply", "-f", "k.yml").code == 0
    write(tmp_path / "k.yml", service("ours"))
    assert gateline("diff", "-f", "k.yml", "--select-tag", "team").code == 2
    assert gateline("apply", "-f", "k.yml", "--select-tag", "team", "--select-tag", "blue").code == 0
    part = gateline("dump", "--select-tag", "team").out
    assert "name: ours" in part
    assert "tags: [team, blue]" in part
    assert "theirs" not in part
    assert "theirs" in gateline("dump").out


def test_a_dump_can_be_applied_again(gateline: Gateline, tmp_path: Path) -> None:
    write(tmp_path / "k.yml", service("a", routes=[{"name": "r", "paths": ["/r"]}]))
    gateline("apply", "-f", "k.yml")
    assert gateline("dump", "-o", "out.yml") == (0, "", "")
    assert gateline("diff", "-f", "out.yml").code == 0
    refused = gateline("dump", "-o", "out.yml")
    assert (refused.code, refused.err) == (1, "Error: out.yml already exists; --yes replaces it\n")
    assert gateline("dump", "-o", "out.yml", "-y").code == 0


def test_a_mistake_is_told_with_file_and_line_and_changes_nothing(gateline: Gateline, tmp_path: Path) -> None:
    (tmp_path / "k.yml").write_text('_format_version: "3.0"\nservices:\n- name: s\n  host: a b\n  port: x\n')
    for command in ("validate", "diff", "apply"):
        ended = gateline(command, "-f", "k.yml")
        assert (ended.code, ended.out) == (1, ""), command
        assert "k.yml:4" in ended.err
        assert "k.yml:5" in ended.err
    assert "services" not in gateline("dump").out


def test_validate_needs_no_node(gateline: Gateline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATELINE_PREFIX", str(tmp_path / "nowhere"))
    write(tmp_path / "k.yml", service("a", routes=[{"name": "r", "paths": ["/r"]}]))
    assert gateline("validate", "-f", "k.yml") == (0, "k.yml is valid: 1 services, 1 routes\n", "")
    (tmp_path / "e.yml").write_text(
        '_format_version: "3.0"\nroutes:\n- {name: r, expression: no.such == 1, protocols: [http]}\n'
    )
    monkeypatch.setenv("GATELINE_ROUTER_FLAVOR", "expressions")
    ended = gateline("validate", "-f", "e.yml")
    assert ended.code == 1
    assert "'r'" in ended.err


def on_a_terminal(answer: str, *arguments: str) -> tuple[int, str]:
    """The exit code and what a terminal shows of a command whose question gets an answer."""
    ours, theirs = os.openpty()
    environ = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm-256color"}
    with subprocess.Popen(
        [sys.executable, "-m", "gateline", *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environ
    ) as command:
        os.close(theirs)
        os.write(ours, answer.encode())
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not part:
                break
            shown += part
        command.wait(60)
    os.close(ours)
    return command.returncode, shown.decode()


def test_on_a_terminal_it_asks_and_shows_colours(gateline: Gateline, tmp_path: Path) -> None:
    write(tmp_path / "k.yml", service("a"))
    code, shown = on_a_terminal("n\n", "apply", "-f", "k.yml")
    assert code == 1
    assert "\x1b[1;32m+ services a" in shown
    assert "1 to create, 0 to change, 0 to delete" in shown
    assert "Apply? [y/N]" in shown
    assert "nothing was changed" in shown
    assert "name: a" not in gateline("dump").out
    code, shown = on_a_terminal("y\n", "apply", "-f", "k.yml")
    assert code == 0
    assert "Applied: 1 created, 0 changed, 0 deleted" in shown
    code, shown = on_a_terminal("", "apply", "-f", "k.yml")
    assert (code, "Apply?" in shown) == (0, False)
    write(tmp_path / "k.yml", service("b"))
    code, shown = on_a_terminal("", "apply", "-f", "k.yml", "--yes")
    assert (code, "Apply?" in shown) == (0, False)
    assert "name: b" in gateline("dump").out


def test_without_a_node_it_is_said_what_to_do(gateline: Gateline, tmp_path: Path) -> None:
    write(tmp_path / "k.yml")
    for command in (["diff", "-f", "k.yml"], ["apply", "-f", "k.yml"], ["dump"]):
        ended = gateline(*command, "-p", "nowhere")
        assert ended == (1, "", f"Error: Kong is not running at {tmp_path}/nowhere; name a node with --admin-url\n")
    ended = gateline("dump", "--admin-url", "http://127.0.0.1:1")
    assert ended.code == 1
    assert ended.err.startswith("Error: the Admin API at http://127.0.0.1:1 cannot be reached: ")
    assert gateline("dump", "--admin-url", "ftp://x").code == 1


def test_the_token_is_needed_and_may_be_given(
    gateline: Gateline, node: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gateline("dump", "--admin-token", TOKEN).code == 0
    monkeypatch.delenv("KONG_ADMIN_TOKEN")
    refused = gateline("dump")
    assert refused.code == 1
    assert "wants a token" in refused.err
    assert TOKEN not in refused.err


def test_an_admin_api_with_tls_is_verified(gateline: Gateline, node: Gateway) -> None:
    url = next(url for url in node.state["admin_listen"] if url.startswith("https://"))
    refused = gateline("dump", "--admin-url", url)
    assert refused.code == 1
    assert "not trusted" in refused.err
    assert gateline("dump", "--admin-url", url, "--insecure").code == 0
    authority = str(node.prefix / "ssl" / "admin-gateline-default.crt")
    assert gateline("dump", "--admin-url", url, "--ca-cert", authority).code == 0


def test_a_unix_socket_will_do(tmp_path: Path, gateline: Gateline) -> None:
    place = tmp_path / "u"
    with Gateway(place, None, admin_listen=f"unix:{place}/a.sock", worker_processes="1"):
        write(tmp_path / "k.yml", service("a"))
        assert gateline("apply", "-f", "k.yml", "-p", str(place)).code == 0
        assert "name: a" in gateline("dump", "--admin-url", f"unix:{place}/a.sock").out


def test_import_and_export_go_past_the_node(gateline: Gateline, tmp_path: Path, node: Gateway) -> None:
    write(tmp_path / "k.yml", service("kept"), service("changed"))
    gateline("apply", "-f", "k.yml")
    write(tmp_path / "more.yml", service("changed", port=81), service("new"))
    assert gateline("config", "db_import", "more.yml") == (0, "import successful\n", "")
    assert gateline("config", "db_export", "out.yml") == (0, "", "")
    text = (tmp_path / "out.yml").read_text()
    assert all(f"name: {name}\n" in text for name in ("kept", "changed", "new"))
    assert "port: 81" in text
    refused = gateline("config", "db_export", "out.yml")
    assert refused == (1, "", "Error: out.yml already exists. Will not overwrite it.\n")
    assert gateline("diff", "-f", "out.yml") == (0, "Nothing to change\n", "")


def test_without_a_database_there_is_nothing_to_import_into(
    gateline: Gateline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KONG_DATABASE", "off")
    write(tmp_path / "k.yml")
    for command in (["db_import", "k.yml"], ["db_export", "out.yml"]):
        ended = gateline("config", *command)
        assert ended.code == 1
        assert f"'gateline config {command[0]}' only works with a database" in ended.err
    assert gateline("migrations", "list").code == 1


def test_what_is_too_large_is_said_so(tmp_path: Path, gateline: Gateline) -> None:
    place = tmp_path / "n"
    with Gateway(place, None, nginx_admin_client_max_body_size="1k", worker_processes="1"):
        write(tmp_path / "k.yml", *(service(f"s{number}") for number in range(100)))
        ended = gateline("apply", "-f", "k.yml", "-p", str(place))
        assert ended.code == 1
        assert "raise nginx_admin_client_max_body_size" in ended.err
