"""Routes and requests for the router's property tests: small alphabets, so that routes collide."""

from collections.abc import Iterator, Sequence

from hypothesis import strategies as st

from gateline.engine.router import normalize_path
from unit.engine.router.routing import Head, Request, Route

HOSTS = ["a.x", "B.x", "b.a.x", "*.x", "*.a.x", "a.*", "b.a.*", "a.x:80", "*.x:80", "a.*:81", "*", "*x", "b*"]
PATHS = ["/", "/a", "/ab", "/a/", "/a/b", "/b", "/é", "/a b", "/a/b/c", "/abc"]
REGEXES = ["~/", "~/a", "~/a+", "~/[ab]+", "~/(a|b)/(?<n>b|c)?", "~/a|/b", "~/a/b$", "~/a b", "~/é+", "~/.*c", "~/ab?c"]
HEADERS = {"x": ["1", "2"], "Y": ["1", "Two"], "z-w": ["~*^1", "~*O", "2"]}
NAMES = [b"", b"a.x", b"b.x", b"b.a.x", b"c.b.a.x", b"a.y", b"b.a.y", b"x", b"q"]


def some(values: Sequence[str], most: int = 2) -> st.SearchStrategy[list[str] | None]:
    return st.one_of(st.none(), st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True))


headers = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {}, optional={name: st.lists(st.sampled_from(v), min_size=1, max_size=2) for name, v in HEADERS.items()}
    ).filter(bool),
)
routes_without_ids = st.builds(
    Route,
    id=st.just(""),
    methods=some(["GET", "POST"]),
    hosts=some(HOSTS, 3),
    paths=some([*PATHS, *REGEXES], 3),
    headers=headers,
    snis=some(["a.x", "*.x", "B.x", "a.*"]),
    regex_priority=st.sampled_from([0, 0, -1, 5]),
    created_at=st.sampled_from([None, 1, 2]),
)
requests = st.builds(
    Request,
    method=st.sampled_from([b"GET", b"POST", b"PUT"]),
    host=st.sampled_from(NAMES),
    port=st.sampled_from([80, 81]),
    path=st.lists(st.sampled_from(["/", "a", "b", "c", "é", " "]), max_size=6).map(
        lambda parts: normalize_path(("/" + "".join(parts)).encode())
    ),
    head=st.lists(
        st.sampled_from([(name, value) for name in (b"x", b"Y", b"z-w") for value in (b"1", b"2", b"TWO", b"12")]),
        max_size=5,
    ).map(Head),
    tls=st.booleans(),
    sni=st.sampled_from(NAMES),
)


def with_ids(routes: Sequence[Route]) -> Iterator[Route]:
    """The same routes with ids of which the order is not theirs."""
    for number, route in enumerate(routes):
        yield Route(**{**vars(route), "id": f"{number * 7 % 101:03}"})


# Routes that crowd under few paths of one host, so that the groups are divided by what else they ask for.
crowded_routes = st.builds(
    Route,
    id=st.just(""),
    methods=some(["GET", "POST", "PUT"]),
    paths=st.one_of(st.none(), st.lists(st.sampled_from(["/a", *REGEXES]), min_size=1, max_size=1)),
    headers=headers,
    snis=some(["a.x", "b.x", "*.x"]),
    created_at=st.sampled_from([1, 2]),
)
