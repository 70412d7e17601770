"""Documents that plugins need (`gateline.pdk.documents`): fetched here, once a node, and kept.

What is in force says which ones are needed. Each is fetched by a task of its own, again and again; one that could not
be fetched, or is no good, changes nothing: the last good one stays in force, and on disk for the process that takes
this one's place. The documents travel to the workers beside the configuration (`FeedServer.accompany`), as the health
of targets does, so that a worker that starts has them before its first request.

A server may be slow, gone or hostile. A fetch has one deadline for everything and a limit of bytes, follows nothing,
and what is wrong with a body is found out in a thread.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, cast

import msgspec

from gateline.control import logs
from gateline.control.errors import ChangeError
from gateline.control.feed import FeedServer
from gateline.control.rows import Delta, row_of
from gateline.control.state import write_atomically
from gateline.engine import tasks
from gateline.engine.documents import KIND
from gateline.engine.http_client import Client
from gateline.engine.upstream.pool import Factory, KeepAlive, Pools
from gateline.engine.wire.http1_upstream import UpstreamConnection
from gateline.entities import Plugin as PluginEntity
from gateline.pdk.discovery import plugin_class
from gateline.pdk.documents import RENEWAL, Document
from gateline.pdk.node import HttpClient, HttpError
from gateline.pdk.plugin import Plugin

__all__ = ["NodeDocuments", "needed"]

logger = logging.getLogger(__name__)

AT_A_TIME = 8
"""Fetches that are under way together."""

LONGEST_WAIT = 60.0
"""Seconds until the next try after some that failed; the first waits for one, and each for twice as long."""


class BadDocumentError(Exception):
    """What came is no good; says why."""


class _Head(msgspec.Struct):
    """What tells whether a plugin's row matters."""

    name: str
    enabled: bool = True


_head = msgspec.msgpack.Decoder(_Head).decode


class NodeDocuments:
    """The documents of a node. `path` is where they are kept."""

    def __init__(self, feed: FeedServer, path: Path) -> None:
        self._feed = feed
        self._path = path
        self._http: HttpClient
        self._stop: Callable[[], None] = lambda: None
        self._bodies: dict[str, bytes] = {}
        self._needed: dict[str, tuple[Document, ...]] = {}
        """By the plugins' ids."""
        self._fetching: dict[str, _Fetching] = {}
        self._turns = asyncio.Semaphore(AT_A_TIME)

    def start(self, authorities: tuple[str, ...] = (), http: HttpClient | None = None) -> None:
        """Take up what was kept, before there is a configuration. `authorities`: as of `engine.http_client.Client`."""
        if http is None:
            client = Client(Pools(cast(Factory, UpstreamConnection), KeepAlive()), authorities)
            http, self._stop = client, client.stop
        self._http = http
        self._bodies = self._read()
        rows = {url: _row(url, body) for url, body in self._bodies.items()}
        self._feed.accompany({KIND: rows}, self._follow)
        self._feed.renew_by(self._renew)

    def close(self) -> None:
        """Fetch nothing any more."""
        for fetching in self._fetching.values():
            fetching.stop()
        self._stop()

    # What is needed.

    def _follow(self, delta: Delta | None) -> Delta:
        """Fetch what is needed now, and forget what is not any more."""
        rows = self._feed.rows.get("plugins", {})
        if delta is None:
            self._needed = {}
            changed = list(rows)
        else:
            changed = [*delta.put.get("plugins", ()), *delta.delete.get("plugins", ())]
            if not changed:
                return Delta()
        for one in changed:
            found = _documents(rows[one]) if one in rows else ()
            if found:
                self._needed[one] = found
            else:
                self._needed.pop(one, None)
        return self._adjusted(needed(self._needed.values()))

    def _adjusted(self, documents: Mapping[str, Document]) -> Delta:
        for url in self._fetching.keys() - documents.keys():
            self._fetching.pop(url).stop()
        for url, document in documents.items():
            fetching = self._fetching.get(url)
            if fetching is None or fetching.document != document:
                waiting = [] if fetching is None else fetching.stop()
                self._fetching[url] = _Fetching(self, document, waiting)
        gone = [url for url in self._bodies if url not in documents]
        if not gone:
            return Delta()
        for url in gone:
            del self._bodies[url]
        self._write()
        return Delta(delete={KIND: gone})

    def _renew(self, url: str, over: Callable[[], None]) -> None:
        fetching = self._fetching.get(url)
        if fetching is None:
            over()
        else:
            fetching.renew(over)

    # One fetch.

    async def fetch(self, document: Document) -> bytes:
        """A document as it is now. Raises HttpError, ValueError or BadDocumentError."""
        async with self._turns:
            return await self._fetched(document)

    async def put_in_force(self, document: Document, body: bytes) -> None:
        """Let the workers have a document, where it is another one than theirs."""
        if self._bodies.get(document.url) != body:
            await self._put_in_force(document, body)

    async def _fetched(self, document: Document) -> bytes:
        response = await self._http.request(
            "GET",
            document.url,
            headers={"Accept": "application/json, */*;q=0.5"},
            timeout=document.timeout,
            verify=document.verify,
            limit=document.limit,
        )
        if response.status != 200:
            raise BadDocumentError(f"the answer has the status {response.status}")
        if document.problem is not None and (problem := await asyncio.to_thread(document.problem, response.body)):
            raise BadDocumentError(problem)
        return response.body

    async def _put_in_force(self, document: Document, body: bytes) -> None:
        def decide() -> Delta:
            if document.url not in self._fetching:  # any more
                return Delta()
            self._bodies[document.url] = body
            return Delta(put={KIND: {document.url: _row(document.url, body)}})

        before = self._bodies.get(document.url)
        try:
            await self._feed.change_beside(decide)
        except ChangeError as error:
            logger.error("the document %s could not be put in force: %s", document.url, error)
            self._take_back(document.url, before)
        finally:
            self._write()

    def _take_back(self, url: str, before: bytes | None) -> None:
        """The next fetch tries it again."""
        if before is None:
            self._bodies.pop(url, None)
        elif url in self._bodies:
            self._bodies[url] = before

    # On disk.

    def _read(self) -> dict[str, bytes]:
        try:
            return msgspec.msgpack.decode(self._path.read_bytes(), type=dict[str, bytes])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            logger.error("the documents of plugins cannot be read from %s: %s", self._path, error)
            return {}

    def _write(self) -> None:
        try:
            write_atomically(self._path, msgspec.msgpack.encode(self._bodies), durable=False)
        except OSError as error:
            logger.error("the documents of plugins cannot be kept in %s: %s", self._path, error.strerror)


