"""The worker's HTTP client against real servers."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from gateline.engine.http_client import Client, Reply
from gateline.engine.upstream.pool import Factory, KeepAlive, Pools
from gateline.engine.wire.http1_upstream import UpstreamConnection
from gateline.pdk.node import HttpError
from harness.certificates import self_signed, server_context
from harness.stage import Stages
from harness.upstream import RawUpstream, Script, Visit, answer


def _ask(use: Callable[[Client], Awaitable[Any]], **options: Any) -> Any:
    async def run() -> Any:
        client = Client(Pools(cast(Factory, UpstreamConnection), KeepAlive()), **options)
        try:
            return await use(client)
        finally:
            client.stop()
            for _ in range(4):
                await asyncio.sleep(0)

    return asyncio.run(run())


def _get(url: str, **options: Any) -> Reply:
    return cast(Reply, _ask(lambda client: client.request("GET", url, **options)))


def _refused(url: str, **options: Any) -> str:
    with pytest.raises(HttpError) as caught:
        _get(url, **options)
    return caught.value.reason


def _says(data: bytes) -> Script:
    """One request, one answer, the end."""

    def script(visit: Visit) -> None:
        visit.request()
        visit.send(data)

    return script


def test_a_request_gets_its_whole_answer(stages: Stages) -> None:
    upstream = stages.upstream(_says(answer(b'{"plan":"gold"}', "X-A: 1", "X-A: 2")))
    reply = _ask(lambda client: client.request("POST", f"{upstream.url}/check", json={"key": "k"}))
    assert (reply.status, reply.json(), reply.header("x-a"), reply.header("x-b")) == (200, {"plan": "gold"}, "1", None)
    assert reply.headers()[-2:] == [("X-A", "1"), ("X-A", "2")]
    assert (upstream.request.method, upstream.request.target, upstream.request.body) == (
        "POST",
        "/check",
        b'{"key":"k"}',
    )


def test_connections_are_kept_for_the_next_request(stages: Stages) -> None:
    upstream = stages.upstream()

    async def use(client: Client) -> None:
        for _ in range(3):
            assert (await client.request("GET", upstream.url)).body == b"ok"

    _ask(use)
    assert len(upstream.visits) == 1
    assert len(upstream.requests()) == 3


def test_bodies_in_every_framing_come_whole(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        for data in (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc",
            b"HTTP/1.1 200 OK\r\n\r\nabc",
        ):
            visit.request()
            visit.send(data)
            visit.send(b"3\r\ndef\r\n0\r\n\r\n" if b"chunked" in data else b"def")

    upstream = stages.upstream(script)

    async def use(client: Client) -> list[bytes]:
        return [(await client.request("GET", upstream.url)).body for _ in range(3)]

    assert _ask(use) == [b"abcdef"] * 3


def test_a_head_request_waits_for_no_body(stages: Stages) -> None:
    upstream = stages.upstream(_says(answer(b"12345")[:-5]))
    reply = _ask(lambda client: client.request("HEAD", upstream.url, limit=1))
    assert (reply.header("content-length"), reply.body) == ("5", b"")


def test_a_redirect_is_given_as_it_is(stages: Stages) -> None:
    upstream = stages.upstream(_says(answer(b"", "Location: /other", status=302)))
    assert _get(upstream.url).status == 302
    assert len(upstream.requests()) == 1


def test_what_does_not_answer_is_told_apart(stages: Stages) -> None:
    gone = RawUpstream()
    gone.close()
    assert _refused(gone.url) == "connect"
    assert _refused("http://nobody.invalid/") == "name"
    assert _refused(stages.upstream(lambda visit: visit.close()).url) == "response"
    assert _refused(stages.upstream(_says(b"garbage\r\n\r\n")).url) == "response"
    cut = stages.upstream(_says(answer(b"12345")[:-1]))
    assert _refused(cut.url) == "response"


def test_the_timeout_is_for_everything_together(stages: Stages) -> None:
    def trickle(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        visit.send(*[b"x"] * 1000, delay=0.05)

    upstream = stages.upstream(trickle)
    start = time.monotonic()
    assert _refused(upstream.url, timeout=0.4) == "timeout"
    assert time.monotonic() - start < 20
    upstream.visits[0].finished.wait(5)
    assert upstream.visits[0].ended.is_set(), "the connection must be closed when nobody waits any more"


@pytest.mark.parametrize("stated", [True, False])
def test_a_body_longer_than_the_limit_is_not_taken(stages: Stages, stated: bool) -> None:
    head = b"Content-Length: 100000\r\n\r\n" if stated else b"\r\n"

    def script(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\n" + head)
        visit.send(b"x" * 100000)

    assert _refused(stages.upstream(script).url, limit=1000) == "limit"


def test_a_body_of_just_the_limit_is_taken(stages: Stages) -> None:
    upstream = stages.upstream(_says(answer(b"x" * 1000)))
    assert len(_get(upstream.url, limit=1000).body) == 1000


def test_a_cancelled_call_closes_its_connection(stages: Stages) -> None:
    asked = threading.Event()

    def script(visit: Visit) -> None:
        visit.request()
        asked.set()
        visit.wait_for_end()

    upstream = stages.upstream(script)

    async def use(client: Client) -> None:
        call = asyncio.get_running_loop().create_task(client.request("GET", upstream.url))
        assert await asyncio.to_thread(asked.wait, 5)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.to_thread(upstream.visits[0].ended.wait, 5)
        assert upstream.visits[0].ended.is_set()

    _ask(use)


def _once_each(visit: Visit) -> None:
    """One answer, and on the second request a hang-up: what a server does whose idle time was just over."""
    visit.request()
    visit.answer()
    visit.request()


@pytest.mark.parametrize(("method", "outcome"), [("GET", "ok"), ("PUT", "ok"), ("POST", "response")])
def test_only_what_may_be_sent_twice_is_sent_again_after_a_stale_connection(
    stages: Stages, method: str, outcome: str
) -> None:
    upstream = stages.upstream(_once_each)

    async def use(client: Client) -> str:
        await client.request(method, upstream.url)
        try:
            return (await client.request(method, upstream.url)).body.decode()
        except HttpError as error:
            return error.reason

    assert _ask(use) == outcome


def test_certificates_are_verified_unless_told_otherwise(stages: Stages, tmp_path: Path) -> None:
    pair = self_signed(tmp_path, "localhost")
    upstream = stages.upstream(tls=server_context(pair))
    url = f"https://localhost:{upstream.port}/"
    assert _refused(url) == "tls"
    assert _get(url, verify=False).body == b"ok"
    trusting = (Path(pair[0]).read_text(),)
    assert _ask(lambda client: client.request("GET", url), authorities=trusting).body == b"ok"
    with pytest.raises(HttpError, match="TLS with 127"):
        _ask(lambda client: client.request("GET", f"https://127.0.0.1:{upstream.port}/"), authorities=trusting)


def test_servers_that_were_not_asked_for_long_lose_their_connections(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateline.engine.http_client.SERVERS", 1)
    first, second = stages.upstream(), stages.upstream()

    async def use(client: Client) -> None:
        await client.request("GET", first.url)
        await client.request("GET", second.url)
        await asyncio.to_thread(first.visits[0].ended.wait, 5)

    _ask(use)
    assert first.visits[0].ended.is_set()


def test_more_requests_than_may_be_in_flight_wait_for_their_turn(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateline.engine.http_client.IN_FLIGHT", 2)
    upstream = stages.upstream()

    async def use(client: Client) -> None:
        replies = await asyncio.gather(*(client.request("GET", upstream.url) for _ in range(10)))
        assert [reply.body for reply in replies] == [b"ok"] * 10

    _ask(use)
    assert len(upstream.visits) <= 2
