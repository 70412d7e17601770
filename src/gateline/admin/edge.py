"""What every request to the Admin API and every answer of it have in common, whatever the path: the trailing slash, the
headers that Kong's answers carry, the rule for pages of other origins, HEAD without a body, who may ask at all, the
access log, the count.
"""

import logging
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateline.admin.access import SCOPE_KEY, Access
from gateline.admin.errors import unauthorized
from gateline.admin.routing import error_answer
from gateline.settings import Settings
from gateline.version import KONG_VERSION

access_log = logging.getLogger("gateline.admin.access")
"""Lines in nginx's combined form; the control process says where they go."""


class Edge:
    """Wraps an application. `requests` counts what came in."""

    def __init__(self, application: ASGIApp, settings: Settings, access: Access | None = None) -> None:
        """Without `access`, everybody may ask."""
        self.requests = 0
        self._application = application
        self._access = access
        self._server = f"kong/{KONG_VERSION}".encode() if "server" in settings.headers else None
        self._latency = "x-kong-admin-latency" in settings.headers
        self._origins = _origins(settings.others.get("admin_gui_url") or ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and dress its answer."""
        if scope["type"] != "http":
            return
        self.requests += 1
        started = time.monotonic()
        status, size = 0, 0
        headers = Headers(scope=scope)
        bodiless = scope["method"] == "HEAD"

        async def dressed(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], *self._headers(headers, started)]}
            elif message["type"] == "http.response.body":
                if bodiless:
                    message = {**message, "body": b""}
                size += len(message.get("body", b""))
            await send(message)

        await self._admitted(scope, headers, receive, dressed)
        if access_log.isEnabledFor(logging.INFO):
            access_log.info("%s", _line(scope, headers, status, size))

    async def _admitted(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        actor = self._access.actor(scope, headers) if self._access else None
        if self._access and actor is None:
            await error_answer(unauthorized())(scope, receive, send)
        else:
            await self._application({**_without_slash(scope), SCOPE_KEY: actor}, receive, send)

    def _headers(self, request: Headers, started: float) -> Iterable[tuple[bytes, bytes]]:
        origin = self._origin(request.get("origin"))
        yield b"access-control-allow-origin", origin.encode("latin-1")
        yield b"access-control-allow-credentials", b"true"
        yield b"access-control-expose-headers", b"ETag"
        if origin != "*":
            yield b"vary", b"Origin"
        if self._latency:
            yield b"x-kong-admin-latency", str(int((time.monotonic() - started) * 1000)).encode()
        if self._server:
            yield b"server", self._server

    def _origin(self, asked: str | None) -> str:
        if self._origins:
            return asked if asked in self._origins else self._origins[0]
        return asked or "*"


def _origins(urls: Iterable[str]) -> list[str]:
    """The origins (scheme, host, port) of the web pages' addresses."""
    parts = [urlsplit(url.strip()) for url in ([urls] if isinstance(urls, str) else urls)]
    return [f"{part.scheme}://{part.netloc}" for part in parts if part.scheme and part.netloc]


def _without_slash(scope: Scope) -> Scope:
    path: str = scope["path"]
    if len(path) > 1 and path.endswith("/"):
        return {**scope, "path": path[:-1], "raw_path": scope.get("raw_path", b"")[:-1]}
    return scope


def _line(scope: Scope, headers: Headers, status: int, size: int) -> str:
    client = scope["client"][0] if scope.get("client") else "unix:"
    target = scope.get("raw_path", b"").decode("latin-1")
    if scope["query_string"]:
        target += "?" + scope["query_string"].decode("latin-1")
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S %z")
    request = f"{scope['method']} {target} HTTP/{scope['http_version']}"
    referrer, agent = headers.get("referer", "-"), headers.get("user-agent", "-")
    return f'{client} - - [{stamp}] "{_safe(request)}" {status} {size} "{_safe(referrer)}" "{_safe(agent)}"'


def _safe(text: str) -> str:
    """The text as it may stand between quotes: what could end them, or the line, is escaped."""
    return text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
