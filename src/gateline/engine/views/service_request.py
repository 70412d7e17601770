"""The request that goes to the service, as plugins see and change it."""

from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urlencode

from gateline.engine import watching
from gateline.engine.edits import header_key, header_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateline.engine.edits import RequestEdits
    from gateline.engine.exchange import Exchange
    from gateline.pdk.answers import HeaderValues
    from gateline.pdk.exchange import Watcher
    from gateline.pdk.header_changes import HeaderChanges

__all__ = ["ServiceRequestView"]

_PATH_SAFE = "/%:@!$&'()*+,;=~-._"
_QUERY_SAFE = "/%:@!$&'()*+,;=~-._?"


class ServiceRequestView:
    """See `gateline.pdk.exchange.ServiceRequestView`."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange

    def _edits(self) -> "RequestEdits":
        run = self._exchange.run
        assert run is not None  # noqa: S101 - plugins run
        edits = run.edits
        return run.request_edits() if edits is None else edits

    # -- reading ---------------------------------------------------------------------------------------------------
    @property
    def method(self) -> str:
        return self._exchange.request.method

    @property
    def path(self) -> str:
        exchange = self._exchange
        run = exchange.run
        if run is not None and run.edits is not None and run.edits.path is not None:
            return run.edits.path.decode("latin-1")
        route = exchange.route
        path = exchange.upstream_path
        if not path:
            path = exchange.path if route is None else route.upstream_path(exchange.match, exchange.path)
        return path.decode("latin-1")

    @property
    def query(self) -> str:
        return self._exchange.request.query

    # -- headers ---------------------------------------------------------------------------------------------------
    def set_header(self, name: str, value: str) -> None:
        edits = self._edits()
        if len(name) == 4 and header_key(name) == b"host":
            edits.host = header_value(value) or None
        else:
            edits.set_line(name, value)

    def add_header(self, name: str, value: str) -> None:
        self._edits().add_line(name, value, self._exchange.head)

    def set_default_headers(self, lines: "Iterable[tuple[str, str]]") -> None:
        self._edits().default_lines(lines, self._exchange.head)

    def change_headers(self, changes: "HeaderChanges") -> None:
        self._edits().change(changes, self._exchange.head)

    def replace_header(self, name: str, value: str) -> None:
        self._edits().replace_line(name, value, self._exchange.head)

    def remove_header(self, name: str) -> None:
        self._edits().remove(name)

    def set_headers(self, headers: "HeaderValues") -> None:
        self._edits().set_lines(headers)
        for name, given in headers.items():
            if header_key(name) == b"host" and not isinstance(given, (list, tuple)):
                self.set_header(name, str(given))

    # -- the line --------------------------------------------------------------------------------------------------
    def set_method(self, method: str) -> None:
        header_key(method)  # a method is a token as a header's name is
        self._edits().method = method.encode()

    def set_path(self, path: str) -> None:
        if not path.startswith("/"):
            raise ValueError(f"a path begins with a slash: {path!r}")
        self._edits().path = quote(path, safe=_PATH_SAFE).encode()

    def set_query(self, query: str) -> None:
        self._edits().query = quote(query, safe=_QUERY_SAFE).encode()

    def set_query_args(self, args: list[tuple[str, str]]) -> None:
        self._edits().query = urlencode(args, quote_via=quote, safe="").encode()

    # -- the body --------------------------------------------------------------------------------------------------
    def set_body(self, body: bytes, content_type: str | None = None) -> None:
        edits = self._edits()
        edits.body = body
        if content_type is not None:
            edits.set_line("Content-Type", content_type)

    # -- where it goes ---------------------------------------------------------------------------------------------
    def set_scheme(self, scheme: Literal["http", "https"]) -> None:
        if scheme not in ("http", "https"):
            raise ValueError(f"not a scheme: {scheme!r}")
        self._edits().scheme = scheme
        self._direct()

    def set_target(self, host: str, port: int) -> None:
        if not 0 < port < 65536:
            raise ValueError(f"not a port: {port!r}")
        header_value(host)
        edits = self._edits()
        edits.place = (host, port)
        self._direct()

    def set_upstream(self, name: str) -> None:
        edits = self._edits()
        before = edits.place
        edits.place = (name, None)
        try:
            self._direct()
        except ValueError:
            edits.place = before
            raise

    def _direct(self) -> None:
        """Find the destination again, of what has been said so far."""
        exchange = self._exchange
        edits = self._edits()
        service = exchange.service
        if service is None:
            raise ValueError("there is no service before routing, and none of a route without one")
        edits.destination = exchange.proxy.destinations.find(service.entity, edits.scheme, edits.place)

    def set_timeouts(
        self, *, connect: float | None = None, read: float | None = None, write: float | None = None
    ) -> None:
        edits = self._edits()
        for given in (connect, read, write):
            if given is not None and not 0 < given < 2**31:
                raise ValueError(f"not a timeout in seconds: {given!r}")
        edits.connect_timeout = edits.connect_timeout if connect is None else connect
        edits.read_timeout = edits.read_timeout if read is None else read
        edits.write_timeout = edits.write_timeout if write is None else write

    def set_retries(self, retries: int) -> None:
        if not 0 <= retries < 32768:
            raise ValueError(f"not a number of retries: {retries!r}")
        self._edits().retries = retries

    def watch(self, watcher: "Watcher | None") -> None:
        run = self._exchange.run
        assert run is not None  # noqa: S101 - plugins run
        if watcher is not None:
            watching.ended(self._exchange, run, whole=False)  # who watched until now
        run.watcher = watcher
