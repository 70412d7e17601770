"""Probes against servers that answer, refuse, hang, talk rubbish, or speak TLS and gRPC."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest

from gateline.control.health.active import ActiveChecks, Member, Place
from gateline.control.health.counting import Counts
from gateline.control.health.probes import RAW
from gateline.engine.upstream.dns import Endpoint
from gateline.engine.upstream.outcomes import Result
from gateline.entities import Upstream
from harness.certificates import self_signed, server_context

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server; its port."""
    done = asyncio.Event()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            done.set()
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0.01)


def saying(data: bytes, *, seen: list[bytes] | None = None) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if seen is not None:
            seen.append(head)
        writer.write(data)
        await writer.drain()
        await reader.read()

    return talk


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    await asyncio.sleep(30)


def grpc(status: bytes = b"\x08\x01", *, trailers: tuple[tuple[str, str], ...] = (("grpc-status", "0"),)) -> Talk:
    """A gRPC server that answers health checks so."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    assert dict(event.headers)[b":path"] == b"/grpc.health.v1.Health/Check"
                if isinstance(event, h2.events.StreamEnded):
                    connection.send_headers(event.stream_id, [(":status", "200"), ("content-type", "application/grpc")])
                    connection.send_data(event.stream_id, b"\0" + len(status).to_bytes(4) + status)
                    connection.send_headers(event.stream_id, list(trailers), end_stream=True)
            writer.write(connection.data_to_send())

    return talk


async def results(
    port: int,
    authorities: tuple[str, ...] = (),
    count: int = 2,
    *,
    certificate: tuple[str, str] | None = None,
    srv_port: int = 0,
    **active: Any,
) -> set[Result]:
    """What the first probes of a target say."""
    found: list[Result] = []
    enough = asyncio.Event()

    def heard(place: Place, result: Result) -> None:
        assert place == Place(upstream.id, "t", f"127.0.0.1:{srv_port}" if srv_port else "127.0.0.1")
        found.append(result)
        if len(found) >= count:
            enough.set()

    async def resolve(host: str) -> tuple[Endpoint, ...]:
        return (Endpoint("127.0.0.1", srv_port),)

    active = {"timeout": 20, "healthy": {"interval": 0.05}, "unhealthy": {"interval": 0.05}} | active
    upstream = Upstream.parse({"name": "u.test", "healthchecks": {"active": active}})
    checks = ActiveChecks(heard, lambda _: Counts(healthy=False), resolve, authorities)
    try:
        checks.adopt(upstream, {"t": Member("t", "site.test", port)}, certificate)
        async with asyncio.timeout(60):
            await enough.wait()
    finally:
        checks.close()
    return set(found)


@pytest.fixture(params=[True, False] if RAW else [False], ids=lambda raw: "epoll" if raw else "tasks")
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both ways to send plain probes."""
    monkeypatch.setattr("gateline.control.health.active.RAW", request.param)
    return bool(request.param)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Result.SUCCESS),
        (b"HTTP/1.0 302 Found\r\n\r\n", Result.SUCCESS),
        (b"HTTP/1.1 500 Oh\r\n\r\n", Result.HTTP_FAILURE),
        (b"HTTP/1.1 418 Teapot\r\n\r\n", Result.NOTHING),
        (b"SSH-2.0-OpenSSH\r\n", Result.TCP_FAILURE),
        (b"HTTP/1.1 abc\r\n", Result.TCP_FAILURE),
        (b"H" * 6000, Result.TCP_FAILURE),
    ],
)
def test_what_a_server_answers_counts_as(answer: bytes, expected: Result) -> None:
    async def main() -> None:
        seen: list[bytes] = []
        async with serving(saying(answer, seen=seen)) as port:
            headers = {"X-Check": ["a", "b\r\nEvil: 1"], "Host": ["other"]}
            assert await results(port, http_path="/status/x", headers=headers) == {expected}
            lines = seen[0].decode().split("\r\n")
            assert lines[0] == "GET /status/x HTTP/1.1"
            assert f"Host: site.test:{port}" in lines
            assert "X-Check: a" in lines
            assert "X-Check: b Evil: 1" in lines
            assert "Connection: close" in lines

    asyncio.run(main())


@pytest.mark.usefixtures("way")
def test_an_answer_may_come_later_and_in_pieces() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in (b"HTTP/1.1 2", b"04 No Conte", b"nt\r\n\r\n"):
            await asyncio.sleep(0.05)
            writer.write(piece)
        await reader.read()

    async def main() -> None:
        async with serving(talk) as port:
            statuses = {"interval": 0.05, "http_statuses": [204]}
            assert await results(port, healthy=statuses) == {Result.SUCCESS}

    asyncio.run(main())


@pytest.mark.usefixtures("way")
def test_nobody_there_and_nobody_answering_are_told_apart() -> None:
    async def main() -> None:
        async with serving(silent) as port:
            assert await results(port, timeout=0.2) == {Result.TIMEOUT}
            assert await results(port, type="tcp") == {Result.SUCCESS}
        assert await results(port) == {Result.TCP_FAILURE}
        assert await results(port, type="tcp") == {Result.TCP_FAILURE}

    asyncio.run(main())


