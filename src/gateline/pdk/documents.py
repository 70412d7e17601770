"""Documents that the node fetches for plugins: an issuer's keys, a list of addresses.

A plugin says which ones its configuration needs (`Plugin.documents`). The control process fetches each once a node,
whatever the number of workers and of plugins that need it, fetches it again as often as one of them asks for, and keeps
the last one that was good while its server is gone, over restarts too. Requests only ever read what is there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

__all__ = ["RENEWAL", "Document", "Documents"]

RENEWAL = 10.0
"""Seconds between two fetches out of turn."""


@dataclass(frozen=True, slots=True)
class Document:
    """What is fetched, and how. Of several for one URL the strictest counts of each.

    `refresh`: seconds from one fetch to the next; `limit`: bytes at most; `timeout`: seconds that a fetch may take all
    in all; `verify`: whether the server's certificate must be a trusted one; `problem`: says of a body what is wrong
    with it (called in a thread of the control process), and such a one is no good.
    """

    url: str
    refresh: float = 300.0
    limit: int = 256 * 1024
    timeout: float = 10.0
    verify: bool = True
    problem: Callable[[bytes], str | None] | None = None


class Documents(Protocol):
    """What a worker has of them."""

    def get(self, url: str) -> bytes | None:
        """The document, the same object until it is another one; None when it could never be fetched."""

    def renewable(self, url: str) -> bool:
        """Whether it makes sense to wait for `renew`: not when it was tried just now."""

    async def renew(self, url: str) -> None:
        """Have the document fetched now, out of turn, and wait for that; within some seconds it returns in any case.

        That happens once in `RENEWAL` seconds at most, whoever asks how often. Only for a URL of which
        `Plugin.documents` has told.
        """
