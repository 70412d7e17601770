"""The tags of entries in Redis: by name, for purging, and by when they are over, for forgetting them."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any

__all__ = ["RedisTags"]

_BY_NAME, _BY_END = "gateline:cache:tags", "gateline:cache:ends"
_PURGED = "gateline:cache:purged:"
_ENTRY = "gateline:cache:"
_AT_ONCE = 200
_REMEMBERED = 3600
_ALL = "*"


class RedisTags:
    """`run` sends a command (RedisError), `clock` gives seconds since 1970; the nodes' clocks should agree."""

    def __init__(self, run: Callable[..., Coroutine[Any, Any, Any]], clock: Callable[[], float]) -> None:
        self._run = run
        self._clock = clock

    async def add(self, key: str, tags: Collection[str], ttl: float) -> None:
        """Note the tags of an entry."""
        end = self._clock() + ttl
        members = [_begin(tag) + key.encode() for tag in tags]
        if members:
            await asyncio.gather(
                self._run("ZADD", _BY_NAME, *[part for member in members for part in (0, member)]),
                self._run("ZADD", _BY_END, *[part for member in members for part in (end, member)]),
            )

    async def remove(self, tag: str, *, beginning: bool = False) -> int:
        """Take away the entries that have a tag, or one that begins like this; how many."""
        first = _begin(tag)[:-1] if beginning else _begin(tag)
        noted = _ALL if beginning else tag
        await self._run("SET", _PURGED + noted, repr(self._clock()), "EX", _REMEMBERED)
        count = 0
        while members := await self._run(
            "ZRANGEBYLEX", _BY_NAME, b"[" + first, b"(" + first + b"\xff", "LIMIT", 0, _AT_ONCE
        ):
            for key in {member.partition(b"\0")[2] for member in members}:
                count += await self._run("DEL", _ENTRY.encode() + key)
            await self._run("ZREM", _BY_NAME, *members)
            await self._run("ZREM", _BY_END, *members)
        return count

    async def purged_since(self, tags: Collection[str], moment: float) -> bool:
        """Whether something of these tags was taken away by tag since a moment."""
        notes = await asyncio.gather(*[self._run("GET", _PURGED + tag) for tag in (_ALL, *tags)])
        return any(noted is not None and float(noted) >= moment for noted in notes)

    async def sweep(self) -> None:
        """Forget those of entries that are over."""
        while members := await self._run("ZRANGEBYSCORE", _BY_END, "-inf", self._clock(), "LIMIT", 0, _AT_ONCE):
            await self._run("ZREM", _BY_NAME, *members)
            await self._run("ZREM", _BY_END, *members)


def _begin(tag: str) -> bytes:
    return tag.encode("utf-8", "replace").replace(b"\0", b"?") + b"\0"
