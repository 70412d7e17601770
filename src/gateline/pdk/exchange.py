"""What a plugin sees of a request and its response.

An `Exchange` goes through the phases `rewrite`, `access`, `response`, `header_filter`, `body_filter` and `log`. Its
views are made when they are asked for and cost next to nothing; keep none of them beyond the hook. Text is `str`;
header values are read as Latin-1, as they stand on the wire. Names of headers are taken in any case.
"""
# ruff: noqa: D102 (a property is documented beside it where its name does not say it)

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any, Literal, Protocol

from gateline.entities import Route, Service
from gateline.pdk.answers import Answer, HeaderForm, HeaderValues
from gateline.pdk.header_changes import HeaderChanges
from gateline.pdk.identity import Consumer, Credential, Identity
from gateline.pdk.memory import Memory

__all__ = [
    "Account",
    "Certificates",
    "ClientView",
    "ConnectionView",
    "Exchange",
    "HeadersView",
    "RequestView",
    "ResponseView",
    "RouteView",
    "ServiceRequestView",
    "ServiceResponseView",
    "ServiceView",
    "Watcher",
]


class RouteView(Protocol):
    """The route of a request."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str:
        """Its name, or its id where it has none."""

    @property
    def entity(self) -> Route:
        """The route as it was configured."""


class ServiceView(Protocol):
    """The service of a route."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str:
        """Its name, or its id where it has none."""

    @property
    def entity(self) -> Service:
        """The service as it was configured."""


class HeadersView(Protocol):
    """Headers that can be read."""

    def header(self, name: str) -> str | None:
        """The first value of a header, None when it is absent."""

    def header_values(self, name: str) -> list[str]:
        """All values of a header, a value for each line."""

    def headers(self) -> list[tuple[str, str]]:
        """All header lines in order, names as they came."""


Asked = tuple[bytes, bytes, bytes, int, bytes, bytes | None]
"""Method, scheme, host, port, path and query (None where there is none): to look things up by at little cost."""


class RequestView(HeadersView, Protocol):
    """The client's request. Headers are read as plugins before this one have left them; the rest is as received."""

    @property
    def id(self) -> str:
        """The request id: 32 hexadecimal digits."""

    @property
    def method(self) -> str: ...
    @property
    def scheme(self) -> Literal["http", "https"]: ...
    @property
    def host(self) -> str:
        """The host asked for: lower case, without port."""

    @property
    def port(self) -> int:
        """The port of the listener that the client reached."""

    @property
    def http_version(self) -> str:
        """`1.0` or `1.1`; `2` over HTTP/2."""

    @property
    def path(self) -> str:
        """The path, normalised, without the query."""

    @property
    def raw_path(self) -> str:
        """The path as received, without the query."""

    @property
    def path_with_query(self) -> str:
        """Path and query as received."""

    @property
    def query(self) -> str:
        """The query as received, empty where there is none."""

    @property
    def asked(self) -> Asked:
        """What is asked for, as plugins before this one have left it."""

    @property
    def forwarded_scheme(self) -> str:
        """The scheme that the client used, as a trusted proxy in front tells it; so too what follows."""

    @property
    def forwarded_host(self) -> str: ...
    @property
    def forwarded_port(self) -> int: ...
    @property
    def forwarded_path(self) -> str: ...
    @property
    def forwarded_prefix(self) -> str | None:
        """The part of the path that the route takes away."""

    @property
    def start_time(self) -> float:
        """When its head was complete: seconds since 1970."""

    @property
    def uri_captures(self) -> tuple[tuple[str | None, ...], Mapping[str, str]]:
        """What the groups of the route's path took: all in order, the whole match first; and the named ones."""

    @property
    def content_length(self) -> int | None:
        """The length that the request states, None without one (a chunked body)."""

    @property
    def chunked(self) -> bool:
        """Whether its body comes in chunks."""

    def has_any(self, names: tuple[bytes, ...]) -> bool:
        """Whether there is a header of one of these names, which are bytes in lower case."""

    def query_args(self) -> list[tuple[str, str]]:
        """The decoded arguments of the query, in order; one without a value has an empty one."""

    def query_arg(self, name: str) -> str | None:
        """The first value of an argument."""

    def cookies(self) -> dict[str, str]:
        """The cookies by name; of several of a name, the first."""

    @property
    def body(self) -> bytes | None:
        """The whole body, for hooks of a plugin that said that it reads it (`Plugin.reads_request`).

        None when it is longer than the setting `plugin_body_limit` allows and the plugin lets that pass.
        """

    def limit_body(self, limit: int, refusal: Answer | None = None) -> None:
        """Refuse the request when its body turns out to be longer than so many bytes, counted as it comes. In `access`.

        What is over the limit never reaches the service. The client gets the refusal, 413 unless given, or is cut off
        where an answer has begun already. Of several limits the lowest holds.
        """

    def form(self) -> list[tuple[str, str]] | None:
        """The body's fields, in order, where it is a form (urlencoded or multipart); None where it is none."""

    def json(self) -> Any:
        """The body as JSON. Raises ValueError where it is none."""


