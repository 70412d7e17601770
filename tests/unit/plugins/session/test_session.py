"""session, with the plugins that it complements."""

from typing import Any

import pytest

from gateline.entities import EntityError
from gateline.entities import Plugin as PluginEntity
from gateline.pdk import Consumer, Credential, EntitiesError, Exchange, Identity, Plugin, PluginConfig, Response
from gateline.plugins.acl import Acl
from gateline.plugins.key_auth import KeyAuth
from gateline.plugins.session import SessionPlugin
from gateline.testing import Answer, Harness
from unit.plugins.people import ANN, BOB, CREDENTIAL, GUEST, give

SECRET = "a secret that is long enough"


class Grouped(Plugin[PluginConfig], name="grouped", priority=1100):
    """Says that somebody is bob, with groups, unless it is known who it is."""

    def access(self, exchange: Exchange) -> None:
        if exchange.credential is None and exchange.request.header("x-login"):
            exchange.authenticate(Identity(BOB, Credential(CREDENTIAL, "x"), groups=("staff", "ops")))


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Browser:
    """A gateway with session and key-auth, and somebody who keeps cookies."""

    def __init__(self, *others: Any, **config: Any) -> None:
        given = {"secret": SECRET, "cookie_secure": False, **config}
        self.harness = Harness((SessionPlugin, given), (KeyAuth, {"anonymous": "guest"}), *others)
        give(self.harness, "keyauth_credentials", BOB, key="kong")
        self.harness.credentials.add("keyauth_credentials", {"id": CREDENTIAL[:-1] + "2", "key": "ann"}, ANN)
        self.harness.credentials.consumers[GUEST.id] = GUEST
        self.clock = Clock()
        self.cookies: dict[str, str] = {}
        for plugin in self.harness._plugins:
            if isinstance(plugin, SessionPlugin):
                plugin.node.time = self.clock  # type: ignore[method-assign]

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.harness.close()

    def get(self, target: str = "/", method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies and "cookie" not in sent:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.harness.request(method, target, headers=sent, body=body)
        for line in answer.header_values("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        return answer

    def who(self, **headers: str) -> str | None:
        answer = self.get("/", "GET", None, **headers)
        return None if answer.sent is None else answer.sent.header("x-consumer-username")


@pytest.mark.parametrize("storage", ["cookie", "kong"])
def test_who_has_logged_in_stays_so(storage: str) -> None:
    with Browser(storage=storage) as browser:
        assert browser.who() == "guest"
        assert not browser.cookies, "there is no session for the anonymous"
        assert browser.who(apikey="kong") == "bob"
        before = dict(browser.cookies)
        answer = browser.get()
    assert answer.sent is not None
    assert answer.sent.header("x-consumer-id") == BOB.id
    assert answer.sent.header("x-consumer-custom-id") == "b-1"
    assert answer.sent.header("x-credential-identifier") == CREDENTIAL
    assert answer.sent.header("x-anonymous-consumer") is None
    assert answer.header("set-cookie") is None
    assert browser.cookies == before


def test_the_cookie_has_its_attributes() -> None:
    with Browser(cookie_secure=True) as browser:
        line = browser.get(apikey="kong").header("set-cookie")
    assert line is not None
    assert line.split("; ")[1:] == ["Path=/", "SameSite=Strict", "Secure", "HttpOnly"]
    assert len(line) < 500
    config = {"cookie_name": "s", "cookie_path": "/a", "cookie_domain": "a.test", "cookie_http_only": False}
    with Browser(cookie_same_site="Default", **config) as browser:
        line = browser.get(apikey="kong").header("set-cookie")
    assert line is not None
    assert line.startswith("s=")
    assert line.split("; ")[1:] == ["Domain=a.test", "Path=/a"]


def test_old_names_of_fields_are_taken() -> None:
    entity = PluginEntity.parse(
        {
            "name": "session",
            "config": {
                "cookie_lifetime": 10,
                "cookie_idletime": 5,
                "cookie_discard": 3,
                "cookie_samesite": "off",
                "cookie_httponly": False,
                "cookie_persistent": True,
                "cookie_renew": 600,
            },
        }
    )
    config: Any = entity.config
    assert (config.rolling_timeout, config.idling_timeout, config.stale_ttl) == (10, 5, 3)
    assert (config.cookie_same_site, config.cookie_http_only, config.remember) == ("Lax", False, True)
    assert len(config.secret) >= 32


@pytest.mark.parametrize(
    "config",
    [
        {"cookie_name": "a b"},
        {"cookie_name": "a;b"},
        {"cookie_path": "/; Domain=evil.test"},
        {"cookie_path": "/\r\nX: y"},
        {"cookie_domain": "a.test; Secure"},
        {"storage": "redis"},
        {"rolling_timeout": -1},
        {"logout_methods": ["PUT"]},
        {"response_headers": ["secret"]},
    ],
)
def test_what_would_be_no_cookie_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(EntityError):
        PluginEntity.parse({"name": "session", "config": config})


@pytest.mark.parametrize("storage", ["cookie", "kong"])
@pytest.mark.parametrize(
    ("method", "target", "body", "ends"),
    [
        ("POST", "/?session_logout=1", None, True),
        ("DELETE", "/?session_logout", None, True),
        ("GET", "/?session_logout=1", None, False),
        ("POST", "/?other=1", None, False),
        ("POST", "/", b"session_logout=1", True),
        ("POST", "/", b"other=1", False),
    ],
)
def test_a_request_may_end_its_session(storage: str, method: str, target: str, body: bytes | None, ends: bool) -> None:
    with Browser(storage=storage, read_body_for_logout=True) as browser:
        browser.get(apikey="kong")
        copied = dict(browser.cookies)
        headers = {"content_type": "application/x-www-form-urlencoded"} if body else {}
        answer = browser.get(target, method, body, **headers)
        assert (answer.sent is None) is ends
        if ends:
            assert (answer.status, answer.body) == (200, b"")
            line = answer.header("set-cookie") or ""
            assert line.startswith("session=; ")
            assert "Max-Age=0" in line
            assert not browser.cookies
        browser.cookies = copied
        assert browser.who() == ("guest" if ends else "bob"), "a copied cookie is no good any more"
        assert browser.harness.credentials.find("sessions", "id", "x") is None


def test_a_body_in_json_may_end_a_session_and_is_not_looked_at_where_it_shall_not() -> None:
    with Browser(read_body_for_logout=True) as browser:
        browser.get(apikey="kong")
        answer = browser.get("/", "POST", b'{"session_logout": true}', content_type="application/json")
        assert answer.sent is None
    with Browser() as browser:
        browser.get(apikey="kong")
        answer = browser.get("/", "POST", b'{"session_logout": true}', content_type="application/json")
        assert answer.sent is not None
        assert answer.sent.header("x-consumer-username") == "bob"


def test_without_a_session_nothing_is_ended() -> None:
    with Browser() as browser:
        assert browser.get("/?session_logout=1", "POST").sent is not None


@pytest.mark.parametrize("storage", ["cookie", "kong"])
def test_a_session_that_is_not_used_is_over(storage: str) -> None:
    with Browser(storage=storage) as browser:
        browser.get(apikey="kong")
        browser.clock.now += 800
        assert browser.who() == "bob"
        browser.clock.now += 800
        assert browser.who() == "bob", "it was in use"
        browser.clock.now += 900
        assert browser.who() == "guest"


@pytest.mark.parametrize("storage", ["cookie", "kong"])
def test_a_session_is_renewed_and_its_old_cookie_good_for_a_moment_only(storage: str) -> None:
    with Browser(storage=storage, idling_timeout=0) as browser:
        browser.get(apikey="kong")
        old = dict(browser.cookies)
        browser.clock.now += 2699
        assert browser.who() == "bob"
        assert browser.cookies == old
        browser.clock.now += 2
        assert browser.who() == "bob"
        new = dict(browser.cookies)
        assert new != old
        browser.cookies = dict(old)
        browser.clock.now += 9
        assert browser.who() == "bob"
        browser.cookies = dict(old)
        browser.clock.now += 2
        assert browser.who() == "guest"
        browser.cookies = new
        assert browser.who() == "bob"


def test_no_session_outlives_its_absolute_timeout() -> None:
    with Browser(absolute_timeout=7200, idling_timeout=0) as browser:
        browser.get(apikey="kong")
        for _ in range(4):
            browser.clock.now += 1790
            assert browser.who() == "bob"
        browser.clock.now += 100
        assert browser.who() == "guest"


def test_who_logs_in_as_somebody_else_gets_another_session() -> None:
    with Browser(storage="kong") as browser:
        browser.get(apikey="kong")
        old = dict(browser.cookies)
        assert browser.who(apikey="ann") == "bob", "no key is looked for while there is a session"
        browser.cookies = {}
        assert browser.who(apikey="ann") == "ann"
        assert browser.who() == "ann"
        browser.cookies = old
        assert browser.who() == "bob"


def test_where_a_key_is_needed_with_a_session_its_consumer_counts() -> None:
    given = {"secret": SECRET, "storage": "kong"}
    with Harness((SessionPlugin, given), KeyAuth) as harness:
        give(harness, "keyauth_credentials", BOB, key="kong")
        harness.credentials.add("keyauth_credentials", {"id": CREDENTIAL[:-1] + "2", "key": "ann"}, ANN)
        first = harness.request(headers={"apikey": "kong"}).header("set-cookie") or ""
        cookie = first.partition(";")[0]
        assert harness.request(headers={"cookie": cookie}).status == 401
        assert harness.request(headers={"cookie": cookie, "apikey": "kong"}).header("set-cookie") is None
        second = harness.request(headers={"cookie": cookie, "apikey": "ann"})
        assert second.sent is not None
        assert second.sent.header("x-consumer-username") == "ann"
        assert len(second.header_values("set-cookie")) == 1
        assert second.header("set-cookie") != first
        again = harness.request(headers={"cookie": cookie, "apikey": "kong"})
        assert again.header("set-cookie") is not None, "the session of before is over"


@pytest.mark.parametrize("storage", ["cookie", "kong"])
def test_groups_are_part_of_the_session(storage: str) -> None:
    with Harness(
        (SessionPlugin, {"secret": SECRET, "storage": storage}),
        Grouped,
        (Acl, {"allow": ["ops"], "always_use_authenticated_groups": True}),
    ) as harness:
        harness.credentials.consumers[BOB.id] = BOB
        login = harness.request(headers={"x-login": "1"})
        cookie = (login.header("set-cookie") or "").partition(";")[0]
        answer = harness.request(headers={"cookie": cookie, "x-authenticated-groups": "root"})
        assert harness.request(headers={"x-authenticated-groups": "ops"}).status == 401
    assert answer.sent is not None
    assert answer.sent.header("x-authenticated-groups") == "staff, ops"


@pytest.mark.parametrize("storage", ["cookie", "kong"])
def test_the_session_of_a_consumer_that_is_gone_is_over(storage: str) -> None:
    with Browser(storage=storage) as browser:
        browser.get(apikey="kong")
        copied = dict(browser.cookies)
        del browser.harness.credentials.consumers[BOB.id]
        assert browser.who() == "guest"
        assert not browser.cookies
        browser.harness.credentials.consumers[BOB.id] = BOB
        browser.cookies = copied
        assert browser.who() == "guest"


def test_a_session_whose_entity_was_deleted_is_over() -> None:
    with Browser(storage="kong") as browser:
        browser.get(apikey="kong")
        assert browser.who() == "bob"
        browser.harness.credentials._entities["sessions"].clear()
        assert browser.who() == "guest"


def test_what_the_store_keeps_is_sealed_and_has_an_end() -> None:
    with Browser(storage="kong", store_metadata=True, hash_subject=True, response_headers=["id"]) as browser:
        answer = browser.get(apikey="kong")
        (row,) = browser.harness.credentials._entities["sessions"]
        (metadata,) = browser.harness.credentials._entities["session_metadatas"]
    assert row.fields["session_id"] == answer.header("session-id")
    assert row.fields["ttl"] == 3600
    assert BOB.id not in str(row.fields["data"])
    assert metadata.fields["session"] == {"id": row.id}
    assert metadata.fields["audience"] == "default"
    assert metadata.fields["subject"] not in ("bob", None)


class Gone:
    """A store that is gone."""

    def __init__(self, real: Any) -> None:
        self.find, self.get = real.find, real.get

    async def insert(self, entity: Any, *, instead_of: Any = None) -> bool:
        raise EntitiesError("the store is gone")

    async def delete(self, place: Any) -> bool:
        raise EntitiesError("the store is gone")


def test_without_the_store_sessions_go_on_and_end_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    with Browser(storage="kong") as browser:
        plugin = browser.harness._plugins[0]
        assert isinstance(plugin, SessionPlugin)
        plugin._sessions._entities = Gone(plugin.node.entities)
        assert browser.who(apikey="kong") == "bob"
        assert browser.who() == "bob"
        copied = dict(browser.cookies)
        answer = browser.get("/?session_logout=1", "POST")
        assert answer.status == 500
        assert (answer.header("set-cookie") or "").startswith("session=; ")
        browser.cookies = copied
        assert browser.who() == "guest"
    assert "a session could not be stored" in caplog.text
    assert "the end of a session could not be stored" in caplog.text


@pytest.mark.parametrize("storage", ["cookie", "kong"])
def test_a_browser_may_be_remembered(storage: str) -> None:
    with Browser(storage=storage, remember=True) as browser:
        answer = browser.get(apikey="kong")
        lines = {line.partition("=")[0]: line for line in answer.header_values("set-cookie")}
        assert set(lines) == {"session", "remember"}
        assert "Max-Age=604800" in lines["remember"]
        assert "Max-Age" not in lines["session"]
        old = browser.cookies["remember"]
        del browser.cookies["session"]  # the browser was closed
        browser.clock.now += 86400 * 3
        assert browser.who() == "bob"
        assert browser.cookies["remember"] != old
        assert browser.who() == "bob"
        copied = dict(browser.cookies)
        browser.clock.now += 11
        browser.cookies = {"remember": old}
        assert browser.who() == "guest", "it was used"
        browser.cookies = {"session": copied["remember"]}
        assert browser.who() == "guest", "the one cookie is not the other"
        browser.cookies = dict(copied)
        browser.get("/?session_logout=1", "POST")
        assert not browser.cookies
        browser.cookies = copied
        assert browser.who() == "guest"


def test_nobody_is_remembered_for_ever() -> None:
    with Browser(remember=True) as browser:
        browser.get(apikey="kong")
        for _ in range(5):
            browser.clock.now += 86400 * 5
            browser.cookies.pop("session", None)
            assert browser.who() == "bob"
        browser.clock.now += 86400 * 5 + 1
        browser.cookies.pop("session", None)
        assert browser.who() == "guest"


def test_client_and_service_are_told_of_the_session() -> None:
    told = ["id", "audience", "subject", "timeout", "idling-timeout", "rolling-timeout", "absolute-timeout"]
    with Browser(response_headers=told, request_headers=told, audience="shop") as browser:
        spoofed = browser.get(session_subject="root", session_id="1").sent
        answer = browser.get(apikey="kong")
        browser.clock.now += 10
        later = browser.get(session_subject="root")
    assert spoofed is not None
    assert spoofed.header("session-subject") is None
    assert answer.header("session-subject") == "bob"
    assert answer.header("session-timeout") == "900"
    assert later.sent is not None
    for message in (later, later.sent):
        assert message.header("session-id") == answer.header("session-id")
        assert message.header("session-audience") == "shop"
        assert message.header("session-subject") == "bob"
        assert message.header("session-idling-timeout") == "890"
        assert message.header("session-rolling-timeout") == "3590"
        assert message.header("session-absolute-timeout") == "86390"


@pytest.mark.parametrize("cookie", ["session=", "session=x", "session=" + "A" * 9000, "session", "=", "session=%00"])
def test_a_cookie_that_is_none_is_no_session(cookie: str) -> None:
    with Browser(read_body_for_logout=True) as browser:
        assert browser.who(cookie=cookie) == "guest"
        assert browser.get("/?session_logout=1", "POST", cookie=cookie).sent is not None


def test_a_session_of_another_secret_audience_or_name_is_none() -> None:
    with Browser() as browser:
        browser.get(apikey="kong")
        cookies = browser.cookies
    for config in ({"secret": "another one"}, {"audience": "other"}):
        with Browser(**config) as other:
            other.cookies = dict(cookies)
            assert other.who() == "guest"
    with Browser(cookie_name="other") as other:
        other.cookies = {"other": cookies["session"]}
        assert other.who() == "guest"


def test_a_session_that_fits_into_no_cookie_is_not_begun(caplog: pytest.LogCaptureFixture) -> None:
    class Many(Plugin[PluginConfig], name="many", priority=1100):
        def access(self, exchange: Exchange) -> None:
            groups = tuple(f"group {number}" for number in range(1000))
            exchange.authenticate(Identity(BOB, Credential(CREDENTIAL), groups=groups))

    with Harness((SessionPlugin, {"secret": SECRET}), Many) as harness:
        answer = harness.request()
    assert answer.status == 200
    assert answer.header("set-cookie") is None
    assert "does not fit into a cookie" in caplog.text


@pytest.mark.parametrize("storage", ["cookie", "kong"])
def test_no_cookie_is_longer_than_browsers_take(storage: str) -> None:
    class Many(Plugin[PluginConfig], name="many", priority=1100):
        count = 0

        def access(self, exchange: Exchange) -> None:
            groups = tuple(f"group {number}" for number in range(Many.count))
            exchange.authenticate(Identity(BOB, Credential(CREDENTIAL), groups=groups))

    lengths: list[int] = []
    with Harness((SessionPlugin, {"secret": SECRET, "storage": storage}), Many) as harness:
        for Many.count in range(0, 400, 5):
            answer = harness.request()
            assert answer.status == 200
            lengths.append(len(answer.header("set-cookie") or ""))
    if storage == "kong":
        assert len(set(lengths)) == 1
    else:
        assert 4000 < max(lengths) <= 4096
        assert lengths[-1] == 0


def test_answers_of_the_gateway_begin_sessions_too() -> None:
    class Ends(Plugin[PluginConfig], name="ends", priority=1):
        def access(self, exchange: Exchange) -> Response:
            return Response(302, headers={"Location": "/", "Set-Cookie": "other=1"})

    with Browser(Ends) as browser:
        answer = browser.get(apikey="kong")
    assert [line.partition("=")[0] for line in answer.header_values("set-cookie")] == ["other", "session"]


def test_a_consumer_without_a_username_has_a_subject() -> None:
    nobody = Consumer("5f1d7fbc-0000-4000-8000-000000000009", None, "c-9")
    with Browser(response_headers=["subject"]) as browser:
        browser.harness.credentials.add("keyauth_credentials", {"id": CREDENTIAL[:-1] + "3", "key": "n"}, nobody)
        assert browser.get(apikey="n").header("session-subject") == "c-9"
