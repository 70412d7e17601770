"""Talks to the Admin API of a node: over TCP, TLS or a unix socket, with its token."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateline.cli.output import Failure

_PATIENCE = 300.0
"""Seconds to wait for an answer: a large configuration takes its time."""
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the node answered."""

    status: int
    headers: Mapping[str, str]
    """By names in lower case."""
    body: bytes

    def json(self) -> Any:
        """The body's value. Raises `Failure` when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise Failure(f"the Admin API answered {self.status} with something that is not JSON") from None


class AdminClient:
    """Asks one node. `ca` is a file with the authority of its certificate; `insecure` takes any certificate."""

    def __init__(self, url: str, *, token: str | None = None, ca: Path | None = None, insecure: bool = False) -> None:
        """Raises `Failure` for what is no address."""
        self.url = url
        self._token = token
        self._ca = ca
        self._insecure = insecure
        self._path = ""
        self._socket: str | None = None
        if url.startswith("unix:"):
            self._socket = url.removeprefix("unix:").removeprefix("//")
            return
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError:
            self._host = ""
        if parts.scheme not in ("http", "https") or not self._host:
            raise Failure(f"{url!r} is no address of an Admin API; expected http://host:port, https://, or unix:/path")
        self._host = _EVERYWHERE.get(self._host, self._host)
        self._tls = parts.scheme == "https"
        self._path = parts.path.rstrip("/")

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer, whatever its status, but 401. Raises `Failure` when there is none."""
        sent = {"Accept": "application/json", **(headers or {})}
        if self._token:
            sent["Kong-Admin-Token"] = self._token
        connection = self._connection()
        try:
            connection.request(method, self._path + path, body, sent)
            response = connection.getresponse()
            answer = Answer(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
            )
        except ssl.SSLCertVerificationError as error:
            raise Failure(
                f"the certificate of {self.url} is not trusted ({error.verify_message}); "
                "name its authority with --ca-cert, or use --insecure"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Failure(f"the Admin API at {self.url} cannot be reached: {reason}") from None
        finally:
            connection.close()
        if answer.status == 401:
            raise Failure(f"the Admin API at {self.url} wants a token: give the right one with --admin-token")
        return answer

    def _connection(self) -> http.client.HTTPConnection:
        if self._socket is not None:
            return _UnixConnection(self._socket)
        if not self._tls:
            return http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE)
        try:
            context = ssl.create_default_context(cafile=self._ca)
        except (OSError, ssl.SSLError) as error:
            raise Failure(f"{self._ca}: cannot be used as a certificate authority: {error}") from None
        if self._insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(self._host, self._port, timeout=_PATIENCE, context=context)


class _UnixConnection(http.client.HTTPConnection):
    """A connection over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_PATIENCE)
        self._unix = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_PATIENCE)
        self.sock.connect(self._unix)
