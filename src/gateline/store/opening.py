"""From options to a store. What a store needs is imported only for that store."""

from gateline.store.interface import Store
from gateline.store.memory import MemoryStore
from gateline.store.options import StoreOptions


def open_store(options: StoreOptions) -> Store:
    """The store that options name, to be opened with `open`. Raises StoreUnavailable when its driver is missing."""
    if options.database == "off":
        return MemoryStore()
    from gateline.store.sql import SqlStore

    return SqlStore(options)
