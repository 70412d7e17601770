"""bot-detection: the order of its lists, and odd headers."""

from typing import Any

import pytest

from gateline.plugins.bot_detection import BotDetection
from gateline.testing import Harness


@pytest.mark.parametrize(
    ("config", "agent", "status"),
    [
        ({}, "Googlebot/2.1", 403),
        ({}, "curl/8", 200),
        ({}, " Googlebot/2.1 ", 403),
        ({"allow": ["Googlebot"]}, "Googlebot/2.1", 200),
        ({"allow": ["googlebot"]}, "Googlebot/2.1", 403),
        ({"deny": ["curl"]}, "curl/8", 403),
        ({"allow": ["^curl/9"], "deny": ["curl"]}, "curl/9", 200),
        ({"allow": ["^curl/9"], "deny": ["curl"]}, "curl/8", 403),
        ({"deny": ["a|b", "c$"]}, "xxc", 403),
    ],
)
def test_who_passes(config: dict[str, Any], agent: str, status: int) -> None:
    with Harness((BotDetection, config)) as gateway:
        for _ in range(2):
            assert gateway.request(headers={"User-Agent": agent}).status == status


def test_a_refusal_says_so_and_nothing_more() -> None:
    with Harness(BotDetection) as gateway:
        assert gateway.request(headers={"User-Agent": "Googlebot/2.1"}).json()["message"] == "Forbidden"


def test_no_header_passes_and_two_are_refused() -> None:
    with Harness(BotDetection) as gateway:
        assert gateway.request().status == 200
        answer = gateway.request(headers=[("User-Agent", "curl/8"), ("User-Agent", "curl/8")])
    assert (answer.status, answer.json()["message"]) == (400, "Only one User-Agent header allowed")


def test_a_very_long_header_is_looked_at_too() -> None:
    with Harness(BotDetection) as gateway:
        assert gateway.request(headers={"User-Agent": "x" * 2000 + " Googlebot/2.1"}).status == 403
        assert gateway.request(headers={"User-Agent": "x" * 2000}).status == 200
