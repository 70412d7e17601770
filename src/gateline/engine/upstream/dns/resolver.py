"""The resolver of a process: names to what they lead to, remembered as long as the answers hold.

Many askers of one name share one look-up. An answer that does not hold any more serves on while the next one is
fetched: who asks waits for the next one for `PATIENCE` at most. When the look-up fails the old answer serves for
`stale_ttl`; when the name servers say that the name is gone, it is gone. Failures are remembered too.

Who keeps connections to a name subscribes to it: the name is looked up again whenever its answer ends, and who has
subscribed is told of other endpoints. Everything happens on the loop but reading the system's files, in a thread.
"""

import asyncio
import logging
from collections.abc import Callable
from ipaddress import ip_address
from time import monotonic

from gateline.engine import tasks
from gateline.engine.upstream.dns.answer import Answer, Endpoint, NameResolutionError, NotFoundError
from gateline.engine.upstream.dns.cache import Cache, Remembered
from gateline.engine.upstream.dns.files import File, ResolverConfiguration, is_address, parse_hosts, parse_resolver
from gateline.engine.upstream.dns.lookup import Ask, Found, candidates, look_up
from gateline.engine.upstream.dns.message import MessageError, Type, name_of
from gateline.engine.upstream.dns.options import Options
from gateline.engine.upstream.dns.servers import NameServers

__all__ = ["Resolver", "Subscription"]

_log = logging.getLogger(__name__)

PATIENCE = 0.25
"""Seconds that an asker waits for a new answer while there is an old one."""
WATCH_INTERVAL = 1.0
"""The least seconds between two look-ups of a name that has subscribers, however short its TTL is."""
FILES_INTERVAL = 5.0
"""Seconds between two looks at the system's files; an answer from the hosts file holds as long."""

Told = Callable[[tuple[Endpoint, ...]], None]
_Outcome = Answer | NameResolutionError


class Subscription:
    """The wish to be told when a name leads elsewhere; `told` gets its endpoints, none when the name is gone."""

    __slots__ = ("_resolver", "host", "told")

    def __init__(self, resolver: "Resolver", host: str, told: Told) -> None:
        self._resolver = resolver
        self.host = host
        self.told = told

    def cancel(self) -> None:
        """Be told no more."""
        self._resolver.unsubscribe(self)


class _Pending:
    __slots__ = ("since", "task")

    def __init__(self, task: "asyncio.Task[_Outcome]", since: float) -> None:
        self.task = task
        self.since = since


