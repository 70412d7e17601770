"""The two ends of an exchange, and who takes it from one to the other, as `Exchange` sees them.

`engine.wire` implements the ends: the client's side and the upstream's. They are classes, not protocols, so that what
is compiled calls them without a look-up (docs/decisions/0007).
"""

from typing import TYPE_CHECKING, Any

from gateline.engine.wire.codec import ResponseHead

if TYPE_CHECKING:
    from gateline.engine.peer import Peer
    from gateline.engine.upstream.places import Place

__all__ = ["ClientStream", "ExchangeHandler", "PooledStream", "Trailers", "UpstreamStream"]

Trailers = list[tuple[bytes, bytes]]


class ClientStream:
    """The client's side of an exchange: where its answer goes and its request body comes from."""

    __slots__ = ("peer",)

    peer: "Peer"

    def send_interim(self, status: int, head: ResponseHead | None) -> None:
        """An informational answer (1xx) before the final one; with `head`, its headers."""
        raise NotImplementedError

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
        raise NotImplementedError

    def answer(self, status: int, block: bytes, body: bytes) -> None:
        """Send a whole answer of the gateway's own; `block` holds every header but Content-Length and Connection."""
        raise NotImplementedError

    def answer_stored(self, status: int, block: bytes, lines: bytes, body: bytes) -> None:
        """Send a whole answer that was kept: `block` is its own, `lines` what the gateway adds to it this time."""
        raise NotImplementedError

    def send_data(self, data: bytes) -> None:
        """Go on with the answer's body."""
        raise NotImplementedError

    def send_end(self, trailers: Trailers) -> None:
        """The answer's body is complete."""
        raise NotImplementedError

    def switch_protocols(self, head: ResponseHead, tail: bytes, data: bytes) -> None:
        """Send a 101 answer; from now on `send_data` and `Exchange.request_data` carry raw bytes."""
        raise NotImplementedError

    def finish(self, now: float) -> None:
        """The exchange is over and its answer sent: take the next request, or close."""
        raise NotImplementedError

    def abort(self) -> None:
        """Break off: the answer cannot be completed, and the client must not take it for whole."""
        raise NotImplementedError

    def pause_reading(self) -> None:
        """Take no more of the request's body for now."""
        raise NotImplementedError

    def resume_reading(self) -> None:
        """Take more of the request's body again."""
        raise NotImplementedError


class UpstreamStream:
    """An upstream's side of an exchange; `address` is the one that it is connected to."""

    __slots__ = ("address",)

    address: str

    def send_request(self, exchange: Any, data: bytes) -> None:
        """Send the head and hear the answer for `exchange`."""
        raise NotImplementedError

    def send_data(self, data: bytes) -> None:
        """Go on with the request's body, in the framing of its head."""
        raise NotImplementedError

    def send_end(self, trailers: Trailers) -> None:
        """The request's body is complete."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Nobody waits for the answer any more."""
        raise NotImplementedError

    def pause_reading(self) -> None:
        """Take no more of the answer for now."""
        raise NotImplementedError

    def resume_reading(self) -> None:
        """Take more of the answer again."""
        raise NotImplementedError


class PooledStream(UpstreamStream):
    """An upstream's side that a pool keeps between two exchanges.

    `requests` is how many it has served, `deadline` when it has waited too long (monotonic seconds), `place` where it
    leads to.
    """

    __slots__ = ("deadline", "place", "requests")

    place: "Place"
    requests: int
    deadline: float

    def usable(self) -> bool:
        """Whether it is still open."""
        raise NotImplementedError

    def close(self) -> None:
        """Close it; what was written is flushed first."""
        raise NotImplementedError

    def stop(self) -> None:
        """Close it at once."""
        raise NotImplementedError

    def timed_out(self, now: float) -> None:
        """Its deadline has passed."""
        raise NotImplementedError


class ExchangeHandler:
    """Who takes exchanges through their phases: what an exchange itself asks of it on every way."""

    __slots__ = ()

    def respond(self, exchange: Any, head: ResponseHead, length: int, body: bytes, ended: bool, now: float) -> None:
        """The upstream's answer began: pass it on to the client; see `ClientStream.respond` for `length` and `ended`.

        `now` in monotonic seconds.
        """
        raise NotImplementedError

    def finished(self, exchange: Any) -> None:
        """The exchange is over, whichever way: account for it."""
        raise NotImplementedError
