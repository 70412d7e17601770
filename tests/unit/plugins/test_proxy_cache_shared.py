"""proxy-cache with `cache_control`: a shared cache."""

import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest

from gateline.pdk import Consumer, Credential, Exchange, Identity, Plugin, PluginConfig
from gateline.plugins.proxy_cache import ProxyCache, coalescing
from gateline.testing import Answer, Harness, ServiceAnswer

LONG = bytes(range(256)) * 1024

_passed = [0.0]
"""Seconds that have passed by the clock of the test."""


class Config(PluginConfig):
    """Nothing."""


class WhoAsks(Plugin[Config], name="who-asks", priority=1500):
    """Takes a header for the consumer."""

    def access(self, exchange: Exchange) -> None:
        name = exchange.request.header("x-who")
        if name is not None:
            exchange.authenticate(Identity(Consumer(name, name), Credential(name)))


def gateway(config: dict[str, Any] | None = None, *others: Any) -> Harness:
    wanted = {"strategy": "memory", "cache_control": True, "content_type": ["*/*"], **(config or {})}
    return Harness((ProxyCache, wanted), WhoAsks, *others)


@pytest.fixture(autouse=True)
def clock() -> None:
    _passed[0] = 0.0


@pytest.fixture
def cached() -> Iterator[Harness]:
    with gateway() as made:
        yield made


def told(control: str, body: bytes = b"body", **headers: str) -> ServiceAnswer:
    lines = {"Cache-Control": control, "Content-Type": "text/plain", "Date": date()}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    return ServiceAnswer(headers=lines, body=body)


def date() -> str:
    return formatdate(time.time() + _passed[0], usegmt=True)


def statuses(*answers: Answer) -> list[str | None]:
    return [answer.header("x-cache-status") for answer in answers]


def aged(cached: Harness, seconds: float) -> None:
    """Let time pass, for the plugin and the service."""
    (plugin,) = [one for one in cached._plugins if isinstance(one, ProxyCache)]
    _passed[0] += seconds
    plugin.node.time = lambda: time.time() + _passed[0]  # type: ignore[method-assign]
    plugin._hits.time = plugin._shared._time = plugin.node.time  # type: ignore[union-attr]


def test_a_fresh_answer_is_given_again(cached: Harness) -> None:
    first, second = (cached.request("GET", "/", service=told("max-age=60")) for _ in range(2))
    assert statuses(first, second) == ["Miss", "Hit"]
    assert first.header("cache-status") == "gateline; fwd=uri-miss; stored"
    assert second.header("cache-status") in ("gateline; hit; ttl=60", "gateline; hit; ttl=59")
    assert second.body == b"body"


def test_a_head_is_answered_from_what_is_stored_for_get(cached: Harness) -> None:
    cached.request("GET", "/", service=told("max-age=60", LONG))
    answer = cached.request("HEAD", "/")
    assert statuses(answer) == ["Hit"]
    assert answer.header("content-length") == str(len(LONG))
    assert answer.sent is None


def test_a_client_that_has_it_gets_304(cached: Harness) -> None:
    cached.request("GET", "/", service=told("max-age=60", ETag='"a"'))
    answer = cached.request("GET", "/", headers={"If-None-Match": '"a"'})
    assert (answer.status, answer.body, answer.sent) == (304, b"", None)
    assert answer.header("etag") == '"a"'
    assert answer.header("content-length") is None
    assert cached.request("GET", "/", headers={"If-None-Match": '"b"'}).status == 200


@pytest.mark.parametrize("body", [b"0123456789", LONG], ids=["short", "long"])
def test_a_part_is_answered_from_what_is_stored(cached: Harness, body: bytes) -> None:
    cached.request("GET", "/", service=told("max-age=60", body))
    answer = cached.request("GET", "/", headers={"Range": "bytes=2-5"})
    assert (answer.status, answer.body) == (206, body[2:6])
    assert answer.header("content-range") == f"bytes 2-5/{len(body)}"
    answer = cached.request("GET", "/", headers={"Range": f"bytes={len(body)}-"})
    assert (answer.status, answer.header("content-range")) == (416, f"bytes */{len(body)}")
    assert len(cached.sent) == 1


