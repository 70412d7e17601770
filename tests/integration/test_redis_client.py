"""The plugins' Redis client, against real servers: one, with TLS, behind Sentinels, a Cluster; and when it is gone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateline.engine.node import PluginNode
from gateline.pdk.redis import Redis, RedisAnywhere, RedisClient, RedisError, Script
from gateline.pdk.redis import pipeline as pipelines
from gateline.pdk.redis.fields import ClusterNode, SentinelNode
from harness.certificates import self_signed
from harness.redis import Redis as Server
from harness.redis import cluster, sentinels
from harness.server import free_port
from harness.worker import ending, worker_node

ADD = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
LONG = 20_000
"""Milliseconds that nothing here takes."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@contextlib.asynccontextmanager
async def node(authorities: tuple[str, ...] = ()) -> AsyncIterator[PluginNode]:
    """What a plugin has of its worker, in the loop of the test."""
    made = worker_node(authorities=authorities)
    try:
        yield made
    finally:
        await ending([made])


def at(server: Server, **others: Any) -> Redis:
    return Redis(host="127.0.0.1", port=server.port, password=Server.password, timeout=LONG, **others)


async def test_what_is_asked_together_goes_together(server: Server) -> None:
    with contextlib.closing(server.client()) as past:
        past.script_flush()
        async with node() as here:
            client = RedisClient(at(server), here)
            assert sorted(await asyncio.gather(*(client.run_script(ADD, ("a",), (1,)) for _ in range(500)))) == list(
                range(1, 501)
            )
            before: Any = past.info("stats")
            await asyncio.gather(*(client.run_script(ADD, ("a",), (1,)) for _ in range(250)))
            after: Any = past.info("stats")
            clients: Any = past.info("clients")
    assert after["total_commands_processed"] - before["total_commands_processed"] <= 2 * 250 + 1
    # One batch of 250 is read in a few reads, not in 250.
    assert after["total_reads_processed"] - before["total_reads_processed"] < 50
    assert clients["connected_clients"] <= 1 + pipelines.CONNECTIONS


async def test_plugins_that_mean_one_redis_share_its_connections_until_the_last_is_gone(server: Server) -> None:
    async with node() as here:
        one, other = RedisClient(at(server), here), RedisClient(at(server), here)
        await one.run("SET", "k", "v")
        assert await other.run("GET", "k") == b"v"
        assert one._pipeline is other._pipeline
        assert one._pipeline is not None
        assert one._pipeline.users == 2
    assert one._pipeline is None


async def test_what_outlives_its_plugin_is_answered_and_leaves_no_connection() -> None:
    with Server() as server, contextlib.closing(server.client()) as past:
        async with node() as here:
            client = RedisClient(at(server), here)
            early = asyncio.get_running_loop().create_task(client.run("INCR", "k"))
            await asyncio.sleep(0)
        assert await early == 1
        assert sorted(await asyncio.gather(*(client.run("INCR", "k") for _ in range(5)))) == [2, 3, 4, 5, 6]
        for _ in range(400):
            if past.info("clients")["connected_clients"] == 1:
                break
            await asyncio.sleep(0.05)
        assert past.info("clients")["connected_clients"] == 1


async def test_a_wrong_command_is_an_error_for_its_sender_alone(server: Server) -> None:
    async with node() as here:
        client = RedisClient(at(server), here)
        answers: Any = await asyncio.gather(client.run("INCR"), client.run("PING"), return_exceptions=True)
        wrong, right = answers
        assert isinstance(wrong, RedisError)
        assert f"Redis at 127.0.0.1:{server.port}" in str(wrong)
        assert right in (True, b"PONG")


async def test_texts_that_are_none_are_keys_too(server: Server) -> None:
    async with node() as here:
        client = RedisClient(at(server), here)
        assert await client.run_script(ADD, ("\udc80",), (1,)) == 1
        answers: Any = await asyncio.gather(client.run("GET", object()), client.run("PING"), return_exceptions=True)
        assert isinstance(answers[0], RedisError)
        assert await client.run("GET", "\udc80") == b"1"


async def test_a_slow_redis_costs_its_timeout_once_and_then_nothing_for_a_while(server: Server) -> None:
    with contextlib.closing(server.client()) as past:
        async with node() as here:
            client = RedisClient(at(server).model_copy(update={"timeout": 100}), here)
            await client.run("PING")
            past.execute_command("CLIENT PAUSE", 2_000)
            late = await asyncio.gather(*(client.run("PING") for _ in range(20)), return_exceptions=True)
            assert all(isinstance(one, RedisError) for one in late)
            loop = asyncio.get_running_loop()
            begun = loop.time()
            for _ in range(1000):  # each would wait for 0.1 s
                with contextlib.suppress(RedisError):
                    await client.run("PING")
            assert loop.time() - begun < 50


