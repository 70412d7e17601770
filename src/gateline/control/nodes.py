"""What nodes on one database say to each other that is no configuration: nothing that must be kept.

A node that does not listen at the moment, because it starts or has lost the database, misses it.
"""

import logging
import uuid
from collections.abc import Callable

import msgspec

from gateline.store import Store

logger = logging.getLogger(__name__)


class HealthSet(msgspec.Struct, tag=True, frozen=True):
    """A target (ids), or one of its addresses, was set healthy or unhealthy."""

    upstream: str
    target: str
    address: str | None
    healthy: bool


class LogLevelSet(msgspec.Struct, tag=True, frozen=True):
    """All nodes shall log from a level on, for some seconds; 0: until they end."""

    level: str
    seconds: int


class PluginSaid(msgspec.Struct, tag=True, frozen=True):
    """A plugin says something to itself on the other nodes."""

    name: str
    said: str


Said = HealthSet | LogLevelSet | PluginSaid


class _Letter(msgspec.Struct, frozen=True):
    sender: str
    said: Said


class OtherNodes:
    """The nodes that share a store. `heard` is called with what another one says."""

    def __init__(self, store: Store, heard: Callable[[Said], None]) -> None:
        self._store = store
        self._heard = heard
        self._me = uuid.uuid4().hex
        store.hear(self._receive)

    async def say(self, said: Said) -> None:
        """Say something to all others. Raises StoreUnavailable."""
        await self._store.tell(msgspec.json.encode(_Letter(self._me, said)).decode())

    def _receive(self, text: str) -> None:
        try:
            letter = msgspec.json.decode(text, type=_Letter)
        except msgspec.DecodeError:  # from a node of another version
            logger.warning("another node said what this one does not understand")
            return
        if letter.sender != self._me:
            self._heard(letter.said)