@pytest.mark.parametrize("body", [b"body", LONG], ids=["short", "long"])
def test_a_stale_answer_is_validated(cached: Harness, body: bytes) -> None:
    cached.request("GET", "/", service=told("max-age=10", body, ETag='"a"', Last_Modified=formatdate(0, usegmt=True)))
    aged(cached, 11)
    not_modified = ServiceAnswer(304, {"Cache-Control": "max-age=10", "X-New": "1", "Date": date()})
    answer = cached.request("GET", "/", service=not_modified)
    assert (answer.status, answer.body, answer.header("x-new")) == (200, body, "1")
    assert statuses(answer) == ["Refresh"]
    assert answer.header("cache-status") == "gateline; fwd=stale; fwd-status=304; stored"
    assert answer.sent is not None
    assert answer.sent.header("if-none-match") == '"a"'
    assert answer.sent.header("if-modified-since") == formatdate(0, usegmt=True)
    again = cached.request("GET", "/")
    assert statuses(again) == ["Hit"]
    assert again.body == body


def test_a_stale_answer_is_replaced_when_it_is_another_now(cached: Harness) -> None:
    cached.request("GET", "/", service=told("max-age=10", ETag='"a"'))
    aged(cached, 11)
    assert cached.request("GET", "/", service=told("max-age=10", b"new", ETag='"b"')).body == b"new"
    answer = cached.request("GET", "/")
    assert (answer.body, answer.sent) == (b"new", None)


def test_a_stale_answer_is_given_while_a_new_one_is_fetched(cached: Harness) -> None:
    cached.request("GET", "/", service=told("max-age=10, stale-while-revalidate=60", b"old"))
    aged(cached, 11)
    answer = cached.request("GET", "/", service=told("max-age=10", b"new"))
    assert (answer.body, statuses(answer)) == (b"old", ["Hit"])
    assert len(cached.sent) == 2
    answer = cached.request("GET", "/")
    assert (answer.body, statuses(answer), len(cached.sent)) == (b"new", ["Hit"], 2)


def test_a_stale_answer_stands_in_for_an_error(cached: Harness) -> None:
    cached.request("GET", "/", service=told("max-age=10, stale-if-error=60", b"old"))
    aged(cached, 11)
    answer = cached.request("GET", "/", service=ServiceAnswer(503, {}, b"broken"))
    assert (answer.status, answer.body) == (200, b"old")
    assert answer.header("cache-status") in [f"gateline; fwd=stale; fwd-status=503; ttl={ttl}" for ttl in (-1, -2)]
    aged(cached, 100)
    assert cached.request("GET", "/", service=ServiceAnswer(503, {}, b"broken")).status == 503


def test_answers_are_told_apart_by_vary(cached: Harness) -> None:
    def asked(language: str, body: bytes) -> Answer:
        service = told("max-age=60", body, Vary="Accept-Language")
        return cached.request("GET", "/", headers={"Accept-Language": language}, service=service)

    assert statuses(asked("de", b"de"), asked("en", b"en"), asked("de", b"?"), asked("en", b"?")) == [
        "Miss",
        "Miss",
        "Hit",
        "Hit",
    ]
    assert (asked("de", b"?").body, asked("en", b"?").body) == (b"de", b"en")


@pytest.mark.parametrize("vary", ["", "X-A"])
def test_age_and_what_is_left_are_told_with_each_hit(cached: Harness, vary: str) -> None:
    headers = {"X-A": "1"}
    cached.request("GET", "/", service=told("max-age=60", Vary=vary), headers=headers)
    for age, passed in ((0, 0), (0, 0), (10, 10), (50, 40), (50, 0)):
        aged(cached, passed)
        answer = cached.request("GET", "/", headers=headers)
        assert answer.sent is None
        assert 60 - age - int((answer.header("cache-status") or "").rpartition("=")[2]) in (0, 1)
        assert int(answer.header("age") or -1) - age in (0, 1)
    aged(cached, 11)
    assert cached.request("GET", "/", headers=headers).sent is not None


def test_what_a_request_changes_is_thrown_away(cached: Harness) -> None:
    for path in ("/a", "/b", "/c"):
        cached.request("GET", path, service=told("max-age=60"))
    cached.request("POST", "/a", body=b"", service=ServiceAnswer(201, {"Location": "/b"}))
    cached.request("POST", "/c", body=b"", service=ServiceAnswer(400, {}))
    answers = [cached.request("GET", path, service=told("max-age=60")) for path in ("/a", "/b", "/c")]
    assert statuses(*answers) == ["Miss", "Miss", "Hit"]


