"""What the processes of a node share in memory: the directory of consumers and credentials, counters, caches.

It lies in LMDB environments, counters in a table of their own, on /dev/shm where there is one: several processes map
the same pages, a process that is killed in the middle of a write leaves what was before it, and the locks that it held
are taken over.
"""

from gateline.sharedstate.cache import SharedCache
from gateline.sharedstate.counters import SharedCounters
from gateline.sharedstate.directory import Directory, Entry
from gateline.sharedstate.environment import Environment, SharedStateError
from gateline.sharedstate.gauges import SharedGauges
from gateline.sharedstate.places import Places
from gateline.sharedstate.shelf import SharedShelf
from gateline.sharedstate.shelves import Shelves
from gateline.sharedstate.slots import SharedSlots
from gateline.sharedstate.writer import DirectoryWriter, Journal, open_directory

__all__ = [
    "Directory",
    "DirectoryWriter",
    "Entry",
    "Environment",
    "Journal",
    "Places",
    "SharedCache",
    "SharedCounters",
    "SharedGauges",
    "SharedShelf",
    "SharedSlots",
    "SharedStateError",
    "Shelves",
    "open_directory",
]
