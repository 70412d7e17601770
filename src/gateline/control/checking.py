"""What the workers would refuse, found before it is stored: a change is compiled here as they would compile it."""

from collections.abc import Iterable
from typing import cast

from gateline.engine.router import Flavor, RouteError, RouterBuilder
from gateline.entities import EntityError, Route
from gateline.entities.errors import SCHEMA_VIOLATION
from gateline.store import Change


def refuse_unusable(change: Change, flavor: str) -> None:
    """Raise EntityError for the first entity of a change that a worker cannot use."""
    refuse_unroutable((entity for entity in change.put.get(Route.kind, ()) if isinstance(entity, Route)), flavor)


def refuse_unroutable(routes: Iterable[Route], flavor: str) -> None:
    """Raise EntityError for the first route that cannot be compiled."""
    builder = RouterBuilder(cast(Flavor, flavor))
    for route in routes:
        try:
            builder.add(route, None)
        except RouteError as error:
            raise EntityError(
                SCHEMA_VIOLATION, f"schema violation ({error.field}: {error.message})", {error.field: error.message}
            ) from error