def test_nobody_gets_what_another_one_was_given(cached: Harness) -> None:
    def asked(who: str | None) -> Answer:
        service = told("max-age=60", str(who).encode())
        return cached.request("GET", "/", headers={} if who is None else {"X-Who": who}, service=service)

    assert statuses(asked("ann"), asked("bob"), asked(None), asked("ann")) == ["Miss", "Miss", "Miss", "Hit"]
    assert (asked("ann").body, asked("bob").body, asked(None).body) == (b"ann", b"bob", b"None")


def test_public_answers_are_shared_where_that_is_wanted() -> None:
    with gateway({"share_public": True}) as cached:

        def asked(path: str, who: str, control: str) -> Answer:
            headers = {"X-Who": who, "Authorization": who}
            return cached.request("GET", path, headers=headers, service=told(control, who.encode()))

        assert asked("/public", "ann", "public, max-age=60").body == b"ann"
        assert asked("/public", "bob", "public, max-age=60").body == b"ann"
        assert asked("/own", "ann", "max-age=60").body == b"ann"
        assert asked("/own", "bob", "max-age=60").body == b"bob"


def test_who_sends_authorization_has_entries_of_its_own_where_it_is_not_public() -> None:
    with gateway({"share_public": True}) as cached:

        def asked(path: str, who: str, control: str) -> Answer:
            return cached.request("GET", path, headers={"Authorization": who}, service=told(control, who.encode()))

        assert [asked("/p", who, "public, max-age=60").body for who in ("ann", "bob")] == [b"ann", b"ann"]
        assert [asked("/o", who, "max-age=60").body for who in ("ann", "bob")] == [b"ann", b"bob"]


def test_a_request_with_authorization_passes_by(cached: Harness) -> None:
    for _ in range(2):
        answer = cached.request("GET", "/", headers={"Authorization": "x"}, service=told("public, max-age=60"))
        assert statuses(answer) == ["Bypass"]
        assert answer.header("cache-status") == "gateline; fwd=bypass"


def test_a_request_with_a_body_passes_by(cached: Harness) -> None:
    cached.request("GET", "/", body=b"poison", service=told("max-age=60", b"bad"))
    assert cached.request("GET", "/", service=told("max-age=60")).body == b"body"


def test_errors_are_kept_for_as_long_as_is_said() -> None:
    with gateway({"negative_ttl": {"404": 10}, "response_code": [200, 404, 500]}) as cached:
        for _ in range(2):
            assert cached.request("GET", "/", service=ServiceAnswer(404, {"Date": date()})).status == 404
        assert len(cached.sent) == 1
        aged(cached, 11)
        cached.request("GET", "/", service=ServiceAnswer(404, {"Date": date()}))
        assert len(cached.sent) == 2


def test_ten_thousand_waiters_make_one_request(cached: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalescing, "LONGEST_WAIT", 600.0)  # a busy machine is no reason to go without
    cached.answers = told("max-age=60")
    answers = cached.at_once(10_000, "GET", "/cold")
    assert len(cached.sent) == 1
    assert {answer.body for answer in answers} == {b"body"}
    assert sorted(set(map(str, statuses(*answers)))) == ["Hit", "Miss"]
    collapsed = {answer.header("cache-status") for answer in answers} - {"gateline; fwd=uri-miss; stored"}
    assert collapsed == {"gateline; fwd=uri-miss; collapsed"}


def test_those_that_wait_for_what_is_not_kept_ask_themselves(cached: Harness) -> None:
    cached.answers = told("private, max-age=60")
    answers = cached.at_once(20, "GET", "/private")
    assert len(cached.sent) == 20
    assert set(statuses(*answers)) == {"Bypass"}


def test_waiters_of_different_variants_get_their_own(cached: Harness) -> None:
    cached.answers = told("max-age=60", Vary="Accept-Language")
    cached.at_once(50, "GET", "/", headers={"Accept-Language": "de"})
    cached.at_once(50, "GET", "/", headers={"Accept-Language": "en"})
    assert len(cached.sent) == 2


