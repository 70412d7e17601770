"""proxy-cache with a real Redis: entries that nodes share, and what is when it is gone."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gateline.entities import Plugin
from gateline.pdk.admin import AdminNode, AdminRequest
from gateline.pdk.discovery import Plugins
from gateline.pdk.redis import RedisAnywhere, RedisClient, RedisError
from gateline.plugins.proxy_cache import ProxyCache, redis_store
from gateline.plugins.proxy_cache.admin import PATHS
from gateline.plugins.proxy_cache.advanced import ProxyCacheAdvanced
from gateline.sharedstate import SharedShelf
from gateline.testing import Answer, Harness, ServiceAnswer
from harness.redis import Redis, cluster
from harness.worker import ending, worker_node
from unit.admin.small_node import ForPlugins, SmallNode

LONG = bytes(range(256)) * 8192
ROUTE = "5f1d7fbc-0000-4000-8000-00000000000b"


@pytest.fixture(autouse=True)
def bundled() -> None:
    """The plugin, known to the entities."""
    Plugins(["proxy-cache", "proxy-cache-advanced"]).load_all()


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with Redis() as server:
        yield server


def config(port: int, **more: Any) -> dict[str, Any]:
    reached = {"host": "127.0.0.1", "port": port, "password": Redis.password}
    return {"strategy": "redis", "redis": reached, "cache_control": True, "content_type": ["*/*"], **more}


def node(port: int, **more: Any) -> Harness:
    return Harness((ProxyCache, config(port, **more)), route={"id": ROUTE})


@contextlib.contextmanager
def taken_port(*, answers: bool) -> Iterator[int]:
    """A port of nobody else, where connections are refused, or made and never answered."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        if answers:
            found.listen()
        yield found.getsockname()[1]


def told(body: bytes = b"body", **headers: str) -> ServiceAnswer:
    lines = {"Cache-Control": "max-age=60", "Content-Type": "text/plain"}
    return ServiceAnswer(
        headers={**lines, **{name.replace("_", "-"): value for name, value in headers.items()}}, body=body
    )


def hit(harness: Harness, path: str, **more: Any) -> Answer:
    """The answer once it comes from the cache: it is put there beside the request."""
    end = time.monotonic() + 30
    while (answer := harness.request("GET", path, **more)).header("x-cache-status") != "Hit":
        assert time.monotonic() < end, answer
    return answer


@pytest.mark.parametrize("controlled", [True, False])
@pytest.mark.parametrize("body", [b"body", LONG], ids=["short", "long"])
def test_what_one_node_has_fetched_the_other_gives(redis: Redis, body: bytes, controlled: bool) -> None:
    path = f"/shared/{len(body)}/{controlled}"
    with node(redis.port, cache_control=controlled, content_type=["text/plain"]) as one:
        one.answers = told(body)
        assert one.request("GET", path).header("x-cache-status") == "Miss"
        assert hit(one, path).body == body
        with node(redis.port, cache_control=controlled, content_type=["text/plain"]) as other:
            answer = other.request("GET", path)
            assert (answer.body, answer.sent) == (body, None)
            if controlled:
                part = other.request("GET", path, headers={"Range": "bytes=2-3"})
                assert (part.status, part.body) == (206, body[2:4])


def test_a_stale_answer_is_validated(redis: Redis) -> None:
    with node(redis.port) as harness:
        harness.answers = told(LONG, ETag='"a"', Cache_Control="max-age=1")
        hit(harness, "/validated")
        time.sleep(1.1)
        answer = harness.request("GET", "/validated", service=ServiceAnswer(304, {"Cache-Control": "max-age=60"}))
        assert (answer.status, answer.body) == (200, LONG)
        assert hit(harness, "/validated").header("cache-control") == "max-age=60"


def test_what_was_validated_is_found_by_purges_for_as_long_as_it_is_kept(redis: Redis) -> None:
    with node(redis.port, storage_ttl=60) as harness, redis.client() as client:
        harness.answers = told(ETag='"a"', Cache_Control="max-age=1", Cache_Tag="news")
        key = hit(harness, "/renewed").header("x-cache-key") or ""
        members = [f"{tag}\0{key}" for tag in (f"k:{key}", "t:news", "u://gateway.test/renewed")]
        before = client.zmscore("gateline:cache:ends", members)
        time.sleep(1.1)
        harness.answers = ServiceAnswer(304, {"Cache-Control": "max-age=600"})
        harness.request("GET", "/renewed")
        assert hit(harness, "/renewed").header("cache-control") == "max-age=600"
        after = client.zmscore("gateline:cache:ends", members)
    assert [new - old > 500 for new, old in zip(after, before, strict=True)] == [True, True, True]


