"""What plugins in the workers want to be stored: written into the store, in force in every worker when it is answered.

What comes while a transaction is under way waits for it, and is then written in one transaction: so the time that a
commit takes does not limit how much is written.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from itertools import takewhile

from gateline.control.errors import ChangeError
from gateline.engine import tasks
from gateline.engine.feed import Write, Written
from gateline.entities import Entity, EntityError, brought_kinds, entity_class
from gateline.entities.errors import OPERATION_UNSUPPORTED
from gateline.entities.expiring import is_over
from gateline.store import StoreUnavailable, Transaction

__all__ = ["PluginWrites"]

logger = logging.getLogger(__name__)

MOST = 200
"""Writes in one transaction."""

Writing = Callable[[], AbstractAsyncContextManager[Transaction]]


class PluginWrites:
    """`writing` gives a transaction which is in force when its block has ended, or raises."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._waiting: list[tuple[Write, asyncio.Future[Written]]] = []
        self._busy = False

    async def write(self, asked: Write) -> Written:
        """Write; the answer comes when it is in force, or cannot be."""
        future: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if not self._busy:
            self._busy = True
            tasks.start(self._work(), name="writes of plugins")
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                outcomes = await self._together([asked for asked, _ in batch])
                for (_, future), outcome in zip(batch, outcomes, strict=True):
                    if not future.done():
                        future.set_result(outcome)
        finally:
            self._busy = False

    async def _together(self, batch: list[Write]) -> list[Written]:
        try:
            async with self._writing() as transaction:
                outcomes = await _added(transaction, batch)
                outcomes += [await _write(transaction, asked) for asked in batch[len(outcomes) :]]
        except (StoreUnavailable, ChangeError, EntityError) as error:
            logger.error("what plugins want to be stored cannot be written: %s", error)
            return [Written(asked.number, error=str(error)) for asked in batch]
        except Exception:
            # Whatever it is: those who wait must hear of it.
            logger.exception("what plugins want to be stored cannot be written")
            return [Written(asked.number, error="internal error") for asked in batch]
        return outcomes


async def _added(transaction: Transaction, batch: list[Write]) -> list[Written]:
    """Add the first ones of a batch that only add something, all in few statements, if that can be."""
    adding = list(takewhile(lambda asked: asked.row is not None and asked.instead_of is None, batch))
    if len(adding) < 2:
        return []
    try:
        await transaction.insert_many([_own(asked.kind).from_wire(asked.row or {}) for asked in adding])
    except EntityError:  # of one of them: which, is found one by one
        return []
    return [Written(asked.number, done=True) for asked in adding]


async def _write(transaction: Transaction, asked: Write) -> Written:
    try:
        before: Entity | None = None
        if asked.instead_of is not None:
            kind, field, value = asked.instead_of
            _own(kind)
            before = await (transaction.get(kind, value) if field == "id" else transaction.find(kind, field, value))
            if before is None or is_over(before):
                return Written(asked.number)
        if asked.row is not None:
            entity = _own(asked.kind).from_wire(asked.row)
            if before is not None and (before.kind, before.id) == (entity.kind, entity.id):
                await transaction.replace(entity)
                return Written(asked.number, done=True)
            await transaction.insert(entity)
        if before is not None:
            await transaction.delete(before.kind, before.id)
    except EntityError as error:  # of this one alone: the others are written
        return Written(asked.number, error=str(error))
    return Written(asked.number, done=True)


def _own(kind: str) -> type[Entity]:
    """The class of a kind that a plugin has brought; no other is written for one. Raises EntityError."""
    model = entity_class(kind)
    if model is None or kind not in brought_kinds():
        raise EntityError(OPERATION_UNSUPPORTED, f"plugins do not write '{kind}' entities")
    return model
