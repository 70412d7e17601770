"""What plugins can do with services' answers as they come: watch them, keep them, give them again."""

import logging
from collections.abc import AsyncIterator

import pytest

from gateline.pdk import Answer, Exchange, Plugin, PluginConfig, Response, StoredResponse
from gateline.plugins.response_transformer import ResponseTransformer
from gateline.testing import Harness, ServiceAnswer


class Config(PluginConfig):
    """What the plugin does."""

    fails_in: str = ""
    instead: bool = False
    again: bool = False


class Watches(Plugin[Config], name="watches"):
    """Notes what it sees."""

    seen: list[object]

    def __init__(self, config: Config) -> None:
        self.seen = SEEN

    def access(self, exchange: Exchange) -> None:
        exchange.service_request.watch(self)
        if self.config.again:
            exchange.ask_service(self, lambda request: request.set_header("X-Again", "1"))

    def begun(self, exchange: Exchange, length: int) -> Answer | None:
        SEEN.append(("begun", exchange.service_response.status, length))
        SEEN.append(exchange.service_response.kept_lines(["X-Not"]))
        self._fail("begun")
        return Response(299, "instead") if self.config.instead else None

    def data(self, data: bytes) -> None:
        SEEN.append(data)
        self._fail("data")

    def ended(self, *, whole: bool) -> None:
        SEEN.append(whole)

    def failed(self, exchange: Exchange) -> Answer | None:
        SEEN.append("failed")
        return Response(298, "kept") if self.config.instead else None

    def _fail(self, place: str) -> None:
        if self.config.fails_in == place:
            raise RuntimeError("on purpose")


SEEN: list[object] = []
ANSWER = ServiceAnswer(
    headers={"Date": "now", "Server": "s", "Connection": "X-Hop", "X-Hop": "1", "X-Not": "1"}, body=b"ab"
)


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    SEEN.clear()


def watching(**config: object) -> Harness:
    made = Harness((Watches, config))
    made.answers = ANSWER
    return made


def test_an_answer_is_seen_as_it_comes() -> None:
    with watching() as gateway:
        assert gateway.request().body == b"ab"
        assert SEEN == [("begun", 200, 2), b"Date: now\r\nServer: s\r\n", b"ab", True]
        SEEN.clear()
        gateway.request(service=ServiceAnswer(chunks=(b"a", b"b")))
        assert SEEN[0] == ("begun", 200, -1)
        assert SEEN[2:] == [b"a", b"b", True]
        SEEN.clear()
        gateway.request("HEAD")
        assert SEEN == [("begun", 200, 2), b"Date: now\r\nServer: s\r\n", True]


class Broken(ServiceAnswer):
    """Breaks off in its body."""

    def pieces(self, method: str) -> list[bytes]:
        return [*super().pieces(method)[:-1], b"no chunk\r\n"]


def test_an_answer_that_breaks_off_is_told_as_such() -> None:
    with watching() as gateway:
        with pytest.raises(ConnectionError):
            gateway.request(service=Broken(chunks=(b"a",)))
        assert SEEN[2:] == [b"a", False]


@pytest.mark.parametrize("place", ["begun", "data"])
def test_one_that_fails_harms_nobody(place: str, caplog: pytest.LogCaptureFixture) -> None:
    with watching(fails_in=place) as gateway, caplog.at_level(logging.ERROR):
        assert gateway.request().body == b"ab"
    assert SEEN[-1] is False
    assert "on purpose" in caplog.text


def test_what_it_returns_takes_the_answers_place() -> None:
    with watching(instead=True) as gateway:
        answer = gateway.request()
        assert (answer.status, answer.body) == (299, b"instead")
        assert SEEN[-1] is False
        answer = gateway.request(service=ServiceAnswer(chunks=(b"a", b"b")))
        assert (answer.status, answer.body) == (299, b"instead")


class Rubbish(ServiceAnswer):
    """No answer at all."""

    def pieces(self, method: str) -> list[bytes]:
        return [b"rubbish\r\n\r\n"]


@pytest.mark.parametrize("instead", [True, False])
def test_what_it_has_in_place_of_an_error_is_given(instead: bool) -> None:
    with watching(instead=instead) as gateway:
        assert gateway.request(service=Rubbish()).status == (298 if instead else 502)
        assert SEEN == ["failed", False]


def test_the_service_is_asked_beside_the_request() -> None:
    with watching(again=True) as gateway:
        assert gateway.request("GET", "/a?b=1").body == b"ab"
        assert SEEN.count(True) == 2
        assert sorted((sent.target, sent.header("x-again") or "") for sent in gateway.sent) == [
            ("/a?b=1", ""),
            ("/a?b=1", "1"),
        ]


class Gives(Plugin[PluginConfig], name="gives", priority=900):
    """Gives answers that were kept."""

    def access(self, exchange: Exchange) -> StoredResponse:
        block = b"Content-Type: text/plain\r\nDate: then\r\n"
        match exchange.request.path:
            case "/long":
                return StoredResponse(200, block, b"0", length=5, more=pieces())
            case "/broken":
                return StoredResponse(200, block, length=9, more=pieces())
            case "/304":
                return StoredResponse(304, block)
            case "/head":
                return StoredResponse(200, block, length=7)
        return StoredResponse(200, block, b"body")


async def pieces() -> AsyncIterator[bytes]:
    yield b"12"
    yield b"34"


TRANSFORMED = (ResponseTransformer, {"add": {"headers": ["X-Added:1"]}})


@pytest.mark.parametrize("others", [(), (TRANSFORMED,)], ids=["alone", "transformed"])
def test_a_kept_answer_goes_out_as_if_it_had_just_come(others: tuple[object, ...]) -> None:
    with Harness(Gives, *others) as gateway:  # type: ignore[arg-type]
        added = "1" if others else None
        short, long = gateway.request("GET", "/"), gateway.request("GET", "/long")
        assert (short.status, short.body, long.body) == (200, b"body", b"01234")
        assert long.header("content-length") == "5"
        for answer in (short, long):
            assert answer.header("date") == "then"
            assert answer.header("x-kong-upstream-latency") == "0"
            assert answer.header("x-kong-proxy-latency") is not None
            assert answer.header("x-added") == added
            assert answer.sent is None
        head = gateway.request("HEAD", "/head")
        assert (head.body, head.header("content-length")) == (b"", "7")
        assert gateway.request("HEAD", "/").header("content-length") == "4"
        assert gateway.request("HEAD", "/long").header("content-length") == "5"
        not_modified = gateway.request("GET", "/304")
        assert (not_modified.status, not_modified.header("content-length"), not_modified.body) == (304, None, b"")


class Refuses(Plugin[PluginConfig], name="refuses-pieces", priority=900):
    """Gives one whose pieces cannot be had."""

    def access(self, exchange: Exchange) -> StoredResponse:
        return StoredResponse(200, b"", length=9, more=_gone())


async def _gone() -> AsyncIterator[bytes]:
    yield b"12"
    raise OSError("gone")


def test_a_kept_answer_that_breaks_off_ends_the_connection() -> None:
    with Harness(Refuses) as gateway, pytest.raises(ConnectionError):
        gateway.request("GET", "/")
