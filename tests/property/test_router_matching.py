"""The router against a naive matcher: sort every route's paths by the documented order, try one after the other."""

import re
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from gateline.engine.router import Flavor, Router, RouterBuilder, normalize_path
from property.router_cases import crowded_routes, requests, routes_without_ids, with_ids
from unit.engine.router.routing import Request, Route

# --- the naive matcher


def name_matches(entry: str, name: str) -> bool:
    entry = entry.lower()
    if entry.startswith("*"):
        return bool(name) and name.endswith(entry[1:])
    if entry.endswith("*"):
        return bool(name) and name.startswith(entry[:-1])
    return name == entry


def host_matches(entry: str, request: Request) -> bool:
    name, _, port = entry.partition(":")
    return name_matches(name, request.host.decode()) and (not port or int(port) == request.port)


def header_matches(name: str, wanted: Sequence[str], request: Request) -> bool:
    for value in request.head.get_all(name.lower().encode()):
        text = value.decode().lower()
        for one in wanted:
            if one.startswith("~*") and len(wanted) == 1:
                if re.search(one[2:], text, re.IGNORECASE):
                    return True
            elif text == one.lower():
                return True
    return False


def path_taken(path: str | None, request: Request) -> tuple[bool, bytes | None]:
    if path is None:
        return True, None
    text = re.sub(
        "(%[0-9A-F]{2})+", lambda found: bytes.fromhex(found[0].replace("%", "")).decode(), request.path.decode()
    )
    if not path.startswith("~"):
        return text.startswith(path), normalize_path(path.encode())
    found = re.match(path[1:].replace("?<", "?P<"), text)
    if found is None:
        return False, None
    return True, normalize_path(found[0].encode()) if found[0] else b""


def order(flavor: str, route: Route, path: str | None, place: int) -> tuple[object, ...]:
    regex = path is not None and path.startswith("~")
    kinds = [bool(route.hosts), bool(route.headers), path is not None, bool(route.methods), bool(route.snis)]
    wildcards = [host for host in route.hosts or () if "*" in host]
    plain = bool(route.hosts) and not wildcards
    headers = len(route.headers or ())
    regex_priority = route.regex_priority if regex else 0
    length = 0 if path is None or regex else len(path.encode())
    ties = (route.created_at or 0, route.id, place)
    if flavor == "traditional":
        bits = [bit for bit, kind in zip((0x40, 0x20, 0x10, 0x08, 0x04), kinds, strict=True) if kind]
        ported = bool(wildcards) and any(":" in host for host in wildcards)
        inner = 4 * ported + 2 * plain + 1 * regex
        return -sum(kinds), -sum(bits), -inner, -headers, -regex_priority, -length, *ties
    return -sum(kinds), not plain, -headers, not regex, -regex_priority, -length, *ties


def naive_match(flavor: str, routes: Sequence[Route], request: Request) -> tuple[Route, bytes | None] | None:
    pairs: list[tuple[tuple[object, ...], Route, str | None]] = []
    for route in routes:
        for place, path in enumerate(route.paths or [None]):
            pairs.append((order(flavor, route, path, place), route, path))
    for _, route, path in sorted(pairs, key=lambda pair: pair[0]):
        taken, prefix = path_taken(path, request)
        if (
            taken
            and (not route.methods or request.method.decode() in route.methods)
            and (not route.hosts or any(host_matches(host, request) for host in route.hosts))
            and all(header_matches(name, wanted, request) for name, wanted in (route.headers or {}).items())
            and (
                not route.snis or not request.tls or any(name_matches(sni, request.sni.decode()) for sni in route.snis)
            )
        ):
            return route, prefix
    return None


def built(flavor: Flavor, routes: Sequence[Route]) -> Router:
    builder = RouterBuilder(flavor)
    for route in routes:
        builder.add(route, route)
    return builder.build()


def assert_agreement(flavor: Flavor, routes: Sequence[Route], request: Request) -> None:
    match = built(flavor, routes).match(request)
    found = None if match is None else (match.route, match.prefix)
    assert found == naive_match(flavor, routes, request)


@settings(max_examples=400)
@given(st.lists(routes_without_ids, max_size=12).map(lambda routes: list(with_ids(routes))), requests)
def test_compatible_router_answers_as_the_naive_one(routes: list[Route], request: Request) -> None:
    assert_agreement("traditional_compatible", routes, request)


@settings(max_examples=400)
@given(st.lists(routes_without_ids, max_size=12).map(lambda routes: list(with_ids(routes))), requests)
def test_traditional_router_answers_as_the_naive_one(routes: list[Route], request: Request) -> None:
    assert_agreement("traditional", routes, request)


@settings(max_examples=150)
@given(
    st.lists(crowded_routes, min_size=20, max_size=80).map(lambda routes: list(with_ids(routes))),
    st.lists(requests, min_size=5, max_size=5),
)
def test_many_routes_under_one_path_are_told_apart_as_by_the_naive_matcher(
    routes: list[Route], some_requests: list[Request]
) -> None:
    router = built("traditional_compatible", routes)
    for request in some_requests:
        match = router.match(request)
        found = None if match is None else (match.route, match.prefix)
        assert found == naive_match("traditional_compatible", routes, request)
