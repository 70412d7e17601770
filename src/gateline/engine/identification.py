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
_Lines = dict[bytes, list[tuple[bytes, bytes]]]
_known: dict[int, tuple[Consumer | None, _Lines]] = {}
"""By the consumer's identity as an object: hashing its fields would cost more than making the lines."""


def tell_service(edits: RequestEdits, identity: Identity) -> None:
    """Set the headers of an identity: its consumer, its credential, whether it is the anonymous one."""
    consumer = identity.consumer
    known = _known.get(id(consumer))
    if known is None or known[0] is not consumer:
        known = consumer, _lines_of(consumer)
        if len(_known) >= _KNOWN_LIMIT:
            _known.clear()
        _known[id(consumer)] = known
    changed = edits.changed
    changed.update(known[1])
    credential = identity.credential
    if credential is not None and credential.identifier:
        value = header_value(credential.identifier)
        changed[b"x-credential-identifier"] = [(b"X-Credential-Identifier", value)]
    else:
        changed[b"x-credential-identifier"] = []
    changed[b"x-anonymous-consumer"] = [(b"X-Anonymous-Consumer", b"true")] if identity.anonymous else []


def _lines_of(consumer: Consumer | None) -> _Lines:
    lines: _Lines = {}
    for key, name, field in _CONSUMER:
        value = None if consumer is None else getattr(consumer, field)
        lines[key] = [] if not value else [(name, header_value(value))]
    return lines