class Watcher(Protocol):
    """Sees a service's answer as it comes, before any plugin has a say in it; see `ServiceRequestView.watch`.

    What it raises is logged, and ends it.
    """

    def begun(self, exchange: "Exchange", length: int) -> Answer | None:
        """The head is there (`exchange.service_response`). What is returned takes the answer's place.

        `length` is the body's length in bytes, -1 where only its end will tell.
        """

    def data(self, data: bytes) -> None:
        """A piece of the body. It comes as fast as the client takes it."""

    def ended(self, *, whole: bool) -> None:
        """The last call, whatever became of it: the answer is complete, or there will be no (whole) one."""

    def failed(self, exchange: "Exchange") -> Answer | None:
        """The service gave no answer, after all tries. What is returned takes the error's place."""


class ServiceRequestView(Protocol):
    """The request as it will go to the service. What is set here is what later plugins read in `Exchange.request`."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str:
        """The path that will be asked for, without the query."""

    @property
    def query(self) -> str: ...

    def set_header(self, name: str, value: str) -> None:
        """One line of this name, in place of all that there are. `Host` sets what the service is asked for."""

    def add_header(self, name: str, value: str) -> None:
        """A further line of this name."""

    def set_default_headers(self, lines: Iterable[tuple[str, str]]) -> None:
        """A line for each of these names of which there is none."""

    def change_headers(self, changes: HeaderChanges) -> None:
        """Changes that were prepared: at a fraction of the cost of the single methods."""

    def replace_header(self, name: str, value: str) -> None:
        """One line in place of all that there are, under the name as it came; nothing where there is none."""

    def remove_header(self, name: str) -> None: ...
    def set_headers(self, headers: HeaderValues) -> None: ...
    def set_method(self, method: str) -> None: ...
    def set_path(self, path: str) -> None:
        """The path to ask for, which begins with a slash; what is not allowed in a path is percent-encoded."""

    def set_query(self, query: str) -> None:
        """The query in wire form; empty for none."""

    def set_query_args(self, args: list[tuple[str, str]]) -> None:
        """The query from arguments, which are encoded."""

    def set_body(self, body: bytes, content_type: str | None = None) -> None:
        """Another body in place of the client's; the client's is read and thrown away."""

    def set_scheme(self, scheme: Literal["http", "https"]) -> None:
        """Whether TLS is spoken to the service."""

    def set_target(self, host: str, port: int) -> None:
        """Send this request to a host and port, without balancing."""

    def set_upstream(self, name: str) -> None:
        """Balance this request over another upstream entity. Raises ValueError when there is none of that name."""

    def set_timeouts(
        self, *, connect: float | None = None, read: float | None = None, write: float | None = None
    ) -> None:
        """Timeouts of this request, in seconds."""

    def set_retries(self, retries: int) -> None: ...
    def watch(self, watcher: Watcher | None) -> None:
        """Show the service's answer to a watcher as it comes; None: to nobody any more. One plugin of a request can:
        who watched until then is told that this is the end."""


class ServiceResponseView(HeadersView, Protocol):
    """The service's response as it came. Only once it is there, that is in `response` and later."""

    def kept_lines(self, without: Iterable[str] = ()) -> bytes:
        """Its headers as they may be kept, for a `StoredResponse`: without those of one connection or message and those
        of these names; with the gateway's `Date` and `Server` where it has none."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes | None:
        """The whole body, in `response` only; None elsewhere."""


class ResponseView(HeadersView, Protocol):
    """The response as the client will get it. What is set before there is one is applied when there is."""

    @property
    def status(self) -> int:
        """The status code; 0 before there is one."""

    @property
    def source(self) -> Literal["", "service", "exit", "error"]:
        """Where it comes from: the service, a plugin, an error of the gateway."""

    @property
    def body(self) -> bytes | None:
        """The whole body, in `response` only; None elsewhere."""

    def set_status(self, status: int) -> None: ...
    def set_header(self, name: str, value: str) -> None:
        """One line of this name, in place of all that there are."""

    def add_header(self, name: str, value: str) -> None:
        """A further line of this name."""

    def set_default_headers(self, lines: Iterable[tuple[str, str]]) -> None:
        """A line for each of these names of which there is none."""

    def change_headers(self, changes: HeaderChanges) -> None:
        """Changes that were prepared: at a fraction of the cost of the single methods."""

    def replace_header(self, name: str, value: str) -> None:
        """One line in place of all that there are, under the name as it came; nothing where there is none."""

    def remove_header(self, name: str) -> None: ...
    def set_headers(self, headers: HeaderValues) -> None: ...
    def set_values(self, form: HeaderForm, values: Sequence[str]) -> None:
        """Fill in a form: as `set_header` for each of its lines, with these values for those that have none."""

    def set_body(self, body: bytes, content_type: str | None = None) -> None:
        """Another body, in `response` only."""


class ClientView(Protocol):
    """Who is at the other end of the connection."""

    @property
    def ip(self) -> str:
        """The address at the other end of the connection."""

    @property
    def port(self) -> int: ...
    @property
    def forwarded_ip(self) -> str:
        """The client's address, as a trusted proxy in front tells it."""

    @property
    def forwarded_port(self) -> int: ...
    @property
    def tls(self) -> bool: ...
    @property
    def server_name(self) -> str | None:
        """The name asked for in TLS."""


