"""Keys, tags and media types of proxy-cache."""

import pytest

from gateline.pdk import Consumer, Credential, Exchange, Identity, Plugin, PluginConfig
from gateline.plugins.proxy_cache import ProxyCache
from gateline.plugins.proxy_cache.keys import tags_of_entry, url_tag, url_tags
from gateline.plugins.proxy_cache.media_types import MediaTypes
from gateline.testing import Harness


class Who(Plugin[PluginConfig], name="who", priority=1500):
    """Takes headers for the identity."""

    def access(self, exchange: Exchange) -> None:
        consumer, user = exchange.request.header("x-consumer"), exchange.request.header("x-user")
        if consumer is not None:
            exchange.authenticate(Identity(Consumer(consumer), Credential("c")))
        elif user is not None:
            exchange.authenticate(Identity(None, Credential("c"), subject=user))


class Asks(Plugin[PluginConfig], name="asks", priority=1400):
    """Asks the service for what a header says."""

    def access(self, exchange: Exchange) -> None:
        query = exchange.request.header("x-query")
        if query is not None:
            exchange.service_request.set_query(query)


def keys(requests: list[tuple[str, dict[str, str]]], **config: object) -> list[str | None]:
    with Harness((ProxyCache, {"strategy": "memory", "content_type": ["*/*"], **config}), Who, Asks) as gateway:
        return [gateway.request("GET", path, headers=headers).header("x-cache-key") for path, headers in requests]


def test_what_may_make_an_answer_another_ones_makes_another_key() -> None:
    found = keys(
        [
            ("/", {}),
            ("/?a", {}),
            ("/", {"Host": "other.test"}),
            ("/", {"X-Consumer": "ann"}),
            ("/", {"X-Consumer": "bob"}),
            ("/", {"X-User": "ann"}),
            ("/", {"X-User": "bob"}),
            ("/A", {}),
            ("/a", {}),
            ("/", {"Authorization": "Basic ann"}),
            ("/", {"Authorization": "Basic bob"}),
            ("/", {"X-Query": "b"}),
            ("/", {"X-Query": "c"}),
            ("/" + "a" * 2000, {}),
        ]
        * 2
    )
    assert len(set(found)) == len(found) / 2
    assert found[: len(found) // 2] == found[len(found) // 2 :]


def test_what_does_not_matter_makes_the_same_key() -> None:
    assert len(set(keys([("/?a=1&b=2", {}), ("/?b=2&a=1", {"X-Other": "1"})]))) == 1
    assert len(set(keys([("/?a=1&a=2", {}), ("/?a=2&a=1", {})]))) == 2
    assert len(set(keys([("/A", {}), ("/a", {})], ignore_uri_case=True))) == 1
    assert len(set(keys([("/?a=1&b=1", {}), ("/?a=1", {}), ("/?a=%31&c=2", {})], vary_query_params=["a"]))) == 1
    varied = [("/", {"X-A": "1"}), ("/", {"x-a": "1"}), ("/", {"X-A": "2"}), ("/", {})]
    assert len(set(keys(varied, vary_headers=["X-A"]))) == 3


@pytest.mark.parametrize(
    ("url", "tag"),
    [
        ("http://a.test/b?c", "u://a.test/b?c"),
        ("https://user@A.test:8443/b", "u://a.test/b"),
        ("//a.test/b", "u://a.test/b"),
        ("a.test:80/b", "u://a.test/b"),
        ("http://[::1]:80/b", "u://[::1]/b"),
    ],
)
def test_a_url_is_known_by_host_and_target(url: str, tag: str) -> None:
    assert url_tag(url) == tag


def test_media_types_match_with_wildcards_and_their_parameters() -> None:
    types = MediaTypes(["text/plain", "application/json; charset=utf-8", "image/*"])
    for text in ("text/plain", "Text/Plain", "application/json;charset=UTF-8", "image/png"):
        assert types.has(text), text
    for text in ("text/html", "text/plain; charset=utf-8", "application/json", "image/png; q=1", "nonsense", ""):
        assert not types.has(text), text
    assert MediaTypes(["*/*"]).has("a/b")


@pytest.mark.parametrize("url", ["http://a.test/%41?b=1&a=2", "a.test:80/A?a=2&b=1", "//A.test/%41?a=2&b=1"])
def test_a_url_is_found_however_it_is_spelled(url: str) -> None:
    for target in ("/A?a=2&b=1", "/A?b=1&a=2", "/%41?a=2&b=1", "/%41?b=1&a=2"):
        assert {*url_tags(url)} & {*tags_of_entry("key", "plugin", "a.test", target, ())}, target
    for target in ("/A?a=2&b=2", "/B?a=2&b=1", "/A"):
        assert not {*url_tags(url)} & {*tags_of_entry("key", "plugin", "a.test", target, ())}, target
