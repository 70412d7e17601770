"""Caddy with `reverse_proxy` and one scheduler thread."""

from pathlib import Path

from benchmarks.install import CADDY, program
from benchmarks.processes import Address, Server, start, start_until_ready
from benchmarks.proxies import HOST, PREFIX, UPSTREAM_CONNECTIONS, RunningProxy


class Caddy:
    """Caddy from its Python package."""

    def version(self) -> str:
        program(CADDY)
        return CADDY.version

    def start(self, upstream: Address, folder: Path, core: int | None) -> RunningProxy:
        def attempt(address: Address) -> Server:
            path = folder / "Caddyfile"
            path.write_text(_configuration(address, upstream))
            environment = {"GOMAXPROCS": "1", "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
            command = [program(CADDY), "run", "--config", path, "--adapter", "caddyfile"]
            return start("caddy", command, folder, core, {**environment, "XDG_CONFIG_HOME": str(folder)})

        server, address = start_until_ready(attempt)
        return RunningProxy(server, address, [server.pid])


def _configuration(address: Address, upstream: Address) -> str:
    # Its default of 32 idle upstream connections would make it open and close some for every burst.
    return f"""
{{
  admin off
  persist_config off
  auto_https off
  log {{
    level ERROR
  }}
}}
http://{HOST}:{address.port} {{
  bind {address.host}
  handle {PREFIX}* {{
    reverse_proxy {upstream} {{
      transport http {{
        keepalive_idle_conns_per_host {UPSTREAM_CONNECTIONS}
      }}
    }}
  }}
}}
"""