def test_https_is_verified_unless_it_is_not_to_be(tmp_path: Path) -> None:
    pair = self_signed(tmp_path, "site.test")
    authority = (Path(pair[0]).read_text(),)

    async def main() -> None:
        answers = saying(b"HTTP/1.1 200 OK\r\n\r\n")
        async with serving(answers, server_context(pair)) as port:
            assert await results(port, type="https", count=1) == {Result.TCP_FAILURE}
            assert await results(port, authority, type="https", count=1) == {Result.SUCCESS}
            assert await results(port, authority, type="https", count=1, https_sni="no.test") == {Result.TCP_FAILURE}
            unverified: dict[str, Any] = {"type": "https", "https_verify_certificate": False}
            assert await results(port, count=1, **unverified) == {Result.SUCCESS}

    asyncio.run(main())


def test_the_certificate_of_the_upstream_is_shown(tmp_path: Path) -> None:
    pair, own = self_signed(tmp_path, "site.test"), self_signed(tmp_path, "gateway.test")
    authority = (Path(pair[0]).read_text(),)
    certificate = Path(own[0]).read_text(), Path(own[1]).read_text()
    shown: list[object] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown.append(writer.get_extra_info("peercert")["subject"])
        await saying(b"HTTP/1.1 200 OK\r\n\r\n")(reader, writer)

    async def main() -> None:
        context = server_context(pair)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(own[0])
        async with serving(answer, context) as port:
            probe: dict[str, Any] = {"type": "https", "count": 1}
            assert await results(port, authority, **probe) == {Result.TCP_FAILURE}, "it is asked for one"
            assert await results(port, authority, certificate=certificate, **probe) == {Result.SUCCESS}
        assert shown == [((("commonName", "gateway.test"),),)]

    asyncio.run(main())


@pytest.mark.usefixtures("way")
def test_a_probe_goes_to_the_port_of_the_srv_record() -> None:
    async def main() -> None:
        async with serving(saying(b"HTTP/1.1 200 OK\r\n\r\n")) as port:
            assert await results(9, srv_port=port) == {Result.SUCCESS}

    asyncio.run(main())


@pytest.mark.usefixtures("way")
def test_all_ports_at_one_address_are_probed_each_for_itself() -> None:
    async def main() -> None:
        ports: list[int] = []
        found: dict[str, set[Result]] = {}

        def heard(place: Place, result: Result) -> None:
            found.setdefault(place.address, set()).add(result)

        async def resolve(host: str) -> tuple[Endpoint, ...]:
            return tuple(Endpoint("127.0.0.1", port) for port in ports)

        async with (
            serving(saying(b"HTTP/1.1 200 OK\r\n\r\n")) as well,
            serving(saying(b"HTTP/1.1 500 Oh\r\n\r\n")) as ill,
        ):
            ports += [well, ill]
            active = {"healthy": {"interval": 0.05}, "unhealthy": {"interval": 0.05}}
            upstream = Upstream.parse({"name": "u.test", "healthchecks": {"active": active}})
            checks = ActiveChecks(heard, lambda _: Counts(healthy=False), resolve)
            try:
                checks.adopt(upstream, {"t": Member("t", "site.test", ill)})
                async with asyncio.timeout(60):
                    while len(found) < 2:  # noqa: ASYNC110 - nobody tells
                        await asyncio.sleep(0.01)
                assert set(checks.addresses(upstream.id, "t")) == {f"127.0.0.1:{well}", "127.0.0.1"}
            finally:
                checks.close()
            assert found == {f"127.0.0.1:{well}": {Result.SUCCESS}, "127.0.0.1": {Result.HTTP_FAILURE}}

    asyncio.run(main())


def test_grpc_asks_the_server_for_its_health(tmp_path: Path) -> None:
    pair = self_signed(tmp_path, "site.test")
    authority = (Path(pair[0]).read_text(),)

    async def main() -> None:
        for talk, expected in (
            (grpc(), Result.SUCCESS),
            (grpc(b"\x08\x02"), Result.HTTP_FAILURE),
            (grpc(b""), Result.HTTP_FAILURE),
            (grpc(b"", trailers=(("grpc-status", "12"),)), Result.HTTP_FAILURE),
        ):
            async with serving(talk) as port:
                assert await results(port, type="grpc", count=1) == {expected}
        async with serving(saying(b"no HTTP/2 frame at all, and longer than that")) as port:
            assert await results(port, type="grpc", count=1, timeout=0.3) <= {Result.TCP_FAILURE, Result.TIMEOUT}
        context = server_context(pair)
        context.set_alpn_protocols(["h2"])
        async with serving(grpc(), context) as port:
            assert await results(port, authority, type="grpcs", count=1) == {Result.SUCCESS}

    asyncio.run(main())
