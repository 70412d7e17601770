"""Where entities live: a declarative configuration in memory, or a SQL database with a feed of its changes.

`gateline.store.migrating` has what the command line does with the tables of a database."""

from gateline.store.errors import NotMigrated, StoreUnavailable
from gateline.store.interface import (
    Change,
    Page,
    Period,
    Store,
    StoredConfiguration,
    TagFilter,
    Tagged,
    TagPage,
    Tally,
    Total,
    Transaction,
    Where,
)
from gateline.store.memory import MemoryStore
from gateline.store.opening import open_store
from gateline.store.options import StoreOptions

__all__ = [
    "Change",
    "MemoryStore",
    "NotMigrated",
    "Page",
    "Period",
    "Store",
    "StoreOptions",
    "StoreUnavailable",
    "StoredConfiguration",
    "TagFilter",
    "TagPage",
    "Tagged",
    "Tally",
    "Total",
    "Transaction",
    "Where",
    "open_store",
]
