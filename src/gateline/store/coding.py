"""Wire rows as JSON text and back, as the drivers want it."""

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()

decode = msgspec.json.Decoder().decode


def encode(value: Any) -> str:
    """JSON text."""
    return _encoder.encode(value).decode()
