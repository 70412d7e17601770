"""Every way in which a head or a chunked body can be wrong: the status that a client gets for it and the words for the
log. Both codecs raise from this table, so that they cannot say different things. Whatever an upstream does wrong is a
502, since the client has no part in it."""

from dataclasses import dataclass
from typing import Final


class HeadError(Exception):
    """Bytes that are not an acceptable head or chunked body; the connection that they came from must be closed.

    `status` is what the gateway answers (400, 414, 431, 501, 505; 502 for an upstream), `reason` a phrase for the log.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of violation: `status` is for requests."""

    reason: str
    status: int = 400

    def error(self, response: bool) -> HeadError:
        """The exception to raise for a request, or for a response (always 502)."""
        return HeadError(502 if response else self.status, self.reason)


REQUEST_LINE_TOO_LONG: Final = Fault("request line over the limit", 414)
STATUS_LINE_TOO_LONG: Final = Fault("status line over the limit")
HEADER_TOO_LONG: Final = Fault("header line or head over the limit", 431)
TOO_MANY_HEADERS: Final = Fault("more headers than the limit", 431)
BARE_CR: Final = Fault("CR without LF")
BARE_LF: Final = Fault("LF without CR")

BAD_METHOD: Final = Fault("method is not a token of at most 32 bytes followed by one space")
CONNECT_REFUSED: Final = Fault("CONNECT is not for a reverse proxy")
BAD_TARGET: Final = Fault("invalid byte in the request target")
BAD_FORM: Final = Fault("request target is neither a path nor an http or https URL")
BAD_AUTHORITY: Final = Fault("authority of the request target is not host[:port]")
BAD_VERSION: Final = Fault("HTTP version is misspelt")
UNSUPPORTED_VERSION: Final = Fault("HTTP version is not 1.0 or 1.1", 505)
BAD_STATUS: Final = Fault("status is not three digits from 100")
BAD_REASON: Final = Fault("invalid byte in the status line")

FOLDED: Final = Fault("header line begins with white space")
SPACE_BEFORE_COLON: Final = Fault("white space before the colon of a header")
BAD_NAME: Final = Fault("header name is not a token followed by a colon")
BAD_VALUE: Final = Fault("control character in a header value")

NO_HOST: Final = Fault("no Host header")
REPEATED_HOST: Final = Fault("more than one Host header")
BAD_HOST: Final = Fault("Host is not host[:port]")
REPEATED_LENGTH: Final = Fault("more than one Content-Length header")
BAD_LENGTH: Final = Fault("Content-Length is not a number below 2**63")
REPEATED_CODING: Final = Fault("more than one Transfer-Encoding header, or chunked twice")
BAD_CODING: Final = Fault("Transfer-Encoding is not a list of tokens")
UNKNOWN_CODING: Final = Fault("transfer coding other than chunked", 501)
CODING_IN_1_0: Final = Fault("Transfer-Encoding in HTTP/1.0")
LENGTH_AND_CODING: Final = Fault("both Content-Length and Transfer-Encoding")
TOO_MANY_OPTIONS: Final = Fault("more than 64 options in Connection")

BAD_CHUNK_SIZE: Final = Fault("chunk size is not a hexadecimal number below 2**63")
BAD_CHUNK_EXTENSION: Final = Fault("invalid chunk extension")
CHUNK_LINE_TOO_LONG: Final = Fault("chunk line, or all chunk extensions together, over the limit")
BAD_CHUNK_END: Final = Fault("chunk is not followed by CR LF")
BAD_TRAILER: Final = Fault("trailer that frames or routes a message")
