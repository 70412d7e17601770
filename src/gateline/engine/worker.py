"""One worker process: a loop, its doors, the runtime of the moment, and the way in and out of service.

`run` is what the supervisor calls after the fork. The worker opens its doors when the first configuration is in force,
takes every later one while it serves (compiled in slices between requests), and leaves on a signal: at once (SIGTERM),
or after what is under way (SIGQUIT).
"""

import asyncio
import gc
import logging
import resource
import signal
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from time import monotonic
from typing import Any, cast

import uvloop

from gateline.engine import http_client, tasks
from gateline.engine.access_log import AccessLog
from gateline.engine.configuration import Change, Configuration
from gateline.engine.context import BoundListener, WorkerContext
from gateline.engine.documents import KIND as DOCUMENTS
from gateline.engine.documents import WorkerDocuments
from gateline.engine.door import ClientLimits, Crowd, Door
from gateline.engine.errors import ErrorTemplates
from gateline.engine.feed import ConfigurationError, Stats, WorkerFeed
from gateline.engine.headers import ResponseHeaders, TrustedProxies
from gateline.engine.memory import give_back
from gateline.engine.node import WorkerNode
from gateline.engine.plugin_draft import UnusablePluginError
from gateline.engine.proxy import Proxy
from gateline.engine.router import Flavor, RouteError
from gateline.engine.shared_state import shared_state
from gateline.engine.tallies import StoredTallies
from gateline.engine.tls import ServerCertificates, trusted_authorities
from gateline.engine.upstream.circuit_rows import KIND as CIRCUITS
from gateline.engine.upstream.dns import Resolver, options_of
from gateline.engine.upstream.dynamic import DynamicDestinations
from gateline.engine.upstream.gates import Circuits, Gates
from gateline.engine.upstream.observing import Observers, Reports
from gateline.engine.upstream.pool import Factory, KeepAlive, Pools
from gateline.engine.wire import codec
from gateline.engine.wire.http1 import ClientConnection
from gateline.engine.wire.http1_upstream import UpstreamConnection
from gateline.entities import Plugin as PluginEntity
from gateline.pdk.discovery import PluginLoadError, Plugins
from gateline.pdk.plugin import Plugin, PluginConfig
from gateline.settings import Settings
from gateline.sharedstate import Places, SharedStateError, Shelves
from gateline.telemetry import Registry, claim

__all__ = ["Worker", "run"]

_log = logging.getLogger(__name__)

SLICE = 0.001
"""Seconds of compiling a configuration before requests get their turn."""

MANY = 1000
"""Entities in a change after which it is worth to spare the garbage collector what was built."""


def run(context: WorkerContext) -> int:
    """Serve until a signal ends it; returns the process's exit code."""
    if not codec.COMPILED:
        _log.warning("the compiled codec is not available: the slower pure Python one runs")
    _raise_file_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(Worker(context).serve())


