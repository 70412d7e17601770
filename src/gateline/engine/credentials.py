"""Look-ups of consumers and credentials in a worker: the node's directory, behind what was found lately.

What was found is kept in two halves: when the younger one is full it becomes the older one, which is thrown away then;
what is found in the older one moves back to the younger one. A change of the directory throws all of it away: what it
costs to find it anew is less than what it costs to say what has changed.

A value is looked for among what was found by Python's dictionaries, whose hash is keyed with a secret of the process,
and in the directory by its SHA-256: how long either takes says nothing about how much of a value is right.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from gateline.entities import entity_class
from gateline.entities.formats import is_uuid
from gateline.entities.sealing import Sealer, SealingError
from gateline.pdk.identity import Consumer, Credential, Identity
from gateline.sharedstate import Directory, Entry
from gateline.sharedstate.rows import HEADER, KEY, NOBODY, decode_consumer, id_bytes, id_text

__all__ = ["FoundEntity", "WorkerCredentials"]

_log = logging.getLogger(__name__)

HALF = 4096
"""Look-ups that half of what is kept holds."""

_unpack = HEADER.unpack_from
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
        return id_text(self._raw[4:KEY])

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
    fields["id"] = id_text(raw[4:KEY])
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
        self._young: dict[Any, Any] = {}
        self._old: dict[Any, Any] = {}
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
            self._young, self._old = {}, {}
            self.renewals += 1

    def finder(self, kind: str, field: str) -> "Callable[[str], FoundEntity | None]":
        """`find` for one kind and field; the same one for all who ask."""
        finder = self._finders.get((kind, field))
        if finder is None:
            finder = self._finders[kind, field] = Finder(self, kind, field)
        return finder.find

    def find(self, kind: str, field: str, value: str) -> FoundEntity | None:
        """The entity of a kind whose unique field has this value."""
        key = (kind, field, value)
        found: FoundEntity | None = self._young.get(key)
        if found is None:
            found = self._old.pop(key, None)
            if found is None:
                raw = None if self._directory is None else self._directory.raw(kind, field, value)
                if raw is None:
                    return None  # what is not there is not kept: whoever guesses would push everything else out
                found = self.made(kind, raw)
            if len(self._young) >= HALF:
                self._young, self._old = {}, self._young
            self._young[key] = found
        return None if found.end and found.end <= self._clock() else found

    def get(self, kind: str, id: str) -> FoundEntity | None:  # noqa: A002 - the field's name
        """The entity of a kind with an id."""
        key = (kind, id, None)
        found: FoundEntity | None = self._young.get(key)
        if found is None:
            found = self._kept(key)
            if found is None:
                entry = None if self._directory is None else self._directory.get(kind, id)
                if entry is None:
                    return None
                found = self.made(kind, entry.bare)
                self._keep(key, found)
        return None if found.end and found.end <= self._clock() else found

    def of_consumer(self, kind: str, consumer: str) -> Sequence[FoundEntity]:
        """The entities of a kind that belong to a consumer."""
        key = (kind, consumer)
        found: tuple[FoundEntity, ...] | None = self._young.get(key)
        if found is None:
            found = self._kept(key)
            if found is None:
                found = self._belonging(kind, consumer)
                self._keep(key, found)
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
        known: Consumer | None = self._young.get(key) or self._kept(key)
        if known is None and self._directory is not None:
            known = self.consumer(name) if is_uuid(name) else None
            for field in ("username", "custom_id"):
                known = known or self._consumer_with(field, name)
            if known is not None:
                self._keep(key, known)
        return known

    def consumer_with(self, field: str, value: str) -> Consumer | None:
        """The consumer of whom a field has this value."""
        key = ("", field, value)
        known: Consumer | None = self._young.get(key) or self._kept(key)
        if known is None:
            known = self._consumer_with(field, value)
            if known is not None:
                self._keep(key, known)
        return known

    def _consumer_with(self, field: str, value: str) -> Consumer | None:
        named = None if self._directory is None else self._directory.consumer_with(field, value)
        return None if named is None else self.consumer(named.id)

    def close(self) -> None:
        """Let go of the directory."""
        if self._directory is not None:
            self._directory.close()
            self._directory = None

    def _belonging(self, kind: str, consumer: str) -> tuple[FoundEntity, ...]:
        directory = self._directory
        if directory is None:
            return ()
        return tuple([self.made(kind, entry.bare) for entry in directory.below(kind, consumer)])

    def made(self, kind: str, raw: bytes) -> FoundEntity:
        """An entity from its row: its key and its value up to its fields, and those of its consumer where they are
        known."""
        of, end, length = _unpack(raw, KEY)
        opener = self._openers.get(kind)
        if opener is None:
            opener = self._openers[kind] = _opener(kind, self._sealer)
        return FoundEntity(
            kind, raw, end, None if of == NOBODY else self._consumer(of, raw[_BESIDES + length :]), opener
        )

    def _consumer(self, raw: bytes, fields: bytes = b"") -> Consumer | None:
        """One object for each: others compare by it. `fields` are a consumer's, where they are known already."""
        known: Consumer | None = self._young.get(raw)
        if known is None:
            known = self._old.pop(raw, None)
            if known is None:
                if fields:
                    known = decode_consumer(fields)
                elif self._directory is not None:
                    known = self._directory.consumer(raw)
                if known is None:
                    return None
            self._keep(raw, known)
        return known

    def _kept(self, key: Any) -> Any:
        """What the older half has, which moves to the younger one."""
        known = self._old.pop(key, None)
        if known is not None:
            self._keep(key, known)
        return known

    def _keep(self, key: Any, found: Any) -> None:
        if len(self._young) >= HALF:
            self._young, self._old = {}, self._young
        self._young[key] = found


class Finder:
    """Look-ups of one kind by one field, with what it found itself lately at hand."""

    __slots__ = ("_credentials", "_field", "_found", "_kind", "_renewals")

    def __init__(self, credentials: WorkerCredentials, kind: str, field: str) -> None:
        self._credentials = credentials  # a cycle, for the life of the worker
        self._kind = kind
        self._field = field
        self._found: dict[str, FoundEntity] = {}
        self._renewals = -1

    def find(self, value: str) -> FoundEntity | None:
        """The entity with this value."""
        credentials = self._credentials
        if self._renewals != credentials.renewals:
            self._found = {}
            self._renewals = credentials.renewals
        found = self._found.get(value)
        if found is not None and not found.end:
            return found
        found = credentials.find(self._kind, self._field, value)
        if found is not None:
            if len(self._found) >= HALF:
                self._found = {}
            self._found[value] = found
        return found


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
