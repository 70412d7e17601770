"""The control process's end of the directory: what of the entities goes there, and in which form.

The directory has what is many: consumers, consumer groups, and what plugins bring. Each change is written there before
the workers hear of it, and they see it in the moment in which they put it in force; when they refuse it, it is taken
back before they are told to go back.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from gateline.control.errors import ChangeRefusedError
from gateline.control.rows import Encode
from gateline.entities import Entity, brought_kinds
from gateline.entities.sealing import PLAIN, Sealer
from gateline.sharedstate import DirectoryWriter, Journal, SharedStateError
from gateline.sharedstate.entity_rows import refers, row_of_entity
from gateline.sharedstate.rows import Row, kind_key
from gateline.store import Change

__all__ = ["Bringing", "NodeDirectory", "Stored", "directory_kinds"]

Stored = Mapping[bytes, bytes | None]
"""Rows of the directory as they are kept on disk: key → value, None for what is gone."""

logger = logging.getLogger(__name__)

_OWN_KINDS = ("consumers", "consumer_groups", "consumer_group_consumers")

MANY = 100
"""Entities from which on a thread writes them."""


def directory_kinds() -> tuple[str, ...]:
    """The kinds that are in the directory, parents first."""
    return (*_OWN_KINDS, *brought_kinds())


class NodeDirectory:
    """Writes the directory. Without a writer there is none, and nothing happens."""

    def __init__(self, writer: DirectoryWriter | None = None, sealer: Sealer = PLAIN) -> None:
        self._writer = writer
        self._sealer = sealer

    async def change(self, changes: Sequence[Change], encode: Encode) -> Journal:
        """Write what several changes, in their order, come to; what leads back. Raises ChangeRefusedError."""
        if self._writer is None:
            return Journal()
        put: dict[str, dict[str, Entity]] = {}
        gone: dict[str, dict[str, None]] = {}
        kinds = directory_kinds()
        for change in changes:
            for kind in kinds:
                for identifier in change.delete.get(kind, ()):
                    put.get(kind, {}).pop(identifier, None)
                    gone.setdefault(kind, {})[identifier] = None
                for entity in change.put.get(kind, ()):
                    gone.get(kind, {}).pop(entity.id, None)
                    put.setdefault(kind, {})[entity.id] = entity
        count = sum(map(len, put.values())) + sum(map(len, gone.values()))
        if not count:
            return Journal()
        if count < MANY:
            return self._write(put, gone, encode)
        return await asyncio.to_thread(self._write, put, gone, encode)

    def _write(
        self, put: Mapping[str, Mapping[str, Entity]], gone: Mapping[str, Iterable[str]], encode: Encode
    ) -> Journal:
        assert self._writer is not None  # noqa: S101 - asked before
        rows = {kind: [self.row(entity, encode) for entity in entities.values()] for kind, entities in put.items()}
        try:
            return self._writer.change(rows, gone)
        except SharedStateError as error:
            raise ChangeRefusedError(str(error)) from error

    def bringing(self) -> "Bringing":
        """What brings everything in."""
        fresh = self._writer is not None and not self._writer.kinds_there()
        return Bringing(self, self._writer, fresh=fresh)

    def undo(self, journal: Journal) -> None:
        """Take a change back."""
        try:
            if self._writer is not None and journal:
                self._writer.undo(journal)
        except SharedStateError as error:
            logger.error("the directory is ahead of what is in force: %s", error)

    def stored(self, journal: Journal) -> Stored:
        """The rows that a change concerned, as they are now."""
        return self._writer.values(journal.before) if self._writer is not None and journal else {}

    def everything(self) -> Iterator[Stored]:
        """All rows, some at a time."""
        return self._writer.everything() if self._writer is not None else iter(())

    def begin_again(self) -> Callable[[Stored], None]:
        """Take everything out; gives what puts stored rows in. Raises SharedStateError."""
        if self._writer is None:
            return lambda _: None
        self._writer.clear()
        return self._writer.restore

    def close(self) -> None:
        """Let go of the directory."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def row(self, entity: Entity, encode: Encode) -> Row:
        """An entity as the directory has it."""
        wire = msgspec.msgpack.decode(encode(entity)) if refers(type(entity)) else entity.to_wire()
        return row_of_entity(entity, wire, self._sealer)


@dataclass(slots=True)
class Bringing:
    """Brings everything in: `take` what there is of a kind, in order of ids, then `finish`."""

    directory: NodeDirectory
    writer: DirectoryWriter | None
    journal: Journal = field(default_factory=Journal)
    fresh: bool = False
    """Whether there was nothing before: then there is nothing to be noted either."""
    after: dict[str, bytes] = field(default_factory=dict)

    def take(self, kind: str, entities: Sequence[Entity], encode: Encode) -> None:
        """The next entities of a kind. Raises SharedStateError."""
        if self.writer is None or not entities:
            return
        rows = [self.directory.row(entity, encode) for entity in entities]
        after = self.after.get(kind)
        if after is not None and rows[0].key <= after:  # it is all read once more
            after = None
        self.after[kind] = self.writer.bring_some(kind, rows, after, self._noted)

    def finish(self) -> None:
        """There is nothing else: what was there before and has not come is gone. Raises SharedStateError."""
        if self.writer is None:
            return
        known = directory_kinds()
        for kind in known:
            self.writer.bring_some(kind, (), self.after.get(kind), self._noted)
        for key in self.writer.kinds_there() - {kind_key(kind) for kind in known}:
            self.writer.drop_kind(key, self._noted)

    @property
    def _noted(self) -> Journal:
        return Journal() if self.fresh else self.journal

    def undo(self) -> None:
        """Go back to what was there before."""
        if self.fresh and self.writer is not None:
            self.writer.clear()
        else:
            self.directory.undo(self.journal)
