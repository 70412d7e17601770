"""How to reach a store: what the settings say about it, and nothing else of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gateline.entities.sealing import PLAIN, Sealer


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Where the store is. Times are in seconds."""

    database: Literal["off", "sqlite", "postgres"] = "sqlite"

    path: Path | None = None
    """The file of SQLite."""

    pg_host: str = "127.0.0.1"
    """Name or address, or the directory of a unix socket (it starts with a slash)."""
    pg_port: int = 5432
    pg_user: str = "kong"
    pg_password: str | None = None
    pg_database: str = "kong"
    pg_schema: str | None = None
    """None: the first schema of the user's search path."""
    pg_ssl: bool = False
    pg_ssl_required: bool = False
    """Without it, a server that does not speak TLS is spoken to in plain text."""
    pg_ssl_verify: bool = False
    pg_ssl_trusted: Path | None = None
    """Certificates (PEM) that the server's is verified with; None takes the system's."""
    pg_ssl_cert: Path | None = None
    pg_ssl_cert_key: Path | None = None
    pg_timeout: float = 5.0
    """For connecting and for each statement."""
    pg_pool_size: int = 10

    sealer: Sealer = PLAIN
    """How the secrets of credentials are kept."""

    patience: float = 30.0
    """How long a write waits for the writes before it."""
    changes_kept: int = 100_000
    """How many rows the log of changes holds, at least."""
    poll_interval: float = 1.0
    """How often a change of another node is looked for when no notification comes (SQLite: and always)."""

    def __repr__(self) -> str:
        """What it is, without the password."""
        if self.database == "postgres":
            return f"<postgres {self.place}>"
        return f"<{self.database} {self.path}>" if self.path else f"<{self.database}>"

    @property
    def place(self) -> str:
        """Where the database is, as messages say it."""
        if self.database != "postgres":
            return str(self.path)
        host = f"[{self.pg_host}]" if ":" in self.pg_host else self.pg_host
        return f"{host}:{self.pg_port}/{self.pg_database}"
