"""What a plugin has of the process that it runs in: look-ups, entities that it writes, shared state, an HTTP client,
timers, metrics."""
# ruff: noqa: D102

import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from gateline.entities import Entity
from gateline.pdk.answers import HeaderValues
from gateline.pdk.documents import Documents
from gateline.pdk.identity import Consumer, Identity
from gateline.pdk.shelf import Shelf

__all__ = [
    "Cache",
    "Counters",
    "Credentials",
    "Entities",
    "EntitiesError",
    "Found",
    "HttpClient",
    "HttpError",
    "HttpResponse",
    "Metric",
    "Node",
    "Period",
    "Place",
    "Reading",
    "Rule",
    "Series",
    "Slots",
    "Tallies",
    "TalliesError",
    "Window",
]


class Found(Protocol):
    """A credential that was looked up. Shared between requests: never change it."""

    @property
    def id(self) -> str: ...
    @property
    def end(self) -> float:
        """When it is over, in seconds since 1970; 0 is never."""

    @property
    def consumer(self) -> Consumer | None:
        """Whose it is; None for entities that belong to no consumer, and where the consumer is gone."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """The entity's fields that are set, without timestamps. Secrets are in the clear; those that are only ever
        compared are not there."""

    def identity(self, identifier: str | None = None) -> Identity:
        """Whom the credential proves: its consumer; made once, with the identifier of the first call (its id)."""


class Credentials(Protocol):
    """Consumers and the entities that plugins bring, of which there may be many: they live once a node.

    A look-up costs about a microsecond, or less for what was found lately. A change is seen as soon as its write has
    been answered.
    """

    def find(self, kind: str, field: str, value: str) -> Found | None:
        """The entity of a kind whose unique field has this value (`keyauth_credentials`, `key`)."""

    def finder(self, kind: str, field: str) -> Callable[[str], Found | None]:
        """`find` for one kind and field, for those who look up on every request: it costs a third."""

    def get(self, kind: str, id: str) -> Found | None:  # noqa: A002 - the field's name
        """The entity of a kind with an id."""

    def of_consumer(self, kind: str, consumer: str) -> Sequence[Found]:
        """The entities of a kind that belong to a consumer, given by its id."""

    def consumer(self, id: str) -> Consumer | None:  # noqa: A002 - the field's name
        """The consumer of an id."""

    def consumer_with(self, field: str, value: str) -> Consumer | None:
        """The consumer whose `username`, or `custom_id`, this is."""

    def consumer_named(self, name: str) -> Consumer | None:
        """The consumer of an id, a username or a custom id, looked for in this order."""


Window = tuple[int, int, int]
"""A window's number, its limit, and what to add to it."""


Rule = tuple[int, int, int, bool]
"""A quota: how it is measured, its size, nanoseconds, and whether what it refuses counts too (sliding windows only).

0, windows aligned to the clock: what each allows, and their length. 1, the same, and what was taken in the window
before counts for the part of it that a window which ends now would cover. 2, a bucket: what it holds, and the time in
which it gets one more.
"""

Reading = tuple[int, int, int]
"""What is left of a quota, nanoseconds until its window is over (the bucket is full), and until what was refused could
be taken if nobody else took anything."""

Place = tuple[str, str, str]
"""Where an entity is found: its kind, one of its unique fields (or `id`), and the value of that."""


class EntitiesError(Exception):
    """What a plugin wants to write cannot be written, now or at all; nothing was written. The message says why."""


class Entities(Protocol):
    """The entities of the plugin's own kinds (`Plugin.entities`), for hooks that make some or do away with them.

    A write is in force in every worker of the node when it returns. With a database it is stored there, and other nodes
    follow. On a node without one it is kept in the memory of the node until the entity is over, room is needed or the
    node ends; what a file declares cannot be changed there. `get` and `find` see both; `Node.credentials` does not see
    what is only in memory.
    """

    def find(self, kind: str, field: str, value: str) -> Found | None:
        """The entity of a kind whose unique field has this value."""

    def get(self, kind: str, id: str) -> Found | None:  # noqa: A002 - the field's name
        """The entity of a kind with an id."""

    async def insert(self, entity: Entity, *, instead_of: Place | None = None) -> bool:
        """Add an entity; with `instead_of`, take another one away for it, or (with the same id) replace it.

        False, and nothing happens, when that one is not found there any more: of several who want it one gets it.
        Raises EntitiesError.
        """

    async def delete(self, place: Place) -> bool:
        """Take an entity away; False when there is none, as above. Raises EntitiesError."""