class Resolver:
    """Resolves host names. `ask` stands in for the name servers of `options` or of the system."""

    def __init__(self, options: Options | None = None, ask: Ask | None = None) -> None:
        self._options = options = options or Options()
        self._hosts = File(options.hosts, parse_hosts)
        self._system = File(options.system, parse_resolver)
        self._files_read = float("-inf")
        self._reading = asyncio.Lock()
        self._ask = ask or NameServers(lambda: self._configuration).ask
        self._cache = Cache(options.size)
        self._pending: dict[str, _Pending] = {}
        self._subscribers: dict[str, dict[Subscription, tuple[Endpoint, ...]]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._files_timer: asyncio.TimerHandle | None = None

    # -- asking ----------------------------------------------------------------------------------------------------
    async def addresses(self, host: str) -> tuple[str, ...]:
        """All addresses of `host`: itself when it is one. Raises NameResolutionError."""
        return (await self.look_up(host)).addresses

    async def look_up(self, host: str) -> Answer:
        """What a host name leads to; an address leads to itself. Raises NameResolutionError."""
        known = self._cache.get(host)
        now = monotonic()
        if known is None and is_address(host):
            return Answer((Endpoint(host),), float("inf"))
        serving = known.serves(now) if known is not None else None
        if known is not None and now < known.until:
            if serving is not None:
                return serving
            if known.failure is not None:
                raise type(known.failure)(*known.failure.args)
        pending = self._pending.get(host) if self._options.shared else None
        if pending is None:
            pending = self._start(host, now)
        if serving is None:
            return _answer_of(await asyncio.shield(pending.task))
        try:
            async with asyncio.timeout(max(pending.since + PATIENCE - now, 0.0)):
                outcome = await asyncio.shield(pending.task)
        except TimeoutError:
            return serving
        return _answer_of(outcome) if isinstance(outcome, Answer | NotFoundError) else serving

    def _start(self, host: str, now: float) -> _Pending:
        pending = self._pending[host] = _Pending(tasks.start(self._look_up(host), name=f"resolve {host}"), now)
        return pending

    async def _look_up(self, host: str) -> _Outcome:
        before = self._cache.get(host)
        try:
            await self._read_files()
            found = await self._find(host, before.found if before is not None else None)
        except NameResolutionError as failure:
            self._cache.put(host, self._after_failure(failure, before))
            _log.warning("the name %s has no address: %s", host, failure)
            return failure
        else:
            now = monotonic()
            ttl = found.answer.ttl
            self._cache.put(host, Remembered(found, None, now + ttl, now + ttl + self._options.stale_ttl))
            return found.answer
        finally:
            self._pending.pop(host, None)
            self._tell(host)

    def _after_failure(self, failure: NameResolutionError, before: Remembered | None) -> Remembered:
        now = monotonic()
        if isinstance(failure, NotFoundError):
            return Remembered(None, failure, now + self._options.not_found_ttl, 0.0)
        until = now + self._options.error_ttl
        if before is None or before.serves(now) is None:
            return Remembered(None, failure, until, 0.0)
        return Remembered(before.found, failure, until, before.stale_until)

    async def _find(self, host: str, last: Found | None) -> Found:
        try:
            name = name_of(host)
        except MessageError as error:
            raise NotFoundError(str(error)) from error
        kinds = self._options.kinds_of(name)
        own = self._own(name, kinds)
        if own is not None:
            return Found(Answer(own, FILES_INTERVAL), name, Type.A)
        if name == "invalid" or name.endswith(".invalid"):  # RFC 6761, section 6.4
            raise NotFoundError("dns server error: 3 name error")
        names = candidates(name, self._configuration, absolute=host.endswith("."))
        found = await look_up(self._ask, names, kinds, last if self._options.last_first else None)
        valid_ttl = self._options.valid_ttl
        if valid_ttl is None:
            return found
        return found._replace(answer=found.answer._replace(ttl=valid_ttl))

    def _own(self, name: str, kinds: tuple[Type, ...]) -> tuple[Endpoint, ...] | None:
        """What is known here of a name: addresses of the preferred family in the hosts file, localhost (RFC 6761)."""
        addresses = self._hosts.content.get(name, ())
        if not addresses and (name == "localhost" or name.endswith(".localhost")):
            addresses = ("127.0.0.1", "::1")
        if not addresses:
            return None
        six_first = Type.AAAA in kinds and (Type.A not in kinds or kinds.index(Type.AAAA) < kinds.index(Type.A))
        version = 6 if six_first else 4
        preferred = [address for address in addresses if ip_address(address).version == version]
        return tuple(Endpoint(address) for address in preferred or addresses)

    # -- the system's files ----------------------------------------------------------------------------------------
    @property
    def _configuration(self) -> ResolverConfiguration:
        system = self._system.content
        if not self._options.servers:
            return system
        return ResolverConfiguration(
            self._options.servers,
            system.search,
            system.dots,
            system.timeout,
            system.attempts,
            system.rotate,
            system.stream,
        )

    async def _read_files(self) -> None:
        """Read the files that have changed, if they were not looked at lately."""
        async with self._reading:
            if monotonic() - self._files_read < FILES_INTERVAL:
                return
            first = self._files_read == float("-inf")
            hosts_changed, system_changed = await asyncio.to_thread(
                lambda: (self._hosts.refresh(), self._system.refresh())
            )
            self._files_read = monotonic()
        if (hosts_changed or system_changed) and not first:
            self._cache.expire()
            for host in self._subscribers:
                self._arm(host)

    # -- subscribers -----------------------------------------------------------------------------------------------
    def subscribe(self, host: str, told: Told, endpoints: tuple[Endpoint, ...]) -> Subscription:
        """Look a name up whenever its answer ends, and tell of endpoints that are others than these."""
        subscription = Subscription(self, host, told)
        self._subscribers.setdefault(host, {})[subscription] = endpoints
        self._arm(host)
        if self._files_timer is None:
            self._look_at_files_later()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Tell this one no more."""
        subscribers = self._subscribers.get(subscription.host, {})
        subscribers.pop(subscription, None)
        if not subscribers:
            self._subscribers.pop(subscription.host, None)
            timer = self._timers.pop(subscription.host, None)
            if timer is not None:
                timer.cancel()
        if not self._subscribers and self._files_timer is not None:
            self._files_timer.cancel()
            self._files_timer = None

    def _arm(self, host: str) -> None:
        timer = self._timers.pop(host, None)
        if timer is not None:
            timer.cancel()
        known = self._cache.get(host)
        until = known.until if known is not None else 0.0
        delay = max(until - monotonic(), WATCH_INTERVAL) if until else 0.0
        if delay < float("inf"):
            self._timers[host] = asyncio.get_running_loop().call_later(delay, self._renew, host)

    def _renew(self, host: str) -> None:
        if host not in self._pending:
            self._start(host, monotonic())

    def _tell(self, host: str) -> None:
        subscribers = self._subscribers.get(host)
        if subscribers is None:
            return
        known = self._cache.get(host)
        serving = known.serves(monotonic()) if known is not None else None
        endpoints = serving.endpoints if serving is not None else ()
        for subscription, before in list(subscribers.items()):
            if frozenset(before) != frozenset(endpoints):
                subscribers[subscription] = endpoints
                subscription.told(endpoints)
        if host in self._subscribers:
            self._arm(host)

    def _look_at_files_later(self) -> None:
        self._files_timer = asyncio.get_running_loop().call_later(FILES_INTERVAL, self._look_at_files)

    def _look_at_files(self) -> None:
        self._look_at_files_later()
        tasks.start(self._read_files(), name="files of names")


def _answer_of(outcome: _Outcome) -> Answer:
    if isinstance(outcome, NameResolutionError):
        raise type(outcome)(*outcome.args)  # one of its own for each asker: exceptions gather tracebacks
    return outcome