class Worker:
    """The worker's parts and their life."""

    def __init__(self, context: WorkerContext) -> None:
        settings = context.settings
        self._context = context
        self._settings = settings
        self._certificates = ServerCertificates(settings)
        self._crowd = Crowd(_client_limits(settings))
        keep_alive = KeepAlive(
            settings.upstream_keepalive_pool_size,
            settings.upstream_keepalive_max_requests,
            settings.upstream_keepalive_idle_timeout,
        )
        self._pools = Pools(cast(Factory, UpstreamConnection), keep_alive, Resolver(options_of(settings)))
        authorities = trusted_authorities(settings.lua_ssl_trusted_certificate)
        self._http = http_client.Client(
            Pools(cast(Factory, UpstreamConnection), keep_alive, self._pools.resolver), authorities
        )
        self._reports = Reports(lambda seen: self._feed.tell(seen))
        self._configuration = Configuration(
            cast(Flavor, settings.router_flavor),  # the settings allow no other words
            self._pools,
            verify_upstreams=settings.upstream_tls_verify,
            make_plugin=self._make_plugin,
            watch_makers=[Observers(self._reports)],
            locality=settings.locality,
        )
        self._access_log = _access_log(settings)
        self._proxy = Proxy(
            self._configuration.runtime,
            headers=ResponseHeaders(settings.headers),
            errors=_error_templates(settings),
            trusted=TrustedProxies(
                settings.trusted_networks, settings.real_ip_header, recursive=settings.real_ip_recursive
            ),
            body_limit=settings.nginx_http_client_max_body_size,
            upstream_request_id="x-kong-request-id" in settings.headers_upstream,
            debug_header=settings.allow_debug_header,
            plugin_body_limit=settings.plugin_body_limit,
            access_log=self._access_log,
        )
        self._proxy.destinations = DynamicDestinations(self._configuration, self._pools)
        self._documents = WorkerDocuments()
        self._feed = WorkerFeed(
            context.feed_path,
            index=context.index,
            generation=context.generation,
            apply=self.apply,
            stats=self.stats,
            renewed=self._documents.renewed,
        )
        self._shared = shared_state(context, self._feed.write)
        self._circuits = Circuits(self._shared.counters)
        self._configuration.gates = Gates(self._reports, self._circuits, self._shared.gauges)
        self._documents.ask = self._feed.renew
        self._plugins = Plugins(settings.plugins, settings.plugin_folders)
        self._node = WorkerNode(
            node_id=settings.node_id or "",
            worker=context.index,
            credentials=self._shared.credentials,
            entities=self._shared.entities,
            counters=self._shared.counters,
            tallies=StoredTallies(self._feed.count),
            slots=self._shared.slots,
            cache=self._shared.cache,
            documents=self._documents,
            http=self._http,
            trusts=self._proxy.trusted.trusts,
            settings=asdict(settings),
            shelves=Shelves(context.shared, settings.prefix / "shelves"),
            authorities=authorities,
            metrics=Registry(claim(None if context.shared is None else Places(context.shared).metrics)),
        )
        self._servers: list[asyncio.Server] = []
        self._ending: asyncio.Event
        self._ended: asyncio.Event
        self._upstream_watch: asyncio.Task[None] | None = None

    async def serve(self) -> int:
        """The worker's life, from its first configuration to its end."""
        self._ending = asyncio.Event()
        self._ended = asyncio.Event()
        self._handle_signals()
        background = [
            tasks.start(self._feed.run(), name="configuration feed"),
            tasks.start(self._watch(self._crowd.check_deadlines, self._client_interval), name="client deadlines"),
            tasks.start(self._watch(self._http.check_deadlines, lambda: 1.0), name="deadlines of plugins' requests"),
        ]
        self._watch_upstreams()
        if self._access_log is not None:
            flush = self._access_log.flush
            interval = self._settings.access_log_flush
            background.append(tasks.start(self._watch(lambda _: flush(), lambda: interval), name="access log"))
        await self._ending.wait()
        await self._ended.wait()
        for task in (*background, self._upstream_watch):
            if task is not None:
                task.cancel()
        self._crowd.stop()
        self._pools.stop()
        self._http.stop()
        self._node.shelves.close()
        for _ in range(4):  # what was aborted needs a few turns of the loop to go, with TLS more than without
            await asyncio.sleep(0)
        if self._access_log is not None:
            self._access_log.close()
        return 0

    # -- configuration ---------------------------------------------------------------------------------------------
    async def apply(
        self,
        version: int,
        full: bool,
        put: dict[str, list[dict[str, Any]]],
        delete: dict[str, list[str]],
        config_hash: str,
    ) -> None:
        """Put a change of configuration in force; nothing changes when it cannot be (ConfigurationError)."""
        self._open_shared()
        self._load_plugins(put.get("plugins", ()))
        change = Change(self._configuration, version, config_hash, put=put, delete=delete, full=full)
        pause = _Slices()
        gc.disable()  # what is built now lives long: collecting in the middle would only find it alive
        try:
            await pause.between_all(change.steps())
        except (RouteError, UnusablePluginError) as error:
            raise ConfigurationError(str(error)) from error
        finally:
            if change.changed() >= MANY:
                gc.freeze()  # moves what was built out of the collector's sight before it looks again
            gc.enable()
        watched = self._proxy.runtime.shortest_timeout
        self._shared.renew()  # with nothing in between: no request sees one without the other
        self._documents.take(put.get(DOCUMENTS, ()), delete.get(DOCUMENTS, ()), full=full)
        self._circuits.take(put.get(CIRCUITS, ()), delete.get(CIRCUITS, ()), full=full)
        runtime = change.commit()
        self._proxy.adopt(runtime)
        self._certificates.plugins = runtime.plugins.certificates if runtime.plugins is not None else ()
        if change.changed("certificates", "snis"):
            entities = self._configuration.entities
            self._certificates.adopt(entities["certificates"], entities["snis"])
        if self._proxy.runtime.shortest_timeout != watched or self._upstream_watch is None:
            self._watch_upstreams()
        await pause.between_all(change.release())
        if change.changed() >= MANY:
            give_back()
        if not self._servers and not self._ending.is_set():
            await self._open_doors()

    def _open_shared(self) -> None:
        try:
            self._shared.open()
        except SharedStateError as error:
            raise ConfigurationError(str(error)) from error

    def _load_plugins(self, rows: Iterable[dict[str, Any]]) -> None:
        for name in {row["name"] for row in rows}:
            try:
                known = self._plugins.load(name)
            except PluginLoadError as error:
                raise ConfigurationError(str(error)) from error
            if known is None:
                raise ConfigurationError(f"there is no plugin '{name}'")

    def _make_plugin(self, entity: PluginEntity) -> Plugin[Any]:
        plugin = self._plugins.classes[entity.name]
        node = self._node.for_plugin(entity.name)
        return plugin.made(cast(PluginConfig, entity.config), node, entity.id, entity.instance_name)

    # -- doors -----------------------------------------------------------------------------------------------------
    async def _open_doors(self) -> None:
        settings = self._settings
        limits = codec.Limits(settings.max_header_line, settings.max_header_size, settings.max_header_count)
        for listener in self._context.listeners:
            self._servers.append(await self._open_door(listener, limits))

    async def _open_door(self, listener: BoundListener, limits: codec.Limits) -> asyncio.Server:
        listen = listener.listen
        port = self._settings.port_maps.get(listen.port, listen.port)
        door = Door(self._proxy, self._crowd, limits, port=port, tls=listen.ssl)
        context: ssl.SSLContext | None = self._certificates.listener_context() if listen.ssl else None
        return await asyncio.get_running_loop().create_server(
            lambda: cast(asyncio.Protocol, ClientConnection(door)),
            sock=listener.socket,
            backlog=listen.backlog,
            ssl=context,
        )

    # -- the end ---------------------------------------------------------------------------------------------------
    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop)
        loop.add_signal_handler(signal.SIGINT, self._stop)
        loop.add_signal_handler(signal.SIGQUIT, self._drain)
        loop.add_signal_handler(signal.SIGUSR1, self._reopen_logs)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)

    def _stop(self) -> None:
        self._close_doors()
        self._ending.set()
        self._ended.set()

    def _drain(self) -> None:
        if self._ending.is_set():
            return
        self._close_doors()
        self._ending.set()
        self._crowd.drain()
        tasks.start(self._wait_for_the_last(), name="drain")

    async def _wait_for_the_last(self) -> None:
        deadline = monotonic() + self._settings.drain_timeout
        while self._crowd.connections and monotonic() < deadline:  # noqa: ASYNC110 - no event tells of an empty set
            await asyncio.sleep(0.05)
        self._ended.set()

    def _close_doors(self) -> None:
        for server in self._servers:
            server.close()
        if self._context.doors is not None:
            self._context.doors.close()

    def _reopen_logs(self) -> None:
        if self._access_log is not None:
            self._access_log.reopen()

    # -- watches ---------------------------------------------------------------------------------------------------
    async def _watch(self, check: Callable[[float], None], interval: Callable[[], float]) -> None:
        while True:
            await asyncio.sleep(interval())
            try:
                check(monotonic())
            except Exception:
                _log.exception("a watch on deadlines failed")

    def _watch_upstreams(self) -> None:
        """Watch upstreams' deadlines, from now on at the pace of the configuration's shortest timeout."""
        if self._upstream_watch is not None:
            self._upstream_watch.cancel()
            self._pools.check_deadlines(monotonic())  # so that many changes in a row do not put the next look off
        self._upstream_watch = tasks.start(
            self._watch(self._pools.check_deadlines, self._upstream_interval), name="upstream deadlines"
        )

    def _client_interval(self) -> float:
        if self._crowd.draining:
            return 0.1
        limits = self._crowd.limits
        return _interval(min(limits.header_timeout, limits.body_timeout, limits.idle_timeout, limits.send_timeout))

    def _upstream_interval(self) -> float:
        return _interval(self._proxy.runtime.shortest_timeout)

    def stats(self) -> Stats:
        """The worker's counters, for `GET /status`."""
        connections = self._crowd.connections
        waiting = sum(1 for connection in connections if connection.idle())
        return Stats(
            connections_active=len(connections),
            connections_accepted=self._crowd.accepted,
            connections_handled=self._crowd.accepted,
            connections_reading=0,
            connections_writing=len(connections) - waiting,
            connections_waiting=waiting,
            total_requests=self._proxy.total_requests,
            resident_bytes=_resident_bytes(),
        )


