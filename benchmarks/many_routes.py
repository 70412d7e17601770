"""10,000 routes (hosts times paths, some regex), and a load that asks for all of them in turn.

The comparison is one route that takes the same requests: all hosts listed, path prefix "/".
"""

from typing import Any

from benchmarks.load import HEADERS, Load, head_tail, lua_string
from benchmarks.processes import Address

HOSTS = 100
PATHS = 100
REGEX_PATHS = 2  # of the PATHS of each host
_STRIDE = 7919  # prime: the requests jump about instead of walking host by host


def host(number: int) -> str:
    """Host of tenant `number`."""
    return f"tenant-{number:02d}.example.com"


def ten_thousand_routes(upstream: Address) -> dict[str, Any]:
    """A service for each host, a route for each of its paths."""
    services = [
        {
            "name": f"tenant-{tenant:02d}",
            "url": f"http://{upstream}",
            "routes": [_route(tenant, p) for p in range(PATHS)],
        }
        for tenant in range(HOSTS)
    ]
    return {"_format_version": "3.0", "services": services}


def one_route_for_all(upstream: Address) -> dict[str, Any]:
    """One route for the requests of `every_route`."""
    route = {"name": "all", "hosts": [host(tenant) for tenant in range(HOSTS)], "paths": ["/"], "strip_path": False}
    return {"_format_version": "3.0", "services": [{"name": "all", "url": f"http://{upstream}", "routes": [route]}]}


def every_route() -> Load:
    """Each request asks for another of the 10,000 routes."""
    script = f"""
local rest = {lua_string(_rest())}
local number = 0
request = function()
  number = (number + {_STRIDE}) % {HOSTS * PATHS}
  return string.format("GET /area-%02d/4711?expand=items HTTP/1.1\\r\\nHost: tenant-%02d.example.com\\r\\n",
    number % {PATHS}, math.floor(number / {PATHS})) .. rest
end"""
    return Load(script, host(0), "/area-00")


def asked_route() -> Load:
    """The same one of the 10,000 routes again and again."""
    return Load(
        f"local text = {lua_string(asked_request())}\nrequest = function() return text end", host(0), "/area-00"
    )


def asked_request() -> str:
    """The request of `asked_route`, which the one route for all answers as well."""
    return f"GET /area-07/4711?expand=items HTTP/1.1\r\nHost: {host(42)}\r\n" + _rest()


def _rest() -> str:
    return head_tail({name: value for name, value in HEADERS.items() if name != "Host"})


def _route(tenant: int, path: int) -> dict[str, Any]:
    pattern = f"~/area-{path:02d}/\\d+$" if path >= PATHS - REGEX_PATHS else f"/area-{path:02d}"
    return {
        "name": f"tenant-{tenant:02d}-area-{path:02d}",
        "hosts": [host(tenant)],
        "paths": [pattern],
        "strip_path": False,
    }
