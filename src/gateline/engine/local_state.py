"""Counters, cache, credentials and documents of one process: for tests of plugins, and where nothing is shared."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from gateline.pdk.identity import Consumer, Credential, Identity
from gateline.pdk.node import Period, Reading, Rule, TalliesError, Window
from gateline.sharedstate.quotas import NUMBERS, taken
from gateline.sharedstate.windows import counted

__all__ = [
    "LocalCache",
    "LocalCounters",
    "LocalCredentials",
    "LocalDocuments",
    "LocalFound",
    "LocalSlots",
    "LocalTallies",
]

LIMIT = 100_000


class LocalCounters:
    """See `gateline.pdk.node.Counters`."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._windows: OrderedDict[str, tuple[list[int], float]] = OrderedDict()
        self._quotas: OrderedDict[str, list[int]] = OrderedDict()

    def increment(self, key: str, by: int = 1, *, ttl: float) -> int:
        """The counter's value after it was added to."""
        value, end = self._values.get(key, (0, 0.0))
        now = monotonic()
        if end <= now:
            value, end = 0, now + ttl
        self._put(key, value + by, end)
        return value + by

    def increment_within(self, key: str, limit: int, by: int = 1, *, ttl: float) -> tuple[int, bool]:
        """The counter's value, and whether it was added to."""
        value = self.get(key)
        if value + by > limit:
            return value, False
        return self.increment(key, by, ttl=ttl), True

    def count(self, key: str, windows: Sequence[Window], *, ttl: float) -> tuple[list[int], bool]:
        """The values of the windows, and whether they were added to."""
        stored, end = self._windows.get(key, (None, 0.0))
        now = monotonic()
        if stored is None or end <= now or len(stored) != 1 + 2 * len(windows):
            stored = [0, *(-1, 0) * len(windows)]
        after, values, added = counted(stored, windows)
        if added and any(by for _, _, by in windows):
            self._windows[key] = after, now + ttl
            if len(self._windows) > LIMIT:
                self._windows.popitem(last=False)
        return values, added

    def take(
        self, key: str, rules: Sequence[Rule], cost: int, *, now: int, always: bool = False
    ) -> tuple[list[Reading], bool]:
        """How the quotas stand, and whether it was taken."""
        size = 1 + NUMBERS * len(rules)
        stored = self._quotas.get(key)
        before = stored if stored is not None and len(stored) == size else [0] * size
        after, readings, took, _ = taken(before, rules, cost, now, always)
        if cost:
            self._quotas[key] = after
            if len(self._quotas) > LIMIT:
                self._quotas.popitem(last=False)
        return readings, took

    def get(self, key: str) -> int:
        """The counter's value."""
        value, end = self._values.get(key, (0, 0.0))
        return value if end > monotonic() else 0

    def remove(self, key: str) -> None:
        """Forget a counter."""
        self._values.pop(key, None)

    def _put(self, key: str, value: int, end: float) -> None:
        self._values[key] = value, end
        if len(self._values) > LIMIT:
            self._values.popitem(last=False)


class LocalTallies:
    """See `gateline.pdk.node.Tallies`. `error`, where it is set, is why the database cannot be asked."""

    def __init__(self) -> None:
        self.error: str | None = None
        self.values: dict[tuple[str, str, int], int] = {}

    async def count(self, key: str, periods: Sequence[Period]) -> tuple[list[int], bool]:
        """The values of the periods, and whether they were added to."""
        if self.error is not None:
            raise TalliesError(self.error)
        rows = [(key, period.name, period.began) for period in periods]
        added = all(
            self.values.get(row, 0) < period.limit for row, period in zip(rows, periods, strict=True) if period.by
        )
        if added:
            for row, period in zip(rows, periods, strict=True):
                self.values[row] = self.values.get(row, 0) + period.by
        return [self.values.get(row, 0) for row in rows], added


class LocalSlots:
    """See `gateline.pdk.node.Slots`."""

    def __init__(self) -> None:
        self._inside: dict[str, int] = {}

    def enter(self, key: str, limit: int) -> tuple[int, bool]:
        """How many places are taken, and whether one was."""
        inside = self._inside.get(key, 0)
        if inside >= limit:
            return inside, False
        self._inside[key] = inside + 1
        return inside + 1, True

    def leave(self, key: str) -> None:
        """Give a place back."""
        inside = self._inside.pop(key, 0) - 1
        if inside > 0:
            self._inside[key] = inside

    def inside(self, key: str) -> int:
        """How many places are taken."""
        return self._inside.get(key, 0)


