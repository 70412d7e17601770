"""The catalogue of everything that can go wrong with an exchange, and how each is answered.

An error has a source (client, upstream or the gateway itself), a status, a message and a retry verdict; the answer, the
retry decision, the metric label and the log line all derive from it. Messages are Kong's (its error templates). The
body's format follows the client's Accept header, else its Content-Type, else the setting `error_default_type`.
"""

from dataclasses import dataclass
from enum import Enum
from html import escape

__all__ = [
    "CATALOGUE",
    "JSON_TYPE",
    "ErrorBody",
    "ErrorTemplates",
    "Failure",
    "Retry",
    "Source",
    "for_refused_head",
    "message_for_status",
]


class Source(Enum):
    """Who caused an error."""

    CLIENT = "client"
    UPSTREAM = "upstream"
    GATEWAY = "gateway"


class Retry(Enum):
    """Whether another try is safe: the request never left, it may have been acted on, or trying again is pointless."""

    NOT_SENT = "not sent"
    MAYBE_SENT = "maybe sent"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Failure:
    """One kind of failure: its name for logs and metrics, and what the client is told."""

    name: str
    source: Source
    status: int
    message: str
    retry: Retry = Retry.NEVER
    json: bool = False
    """Answered in JSON where the client names no type (Kong's own errors; those of its proxy module are text)."""


_INVALID_RESPONSE = "An invalid response was received from the upstream server"
_TIMING_OUT = "The upstream server is timing out"


class CATALOGUE:
    """Every failure that the engine answers."""

    BAD_REQUEST = Failure("bad_request", Source.CLIENT, 400, "Bad request")
    HEADER_TOO_LARGE = Failure("header_too_large", Source.CLIENT, 400, "Request header or cookie too large")
    URI_TOO_LONG = Failure("uri_too_long", Source.CLIENT, 414, "URI too long")
    METHOD_NOT_ALLOWED = Failure("method_not_allowed", Source.CLIENT, 405, "Method not allowed")
    REQUEST_TIMEOUT = Failure("request_timeout", Source.CLIENT, 408, "Request timeout")
    PAYLOAD_TOO_LARGE = Failure("payload_too_large", Source.CLIENT, 413, "Payload too large")
    EXPECTATION_FAILED = Failure("expectation_failed", Source.CLIENT, 417, "Expectation failed")
    NOT_IMPLEMENTED = Failure("not_implemented", Source.CLIENT, 501, "Not implemented")
    VERSION_NOT_SUPPORTED = Failure("version_not_supported", Source.CLIENT, 505, "HTTP version not supported")

    NO_ROUTE = Failure("no_route", Source.GATEWAY, 404, "no Route matched with those values", json=True)
    NO_SERVICE = Failure("no_service", Source.GATEWAY, 503, "no Service found with those values", json=True)
    USE_HTTPS = Failure("use_https", Source.CLIENT, 426, "Please use HTTPS protocol", json=True)
    USE_HTTP2 = Failure("use_http2", Source.CLIENT, 426, "Please use HTTP2 protocol", json=True)
    NOT_GRPC = Failure("not_grpc", Source.CLIENT, 415, "Non-gRPC request matched gRPC route", json=True)
    TOO_MANY_CONNECTIONS = Failure("too_many_connections", Source.GATEWAY, 503, "Service unavailable")
    INTERNAL = Failure("internal", Source.GATEWAY, 500, "An unexpected error occurred")

    NO_TARGET = Failure("no_target", Source.GATEWAY, 503, "failure to get a peer from the ring-balancer", json=True)
    CIRCUIT_OPEN = Failure("circuit_open", Source.GATEWAY, 503, "the circuit breaker is open", json=True)
    LIMIT_REACHED = Failure("limit_reached", Source.GATEWAY, 503, "too much is under way at the upstream", json=True)
    NAME_RESOLUTION = Failure(
        "name_resolution", Source.UPSTREAM, 503, "name resolution failed", Retry.NOT_SENT, json=True
    )
    CONNECT = Failure("connect", Source.UPSTREAM, 502, _INVALID_RESPONSE, Retry.NOT_SENT)
    CONNECT_TIMEOUT = Failure("connect_timeout", Source.UPSTREAM, 504, _TIMING_OUT, Retry.NOT_SENT)
    TLS = Failure("tls", Source.UPSTREAM, 502, _INVALID_RESPONSE, Retry.NOT_SENT)
    RESET = Failure("reset", Source.UPSTREAM, 502, _INVALID_RESPONSE, Retry.MAYBE_SENT)
    READ_TIMEOUT = Failure("read_timeout", Source.UPSTREAM, 504, _TIMING_OUT, Retry.MAYBE_SENT)
    WRITE_TIMEOUT = Failure("write_timeout", Source.UPSTREAM, 504, _TIMING_OUT, Retry.MAYBE_SENT)
    TRY_TIMEOUT = Failure("try_timeout", Source.UPSTREAM, 504, _TIMING_OUT, Retry.MAYBE_SENT)
    DEADLINE = Failure("deadline", Source.GATEWAY, 504, "The request was not answered before its deadline")
    BAD_RESPONSE = Failure("bad_response", Source.UPSTREAM, 502, _INVALID_RESPONSE)


_BY_HEAD_ERROR = {
    400: CATALOGUE.BAD_REQUEST,
    414: CATALOGUE.URI_TOO_LONG,
    431: CATALOGUE.HEADER_TOO_LARGE,
    501: CATALOGUE.NOT_IMPLEMENTED,
    505: CATALOGUE.VERSION_NOT_SUPPORTED,
}


