"""Every write of the Admin API passes here: who writes and why goes with it into the log of changes, its conditions are
looked at inside the transaction, and a store that only reads refuses it in Kong's words, at the moment when it would
have been written, so that everything else that is wrong is told before.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request

from gateline.admin.access import actor_of
from gateline.admin.conditions import Conditions, Row
from gateline.admin.errors import unsupported
from gateline.admin.node import Node
from gateline.entities import Entity
from gateline.store import Transaction
from gateline.store.interface import Reading

REASON_HEADER = "gateline-reason"
LONGEST_REASON = 500


class Write:
    """One write. What it reads, it reads inside the transaction."""

    def __init__(self, reading: Reading, transaction: Transaction | None, conditions: Conditions) -> None:
        self.reading = reading
        self._transaction = transaction
        self._conditions = conditions

    @property
    def conditional(self) -> bool:
        """Whether there are conditions to be checked."""
        return bool(self._conditions)

    def check(self, row: Row | None) -> None:
        """Check the conditions against the entity that is about to be written, as it is. Raises ApiError 412."""
        self._conditions.check(row)

    def unconditional(self) -> "Write":
        """The same write, for what it does besides what its conditions are about."""
        return Write(self.reading, self._transaction, Conditions())

    async def insert(self, entity: Entity) -> None:
        """Add an entity. Raises EntityError."""
        await self._writable("create", entity.kind).insert(entity)

    async def replace(self, entity: Entity, field: str | None = None) -> None:
        """Change an entity, which was addressed by a field other than its id. Raises EntityError."""
        await self._writable("update", entity.kind, field).replace(entity)

    async def put(self, entity: Entity, field: str | None = None, *, new: bool) -> None:
        """Add an entity or put it in the place of another, as `replace`. Raises EntityError."""
        transaction = self._writable("create or update", entity.kind, field)
        if new:
            await transaction.insert(entity)
        else:
            await transaction.replace(entity)

    async def delete(self, entity: Entity, field: str | None = None) -> None:
        """Delete an entity, as `replace`. Raises EntityError."""
        await self._writable("remove", entity.kind, field).delete(entity.kind, entity.id)

    def _writable(self, verb: str, kind: str, field: str | None = None) -> Transaction:
        if self._transaction is None:
            raise unsupported(verb, kind, field)
        return self._transaction


@asynccontextmanager
async def writing(node: Node, request: Request) -> AsyncIterator[Write]:
    """The write of a request. When the block has ended without an exception, it is in force."""
    conditions = Conditions.of(request)
    if not node.store.writable:
        yield Write(node.store, None, conditions)
        return
    async with node.writing(actor=str(actor_of(request.scope)), reason=reason_of(request)) as transaction:
        yield Write(transaction, transaction, conditions)


def reason_of(request: Request) -> str:
    """What the client says, or what it does: the verb and the path without the names in it, which may be keys."""
    given: Any = request.headers.get(REASON_HEADER)
    if given:
        return str(given)[:LONGEST_REASON]
    return f"{request.method} {request.scope['gateline.path']}"
