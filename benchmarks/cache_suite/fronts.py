"""The caches that the suite can be run against: each listens on loopback before the suite's origin."""

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.install import system_program
from benchmarks.processes import Address, Server, start, start_until_ready
from benchmarks.proxies.gateline import Configuration, Gateline


@dataclass(frozen=True, slots=True)
class Front:
    """What a cache is called, how it tells its version, and how it is started."""

    name: str
    version: Callable[[], str]
    start: Callable[[Address, Path], tuple[Server, Address]]


_WIDE = {"share_public": True, "response_code": list(range(200, 600)), "content_type": ["*/*"]}
"""Lets RFC 9111 decide alone what is kept, and for whom."""


def _all_that_may_be_kept(origin: Address) -> Configuration:
    return _with_cache(origin, _WIDE)


def _with_defaults(origin: Address) -> Configuration:
    return _with_cache(origin, {})


def _with_cache(origin: Address, fields: Mapping[str, object]) -> Configuration:
    """One route to the origin, and the plugin with these fields."""
    plugin = {"name": "proxy-cache", "config": {"strategy": "memory", "cache_control": True, **fields}}
    route = {"name": "suite", "paths": ["/"], "strip_path": False}
    service = {"name": "suite", "url": f"http://{origin}", "retries": 0, "routes": [route]}
    return {"_format_version": "3.0", "services": [service], "plugins": [plugin]}


def _gateline(configure: Callable[[Address], Configuration]) -> Callable[[Address, Path], tuple[Server, Address]]:
    def start_gateline(origin: Address, folder: Path) -> tuple[Server, Address]:
        proxy = Gateline(configure).start(origin, folder, None)
        return proxy.server, proxy.address

    return start_gateline


def _start_nginx(origin: Address, folder: Path) -> tuple[Server, Address]:
    def attempt(address: Address) -> Server:
        path = folder / "nginx.conf"
        path.write_text(_nginx_configuration(address, origin))
        command = [system_program("nginx"), "-p", folder, "-e", folder / "nginx-error.log", "-c", path]
        return start("nginx", command, folder)

    return start_until_ready(attempt)


def _nginx_version() -> str:
    said = subprocess.run([system_program("nginx"), "-v"], check=True, capture_output=True, text=True).stderr
    return said.rpartition("/")[2].strip()


def _nginx_configuration(address: Address, origin: Address) -> str:
    """The configuration that the suite itself uses for nginx. Workers of root's nginx stay root to read the folder."""
    user = "user root;" if os.geteuid() == 0 else ""
    return f"""
daemon off;
{user}
worker_processes 1;
pid nginx.pid;
error_log nginx-error.log error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path nginx-temp-body;
  proxy_temp_path nginx-temp-proxy;
  fastcgi_temp_path nginx-temp-fastcgi;
  uwsgi_temp_path nginx-temp-uwsgi;
  scgi_temp_path nginx-temp-scgi;
  proxy_cache_path nginx-cache levels=1:2 keys_zone=suite:8m max_size=1000m inactive=600m;
  server {{
    listen {address};
    location / {{
      proxy_pass http://{origin};
      proxy_cache suite;
      proxy_cache_revalidate on;
    }}
  }}
}}
"""


FRONTS = {
    "gateline": Front("Gateline", Gateline().version, _gateline(_all_that_may_be_kept)),
    "gateline-defaults": Front("Gateline, defaults,", Gateline().version, _gateline(_with_defaults)),
    "nginx": Front("nginx", _nginx_version, _start_nginx),
}
