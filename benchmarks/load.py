"""The load: wrk with one thread and keep-alive connections, sending the headers that a browser or an SDK sends.

A load is a Lua script for wrk. Its `done` prints one line of JSON, from which `run_wrk` makes a `Measured`; how the
requests are made (one request again and again, a new URL each, 10,000 routes in turn) is the only difference.
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.install import system_program
from benchmarks.processes import Address
from benchmarks.proxies import HOST, PREFIX

CONNECTIONS = 64
TARGET = f"{PREFIX}/orders/48213?expand=items&currency=EUR"

_TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6InNpZ25pbmctMjAyNiJ9"  # a bearer token's shape; it is nobody's
HEADERS: Mapping[str, str] = {
    "Host": HOST,
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0 Safari/537.36",
    "Accept": "application/json, text/plain, */*",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-GB,en;q=0.9,de;q=0.8",
    "Authorization": f"Bearer {_TOKEN}.{'cGF5bG9hZC1vZi1hLXRva2Vu' * 3}.{'c2lnbmF0dXJl' * 6}",
    "Cookie": "session=4f1d0c6e9a7b4a0d8a53; theme=dark; consent=analytics.0-ads.0; region=eu-central",
    "X-Request-Start": "t=1767225600000000",
    "Content-Type": "application/json",
    "Origin": "https://shop.example.com",
    "Referer": "https://shop.example.com/orders/48213",
    "Cache-Control": "no-cache",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}

_MARK = "wrk-result "
_DONE = (
    """
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'MARK{"requests": %d, "microseconds": %d, "failures": %d, "p50_us": %d, "p99_us": %d}\\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""
).replace("MARK", _MARK)


@dataclass(frozen=True, slots=True)
class Measured:
    """What wrk saw in one run: completed requests, failures, and the median and 99th percentile in microseconds."""

    requests: int
    seconds: float
    failures: int
    p50_us: int
    p99_us: int


@dataclass(frozen=True, slots=True)
class Load:
    """A way to make requests: the Lua that makes them, and one host and path prefix of those that it asks for."""

    script: str
    host: str = HOST
    prefix: str = PREFIX
    headers: Mapping[str, str] = field(default_factory=lambda: HEADERS)


class LoadError(Exception):
    """wrk failed or printed no result."""


def one_request(more: Mapping[str, str] | None = None) -> Load:
    """The same request again and again, with some more headers."""
    headers = {**HEADERS, **(more or {})}
    return Load(f"local text = {_request(TARGET, headers)}\nrequest = function() return text end", headers=headers)


def new_url() -> Load:
    """Another path for each request: nothing that is keyed by the whole path can be answered from a cache."""
    return Load(
        f"""
local rest = {_tail(HEADERS)}
local number = 0
request = function()
  number = number + 1
  return "GET {PREFIX}/orders/" .. number .. "?expand=items&currency=EUR HTTP/1.1\\r\\n" .. rest
end"""
    )


def run_wrk(load: Load, address: Address, seconds: int, folder: Path, core: int | None) -> Measured:
    """Load the server at `address` for whole `seconds`; LoadError when wrk fails."""
    script = folder / "load.lua"
    script.write_text(load.script + _DONE)
    pinned = ["taskset", "-c", str(core)] if core is not None else []
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "5s", "-s", str(script)]
    command = [*pinned, system_program("wrk"), *options, f"http://{address}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds + 60)
    for line in done.stdout.splitlines():
        if line.startswith(_MARK):
            found = json.loads(line.removeprefix(_MARK))
            return Measured(
                requests=found["requests"],
                seconds=found["microseconds"] / 1e6,
                failures=found["failures"],
                p50_us=found["p50_us"],
                p99_us=found["p99_us"],
            )
    raise LoadError(f"wrk ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}")


def _request(target: str, headers: Mapping[str, str]) -> str:
    return lua_string(f"GET {target} HTTP/1.1\r\n" + head_tail(headers))


def _tail(headers: Mapping[str, str]) -> str:
    return lua_string(head_tail(headers))


def head_tail(headers: Mapping[str, str]) -> str:
    """The header lines of a request and the blank line."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"


def lua_string(text: str) -> str:
    """`text` (ASCII) as a Lua string literal."""
    return json.dumps(text)
