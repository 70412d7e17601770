"""How the service is told who sends a request: Kong's headers, of which none that the client sent is left."""

from gateline.engine.edits import RequestEdits, header_value
from gateline.pdk.identity import Consumer, Identity

__all__ = ["tell_service"]

_CONSUMER = (
    (b"x-consumer-id", b"X-Consumer-ID", "id"),
    (b"x-consumer-custom-id", b"X-Consumer-Custom-ID", "custom_id"),
    (b"x-consumer-username", b"X-Consumer-Username", "username"),
)
_KNOWN_LIMIT = 4096
_Blocks = dict[bytes, bytes]
_known: dict[int, tuple[Consumer | None, _Blocks]] = {}
"""By the consumer's identity as an object: hashing its fields would cost more than making the lines."""


class _Told:
    """What is told of an identity; it keeps the identity, so that no other one gets its address meanwhile."""

    __slots__ = ("blocks", "identity")

    def __init__(self, identity: Identity, blocks: _Blocks) -> None:
        self.identity = identity
        self.blocks = blocks


_told: dict[int, _Told] = {}
"""By the identity as an object: plugins find the same one again for the same credential."""
_TOLD_LIMIT = 512


def tell_service(edits: RequestEdits, identity: Identity) -> None:
    """Set the headers of an identity: its consumer, its credential, whether it is the anonymous one."""
    told = _told.get(id(identity))
    if told is None or told.identity is not identity:
        told = _Told(identity, _blocks(identity))
        if len(_told) >= _TOLD_LIMIT:
            _told.clear()
        _told[id(identity)] = told
    if edits.changed:
        edits.changed.update(told.blocks)
    else:
        edits.changed = told.blocks.copy()


def _blocks(identity: Identity) -> _Blocks:
    consumer = identity.consumer
    known = _known.get(id(consumer))
    if known is None or known[0] is not consumer:
        known = consumer, _of_consumer(consumer)
        if len(_known) >= _KNOWN_LIMIT:
            _known.clear()
        _known[id(consumer)] = known
    blocks = dict(known[1])
    credential = identity.credential
    identifier = None if credential is None else credential.identifier
    blocks[b"x-credential-identifier"] = _line(b"X-Credential-Identifier", identifier)
    blocks[b"x-anonymous-consumer"] = b"X-Anonymous-Consumer: true\r\n" if identity.anonymous else b""
    return blocks


def _of_consumer(consumer: Consumer | None) -> _Blocks:
    fields = ((key, name, None if consumer is None else getattr(consumer, field)) for key, name, field in _CONSUMER)
    return {key: _line(name, value) for key, name, value in fields}


def _line(name: bytes, value: str | None) -> bytes:
    return b"%b: %b\r\n" % (name, header_value(value)) if value else b""
