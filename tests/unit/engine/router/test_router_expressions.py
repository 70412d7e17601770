"""The expressions flavour: what expressions take, how they are ordered, and how wrong ones are refused."""

import pytest

from gateline.engine.router import RouteError, RouterBuilder
from gateline.engine.router.expressions import And, Not, Or, Predicate, parse
from unit.engine.router.routing import Request, Route, make_request, make_router, match_of, winner


def takes(expression: str, request: Request) -> bool:
    return winner([Route(expression=expression)], request, "expressions") is not None


@pytest.mark.parametrize(
    ("expression", "request_", "taken"),
    [
        ('http.method == "GET"', make_request(), True),
        ('http.method == "get"', make_request(), False),
        ('lower(http.method) == "get"', make_request(), True),
        ('http.method != "GET"', make_request(), False),
        ('http.host == "A.test"', make_request(host="a.test"), True),
        ('http.host == "b.test"', make_request(host="a.test"), False),
        ('http.host =^ ".Test"', make_request(host="a.test"), True),
        ('http.host =^ ".test"', make_request(host="test"), False),
        ('http.host ~ "^A[.]"', make_request(host="a.test"), True),
        ('http.host != "x"', make_request(), False),
        ('http.path == "/foo"', make_request("/foo"), True),
        ('http.path == "/foo"', make_request("/foo/"), False),
        ('http.path ^= "/foo"', make_request("/foobar"), True),
        ('http.path =^ "bar"', make_request("/foobar"), True),
        ('http.path contains "ob"', make_request("/foobar"), True),
        ('http.path contains "x"', make_request("/foobar"), False),
        ('http.path ~ "b.r"', make_request("/foobar"), True),
        ('http.path ~ "^b.r"', make_request("/foobar"), False),
        ('http.path ~ r#"^/\\d+$"#', make_request("/123"), True),
        ('lower(http.path) ^= "/foo"', make_request("/FOO"), True),
        ('http.path ^= "/FOO"', make_request("/foo"), False),
        ('http.path ^= "/é a"', make_request("/%C3%A9%20a"), True),
        ('lower(http.path) == "/é"', make_request("/%C3%89"), True),
        ('http.path ^= "/a{"', make_request("/a%7Bb"), True),
        ('http.path ^= "/a{"', make_request("/a{b"), True),
        ('http.path.segments.0 == "a"', make_request("/a/b/c/"), True),
        ('http.path.segments.2 == "c"', make_request("/a/b/c/"), True),
        ('http.path.segments.3 == ""', make_request("/a/b/c/"), False),
        ('http.path.segments.0_1 == "a/b"', make_request("/a/b/c"), True),
        ('http.path.segments.1_2 ^= "b/"', make_request("/a/b/c"), True),
        ('http.path.segments.1_1 == "b"', make_request("/a/b/c"), False),
        ('http.path.segments.0_3 != "x"', make_request("/a/b/c"), False),
        ("http.path.segments.len == 3", make_request("/a/b/c/"), True),
        ("http.path.segments.len == 0", make_request("/"), True),
        ("http.path.segments.len >= 4", make_request("/a/b/c"), False),
        ('http.headers.x_foo == "1"', make_request(headers=[("X-Foo", "1")]), True),
        ('http.headers.x_foo == "1"', make_request(headers=[("X_Foo", "1")]), True),
        ('http.headers.x_foo == "1"', make_request(headers=[("x-foo", "1"), ("x-foo", "2")]), False),
        ('any(http.headers.x_foo) == "1"', make_request(headers=[("x-foo", "2"), ("x-foo", "1")]), True),
        ('any(lower(http.headers.x)) == "a"', make_request(headers=[("x", "B"), ("x", "A")]), True),
        ('lower(any(http.headers.x)) == "a"', make_request(headers=[("x", "B"), ("x", "A")]), True),
        ('http.headers.x != "1"', make_request(), False),
        ('any(http.headers.x) != "1"', make_request(), False),
        ('any(http.headers.x) != "1"', make_request(headers=[("x", "1"), ("x", "2")]), True),
        ('http.queries.a == "1"', make_request(query=b"b=2&a=1"), True),
        ('http.queries.a == ""', make_request(query=b"a"), True),
        ('http.queries.a == "x y&"', make_request(query=b"%61=x+y%26"), True),
        ('any(http.queries.a) == "2"', make_request(query=b"a=1&a=2"), True),
        ('http.queries.a == "2"', make_request(query=b"a=1&a=2"), False),
        ('http.queries.a == "1"', make_request(query=None), False),
        ('net.protocol == "http"', make_request(), True),
        ('net.protocol == "https"', make_request(tls=True), True),
        ('tls.sni == "a.test"', make_request(tls=True, sni=b"a.test"), True),
        ('tls.sni != "a.test"', make_request(), False),
        ("net.port == 8000", make_request(), True),
        ("net.dst.port > 7999 && net.dst.port < 8001 && net.dst.port <= 8000", make_request(), True),
        ("net.dst.port != 8000", make_request(), False),
        ("net.src.port == 50000", make_request(), True),
        ("net.dst.ip == 10.0.0.1", make_request(), True),
        ("net.src.ip == 127.0.0.1", make_request(), True),
        ("net.src.ip != 127.0.0.1", make_request(), False),
        ("net.src.ip in 127.0.0.0/8", make_request(), True),
        ("net.src.ip in 10.0.0.0/8", make_request(), False),
        ("net.src.ip not in 10.0.0.0/8", make_request(), True),
        ("net.src.ip not  in 127.0.0.0/8", make_request(), False),
        ("net.src.ip in fd00::/8", make_request(client_ip="fd00::1"), True),
        ("net.src.ip == ::1", make_request(client_ip="::1"), True),
        ("net.src.ip not in fd00::/8", make_request(), False),
        ("net.src.ip in 127.0.0.0/8", make_request(client_ip="::ffff:127.0.0.1"), True),
        ("net.src.ip in 127.0.0.0/8", make_request(client_ip="unix:"), False),
        ("net.dst.port == 0x1f40", make_request(), True),
        ("net.dst.port == 017500", make_request(), True),
        ("net.dst.port > -1", make_request(), True),
        ('!(http.method == "POST")', make_request(), True),
        ('!(http.headers.x == "1")', make_request(), True),
        ('http.method == "GET" && http.path == "/x" || http.path == "/y"', make_request("/y"), True),
        ('http.method == "POST" && http.path == "/x" || http.path == "/y"', make_request("/y"), False),
        ('(http.method == "POST" && http.path == "/x") || http.path == "/y"', make_request("/y"), True),
        ('\n\thttp.method=="GET"&&\r\n(http.path^="/")  ', make_request(), True),
        ('http.path == "/\\"\\\\\\n\\r\\t"', make_request("/x"), False),
        ('http.headers.x == "a\\"b\\\\"', make_request(headers=[("x", 'a"b\\')]), True),
        ('http.headers.x == r#"a"b\\"#', make_request(headers=[("x", 'a"b\\')]), True),
    ],
)
def test_expressions(expression: str, request_: Request, taken: bool) -> None:
    assert takes(expression, request_) is taken