async def test_a_redis_that_was_gone_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines, "PAUSE", 0.01)
    with Server() as server:
        async with node() as here:
            client = RedisClient(at(server), here)
            assert await client.run_script(ADD, ("a",), (1,)) == 1
            server.stop()
            with pytest.raises(RedisError):
                await client.run_script(ADD, ("a",), (1,))
            server.start()  # it knows no script any more
            assert await again(lambda: client.run_script(ADD, ("a",), (1,))) == 1


async def again(ask: Any, tries: int = 400) -> Any:
    """What is answered when it is; Redis may be on its way back."""
    for _ in range(tries):
        try:
            return await ask()
        except RedisError as error:
            last = error
            await asyncio.sleep(0.05)
    raise last


async def test_one_alone_asks_whether_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines, "PAUSE", 0.0)
    redis = Redis(host="127.0.0.1", port=free_port(), timeout=LONG)
    async with node() as here:
        client = RedisClient(redis, here)
        with pytest.raises(RedisError, match="Connect"):
            await client.run("PING")
        failed = await asyncio.gather(*(client.run("PING") for _ in range(50)), return_exceptions=True)
    texts = [str(one) for one in failed]
    assert sum("is not asked again yet" in text for text in texts) == 49


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    pair = self_signed(tmp_path_factory.mktemp("tls"), "redis.test")
    with Server(tls=pair) as running:
        yield running, Path(pair[0]).read_text()


async def test_tls_asks_for_the_name_that_is_configured(tls: tuple[Server, str]) -> None:
    server, authority = tls
    async with node((authority,)) as here:
        client = RedisClient(at(server, ssl=True, ssl_verify=True, server_name="redis.test"), here)
        assert await client.run_script(ADD, ("t",), (1,)) == 1


@pytest.mark.parametrize(
    ("name", "trusted", "verify", "passes"),
    [("other.test", True, True, False), ("redis.test", False, True, False), (None, False, False, True)],
)
async def test_tls_believes_a_certificate_or_not(
    tls: tuple[Server, str], name: str | None, trusted: bool, verify: bool, passes: bool
) -> None:
    server, authority = tls
    async with node((authority,) if trusted else ()) as here:
        client = RedisClient(at(server, ssl=True, ssl_verify=verify, server_name=name), here)
        if passes:
            await client.run("PING")
        else:
            with pytest.raises(RedisError, match=r"(?i)certificate"):
                await client.run("PING")


async def test_sentinels_name_the_server_also_after_a_failover(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines, "PAUSE", 0.05)
    with sentinels("counts") as (servers, ports):
        redis = RedisAnywhere(
            sentinel_master="counts",
            sentinel_role="master",
            sentinel_nodes=tuple(SentinelNode(host="127.0.0.1", port=port) for port in ports),
            password=Server.password,
            connect_timeout=LONG,
            read_timeout=LONG,
            send_timeout=LONG,
        )
        async with node() as here:
            client = RedisClient(redis, here)
            assert await client.run_script(ADD, ("a",), (5,)) == 5
            with contextlib.closing(servers[1].client()) as replica:
                for _ in range(400):
                    if replica.get("a") == "5":
                        break
                    await asyncio.sleep(0.05)
            servers[0].stop()
            assert await again(lambda: client.run_script(ADD, ("a",), (1,)), tries=1200) == 6


async def test_a_cluster_is_asked_where_the_keys_are() -> None:
    with cluster() as servers:
        redis = RedisAnywhere(
            cluster_nodes=(ClusterNode(ip="127.0.0.1", port=servers[0].port),),
            password=Server.password,
            connect_timeout=LONG,
            read_timeout=LONG,
            send_timeout=LONG,
        )
        async with node() as here:
            client = RedisClient(redis, here)
            keys = [f"key-{number}" for number in range(60)]
            assert await asyncio.gather(*(client.run_script(ADD, (key,), (1,)) for key in keys)) == [1] * 60
            assert await asyncio.gather(*(client.run_script(ADD, (key,), (1,)) for key in keys)) == [2] * 60
            assert await asyncio.gather(*(client.run("GET", key) for key in keys)) == [b"2"] * 60
        for server in servers:
            with contextlib.closing(server.client()) as past:
                assert past.dbsize() > 0
