"""Traefik with the file provider and one scheduler thread."""

import json
from pathlib import Path

from benchmarks.install import TRAEFIK, program
from benchmarks.processes import Address, Server, start, start_until_ready
from benchmarks.proxies import HOST, PREFIX, UPSTREAM_CONNECTIONS, RunningProxy
from benchmarks.verify import routes_requests


class Traefik:
    """Traefik from its Python package."""

    def version(self) -> str:
        program(TRAEFIK)
        return TRAEFIK.version

    def start(self, upstream: Address, folder: Path, core: int | None) -> RunningProxy:
        def attempt(address: Address) -> Server:
            dynamic = folder / "traefik-routes.yml"
            dynamic.write_text(json.dumps(_routes(upstream)))  # JSON is YAML
            static = {
                "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
                "log": {"level": "ERROR"},
                "entryPoints": {"web": {"address": str(address)}},
                "providers": {"file": {"filename": str(dynamic), "watch": False}},
                "serversTransport": {"maxIdleConnsPerHost": UPSTREAM_CONNECTIONS},
            }
            path = folder / "traefik.yml"
            path.write_text(json.dumps(static))
            command = [program(TRAEFIK), f"--configFile={path}"]
            return start("traefik", command, folder, core, {"GOMAXPROCS": "1", "HOME": str(folder)})

        # It listens before its provider has delivered the routes.
        server, address = start_until_ready(attempt, routes_requests)
        return RunningProxy(server, address, [server.pid])


def _routes(upstream: Address) -> dict[str, object]:
    router = {"entryPoints": ["web"], "rule": f"Host(`{HOST}`) && PathPrefix(`{PREFIX}`)", "service": "orders"}
    service = {"loadBalancer": {"servers": [{"url": f"http://{upstream}"}]}}
    return {"http": {"routers": {"orders": router}, "services": {"orders": service}}}