def for_refused_head(status: int) -> Failure:
    """The failure behind the status that the codec refused a request head with."""
    return _BY_HEAD_ERROR.get(status, CATALOGUE.BAD_REQUEST)


_MESSAGES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    407: "Proxy authentication required",
    408: "Request timeout",
    409: "Conflict",
    410: "Gone",
    411: "Length required",
    412: "Precondition failed",
    413: "Payload too large",
    414: "URI too long",
    415: "Unsupported media type",
    416: "Range not satisfiable",
    417: "Expectation failed",
    418: "I'm a teapot",
    421: "Misdirected request",
    422: "Unprocessable entity",
    423: "Locked",
    424: "Failed dependency",
    425: "Too early",
    426: "Upgrade required",
    428: "Precondition required",
    429: "Too many requests",
    431: "Request header fields too large",
    451: "Unavailable for legal reasons",
    500: "An unexpected error occurred",
    501: "Not implemented",
    502: _INVALID_RESPONSE,
    503: "The upstream server is currently unavailable",
    504: _TIMING_OUT,
    505: "HTTP version not supported",
    506: "Variant also negotiates",
    507: "Insufficient storage",
    508: "Loop detected",
    510: "Not extended",
    511: "Network authentication required",
}


def message_for_status(status: int) -> str:
    """Kong's words for a status that comes without a message of its own."""
    return _MESSAGES.get(status, f"The upstream server responded with {status}")


_JSON = '{\n  "message":"%s",\n  "request_id":"%s"\n}'
_HTML = """<!doctype html>
<html>
  <head>
    <meta charset="utf-8">
    <title>Error</title>
  </head>
  <body>
    <h1>Error</h1>
    <p>%s.</p>
    <p>request_id: %s</p>
  </body>
</html>
"""
_XML = """<?xml version="1.0" encoding="UTF-8"?>
<error>
  <message>%s</message>
  <requestid>%s</requestid>
</error>
"""
_PLAIN = "%s\nrequest_id: %s\n"

JSON_TYPE = "application/json"
_GRPC_STATUS = {
    200: 0,
    400: 3,
    401: 16,
    403: 7,
    404: 5,
    409: 6,
    429: 8,
    499: 1,
    500: 13,
    501: 12,
    503: 14,
    504: 4,
}


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """A rendered error: its status, its header lines (each ended by CRLF) and its body."""

    status: int
    headers: bytes
    body: bytes


class ErrorTemplates:
    """Renders errors in the format that a client asks for; the templates may come from the settings.

    A template holds two `%s`: the message and the request id, in this order.
    """

    __slots__ = ("_default", "_templates")

    def __init__(
        self,
        default_type: str = "text/plain",
        *,
        html: str | None = None,
        json: str | None = None,
        xml: str | None = None,
        plain: str | None = None,
    ) -> None:
        self._default = default_type
        self._templates = {
            "text/plain": _pieces(plain or _PLAIN),
            "text/html": _pieces(html or _HTML),
            JSON_TYPE: _pieces(json or _JSON),
            "application/xml": _pieces(xml or _XML),
        }

    def choose(self, accept: bytes | None, content_type: bytes | None, *, json: bool) -> str:
        """The media type of an error's body for these two request headers (either may be absent).

        `*/*` and a type that is not offered give JSON; without Accept the request's own type decides; with neither the
        setting does. With `json`, an error without Accept is JSON, but for gRPC.
        """
        if accept is not None:
            return self._negotiate(accept.decode("latin-1"))
        if content_type is not None:
            kind = content_type.decode("latin-1").split(";", 1)[0].strip().lower()
            if not json or kind.startswith("application/grpc"):
                return self._offered(kind) or JSON_TYPE
        return JSON_TYPE if json else self._default

    def render(self, status: int, message: str, request_id: str, media_type: str) -> ErrorBody:
        """The answer for `status` in `media_type` (one that `choose` gave)."""
        if media_type.startswith("application/grpc"):
            code = _GRPC_STATUS.get(status, 3 if 400 <= status < 500 else 13)
            lines = f"Content-Type: application/grpc\r\ngrpc-status: {code}\r\ngrpc-message: {message}\r\n"
            return ErrorBody(200, lines.encode(), b"")
        before, between, after = self._templates[media_type]
        if media_type == JSON_TYPE:
            message = message.replace("\\", "\\\\").replace('"', '\\"')
        elif media_type != "text/plain":
            message = escape(message)
        body = f"{before}{message}{between}{request_id}{after}".encode()
        return ErrorBody(status, f"Content-Type: {media_type}; charset=utf-8\r\n".encode(), body)

    def _negotiate(self, accept: str) -> str:
        best, best_quality = JSON_TYPE, 0.0
        for part in accept.split(","):
            kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
            offered = self._offered(kind)
            quality = _quality(parameters)
            if offered is not None and quality > best_quality:
                best, best_quality = offered, quality
        return best

    def _offered(self, kind: str) -> str | None:
        if kind in self._templates:
            return kind
        if kind.startswith("application/grpc"):
            return "application/grpc"
        return {"text/*": "text/plain", "text/xml": "application/xml", "application/*": JSON_TYPE}.get(kind)


def _pieces(template: str) -> tuple[str, str, str]:
    """What stands before, between and after the two placeholders (either may be missing)."""
    before, _, rest = template.partition("%s")
    between, _, after = rest.partition("%s")
    return before, between, after


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
