"""cors: preflights, and what other answers say."""

from typing import Any

import pytest

from gateline.plugins.cors import Cors
from gateline.testing import Answer, Harness, ServiceAnswer

ORIGIN = "Access-Control-Allow-Origin"


def preflight(gateway: Harness, origin: str = "http://o.test", **more: str) -> Answer:
    headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    return gateway.request("OPTIONS", headers=headers | {name.replace("_", "-"): value for name, value in more.items()})


def told(answer: Answer) -> dict[str, str]:
    """What the answer says to browsers."""
    return {name: value for name, value in answer.lines if name.startswith("Access-Control") or name == "Vary"}


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (None, "http://o.test", "*"),
        ([], "http://o.test", "*"),
        (["*"], None, "*"),
        (["https://a.test", "*"], "http://o.test", "*"),
        (["a.test"], "http://o.test", "a.test"),
        (["https://a.test"], None, "https://a.test"),
        (["https://a.test", "http://b.test:80"], "http://b.test", "http://b.test"),
        (["https://a.test", "http://b.test"], "http://b.test:80", "http://b.test"),
        (["https://a.test", "http://b.test"], "HTTP://B.test", "http://b.test"),
        (["https://a.test", "http://b.test"], "https://b.test", None),
        (["https://a.test", "http://b.test"], None, None),
        ([r".*\.a\.test"], "https://x.a.test:8443", "https://x.a.test:8443"),
        ([r".*\.a\.test"], "https://x.a.test.evil.test", None),
        ([r"^.*\.a\.test$"], "https://x.a.test", "https://x.a.test"),
        ([r"a\.test|b\.test"], "https://xb.test", None),
        ([r"https://(x|y)\.test:9000"], "https://y.test:9000", "https://y.test:9000"),
        ([r"https://(x|y)\.test"], "https://y.test:443", "https://y.test"),
        ([r"https://(x|y)\.test"], "http://y.test", None),
        (["https://a.test", "https://b.test"], "null", None),
        ([r"http://\[::1\]", "https://b.test"], "http://[::1]:80", "http://[::1]"),
        (["http://a.test", "https://b.test"], "http://a.test:x", None),
    ],
)
def test_which_origin_is_allowed(origins: list[str] | None, origin: str | None, allowed: str | None) -> None:
    with Harness((Cors, {"origins": origins})) as gateway:
        for _ in range(2):
            answer = gateway.request(headers={"Origin": origin} if origin else {})
            assert answer.header(ORIGIN) == allowed
            assert answer.header("Vary") == (None if allowed == "*" else "Origin")


def test_a_preflight_is_answered_with_all_that_is_configured() -> None:
    config = {
        "origins": ["https://a.test", "https://b.test"],
        "methods": ["GET", "PUT"],
        "headers": ["X-A", "X-B"],
        "exposed_headers": ["X-C"],
        "max_age": 23,
        "credentials": True,
    }
    with Harness((Cors, config)) as gateway:
        answer = preflight(gateway, "https://b.test", Access_Control_Request_Headers="X-D")
    assert (answer.status, answer.body, answer.sent, answer.header("Content-Length")) == (200, b"", None, "0")
    assert told(answer) == {
        ORIGIN: "https://b.test",
        "Access-Control-Allow-Methods": "GET,PUT",
        "Access-Control-Allow-Headers": "X-A,X-B",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Max-Age": "23",
        "Vary": "Origin",
    }


def test_a_preflight_of_another_origin_is_answered_without_it() -> None:
    with Harness((Cors, {"origins": ["https://a.test", "https://b.test"]})) as gateway:
        answer = preflight(gateway)
    assert (answer.status, answer.header(ORIGIN), answer.header("Vary")) == (200, None, "Origin")


@pytest.mark.parametrize(
    ("private", "asked", "answered"), [(True, "true", "true"), (True, "false", None), (False, "true", None)]
)
def test_private_networks_are_opened_when_asked(private: bool, asked: str, answered: str | None) -> None:
    with Harness((Cors, {"private_network": private})) as gateway:
        answer = preflight(gateway, Access_Control_Request_Private_Network=asked)
    assert answer.header("Access-Control-Allow-Private-Network") == answered


def test_the_service_may_answer_preflights() -> None:
    with Harness((Cors, {"preflight_continue": True})) as gateway:
        gateway.answers = ServiceAnswer(204, {ORIGIN: "http://own.test"})
        answer = preflight(gateway)
    assert answer.sent is not None
    assert (answer.status, told(answer)) == (204, {ORIGIN: "http://own.test"})


@pytest.mark.parametrize("missing", ["Origin", "Access-Control-Request-Method"])
def test_other_options_requests_go_to_the_service(missing: str) -> None:
    headers = {"Origin": "http://o.test", "Access-Control-Request-Method": "GET"}
    del headers[missing]
    with Harness(Cors) as gateway:
        answer = gateway.request("OPTIONS", headers=headers)
    assert answer.sent is not None
    assert answer.header(ORIGIN) == "*"


@pytest.mark.parametrize(
    ("config", "origin", "wanted"),
    [
        ({"credentials": True}, "http://o.test", {ORIGIN: "http://o.test", "credentials": "true", "Vary": "Origin"}),
        ({"credentials": True}, None, {ORIGIN: "*"}),
        (
            {"credentials": True, "origins": ["a.test"]},
            None,
            {ORIGIN: "a.test", "credentials": "true", "Vary": "Origin"},
        ),
        ({"allow_origin_absent": False}, None, {}),
        ({"allow_origin_absent": False}, "http://o.test", {ORIGIN: "*"}),
        ({"exposed_headers": ["X-A", "X-B"]}, None, {ORIGIN: "*", "Access-Control-Expose-Headers": "X-A,X-B"}),
    ],
)
def test_what_other_answers_say(config: dict[str, Any], origin: str | None, wanted: dict[str, str]) -> None:
    with Harness((Cors, config)) as gateway:
        answer = gateway.request(headers={"Origin": origin} if origin else {})
    wanted = {"Access-Control-Allow-Credentials" if name == "credentials" else name: v for name, v in wanted.items()}
    assert told(answer) == wanted


@pytest.mark.parametrize(
    ("origin", "given", "lines"),
    [
        ("https://a.test", {"Vary": "Accept-Encoding"}, ["Accept-Encoding", "Origin"]),
        ("https://a.test", {"Vary": "Accept, origin"}, ["Accept, origin"]),
        ("https://a.test", {"Vary": "*"}, ["*"]),
    ],
)
def test_what_the_service_says_of_its_own_is_kept(origin: str, given: dict[str, str], lines: list[str]) -> None:
    with Harness((Cors, {"origins": ["https://a.test", "https://b.test"]})) as gateway:
        answer = gateway.request(headers={"Origin": origin}, service=ServiceAnswer(headers=given))
    assert answer.header_values("Vary") == lines


@pytest.mark.parametrize(("origin", "allowed"), [("https://a.test", ["https://a.test"]), ("https://c.test", [])])
def test_the_services_own_origin_is_replaced_or_taken_away(origin: str, allowed: list[str]) -> None:
    with Harness((Cors, {"origins": ["https://a.test", "https://b.test"]})) as gateway:
        answer = gateway.request(headers={"Origin": origin}, service=ServiceAnswer(headers={ORIGIN: "http://own.test"}))
    assert answer.header_values(ORIGIN) == allowed
