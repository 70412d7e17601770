"""The proxies that are measured: each module knows how to start one of them with the work that all have in common.

Equal work: one worker, HTTP/1.1 with keep-alive on both sides, one route (a host and a path prefix, path forwarded
unchanged), the forwarded headers that the product sets by default (nginx, which sets none, is told to), no access log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.processes import Address, Server, family, proportional_bytes, resident_bytes

HOST = "api.example.com"
PREFIX = "/v1"
UPSTREAM_CONNECTIONS = 128
KEEPALIVE_REQUESTS = 10_000


@dataclass(frozen=True, slots=True)
class RunningProxy:
    """A proxy that accepts requests: where it listens, and which of its processes carry them."""

    server: Server
    address: Address
    workers: Sequence[int]

    def worker_memory(self) -> int:
        """Resident bytes of the processes that carry requests."""
        return sum(resident_bytes(pid) for pid in self.workers)

    def total_memory(self) -> int:
        """Bytes of all its processes together, shared pages once."""
        return proportional_bytes(family(self.server.pid))


class Proxy(Protocol):
    """What a contestant has to offer."""

    def version(self) -> str:
        """Its version; StartError when the program cannot be had."""
        ...

    def start(self, upstream: Address, folder: Path, core: int | None) -> RunningProxy:
        """Start it, files in `folder`, pinned to `core`; StartError when it does not come up."""
        ...
