"""Entities as they travel to the workers and are kept on disk: MessagePack, made once for each state of an entity.

A configuration of ten thousand routes is a few megabytes here, and what a worker gets that connects, what a change is
compared with and what is written to disk is all made of the same bytes.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from gateline.engine import feed
from gateline.engine.feed import ROWS_PER_FRAME, Begin, Commit, Delete
from gateline.entities import Entity, Vault
from gateline.entities.references import Resolver
from gateline.entities.resolving import resolved, vault_prefixes
from gateline.store import Change

logger = logging.getLogger(__name__)

WORKER_KINDS = (
    "services",
    "routes",
    "upstreams",
    "targets",
    "certificates",
    "snis",
    "ca_certificates",
    "plugins",
)
"""What every worker has in its memory. Other kinds are many, and looked up when they are needed."""

Rows = dict[str, dict[str, bytes]]
"""A configuration: kind → id → encoded wire row."""

row_of = msgspec.msgpack.Encoder().encode
"""The encoded form of a wire row."""


class Put(msgspec.Struct, tag=True, frozen=True):
    """`engine.feed.Put` with rows that are encoded already."""

    kind: str
    rows: list[msgspec.Raw]


@dataclass(slots=True)
class Delta:
    """What leads from one configuration to another; no id is in both."""

    put: Rows = field(default_factory=dict)
    delete: dict[str, list[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.put or self.delete)


Encode = Callable[[Entity], bytes]
"""Gives an entity its row."""


def as_stored(entity: Entity) -> bytes:
    """The row of an entity as it is."""
    return row_of(entity.to_wire())


def as_used(vaults: Iterable[Entity], environ: Mapping[str, str]) -> Encode:
    """What gives an entity its row with the secrets that it refers to, as the workers need it."""
    resolver = Resolver(environ, vault_prefixes(vault for vault in vaults if isinstance(vault, Vault)))

    def encode(entity: Entity) -> bytes:
        row, problems = resolved(entity, resolver)
        for problem in problems:
            logger.warning("%s %s: %s", entity.kind, entity.public_name or entity.id, problem)
        return row_of(row)

    return encode


def encoded(
    entities: Mapping[str, Mapping[str, Entity]],
    encode: Encode = as_stored,
    kinds: Collection[str] | None = None,
) -> Rows:
    """Entities by kind and id as rows; of some kinds alone, where they are given."""
    return {
        kind: {identifier: encode(entity) for identifier, entity in of_kind.items()}
        for kind, of_kind in entities.items()
        if kinds is None or kind in kinds
    }


def size_of(rows: Rows) -> int:
    """Bytes of a configuration."""
    return sum(len(row) for of_kind in rows.values() for row in of_kind.values())


def delta_of(changes: Iterable[Change], encode: Encode = as_stored, kinds: Collection[str] = WORKER_KINDS) -> Delta:
    """What several changes, in their order, come to."""
    delta = Delta()
    gone: dict[str, dict[str, None]] = {}
    for change in changes:
        for kind in kinds:
            put, away = delta.put.setdefault(kind, {}), gone.setdefault(kind, {})
            for identifier in change.delete.get(kind, ()):
                put.pop(identifier, None)
                away[identifier] = None
            for entity in change.put.get(kind, ()):
                away.pop(entity.id, None)
                put[entity.id] = encode(entity)
    delta.put = {kind: put for kind, put in delta.put.items() if put}
    delta.delete = {kind: list(away) for kind, away in gone.items() if away}
    return delta


def difference(before: Rows, after: Rows) -> Delta:
    """What leads from one configuration to another."""
    delta = Delta()
    for kind in sorted(before.keys() | after.keys()):
        old, new = before.get(kind, {}), after.get(kind, {})
        if gone := [identifier for identifier in old if identifier not in new]:
            delta.delete[kind] = gone
        if put := {identifier: row for identifier, row in new.items() if old.get(identifier) != row}:
            delta.put[kind] = put
    return delta


def advance(rows: Rows, delta: Delta) -> Delta:
    """Change a configuration in place; gives what leads back."""
    back = Delta()
    for kind, gone in delta.delete.items():
        of_kind = rows.get(kind, {})
        for identifier in gone:
            if (row := of_kind.pop(identifier, None)) is not None:
                back.put.setdefault(kind, {})[identifier] = row
    for kind, put in delta.put.items():
        of_kind = rows.setdefault(kind, {})
        for identifier, row in put.items():
            old = of_kind.get(identifier)
            if old is None:
                back.delete.setdefault(kind, []).append(identifier)
            else:
                back.put.setdefault(kind, {})[identifier] = old
            of_kind[identifier] = row
    return back


def everything(rows: Rows, version: int, digest: str) -> list[bytes]:
    """The frames of a whole configuration."""
    return [feed.encode(Begin(version, full=True)), *_puts(rows), feed.encode(Commit(version, digest))]


def changed(delta: Delta, version: int, digest: str) -> list[bytes]:
    """The frames of a change."""
    gone = [feed.encode(Delete(kind, ids)) for kind, ids in delta.delete.items()]
    return [feed.encode(Begin(version, full=False)), *gone, *_puts(delta.put), feed.encode(Commit(version, digest))]


def _puts(rows: Rows) -> list[bytes]:
    frames: list[bytes] = []
    for kind, of_kind in rows.items():
        raw = [msgspec.Raw(row) for row in of_kind.values()]
        parts = (raw[start : start + ROWS_PER_FRAME] for start in range(0, len(raw), ROWS_PER_FRAME))
        frames += [feed.encode(Put(kind, part)) for part in parts]
    return frames
