"""A client that nobody here wrote, aio-kong, against a running gateway with a store: it makes, lists, changes and
deletes what it knows, and applies its YAML."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kong.client import Kong, KongResponseError

from harness.certificates import self_signed
from harness.gateway import Gateway

CONFIGURATION = """
services:
- name: shop
  host: shop.test
  port: 8080
  routes:
  - {name: catalogue, paths: /catalogue, methods: [GET, HEAD]}
  - {name: basket, hosts: [shop.test], strip_path: false}
- name: blog
  host: blog.test
  routes:
  - {name: articles, paths: [/articles]}
  plugins:
  - {name: key-auth, config: {key_names: [x-key], hide_credentials: true}}
plugins:
- {name: correlation-id, config: {echo_downstream: true}}
consumers:
- username: ann
  groups: [staff, readers]
  auths:
  - {type: key-auth, config: {key: anns-key}}
  - {type: basic-auth, config: {username: ann, password: secret}}
"""


@pytest.fixture(scope="module")
def stored_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("aio-kong")) as running:
        yield running


@pytest.fixture
def use(stored_gateway: Gateway) -> Callable[[Callable[[Kong], Awaitable[None]]], None]:
    """Runs a conversation of the client, after which nothing is left."""

    async def talk(conversation: Callable[[Kong], Awaitable[None]]) -> None:
        async with Kong(f"http://127.0.0.1:{stored_gateway.admin_port}") as client:
            await conversation(client)
            await client.delete_all()
            for component in (
                client.services,
                client.routes,
                client.plugins,
                client.consumers,
                client.certificates,
                client.snis,
            ):
                assert await component.get_full_list() == []

    return lambda conversation: asyncio.run(talk(conversation))


def test_services_and_routes(use: Callable[..., None]) -> None:
    async def conversation(kong: Kong) -> None:
        service = await kong.services.create(name="s", host="h.test", port=81)
        assert (service.name, service.host, service.protocol) == ("s", "h.test", "http")
        assert await kong.services.has("s")
        assert not await kong.services.has("other")
        assert (await kong.services.update("s", port=82))["port"] == 82
        route = await service.routes.create(name="r", hosts=["a.test"])
        assert route["service"]["id"] == service.id
        assert [one.id for one in await service.routes.get_list()] == [route.id]
        assert (await kong.routes.update("r", paths=["/x"]))["hosts"] == ["a.test"]
        assert await kong.routes.delete(route.id)
        with pytest.raises(KongResponseError) as error:
            await kong.routes.get("r")
        assert error.value.status == 404

    use(conversation)


def test_consumers(use: Callable[..., None]) -> None:
    async def conversation(kong: Kong) -> None:
        bob = await kong.consumers.create(username="bob", custom_id="007", tags=["a"])
        assert bob.username == "bob"
        assert (await kong.consumers.update(bob.id, custom_id="008"))["custom_id"] == "008"
        assert [one.id for one in await kong.consumers.get_list(custom_id="008")] == [bob.id]
        with pytest.raises(KongResponseError) as error:
            await kong.consumers.create(username="bob")
        assert (error.value.status, error.value.message["name"]) == (409, "unique constraint violation")
        assert await kong.consumers.delete("bob")

    use(conversation)


def test_certificates_and_their_server_names(use: Callable[..., None], tmp_path: Path) -> None:
    cert, key = (Path(path).read_text() for path in self_signed(tmp_path, "a.test"))

    async def conversation(kong: Kong) -> None:
        certificate = await kong.certificates.create(cert=cert, key=key, snis=["a.test"])
        (sni,) = await certificate.snis.get_list()
        assert sni["certificate"]["id"] == certificate.id
        applied = await kong.snis.apply_json({"name": "b.test", "certificate": {"id": certificate.id}})
        assert applied[0]["name"] == "b.test"
        assert (await kong.certificates.get("b.test"))["snis"] == ["a.test", "b.test"]
        assert await kong.snis.delete("a.test")
        assert (await kong.certificates.get(certificate.id))["snis"] == ["b.test"]

    use(conversation)


def test_pages_are_followed_to_the_last(use: Callable[..., None]) -> None:
    async def conversation(kong: Kong) -> None:
        names = {f"s{number}" for number in range(7)}
        for name in names:
            await kong.services.create(name=name, host="h.test", tags=["paged"])
        listed = [one.name async for one in kong.services.paginate(size=2)]
        assert (len(listed), set(listed)) == (7, names)
        assert len(await kong.services.get_full_list(size=3, tags="paged")) == 7

    use(conversation)


def test_a_configuration_is_applied_again_and_again(use: Callable[..., None]) -> None:
    configuration: dict[str, Any] = yaml.safe_load(CONFIGURATION)

    async def conversation(kong: Kong) -> None:
        for _ in range(2):
            applied = await kong.apply_json(configuration)
            assert [one.name for one in applied["services"]] == ["shop", "blog"]
            assert {one.name for one in await kong.routes.get_full_list()} == {"catalogue", "basket", "articles"}
            assert (await kong.routes.get("catalogue"))["paths"] == ["/catalogue"]
            plugins = await kong.plugins.get_full_list()
            assert sorted(one["name"] for one in plugins) == ["correlation-id", "key-auth"]
            ann = await kong.consumers.get("ann")
            assert sorted([acl["group"] for acl in await ann.acls.get_list()]) == ["readers", "staff"]
            assert [key["key"] for key in await ann.keyauths.get_list()] == ["anns-key"]
            assert [one["username"] for one in await ann.basicauths.get_list()] == ["ann"]
        await kong.apply_json({"services": {"name": "blog", "ensure": "absent"}})
        assert [one.name for one in await kong.services.get_full_list()] == ["shop"]

    use(conversation)
