"""Expressions: their text and trees, junk, and the router against a naive evaluation of the trees."""

import ipaddress
import re
from collections.abc import Sequence
from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateline.engine.router import RouteError, RouterBuilder, normalize_path
from gateline.engine.router.expressions import And, Expression, Not, Or, Predicate, parse
from unit.engine.router.routing import Head, Request, Route, make_router

# --- text and tree

names = st.sampled_from(["http.path", "http.headers.x_y", "net.port", "http.path.segments.0_1", "anything"])
values = st.one_of(
    st.text(max_size=5),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.ip_addresses(),
    st.builds(
        lambda address, bits: ipaddress.ip_network((int(address), bits), strict=False),
        st.ip_addresses(v=4),
        st.integers(0, 32),
    ).filter(lambda network: network.version == 4),
)
operators = st.sampled_from(["==", "!=", "~", "^=", "=^", ">", ">=", "<", "<=", "in", "not in", "contains"])
predicates = st.builds(Predicate, names, operators, values, st.booleans(), st.booleans())


def compound(terms: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(terms, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(And, several), st.builds(Or, several), st.builds(Not, terms))


trees: st.SearchStrategy[Expression] = st.recursive(predicates, compound, max_leaves=8)


@given(trees)
def test_the_text_of_a_tree_parses_to_the_tree(tree: Expression) -> None:
    assert parse(str(tree)) == tree


PIECES = [
    "(",
    ")",
    "!",
    "&&",
    "||",
    "==",
    "!=",
    "~",
    "^=",
    "=^",
    "in",
    "not in",
    "contains",
    "lower(",
    "any(",
    "http.path",
]
PIECES += [
    "http.host",
    "net.src.ip",
    "net.port",
    "http.queries.a",
    '"/a"',
    '"("',
    "10.0.0.0/8",
    "::1",
    "-5",
    "0x",
    'r#"',
    '"#',
    '"',
    " ",
]


@settings(max_examples=500)
@given(
    st.one_of(
        st.text(), st.lists(st.sampled_from(PIECES)).map(" ".join), st.lists(st.sampled_from(PIECES)).map("".join)
    )
)
@example("(" * 100_000)
@example("any(" * 5_000)
@example("!(" * 100_000)
@example('"' + "\\" * 100_000)
@example("net.port == 1" + " && net.port == 1" * 5_000)
def test_junk_is_refused_or_compiled_but_never_breaks_anything(text: str) -> None:
    with suppress(RouteError):
        RouterBuilder("expressions").add(Route(expression=text), "r")


# --- the router and a naive evaluation


def holds(tree: Expression, request: Request) -> bool:
    match tree:
        case And(terms):
            return all(holds(term, request) for term in terms)
        case Or(terms):
            return any(holds(term, request) for term in terms)
        case Not(term):
            return not holds(term, request)
        case Predicate():
            found = field(tree.field, request)
            return bool(found) and (any if tree.any else all)([compare(tree, value) for value in found])


def field(name: str, request: Request) -> list[str]:
    path = re.sub("%20", " ", request.path.decode())
    found = {
        "http.method": [request.method.decode()],
        "http.host": [request.host.decode()] if request.host else [],
        "http.path": [path],
        "http.path.segments.0": path.split("/")[1:2] if path != "/" else [],
        "http.headers.x": [value.decode() for key, value in request.head.pairs],
    }
    return found[name]


def compare(predicate: Predicate, value: str) -> bool:
    wanted = str(predicate.value)
    if predicate.field == "http.host":
        wanted = wanted.lower()
    if predicate.lower:
        value = value.lower()
    return {
        "==": value == wanted,
        "!=": value != wanted,
        "^=": value.startswith(wanted),
        "=^": value.endswith(wanted),
        "contains": wanted in value,
        "~": predicate.operator == "~" and re.search(wanted, value) is not None,
    }[predicate.operator]


plain_operators = st.sampled_from(["==", "==", "^=", "^=", "!=", "=^", "contains"])
hosts = st.builds(
    Predicate,
    st.just("http.host"),
    plain_operators,
    st.sampled_from(["a.x", "B.x", ".x", "b.a.x", "a.", ""]),
    st.booleans(),
)
paths = st.one_of(
    st.builds(
        Predicate,
        st.just("http.path"),
        plain_operators,
        st.sampled_from(["/", "/a", "/a b", "/ab", "/a/b", ""]),
        st.booleans(),
    ),
    st.builds(
        Predicate,
        st.just("http.path"),
        st.just("~"),
        st.sampled_from(["^/a", "^/a|b", "b$", "^/[ab]+", "^/a b", "^/a?b"]),
    ),
)
others = st.one_of(
    st.builds(Predicate, st.just("http.method"), plain_operators, st.sampled_from(["GET", "PUT"])),
    st.builds(
        Predicate, st.just("http.headers.x"), plain_operators, st.sampled_from(["1", "2"]), st.booleans(), st.booleans()
    ),
    st.builds(Predicate, st.just("http.path.segments.0"), plain_operators, st.sampled_from(["a", "ab"])),
)
matchers: st.SearchStrategy[Expression] = st.recursive(st.one_of(hosts, paths, others), compound, max_leaves=6)
requests = st.builds(
    Request,
    method=st.sampled_from([b"GET", b"PUT"]),
    host=st.sampled_from([b"", b"a.x", b"b.x", b"b.a.x", b"a.y"]),
    path=st.lists(st.sampled_from(["/", "a", "b", " "]), max_size=5).map(
        lambda parts: normalize_path(("/" + "".join(parts)).encode())
    ),
    head=st.lists(st.sampled_from([(b"x", b"1"), (b"x", b"2")]), max_size=2).map(Head),
)


@settings(max_examples=500)
@given(st.lists(st.tuples(matchers, st.integers(0, 2)), max_size=12), requests)
def test_the_router_answers_as_a_naive_evaluation_in_order(
    matchers_and_priorities: Sequence[tuple[Expression, int]], request: Request
) -> None:
    routes = [
        (Route(f"{number:02}", expression=str(tree), priority=priority), tree)
        for number, (tree, priority) in enumerate(matchers_and_priorities)
    ]
    expected = None
    for route, tree in sorted(routes, key=lambda pair: (-(pair[0].priority or 0), pair[0].id)):
        if holds(tree, request):
            expected = route.id
            break
    match = make_router("expressions", *[route for route, _ in routes]).match(request)
    assert (match and match.route) == expected