def test_fields_that_the_request_does_not_know_fail_every_comparison() -> None:
    class Bare:
        method, host, path, query, tls, sni, port = b"GET", b"", b"/", None, False, b"", 80
        head = make_request().head
        client_ip = ""

    for expression in ("net.src.port != 1", "net.dst.ip != 1.1.1.1", "net.src.ip not in 1.1.1.1/32"):
        router = make_router("expressions", Route(expression=expression))
        assert router.match(Bare()) is None


@pytest.mark.parametrize(
    ("expression", "path", "prefix"),
    [
        ('http.path ^= "/foo"', "/foobar", b"/foo"),
        ('http.path == "/foo"', "/foo", b"/foo"),
        ('http.method == "GET" && http.path ^= "/é"', "/%C3%A9/x", b"/%C3%A9"),
        ('http.path ^= "/a{"', "/a%7Bb", b"/a%7B"),
        ('http.path ^= "/foo" || http.path ^= "/bar"', "/bar/x", b"/bar"),
        ('(http.path ^= "/f" && http.method == "POST") || http.path ^= "/foo"', "/foobar", b"/foo"),
        ('http.path ^= "/f" && http.path ^= "/foo"', "/foobar", b"/foo"),
        ('http.path ~ "^/f(o+)"', "/foobar", b"/foo"),
        ('http.path ~ "^/é "', "/%C3%A9%20x", b"/%C3%A9%20"),
        ('http.path ~ "o+"', "/foobar", None),
        ('lower(http.path) ^= "/foo"', "/FOOBAR", b"/FOO"),
        ('lower(http.path) ~ "^/fo*"', "/FOOBAR", b"/FOO"),
        ('http.path =^ "bar"', "/foobar", None),
        ('http.path contains "f" && http.method == "GET"', "/foobar", None),
        ('!(http.path ^= "/x") && http.path contains "f"', "/foobar", None),
        ('http.method == "GET" || http.path ^= "/f"', "/foobar", None),
        ('(http.method == "GET" || http.path ^= "/f") && http.path ^= "/fo"', "/foobar", b"/fo"),
    ],
)
def test_the_prefix_is_what_the_path_predicate_took(expression: str, path: str, prefix: bytes | None) -> None:
    match = match_of([Route(expression=expression)], make_request(path), "expressions")
    assert match is not None
    assert match.prefix == prefix


