"""Where plugins send single requests: another scheme, another host, another upstream entity than the service's.

A worker remembers what was asked for lately, so that such requests share connections too; what is not asked for any
more makes room, and its pools are retired unless the configuration has them as well.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateline.engine.upstream.balancer import Balancer, CompiledTarget
from gateline.engine.upstream.destinations import Destinations, balanced, manner_of, single
from gateline.engine.upstream.pool import Pools

if TYPE_CHECKING:
    from gateline.engine.configuration import Configuration
    from gateline.entities import Service

__all__ = ["DynamicDestinations"]

LIMIT = 512
"""So many destinations are remembered."""

_SCHEMES = {"http": "http", "https": "https"}


class DynamicDestinations:
    """The destinations that plugins asked for."""

    def __init__(self, configuration: "Configuration", pools: Pools) -> None:
        self._configuration = configuration
        self._pools = pools
        self._known: OrderedDict[object, Destinations] = OrderedDict()

    def find(
        self, service: "Service", scheme: str | None, place: tuple[str, int | None] | None
    ) -> CompiledTarget | Balancer:
        """Where a request of the service goes that shall speak another scheme, or go to another place.

        A place without a port is the name of an upstream entity; ValueError when there is none of that name.
        """
        configuration = self._configuration
        changed = service if scheme is None else service.model_copy(update={"protocol": _SCHEMES[scheme]})
        manner = manner_of(changed, configuration.verify_upstreams)
        host, port = (service.host, service.port) if place is None else place
        upstream_id = configuration.tables.upstream_ids.get(host) if place is None or port is None else None
        if upstream_id is None:
            if port is None:
                raise ValueError(f"there is no upstream called {host!r}")
            return self._remembered((manner, host, port), lambda: single(self._pools, manner, host, port)).balancer
        shared = configuration.shared.get(upstream_id, {}).get(manner)
        if shared is not None:
            return shared.destinations.balancer
        upstream = configuration.tables.by_kind["upstreams"][upstream_id]
        members = [
            target for target in configuration.tables.by_kind["targets"].values() if target.upstream.id == upstream_id
        ]
        version = configuration.runtime.version
        return self._remembered(
            (manner, upstream_id, version),
            lambda: balanced(
                self._pools,
                manner,
                upstream,
                members,
                configuration.healths,
                makers=configuration.watch_makers,
                gates=configuration.gates,
                locality=configuration.locality,
            ),
        ).balancer

    def _remembered(self, key: object, make: Callable[[], Destinations]) -> Destinations:
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        made = self._known[key] = make()
        while len(self._known) > LIMIT:
            _, old = self._known.popitem(last=False)
            old.opening.leave()
        return made
