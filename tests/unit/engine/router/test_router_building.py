"""Building routers: in steps, again from the last one, and after a refused route."""

import pytest

from gateline.engine.router import RouteError, RouterBuilder
from gateline.engine.router.index import Bucket, WideBucket
from unit.engine.router.routing import Route, make_request, make_router


def many_routes() -> list[Route]:
    return [
        *(Route(f"p{number}", hosts=[f"h{number % 50}.test"], paths=[f"/p/{number}/"]) for number in range(1000)),
        *(Route(f"r{number}", paths=[f"~/r/[a-z]+/{number}$"]) for number in range(1200)),
        *(Route(f"h{number}", headers={"tenant": [f"t{number}"]}) for number in range(500)),
        *(Route(f"s{number}", paths=["/sni"], snis=[f"s{number}.test"]) for number in range(100)),
        *(Route(f"m{number}", paths=["/method"], methods=[f"M{number}"]) for number in range(100)),
    ]


def test_every_one_of_many_routes_is_found() -> None:
    router = make_router("traditional_compatible", *many_routes())

    def found(**request: object) -> object:
        match = router.match(make_request(**request))  # type: ignore[arg-type]
        return match and match.route

    for number in range(0, 1000, 7):
        assert found(path=f"/p/{number}/x", host=f"h{number % 50}.test") == f"p{number}"
        assert found(path=f"/r/abc/{number}") == f"r{number}"
    for number in range(100):
        assert found(headers=[("tenant", f"T{number}")]) == f"h{number}"
        assert found(path="/sni", tls=True, sni=f"s{number}.test".encode()) == f"s{number}"
        assert found(path="/method", method=f"M{number}") == f"m{number}"
    assert found(path="/r/abc/1200") is None
    assert found(path="/p/1000/x", host="h0.test") is None
    assert found(headers=[("tenant", "none")]) is None


def test_many_routes_are_built_in_many_steps() -> None:
    builder = RouterBuilder()
    for route in many_routes():
        builder.add(route, route.id)
    assert sum(1 for _ in builder.steps()) > 20
    match = builder.build().match(make_request("/r/x/77"))
    assert match is not None
    assert match.route == "r77"


def test_build_does_what_is_left_of_the_steps() -> None:
    builder = RouterBuilder()
    for route in many_routes():
        builder.add(route, route.id)
    steps = builder.steps()
    next(steps)
    assert builder.build().match(make_request("/r/x/1199")) is not None


def test_the_next_router_takes_over_compiled_regexes() -> None:
    first = make_router("traditional_compatible", Route(paths=["~/a/(b)"]))
    builder = RouterBuilder(previous=first)
    (candidate,) = builder.add(Route("other", paths=["~/a/(b)"], hosts=["a.test"]), "r").candidates
    assert candidate.regex is first.regexes["/a/(b)"]


def test_regexes_that_no_route_has_are_forgotten() -> None:
    builder = RouterBuilder()
    entry = builder.add(Route(paths=["~/a/(b)"]), "r")
    router = builder.build()
    builder = RouterBuilder(previous=router)
    builder.remove(entry)
    router = builder.build()
    for _ in builder.release():
        pass
    del entry, builder
    assert not list(router.regexes)


def test_what_does_not_change_is_shared_with_the_last_router() -> None:
    routes = [Route(f"{number}", hosts=[f"h{number}.test"]) for number in range(3)]
    first = make_router("traditional_compatible", *routes, Route("wild", hosts=["*.test"]), Route("any"))
    builder = RouterBuilder(previous=first)
    builder.add(Route("new", hosts=["h1.test"], paths=["/new"]), "new")
    second = builder.build()
    assert second._hosts[b"h0.test"] is first._hosts[b"h0.test"]
    assert second._hosts[b"h1.test"] is not first._hosts[b"h1.test"]
    assert second._open_hosts is first._open_hosts
    assert second._anywhere is first._anywhere


def test_nothing_changed_is_the_same_router() -> None:
    first = make_router("traditional_compatible", Route())
    assert RouterBuilder(previous=first).build() is first


def test_only_nodes_below_a_changed_prefix_are_made_again() -> None:
    first = make_router("traditional_compatible", *(Route(f"{n}", paths=[f"/{n}", f"/{n}/x"]) for n in range(30)))
    builder = RouterBuilder(previous=first)
    builder.add(Route("new", paths=["/17"]), "new")
    second = builder.build()
    assert isinstance(first._anywhere, Bucket)
    assert isinstance(second._anywhere, Bucket)
    kept = set(map(id, first._anywhere.nodes)) & set(map(id, second._anywhere.nodes))
    made = [node.prefix for node in second._anywhere.nodes if node is not None and id(node) not in kept]
    assert made == [b"/17", b"/17/x"]


def test_no_other_node_is_made_again_when_a_route_for_everything_changes() -> None:
    routes = [Route(f"{number}", paths=[f"/{number}/"]) for number in range(300)]
    first = make_router("traditional_compatible", *routes, Route("any"))
    builder = RouterBuilder(previous=first)
    builder.add(Route("root", paths=["/"]), "root")
    second = builder.build()
    assert isinstance(first._anywhere, WideBucket)
    assert isinstance(second._anywhere, WideBucket)
    assert second._anywhere.narrow is first._anywhere.narrow
    matches = [second.match(make_request(path)) for path in ("/x", "/17/x", "*")]
    assert [match and match.route for match in matches] == ["root", "17", "any"]


def test_hosts_of_one_route_share_a_bucket() -> None:
    builder = RouterBuilder()
    entry = builder.add(Route(hosts=["a.test", "b.test"], paths=["/a", "/b"]), "r")
    first = builder.build()
    assert first._hosts[b"a.test"] is first._hosts[b"b.test"]
    builder = RouterBuilder(previous=first)
    builder.remove(entry)
    builder.add(Route(hosts=["a.test", "b.test"], paths=["/b", "/c"]), "r")
    second = builder.build()
    assert second._hosts[b"a.test"] is second._hosts[b"b.test"]
    assert [
        match and match.prefix for match in (second.match(make_request(path, "b.test")) for path in ("/a", "/c"))
    ] == [
        None,
        b"/c",
    ]


def test_a_refused_route_leaves_no_trace() -> None:
    builder = RouterBuilder()
    with pytest.raises(RouteError):
        builder.add(Route(paths=["/a", "~/("]), "r")
    with pytest.raises(RouteError):
        builder.add(Route(hosts=["a.test", "b.test:0"]), "r")
    router = builder.build()
    assert router.match(make_request("/a")) is None
    assert router.match(make_request(host="a.test")) is None


def test_prefix_matches_are_made_once() -> None:
    router = make_router("traditional_compatible", Route(paths=["/a"]))
    assert router.match(make_request("/a/1")) is router.match(make_request("/a/2"))


def test_regexes_that_match_much_and_need_much_memory_are_still_all_asked() -> None:
    routes = [Route(str(number), paths=[f"~/.*[ab].{{60}}x{number}$"]) for number in range(300)]
    router = make_router("traditional_compatible", *routes)
    match = router.match(make_request(f"/{'b' * 70}x299"))
    assert match is not None
    assert match.route == "299"
