"""Plugins may name and set headers with what derives from text: enumerations, values of secrets."""

from enum import StrEnum

from gateline.pdk import Exchange, Plugin, PluginConfig
from gateline.testing import Harness


class Word(StrEnum):
    NAME = "X-Word"
    VALUE = "said"


class Saying(Plugin[PluginConfig], name="saying"):
    def access(self, exchange: Exchange) -> None:
        request, to_service = exchange.request, exchange.service_request
        assert request.header(Word.NAME) == "asked"
        assert request.header_values(Word.NAME) == ["asked"]
        to_service.remove_header(Word.NAME)
        to_service.set_header(Word.NAME, Word.VALUE)
        to_service.add_header(Word.NAME, Word.VALUE)

    def header_filter(self, exchange: Exchange) -> None:
        response = exchange.response
        response.remove_header(Word.NAME)
        response.set_header(Word.NAME, Word.VALUE)
        response.add_header(Word.NAME, Word.VALUE)
        assert response.header(Word.NAME) == "said"
        assert response.header_values(Word.NAME) == ["said", "said"]


def test_what_derives_from_text_is_taken_for_text() -> None:
    with Harness(Saying) as gateway:
        answer = gateway.request(headers={"X-Word": "asked"})
    assert answer.sent is not None
    assert (answer.status, answer.header_values("X-Word")) == (200, ["said", "said"])
    assert answer.sent.header_values("X-Word") == ["said", "said"]
