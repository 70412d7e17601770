"""Marks of a field's use, in its declaration beside the constraints on its value."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from gateline.entities.constraints import Constraint


@dataclass(frozen=True, slots=True)
class AsSet:
    """The tuple is a set: its elements differ, repeats are dropped, the order stays."""


@dataclass(frozen=True, slots=True)
class Unique:
    """No two entities of the kind have the same value."""


@dataclass(frozen=True, slots=True)
class Auto:
    """Made by Gateline when it is left out; may be given. `make` makes it, but for ids and timestamps."""

    make: Callable[[], Any] | None = None


@dataclass(frozen=True, slots=True)
class Ref:
    """The field takes a reference to a secret, `{vault://env/NAME}`, instead of a value; no constraint holds for it."""


@dataclass(frozen=True, slots=True)
class Secret:
    """The value is never shown in errors, differences and logs.

    `compared`: what clients give is compared with it, and nothing else is done with it, so a hash of it is enough.
    """

    compared: bool = False


@dataclass(frozen=True, slots=True)
class Abstract:
    """The record's fields depend on another field: a plugin's `config` on its `name`. `variant` says what they are."""


@dataclass(frozen=True, slots=True)
class DefaultForNull:
    """A null means the default. Kong stores the null, and takes the default when it reads the field."""


@dataclass(frozen=True, slots=True)
class OnlyIn:
    """The field exists in these router flavours only; elsewhere it is an unknown field."""

    flavors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BeyondKong:
    """Kong has no such field: answers leave it out while it holds its default, so its clients see what they know."""


@dataclass(frozen=True, slots=True)
class PerFlavor:
    """The constraint is another one in some router flavours."""

    default: Constraint
    flavors: tuple[tuple[str, Constraint], ...]

    def chosen(self, flavor: str) -> Constraint:
        """The constraint that holds in a flavour."""
        return dict(self.flavors).get(flavor, self.default)


@dataclass(frozen=True, slots=True)
class To:
    """The `Reference` points to an entity of this kind.

    `on_delete` says what becomes of this entity when that one is deleted; `nests` whether this one may be written
    inside that one in a declarative file. (The Admin API lists what points to an entity below it in any case.)
    An entity that only ties two others together is not written itself: inside of one parent, under the key `ties`, the
    names of the other one are listed.
    """

    kind: str
    on_delete: Literal["restrict", "cascade", "null"] = "restrict"
    nests: bool = True
    ties: str | None = None


@dataclass(frozen=True, slots=True)
class IdOf:
    """An element of a list is the id of an entity of this kind, which cannot be deleted as long as it is listed.

    Whether there is such an entity when it is listed is not asked, as in Kong.
    """

    kind: str