class ConnectionView(Protocol):
    """The client's connection, at this end."""

    @property
    def server_ip(self) -> str:
        """The address that the client reached."""

    @property
    def server_port(self) -> int:
        """The port that the client reached."""

    @property
    def serial(self) -> int:
        """The connection's number among those of this worker, from 1."""

    @property
    def requests(self) -> int:
        """How many requests have come over it, this one included."""


class Account(Protocol):
    """An exchange in numbers, for whoever counts. In `log` only."""

    @property
    def status(self) -> int:
        """What the client got; 499 where it went before there was an answer."""

    @property
    def source(self) -> str:
        """Where the answer comes from: `service`, `exit` or `error`; see `ResponseView.source`."""

    @property
    def ingress(self) -> int:
        """Bytes of the request: its head, and what came of its body."""

    @property
    def egress(self) -> int:
        """Bytes of the answer, head and body."""

    @property
    def request_ms(self) -> float:
        """Milliseconds from the request's head to the answer's end."""

    @property
    def upstream_ms(self) -> float:
        """Milliseconds until the service's first byte; -1 without one."""

    @property
    def gateway_ms(self) -> float:
        """Milliseconds that were the gateway's own."""


class Exchange(Protocol):
    """A request on its way through the phases, and its response."""

    @property
    def request(self) -> RequestView: ...
    @property
    def service_request(self) -> ServiceRequestView: ...
    @property
    def service_response(self) -> ServiceResponseView: ...
    @property
    def response(self) -> ResponseView: ...
    @property
    def client(self) -> ClientView: ...
    @property
    def connection(self) -> ConnectionView: ...
    @property
    def client_address(self) -> str:
        """`client.forwarded_ip`, for the hurried."""

    @property
    def route(self) -> RouteView | None:
        """The route; None before there is one."""

    @property
    def service(self) -> ServiceView | None:
        """The route's service; None before there is one."""

    @property
    def identity(self) -> Identity | None:
        """Who was authenticated; None before or without authentication."""

    @property
    def consumer(self) -> Consumer | None:
        """The identity's consumer."""

    @property
    def credential(self) -> Credential | None:
        """The identity's credential."""

    def has_any(self, names: tuple[bytes, ...]) -> bool:
        """`request.has_any`, for the hurried."""

    def recall(self, memory: Memory) -> Any:
        """What the plugin remembers of a request that asked for just this: by method, scheme, host, port, path and
        query, the memory's header, route and consumer, as plugins before this one have left them. None where it
        remembers nothing, or cannot: of who was authenticated and is no consumer, or when a plugin set that header."""

    def remember(self, memory: Memory, made: Any) -> None:
        """Remember what was made of the request, which is not None, for requests that ask for the same. It may be
        forgotten at any time."""

    def authenticate(self, identity: Identity) -> None:
        """Say who sends the request. The headers that tell the service are set, those of that name are overwritten.

        From here on the plugins that are configured for this consumer and its groups are in force.
        """

    def ask_service(self, watcher: Watcher, edit: Callable[[ServiceRequestView], None] | None = None) -> None:
        """Ask the service in the background for what this request asks for, whatever becomes of the request itself.

        What goes to the service is what would go there now, and what `edit` makes of it; through the same balancer,
        with the same timeouts and retries. Nobody gets the answer but the watcher. Only for requests without a body.
        """

    @property
    def context(self) -> MutableMapping[Any, Any]:
        """What plugins keep for this exchange: under a word what they share (`kong.ctx.shared`), under the plugin
        instance (`exchange.context[self]`) what is its own."""

    def log_field(self, name: str, value: Any) -> None:
        """Put a field into the exchange's log record; dots lead into records, None takes it out."""

    def logged(self, name: str) -> Any:
        """What `log_field` has last put under this name, None for nothing."""

    def log_record(self) -> dict[str, Any]:
        """What is known of the exchange, in Kong's layout of log records. In `log` only."""

    @property
    def account(self) -> Account:
        """What it came to, in numbers. In `log` only."""

    @property
    def times(self) -> Mapping[str, float]:
        """Seconds: `received` (since 1970), and how long took `request` all of it, `upstream` the service's first byte
        (-1 without one), `gateway` the gateway itself."""


class Certificates(Protocol):
    """A TLS handshake, for the hook `certificate`."""

    @property
    def server_name(self) -> str | None:
        """The name that the client asks for."""

    def use(self, certificate: str, key: str) -> None:
        """Serve this connection with another certificate: its chain and its key, PEM texts.

        Raises ValueError for what is none; a pair that does not fit ends the handshake.
        """

    def refuse(self) -> None:
        """End the handshake."""
