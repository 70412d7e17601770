"""The HTTP/1 codec that this process uses: the compiled one where it could be built, else its twin in plain Python
(also when the environment has GATELINE_PURE_PYTHON). Both have the same interface and say the same about every input;
`COMPILED` tells which one runs."""

import os
from typing import TYPE_CHECKING, Final

from gateline.engine.wire.faults import HeadError
from gateline.engine.wire.kinds import (
    CONTENT_LENGTH,
    DATE,
    EXPECT,
    HOP,
    HOST,
    LATENCY,
    PLAIN,
    REQUEST_ID,
    SERVER,
    TRAILER,
    TRANSFER_ENCODING,
    VIA,
    X_FORWARDED_FOR,
    X_FORWARDED_HOST,
    X_FORWARDED_PATH,
    X_FORWARDED_PORT,
    X_FORWARDED_PREFIX,
    X_FORWARDED_PROTO,
    X_REAL_IP,
)

__all__ = [
    "CHUNKED",
    "COMPILED",
    "CONTENT_LENGTH",
    "DATE",
    "EXPECT",
    "HOP",
    "HOST",
    "LATENCY",
    "NONE",
    "PLAIN",
    "REQUEST_ID",
    "SERVER",
    "TRAILER",
    "TRANSFER_ENCODING",
    "VIA",
    "X_FORWARDED_FOR",
    "X_FORWARDED_HOST",
    "X_FORWARDED_PATH",
    "X_FORWARDED_PORT",
    "X_FORWARDED_PREFIX",
    "X_FORWARDED_PROTO",
    "X_REAL_IP",
    "ChunkedDecoder",
    "HeadError",
    "Limits",
    "RequestHead",
    "ResponseHead",
    "header_line",
    "joined",
    "kind_of",
    "parse_request",
    "parse_response",
]

NONE: Final = -1
"""`head.length` without Content-Length and Transfer-Encoding."""
CHUNKED: Final = -2
"""`head.length` of a chunked body."""

COMPILED: bool

if TYPE_CHECKING:
    from gateline.engine.wire._codec import (
        ChunkedDecoder,
        Limits,
        RequestHead,
        ResponseHead,
        header_line,
        joined,
        kind_of,
        parse_request,
        parse_response,
    )
else:
    if os.environ.get("GATELINE_PURE_PYTHON"):
        from gateline.engine.wire import _pycodec as chosen
    else:
        try:
            from gateline.engine.wire import _codec as chosen
        except ImportError:
            from gateline.engine.wire import _pycodec as chosen
    COMPILED = chosen.__name__.endswith("._codec")
    ChunkedDecoder = chosen.ChunkedDecoder
    Limits = chosen.Limits
    RequestHead = chosen.RequestHead
    ResponseHead = chosen.ResponseHead
    header_line = chosen.header_line
    joined = chosen.joined
    kind_of = chosen.kind_of
    parse_request = chosen.parse_request
    parse_response = chosen.parse_response
