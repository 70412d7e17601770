"""Entities as rows: what follows for their rows from how a kind is declared."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gateline.entities import Entity, Expiring, foreign_fields, schema_of, unique_fields
from gateline.entities.sealing import Sealer
from gateline.sharedstate.rows import Row, row_of

__all__ = ["refers", "row_of_entity"]

_NOT_NEEDED = frozenset({"created_at", "updated_at", "expires_at"})
"""Fields that no look-up asks for, and that would take a third of the memory."""


def row_of_entity(entity: Entity, wire: Mapping[str, Any], sealer: Sealer) -> Row:
    """The row of an entity whose wire form, with the secrets that it refers to, is `wire`."""
    kind, secrets = entity.kind, entity.secrets
    about = _about(type(entity))
    kept = sealer.sealed(kind, wire, secrets) if secrets else wire
    return row_of(
        kind,
        kept,
        unique={name: str(wire[name]) for name in about.unique if wire[name] is not None},
        parents={name: wire[name]["id"] for name in about.parents if wire[name] is not None},
        left_out=about.left_out,
        end=(entity.expires_at or 0.0) if isinstance(entity, Expiring) else 0.0,
    )


def refers(model: type[Entity]) -> bool:
    """Whether some field of a kind takes a reference to a secret."""
    return _about(model).refers


@dataclass(frozen=True, slots=True)
class _About:
    """What a kind's declaration says of its rows."""

    unique: tuple[str, ...]
    parents: tuple[str, ...]
    left_out: frozenset[str]
    refers: bool


@lru_cache(maxsize=256)
def _about(model: type[Entity]) -> _About:
    kind = model.kind
    return _About(
        unique_fields(kind),
        tuple(foreign.field for foreign in foreign_fields(kind)),
        frozenset(name for name, compared in model.secrets.items() if compared) | _NOT_NEEDED,
        schema_of(model, "expressions").refers,
    )
