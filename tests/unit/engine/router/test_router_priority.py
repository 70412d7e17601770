"""Which of several routes takes a request that each of them would."""

import pytest

from gateline.engine.router import Flavor
from unit.engine.router.routing import Route, make_request, winner

REQUEST = make_request(
    "/foo/bar", host="a.test", method="GET", headers=[("x", "1"), ("y", "2")], tls=True, sni=b"a.test", port=80
)

# (the winner, the loser) for a request that both take; both orders of adding and both ages are tried.
BOTH_FLAVORS: list[tuple[str, Route, Route]] = [
    ("two attributes beat one", Route(hosts=["a.test"], paths=["/"]), Route(paths=["/foo/bar"])),
    (
        "three attributes beat two",
        Route(methods=["GET"], hosts=["*.test"], paths=["/"]),
        Route(hosts=["a.test"], paths=["/foo/bar"]),
    ),
    ("snis count as an attribute", Route(paths=["/"], snis=["a.test"]), Route(paths=["~/foo"], regex_priority=9)),
    ("a plain host beats a wildcard", Route(hosts=["a.test"]), Route(hosts=["*.test"])),
    (
        "one wildcard among the hosts makes it a wildcard route",
        Route(hosts=["a.test"], paths=["/"]),
        Route(hosts=["a.test", "*.org"], paths=["/foo"]),
    ),
    ("more headers win", Route(headers={"x": ["1"], "y": ["2"]}), Route(headers={"x": ["1"]})),
    ("a regex beats a prefix", Route(paths=["~/f"]), Route(paths=["/foo/bar"])),
    ("the higher regex_priority wins", Route(paths=["~/f"], regex_priority=1), Route(paths=["~/foo/bar"])),
    ("regex_priority may be negative", Route(paths=["~/f"]), Route(paths=["~/foo/bar"], regex_priority=-1)),
    (
        "regex_priority means nothing to a prefix",
        Route(paths=["/foo"]),
        Route(paths=["/fo"], regex_priority=9),
    ),
    ("the longer prefix wins", Route(paths=["/foo"]), Route(paths=["/fo"])),
    (
        "only the path that matches counts",
        Route(paths=["/foo"]),
        Route(paths=["/fo", "/a/very/long/one"]),
    ),
]
COMPATIBLE: list[tuple[str, Route, Route]] = [
    (
        "plain hosts come before the number of headers",
        Route(hosts=["a.test"], headers={"x": ["1"]}),
        Route(hosts=["*.test"], headers={"x": ["1"], "y": ["2"]}),
    ),
    (
        "a plain host beats any other pair",
        Route(hosts=["a.test"], methods=["GET"]),
        Route(headers={"x": ["1"], "y": ["2"]}, paths=["~/foo"]),
    ),
    (
        "headers come before a regex path",
        Route(headers={"x": ["1"], "y": ["2"]}, paths=["/"]),
        Route(headers={"x": ["1"]}, paths=["~/foo/bar"]),
    ),
    (
        "headers come before methods",
        Route(headers={"x": ["1"]}),
        Route(methods=["GET"]),
    ),
    ("a path beats a method", Route(paths=["/"]), Route(methods=["GET"])),
    (
        "kinds of attributes do not count, a port neither",
        Route(hosts=["*.test"], paths=["/foo"]),
        Route(hosts=["*.test:80"], paths=["/fo"]),
    ),
]
TRADITIONAL: list[tuple[str, Route, Route]] = [
    ("host beats header", Route(hosts=["*.test"]), Route(headers={"x": ["1"], "y": ["2"]})),
    ("header beats path", Route(headers={"x": ["1"]}), Route(paths=["~/foo/bar"], regex_priority=9)),
    ("path beats method", Route(paths=["/"]), Route(methods=["GET"])),
    ("method beats sni", Route(methods=["GET"]), Route(snis=["a.test"])),
    (
        "host and method beat path and header",
        Route(hosts=["*.test"], methods=["GET"]),
        Route(headers={"x": ["1"]}, paths=["/foo"]),
    ),
    (
        "a wildcard host with port beats plain hosts",
        Route(hosts=["*.test:80"], paths=["/"]),
        Route(hosts=["a.test"], paths=["~/foo"]),
    ),
    (
        "a regex path comes before the number of headers",
        Route(headers={"x": ["1"]}, paths=["~/f"]),
        Route(headers={"x": ["1"], "y": ["2"]}, paths=["/foo/bar"]),
    ),
]


def assert_wins(better: Route, worse: Route, flavor: Flavor) -> None:
    for ages in ((1, 2), (2, 1)):
        routes = [
            Route(**{**vars(route), "id": name, "created_at": age})
            for route, name, age in zip((better, worse), ("better", "worse"), ages, strict=True)
        ]
        assert winner(routes, REQUEST, flavor) == "better"
        assert winner(routes[::-1], REQUEST, flavor) == "better"
        assert winner(routes[1:], REQUEST, flavor) == "worse", "the case needs two routes that both take the request"


@pytest.mark.parametrize(("rule", "better", "worse"), [*BOTH_FLAVORS, *COMPATIBLE])
def test_order_of_traditional_compatible(rule: str, better: Route, worse: Route) -> None:
    assert_wins(better, worse, "traditional_compatible")


@pytest.mark.parametrize(("rule", "better", "worse"), [*BOTH_FLAVORS, *TRADITIONAL])
def test_order_of_traditional(rule: str, better: Route, worse: Route) -> None:
    assert_wins(better, worse, "traditional")


@pytest.mark.parametrize("flavor", ["traditional_compatible", "traditional"])
def test_of_equals_the_earlier_created_wins_and_of_these_the_lower_id(flavor: Flavor) -> None:
    young, old, twin = (Route(name, paths=["/foo"], created_at=age) for name, age in (("a", 9), ("c", 1), ("b", 1)))
    assert winner([young, old], REQUEST, flavor) == "c"
    assert winner([old, young], REQUEST, flavor) == "c"
    assert winner([young, old, twin], REQUEST, flavor) == "b"


def test_a_better_route_that_does_not_hold_leaves_the_request_to_a_lesser_one() -> None:
    routes = [
        Route("all", hosts=["a.test"], paths=["/foo"], methods=["POST"]),
        Route("wildcard", hosts=["*.test"], paths=["/foo/x"], headers={"x": ["1"]}),
        Route("path", paths=["/foo/bar"]),
        Route("method", methods=["GET"]),
    ]
    assert winner(routes, REQUEST) == "path"
    assert winner(routes, make_request("/x")) == "method"
    assert winner(routes, make_request("/foo/bar", host="a.test", method="POST")) == "all"
