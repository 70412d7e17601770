"""What each attribute of a classic route takes."""

import pytest

from gateline.engine.router import Flavor, RouteError, RouterBuilder
from unit.engine.router.routing import Route, make_request, make_router, match_of, takes

CLASSIC: list[Flavor] = ["traditional_compatible", "traditional"]


@pytest.mark.parametrize(
    ("hosts", "host", "port", "taken"),
    [
        (["a.test"], "a.test", 8000, True),
        (["a.test"], "b.test", 8000, False),
        (["a.test"], "", 8000, False),
        (["A.Test"], "a.test", 8000, True),
        (["a.test."], "a.test", 8000, True),
        (["a.test", "b.test"], "b.test", 8000, True),
        (["*.w.test"], "a.w.test", 8000, True),
        (["*.w.test"], "b.a.w.test", 8000, True),
        (["*.w.test"], "w.test", 8000, False),
        (["*.w.test"], "aw.test", 8000, False),
        (["*.W.Test"], "a.w.test", 8000, True),
        (["shop.*"], "shop.test", 8000, True),
        (["shop.*"], "shop.co.test", 8000, True),
        (["shop.*"], "myshop.test", 8000, False),
        (["shop.*"], "shop", 8000, False),
        (["*test"], "mytest", 8000, True),
        (["*test"], "test.org", 8000, False),
        (["api*"], "api-1.test", 8000, True),
        (["*"], "anything", 8000, True),
        (["*"], "", 8000, False),
        (["a.test:8000"], "a.test", 8000, True),
        (["a.test:8001"], "a.test", 8000, False),
        (["*.w.test:8000"], "a.w.test", 8000, True),
        (["*.w.test:8001"], "a.w.test", 8000, False),
        (["shop.*:8001"], "shop.test", 8000, False),
        (["10.0.0.1"], "10.0.0.1", 8000, True),
        (["[::1]"], "[::1]", 8000, True),
        (["::1"], "[::1]", 8000, True),
        (["[::1]:8000"], "[::1]", 8000, True),
        (["[::1]:8001"], "[::1]", 8000, False),
    ],
)
@pytest.mark.parametrize("flavor", CLASSIC)
def test_hosts(flavor: Flavor, hosts: list[str], host: str, port: int, taken: bool) -> None:
    assert takes(Route(hosts=hosts), make_request(host=host, port=port), flavor) is taken


@pytest.mark.parametrize("host", ["a.test:0", "a.test:99999", "a.test:x", "a.*.test", "*.a.*"])
def test_a_host_that_nothing_can_be_is_refused(host: str) -> None:
    with pytest.raises(RouteError, match=r"hosts: invalid (port|wildcard) in"):
        RouterBuilder().add(Route(hosts=[host]), "r")


@pytest.mark.parametrize(
    ("paths", "path", "prefix"),
    [
        (["/route"], "/route", b"/route"),
        (["/route"], "/route/req", b"/route"),
        (["/route"], "/routereq", b"/route"),
        (["/route"], "/rout", None),
        (["/route/"], "/route", None),
        (["/a", "/ab"], "/abc", b"/ab"),
        (["/ab", "/a"], "/abc", b"/ab"),
        (["/x/y/z", "/z/y"], "/z/y/get", b"/z/y"),
        (["/endeløst"], "/endel%C3%B8st/x", b"/endel%C3%B8st"),
        (["/endel%C3%B8st"], "/endel%C3%B8st/x", b"/endel%C3%B8st"),
        (["/a b"], "/a%20b", b"/a%20b"),
        (["/a{b}"], "/a%7Bb%7D/x", b"/a%7Bb%7D"),
        (["/a{b}"], "/a{b}/x", b"/a{b}"),
        (["~/users/\\d+"], "/users/12/more", b"/users/12"),
        (["~/users/\\d+"], "/x/users/12", None),
        (["~/users/\\d+$"], "/users/12/more", None),
        (["~/a|/b"], "/b/c", b"/b"),
        (["~/hello world/(\\d)"], "/hello%20world/7/x", b"/hello%20world/7"),
        (["~/é.$"], "/%C3%A9%C3%A8", b"/%C3%A9%C3%A8"),
        (["~/a.b$"], "/a%2Fb", None),
        (["~/a.+$"], "/a%0Ab", b"/a%0Ab"),
        (["~/a.+$"], "/a%FFb", b"/a%FFb"),
        (["~/"], "/any", b"/"),
        (["~/x", "/"], "/y", b"/"),
    ],
)
@pytest.mark.parametrize("flavor", CLASSIC)
def test_paths(flavor: Flavor, paths: list[str], path: str, prefix: bytes | None) -> None:
    match = match_of([Route(paths=paths)], make_request(path), flavor)
    assert (None if match is None else match.prefix) == prefix


def test_a_route_without_paths_has_no_prefix() -> None:
    match = match_of([Route(methods=["GET"])], make_request("/x"))
    assert match is not None
    assert match.prefix is None
    assert match.captures is None


def test_a_regex_captures_by_name_and_number() -> None:
    match = match_of([Route(paths=["~/(?<kind>[a-z]+)/(\\d+)(x)?(?P<rest>.*)"])], make_request("/book/12/a%20page"))
    assert match is not None
    captures = match.captures
    assert captures is not None
    assert captures.numbered == (b"/book/12/a page", b"book", b"12", None, b"/a page")
    assert captures.named == {"kind": b"book", "rest": b"/a page"}
    assert captures.get("kind") == captures.get(1) == b"book"
    assert captures.get("none") is captures.get(9) is captures.get(-1) is captures.get(3) is None
    assert len(captures) == 5
    assert list(captures) == list(captures.numbered)


