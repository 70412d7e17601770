"""How an entity lies in the directory: its key, its value, and the keys of what leads to it.

    rows     kind (4), id (16)                      → consumer (16), end (8), length (4), fields, rest
    unique   SHA-256 of kind, field and value (32)  → key of the row; but for consumers, also what it leads to, with
                                                      the fields of its consumer in the place of the rest: one look-up
                                                      then finds a credential, and whose it is
    below    parent (16), kind (4), id (16)         → nothing

A kind is the first bytes of the SHA-256 of its name. A consumer's fields are a `pdk.identity.Consumer`; of any other
entity they are those of its wire form that are set, without its id and its consumer. The rest is what only the writer
needs: the unique keys, and the parents besides the consumer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from struct import Struct
from typing import Any

import msgspec

from gateline.entities.sealing import digest_of
from gateline.pdk.identity import Consumer

HEADER = Struct(">16sdI")
KEY = 20
"""Bytes of a row's key."""
NOBODY = bytes(16)
"""In the place of the consumer of what has none."""

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder().decode


class Rest(msgspec.Struct, array_like=True, frozen=True):
    """What only the writer needs of a row."""

    unique: list[bytes]
    parents: list[bytes]


_decode_rest = msgspec.msgpack.Decoder(Rest).decode


@dataclass(frozen=True, slots=True)
class Row:
    """An entity as the directory has it."""

    key: bytes
    consumer: bytes
    end: float
    fields: bytes
    rest: Rest

    @classmethod
    def read(cls, key: bytes, value: bytes) -> "Row":
        """The row of a key and its value."""
        consumer, end, length = HEADER.unpack_from(value)
        start = HEADER.size + length
        return cls(key, consumer, end, value[HEADER.size : start], _decode_rest(value[start:]))

    @property
    def value(self) -> bytes:
        """What is stored under the key."""
        return self._head + encode(self.rest)

    def led_to(self, consumer: bytes) -> bytes:
        """What is stored under its unique keys; `consumer`: the fields of its consumer."""
        return self.key if self.key[:4] == CONSUMERS else self.key + self._head + consumer

    @property
    def _head(self) -> bytes:
        return HEADER.pack(self.consumer, self.end, len(self.fields)) + self.fields

    def below(self) -> list[bytes]:
        """The keys by which it is found from its parents."""
        parents = self.rest.parents if self.consumer == NOBODY else [self.consumer, *self.rest.parents]
        return [parent + self.key for parent in parents]


@lru_cache(maxsize=256)
def kind_key(kind: str) -> bytes:
    """The first bytes of every key of a kind."""
    return sha256(kind.encode()).digest()[:4]


CONSUMERS = kind_key("consumers")


def row_key(kind: str, identifier: str) -> bytes:
    """The key of an entity."""
    return kind_key(kind) + id_bytes(identifier)


def id_bytes(identifier: str) -> bytes:
    """A UUID's bytes. Raises ValueError for any other text."""
    raw = bytes.fromhex(identifier.replace("-", ""))
    if len(raw) != 16:
        raise ValueError(identifier)
    return raw


def id_text(raw: bytes) -> str:
    """A UUID as a text."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def consumer_of(wire: Mapping[str, Any]) -> Consumer:
    """A consumer as workers know it, without its groups."""
    return Consumer(wire["id"], wire.get("username"), wire.get("custom_id"), tuple(wire.get("tags") or ()))


decode_consumer = msgspec.msgpack.Decoder(Consumer).decode


def row_of(
    kind: str,
    wire: Mapping[str, Any],
    *,
    unique: Mapping[str, str],
    parents: Mapping[str, str],
    left_out: frozenset[str] = frozenset(),
    end: float = 0.0,
) -> Row:
    """The row of an entity in its wire form.

    `unique`: its unique fields and their values. `parents`: the fields that point to what it is found from, and ids.
    `left_out`: fields that no reader needs. `end`: when it is over, in seconds since 1970; 0 is never.
    """
    consumer = parents.get("consumer")
    skip = left_out if kind == "consumers" else left_out | {"id", "consumer"}
    fields = {name: value for name, value in wire.items() if value is not None and name not in skip}
    return Row(
        row_key(kind, wire["id"]),
        NOBODY if consumer is None else id_bytes(consumer),
        end,
        encode(consumer_of(fields) if kind == "consumers" else fields),
        Rest(
            [digest_of(kind, field, value) for field, value in unique.items()],
            [id_bytes(parent) for field, parent in parents.items() if field != "consumer"],
        ),
    )
