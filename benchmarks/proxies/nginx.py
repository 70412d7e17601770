"""nginx as the yardstick: `proxy_pass` with upstream keep-alive and the usual forwarded headers."""

import subprocess
from pathlib import Path

from benchmarks.install import system_program
from benchmarks.processes import Address, Server, children, start, start_until_ready
from benchmarks.proxies import HOST, KEEPALIVE_REQUESTS, PREFIX, UPSTREAM_CONNECTIONS, RunningProxy


class Nginx:
    """The distribution's nginx with one worker."""

    def version(self) -> str:
        said = subprocess.run([system_program("nginx"), "-v"], check=True, capture_output=True, text=True).stderr
        return said.rpartition("/")[2].strip()

    def start(self, upstream: Address, folder: Path, core: int | None) -> RunningProxy:
        def attempt(address: Address) -> Server:
            path = folder / "nginx.conf"
            path.write_text(_configuration(address, upstream))
            command = [system_program("nginx"), "-p", folder, "-e", folder / "nginx-error.log", "-c", path]
            return start("nginx", command, folder, core)

        server, address = start_until_ready(attempt)
        return RunningProxy(server, address, children(server.pid))


def _configuration(address: Address, upstream: Address) -> str:
    return f"""
daemon off;
worker_processes 1;
pid nginx.pid;
error_log nginx-error.log error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests {KEEPALIVE_REQUESTS};
  client_body_temp_path nginx-temp-body;
  proxy_temp_path nginx-temp-proxy;
  fastcgi_temp_path nginx-temp-fastcgi;
  uwsgi_temp_path nginx-temp-uwsgi;
  scgi_temp_path nginx-temp-scgi;
  upstream orders {{
    server {upstream};
    keepalive {UPSTREAM_CONNECTIONS};
    keepalive_requests {KEEPALIVE_REQUESTS};
  }}
  server {{
    listen {address} backlog=4096;
    server_name {HOST};
    location {PREFIX} {{
      proxy_pass http://orders;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host;
      proxy_set_header X-Forwarded-Port $server_port;
    }}
  }}
}}
"""