def test_an_answer_that_breaks_off_is_not_kept(cached: Harness) -> None:
    with pytest.raises(ConnectionError):
        cached.request("GET", "/", service=Broken(headers={"Cache-Control": "max-age=60"}, chunks=(b"x",)))
    assert cached.request("GET", "/", service=told("max-age=60")).body == b"body"


class Rubbish(ServiceAnswer):
    """No answer at all."""

    def pieces(self, method: str) -> list[bytes]:
        return [b"rubbish\r\n\r\n"]


class Broken(ServiceAnswer):
    """Breaks off in its body."""

    def pieces(self, method: str) -> list[bytes]:
        return [*super().pieces(method)[:-1], b"no chunk\r\n"]


def test_one_that_fails_leaves_its_place_to_another(cached: Harness) -> None:
    cached.answers = Rubbish()
    answers = cached.at_once(10, "GET", "/")
    assert {answer.status for answer in answers} == {502}
    assert cached.request("GET", "/", service=told("max-age=60")).body == b"body"


def test_set_cookie_is_not_shared_by_a_guess(cached: Harness) -> None:
    modified = formatdate(time.time() - 1000000, usegmt=True)
    for _ in range(2):
        cached.request("GET", "/", service=told("", Last_Modified=modified, Set_Cookie="a=1"))
    assert len(cached.sent) == 2


def test_an_answer_to_one_clients_conditions_keeps_nobody_from_waiting(cached: Harness) -> None:
    not_modified = ServiceAnswer(304, {"ETag": '"a"', "Cache-Control": "max-age=60"})
    assert cached.request("GET", "/", headers={"If-None-Match": '"a"'}, service=not_modified).status == 304
    part = ServiceAnswer(206, {"Content-Range": "bytes 0-1/4"}, b"bo")
    assert cached.request("GET", "/", headers={"Range": "bytes=0-1"}, service=part).status == 206
    asked = len(cached.sent)
    cached.answers = told("max-age=60")
    answers = cached.at_once(20, "GET", "/")
    assert len(cached.sent) == asked + 1
    assert {answer.body for answer in answers} == {b"body"}


@pytest.mark.parametrize(
    ("config", "stored", "changed"),
    [
        ({}, "/?b=1&a=2", "/?a=2&b=1"),
        ({}, "/%61", "/a"),
        ({"ignore_uri_case": True}, "/A", "/a"),
        ({"vary_query_params": ["a"]}, "/?a=1&b=1", "/?a=1&b=2"),
    ],
)
def test_what_a_request_changes_is_thrown_away_however_it_is_spelled(
    config: dict[str, Any], stored: str, changed: str
) -> None:
    with gateway(config) as cached:
        cached.answers = told("max-age=60")
        before = [cached.request("GET", path) for path in (stored, changed)]
        cached.request("POST", changed)
        after = [cached.request("GET", path) for path in (stored, changed)]
        assert statuses(*before, *after) == ["Miss", "Hit", "Miss", "Hit"]


def test_who_watched_first_is_told_when_another_one_does(cached: Harness) -> None:
    """As where a route has both `proxy-cache` and `proxy-cache-advanced`: nobody waits for a fetch that never ends."""
    seen: list[bool] = []

    class Ends:
        def begun(self, exchange: Exchange, length: int) -> None: ...
        def data(self, data: bytes) -> None: ...
        def failed(self, exchange: Exchange) -> None: ...
        def ended(self, *, whole: bool) -> None:
            seen.append(whole)

    class Watches(Plugin[Config], name="watches-first", priority=900):
        def access(self, exchange: Exchange) -> None:
            exchange.service_request.watch(Ends())

    with gateway(None, Watches) as one:
        one.answers = told("max-age=60")
        assert statuses(one.request("GET", "/"), one.request("GET", "/")) == ["Miss", "Hit"]
    assert seen == [False]


def test_nobody_waits_for_what_turns_out_to_be_too_long_to_be_kept() -> None:
    with gateway({"memory": {"size": 1}}) as cached:
        cached.answers = told("max-age=60", LONG)
        first, second = (cached.request("GET", "/") for _ in range(2))
        assert statuses(first, second) == ["Bypass", "Bypass"]
        assert first.header("cache-status") == "gateline; fwd=uri-miss"
        assert second.body == LONG
