"""A PostgreSQL of the tests' own: a cluster in a temporary folder, started for a test session and ended with it.

The server does not run as root: started by root it becomes `postgres` or `nobody`. `fsync` is off unless it is asked
for, as these tests end processes and not the machine.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg

from gateline.pdk.discovery import Plugins
from gateline.store import StoreOptions
from gateline.store.migrating import migrate
from harness.server import ServerProcess, free_port

__all__ = ["Postgres"]

_DEADLINE = 60.0
_USER = "gateline"
_INSTALL = (
    "these tests need PostgreSQL (13 or later): its `initdb` and `postgres` were found neither in PATH nor where "
    "`pg_config --bindir` says. On Debian and Ubuntu: apt-get install postgresql"
)


class Postgres:
    """A running server. Use it in a `with` statement; `stop` and `start` as often as a test needs."""

    def __init__(self, *, durable: bool = False) -> None:
        self._durable = durable
        self._binaries = _binaries()
        self._account = _account()
        self.folder = Path(tempfile.mkdtemp(prefix="gateline-pg-"))
        self._log = self.folder / "log"
        self._template: str | None = None
        self.host = "127.0.0.1"
        self.port = free_port()
        self.user = _USER
        self._server = ServerProcess(
            self._command(),
            self._answers,
            self._log,
            ends_by=signal.SIGINT,  # "fast": connections are cut, nothing is waited for
            **self._as_account(),
        )

    def __enter__(self) -> Self:
        os.chmod(self.folder, 0o711)
        data = self.folder / "data"
        data.mkdir()
        self._log.touch()
        if self._account:
            for path in (data, self._log, self.folder):
                os.chown(path, self._account.pw_uid, self._account.pw_gid)
        command = [str(self._binaries / "initdb"), "-D", str(data), "-U", _USER, "-A", "trust"]
        command += ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        done = subprocess.run(command, capture_output=True, text=True, **self._as_account())
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr}")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._server.start()

    @property
    def pid(self) -> int:
        """The process of the server; its others are below it."""
        return self._server.pid

    def stop(self) -> None:
        """End the server at once; what was committed is there when it starts again."""
        self._server.stop()

    async def create_database(self, *, migrated: bool = False) -> str:
        """A new, empty database, without tables or with them; gives its name."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        if not migrated:
            await self._run(f"CREATE DATABASE {name}")
            return name
        if self._template is None:  # copying a database is faster than migrating one
            self._template = await self.create_database()
            Plugins().load_all()  # the tables of what they bring are made too
            await migrate(self.options(self._template))
        await self._run(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        return name

    async def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        await self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def options(self, database: str, **others: Any) -> StoreOptions:
        """How a store reaches a database."""
        reached = {"pg_host": self.host, "pg_port": self.port, "pg_user": self.user, "pg_database": database}
        return StoreOptions("postgres", **{**reached, "pg_timeout": 30.0, "poll_interval": 0.2, **others})

    def environment(self, database: str) -> dict[str, str]:
        """How a gateway is told of a database."""
        return {
            "KONG_DATABASE": "postgres",
            "KONG_PG_HOST": self.host,
            "KONG_PG_PORT": str(self.port),
            "KONG_PG_USER": self.user,
            "KONG_PG_DATABASE": database,
        }

    async def connect(self, database: str = "postgres") -> "asyncpg.Connection[Any]":
        """A connection past the gateway."""
        return await asyncpg.connect(
            host=self.host, port=self.port, user=self.user, database=database, ssl=False, timeout=_DEADLINE
        )

    async def _run(self, statement: str) -> None:
        connection = await self.connect()
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _command(self) -> list[str | Path]:
        settings = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "fsync": "on" if self._durable else "off",
            "full_page_writes": "on" if self._durable else "off",
            "shared_buffers": "32MB",
            "max_connections": "100",
        }
        given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self._binaries / "postgres", "-D", self.folder / "data", *given]

    def _as_account(self) -> dict[str, Any]:
        if self._account is None:
            return {"cwd": self.folder}
        return {
            "cwd": self.folder,
            "user": self._account.pw_uid,
            "group": self._account.pw_gid,
            "extra_groups": [],
            "env": {**os.environ, "HOME": str(self.folder)},
        }

    def _answers(self) -> bool:
        command = [str(self._binaries / "pg_isready"), "-q", "-h", self.host, "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0


def _binaries() -> Path:
    """Where `initdb` and `postgres` are."""
    found: list[Path] = []
    if (initdb := shutil.which("initdb")) is not None:
        found.append(Path(initdb).parent)
    if (pg_config := shutil.which("pg_config")) is not None:
        asked = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        found.append(Path(asked.stdout.strip()))
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in found:
        if all((folder / name).exists() for name in ("initdb", "postgres", "pg_isready")):
            return folder
    raise RuntimeError(_INSTALL)


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as when this is root; None to stay who we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`")
