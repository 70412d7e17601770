"""What the workers would refuse, found before it is stored: a change is compiled here as they would compile it."""

import asyncio
from collections.abc import Iterable
from typing import cast

from gateline.engine.router import Flavor, RouteError, RouterBuilder
from gateline.entities import EntityError, Route
from gateline.entities.errors import SCHEMA_VIOLATION
from gateline.store import Change

MANY = 100
"""Routes from which on they are compiled in a thread, so that the process does other things meanwhile."""


async def refuse_unusable(change: Change, flavor: str) -> None:
    """Raise EntityError for the first entity of a change that a worker cannot use."""
    routes = [entity for entity in change.put.get(Route.kind, ()) if isinstance(entity, Route)]
    if len(routes) < MANY:
        refuse_unroutable(routes, flavor)
    else:
        await asyncio.to_thread(refuse_unroutable, routes, flavor)


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
