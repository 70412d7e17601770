"""Look-ups in the directory of what is many: consumers, consumer groups, and every kind of entity that plugins bring.

A reader sees the directory as it was when it last renewed its view. A worker renews it in the moment in which a change
of the configuration gets in force, so both are always of one version.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import lmdb

from gateline.entities.sealing import hashed_before, presented_digest
from gateline.pdk.identity import Consumer
from gateline.sharedstate.environment import Environment, Transaction
from gateline.sharedstate.rows import HEADER, KEY, NOBODY, decode_consumer, id_bytes, id_text, kind_key

__all__ = ["DATABASES", "Directory", "Entry"]

DATABASES = ("rows", "unique", "below")

_HEADER_SIZE = HEADER.size
_FIELDS = KEY + HEADER.size
_unpack = HEADER.unpack_from
_CONSUMERS = kind_key("consumers")


class Entry:
    """An entity as it was found: `consumer` is its consumer's id in bytes, None without one; `end` is when it is over
    in seconds since 1970, 0 is never. `raw` is its key and its value."""

    __slots__ = ("_length", "consumer", "end", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        consumer, self.end, self._length = _unpack(raw, KEY)
        self.consumer: bytes | None = None if consumer == NOBODY else consumer

    @property
    def id(self) -> str:
        """Its id."""
        return id_text(self.raw[4:KEY])

    @property
    def bare(self) -> bytes:
        """Its key, and its value up to its fields."""
        return self.raw[: _FIELDS + self._length]

    @property
    def fields(self) -> bytes:
        """Its fields, in MessagePack."""
        return self.raw[_FIELDS : _FIELDS + self._length]


class Directory:
    """A view of the directory. Not to be used by several threads."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._rows, self._unique, self._below = (environment.database(name) for name in DATABASES)
        self._transaction: Transaction = None
        self._get: Callable[..., Any]
        self.version = -1
        """A number that is another one when the directory has changed."""
        self.renew()

    def renew(self) -> bool:
        """See the directory as it is now; whether it has changed."""
        if self._transaction is not None:
            self._transaction.abort()
            self._transaction = None
        while self._transaction is None:
            try:
                self._transaction = self._environment.lmdb.begin()
            except lmdb.MapResizedError:
                self._environment.lmdb.set_mapsize(0)
        self._get = self._transaction.get
        before, self.version = self.version, self._transaction.id()
        return self.version != before

    def close(self) -> None:
        """Let go of the view; nothing may be looked up any more."""
        if self._transaction is not None:
            self._transaction.abort()
            self._transaction = None

    def find(self, kind: str, field: str, value: str) -> Entry | None:
        """The entity of a kind, other than consumers, with a value in a unique field."""
        raw = self.raw(hashed_before(kind, field), value)
        return None if raw is None else Entry(raw)

    def raw(self, before: bytes, value: str) -> bytes | None:
        """The same, as `Entry.raw`; `before`: what `hashed_before` says of the kind and the field."""
        digest = sha256(before + value.encode("utf-8", "surrogatepass")).digest()
        found: bytes | None = self._get(digest, None, self._unique)
        return found

    def get(self, kind: str, identifier: str) -> Entry | None:
        """The entity of a kind with an id."""
        try:
            return self._entry(kind_key(kind) + id_bytes(identifier))
        except ValueError:
            return None

    def below(self, kind: str, parent: str) -> Iterator[Entry]:
        """The entities of a kind that point to a parent, by id."""
        try:
            prefix = id_bytes(parent) + kind_key(kind)
        except ValueError:
            return
        with self._transaction.cursor(db=self._below) as cursor:
            there = cursor.set_range(prefix)
            while there:
                key = cursor.key()
                if not key.startswith(prefix):
                    return
                entry = self._entry(key[16:])
                if entry is not None:
                    yield entry
                there = cursor.next()

    def consumer(self, identifier: str | bytes) -> Consumer | None:
        """The consumer of an id."""
        try:
            raw = identifier if isinstance(identifier, bytes) else id_bytes(identifier)
        except ValueError:
            return None
        value = self._get(_CONSUMERS + raw, None, self._rows)
        if value is None:
            return None
        return decode_consumer(value[_HEADER_SIZE : _HEADER_SIZE + _unpack(value)[2]])

    def consumer_with(self, field: str, value: str) -> Consumer | None:
        """The consumer with a username or custom id."""
        key = self._get(presented_digest("consumers", field, value), None, self._unique)
        return None if key is None else self.consumer(key[4:KEY])

    def _entry(self, key: bytes) -> Entry | None:
        value = self._get(key, None, self._rows)
        return None if value is None else Entry(key + value)
