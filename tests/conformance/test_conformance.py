"""Runs the conformance cases (see README.md beside this file) against a gateway: one test a case and store.

`later.LATER` lists the cases that need something which does not exist yet.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.later import LATER
from conformance.runners import close, open_runner, run
from harness.gateway import Gateway
from harness.postgres import Postgres

HERE = Path(__file__).parent

Start = Callable[[str], tuple[Gateway, Any]]

STORES = ("off", "sqlite", "postgres")
ADMIN = (
    "admin_certificates",
    "admin_consumers",
    "admin_credentials",
    "admin_errors",
    "admin_info",
    "admin_live_change",
    "admin_paging_tags",
    "admin_plugins",
    "admin_routes",
    "admin_services",
    "admin_upstreams",
)
FILES = {
    "off": (
        "router",
        "path_building",
        "proxy_headers",
        "errors",
        "streaming",
        "declarative",
        "dbless_readonly",
        "balancing",
        "bot_detection",
        "correlation_id",
        "cors",
        "ip_restriction",
        "plugin_scopes",
        "proxy_cache",
        "rate_limiting",
        "redirect",
        "request_size_limiting",
        "request_termination",
        "request_transformer",
        "response_ratelimiting",
        "response_transformer",
        "key_auth",
        "acl",
        "basic_auth",
        "hmac_auth",
        "oauth2",
        *ADMIN,
    ),
    "sqlite": ADMIN,
    "postgres": ADMIN,
}


def _cases(file: str, store: str) -> list[dict[str, Any]]:
    """The cases of a file that concern a gateway with this store."""
    cases: list[dict[str, Any]] = yaml.safe_load((HERE / "cases" / f"{file}.yaml").read_text())["cases"]
    return [case for case in cases if case.get("needs") == "any" or (case.get("needs") == "db") == (store != "off")]


CASES = [
    pytest.param(store, file, case, id=f"{store}: {file}: {case['name']}")
    for store in STORES
    for file in FILES[store]
    for case in _cases(file, store)
]


@pytest.fixture(scope="module")
def start(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Gives a gateway with the store asked for, started when it is asked for, and a runner with its upstreams."""
    started: dict[str, tuple[Gateway, Any]] = {}

    def begin(store: str) -> tuple[Gateway, Any]:
        if store not in started:
            gateway = _gateway(store, request, tmp_path_factory)
            started[store] = gateway, open_runner(gateway, db=store != "off")
        return started[store]

    yield begin
    for _, runner in started.values():
        close(runner)


def _gateway(store: str, request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> Gateway:
    if store == "off":
        shared: Gateway = request.getfixturevalue("gateway")
        return shared
    settings = {"DATABASE": store}
    if store == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        name = asyncio.run(server.create_database(migrated=True))
        options = server.options(name)
        settings |= {
            "PG_HOST": options.pg_host,
            "PG_PORT": str(options.pg_port),
            "PG_USER": options.pg_user,
            "PG_DATABASE": options.pg_database,
        }
    gateway = Gateway(folders.mktemp(store), None, **settings)
    gateway.__enter__()
    request.addfinalizer(lambda: gateway.__exit__(None, None, None))
    return gateway


@pytest.mark.parametrize(("store", "file", "case"), CASES)
def test_case(store: str, file: str, case: dict[str, Any], start: Start) -> None:
    missing = LATER.get(file, {}).get(case["name"])
    gateway, runner = start(store)
    if missing is None:
        said = len(gateway.log())
        try:
            assert runner.run(case) == "passed"
        except BaseException:
            print(gateway.log()[said:])  # noqa: T201 - pytest shows it with the failure
            raise
        return
    try:
        runner.run(case)
    except (run.Failure, OSError):
        return
    pytest.fail(f"the case passes, though it is listed as waiting for: {missing}")


def test_list_of_later_cases_names_existing_ones() -> None:
    for file, waiting in LATER.items():
        assert set(waiting) <= {
            case["name"] for store in STORES if file in FILES[store] for case in _cases(file, store)
        }
