"""The gateway under check: an upstream and Gateline, started for one check and ended with it."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Address, Server, ending
from benchmarks.proxies import PREFIX, RunningProxy
from benchmarks.proxies.gateline import Admin, Configuration, Gateline, one_route
from benchmarks.upstream import start_upstream


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway: its processes, its Admin API, its upstream's address and the folder of its configuration."""

    proxy: RunningProxy
    admin: Admin
    upstream: Address
    configuration: Path
    folder: Path

    @property
    def address(self) -> Address:
        return self.proxy.address

    @property
    def server(self) -> Server:
        return self.proxy.server


@contextlib.contextmanager
def gateway(
    configure: Callable[[Address], Configuration] = one_route,
    workers: int = 1,
    upstream: Address | None = None,
    prefixes: Sequence[str] = (PREFIX,),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Gateway]:
    """Start Gateline before `upstream` (default: the benchmark's own), pinned to no core; end both with the block."""
    with tempfile.TemporaryDirectory(prefix="gateline-soak-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        if upstream is None:
            server, upstream = start_upstream(folder, None, prefixes)
            stack.enter_context(ending(server))
        gateline = Gateline(configure, workers, environment or {})
        proxy, admin = gateline.start_with_admin(upstream, folder, None)
        stack.enter_context(ending(proxy.server))
        yield Gateway(proxy, admin, upstream, folder / f"{gateline.name}.json", folder)
