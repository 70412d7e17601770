"""Upstreams that die, hang and fail when they are told to."""

import http.server
import socket
import threading
from typing import Any, Self

from integration.nodes import LIMIT

__all__ = ["Site", "config"]


class Site:
    """An upstream on a port that stays its own: it answers with its name, a `status`, late, or not at all."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.status = 200
        self.hangs = False
        self.requests = 0
        self.probes = 0
        self._go = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]
        self._server: http.server.ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen."""
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                if self.path.endswith("/probe"):
                    site.probes += 1
                else:
                    site.requests += 1
                if site.hangs:
                    site._go.wait(LIMIT)
                body = site.name.encode()
                self.send_response(site.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: object) -> None:
                pass

        self._go.clear()
        self._server = Server(("127.0.0.1", self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections."""
        self._go.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None

    def release(self) -> None:
        """Let those go that hang."""
        self.hangs = False
        self._go.set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def config(*sites: Site, service: dict[str, Any] | None = None, **upstream: Any) -> dict[str, Any]:
    """A declarative configuration: a route `/u` to all sites."""
    return {
        "_format_version": "3.0",
        "services": [
            {"name": "s", "host": "u.test", "retries": 0, "routes": [{"name": "r", "paths": ["/u"]}], **(service or {})}
        ],
        "upstreams": [{"name": "u.test", "targets": [{"target": site.target} for site in sites], **upstream}],
    }
