"""PostgreSQL: shared by several nodes. Writers take turns on one locked row; a notification tells the others.

The first lost connection costs the call that meets it a second try, see `SqlStore`; the pool then forgets the others.
"""

import asyncio
import hashlib
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from gateline.entities import EntityError
from gateline.store import errors
from gateline.store.coding import decode, encode
from gateline.store.errors import NotMigrated, StoreUnavailable
from gateline.store.options import StoreOptions

logger = logging.getLogger(__name__)

_REASONS = {
    "53100": "the disk of the database at {place} is full",
    "53300": "the database at {place} has no connection left",
    "57014": "the database at {place} did not answer in time",
    "25006": "the database at {place} can only be read",
    "28P01": "the database at {place} refuses the user {user}: wrong password",
    "28000": "the database at {place} refuses the user {user}",
    "3D000": "the server has no database {place}",
    "57P03": "the database at {place} is starting up",
    "57P01": "the database at {place} was shut down",
}
"""By SQLSTATE (PostgreSQL's manual, appendix A)."""
_NO_TABLE = ("42P01", "42703", "3F000")
_TEXT = "text:"
"""What the notifications of nodes begin with."""
_LONGEST_PAUSE = 15.0
"""Seconds between two attempts to listen again."""


class Postgres:
    """A database of PostgreSQL."""

    name = "postgres"
    interruptible = True
    migrates_itself = False

    def __init__(self, options: StoreOptions) -> None:
        self._options = options
        self._channel = f"gateline_{options.pg_schema or 'changes'}"
        self.place = options.place
        self.limit: float = options.pg_timeout
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self.connect,
            pool_size=options.pg_pool_size,
            max_overflow=0,
            pool_timeout=options.pg_timeout,
            json_serializer=encode,
            json_deserializer=decode,
        )
        self._statements = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._transactions = self._engine.execution_options(isolation_level="READ COMMITTED")

    async def connect(self) -> "asyncpg.Connection[Any]":
        """A new connection."""
        options = self._options
        settings = {"application_name": "gateline", "jit": "off"}
        if options.pg_schema:
            settings["search_path"] = _quoted(options.pg_schema)
        return await asyncpg.connect(
            host=options.pg_host,
            port=options.pg_port,
            user=options.pg_user,
            password=options.pg_password,
            database=options.pg_database,
            timeout=options.pg_timeout,
            ssl=_tls(options),
            server_settings=settings,
        )

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement is a transaction."""
        async with self._statements.connect() as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A repeatable read."""
        async with self._snapshots.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction; whoever writes locks the row of state first."""
        async with self._transactions.connect() as connection:
            yield connection

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """A transaction under a lock of its own: before the first migration there is no row to lock."""
        async with self.writing() as connection:
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_number(self._channel))))
            if self._options.pg_schema:
                await connection.execute(sa.schema.CreateSchema(self._options.pg_schema, if_not_exists=True))
            yield connection
            await connection.commit()

    def fault(self, error: BaseException) -> StoreUnavailable | EntityError:
        """What an error means."""
        cause: BaseException = error
        while cause.__cause__ is not None and not isinstance(cause, asyncpg.PostgresError):
            cause = cause.__cause__
        state = getattr(cause, "sqlstate", None) or ""
        told = {"place": self.place, "user": self._options.pg_user}
        if state in _REASONS:
            return StoreUnavailable(_REASONS[state].format(**told))
        if state in _NO_TABLE:
            return NotMigrated(f"the database at {self.place} is not set up: run `gateline migrations bootstrap`")
        if state.startswith("22") or state == "54000":
            return errors.unstorable("a value is not one that the database can hold")
        if isinstance(cause, ConnectionRefusedError):
            return StoreUnavailable(f"nothing listens at {self.place}")
        if isinstance(cause, (OSError, asyncpg.InterfaceError)) or state.startswith("08"):
            return StoreUnavailable(
                f"the connection to the database at {self.place} was lost or cannot be made: {cause}"
            )
        return StoreUnavailable(f"the database at {self.place} failed: {cause}")

    def constraint(self, error: exc.IntegrityError) -> str:
        """The name of the constraint."""
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, asyncpg.PostgresError):
            cause = cause.__cause__
        return str(getattr(cause, "constraint_name", None) or "")

    def notifying(self, update: sa.Update, version: int) -> sa.Executable:
        """Both in one statement. The server sends the notification when the transaction is committed."""
        done = update.returning(sa.literal(1)).cte("done")
        return sa.select(sa.func.pg_notify(self._channel, str(version))).select_from(done)

    def telling(self, message: str) -> sa.Executable | None:
        """A notification on the same channel; texts are told from versions by their mark."""
        return sa.select(sa.func.pg_notify(self._channel, _TEXT + message))

    def counting(self, table: str) -> sa.Executable | None:
        """Until the server itself gets round to it, it would take the table for empty."""
        return sa.text(f"ANALYZE {_quoted(table)}")

    def bell(self) -> "Listener":
        """What tells of notifications."""
        return Listener(self, self._channel)

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


class Listener:
    """A connection of its own that listens. While there is none, time alone rings."""

    def __init__(self, database: Postgres, channel: str) -> None:
        self._database = database
        self._channel = channel
        self._rung = asyncio.Event()
        self._heard: Callable[[str], None] | None = None
        self._connection: asyncpg.Connection[Any] | None = None
        self._pause = 0.0
        self._not_before = 0.0

    async def wait(self, limit: float) -> None:
        """Wait for a notification, but not longer than `limit` seconds."""
        if self._connection is None and time.monotonic() >= self._not_before:
            await self._listen()
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._rung.wait()
        self._rung.clear()

    async def _listen(self) -> None:
        connection: asyncpg.Connection[Any] | None = None
        try:
            async with asyncio.timeout(self._database.limit):
                connection = await self._database.connect()
                connection.add_termination_listener(self._lost)
                await connection.add_listener(self._channel, self._ring)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            logger.debug("cannot listen for changes: %s", error)
            if connection is not None:
                connection.terminate()
            self._pause = min(max(0.5, self._pause * 2), _LONGEST_PAUSE)
            self._not_before = time.monotonic() + self._pause
        else:
            self._connection = connection
            self._pause = 0.0
            self._rung.set()  # what happened before is not told

    def hear(self, heard: Callable[[str], None]) -> None:
        """Have texts of nodes told."""
        self._heard = heard

    def _ring(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        told = str(payload)
        if not told.startswith(_TEXT):
            self._rung.set()
        elif self._heard is not None:
            self._heard(told.removeprefix(_TEXT))

    def _lost(self, *_: object) -> None:
        self._connection = None
        self._rung.set()

    async def close(self) -> None:
        """Stop listening."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=1.0)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _number(text: str) -> int:
    """A number of 63 bits for a name."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def _tls(options: StoreOptions) -> ssl.SSLContext | str:
    """How TLS is spoken, as the driver wants it."""
    if not options.pg_ssl:
        return "disable"
    if not (options.pg_ssl_required or options.pg_ssl_verify or options.pg_ssl_cert):
        return "prefer"
    context = ssl.create_default_context(cafile=str(options.pg_ssl_trusted) if options.pg_ssl_trusted else None)
    if not options.pg_ssl_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.pg_ssl_cert:
        context.load_cert_chain(options.pg_ssl_cert, options.pg_ssl_cert_key)
    return context
