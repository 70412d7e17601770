"""What a worker shares with the others of its node: credentials, counters, a cache. Where nothing is shared it has its
own."""

from collections.abc import Callable
from dataclasses import dataclass

from gateline.engine.context import WorkerContext
from gateline.engine.credentials import WorkerCredentials
from gateline.engine.local_state import LocalCache, LocalCounters, LocalCredentials, LocalSlots
from gateline.engine.upstream.gates import Gauges, LocalGauges
from gateline.engine.written import Ask, CachedEntities, LocalEntities, StoredEntities
from gateline.pdk.node import Cache, Counters, Credentials, Entities, Slots
from gateline.sharedstate import (
    Directory,
    Places,
    SharedCache,
    SharedCounters,
    SharedGauges,
    SharedSlots,
    open_directory,
)
from gateline.sharedstate.keys import sealer_of

__all__ = ["SharedState", "shared_state"]


@dataclass(frozen=True, slots=True)
class SharedState:
    """The parts. `open` opens what holds the credentials (raises SharedStateError), `renew` shows it as it is now."""

    credentials: Credentials
    entities: Entities
    counters: Counters
    slots: Slots
    cache: Cache
    gauges: Gauges
    open: Callable[[], None]
    renew: Callable[[], None]


def shared_state(context: WorkerContext, ask: Ask) -> SharedState:
    """What a worker shares; `ask` has the control process write. Raises SharedStateError, KeyFileError."""
    if context.shared is None:
        local = LocalCredentials()
        return SharedState(
            local,
            LocalEntities(local),
            LocalCounters(),
            LocalSlots(),
            LocalCache(),
            LocalGauges(),
            _nothing,
            _nothing,
        )
    places = Places(context.shared)
    path = places.directory(context.generation)
    sealer = sealer_of(context.settings)
    credentials = WorkerCredentials(lambda: Directory(open_directory(path)), sealer)
    counters, cache = SharedCounters(places.counters), SharedCache(places.cache)
    slots = SharedSlots(places.slots)
    entities: Entities = StoredEntities(credentials, ask)
    if context.settings.database == "off":
        entities = CachedEntities(credentials, cache, counters, sealer)
    gauges = SharedGauges(places.gauges)
    return SharedState(credentials, entities, counters, slots, cache, gauges, credentials.open, credentials.renew)


def _nothing() -> None:
    """There is nothing to be opened or seen."""
