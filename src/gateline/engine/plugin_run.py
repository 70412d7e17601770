"""What an exchange has to do with plugins: its chain, where it stands in it, and what they changed and kept.

An exchange has one only when there is a plugin for it, so that others pay nothing.
"""

import asyncio
from typing import TYPE_CHECKING, Any, Literal

from gateline.engine.edits import RequestEdits, ResponseEdits
from gateline.engine.wire.codec import ResponseHead
from gateline.pdk.identity import Identity

if TYPE_CHECKING:
    from gateline.engine.chain import Chain, Step
    from gateline.pdk.answers import Answer
    from gateline.pdk.exchange import Watcher

__all__ = ["ACCESS", "FILTER", "LOG", "RESPONSE", "REWRITE", "PluginRun"]

REWRITE, ACCESS, RESPONSE, FILTER, LOG = range(5)
"""Stages: where an exchange stands."""


class PluginRun:
    """The state; see the attributes.

    `buffer` holds the pieces of an answer while it is kept whole. `parked` is the place in the chain to go on from when
    the request's body is there, -1 when nothing waits for it; `wanted` how many bytes of it are kept meanwhile.
    `body_limit` is the most bytes of the request's body that plugins allow, -1 without a limit, `body_refusal` the
    answer to a longer one.
    """

    __slots__ = (
        "body_limit",
        "body_refusal",
        "buffer",
        "buffered",
        "chain",
        "context",
        "edits",
        "filters",
        "head",
        "identity",
        "length",
        "log_fields",
        "parked",
        "responders",
        "response_body",
        "response_edits",
        "service_head",
        "source",
        "stage",
        "task",
        "too_large",
        "wanted",
        "watcher",
    )

    def __init__(self, chain: "Chain") -> None:
        self.begin(chain)

    def begin(self, chain: "Chain") -> None:
        """All that `__init__` does; see `Exchange.begin`."""
        self.chain = chain
        self.stage = ACCESS
        self.edits: RequestEdits | None = None
        self.response_edits: ResponseEdits | None = None
        self.identity: Identity | None = None
        self.context: dict[Any, Any] | None = None
        self.log_fields: dict[str, Any] | None = None
        self.source: Literal["", "service", "exit", "error"] = ""
        self.head: ResponseHead | None = None
        self.service_head: ResponseHead | None = None
        self.response_body: bytes | None = None
        self.responders: tuple[Step, ...] = ()
        self.filters: tuple[Step, ...] = ()
        self.buffer: list[bytes] | None = None
        self.buffered = 0
        self.length = 0
        self.body_limit = -1
        self.body_refusal: Answer | None = None
        self.parked = -1
        self.wanted = 0
        self.too_large = False
        self.task: asyncio.Task[None] | None = None
        self.watcher: Watcher | None = None

    def request_edits(self) -> RequestEdits:
        """The edits of the request, made when they are asked for first."""
        edits = self.edits
        if edits is None:
            edits = self.edits = RequestEdits()
        return edits

    def answer_edits(self) -> ResponseEdits:
        """The edits of the answer, made when they are asked for first."""
        edits = self.response_edits
        if edits is None:
            edits = self.response_edits = ResponseEdits()
        return edits
