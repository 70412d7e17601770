"""Snapshot: all entities of one configuration, references resolved, immutable."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar, cast

from gateline.entities.model import Entity
from gateline.entities.route import Route
from gateline.entities.service import Service

EMPTY_HASH = "0" * 32
"""What Kong reports as the hash of an empty configuration."""

E = TypeVar("E", bound=Entity)


class Snapshot:
    """Every entity by kind and id, with the configuration's hash (32 hex digits).

    `Snapshot(services={...}, routes={...}, hash="...")`: a dictionary id → entity for each kind that has some.
    """

    __slots__ = ("_kinds", "hash")

    hash: str
    _kinds: Mapping[str, Mapping[str, Entity]]

    def __init__(self, *, hash: str = EMPTY_HASH, **kinds: Mapping[str, Entity]) -> None:  # noqa: A002 - Kong's word
        object.__setattr__(self, "hash", hash)
        object.__setattr__(self, "_kinds", {kind: MappingProxyType(dict(rows)) for kind, rows in kinds.items()})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a snapshot does not change: {name}")

    def __eq__(self, other: object) -> bool:
        """Whether the entities are the same; the hash belongs to a text, and two texts may say the same."""
        if not isinstance(other, Snapshot):
            return NotImplemented
        return self._filled() == other._filled()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(rows)} {kind}" for kind, rows in self._kinds.items())
        return f"<Snapshot {self.hash}: {counts or 'empty'}>"

    def of(self, entity: type[E]) -> Mapping[str, E]:
        """The entities of one class, by id."""
        return cast("Mapping[str, E]", self.kind(entity.kind))

    def kind(self, kind: str) -> Mapping[str, Entity]:
        """The entities of one kind, by id."""
        return self._kinds.get(kind, _NONE)

    @property
    def services(self) -> Mapping[str, Service]:
        """The services by id."""
        return self.of(Service)

    @property
    def routes(self) -> Mapping[str, Route]:
        """The routes by id."""
        return self.of(Route)

    def _filled(self) -> dict[str, dict[str, Entity]]:
        return {kind: dict(rows) for kind, rows in self._kinds.items() if rows}


_NONE: Mapping[str, Entity] = MappingProxyType({})
EMPTY = Snapshot()
