"""The Admin API of the cache: look at an entry, take one away, purge by key, URL, tag or prefix, empty it all."""

import json
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

from gateline.pdk.admin import AdminAnswer, AdminCall, AdminNode, AdminPath, AdminRequest
from gateline.pdk.redis import RedisError
from gateline.pdk.shelf import Kept
from gateline.plugins.proxy_cache.entries import entry_of, lines_of_block, marker_names
from gateline.plugins.proxy_cache.keys import url_tag, url_tags
from gateline.plugins.proxy_cache.rooms import Room, rooms

__all__ = ["PATHS", "paths_of", "purge_as_told"]

_log = logging.getLogger(__name__)

_LONGEST_SHOWN = 1024 * 1024
_MISSING = AdminAnswer(404, {"message": "Not found"})
_FAILURES = (OSError, RedisError)


async def _show(node: AdminNode, request: AdminRequest) -> AdminAnswer:
    key = request.parameters["key"]
    if len(key) == 64 and key.isalnum() and key.isascii():
        failures = []
        for room in await rooms(node, request.parameters.get("plugin", "")):
            try:
                kept = await room.get(key)
            except _FAILURES as error:
                failures.append(str(error))
                continue
            if kept is not None:
                return await _shown(kept)
        if failures:
            return _failed(failures)
    return _MISSING


async def _remove(node: AdminNode, request: AdminRequest) -> AdminAnswer:
    key = request.parameters["key"]
    count, failures = await _purge(node, {"key": key, "plugin": request.parameters.get("plugin", "")})
    if failures:
        return _failed(failures)
    return AdminAnswer(204) if count else _MISSING


async def _empty(node: AdminNode, request: AdminRequest) -> AdminAnswer:
    given = {name: request.query[name] for name in ("key", "url", "tag", "prefix") if request.query.get(name)}
    if len(given) > 1:
        return AdminAnswer(400, {"message": "one of key, url, tag and prefix at a time"})
    count, failures = await _purge(node, given)
    if failures:
        return _failed(failures)
    return AdminAnswer(200, {"purged": count}) if given else AdminAnswer(204)


async def purge_as_told(node: AdminNode, said: str) -> None:
    """Another node has purged something."""
    _, failures = await _purge_here(node, json.loads(said))
    for failure in failures:
        _log.warning("what another node has purged is still kept here: %s", failure)


async def _purge(node: AdminNode, what: Mapping[str, str]) -> tuple[int, list[str]]:
    done = await _purge_here(node, what)
    await node.tell("proxy-cache", json.dumps(what))
    return done


async def _purge_here(node: AdminNode, what: Mapping[str, str]) -> tuple[int, list[str]]:
    """Purge on this node; how many entries, and why it was not possible everywhere."""
    count = 0
    failures = []
    for room in await rooms(node, what.get("plugin", "")):
        try:
            count += await _purge_in(room, what)
        except _FAILURES as error:
            failures.append(str(error))
    return count, failures


async def _purge_in(room: Room, what: Mapping[str, str]) -> int:
    match what:
        case {"key": key}:
            return await room.purge(f"k:{key}")
        case {"url": url}:
            return sum([await room.purge(tag) for tag in url_tags(url)])
        case {"tag": tag}:
            return await room.purge(f"t:{tag}")
        case {"prefix": prefix}:
            return await room.purge(url_tag(prefix), beginning=True)
        case _:
            return await room.clear()


def _failed(failures: list[str]) -> AdminAnswer:
    """What could be done was done, elsewhere."""
    return AdminAnswer(503, {"message": f"not every store can be reached: {'; '.join(failures)}"})


async def _shown(kept: Kept) -> AdminAnswer:
    entry = entry_of(kept.head)
    if entry is None:
        names = marker_names(kept.head)
        if names is None:
            return _MISSING
        return AdminAnswer(200, {"vary": [name.decode("latin-1") for name in names]})
    headers: dict[str, Any] = {}
    for name, value in lines_of_block(entry.block):
        text = value.decode("latin-1")
        before = headers.get(name.decode("latin-1"))
        headers[name.decode("latin-1")] = text if before is None else [*_listed(before), text]
    body = kept.body or await _read(kept.pieces)
    return AdminAnswer(
        200,
        {
            "status": entry.status,
            "headers": headers,
            "timestamp": int(entry.base),
            "ttl": max(int(entry.fresh_until - entry.base), 0),
            "body_len": kept.length,
            "body": body.decode("utf-8", "replace"),
        },
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


async def _read(pieces: AsyncIterator[bytes] | None) -> bytes:
    """The beginning of a long body."""
    found = b""
    if pieces is not None:
        async for piece in pieces:
            found += piece
            if len(found) >= _LONGEST_SHOWN:
                break
    return found[:_LONGEST_SHOWN]


_SHOWN = (200, 404, 503)
_DELETED = (204, 404, 503)


def paths_of(name: str) -> tuple[AdminPath, ...]:
    """The paths of a plugin name; they all lead to the same entries."""
    return (
        AdminPath(
            f"/{name}",
            delete=AdminCall(
                _empty,
                "Purge the cache: all of it, or what an argument says",
                (200, 204, 400, 503),
                {
                    "key": "An entry by its key (`X-Cache-Key`), with all that it varies by.",
                    "url": "Every entry of a URL; scheme and port count for nothing.",
                    "tag": "Every entry whose answer had a tag in `Cache-Tag` or `Surrogate-Key`.",
                    "prefix": "Every entry whose URL begins like this.",
                },
            ),
        ),
        AdminPath(
            f"/{name}/{{key}}",
            get=AdminCall(_show, "An entry of the cache", _SHOWN),
            delete=AdminCall(_remove, "Take an entry of the cache away", _DELETED),
        ),
        AdminPath(
            f"/{name}/{{plugin}}/caches/{{key}}",
            get=AdminCall(_show, "An entry of the cache of a plugin", _SHOWN),
            delete=AdminCall(_remove, "Take an entry of the cache of a plugin away", _DELETED),
        ),
    )


PATHS = paths_of("proxy-cache")
"""The paths of the plugin by its usual name."""