def test_a_path_regex_captures() -> None:
    match = match_of(
        [Route(expression='http.path ~ "^/(?<kind>[a-z]+)/(\\\\d+)"')], make_request("/book/12"), "expressions"
    )
    assert match is not None
    assert match.captures is not None
    assert match.captures.numbered == (b"/book/12", b"book", b"12")
    assert match.captures.named == {"kind": b"book"}


def test_a_constant_prefix_needs_no_new_match() -> None:
    router = make_router("expressions", Route(expression='http.method == "GET" && http.path ^= "/a"'))
    assert router.match(make_request("/a/1")) is router.match(make_request("/a/2"))


def test_the_higher_priority_wins_then_the_earlier_created() -> None:
    low = Route("low", expression='http.path ^= "/foo"', priority=1, created_at=1)
    high = Route("high", expression='http.path ^= "/"', priority=2, created_at=9)
    old = Route("old", expression='http.method == "GET"', priority=2, created_at=2)
    assert winner([low, high], make_request("/foo"), "expressions") == "high"
    assert winner([low, high, old], make_request("/foo"), "expressions") == "old"
    assert winner([low, high], make_request("/foo", method="PUT"), "expressions") == "high"


def test_a_route_with_expression_wins_over_every_classic_route() -> None:
    routes = [
        Route("classic", hosts=["a.test"], paths=["~/foo"], methods=["GET"], headers={"x": ["1"]}, snis=["s"]),
        Route("expression", expression='http.method == "GET"', priority=0),
    ]
    request = make_request("/foo", host="a.test", headers=[("x", "1")])
    assert winner(routes, request, "expressions") == "expression"
    assert winner(routes[:1], request, "expressions") == "classic"


def test_classic_flavors_do_not_look_at_expressions() -> None:
    assert winner([Route(paths=["/a"], expression="nonsense")], make_request("/a")) == "r"


@pytest.mark.parametrize(
    ("protocols", "over_http", "over_https"),
    [
        (["http", "https"], True, True),
        (["http"], True, False),
        (["https"], True, True),
        (["grpc"], True, False),
        (["grpcs"], True, True),
        (["grpc", "grpcs"], True, True),
    ],
)
def test_the_protocols_of_the_route_are_part_of_its_expression(
    protocols: list[str], over_http: bool, over_https: bool
) -> None:
    route = Route(expression='http.path ^= "/"', protocols=protocols)
    assert (winner([route], make_request(), "expressions") is not None) is over_http
    assert (winner([route], make_request(tls=True), "expressions") is not None) is over_https


def test_expression_routes_are_found_by_host_and_path_among_many() -> None:
    router = make_router(
        "expressions",
        *(
            Route(
                f"{number}",
                expression=f'(http.host == "h{number % 7}.test" || http.host =^ ".h{number % 7}.test") '
                f'&& (http.path ^= "/p/{number}/" || http.path == "/q/{number}") && http.method == "GET"',
                priority=number,
            )
            for number in range(300)
        ),
        Route("rest", expression='http.method == "GET"', priority=0, created_at=1),
    )
    for number in range(300):
        for host in (f"h{number % 7}.test", f"sub.h{number % 7}.test"):
            for path in (f"/p/{number}/x", f"/q/{number}"):
                match = router.match(make_request(path, host=host))
                assert match is not None
                assert match.route == f"{number}"
    other = router.match(make_request("/p/1/x", host="h2.test"))
    assert other is not None
    assert other.route == "rest"


def test_or_binds_tighter_than_and() -> None:
    a, b, c, d = (Predicate("net.port", "==", number) for number in range(4))
    assert parse("net.port == 0 && net.port == 1 || net.port == 2 && net.port == 3") == And((a, Or((b, c)), d))
    assert parse("(net.port == 0 && net.port == 1) || net.port == 2") == Or((And((a, b)), c))
    assert parse("!(net.port == 0) || net.port == 1") == Or((Not(a), b))


