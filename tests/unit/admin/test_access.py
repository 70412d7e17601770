"""The admin token: with it set, nothing is open without it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.admin.app import admin_app, status_app
from gateline.settings.model import MASK
from unit.admin.small_node import Client, SmallNode

TOKEN = "correct-horse-battery-staple"
PREFLIGHT = {"Origin": "http://gui.test", "Access-Control-Request-Method": "GET"}


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Client]:
    with Client.of(SmallNode(tmp_path / "gateline.db", admin_token=TOKEN)) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/services", "/services/s", "/config", "/openapi.json", "/status", "/not-there"])
def test_nothing_answers_without_the_token(guarded: Client, path: str) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"):
        answer = guarded.request(method, path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.content == (b"" if method == "HEAD" else b'{"message":"Unauthorized"}')


@pytest.mark.parametrize(
    "headers",
    [
        {"Kong-Admin-Token": "wrong"},
        {"Kong-Admin-Token": ""},
        {"Kong-Admin-Token": TOKEN + " "},
        {"Kong-Admin-Token": "wrong", "Authorization": f"Bearer {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer \u00e9".encode("latin-1").decode("latin-1")},
    ],
)
def test_a_wrong_token_is_no_token(guarded: Client, headers: dict[str, str]) -> None:
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    assert guarded.get("/services", headers=raw).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{"Kong-Admin-Token": TOKEN}, {"Authorization": f"Bearer {TOKEN}"}, {"Authorization": f"bearer  {TOKEN}"}],
)
def test_the_token_opens(guarded: Client, headers: dict[str, str]) -> None:
    assert guarded.get("/services", headers=headers).status_code == 200


def test_a_preflight_cannot_have_a_token(guarded: Client) -> None:
    answer = guarded.options("/services", headers=PREFLIGHT)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "http://gui.test")
    assert guarded.get("/services", headers=PREFLIGHT).status_code == 401


def test_a_refusal_may_be_read_by_pages_of_other_origins(guarded: Client) -> None:
    answer = guarded.get("/services", headers={"Origin": "http://gui.test"})
    assert answer.headers["access-control-allow-origin"] == "http://gui.test"


def test_the_token_is_never_shown(guarded: Client) -> None:
    root = guarded.get("/", headers={"Kong-Admin-Token": TOKEN})
    assert root.json()["configuration"]["admin_token"] == MASK
    assert TOKEN not in root.text


def test_the_log_of_changes_says_by_what_a_write_was_let_in(guarded: Client) -> None:
    assert guarded.node is not None
    headers = {"Kong-Admin-Token": TOKEN}
    assert guarded.put("/services/s", {"host": "h.test"}, headers=headers).status_code == 200
    assert guarded.node.writes == [("admin_token@127.0.0.1", "PUT /services/{services}")]


def test_the_status_api_stays_open() -> None:
    node = SmallNode(admin_token=TOKEN)
    assert Client(status_app(node, admin_app(node))).get("/status").status_code == 200


def test_the_description_says_that_a_token_is_needed(guarded: Client) -> None:
    described = guarded.get("/openapi.json", headers={"Kong-Admin-Token": TOKEN}).json()
    assert described["security"] == [{"adminToken": []}, {"bearer": []}]
    assert "401" in described["paths"]["/services"]["get"]["responses"]
