"""Active checks of many targets: 5,000 upstreams with 10 targets each, probed every 10 s over HTTP by the one control
process, take at most a fifth of a core, and every probe that is due is sent.

The targets are addresses of an nginx on loopback. Part of what a probe costs there is the other end's work, which a
network would leave to the other machine.
"""

import asyncio
import http.client
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from benchmarks.install import system_program
from benchmarks.processes import Address, Server, children, cpu_seconds, ending, start, start_until_ready
from benchmarks.proxies.gateline import encode_configuration
from benchmarks.soak.gateway import gateway
from benchmarks.soak.verdict import Verdict

UPSTREAMS = 5000
TARGETS = 10
INTERVAL = 10.0  # seconds
HOSTS = [f"127.0.2.{number}" for number in range(1, 101)]
SETTLE = 20.0  # seconds: two rounds
SECONDS = 40.0
SHARE = 0.20  # of a core
SENT = 0.95  # of the probes that are due


async def check() -> Verdict:
    """Run the check."""
    verdict = Verdict("active_checks")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateline-soak-")))
        server, status = _targets(folder)
        stack.enter_context(ending(server))
        running = stack.enter_context(gateway())
        await asyncio.to_thread(running.admin.post_encoded, encode_configuration(_configuration(status.port)))
        [control] = set(children(running.server.pid)) - set(running.proxy.workers)
        await asyncio.sleep(SETTLE)
        accepted, used = _accepted(status), cpu_seconds([control])
        await asyncio.sleep(SECONDS)
        probes, used = _accepted(status) - accepted, cpu_seconds([control]) - used
    due = UPSTREAMS * TARGETS / INTERVAL * SECONDS
    verdict.number("probes a second", f"{probes / SECONDS:,.0f}")
    verdict.number("CPU time of a probe", f"{1e6 * used / max(probes, 1):.1f} µs")
    verdict.hold(f"at least {SENT:.0%} of the probes that are due", probes >= SENT * due, f"{probes / due:.1%}")
    share = used / SECONDS
    verdict.hold(f"control process ≤ {SHARE:.0%} of a core", share <= SHARE, f"{share:.1%}")
    return verdict


def _targets(folder: Path) -> tuple[Server, Address]:
    """An nginx at all addresses of `HOSTS`; the address that is asked for what it has accepted."""

    def attempt(address: Address) -> Server:
        path = folder / "targets.conf"
        listens = "\n".join(f"    listen {host}:{address.port} backlog=4096;" for host in HOSTS)
        path.write_text(_NGINX % (listens, address))
        return start("targets", [system_program("nginx"), "-p", folder, "-e", folder / "error.log", "-c", path], folder)

    return start_until_ready(attempt)


_NGINX = """
daemon off;
worker_processes 1;
pid targets.pid;
error_log error.log error;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path temp-body;
  proxy_temp_path temp-proxy;
  fastcgi_temp_path temp-fastcgi;
  uwsgi_temp_path temp-uwsgi;
  scgi_temp_path temp-scgi;
  server {
%s
    location / { return 200 'well'; }
  }
  server {
    listen %s;
    location / { stub_status; }
  }
}
"""


def _accepted(status: Address) -> int:
    """Connections that the targets have accepted so far."""
    with closing(http.client.HTTPConnection(status.host, status.port, timeout=30)) as connection:
        connection.request("GET", "/")
        lines = connection.getresponse().read().decode().splitlines()
    return int(lines[2].split()[0])


def _configuration(port: int) -> dict[str, Any]:
    healthy = {"interval": INTERVAL, "successes": 1}
    active = {"timeout": 5, "healthy": healthy, "unhealthy": {"interval": INTERVAL, "http_failures": 1}}
    upstreams = []
    for number in range(UPSTREAMS):
        hosts = [HOSTS[(number * TARGETS + place) % len(HOSTS)] for place in range(TARGETS)]
        targets = [{"target": f"{host}:{port}"} for host in hosts]
        upstreams.append({"name": f"u{number}.test", "healthchecks": {"active": active}, "targets": targets})
    return {"_format_version": "3.0", "upstreams": upstreams}
