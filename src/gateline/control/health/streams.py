"""Probes that need more than a socket: HTTP over TLS and gRPC, and all kinds where there is no `epoll`. Each is a task;
what makes it dear is the handshake.
"""

import asyncio
import ssl
import tempfile
from functools import lru_cache
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from gateline.control.health.counting import Result
from gateline.control.health.probes import Probe, status_of

__all__ = ["probed"]

_HEAD = 4096
_CHECK = b"\x00\x00\x00\x00\x00"
"""A `HealthCheckRequest` about the whole server: an empty message, not compressed."""


async def probed(probe: Probe, address: str, port: int, authorities: tuple[str, ...]) -> Result:
    """Send a probe. `authorities`: PEM texts of those that are trusted, empty for the system's."""
    try:
        async with asyncio.timeout(probe.timeout):
            context = None
            if probe.type in ("https", "grpcs"):
                context = _context(probe.verify, authorities, probe.certificate, probe.type == "grpcs")
            reader, writer = await asyncio.open_connection(
                address, port, ssl=context, server_hostname=(probe.server_name or address) if context else None
            )
            try:
                return await _spoken(probe, reader, writer)
            finally:
                writer.transport.abort()
    except TimeoutError:
        return Result.TIMEOUT
    except (OSError, ssl.SSLError, h2.exceptions.H2Error):
        return Result.TCP_FAILURE


async def _spoken(probe: Probe, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Result:
    if probe.type == "tcp":
        return Result.SUCCESS
    if probe.type in ("grpc", "grpcs"):
        return Result.SUCCESS if await _check(probe, reader, writer) else Result.HTTP_FAILURE
    writer.write(probe.request)
    data = b""
    while (status := status_of(data)) < 0 and len(data) < _HEAD:
        more = await reader.read(_HEAD)
        if not more:
            break
        data += more
    return probe.judge(status) if status > 0 else Result.TCP_FAILURE


async def _check(probe: Probe, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether a gRPC server says that it is SERVING (`grpc.health.v1`). Raises H2Error, OSError."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration())
    connection.initiate_connection()
    stream = connection.get_next_available_stream_id()
    headers = [
        (":method", "POST"),
        (":scheme", "https" if probe.type == "grpcs" else "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", probe.authority),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "gateline"),
    ]
    connection.send_headers(stream, headers)
    connection.send_data(stream, _CHECK, end_stream=True)
    writer.write(connection.data_to_send())
    body = b""
    while True:
        data = await reader.read(65536)
        if not data:
            raise ConnectionResetError
        for event in connection.receive_data(data):
            match event:
                case h2.events.DataReceived():
                    body += event.data
                case h2.events.ResponseReceived() | h2.events.TrailersReceived():
                    found = dict(event.headers)
                    if found.get(b":status", b"200") != b"200" or found.get(b"grpc-status", b"0") != b"0":
                        return False
                case h2.events.StreamEnded():
                    return _is_serving(body)
                case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                    raise ConnectionResetError
        if len(body) > _HEAD:
            return False
        writer.write(connection.data_to_send())


def _is_serving(body: bytes) -> bool:
    """Whether a `HealthCheckResponse`, with its length before it, has the status SERVING (field 1, value 1)."""
    return body[:1] == b"\x00" and body[5 : 5 + int.from_bytes(body[1:5])] == b"\x08\x01"


@lru_cache(maxsize=256)
def _context(
    verify: bool, authorities: tuple[str, ...], certificate: tuple[str, str] | None, grpc: bool
) -> ssl.SSLContext:
    """Raises SSLError for a certificate that cannot be used."""
    if verify:
        context = ssl.create_default_context(cadata="\n".join(authorities) or None)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2" if grpc else "http/1.1"])
    if certificate is not None:  # OpenSSL wants files: private ones, for a moment
        with tempfile.TemporaryDirectory(prefix="gateline-") as folder:
            places = Path(folder, "certificate"), Path(folder, "key")
            for place, text in zip(places, certificate, strict=True):
                place.touch(mode=0o600)
                place.write_text(text)
            context.load_cert_chain(*places)
    return context