def test_a_regex_without_groups_captures_nothing() -> None:
    match = match_of([Route(paths=["~/a+"])], make_request("/aab"))
    assert match is not None
    assert match.captures is None


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [("~/(", "missing )"), ("~/a(?=b)", "invalid perl operator"), (r"~/(a)\1", "invalid escape sequence")],
)
def test_a_regex_that_re2_cannot_take_is_refused_with_its_reason(pattern: str, reason: str) -> None:
    with pytest.raises(RouteError, match=rf"paths\[1\]: invalid regex '.*': {reason.replace(')', '[)]')}"):
        RouterBuilder().add(Route(paths=["/ok", pattern]), "r")


@pytest.mark.parametrize(("method", "taken"), [("GET", True), ("POST", True), ("PUT", False), ("get", False)])
@pytest.mark.parametrize("flavor", CLASSIC)
def test_methods(flavor: Flavor, method: str, taken: bool) -> None:
    assert takes(Route(methods=["GET", "POST"]), make_request(method=method), flavor) is taken


@pytest.mark.parametrize(
    ("wanted", "sent", "taken"),
    [
        ({"version": ["v1", "v2"]}, [("version", "v1")], True),
        ({"version": ["v1", "v2"]}, [("version", "v3")], False),
        ({"version": ["v1", "v2"]}, [], False),
        ({"Version": ["V1"]}, [("VERSION", "v1")], True),
        ({"version": ["v1"]}, [("version", "v0"), ("version", "v1")], True),
        ({"version": ["v1"], "region": ["east"]}, [("version", "v1")], False),
        ({"version": ["v1"], "region": ["east"]}, [("version", "v1"), ("region", "EAST")], True),
        ({"user-agent": ["~*windows|os\\s+x"]}, [("user-agent", "Mac OS X 10")], True),
        ({"user-agent": ["~*^os"]}, [("user-agent", "Mac OS X 10")], False),
        ({"user-agent": ["~*WINDOWS"]}, [("user-agent", "windows")], True),
        ({"x": ["~*a.b$"]}, [("x", "1"), ("x", "zaéb")], False),
        ({"x": ["~*1", "2"]}, [("x", "1")], False),
        ({"x": ["~*1", "2"]}, [("x", "~*1")], True),
        ({"x_y": ["1"]}, [("x-y", "1")], True),
        ({"x_y": ["1"]}, [("x_y", "1")], True),
        ({"x_y": ["1"]}, [("x_y", "2"), ("x-y", "1")], False),
        ({"x-y": ["1"]}, [("x_y", "1")], False),
    ],
)
@pytest.mark.parametrize("flavor", CLASSIC)
def test_headers(flavor: Flavor, wanted: dict[str, list[str]], sent: list[tuple[str, str]], taken: bool) -> None:
    assert takes(Route(headers=wanted), make_request(headers=sent), flavor) is taken


def test_a_header_regex_stops_at_no_byte() -> None:
    request = make_request(headers=[("x", "a"), ("x", "é")])
    assert takes(Route(headers={"x": ["~*^.+$"]}), request)
    assert takes(Route(headers={"x": ["~*é"]}), request)


def test_a_header_regex_that_re2_cannot_take_is_refused() -> None:
    with pytest.raises(RouteError, match=r"headers.X: invalid regex '\(': missing"):
        RouterBuilder().add(Route(headers={"X": ["~*("]}), "r")


@pytest.mark.parametrize(
    ("snis", "tls", "sni", "taken"),
    [
        (["a.test"], True, b"a.test", True),
        (["a.test"], True, b"b.test", False),
        (["a.test"], True, b"", False),
        (["a.test"], False, b"", True),
        (["A.test."], True, b"a.test", True),
        (["*.test"], True, b"b.a.test", True),
        (["*.test"], True, b"test", False),
        (["a.*"], True, b"a.org", True),
        (["a.*", "b.test"], True, b"b.test", True),
    ],
)
def test_server_names_count_on_tls_only(snis: list[str], tls: bool, sni: bytes, taken: bool) -> None:
    assert takes(Route(snis=snis), make_request(tls=tls, sni=sni)) is taken


@pytest.mark.parametrize("protocols", [["http"], ["https"], ["http", "https"], ["grpc"], ["grpcs"]])
@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("flavor", CLASSIC)
def test_the_protocol_takes_no_part_so_that_the_engine_can_redirect(
    flavor: Flavor, protocols: list[str], tls: bool
) -> None:
    assert takes(Route(paths=["/"], protocols=protocols), make_request(tls=tls), flavor)


@pytest.mark.parametrize("protocols", [["tcp"], ["tls", "tcp"], ["udp"], ["tls_passthrough"]])
def test_stream_routes_take_no_requests(protocols: list[str]) -> None:
    assert not takes(Route(protocols=protocols), make_request())


def test_a_route_without_attributes_takes_everything() -> None:
    assert takes(Route(), make_request("/any", host="any", method="ANY"))


def test_a_router_without_routes_takes_nothing() -> None:
    assert make_router("traditional_compatible").match(make_request()) is None