def test_who_has_changed_something_sees_it(redis: Redis) -> None:
    with node(redis.port) as harness:
        harness.answers = told(b"old")
        hit(harness, "/changed")
        assert harness.request("POST", "/changed", service=ServiceAnswer(204)).status == 204
        assert harness.request("GET", "/changed", service=told(b"new")).body == b"new"


def test_waiters_make_one_request(redis: Redis) -> None:
    with node(redis.port) as harness:
        harness.answers = told()
        answers = harness.at_once(200, "GET", "/cold")
        assert len(harness.sent) == 1
        assert {answer.body for answer in answers} == {b"body"}


def test_without_redis_requests_fail_where_that_is_wanted() -> None:
    with taken_port(answers=False) as port, Harness((ProxyCacheAdvanced, config(port))) as harness:
        assert harness.request("GET", "/").status == 500


@pytest.mark.parametrize("answers", [True, False])
def test_without_redis_requests_go_to_the_service(answers: bool) -> None:
    with taken_port(answers=answers) as port:
        timeouts = {"connect_timeout": 50, "send_timeout": 50, "read_timeout": 50}
        reached = {"host": "127.0.0.1", "port": port, **timeouts}
        with node(port, redis=reached) as harness:
            harness.answers = told()
            assert [harness.request("GET", "/").status for _ in range(2)] == [200, 200]


class _Admin(ForPlugins):
    """The Admin API's side, with a plugin, and others where there is no disk."""

    def __init__(self, port: int, *others: dict[str, Any]) -> None:
        super().__init__(SmallNode())
        configs = [config(port), *others]
        self._plugins = [Plugin.parse({"name": "proxy-cache", "config": one}) for one in configs]

    async def plugins(self, name: str) -> list[Plugin]:
        return self._plugins if name == "proxy-cache" else []

    def shelf(self, name: str, *, limit: int, durable: bool = False) -> SharedShelf:
        if durable:
            raise ValueError("the disk is read-only")
        return super().shelf(name, limit=limit)


def test_entries_are_purged_by_key_url_tag_and_prefix(redis: Redis) -> None:
    admin: AdminNode = _Admin(redis.port)
    everything, one = PATHS[0], PATHS[1]
    assert everything.delete is not None
    assert one.delete is not None
    assert one.get is not None
    purge, remove, show = everything.delete.handler, one.delete.handler, one.get.handler
    with node(redis.port) as harness:
        harness.answers = told(Cache_Tag="news,red")
        keys = {path: hit(harness, path).header("x-cache-key") or "" for path in ("/p/1", "/p/2", "/p/3", "/q/4")}

        def there() -> list[str]:
            found = []
            for path, key in keys.items():
                answer = asyncio.run(show(admin, AdminRequest({"key": key}, {})))
                found += [path] if answer.status == 200 and answer.body["body"] == "body" else []
            return found

        assert there() == ["/p/1", "/p/2", "/p/3", "/q/4"]
        assert asyncio.run(remove(admin, AdminRequest({"key": keys["/p/1"]}, {}))).status == 204
        assert asyncio.run(purge(admin, AdminRequest({}, {"url": "http://gateway.test/p/2"}))).body == {"purged": 1}
        assert there() == ["/p/3", "/q/4"]
        assert asyncio.run(purge(admin, AdminRequest({}, {"prefix": "gateway.test/p"}))).body == {"purged": 1}
        assert asyncio.run(purge(admin, AdminRequest({}, {"tag": "red"}))).body == {"purged": 1}
        assert there() == []
        assert asyncio.run(purge(admin, AdminRequest({}, {}))).status == 204


def test_what_has_lost_a_piece_is_fetched_again(redis: Redis) -> None:
    """As where Redis drops what was not used for longest."""
    with node(redis.port) as harness, redis.client() as client:
        harness.answers = told(LONG)
        hit(harness, "/lost")
        assert client.delete(*client.keys("gateline:cache:piece:*:1"))
        answer = harness.request("GET", "/lost")
        assert (answer.header("x-cache-status"), answer.body) == ("Miss", LONG)
        assert hit(harness, "/lost").body == LONG