class _Slices:
    """Long work cut into slices between which the loop serves requests."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since = monotonic()

    async def between_all(self, steps: Iterator[None]) -> None:
        """Do the steps; let others have a turn whenever this slice is used up."""
        for _ in steps:
            if monotonic() - self._since >= SLICE:
                await asyncio.sleep(0)
                self._since = monotonic()


def _interval(shortest: float) -> float:
    """How often to look at deadlines of which the shortest is so many seconds away."""
    return min(max(shortest / 4, 0.02), 1.0)


def _client_limits(settings: Settings) -> ClientLimits:
    return ClientLimits(
        header_timeout=settings.client_header_timeout,
        body_timeout=settings.client_body_timeout,
        idle_timeout=settings.client_idle_timeout,
        send_timeout=settings.client_send_timeout,
        requests=settings.nginx_http_keepalive_requests,
        connections=settings.max_connections,
    )


def _error_templates(settings: Settings) -> ErrorTemplates:
    paths = {
        "html": settings.error_template_html,
        "json": settings.error_template_json,
        "xml": settings.error_template_xml,
        "plain": settings.error_template_plain,
    }
    texts = {name: path.read_text() if path is not None else None for name, path in paths.items()}
    return ErrorTemplates(settings.error_default_type, **texts)


def _access_log(settings: Settings) -> AccessLog | None:
    if settings.proxy_access_log is None:
        return None
    return AccessLog(
        settings.proxy_access_log,
        as_json=settings.access_log_format == "json",
        buffer=settings.access_log_buffer,
    )


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError) as error:  # some systems name a hard limit that they do not grant
            _log.info("the limit of open files stays at %d: %s", soft, error)


def _resident_bytes() -> int:
    """The process's resident memory in bytes, where the system tells (Linux)."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
