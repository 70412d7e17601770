"""What a worker shares with the others of its node: credentials, counters, a cache. Where nothing is shared it has its
own."""

from collections.abc import Callable
from dataclasses import dataclass

from gateline.engine.context import WorkerContext
from gateline.engine.credentials import WorkerCredentials
from gateline.engine.local_state import LocalCache, LocalCounters, LocalCredentials
from gateline.pdk.node import Cache, Counters, Credentials
from gateline.sharedstate import Directory, Places, SharedCache, SharedCounters, open_directory
from gateline.sharedstate.keys import sealer_of

__all__ = ["SharedState", "shared_state"]


@dataclass(frozen=True, slots=True)
class SharedState:
    """The parts. `open` opens what holds the credentials (raises SharedStateError), `renew` shows it as it is now."""

    credentials: Credentials
    counters: Counters
    cache: Cache
    open: Callable[[], None]
    renew: Callable[[], None]


def shared_state(context: WorkerContext) -> SharedState:
    """What a worker shares. Raises SharedStateError, KeyFileError."""
    if context.shared is None:
        return SharedState(LocalCredentials(), LocalCounters(), LocalCache(), _nothing, _nothing)
    places = Places(context.shared)
    path = places.directory(context.generation)
    credentials = WorkerCredentials(lambda: Directory(open_directory(path)), sealer_of(context.settings))
    counters, cache = SharedCounters(places.counters), SharedCache(places.cache)
    return SharedState(credentials, counters, cache, credentials.open, credentials.renew)


def _nothing() -> None:
    """There is nothing to be opened or seen."""