class LocalCache:
    """See `gateline.pdk.node.Cache`."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, tuple[bytes, float]] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """A value whose time is not over."""
        value, end = self._values.get(key, (b"", 0.0))
        return value if end > monotonic() else None

    def put(self, key: str, value: bytes, *, ttl: float) -> None:
        """Keep a value."""
        self._values[key] = value, monotonic() + ttl
        if len(self._values) > LIMIT:
            self._values.popitem(last=False)

    def remove(self, key: str) -> None:
        """Forget a value."""
        self._values.pop(key, None)


class LocalDocuments:
    """See `gateline.pdk.documents.Documents`. `fetch`, where it is set, is asked when one is to be renewed."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.fetch: Callable[[str], Awaitable[bytes | None]] | None = None

    def get(self, url: str) -> bytes | None:
        """The document."""
        return self.bodies.get(url)

    def renewable(self, url: str) -> bool:  # noqa: ARG002 - as in the kit
        """Whether there is somebody to ask."""
        return self.fetch is not None

    async def renew(self, url: str) -> None:
        """Fetch it."""
        if self.fetch is not None and (body := await self.fetch(url)) is not None:
            self.bodies[url] = body


class LocalFound:
    """See `gateline.pdk.node.Found`."""

    __slots__ = ("consumer", "end", "fields", "id", "kind")

    def __init__(self, kind: str, fields: Mapping[str, Any], consumer: Consumer | None) -> None:
        self.kind = kind
        self.id: str = fields["id"]
        self.end: float = fields.get("expires_at") or 0.0
        self.fields = fields
        self.consumer = consumer

    def identity(self, identifier: str | None = None) -> Identity:
        """Whom it proves."""
        of = self.consumer.id if self.consumer else None
        return Identity(self.consumer, Credential(self.id, identifier or self.id, self.kind, of, self.fields))


class LocalCredentials:
    """See `gateline.pdk.node.Credentials`."""

    def __init__(self) -> None:
        self.consumers: dict[str, Consumer] = {}
        self._entities: dict[str, list[LocalFound]] = {}

    def add(self, kind: str, fields: Mapping[str, Any], consumer: Consumer | None) -> None:
        """Make an entity of a kind known, and its consumer."""
        if consumer is not None:
            self.consumers[consumer.id] = consumer
        self._entities.setdefault(kind, []).append(LocalFound(kind, fields, consumer))

    def remove(self, found: LocalFound) -> None:
        """Forget an entity."""
        self._entities[found.kind].remove(found)

    def get(self, kind: str, id: str) -> LocalFound | None:  # noqa: A002 - as in the kit
        """The entity with an id."""
        return self.find(kind, "id", id)

    def find(self, kind: str, field: str, value: str) -> LocalFound | None:
        """The entity with this value."""
        return next((one for one in self._entities.get(kind, ()) if one.fields.get(field) == value), None)

    def finder(self, kind: str, field: str) -> Callable[[str], LocalFound | None]:
        """The same, for one kind and field."""
        return lambda value: self.find(kind, field, value)

    def of_consumer(self, kind: str, consumer: str) -> list[LocalFound]:
        """The entities of a consumer."""
        return [one for one in self._entities.get(kind, ()) if one.consumer and one.consumer.id == consumer]

    def consumer(self, id: str) -> Consumer | None:  # noqa: A002 - as in the kit
        """The consumer of an id."""
        return self.consumers.get(id)

    def consumer_with(self, field: str, value: str) -> Consumer | None:
        """The consumer of whom a field has this value."""
        return next((one for one in self.consumers.values() if getattr(one, field) == value), None)

    def consumer_named(self, name: str) -> Consumer | None:
        """The consumer of an id, a username or a custom id."""
        known = self.consumers.get(name)
        everybody = list(self.consumers.values())
        by_username = next((one for one in everybody if one.username == name), None)
        return known or by_username or next((one for one in everybody if one.custom_id == name), None)
