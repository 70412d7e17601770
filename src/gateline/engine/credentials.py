"""Look-ups of consumers and credentials in a worker: the node's directory, behind what was found lately.

A change of the directory throws away all that was found: what it costs to find it anew is less than what it costs to
say what has changed.

A value is looked for among what was found by a hash that is keyed with a secret of the process, and in the directory by
its SHA-256: how long either takes says nothing about how much of a value is right.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from struct import Struct
from typing import Any

import msgspec

from gateline.entities import entity_class
from gateline.entities.formats import is_uuid
from gateline.entities.sealing import Sealer, SealingError, hashed_before
from gateline.pdk.generational_cache import GenerationalCache
from gateline.pdk.identity import Consumer, Credential, Identity
from gateline.sharedstate import Directory, Entry
from gateline.sharedstate.rows import HEADER, KEY, NOBODY, decode_consumer, id_bytes, id_text

__all__ = ["FoundEntity", "WorkerCredentials"]

_log = logging.getLogger(__name__)

KEPT = 2048
"""Consumers that are kept, and entities for each field that they are found by. More would not stay in a processor's
cache: with four times as many, each look-up that finds nothing kept costs a third more."""

_end_at = Struct(">d").unpack_from
# The places of a row's parts, as numbers of the compiler: its consumer, its end, the length of its fields, its fields.
_OF = KEY
_END = KEY + 16
_LENGTH = KEY + 24
_BESIDES = KEY + HEADER.size
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


class FoundEntity:
    """See `gateline.pdk.node.Found`. What a request may not need is made when it is asked for."""

    __slots__ = ("_fields", "_identity", "_opened", "_raw", "consumer", "end", "kind")

    def __init__(self, kind: str, raw: bytes, end: float, consumer: Consumer | None, opened: "Opened") -> None:
        self.kind = kind
        self.consumer = consumer
        self.end = end
        self._raw = raw
        self._opened = opened
        self._fields: Mapping[str, Any] | None = None
        self._identity: Identity | None = None

    @property
    def id(self) -> str:
        """The entity's id."""
        return id_text(self._raw[4:_OF])

    @property
    def fields(self) -> Mapping[str, Any]:
        """The entity's fields that are set."""
        if self._fields is None:
            self._fields = _fields_of(self._raw, self.consumer, self._opened)
        return self._fields

    def identity(self, identifier: str | None = None) -> Identity:
        """Whom it proves: the same object at each call."""
        known = self._identity
        if known is None:
            consumer, own = self.consumer, self.id
            of = consumer.id if consumer else None
            late = _LateFields(self._raw, consumer, self._opened)
            known = self._identity = Identity(consumer, Credential(own, identifier or own, self.kind, of, late))
        return known


class _LateFields(Mapping[str, Any]):
    """An entity's fields, read and opened when somebody looks at them.

    It does not refer to what was found, which refers to it: that would be a cycle.
    """

    __slots__ = ("_consumer", "_fields", "_opened", "_raw")

    def __init__(self, raw: bytes, consumer: Consumer | None, opened: "Opened") -> None:
        self._raw = raw
        self._consumer = consumer
        self._opened = opened
        self._fields: Mapping[str, Any] | None = None

    def _read(self) -> Mapping[str, Any]:
        if self._fields is None:
            self._fields = _fields_of(self._raw, self._consumer, self._opened)
        return self._fields

    def __getitem__(self, name: str) -> Any:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


def _fields_of(raw: bytes, consumer: Consumer | None, opened: "Opened") -> Mapping[str, Any]:
    fields = _decode(Entry(raw).fields)
    fields["id"] = id_text(raw[4:_OF])
    if consumer is not None:
        fields["consumer"] = {"id": consumer.id}
    return opened(fields)


Opened = Callable[[dict[str, Any]], Mapping[str, Any]]
"""Gives a kind's fields with their secrets in the clear."""


