"""A small service to put a gateway in front of: it answers every request with what it saw of it, as JSON."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    """Tells method, path, headers and body back."""

    protocol_version = "HTTP/1.1"

    def echo(self) -> None:
        """Answer with what came in."""
        length = int(self.headers.get("Content-Length") or 0)
        seen = {
            "hello": "from the service behind Gateline",
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers.items()),
            "body": self.rfile.read(length).decode("utf-8", "replace"),
        }
        body = json.dumps(seen, indent=2).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    # The base class asks for these names.
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = echo

    def log_message(self, *args: object) -> None:
        """Stay silent: the gateway has the access log."""


def serve(port: int = 0) -> ThreadingHTTPServer:
    """A server on loopback, on `port` or a free one; the caller runs and closes it."""
    return ThreadingHTTPServer(("127.0.0.1", port), Echo)


if __name__ == "__main__":
    serve(int(sys.argv[1]) if len(sys.argv) > 1 else 9000).serve_forever()
