"""HTTP/1.1 as the tests read it: strict, slow, and independent of the gateway's codec, so that the one can judge the
other. `parse_request` and `parse_response` take one message off the front of some bytes; what is not exactly one
unambiguous message is `MalformedError`."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

__all__ = ["Headers", "MalformedError", "Request", "Response", "parse_request", "parse_requests", "parse_response"]

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([!-~]+) HTTP/1\.1")
_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-9][0-9][0-9]) ([\t -~\x80-\xff]*)")
_HEADER = re.compile(rb"(" + _TOKEN + rb"):[ \t]*([!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?|)[ \t]*")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})")
_BODILESS = (204, 304)


class MalformedError(Exception):
    """Bytes that are no unambiguous HTTP/1.1 message."""


class Headers:
    """Header lines in their order; names as they were sent, looked up without regard to case."""

    def __init__(self, lines: Iterable[tuple[str, str]] = ()) -> None:
        self.lines = list(lines)

    def all(self, name: str) -> list[str]:
        """Every value of `name`."""
        return [value for key, value in self.lines if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        """The value of `name`, which must not be there twice."""
        found = self.all(name)
        assert len(found) <= 1, f"{name} is there {len(found)} times: {found}"
        return found[0] if found else None

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        assert value is not None, f"no {name} among {[key for key, _ in self.lines]}"
        return value

    def __contains__(self, name: str) -> bool:
        return bool(self.all(name))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.lines)

    def __repr__(self) -> str:
        return f"Headers({self.lines!r})"


@dataclass
class Request:
    """A request that an upstream got."""

    method: str
    target: str
    headers: Headers
    body: bytes = b""
    trailers: Headers = field(default_factory=Headers)
    chunked: bool = False
    size: int = 0
    """Bytes that it took."""


@dataclass
class Response:
    """An answer that a client got, with the informational ones that came before it."""

    status: int
    reason: str
    headers: Headers
    body: bytes = b""
    trailers: Headers = field(default_factory=Headers)
    chunked: bool = False
    size: int = 0
    interim: list["Response"] = field(default_factory=list)

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection may be used again."""
        return (self.headers.get("connection") or "").lower() != "close"


def parse_requests(data: bytes) -> tuple[list[Request], bytes]:
    """All whole requests at the front of `data`, and what is left (the beginning of one, if anything)."""
    requests: list[Request] = []
    while data and (request := parse_request(data)) is not None:
        requests.append(request)
        data = data[request.size :]
    return requests, data


def parse_request(data: bytes) -> Request | None:
    """The request at the front of `data`; None while it is incomplete. Raises MalformedError."""
    head = _head(data)
    if head is None:
        return None
    start, headers, at = head
    line = _REQUEST_LINE.fullmatch(start)
    if line is None:
        raise MalformedError(f"request line {start!r}")
    if len(headers.all("host")) != 1:
        raise MalformedError(f"Host headers {headers.all('host')}")
    request = Request(line[1].decode(), line[2].decode(), headers)
    length = _framing(headers)
    if length == "chunked":
        body = _chunks(data, at)
        if body is None:
            return None
        request.body, request.trailers, request.size = body
        request.chunked = True
    else:
        size = int(length or 0)
        if len(data) < at + size:
            return None
        request.body, request.size = data[at : at + size], at + size
    return request


def parse_response(data: bytes, *, method: str = "GET", closed: bool = False) -> Response | None:
    """The final answer at the front of `data`; None while it is incomplete. `closed`: nothing more will come.

    Raises MalformedError, also for an answer that the close has cut off.
    """
    response = _parse_response(data, method, closed)
    if response is None and closed:
        raise MalformedError(f"cut off: {data[-200:]!r}")
    return response


def _parse_response(data: bytes, method: str, closed: bool) -> Response | None:
    head = _head(data)
    if head is None:
        return None
    start, headers, at = head
    line = _STATUS_LINE.fullmatch(start)
    if line is None:
        raise MalformedError(f"status line {start!r}")
    status = int(line[1])
    response = Response(status, line[2].decode("latin-1"), headers, size=at)
    if status == 101:
        return response
    if status < 200:
        final = _parse_response(data[at:], method, closed)
        if final is not None:
            final.interim.insert(0, response)
            final.size += at
        return final
    length = _framing(headers)
    if method == "HEAD" or status in _BODILESS:
        return response
    if length == "chunked":
        body = _chunks(data, at)
        if body is None:
            return None
        response.body, response.trailers, response.size = body
        response.chunked = True
    elif length is not None:
        size = int(length)
        if len(data) < at + size:
            return None
        response.body, response.size = data[at : at + size], at + size
    elif closed:
        response.body, response.size = data[at:], len(data)
    else:
        return None
    return response


def _head(data: bytes) -> tuple[bytes, Headers, int] | None:
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    start, *lines = data[:end].split(b"\r\n")
    return start, _headers(lines), end + 4


def _headers(lines: list[bytes]) -> Headers:
    headers = []
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise MalformedError(f"header line {line!r}")
        headers.append((match[1].decode(), match[2].decode("latin-1")))
    return Headers(headers)


def _framing(headers: Headers) -> str | None:
    """`chunked`, the length as text, or None."""
    lengths, codings = headers.all("content-length"), headers.all("transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise MalformedError(f"Content-Length {lengths} and Transfer-Encoding {codings}")
    if codings:
        if codings != ["chunked"]:
            raise MalformedError(f"Transfer-Encoding {codings}")
        return "chunked"
    if lengths and not re.fullmatch(r"[0-9]{1,19}", lengths[0]):
        raise MalformedError(f"Content-Length {lengths}")
    return lengths[0] if lengths else None


def _chunks(data: bytes, at: int) -> tuple[bytes, Headers, int] | None:
    """Body, trailers and where it ends."""
    body = b""
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            return None
        size = _CHUNK.fullmatch(data[at:end])
        if size is None:
            raise MalformedError(f"chunk size {data[at:end]!r}")
        length = int(size[1], 16)
        at = end + 2
        if not length:
            break
        if len(data) < at + length + 2:
            return None
        if data[at + length : at + length + 2] != b"\r\n":
            raise MalformedError("chunk without an end")
        body += data[at : at + length]
        at += length + 2
    if data[at : at + 2] == b"\r\n":
        return body, Headers(), at + 2
    end = data.find(b"\r\n\r\n", at)
    if end < 0:
        return None
    return body, _headers(data[at:end].split(b"\r\n")), end + 4
