"""What plugins remember of requests by all that these ask for."""

from typing import Any

import pytest

from gateline.pdk import Consumer, Credential, Exchange, Identity, Plugin, PluginConfig, Response
from gateline.pdk.memory import Memory
from gateline.testing import Harness

ASKED = (b"GET", b"http", b"a.test", 8000, b"/a", b"b=1", "route", "ann", b"Bearer 1")
OTHERS = (b"HEAD", b"https", b"b.test", 8443, b"/b", b"b=2", "other", "bob", b"Bearer 2")


def test_only_what_asks_for_just_the_same_is_known() -> None:
    memory = Memory()
    assert memory.get(*ASKED) is None
    memory.put(*ASKED, "made")
    assert memory.get(*ASKED) == "made"
    for place, other in enumerate(OTHERS):
        asked: Any = (*ASKED[:place], other, *ASKED[place + 1 :])
        assert memory.get(*asked) is None, other
        assert memory.get(*ASKED) == "made"
    for place in (5, 8):
        without: Any = (*ASKED[:place], None, *ASKED[place + 1 :])
        assert memory.get(*without) is None
        noted: Any = (*without, place)
        memory.put(*noted)
        assert memory.get(*without) == place


def test_what_is_made_anew_takes_the_place_of_what_was() -> None:
    memory = Memory()
    memory.put(*ASKED, "made")
    memory.put(*ASKED, "anew")
    assert memory.get(*ASKED) == "anew"


def test_there_is_room_for_many_and_not_for_all() -> None:
    memory = Memory()
    paths = [b"/%d" % number for number in range(2000)]
    for _ in range(8):
        for path in paths:
            memory.put(b"GET", b"http", b"a.test", 80, path, None, "", "", None, path)
    known = [path for path in paths if memory.get(b"GET", b"http", b"a.test", 80, path, None, "", "", None) == path]
    assert len(known) > len(paths) / 2
    long = b"/" * 4000
    memory.put(b"GET", b"http", b"a.test", 80, long, None, "", "", None, "long")
    assert memory.get(b"GET", b"http", b"a.test", 80, long, None, "", "", None) is None


class Who(Plugin[PluginConfig], name="who", priority=1500):
    """Takes headers for the identity, and for what the service is asked."""

    def access(self, exchange: Exchange) -> None:
        consumer, user = exchange.request.header("x-consumer"), exchange.request.header("x-user")
        if consumer is not None:
            exchange.authenticate(Identity(Consumer(consumer), Credential("c")))
        elif user is not None:
            exchange.authenticate(Identity(None, Credential("c"), subject=user))
        if exchange.request.header("x-method") is not None:
            exchange.service_request.set_method("HEAD")
        if exchange.request.header("x-query") is not None:
            exchange.service_request.set_query("c")
        if exchange.request.header("x-hidden") is not None:
            exchange.service_request.remove_header("authorization")


class Counts(Plugin[PluginConfig], name="counts", priority=100):
    """Answers with the number of the request that was the first to ask for the same."""

    def __init__(self, config: PluginConfig) -> None:
        self._memory = Memory(b"authorization")
        self._count = 0

    def access(self, exchange: Exchange) -> Response:
        known = exchange.recall(self._memory)
        if known is None:
            self._count += 1
            known = self._count
            exchange.remember(self._memory, known)
        some = exchange.has_any((b"x-consumer", b"x-kept"))
        return Response(200, {"number": known, "some": some})


@pytest.fixture
def numbered() -> Any:
    with Harness(Who, Counts) as gateway:
        yield lambda target="/", method="GET", **headers: gateway.request(
            method, target, headers={name.replace("_", "-"): value for name, value in headers.items()}
        ).json()


def test_what_plugins_made_of_a_request_is_what_it_asks_for(numbered: Any) -> None:
    different: list[dict[str, str]] = [
        {},
        {"target": "/?a"},
        {"target": "/a"},
        {"method": "POST"},
        {"Host": "other.test"},
        {"x_consumer": "ann"},
        {"x_consumer": "bob"},
        {"Authorization": "Bearer 1"},
        {"Authorization": "Bearer 2"},
        {"x_method": "1"},
        {"x_query": "1"},
    ]
    found: dict[int, int] = {}
    for place, one in list(enumerate(different)) * 3:
        number = numbered(**one)["number"]
        assert numbered(**one)["number"] == number
        assert found.setdefault(number, place) == place, "made of another request"


def test_what_cannot_be_told_apart_is_not_remembered(numbered: Any) -> None:
    for headers in ({"x_user": "ann"}, {"x_hidden": "1", "Authorization": "Bearer 1"}):
        assert numbered(**headers)["number"] != numbered(**headers)["number"]


def test_headers_are_those_that_plugins_have_left(numbered: Any) -> None:
    assert numbered()["some"] is False
    assert numbered(x_consumer="ann")["some"] is True
    assert numbered(x_user="ann", x_kept="1")["some"] is True