def test_what_redis_takes_only_in_part_is_not_kept(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RedisClient.run

    async def refuses(self: RedisClient, command: str, *arguments: Any) -> Any:
        if command == "SET" and str(arguments[0]).endswith(":1"):
            raise RedisError("OOM command not allowed when used memory > 'maxmemory'.")
        return await run(self, command, *arguments)

    monkeypatch.setattr(RedisClient, "run", refuses)
    with node(redis.port) as harness, redis.client() as client:
        harness.answers = told(LONG)
        key = harness.request("GET", "/in-part").header("x-cache-key")
        harness.answers = told()
        hit(harness, "/after")
        assert client.keys("gateline:cache:piece:*:0")
        assert not client.exists(f"gateline:cache:{key}")


def test_what_no_purge_would_find_is_not_kept(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RedisClient.run

    async def refuses(self: RedisClient, command: str, *arguments: Any) -> Any:
        if command == "ZADD" and b"u://gateway.test/no-tags" in repr(arguments).encode():
            raise RedisError("OOM command not allowed when used memory > 'maxmemory'.")
        return await run(self, command, *arguments)

    monkeypatch.setattr(RedisClient, "run", refuses)
    with node(redis.port) as harness, redis.client() as client:
        harness.answers = told()
        key = harness.request("GET", "/no-tags").header("x-cache-key")
        hit(harness, "/after-no-tags")
        assert not client.exists(f"gateline:cache:{key}")


def test_a_purge_reaches_the_other_stores_where_one_cannot_be_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    admin = _Admin(port, {"strategy": "disk"}, {"strategy": "memory"})
    shelf = admin.shelf("cache-kong_db_cache", limit=128 * 1024 * 1024)
    everything, one = PATHS[0].delete, PATHS[1]
    assert everything is not None
    assert one.get is not None
    assert one.delete is not None
    key = "0" * 64
    for handler, request in (
        (everything.handler, AdminRequest({}, {"tag": "news"})),
        (everything.handler, AdminRequest({}, {})),
        (one.delete.handler, AdminRequest({"key": key}, {})),
    ):
        assert shelf.put(key, b"", b"", ttl=60, tags=("t:news", f"k:{key}"))
        answer = asyncio.run(handler(admin, request))
        assert (answer.status, shelf.get(key)) == (503, None)
        assert f"127.0.0.1:{port}" in answer.body["message"]
    assert asyncio.run(one.get.handler(admin, AdminRequest({"key": key}, {}))).status == 503
    admin.shelves.close()


def test_the_key_of_what_varies_shows_by_what(redis: Redis) -> None:
    show = PATHS[1].get
    assert show is not None
    with node(redis.port) as harness:
        harness.answers = told(Vary="Accept-Language, X-Kind")
        key = hit(harness, "/varies").header("x-cache-key") or ""
    answer = asyncio.run(show.handler(_Admin(redis.port), AdminRequest({"key": key}, {})))
    assert (answer.status, answer.body) == (200, {"vary": ["accept-language", "x-kind"]})


def test_a_cluster_keeps_long_answers() -> None:
    timeouts = {"connect_timeout": 20_000, "send_timeout": 20_000, "read_timeout": 20_000}
    with cluster() as servers:
        reached = {"cluster_nodes": [{"ip": "127.0.0.1", "port": servers[0].port}], "password": Redis.password}
        with node(0, redis={**reached, **timeouts}) as harness:
            harness.answers = told(LONG)
            assert harness.request("GET", "/long").body == LONG
            assert hit(harness, "/long").body == LONG


def test_a_long_answer_that_comes_at_once_is_kept(redis: Redis) -> None:
    body = LONG * 6
    with node(redis.port) as harness:
        harness.answers = told(body)
        assert harness.request("GET", "/at-once").body == body
        assert hit(harness, "/at-once").body == body


async def test_a_claim_is_held_while_its_worker_lives(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_store, "HELD", 1.5)
    monkeypatch.setattr(redis_store, "_HOLD_EVERY", 0.1)
    living, looking = worker_node(), worker_node()
    reached = RedisAnywhere(port=redis.port, password=Redis.password)
    one, other = (redis_store.RedisStore(reached, node, bypass=True) for node in (living, looking))
    one.open()
    assert await one.claim("held", 60)
    assert await one.claim("short", 0.2)
    await asyncio.sleep(2.5)
    assert await other.claimed("held")
    assert not await other.claim("held", 60)
    assert not await other.claimed("short"), "it said so for long enough"
    await ending([living])
    end = time.monotonic() + 20
    while await other.claimed("held"):
        assert time.monotonic() < end
        await asyncio.sleep(0.05)
    await ending([looking])
