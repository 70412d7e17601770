"""A stored answer without its body: what was decided when it was stored, so that little is left to decide later.

It is kept as bytes, the first of which is the version of the layout; what another version wrote reads as nothing
stored.
"""

import msgspec

__all__ = ["VERSION", "Stored", "decode", "encode"]

VERSION = 1


class Stored(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is known of a stored answer. Times are seconds, moments are seconds since 1970, names are in lower case."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    """Its header lines without those that are not kept; Age is not among them."""
    length: int
    """Bytes of its body; -1 while that is not known."""
    received: float
    """When it came, or when it was last validated."""
    initial_age: float
    """How old it was then."""
    lifetime: int
    """How long from when it was made it is fresh."""
    heuristic: bool
    """Whether that is a guess."""
    no_cache: bool
    """Whether it must be validated each time."""
    must_revalidate: bool
    """Whether it is never given stale, as must-revalidate and proxy-revalidate say."""
    implied_revalidate: bool
    """Whether it is given stale only as it says itself, because it has s-maxage."""
    stale_while_revalidate: int
    stale_if_error: int
    etag: bytes
    """Its entity tag where that is well-formed, empty otherwise."""
    last_modified: int | None
    """When it says that it was modified."""
    date: int
    """When it was made."""
    vary: tuple[bytes, ...]
    """The fields of the request that it was chosen by (`vary_names`)."""
    tags: tuple[bytes, ...]
    """The tags under which it can be purged."""

    def age(self, now: float) -> float:
        """How old it is (RFC 9111, section 4.2.3: `current_age`)."""
        return self.initial_age + max(0.0, now - self.received)

    def remaining(self, now: float) -> float:
        """How long it stays fresh; below zero, how long it has been stale."""
        return self.lifetime - self.age(now)

    def useful_until(self, keep_stale: float = 0) -> float:
        """The moment from which nobody can be given it any more, not even stale.

        `keep_stale` is for how long after its lifetime it is worth keeping because it can be validated.
        """
        grace = max(self.stale_while_revalidate, self.stale_if_error, keep_stale if self.can_be_validated else 0)
        return self.received + max(0.0, self.lifetime - self.initial_age) + grace

    @property
    def can_be_validated(self) -> bool:
        """Whether the service can be asked whether it is still good."""
        return bool(self.etag) or self.last_modified is not None


def encode(stored: Stored) -> bytes:
    """The bytes to keep."""
    return _VERSION_BYTE + _encoder.encode(stored)


def decode(data: bytes | memoryview) -> Stored | None:
    """What `encode` was given; None for what another version wrote, and for what is damaged."""
    if data[:1] != _VERSION_BYTE:
        return None
    try:
        return _decoder.decode(data[1:])
    except msgspec.DecodeError:
        return None


_VERSION_BYTE = bytes((VERSION,))
_encoder = msgspec.msgpack.Encoder()
_decoder: "msgspec.msgpack.Decoder[Stored]" = msgspec.msgpack.Decoder(Stored)
