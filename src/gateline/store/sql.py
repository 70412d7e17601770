"""A store in a SQL database: SQLite or PostgreSQL, which differ only in what `Database` hides."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeVar

from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection

from gateline.entities import Entity
from gateline.store import changes, reading
from gateline.store.changes import State
from gateline.store.database import Database, database_of
from gateline.store.errors import NotMigrated, StoreUnavailable
from gateline.store.interface import (
    ANYWHERE,
    NO_FILTERS,
    Change,
    Page,
    StoredConfiguration,
    TagFilter,
    TagPage,
    Take,
    Tally,
    Total,
    Where,
)
from gateline.store.migrating import migrate_with, remedy, state_with
from gateline.store.options import StoreOptions
from gateline.store.resealing import Resealing
from gateline.store.session import FAULTS, Session, guarded, to_the_end, translated
from gateline.store.tables import present_tables
from gateline.store.tallies import forget, tally
from gateline.store.transaction import SqlTransaction

logger = logging.getLogger(__name__)

T = TypeVar("T")


class SqlStore:
    """See `gateline.store.interface.Store`. Connections are opened when they are needed, and anew when they broke."""

    writable = True

    def __init__(self, options: StoreOptions) -> None:
        self._options = options
        self._database: Database = database_of(options)
        self._tables = present_tables(self._options.sealer)
        self._turn = asyncio.Lock()
        self._bell = self._database.bell()
        self._lineage: str | None = None
        self._seen: int | None = None

    @property
    def name(self) -> str:
        """Kong's name of the database: "sqlite" or "postgres"."""
        return self._database.name

    async def open(self) -> None:
        """Make the store ready: bring SQLite's tables up to date, or see that PostgreSQL's are.

        Raises StoreUnavailable, NotMigrated.
        """
        self._tables = present_tables(self._options.sealer)
        state = await state_with(self._database)
        if self._database.migrates_itself and not state.current:
            await migrate_with(self._database)
            state = await state_with(self._database)
        if what := remedy(state, self._database):
            raise NotMigrated(what)
        async with self._reading(self._database.snapshot) as session:
            self._lineage = (await changes.read_state(session, self._tables)).lineage

    async def close(self) -> None:
        """Close all connections."""
        await self._bell.close()
        await self._database.close()

    # Reads.

    async def check(self) -> None:
        """Raise StoreUnavailable when the store cannot be reached now."""
        await self.version()

    async def version(self) -> int:
        """The version of the last change."""
        return (await self._state()).version

    async def whole(
        self,
        kinds: Collection[str] | None = None,
        *,
        others: Collection[str] = (),
        take: Take | None = None,
        tagged: Mapping[str, TagFilter] = NO_FILTERS,
    ) -> StoredConfiguration:
        """Every entity, as of one moment."""

        async def work(session: Session) -> StoredConfiguration:
            state = await changes.read_state(session, self._tables)
            found: dict[str, dict[str, Entity]] = {}
            for kind, of in self._tables.kinds.items():
                if kinds is not None and kind not in kinds:
                    continue
                entities = found[kind] = {}
                async for some in reading.everything(session, self._tables, of, tagged.get(kind)):
                    entities.update((entity.id, entity) for entity in some)
            whole = StoredConfiguration(state.version, found)
            for kind, of in self._tables.kinds.items():
                if take is not None and kind in others:
                    async for some in reading.everything(session, self._tables, of):
                        await take(whole, kind, some)
            self._saw(state)
            return whole

        return await self._read(work, self._database.snapshot)

    async def since(self, version: int) -> list[Change] | None:
        """The changes after a version; None when the whole has to be taken."""

        async def work(session: Session) -> list[Change] | None:
            state = await changes.read_state(session, self._tables)
            if state.lineage != self._lineage:
                return None
            found = await changes.read_since(session, self._tables, state, version)
            if found is not None:
                self._saw(state)
            return found

        return await self._read(work, self._database.snapshot)

    async def get(self, kind: str, id: str) -> Entity | None:  # noqa: A002 - Kong's word
        """The entity with an id."""
        of = self._tables.of(kind)
        return await self._read(lambda session: reading.get(session, of, id))

    async def find(self, kind: str, field: str, value: str, *, where: Where = ANYWHERE) -> Entity | None:
        """The entity with a value in a unique field."""
        of = self._tables.of(kind)
        return await self._read(lambda session: reading.find(session, of, field, value, where))

    async def page(
        self,
        kind: str,
        *,
        size: int,
        after: str | None = None,
        where: Where = ANYWHERE,
        tags: TagFilter | None = None,
        descending: bool = False,
    ) -> Page:
        """Up to `size` entities in order."""
        of = self._tables.of(kind)
        return await self._read(
            lambda session: reading.page(
                session,
                self._tables,
                of,
                size=size,
                after=after,
                where=where,
                tags=tags,
                descending=descending,
            )
        )

    async def tags(self, tag: str | None = None, *, size: int, after: str | None = None) -> TagPage:
        """Which entities have which tags."""
        return await self._read(lambda session: reading.tags_page(session, self._tables, tag, size=size, after=after))

    async def _state(self) -> State:
        return await self._read(lambda session: changes.read_state(session, self._tables))

    async def _read(
        self,
        work: Callable[[Session], Awaitable[T]],
        source: Callable[[], AbstractAsyncContextManager[AsyncConnection]] | None = None,
    ) -> T:
        """Do reading work; once more when its connection turned out to be dead, as all are after a restart."""
        try:
            async with self._reading(source) as session:
                return await work(session)
        except StoreUnavailable as error:
            if not _was_dead(error):
                raise
        async with self._reading(source) as session:
            return await work(session)

    @asynccontextmanager
    async def _reading(
        self, source: Callable[[], AbstractAsyncContextManager[AsyncConnection]] | None = None
    ) -> AsyncIterator[Session]:
        try:
            async with AsyncExitStack() as stack:
                opening = stack.enter_async_context((source or self._database.reading)())
                yield Session(await to_the_end(self._database, opening), self._database)
        except FAULTS as error:
            raise translated(self._database, error) from error

    # Writes.

    @asynccontextmanager
    async def write(self, *, actor: str | None = None, reason: str | None = None) -> AsyncIterator[SqlTransaction]:
        """A transaction."""
        async with self._in_turn(), self._begun() as (session, state):
            transaction = SqlTransaction(session, self._tables, state)
            yield transaction
            await transaction.finish(actor=actor, reason=reason, kept=self._options.changes_kept)
            await self._commit(session)
            if transaction.change:
                self._wrote(transaction.change.version)

    async def reseal(self) -> int:
        """Bring the secrets that are stored into the form that is wanted now; how many rows that changed."""
        work = Resealing(self._tables)
        more = True
        while more:
            async with self._in_turn(), self._begun() as (session, _):
                more = await work.step(session)
                await self._commit(session)
        return work.count

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._options.patience):
                await self._turn.acquire()
        except TimeoutError:
            raise StoreUnavailable("the writes before this one take too long") from None
        try:
            yield
        finally:
            self._turn.release()

    @asynccontextmanager
    async def _begun(self) -> AsyncIterator[tuple[Session, State]]:
        """A transaction in which nobody else writes. Begun once more when the connection turned out to be dead."""
        async with AsyncExitStack() as stack:
            try:
                begun = await self._begin(stack)
            except StoreUnavailable as error:
                if not _was_dead(error):
                    raise
                await stack.aclose()
                begun = await self._begin(stack)
            yield begun

    async def _begin(self, stack: AsyncExitStack) -> tuple[Session, State]:
        patience = self._options.patience
        async with guarded(self._database, longer=patience):
            connection = await to_the_end(self._database, stack.enter_async_context(self._database.writing()))
        session = Session(connection, self._database)
        return session, await changes.read_state(session, self._tables, lock=patience)

    async def _commit(self, session: Session) -> None:
        try:
            async with guarded(self._database):
                await to_the_end(self._database, session.connection.commit())
        except exc.IntegrityError as error:
            raise self._database.fault(error) from error
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{error.reason}; it is unknown whether the change was stored") from error

    # Counters.

    async def tally(self, asked: Sequence[Tally]) -> list[Total]:
        """Answer questions to the counters, all in one transaction."""
        return await self._counting(lambda session: tally(session, self._tables, asked))

    async def forget_tallies(self, now: float) -> None:
        """Do away with counters whose period is over."""
        await self._counting(lambda session: forget(session, self._tables, int(now)))

    async def _counting(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Do work on the counters; once more when its connection turned out to be dead. Configuration is not locked."""
        try:
            return await self._counted(work)
        except StoreUnavailable as error:
            if not _was_dead(error):
                raise
        return await self._counted(work)

    async def _counted(self, work: Callable[[Session], Awaitable[T]]) -> T:
        async with self._reading(self._database.writing) as session:
            done = await work(session)
            await self._commit(session)
            return done

    # Other nodes.

    async def wait_for_change(self, known: int | None = None) -> int:
        """Wait for a version of another node; with `known`, for any other version than this one."""
        lost = False
        while True:
            try:
                state = await self._state()
            except StoreUnavailable as error:
                if not lost:
                    logger.warning("changes of other nodes cannot be seen: %s", error.reason)
                lost = True
            else:
                if lost:
                    logger.warning("changes of other nodes can be seen again")
                lost = False
                if state.lineage != self._lineage or await self._is_new(state, known):
                    return state.version
            await self._bell.wait(self._options.poll_interval)

    async def tell(self, message: str) -> None:
        """Send a text to the nodes that share the database, this one included."""
        telling = self._database.telling(message)
        if telling is not None:
            await self._read(lambda session: session.run(telling))

    def hear(self, heard: Callable[[str], None]) -> None:
        """Have such texts told."""
        self._bell.hear(heard)

    async def _is_new(self, state: State, known: int | None) -> bool:
        if known is not None:
            return state.version != known
        if state.version == self._seen:
            return False
        async with self._turn:  # a write of our own may have been committed, but not yet counted
            return self._seen is None or state.version > self._seen

    def _saw(self, state: State) -> None:
        same = state.lineage == self._lineage
        self._seen = max(state.version, self._seen or 0) if same else state.version
        self._lineage = state.lineage

    def _wrote(self, version: int) -> None:
        """Count a version of our own, unless another node's came before it that has not been handed out."""
        if self._seen is None or version == self._seen + 1:
            self._seen = version


def _was_dead(error: StoreUnavailable) -> bool:
    """Whether a connection was used that had been closed from the other side."""
    cause = error.__cause__
    return isinstance(cause, exc.DBAPIError) and cause.connection_invalidated