class Counters(Protocol):
    """Numbers that all workers of the node share, each change atomic. When there are too many the oldest go."""

    def increment(self, key: str, by: int = 1, *, ttl: float) -> int:
        """Add to a counter, which begins at 0 and ends `ttl` seconds after its first increment; its new value."""

    def increment_within(self, key: str, limit: int, by: int = 1, *, ttl: float) -> tuple[int, bool]:
        """Add to a counter unless it would go over the limit; its value now, and whether it was added."""

    def count(self, key: str, windows: Sequence[Window], ttl: float) -> tuple[list[int], bool]:
        """Add to several windows of time at once, unless one that would be added to has reached its limit.

        All of them, or none; gives their values now, and whether they were added to. A window's number grows by one
        from each to the next (the minutes since 1970, say); the values of an earlier one are gone with the first look
        at a later one, and what is given back (less than 0 is added) to the one before it is void. A key has always as
        many windows, in one order. With nothing to add the values are only read.
        `ttl`: seconds until the longest window is over.
        """

    def take(
        self, key: str, rules: Sequence[Rule], cost: int, *, now: int, always: bool = False
    ) -> tuple[list[Reading], bool]:
        """Take from several quotas at once when each has so much left; how they stand then, and whether it was taken.

        From all of them, or from none (but a quota that counts what it refuses). `now` is in nanoseconds since 1970.
        With `always` it is taken whatever is left, and may be negative: some is given back. Cost 0 takes nothing, and
        tells whether 1 could be taken. A key has always as many quotas of the same kinds, in one order.
        """

    def get(self, key: str) -> int:
        """A counter's value, 0 where there is none."""

    def remove(self, key: str) -> None: ...


class Period(NamedTuple):
    """A period of time in the database: its name (`minute`), when it began and when it may be forgotten (seconds since
    1970), how much is allowed in it, and what to add."""

    name: str
    began: int
    ends: int
    limit: int
    by: int


class TalliesError(Exception):
    """The database cannot be asked; it is not known whether something was counted. The message says why."""


class Tallies(Protocol):
    """Numbers in the database, which all nodes that share it share: each count is a round trip and exact."""

    async def count(self, key: str, periods: Sequence[Period]) -> tuple[list[int], bool]:
        """Add to all periods of a key, unless one that would be added to has reached its limit; all of them or none.

        Gives their values now, and whether they were added to. With nothing to add the values are only read. Raises
        TalliesError.
        """


class Slots(Protocol):
    """Places that all workers of the node share, by key; each taken by one worker, and free again when that dies."""

    def enter(self, key: str, limit: int) -> tuple[int, bool]:
        """Take a place where fewer than `limit` are taken; how many are taken then, and whether one was."""

    def leave(self, key: str) -> None:
        """Give a place back that this worker has taken."""

    def inside(self, key: str) -> int:
        """How many places are taken."""


class Cache(Protocol):
    """Values that all workers of the node share, until their time is over or there is no room."""

    def get(self, key: str) -> bytes | None: ...
    def put(self, key: str, value: bytes, *, ttl: float) -> None: ...
    def remove(self, key: str) -> None: ...


class HttpError(Exception):
    """No (whole) response came: `reason` is one of connect, timeout, tls, name, response, limit."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class HttpResponse(Protocol):
    """A response that came whole."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...
    def header(self, name: str) -> str | None: ...
    def headers(self) -> list[tuple[str, str]]: ...
    def json(self) -> Any:
        """The body as JSON. Raises ValueError where it is none."""


