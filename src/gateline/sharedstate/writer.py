"""The one writer of the directory: puts entities in and takes them out, and can take back what it did.

Consumers lie there with the groups that they are in, so a membership, or a group that gets another name, changes the
consumers' rows. What is many is written a part at a time: readers see it when they renew their view, and they do so
when all of it is there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec

from gateline.pdk.identity import Consumer
from gateline.sharedstate.directory import DATABASES
from gateline.sharedstate.environment import Environment, SharedStateError, Transaction
from gateline.sharedstate.rows import (
    HEADER,
    KEY,
    NOBODY,
    Row,
    decode,
    decode_consumer,
    encode,
    id_bytes,
    kind_key,
    row_key,
)

__all__ = ["DirectoryWriter", "Journal", "open_directory"]

SIZE, LIMIT = 16 * 1024 * 1024, 64 * 1024 * 1024 * 1024
"""Bytes of the map: at first, and at most."""

BATCH = 250
"""Rows of one transaction: LMDB never gives back the memory in which it prepares the largest one."""

_HIGHEST = b"\xff" * 17
"""Higher than every id."""

MEMBERS, GROUPS, CONSUMERS = "consumer_group_consumers", "consumer_groups", "consumers"
_CONSUMER_KEY = kind_key(CONSUMERS)
_GROUP_KEY = kind_key(GROUPS)
_MEMBER_KEY = kind_key(MEMBERS)

T = TypeVar("T")
_Rows = Mapping[str, Sequence[Row]]


def open_directory(path: Path, *, size: int = SIZE) -> Environment:
    """The environment of a directory. Raises SharedStateError."""
    return Environment(path, size=size, limit=LIMIT, databases=DATABASES)


@dataclass(slots=True)
class Journal:
    """What rows were before a change: key → value, None where there was none."""

    before: dict[bytes, bytes | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.before)


class DirectoryWriter:
    """Writes the directory in an environment of `open_directory`."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._rows, self._unique, self._below = (environment.database(name) for name in DATABASES)

    # Changes.

    def change(self, put: _Rows, delete: Mapping[str, Iterable[str]]) -> Journal:
        """Put rows in, by kind, and take entities out, by kind and id; what leads back. Raises SharedStateError."""
        self._environment.forget_dead()
        gone = [row_key(kind, identifier) for kind, ids in delete.items() for identifier in ids]
        come = [row for rows in put.values() for row in rows]
        journal = Journal()
        try:
            for keys in _parts(gone):
                self._do((), keys, journal)
            for rows in _parts(come):
                self._do(rows, (), journal)
        except SharedStateError:
            self.undo(journal)
            raise
        return journal

    def _do(self, rows: Sequence[Row], gone: Sequence[bytes], journal: Journal) -> None:
        put = {row.key: row for row in rows}
        done = self._environment.write(lambda transaction: _Work(self, transaction).change(put, gone))
        for key, value in done.before.items():
            journal.before.setdefault(key, value)

    def undo(self, journal: Journal) -> None:
        """Take a change back. Raises SharedStateError."""
        for part in _parts(list(journal.before.items())):
            some = dict(part)
            self._environment.write(lambda transaction, some=some: _Work(self, transaction).restore(some))  # type: ignore[misc]

    def clear(self) -> None:
        """Take everything out. Raises SharedStateError."""

        def work(transaction: Transaction) -> None:
            for database in (self._rows, self._unique, self._below):
                transaction.drop(database, delete=False)

        self._environment.write(work)

    # Everything.

    def bring(self, kind: str, rows: Iterable[Row], journal: Journal) -> None:
        """Have exactly these rows of a kind, which come in order of their ids. What differed goes into the journal.

        Raises SharedStateError.
        """
        source = iter(rows)
        after: bytes | None = None
        while batch := list(islice(source, BATCH)):
            after = self.bring_some(kind, batch, after, journal)
        self.bring_some(kind, (), after, journal)

    def bring_some(self, kind: str, rows: Sequence[Row], after: bytes | None, journal: Journal) -> bytes:
        """Have exactly these rows of a kind after a key (None: from the first on) up to the last of them; without any,
        up to the end. Gives the key to go on after."""
        prefix = kind_key(kind)
        first = prefix if after is None else after + b"\0"
        if not rows:
            self._bring((), first, prefix + _HIGHEST, journal)
        for part in _parts(rows):
            last = part[-1].key
            self._bring(part, first, last, journal)
            first = last + b"\0"
        return rows[-1].key if rows else prefix + _HIGHEST

    def _bring(self, batch: Sequence[Row], first: bytes, last: bytes, journal: Journal) -> None:
        """Have exactly these rows between two keys."""
        come = {row.key: row for row in batch}

        def work(transaction: Transaction) -> Journal:
            there = self._keys(transaction, first, last)
            return _Work(self, transaction).change(come, [key for key in there if key not in come])

        done = self._environment.write(work)
        for key, value in done.before.items():
            journal.before.setdefault(key, value)

    def _keys(self, transaction: Transaction, first: bytes, last: bytes) -> list[bytes]:
        found = []
        with transaction.cursor(db=self._rows) as cursor:
            there = cursor.set_range(first)
            while there and (key := bytes(cursor.key())) <= last:
                found.append(key)
                there = cursor.next()
        return found

    def kinds_there(self) -> set[bytes]:
        """The keys of all kinds of which there are rows."""

        def work(transaction: Transaction) -> set[bytes]:
            found: set[bytes] = set()
            with transaction.cursor(db=self._rows) as cursor:
                there = cursor.first()
                while there:
                    kind = bytes(cursor.key()[:4])
                    found.add(kind)
                    there = cursor.set_range(kind + _HIGHEST)
            return found

        return self._environment.read(work)

    def drop_kind(self, kind: bytes, journal: Journal) -> None:
        """Take out all of a kind, given by its key."""
        self._bring((), kind, kind + _HIGHEST, journal)

    def everything(self, size: int = BATCH) -> Iterator[dict[bytes, bytes]]:
        """Every row as `values` gives it, some at a time. Writes in between are seen or not."""
        after = b""
        while some := self._some(after, size):
            yield some
            after = max(some) + b"\0"

    def _some(self, after: bytes, size: int) -> dict[bytes, bytes]:
        def work(transaction: Transaction) -> dict[bytes, bytes]:
            found: dict[bytes, bytes] = {}
            with transaction.cursor(db=self._rows) as cursor:
                there = cursor.set_range(after) if after else cursor.first()
                while there and len(found) < size:
                    found[bytes(cursor.key())] = bytes(cursor.value())
                    there = cursor.next()
            return found

        return self._environment.read(work)

    def values(self, keys: Iterable[bytes]) -> dict[bytes, bytes | None]:
        """What is stored under some keys now; None where there is nothing."""
        wanted = list(keys)
        return self._environment.read(lambda transaction: {key: transaction.get(key, db=self._rows) for key in wanted})

    def restore(self, rows: Mapping[bytes, bytes | None]) -> None:
        """Put rows in as `values` gave them. Raises SharedStateError."""
        self.undo(Journal(dict(rows)))

    def close(self) -> None:
        """Let go of the environment."""
        self._environment.close()