class _Fetching:
    """The task that fetches one document, and who waits for it."""

    def __init__(self, node: NodeDocuments, document: Document, waiting: list[Callable[[], None]]) -> None:
        self.document = document
        self._node = node
        self._waiting = waiting
        self._served: list[Callable[[], None]] = []
        self._busy = True
        self._renewed = -RENEWAL
        self._asked = asyncio.Event()
        self._task = tasks.start(self._run(), name=f"fetch of {document.url}")

    def stop(self) -> list[Callable[[], None]]:
        """Fetch no more; gives who has waited."""
        self._task.cancel()
        return self._served + self._waiting

    def renew(self, over: Callable[[], None]) -> None:
        """Fetch now, unless that was asked for lately; call `over` when it is in force.

        A fetch that is under way will do; one whose answer has come already may know less than who asks.
        """
        if not self._busy:
            now = monotonic()
            if now - self._renewed < RENEWAL:
                over()
                return
            self._renewed = now
            self._busy = True
            self._asked.set()
        self._waiting.append(over)

    async def _run(self) -> None:
        failures = 0
        while True:
            self._busy = True
            body = problem = None
            try:
                body = await self._node.fetch(self.document)
            except (HttpError, ValueError, BadDocumentError) as error:
                problem = error
            self._busy = False
            self._asked.clear()
            self._served, self._waiting = self._waiting, []
            if body is not None:
                await self._node.put_in_force(self.document, body)
            if problem is not None:
                failures += 1
                level = logging.WARNING if failures == 1 else logging.DEBUG
                logger.log(level, "the document %s cannot be had: %s", self.document.url, problem)
            elif failures:
                failures = 0
                logger.log(logs.NOTICE, "the document %s can be had again", self.document.url)
            pause = min(2.0 ** min(failures - 1, 10), LONGEST_WAIT) if failures else self.document.refresh
            served, self._served = self._served, []
            for over in served:
                over()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(pause, self.document.refresh)):
                    await self._asked.wait()


def needed(documents: Iterable[tuple[Document, ...]]) -> dict[str, Document]:
    """By URL what plugins need; of several for one URL the strictest counts of each."""
    found: dict[str, Document] = {}
    for one in (document for some in documents for document in some):
        other = found.get(one.url)
        found[one.url] = one if other is None else _strictest(one, other)
    return found


def _strictest(one: Document, other: Document) -> Document:
    return replace(
        one,
        refresh=min(one.refresh, other.refresh),
        limit=min(one.limit, other.limit),
        timeout=min(one.timeout, other.timeout),
        verify=one.verify or other.verify,
        problem=one.problem or other.problem,
    )


def _documents(row: bytes) -> tuple[Document, ...]:
    """What one plugin needs."""
    head = _head(row)
    plugin = plugin_class(head.name)
    if plugin is None or not head.enabled or not _tells(plugin):
        return ()
    entity = PluginEntity.from_wire(msgspec.msgpack.decode(row))
    try:
        return tuple(plugin.documents(entity.config))
    except Exception:
        # A stranger's plugin must not keep others from what they need.
        logger.exception("plugin %s cannot say which documents it needs", head.name)
        return ()


def _tells(plugin: type[Plugin[Any]]) -> bool:
    return cast(Any, plugin.documents).__func__ is not cast(Any, Plugin.documents).__func__


def _row(url: str, body: bytes) -> bytes:
    return row_of({"id": url, "body": body})
