"""The access log: a line a request, whatever became of it, and nothing that a client sends can forge one."""

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from harness.stage import Stage, Stages
from harness.upstream import Visit

_LINE = re.compile(
    r'127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "(?P<request>[^"]*)" (?P<status>\d{3}) '
    r'(?P<size>\d+) "(?P<referer>[^"]*)" "(?P<agent>[^"]*)" kong_request_id: "[0-9a-f]{32}"'
)


def _stage(stages: Stages, log: Path, script: Any = None, **settings: str) -> Stage:
    return stages.set(
        script,
        route={"paths": ["/x"]},
        settings={"proxy_access_log": str(log), "access_log_flush": "0.05", **settings},
    )


def _lines(log: Path, count: int) -> list[str]:
    """The log's lines, once there are so many."""
    deadline = time.monotonic() + 5
    while len(lines := log.read_text(encoding="utf-8").splitlines()) < count:
        assert time.monotonic() < deadline, f"only {lines}"
        time.sleep(0.01)
    assert len(lines) == count
    return lines


def _fields(line: str) -> dict[str, str]:
    match = _LINE.fullmatch(line)
    assert match is not None, line
    return match.groupdict()


def test_text_line(stages: Stages, tmp_path: Path) -> None:
    client = _stage(stages, tmp_path / "log").client()
    client.get("/x/y?z=1", "User-Agent: curl/8", "Referer: http://a.test/")
    client.get("/none")
    first, second = (_fields(line) for line in _lines(tmp_path / "log", 2))
    assert first == {
        "request": "GET /x/y?z=1 HTTP/1.1",
        "status": "200",
        "size": "2",
        "referer": "http://a.test/",
        "agent": "curl/8",
    }
    assert (second["request"], second["status"], second["agent"]) == ("GET /none HTTP/1.1", "404", "-")


def test_request_id_of_the_line_is_the_one_that_the_client_got(stages: Stages, tmp_path: Path) -> None:
    response = _stage(stages, tmp_path / "log").client().get("/x")
    assert f'kong_request_id: "{response.headers["x-kong-request-id"]}"' in _lines(tmp_path / "log", 1)[0]


@pytest.mark.parametrize(
    "value", ['a" 200 1 "', "a\\x0a", "\xe9\xff", "a\tb", '\\"', "a\x85b\xa0c"], ids=lambda value: value.encode().hex()
)
def test_values_of_clients_cannot_forge_a_line(stages: Stages, tmp_path: Path, value: str) -> None:
    client = _stage(stages, tmp_path / "log").client()
    client.get("/x", f"User-Agent: {value}", f"Referer: {value}")
    client.get('/x?"a\\b')
    first, second = (_fields(line) for line in _lines(tmp_path / "log", 2))
    assert first["agent"] == first["referer"]
    assert first["agent"].isascii()
    assert second["request"] == "GET /x?\\x22a\\x5Cb HTTP/1.1"


def test_json_line(stages: Stages, tmp_path: Path) -> None:
    client = _stage(stages, tmp_path / "log", access_log_format="json").client()
    client.send(
        b'POST /x?a="b HTTP/1.1\r\nHost: gateway.test:80\r\nUser-Agent: a"b\\\xe9\r\nContent-Length: 5\r\n\r\nhello'
    )
    response = client.response()
    client.get("/none")
    first, second = (json.loads(line) for line in _lines(tmp_path / "log", 2))
    assert first["method"] == "POST"
    assert first["target"] == '/x?a="b'
    assert first["host"] == "gateway.test:80"
    assert first["user_agent"] == 'a"b\\\xe9'
    assert first["client_ip"] == "127.0.0.1"
    assert (first["status"], first["request_bytes"], first["response_bytes"], first["tries"]) == (200, 5, 2, 1)
    assert (first["route"], first["service"]) == ("r", "s")
    assert first["request_id"] == response.headers["x-kong-request-id"]
    assert 0 <= first["upstream_ms"] <= first["duration_ms"] < 10000
    assert abs(first["time"] - time.time()) < 10
    assert (second["status"], second["route"], second["upstream_ms"]) == (404, None, None)


def test_client_that_leaves_is_a_499(stages: Stages, tmp_path: Path) -> None:
    def work(visit: Visit) -> None:
        visit.request()
        visit.wait_for_end()

    stage = _stage(stages, tmp_path / "log", work)
    client = stage.client()
    client.send(b"GET /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    stage.upstream.wait_for_requests(1)
    client.abort()
    assert _fields(_lines(tmp_path / "log", 1)[0])["status"] == "499"


def test_error_of_the_upstream_is_logged_with_its_tries(stages: Stages, tmp_path: Path) -> None:
    def hang_up(visit: Visit) -> None:
        visit.request()

    stage = _stage(stages, tmp_path / "log", hang_up, access_log_format="json")
    stage.client().get("/x")
    line = json.loads(_lines(tmp_path / "log", 1)[0])
    assert (line["status"], line["tries"]) == (502, 6)


def test_clients_address_behind_a_trusted_proxy_is_logged(stages: Stages, tmp_path: Path) -> None:
    stage = _stage(stages, tmp_path / "log", trusted_ips="127.0.0.1")
    stage.client().get("/x", "X-Real-IP: 1.2.3.4")
    assert _lines(tmp_path / "log", 1)[0].startswith("1.2.3.4 - - [")


def test_log_goes_on_in_a_new_file_when_the_old_one_was_moved(stages: Stages, tmp_path: Path) -> None:
    log = tmp_path / "log"
    stage = _stage(stages, log)
    client = stage.client()
    client.get("/x/1")
    _lines(log, 1)
    log.rename(tmp_path / "old")
    client.get("/x/2")
    stage.node.ask(stage.node.worker._reopen_logs)
    client.get("/x/3")
    assert "/x/3" in _lines(log, 1)[0]
    assert [line.split()[6] for line in (tmp_path / "old").read_text().splitlines()] == ["/x/1", "/x/2"]


def test_log_that_cannot_be_written_costs_no_request(
    stages: Stages, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage = _stage(stages, tmp_path / "log")
    client = stage.client()
    log = stage.node.worker._access_log
    assert log is not None
    broken = os.open("/dev/full", os.O_WRONLY)
    good, log._descriptor = log._descriptor, broken
    assert [client.get("/x").status for _ in range(3)] == [200] * 3
    _until_said(caplog, "cannot be written")
    log._descriptor = good
    os.close(broken)
    client.get("/x")
    _until_said(caplog, "is written again; ")


def test_buffered_lines_are_written_at_the_end(stages: Stages, tmp_path: Path) -> None:
    stage = _stage(stages, tmp_path / "log", access_log_flush="60")
    client = stage.client()
    for _ in range(10):
        client.get("/x")
    stage.node.loop.call_soon_threadsafe(stage.node.worker._stop)
    _lines(tmp_path / "log", 10)


def test_log_may_be_off(stages: Stages) -> None:
    stage = stages.set(settings={"proxy_access_log": "off"})
    assert stage.client().get("/x").status == 200
    assert stage.node.worker._access_log is None


def _until_said(caplog: pytest.LogCaptureFixture, text: str) -> None:
    deadline = time.monotonic() + 5
    while text not in caplog.text:
        assert time.monotonic() < deadline, caplog.text
        time.sleep(0.01)