class _Work:
    """What one transaction does."""

    def __init__(self, writer: DirectoryWriter, transaction: Transaction) -> None:
        self._get = transaction.get
        self._transaction = transaction
        self._rows, self._unique, self._below = writer._rows, writer._unique, writer._below  # noqa: SLF001 - one thing
        self._journal = Journal()

    def change(self, put: Mapping[bytes, Row], delete: Iterable[bytes]) -> Journal:
        """Do a change."""
        touched: set[bytes] = set()
        for key in delete:
            self._note(key, touched)
            self.write(key, None)
        for key, row in put.items():
            self._note(key, touched)
            self.write(key, self._with_groups(row) if key[:4] == _CONSUMER_KEY else row)
            self._note(key, touched)
        for consumer in touched:
            self._regroup(consumer)
        return self._journal

    def restore(self, before: Mapping[bytes, bytes | None]) -> None:
        """Put rows back as they were."""
        for key, value in before.items():
            self.write(key, None if value is None else Row.read(key, value))

    def write(self, key: bytes, row: Row | None) -> None:
        """Put a row in, in the place of the one that is there, or take it out."""
        stored = self._get(key, db=self._rows)
        value = None if row is None else row.value
        if stored == value:
            return
        self._journal.before.setdefault(key, stored)
        if stored is not None:
            self._unlead(Row.read(key, stored))
        if row is None:
            self._transaction.delete(key, db=self._rows)
        else:
            self._transaction.put(key, value, db=self._rows)
            self._lead(row)
            if key[:4] == _CONSUMER_KEY:
                self._tell(key[4:], row.fields)

    def _lead(self, row: Row) -> None:
        if row.rest.unique:
            led_to = row.led_to(self._fields(row.consumer))
            for unique in row.rest.unique:
                self._transaction.put(unique, led_to, db=self._unique)
        for below in row.below():
            self._transaction.put(below, b"", db=self._below)

    def _fields(self, consumer: bytes) -> bytes:
        """The fields of a consumer; empty where there is none, or none yet."""
        stored = None if consumer == NOBODY else self._get(_CONSUMER_KEY + consumer, db=self._rows)
        return b"" if stored is None else Row.read(_CONSUMER_KEY + consumer, stored).fields

    def _tell(self, consumer: bytes, fields: bytes) -> None:
        """Bring a consumer's fields to where they lie beside what is the consumer's."""
        for key in self._keys_of(consumer):
            stored = self._get(key, db=self._rows)
            row = None if stored is None else Row.read(key, stored)
            if row is not None and row.consumer == consumer:
                for unique in row.rest.unique:
                    self._transaction.put(unique, row.led_to(fields), db=self._unique)

    def _unlead(self, row: Row) -> None:
        for unique in row.rest.unique:
            owner = self._get(unique, db=self._unique)
            if owner is not None and owner[:KEY] == row.key:  # a value may have passed to another one already
                self._transaction.delete(unique, db=self._unique)
        for below in row.below():
            self._transaction.delete(below, db=self._below)

    # Groups of consumers.

    def _note(self, key: bytes, touched: set[bytes]) -> None:
        """Note the consumers whose groups may be others when this row changes."""
        kind = key[:4]
        if kind == _MEMBER_KEY:
            stored = self._get(key, db=self._rows)
            if stored is not None:
                touched.add(HEADER.unpack_from(stored)[0])
        elif kind == _GROUP_KEY:
            touched.update(HEADER.unpack_from(member)[0] for member in self._of(key[4:], _MEMBER_KEY))

    def _with_groups(self, row: Row) -> Row:
        """A consumer's new row with the groups of the one that is there."""
        stored = self._get(row.key, db=self._rows)
        if stored is None:
            return row
        before = decode_consumer(Row.read(row.key, stored).fields)
        return replace(row, fields=encode(_in_groups(row, before.groups, before.group_ids))) if before.groups else row

    def _regroup(self, consumer: bytes) -> None:
        """Bring a consumer's groups up to date."""
        key = _CONSUMER_KEY + consumer
        stored = self._get(key, db=self._rows)
        if stored is None:
            return
        row = Row.read(key, stored)
        groups = []
        for member in self._of(consumer, _MEMBER_KEY):
            group = decode(Row.read(key, member).fields)["consumer_group"]["id"]
            named = self._get(_GROUP_KEY + id_bytes(group), db=self._rows)
            if named is not None:
                groups.append((decode(Row.read(key, named).fields)["name"], group))
        names, ids = zip(*sorted(groups), strict=True) if groups else ((), ())
        self.write(key, replace(row, fields=encode(_in_groups(row, names, ids))))

    def _of(self, parent: bytes, kind: bytes) -> list[bytes]:
        """The values of the rows of a kind that point to a parent."""
        values = (self._get(key, db=self._rows) for key in self._keys_of(parent, kind))
        return [value for value in values if value is not None]

    def _keys_of(self, parent: bytes, kind: bytes = b"") -> list[bytes]:
        """The keys of the rows, or of those of a kind, that point to a parent."""
        prefix = parent + kind
        found = []
        with self._transaction.cursor(db=self._below) as cursor:
            there = cursor.set_range(prefix)
            while there and (key := bytes(cursor.key())).startswith(prefix):
                found.append(key[16:])
                there = cursor.next()
        return found


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def _in_groups(row: Row, names: tuple[str, ...], ids: tuple[str, ...]) -> Consumer:
    return msgspec.structs.replace(decode_consumer(row.fields), groups=names, group_ids=ids)
