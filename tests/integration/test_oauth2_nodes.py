"""oauth2 on running nodes: codes are had once whatever comes at once, tokens survive what they should."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from harness.postgres import Postgres
from integration.nodes import Node, eventually
from integration.oauth2_site import Site, site
from integration.test_cluster_nodes import gateline

TIMES = 8
"""So often every worker of two is asked, all but certainly."""
ASKED = {"client_id": "app", "response_type": "code", "scope": "email"}
CLIENT = {"client_id": "app", "client_secret": "s+cret"}


def code(api: Site) -> str:
    where = api.allowed("https://login.test/authorize?client_id=app&response_type=code&scope=email")
    return where.partition("code=")[2]


def token(api: Site, **fields: str) -> requests.Response:
    return requests.post(api.token_url, data={**CLIENT, **fields}, verify=api.authority, timeout=30)


def issued(api: Site, **fields: str) -> dict[str, Any]:
    answer = token(api, **fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def for_code(api: Site) -> dict[str, Any]:
    return issued(api, grant_type="authorization_code", code=code(api))


def statuses(api: Site, access_token: str) -> set[int]:
    return {api.status(access_token) for _ in range(TIMES)}


@pytest.mark.parametrize("database", ["sqlite", "off"])
def test_of_many_that_come_at_once_one_gets_the_token(tmp_path: Path, database: str) -> None:
    with site(tmp_path, database) as api, ThreadPoolExecutor(12) as pool:
        for _ in range(3):
            given = {"grant_type": "authorization_code", "code": code(api)}
            answers = list(pool.map(lambda _, given=given: token(api, **given), range(12)))
            assert sorted(answer.status_code for answer in answers) == [200] + [400] * 11
        told = for_code(api)
        again = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
        answers = list(pool.map(lambda _: token(api, **again), range(12)))
        (renewed,) = [answer.json() for answer in answers if answer.status_code == 200]
        assert statuses(api, renewed["access_token"]) == {200}
        assert statuses(api, told["access_token"]) == {401}


@pytest.mark.parametrize("storage", ["encrypted", "hashed"])
def test_tokens_are_entities_of_the_store(tmp_path: Path, storage: str) -> None:
    with site(tmp_path, "sqlite", credential_storage=storage) as api:
        told = issued(api, grant_type="refresh_token", refresh_token=for_code(api)["refresh_token"])
        assert statuses(api, told["access_token"]) == {200}
        for file in api.node.prefix.rglob("*"):
            assert not file.is_file() or told["access_token"].encode() not in file.read_bytes(), file
        status, found = api.node.admin("GET", f"/oauth2_tokens/{told['access_token']}")
        assert status == 200
        assert (found["scope"], found["expires_in"]) == ("email", 7200)
        hashed = found["refresh_token"].startswith(f"sha256${told['refresh_token'][:6]}$")
        assert hashed if storage == "hashed" else found["refresh_token"] == told["refresh_token"]
        assert 1_209_500 < found["ttl"] <= 1_209_600
        assert api.node.admin("GET", "/oauth2_authorization_codes")[1]["data"] == []
        assert api.node.admin("DELETE", f"/oauth2_tokens/{told['access_token']}")[0] == 204
        assert statuses(api, told["access_token"]) == {401}
        other = for_code(api)
        assert api.node.admin("DELETE", "/consumers/bob")[0] == 204
        assert statuses(api, other["access_token"]) == {401}
        assert api.node.admin("GET", "/oauth2_tokens")[1]["data"] == []


def test_tokens_survive_the_death_of_processes_and_of_the_node(tmp_path: Path) -> None:
    with site(tmp_path, "sqlite") as api:
        node = api.node
        told = for_code(api)
        control = node.state.control
        os.kill(control, signal.SIGKILL)
        assert statuses(api, told["access_token"]) == {200}
        node.renewed_control(control)
        eventually(lambda: token(api, grant_type="client_credentials").status_code == 200, "tokens are given again")
        for worker in node.workers:
            os.kill(worker, signal.SIGKILL)
            node.replaced(worker)
        assert statuses(api, told["access_token"]) == {200}
        assert node.reload().ok
        renewed = issued(api, grant_type="refresh_token", refresh_token=told["refresh_token"])
        assert statuses(api, renewed["access_token"]) == {200}


def test_tokens_are_good_on_all_nodes_and_without_their_database_none_are_given(
    tmp_path: Path, postgres: Postgres, postgres_database: str
) -> None:
    environment = postgres.environment(postgres_database)
    bootstrapped = gateline(tmp_path / "any", environment, "migrations", "bootstrap")
    assert bootstrapped.returncode == 0, bootstrapped.stderr
    settings = {name.removeprefix("KONG_").lower(): value for name, value in environment.items()}
    with site(tmp_path, pg_timeout="2000", **settings) as api:
        same = {name: value for name, value in api.node.settings.items() if name != "prefix"}
        with Node(tmp_path / "other", **same) as node:
            other = Site(node, api.authority)
            told = for_code(api)
            eventually(lambda: statuses(other, told["access_token"]) == {200}, "the other node knows the token")
            renewed = issued(other, grant_type="refresh_token", refresh_token=told["refresh_token"])
            assert statuses(other, told["access_token"]) == {401}
            eventually(lambda: statuses(api, told["access_token"]) == {401}, "the first node has forgotten it")
            assert statuses(api, renewed["access_token"]) == {200}
        postgres.stop()
        try:
            answer = token(api, grant_type="client_credentials")
            assert answer.status_code == 503
            assert answer.json()["error"] == "temporarily_unavailable"
            assert statuses(api, renewed["access_token"]) == {200}
        finally:
            postgres.start()
        eventually(lambda: token(api, grant_type="client_credentials").status_code == 200, "tokens are given again")


def test_without_a_database_tokens_live_as_long_as_the_node(tmp_path: Path) -> None:
    with site(tmp_path, "off") as api:
        node = api.node
        told = for_code(api)
        for worker in node.workers:
            os.kill(worker, signal.SIGKILL)
            node.replaced(worker)
        assert statuses(api, told["access_token"]) == {200}
        assert node.reload().ok
        renewed = issued(api, grant_type="refresh_token", refresh_token=told["refresh_token"])
        assert statuses(api, renewed["access_token"]) == {200}
        status, loaded = node.admin("GET", "/config")
        assert status == 200
        text = loaded["config"].replace("client_id: app\n", "client_id: other\n")
        assert text != loaded["config"]
        assert node.admin("POST", "/config", {"config": text})[0] == 201
        assert token(api, grant_type="client_credentials").status_code == 400
