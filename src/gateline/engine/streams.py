"""The two ends of an exchange as interfaces, which `engine.wire` implements: the client's side and the upstream's."""

from typing import TYPE_CHECKING, Protocol

from gateline.engine.wire.codec import ResponseHead

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange
    from gateline.engine.peer import Peer

__all__ = ["ClientStream", "Trailers", "UpstreamStream"]

Trailers = list[tuple[bytes, bytes]]


class ClientStream(Protocol):
    """The client's side of an exchange: where its answer goes and its request body comes from."""

    peer: "Peer"

    def send_interim(self, status: int, head: ResponseHead | None) -> None:
        """An informational answer (1xx) before the final one; with `head`, its headers."""

    def respond(
        self,
        head: ResponseHead,
        status: int,
        drop: int,
        edits: dict[bytes, bytes] | None,
        tail: bytes,
        length: int,
        body: bytes,
        ended: bool,
    ) -> None:
        """Send an upstream's answer: its headers without the kinds `drop` and the names of `edits`, the block `tail`,
        the blocks of `edits`, and the first of the body.

        `length` is the body's whole length in bytes, or -1 where only its end will tell. `ended`: `body` is all of it.
        """

    def answer(self, status: int, block: bytes, body: bytes) -> None:
        """Send a whole answer of the gateway's own; `block` holds every header but Content-Length and Connection."""

    def send_data(self, data: bytes) -> None:
        """Go on with the answer's body."""

    def send_end(self, trailers: Trailers) -> None:
        """The answer's body is complete."""

    def switch_protocols(self, head: ResponseHead, tail: bytes, data: bytes) -> None:
        """Send a 101 answer; from now on `send_data` and `Exchange.request_data` carry raw bytes."""

    def finish(self, now: float) -> None:
        """The exchange is over and its answer sent: take the next request, or close."""

    def abort(self) -> None:
        """Break off: the answer cannot be completed, and the client must not take it for whole."""

    def pause_reading(self) -> None:
        """Take no more of the request's body for now."""

    def resume_reading(self) -> None:
        """Take more of the request's body again."""


class UpstreamStream(Protocol):
    """An upstream's side of an exchange; `address` is the one that it is connected to."""

    address: str

    def send_request(self, exchange: "Exchange", data: bytes) -> None:
        """Send the head and hear the answer for `exchange`."""

    def send_data(self, data: bytes) -> None:
        """Go on with the request's body, in the framing of its head."""

    def send_end(self, trailers: Trailers) -> None:
        """The request's body is complete."""

    def cancel(self) -> None:
        """Nobody waits for the answer any more."""

    def pause_reading(self) -> None:
        """Take no more of the answer for now."""

    def resume_reading(self) -> None:
        """Take more of the answer again."""