class WorkerCredentials:
    """See `gateline.pdk.node.Credentials`. Nothing is found before it is open."""

    def __init__(
        self, open_directory: Callable[[], Directory], sealer: Sealer, clock: Callable[[], float] = time.time
    ) -> None:
        self._open = open_directory
        self._sealer = sealer
        self._clock = clock
        self._directory: Directory | None = None
        self._found = GenerationalCache(KEPT)
        self._consumers = GenerationalCache(KEPT)
        self._openers: dict[str, Opened] = {}
        self._finders: dict[tuple[str, str], Finder] = {}
        self.renewals = 0
        """How often the directory has changed."""

    def open(self) -> None:
        """Open the directory, unless that has been done. Raises SharedStateError."""
        if self._directory is None:
            self._directory = self._open()

    def renew(self) -> None:
        """See the directory as it is now."""
        if self._directory is not None and self._directory.renew():
            self._found = GenerationalCache(KEPT)
            self._consumers = GenerationalCache(KEPT)
            self.renewals += 1

    def finder(self, kind: str, field: str) -> "Callable[[str], FoundEntity | None]":
        """`find` for one kind and field; the same one for all who ask."""
        return self._finder(kind, field).find

    def find(self, kind: str, field: str, value: str) -> FoundEntity | None:
        """The entity of a kind whose unique field has this value."""
        return self._finder(kind, field).find(value)

    def _finder(self, kind: str, field: str) -> "Finder":
        finder = self._finders.get((kind, field))
        if finder is None:
            finder = self._finders[kind, field] = Finder(self, kind, field)
        return finder

    def get(self, kind: str, id: str) -> FoundEntity | None:  # noqa: A002 - the field's name
        """The entity of a kind with an id."""
        key = (kind, id, None)
        found: FoundEntity | None = self._found.get(key)
        if found is None:
            entry = None if self._directory is None else self._directory.get(kind, id)
            if entry is None:
                return None
            found = self.made(kind, entry.bare, self.opener(kind))
            self._found.put(key, found)
        return None if found.end and found.end <= self._clock() else found

    def of_consumer(self, kind: str, consumer: str) -> Sequence[FoundEntity]:
        """The entities of a kind that belong to a consumer."""
        key = (kind, consumer)
        found: tuple[FoundEntity, ...] | None = self._found.get(key)
        if found is None:
            found = self._belonging(kind, consumer)
            self._found.put(key, found)
        for one in found:
            if one.end and one.end <= self._clock():
                return tuple(one for one in found if not one.end or one.end > self._clock())
        return found

    def consumer(self, id: str) -> Consumer | None:  # noqa: A002 - the field's name
        """The consumer of an id."""
        try:
            return self._consumer(id_bytes(id))
        except ValueError:
            return None

    def consumer_named(self, name: str) -> Consumer | None:
        """The consumer of an id, a username or a custom id, looked for in this order."""
        key = ("", name)
        known: Consumer | None = self._found.get(key)
        if known is None and self._directory is not None:
            known = self.consumer(name) if is_uuid(name) else None
            for field in ("username", "custom_id"):
                known = known or self._consumer_with(field, name)
            if known is not None:
                self._found.put(key, known)
        return known

    def consumer_with(self, field: str, value: str) -> Consumer | None:
        """The consumer of whom a field has this value."""
        key = ("", field, value)
        known: Consumer | None = self._found.get(key)
        if known is None:
            known = self._consumer_with(field, value)
            if known is not None:
                self._found.put(key, known)
        return known

    def _consumer_with(self, field: str, value: str) -> Consumer | None:
        named = None if self._directory is None else self._directory.consumer_with(field, value)
        return None if named is None else self.consumer(named.id)

    def row(self, before: bytes, value: str) -> bytes | None:
        """The row that a unique value leads to; see `Directory.raw`."""
        return None if self._directory is None else self._directory.raw(before, value)

    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock()

    def close(self) -> None:
        """Let go of the directory."""
        if self._directory is not None:
            self._directory.close()
            self._directory = None

    def _belonging(self, kind: str, consumer: str) -> tuple[FoundEntity, ...]:
        directory = self._directory
        if directory is None:
            return ()
        opener = self.opener(kind)
        return tuple([self.made(kind, entry.bare, opener) for entry in directory.below(kind, consumer)])

    def opener(self, kind: str) -> "Opened":
        """What opens the secrets of a kind's entities."""
        opener = self._openers.get(kind)
        if opener is None:
            opener = self._openers[kind] = _opener(kind, self._sealer)
        return opener

    def made(self, kind: str, raw: bytes, opener: "Opened") -> FoundEntity:
        """An entity from its row: its key and its value up to its fields, and those of its consumer where they are
        known."""
        end = len(raw)
        start = _BESIDES + _length_of(raw)
        consumer: Consumer | None = None
        if start < end:
            consumer = decode_consumer(raw[start:end])
        elif raw[_OF:_END] != NOBODY:
            consumer = self._consumer(raw[_OF:_END])
        return FoundEntity(kind, raw, _end_at(raw, _END)[0] if raw[_END] else 0.0, consumer, opener)

    def _consumer(self, of: bytes) -> Consumer | None:
        known: Consumer | None = self._consumers.get(of)
        if known is None and self._directory is not None:
            known = self._directory.consumer(of)
            if known is not None:
                self._consumers.put(of, known)
        return known


def _length_of(row: bytes) -> int:
    """Bytes of a row's fields."""
    return (row[_LENGTH] << 24) | (row[_LENGTH + 1] << 16) | (row[_LENGTH + 2] << 8) | row[_LENGTH + 3]


class Finder:
    """Look-ups of one kind by one field, and what they found lately."""

    __slots__ = ("_before", "_credentials", "_found", "_kind", "_opener", "_renewals")

    def __init__(self, credentials: WorkerCredentials, kind: str, field: str) -> None:
        self._credentials = credentials  # a cycle, for the life of the worker
        self._kind = kind
        self._before = hashed_before(kind, field)
        self._opener = credentials.opener(kind)
        self._found = GenerationalCache(KEPT)
        self._renewals = -1

    def find(self, value: str) -> FoundEntity | None:
        """The entity with this value."""
        credentials = self._credentials
        if self._renewals != credentials.renewals:
            self._found = GenerationalCache(KEPT)
            self._renewals = credentials.renewals
        found: FoundEntity | None = self._found.get(value)
        if found is None:
            raw = credentials.row(self._before, value)
            if raw is None:
                return None  # what is not there is not kept: whoever guesses would push everything else out
            found = credentials.made(self._kind, raw, self._opener)
            self._found.put(value, found)
        return None if found.end and found.end <= credentials.now() else found


def _opener(kind: str, sealer: Sealer) -> Opened:
    model = entity_class(kind)
    if model is None or not model.secrets:
        return lambda fields: fields
    secrets = model.secrets

    def opened(fields: dict[str, Any]) -> Mapping[str, Any]:
        try:
            return sealer.opened(kind, fields, secrets)
        except SealingError as error:
            _log.error("%s: %s", fields["id"], error)
            return {name: value for name, value in fields.items() if name not in secrets}

    return opened
