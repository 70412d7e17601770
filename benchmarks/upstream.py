"""The upstream that every proxy is measured against: nginx, answering a small JSON from memory, in its own process.

It also answers `<prefix>/seen` with what it received, so that a run can check that the proxy under test forwards the
headers, sets the forwarded ones and reuses its connection before its speed is believed.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.install import system_program
from benchmarks.processes import Address, Server, start, start_until_ready

BODY = b'{"order": 48213, "state": "packed", "items": 3}\n'

_SEEN = json.dumps(
    {
        "target": "$request_uri",
        "host": "$http_host",
        "cookie": "$http_cookie",
        "traceparent": "$http_traceparent",
        "forwarded_for": "$http_x_forwarded_for",
        "forwarded_proto": "$http_x_forwarded_proto",
        "uses": "$connection_requests",
    }
)


LOOPBACKS = 10


def addresses(address: Address) -> list[Address]:
    """All addresses of the upstream, of which `address` is the first: other loopback addresses with the same port."""
    return [Address(f"127.0.0.{last}", address.port) for last in range(1, LOOPBACKS + 1)]


def start_upstream(folder: Path, core: int | None, prefixes: Sequence[str]) -> tuple[Server, Address]:
    """The running upstream and its address."""

    def attempt(address: Address) -> Server:
        path = folder / "upstream.conf"
        path.write_text(_configuration(address, prefixes))
        command = [system_program("nginx"), "-p", folder, "-e", folder / "upstream-error.log", "-c", path]
        return start("upstream", command, folder, core)

    return start_until_ready(attempt)


def _configuration(address: Address, prefixes: Sequence[str]) -> str:
    answer = f"{_SEEN}\n$http_authorization"
    seen = "\n".join(f"    location = {prefix}/seen {{ return 200 '{answer}'; }}" for prefix in prefixes)
    listens = "\n".join(f"    listen {one} backlog=4096;" for one in addresses(address))
    return f"""
daemon off;
worker_processes 1;
pid upstream.pid;
error_log upstream-error.log error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  default_type application/json;
  client_body_temp_path upstream-temp-body;
  proxy_temp_path upstream-temp-proxy;
  fastcgi_temp_path upstream-temp-fastcgi;
  uwsgi_temp_path upstream-temp-uwsgi;
  scgi_temp_path upstream-temp-scgi;
  server {{
{listens}
    location / {{ return 200 '{BODY.decode()}'; }}
{seen}
  }}
}}
"""
