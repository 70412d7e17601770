"""Several nodes on one PostgreSQL: what one writes the others serve, and without the database all serve on."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.postgres import Postgres
from integration.nodes import Load, Node, StartFailedError, Upstream, eventually, request


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


Make = Callable[[str], Node]


def gateline(prefix: Path, environ: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GATELINE_", "KONG_"))}
    return subprocess.run(
        [sys.executable, "-m", "gateline", *arguments, "-p", str(prefix)],
        env={**clean, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def database(postgres: Postgres, postgres_database: str) -> dict[str, str]:
    """The environment that names an empty database."""
    return postgres.environment(postgres_database)


@pytest.fixture
def make(tmp_path: Path, database: dict[str, str]) -> Make:
    """Makes nodes on one database that has its tables."""
    done = gateline(tmp_path / "any", database, "migrations", "bootstrap")
    assert done.returncode == 0, done.stderr
    settings = {name.removeprefix("KONG_").lower(): value for name, value in database.items()}

    def node(name: str) -> Node:
        return Node(tmp_path / name, worker_processes="2", pg_timeout="2000", **settings)

    return node


def serves(node: Node, path: str) -> bool:
    """Whether every worker has a route for the path, as far as some requests tell."""
    return all(request(node.port, "GET", path)[0] == 200 for _ in range(4))


def add(node: Node, upstream: Upstream, name: str) -> None:
    """A service with a route for `/<name>`."""
    service = {"name": name, "url": f"http://127.0.0.1:{upstream.port}"}
    status, answer = node.admin("POST", "/services", service)
    assert status == 201, answer
    status, answer = node.admin("POST", f"/services/{name}/routes", {"name": name, "paths": [f"/{name}"]})
    assert status == 201, answer


def test_what_one_node_writes_the_other_serves(make: Make, upstream: Upstream) -> None:
    with make("one") as one, make("two") as two:
        for number in range(5):
            add(one, upstream, f"a{number}")
            assert serves(one, f"/a{number}")
            eventually(lambda path=f"/a{number}": serves(two, path), "the other node serves it")  # type: ignore[misc]
        add(two, upstream, "b")
        assert serves(two, "/b")
        eventually(lambda: serves(one, "/b"), "the first node serves it")
        assert one.admin("DELETE", "/routes/b")[0] == 204
        eventually(lambda: request(two.port, "GET", "/b")[0] == 404, "the other node has forgotten it")


def test_a_node_that_comes_later_has_everything(make: Make, upstream: Upstream) -> None:
    with make("one") as one:
        add(one, upstream, "a")
        with make("two") as two:
            assert serves(two, "/a")


def test_without_its_database_a_node_serves_on_and_catches_up(
    make: Make, upstream: Upstream, postgres: Postgres
) -> None:
    with make("one") as one, make("two") as two:
        add(one, upstream, "a")
        eventually(lambda: serves(two, "/a"), "the other node serves it")
        with Load(one.port, "/a", 2) as load:
            postgres.stop()
            status, answer = one.admin("POST", "/services", {"name": "x", "host": "h.test"})
            assert status == 503, answer
            assert "message" in answer
            eventually(
                lambda: request(one.status_port, "GET", "/status/ready")[0] == 503, "the missing database is told"
            )
            assert one.admin("GET", "/status")[1]["database"] == {"reachable": False}
            load.more(20)
            postgres.start()
            eventually(lambda: request(one.status_port, "GET", "/status/ready")[0] == 200, "the node is ready again")
        assert load.failures == []
        eventually(lambda: request(two.status_port, "GET", "/status/ready")[0] == 200, "the other one as well")
        add(two, upstream, "b")
        eventually(lambda: serves(one, "/b"), "what came after is served")


def test_a_node_starts_without_its_database_and_takes_over_what_it_missed(
    make: Make, upstream: Upstream, postgres: Postgres
) -> None:
    with make("one") as one, make("two") as two:
        add(one, upstream, "a")
        eventually(lambda: serves(two, "/a"), "the other node serves it")
        two.signal(signal.SIGTERM)
        two.process.wait()
        add(one, upstream, "b")
        postgres.stop()
        try:
            with make("two") as again:
                assert serves(again, "/a")
                assert request(again.port, "GET", "/b")[0] == 404
                assert request(again.status_port, "GET", "/status/ready")[0] == 503
                assert "the database cannot be reached" in again.log.read_text()
                control = again.state.control
                os.kill(control, signal.SIGKILL)
                again.renewed_control(control)
                assert serves(again, "/a")
                postgres.start()
                eventually(lambda: serves(again, "/b"), "it catches up")
                eventually(lambda: request(again.status_port, "GET", "/status/ready")[0] == 200, "it is ready")
        finally:
            postgres.stop()
            postgres.start()


def test_a_node_without_database_and_record_says_why_it_does_not_start(tmp_path: Path) -> None:
    node = Node(tmp_path / "node", database="postgres", pg_host="127.0.0.1", pg_port="1", pg_timeout="1000")
    with pytest.raises(StartFailedError) as failed, node:
        pass
    (message,) = failed.value.messages
    assert "127.0.0.1:1/kong" in message


def test_a_database_without_tables_is_told_with_what_to_run(tmp_path: Path, database: dict[str, str]) -> None:
    settings = {name.removeprefix("KONG_").lower(): value for name, value in database.items()}
    node = Node(tmp_path / "node", **settings)
    with pytest.raises(StartFailedError) as failed, node:
        pass
    (message,) = failed.value.messages
    assert "run `gateline migrations bootstrap`" in message


def test_migrations_have_kongs_exit_codes(tmp_path: Path, database: dict[str, str]) -> None:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return gateline(tmp_path, database, "migrations", *arguments)

    listed = run("list")
    assert (listed.returncode, listed.stdout) == (
        3,
        "Database needs bootstrapping: run 'gateline migrations bootstrap'\n",
    )
    assert run("up").returncode == 1
    assert run("finish").returncode == 1
    done = run("bootstrap")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "Bootstrapping database...")
    assert done.stdout.splitlines()[-1] == "Database is up-to-date"
    assert run("bootstrap").stdout == "Database already bootstrapped\n"
    assert run("bootstrap", "-q").stdout == ""
    assert run("up").stdout == "Database is already up-to-date\n"
    assert run("finish").stdout == "No pending migrations to finish\n"
    listed = run("list")
    assert (listed.returncode, listed.stdout.splitlines()[0]) == (0, "Executed migrations:")
    assert '"needs_bootstrap": false' in run("status").stdout
    refused = run("reset")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--yes" in refused.stderr
    assert run("reset", "-y").stdout.splitlines()[-1] == "Database successfully reset"
    assert run("list").returncode == 3
    assert run("reset", "-y").returncode == 1


def test_start_can_run_the_migrations(tmp_path: Path, database: dict[str, str]) -> None:
    listens = {f"GATELINE_{name}_LISTEN": "127.0.0.1:0" for name in ("PROXY", "ADMIN", "STATUS")}
    environ = {**database, **listens, "GATELINE_WORKER_PROCESSES": "1"}
    started = gateline(tmp_path / "n", environ, "start", "--run-migrations", "--daemon")
    assert started.returncode == 0, started.stderr
    assert gateline(tmp_path / "n", environ, "stop").returncode == 0


def test_health_set_by_hand_and_log_levels_reach_the_other_nodes(make: Make, upstream: Upstream) -> None:
    checks = {"passive": {"unhealthy": {"tcp_failures": 1}}}
    with make("one") as one, make("two") as two:
        assert one.admin("PUT", "/upstreams/u.test", {"healthchecks": checks})[0] == 200
        target = f"127.0.0.1:{upstream.port}"
        assert one.admin("PUT", f"/upstreams/u.test/targets/{target}", {})[0] == 200
        assert one.admin("POST", "/services", {"name": "s", "host": "u.test"})[0] == 201
        assert one.admin("POST", "/services/s/routes", {"paths": ["/u"]})[0] == 201
        eventually(lambda: serves(two, "/u"), "the other node serves it")
        assert one.admin("PUT", f"/upstreams/u.test/targets/{target}/unhealthy")[0] == 204
        assert {request(one.port, "GET", "/u")[0] for _ in range(8)} == {503}
        for _ in range(8):
            eventually(lambda: request(two.port, "GET", "/u")[0] == 503, "the other node goes by it")
        assert two.admin("GET", "/upstreams/u.test/health")[1]["data"][0]["health"] == "UNHEALTHY"
        assert two.admin("PUT", f"/upstreams/u.test/targets/{target}/healthy")[0] == 204
        eventually(lambda: serves(one, "/u"), "and the first one by that")

        def level(node: Node) -> str:
            return str(node.admin("GET", "/debug/node/log-level")[1]["message"])

        assert one.admin("PUT", "/debug/cluster/log-level/debug?timeout=2")[0] == 200
        assert level(one) == "log level: debug"
        eventually(lambda: level(two) == "log level: debug", "the other node logs as much")
        eventually(lambda: {level(one), level(two)} == {"log level: info"}, "until the time is over")
        assert one.admin("PUT", "/debug/node/log-level/error")[0] == 200
        assert level(two) == "log level: info"
