"""Redis of the tests' own, on ports of its own, in memory only: one server, with or without TLS; a master with a
replica and Sentinels; a Cluster."""

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis as library

from harness.server import free_port

__all__ = ["Redis", "cluster", "sentinels"]

_DEADLINE = 30.0
_SLOTS = 16384


class Redis:
    """A running server that wants a password. Use it in a `with` statement.

    `tls`: files of a certificate and its key, then only TLS is spoken. `settings` are Redis' own.
    """

    password = "s3cret"

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        tls: tuple[str, str] | None = None,
        sentinel: str | None = None,
    ) -> None:
        self._binary = shutil.which("redis-server")
        if self._binary is None:
            raise RuntimeError("these tests need redis-server (on Debian and Ubuntu: apt-get install redis-server)")
        self.port = free_port()
        self._tls = tls
        self._sentinel = sentinel
        self.settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server, empty, and wait until it answers."""
        self._folder = tempfile.TemporaryDirectory(prefix="gateline-redis-")
        assert self._binary is not None
        self._process = subprocess.Popen(
            [self._binary, *self._arguments(Path(self._folder.name))], stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + _DEADLINE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("redis-server did not start")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server, and what it holds."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if self._folder is not None:
            self._folder.cleanup()

    def client(self) -> Any:
        """A client past the gateway."""
        options: dict[str, Any] = {"password": self.password, "decode_responses": True, "socket_timeout": _DEADLINE}
        if self._tls:
            options |= {"ssl": True, "ssl_cert_reqs": "none", "ssl_check_hostname": False}
        if self._sentinel is not None:
            del options["password"]
        return library.Redis(port=self.port, protocol=2, **options)

    def _arguments(self, folder: Path) -> list[str]:
        if self._sentinel is not None:
            conf = folder / "sentinel.conf"
            conf.write_text(f"port {self.port}\nbind 127.0.0.1\ndir {folder}\n{self._sentinel}")
            return [str(conf), "--sentinel"]
        settings = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(folder),
            "save": "",
            "appendonly": "no",
            "requirepass": self.password,
            "masterauth": self.password,
            **self.settings,
        }
        if self._tls:
            settings |= {
                "port": "0",
                "tls-port": str(self.port),
                "tls-cert-file": self._tls[0],
                "tls-key-file": self._tls[1],
                "tls-auth-clients": "no",
            }
        return [part for name, value in settings.items() for part in (f"--{name}", value)]

    def _answers(self) -> bool:
        try:
            with contextlib.closing(self.client()) as client:
                return bool(client.ping())
        except (library.RedisError, OSError):
            return False


@contextlib.contextmanager
def sentinels(name: str, count: int = 3) -> Iterator[tuple[list[Redis], list[int]]]:
    """A master (the first server) with a replica, watched by so many Sentinels, whose ports come second."""
    with ExitStack() as stack:
        master = stack.enter_context(Redis({"repl-diskless-sync-delay": "0"}))
        replica = stack.enter_context(Redis({"replicaof": f"127.0.0.1 {master.port}"}))
        text = f"sentinel monitor {name} 127.0.0.1 {master.port} {count // 2 + 1}\n"
        text += f"sentinel auth-pass {name} {Redis.password}\n"
        text += f"sentinel down-after-milliseconds {name} 1000\nsentinel failover-timeout {name} 3000\n"
        watching = [stack.enter_context(Redis(sentinel=text)) for _ in range(count)]
        for sentinel in watching:
            _until(lambda sentinel=sentinel: _sees_all(sentinel, name, count), "the Sentinels do not find each other")
        _until(lambda: _is_replica(replica), "the replica does not follow")
        yield [master, replica], [sentinel.port for sentinel in watching]


def _sees_all(sentinel: Redis, name: str, count: int) -> bool:
    with contextlib.closing(sentinel.client()) as client:
        state: Any = client.sentinel_master(name)
        return int(state["num-slaves"]) >= 1 and int(state["num-other-sentinels"]) >= count - 1


def _is_replica(replica: Redis) -> bool:
    with contextlib.closing(replica.client()) as client:
        state: Any = client.info("replication")
        return bool(state["role"] == "slave" and state["master_link_status"] == "up")


@contextlib.contextmanager
def cluster(count: int = 3) -> Iterator[Sequence[Redis]]:
    """A Cluster of so many masters."""
    with ExitStack() as stack:
        settings = {"cluster-enabled": "yes", "cluster-node-timeout": "5000"}
        servers = []
        for _ in range(count):
            # The bus has a port of its own, 10,000 above unless it is told.
            bus = {"cluster-port": str(free_port())}
            servers.append(stack.enter_context(Redis({**settings, **bus})))
        clients: list[Any] = [stack.enter_context(contextlib.closing(server.client())) for server in servers]
        for place, client in enumerate(clients):
            first, end = place * _SLOTS // count, (place + 1) * _SLOTS // count
            client.execute_command("CLUSTER ADDSLOTSRANGE", first, end - 1)
            client.execute_command("CLUSTER SET-CONFIG-EPOCH", place + 1)
        for server in servers[1:]:
            meet: tuple[Any, ...] = ("127.0.0.1", server.port, server.settings["cluster-port"])
            clients[0].execute_command("CLUSTER MEET", *meet)
        for client in clients:
            _until(lambda client=client: _is_whole(client, count), "the Cluster does not come together")
        yield servers


def _is_whole(client: Any, count: int) -> bool:
    state: Any = client.execute_command("CLUSTER INFO")
    return str(state["cluster_state"]) == "ok" and int(state["cluster_known_nodes"]) == count


def _until(there: Any, otherwise: str) -> None:
    deadline = time.monotonic() + _DEADLINE
    while not there():
        if time.monotonic() > deadline:
            raise RuntimeError(otherwise)
        time.sleep(0.05)
