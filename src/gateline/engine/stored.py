"""The rest of a stored answer's body: it stands where an upstream stands, and gives pieces as the client takes them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from gateline.engine import tasks
from gateline.engine.errors import CATALOGUE
from gateline.engine.streams import Trailers, UpstreamStream

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange

__all__ = ["StoredBody"]

_log = logging.getLogger(__name__)


class StoredBody(UpstreamStream):
    """See the module."""

    def __init__(self, exchange: "Exchange", pieces: AsyncIterator[bytes]) -> None:
        self.address = ""  # it comes from nowhere
        self._exchange = exchange
        self._pieces = pieces
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to give pieces."""
        self._task = tasks.start(self._give(), name="a stored body")

    async def _give(self) -> None:
        exchange = self._exchange
        try:
            async for piece in self._pieces:
                await self._wanted.wait()
                exchange.response_data(piece)
                await asyncio.sleep(0)  # others have their turn, however ready the pieces are
                if exchange.over:
                    return
        except Exception:
            _log.exception("a stored answer broke off (request id %s)", exchange.request_id.decode())
            exchange.upstream_failed(CATALOGUE.RESET, False)
        else:
            exchange.response_end([])

    def pause_reading(self) -> None:
        """The client is behind."""
        self._wanted.clear()

    def resume_reading(self) -> None:
        """The client has caught up."""
        self._wanted.set()

    def cancel(self) -> None:
        """Nobody waits any more."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    def send_request(self, exchange: "Exchange", data: bytes) -> None:
        """Nothing is asked."""

    def send_data(self, data: bytes) -> None:
        """What the client sends with its request means nothing here."""

    def send_end(self, trailers: Trailers) -> None:
        """As above."""