@pytest.mark.parametrize(
    ("expression", "place", "reason"),
    [
        ("", "1:1", "expected term"),
        ("! a == 1", "1:1", "expected term: ! stands only before a parenthesis"),
        ("net.port == 1 || ! net.port == 2", "1:18", "expected term: !"),
        ('http.path = "/a"', "1:11", "expected an operator"),
        ("http.path", "1:10", "expected an operator"),
        ("http.path ==", "1:13", "expected a constant"),
        ('http.path == "a', "1:14", "a text without end"),
        ('http.path == "\\x"', "1:14", "a text without end, or with an escape"),
        ('http.path == r#"a"', "1:14", "a text without end"),
        ('http.path == "a" http.path', "1:18", "expected && or || or the end"),
        ('(http.path == "a"', "1:18", "expected && or || or )"),
        ('http.path == "a" &&\n  nope == "b"', "2:3", "unknown field: nope"),
        ('http.path.segments.x == "a"', "1:1", "unknown field: http.path.segments.x"),
        ('http.headers. == "a"', "1:1", "unknown field: http.headers."),
        ('http.headers.X == "a"', "1:1", "unknown field: http.headers.X"),
        ('upper(http.path) == "a"', "1:1", "unknown transformation function: upper"),
        ("any(http.path == 1", "1:15", "expected )"),
        ("http.path == 1", "1:14", "http.path == takes a text"),
        ("http.path ~ 1", "1:13", "http.path ~ takes a text"),
        ('http.path > "a"', "1:1", "http.path is a String: it cannot be compared with >"),
        ('http.path in "a"', "1:1", "http.path is a String: it cannot be compared with in"),
        ('http.path ~ "("', "1:13", "invalid regex: missing )"),
        ('http.path ~ "(?=a)"', "1:13", "invalid regex: invalid perl operator"),
        ('net.port == "1"', "1:13", "net.port == takes an integer"),
        ('net.port ^= "1"', "1:1", "net.port is an Int: it cannot be compared with ^="),
        ("lower(net.port) == 1", "1:1", "lower() takes a String, net.port is an Int"),
        ("lower(net.src.ip) == ::1", "1:1", "lower() takes a String, net.src.ip is an IpAddr"),
        ("net.src.ip == 1", "1:15", "net.src.ip == takes an IP address"),
        ("net.src.ip == 10.0.0.0/8", "1:15", "net.src.ip == takes an IP address"),
        ("net.src.ip in 10.0.0.1", "1:15", "net.src.ip in takes a CIDR"),
        ("net.src.ip > 10.0.0.1", "1:1", "net.src.ip is an IpAddr: it cannot be compared with >"),
        ("net.src.ip in 10.0.0.1/8", "1:15", "10.0.0.1/8 has host bits set"),
        ("net.src.ip == 10.0.0.256", "1:15", "does not appear to be an IPv4 or IPv6 address"),
        ("net.src.ip in 10.0.0.0/33", "1:15", "does not appear to be"),
        ("net.port == 9223372036854775808", "1:13", "number too large"),
        ("net.port == " + "9" * 5000, "1:13", "number too large"),
        ("(" * 200 + "net.port == 1" + ")" * 200, "1:101", "more than 100 parentheses inside one another"),
    ],
)
def test_a_wrong_expression_is_refused_at_its_place(expression: str, place: str, reason: str) -> None:
    with pytest.raises(RouteError) as refused:
        RouterBuilder("expressions").add(Route(expression=expression), "r")
    assert refused.value.field == "expression"
    assert f"--> {place}\n" in refused.value.message
    assert reason in refused.value.message


def test_the_report_shows_the_line_and_the_place() -> None:
    with pytest.raises(RouteError) as refused:
        parse('http.path == "/a" &&\nhttp.host = "b" &&\nhttp.method == "c"')
    report = refused.value.message.splitlines()
    assert report[:5] == [" --> 2:11", "  |", '2 | http.host = "b" &&', "  |           ^---", "  |"]
    assert report[5].startswith("  = expected an operator: ==, !=, ~,")


def test_the_report_shows_no_more_of_a_long_line_than_the_part_around_the_place() -> None:
    with pytest.raises(RouteError) as refused:
        parse('http.path == "' + "a" * 5000 + '" && && http.path == "' + "b" * 5000 + '"')
    report = refused.value.message.splitlines()
    assert report[0] == " --> 1:5020"
    assert len(report[2]) < 210
    assert report[2][report[3].index("^") :].startswith('&& http.path == "b')
