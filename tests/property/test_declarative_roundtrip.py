"""Whatever entities there are, a dump loads to the same; whatever comes in ends in a snapshot or a told error."""

import json
import string
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateline.declarative import DeclarativeError, dump, load_object, load_text
from gateline.entities import Route, Service, Snapshot

names = st.text(
    st.sampled_from(string.ascii_letters + string.digits + "._~-円ü🦍\x85\u2028\ufeff"), min_size=1, max_size=12
)
tags = st.lists(
    st.text(st.characters(min_codepoint=32, max_codepoint=0x10FFFF, exclude_categories=["Cs"]), min_size=1, max_size=8)
    .map(lambda text: "".join(c for c in text if c not in ",/" and (c < "\x7f" or c >= "\x80")))
    .filter(bool),
    max_size=3,
)
hosts = st.sampled_from(["a.test", "*.b.test", "c.*", "d.test:8080", "10.0.0.1", "[::1]:80"])
paths = st.sampled_from(
    ["/", "/a", "/a/b.c", "~/x/(?<n>\\d+)$", "/a%20b", "/{x}", "/'q'", "~/a\\/b", "/yes", "/~", "/#"]
)
values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    services = [
        Service.parse({"name": name, "host": "a.test", "tags": draw(tags), "port": draw(st.integers(0, 65535))})
        for name in draw(st.sets(names, max_size=3))
    ]
    routes = [
        Route.parse(
            {
                "name": name,
                "paths": draw(st.lists(paths, min_size=1, max_size=3)),
                "hosts": draw(st.none() | st.lists(hosts, max_size=2)),
                "headers": {"x-h": draw(st.lists(values.filter(lambda v: not v.startswith("~*")), max_size=2))},
                "regex_priority": draw(st.integers(-(2**31), 2**31)),
                "strip_path": draw(st.booleans()),
                "service": {"id": draw(st.sampled_from(services)).id} if services else None,
            }
        )
        for name in draw(st.sets(names, max_size=3))
    ]
    return Snapshot(
        services={service.id: service for service in services}, routes={route.id: route for route in routes}
    )


@given(snapshots())
def test_a_dump_loads_to_the_same_entities(snapshot: Snapshot) -> None:
    assert load_text(dump(snapshot), source="dump") == snapshot
    rows = json.loads(json.dumps({"_format_version": "3.0", **rows_of(snapshot)}))
    assert load_object(rows, source="POST /config") == snapshot


def rows_of(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "services": [service.to_wire() for service in snapshot.services.values()],
        "routes": [route.to_wire() for route in snapshot.routes.values()],
    }


@given(snapshots())
def test_the_wire_form_comes_back_the_same(snapshot: Snapshot) -> None:
    for entity in (*snapshot.services.values(), *snapshot.routes.values()):
        assert type(entity).from_wire(json.loads(json.dumps(entity.to_wire()))) == entity


FIELDS = [*Service.model_fields, *Route.model_fields, "url", "services", "routes", "_comment", "_ignore", "nope"]
junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["http", "tcp", "/x", "~/(", "a.test", "${X}", "{vault://env/x}", "\ud800", "3.0", "*.", ":", "[", "%"]
    )
    | paths,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=20,
)
documents = st.fixed_dictionaries(
    {"_format_version": st.sampled_from(["3.0", "1.1"]) | junk},
    optional={
        "services": st.lists(st.dictionaries(st.sampled_from(FIELDS), junk, max_size=6), max_size=3) | junk,
        "routes": st.lists(st.dictionaries(st.sampled_from(FIELDS), junk, max_size=6), max_size=3) | junk,
        "_comment": junk,
        "_transform": junk,
    },
)


def tell_all(error: DeclarativeError) -> None:
    for body in (error.body(), error.body(flatten=True)):
        assert body["code"] == 14
        assert body["message"].startswith("declarative config is invalid: {")
    assert error.problems
    assert all(str(problem) for problem in error.problems)


@given(documents)
def test_any_object_gives_a_snapshot_or_a_told_error(document: Any) -> None:
    try:
        snapshot = load_object(document, source="POST /config")
    except DeclarativeError as error:
        tell_all(error)
    else:
        assert load_text(dump(snapshot), source="dump") == snapshot


@given(documents)
def test_any_json_text_gives_a_snapshot_or_a_told_error(document: Any) -> None:
    try:
        load_text(json.dumps(document), source="kong.json", environ={"X": "x"})
    except DeclarativeError as error:
        tell_all(error)
        json.dumps(error.body(flatten=True)).encode()


YAML_CHARACTERS = "ab:-[]{}&*!|>'\"%@`#,?~<0123.\n\t \\_=$éx"


@given(st.text(st.sampled_from(YAML_CHARACTERS), max_size=60) | st.text(max_size=40) | st.binary(max_size=40))
@settings(max_examples=400)
def test_any_text_gives_a_snapshot_or_a_told_error(text: str | bytes) -> None:
    for candidate in (
        text,
        b"_format_version: '3.0'\nroutes:\n- paths: "
        + (text if isinstance(text, bytes) else text.encode("utf-8", "replace")),
    ):
        try:
            load_text(candidate, source="kong.yml", environ={})
        except DeclarativeError as error:
            tell_all(error)