class HttpClient(Protocol):
    """Requests to other servers, over connections that are kept and shared by all plugins of the worker."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: HeaderValues | None = None,
        body: bytes | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        timeout: float = 10.0,  # noqa: ASYNC109 - part of what is asked for
        verify: bool = True,
        limit: int = 1024 * 1024,
    ) -> HttpResponse:
        """Send one request and give its whole response.

        One of `body`, `json` and `form` at most. `timeout` in seconds for everything together; `limit` in bytes of the
        response's body. Redirects are not followed. Raises HttpError; ValueError for a URL that is none.
        """


class Series(Protocol):
    """One metric with one combination of labels: what a hook keeps and counts with, at the cost of a store."""

    def add(self, value: float = 1.0) -> None:
        """Add to a counter or gauge, or observe a value (histogram)."""

    def set(self, value: float) -> None:
        """Set a gauge."""


class Metric(Protocol):
    """A metric, by the values of its labels. `/metrics` shows the sum over the workers of the node, of gauges too
    unless they say otherwise.

    What a counter or histogram has counted stays when a worker dies, as long as the node lives. A metric holds 100,000
    combinations of labels; what comes when there are more is counted together. Values longer than 256 characters are
    cut.
    """

    def labels(self, **labels: str) -> Series:
        """The handle of a combination of labels, to be kept. Raises ValueError for a label that the metric does not
        have."""

    def add(self, value: float = 1.0, /, **labels: str) -> None:
        """Add to a counter or gauge, or observe a value (histogram)."""

    def set(self, value: float, /, **labels: str) -> None:
        """Set a gauge."""


class Node(Protocol):
    """What the worker offers to plugins."""

    @property
    def id(self) -> str:
        """The node's id, a UUID."""

    @property
    def worker(self) -> int:
        """The worker's number, from 0."""

    @property
    def credentials(self) -> Credentials: ...
    @property
    def entities(self) -> Entities: ...
    @property
    def counters(self) -> Counters: ...
    @property
    def tallies(self) -> Tallies: ...
    @property
    def slots(self) -> Slots: ...
    @property
    def cache(self) -> Cache: ...
    @property
    def documents(self) -> Documents: ...
    @property
    def http(self) -> HttpClient: ...

    def shelf(self, name: str, *, limit: int, durable: bool = False) -> Shelf:
        """The shelf of a name, of so many bytes: in shared memory, or `durable`: on disk, where it outlives the node.

        All plugins that name it share it; the limit of who asks first holds. Raises ValueError when there is no room.
        """

    def background(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine beside what is under way. What it raises is logged; it is cancelled with the plugin's end, by
        when it has begun."""

    def trusts(self, address: str) -> bool:
        """Whether an address is a trusted proxy's (`trusted_ips`)."""

    def time(self) -> float:
        """Seconds since 1970."""

    def every(self, seconds: float, call: Callable[[], Awaitable[None] | None]) -> Callable[[], None]:
        """Call a function again and again, each time so many seconds after it has ended; gives what stops it.

        What it raises is logged. It stops by itself when the plugin that asked for it is closed.
        """

    def when_closed(self, call: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have a coroutine function run when the plugin is not in force any more."""

    def counter(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Metric:
        """The metric of a name, made when it is asked for first; its name ends in `_total` by custom.

        `labels`: names of its labels, in the order in which they are shown; without, any are taken. Raises ValueError
        for a name that is none or is taken by a metric of another kind, or when there are 2000 metrics.
        """

    def gauge(self, name: str, description: str, labels: tuple[str, ...] = (), *, largest: bool = False) -> Metric:
        """`largest`: the node shows the largest of the workers' numbers, not their sum."""

    def histogram(
        self, name: str, description: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()
    ) -> Metric:
        """`buckets`: upper bounds, 200 at most."""

    def tls_context(self, *, verify: bool) -> ssl.SSLContext:
        """What a connection to another server begins TLS with: checked against the authorities that the operator trusts
        (`lua_ssl_trusted_certificate`), the name included, or not at all. Shared by all: never change it."""

    def setting(self, name: str) -> Any:
        """The value of a setting of gateline.conf. Raises KeyError for a name that there is not."""

    def close(self) -> None:
        """End what runs in the background for the plugin; called when it is not in force any more."""
