"""Whatever there is of any kind: a dump loads to the same, a change of nothing changes nothing, rows come back."""

import json
import string
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateline.declarative import DeclarativeError, difference, dump, load_object, load_text, matched
from gateline.entities import EntityError, Snapshot, entity_class, kinds

names = st.text(st.sampled_from(string.ascii_lowercase + string.digits), max_size=5).map(lambda text: f"n{text}")
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=10)
hosts = st.sampled_from(["a.test", "10.0.0.1", "[::1]:80", "b.test:81", "::1"])
statuses = st.lists(st.integers(100, 999), max_size=3)
counts = st.integers(0, 255)
tags = st.none() | st.lists(names, max_size=2)

health = st.fixed_dictionaries(
    {},
    optional={
        "threshold": st.integers(0, 100) | st.floats(0, 100),
        "active": st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(["tcp", "http", "https", "grpc", "grpcs"]),
                "timeout": st.integers(0, 65535) | st.floats(0, 65535),
                "headers": st.none() | st.dictionaries(names, st.lists(texts, max_size=2), max_size=2),
                "healthy": st.fixed_dictionaries({}, optional={"http_statuses": statuses, "successes": counts}),
            },
        ),
        "passive": st.fixed_dictionaries(
            {}, optional={"unhealthy": st.fixed_dictionaries({}, optional={"timeouts": counts})}
        ),
    },
)
targets = st.lists(
    st.fixed_dictionaries({"target": hosts}, optional={"weight": st.integers(0, 65535), "tags": tags}), max_size=2
)
upstreams = st.fixed_dictionaries(
    {"name": names},
    optional={
        "algorithm": st.sampled_from(["round-robin", "least-connections", "latency", "consistent-hashing"]),
        "hash_on": st.sampled_from(["none", "ip", "consumer", "path"]),
        "healthchecks": health,
        "targets": targets,
        "tags": tags,
    },
)
consumers = st.fixed_dictionaries(
    {"username": texts}, optional={"custom_id": texts, "tags": tags, "groups": st.lists(st.just("gold"), max_size=1)}
)
vaults = st.fixed_dictionaries(
    {"name": st.just("env"), "prefix": names.map(lambda name: f"v{name}0")},
    optional={"config": st.fixed_dictionaries({"prefix": st.none() | st.just("A_")}), "description": texts},
)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    document = {
        "_format_version": "3.0",
        "upstreams": draw(st.lists(upstreams, max_size=3)),
        "consumers": draw(st.lists(consumers, max_size=3)),
        "consumer_groups": [{"name": "gold"}],
        "vaults": draw(st.lists(vaults, max_size=2)),
        "key_sets": [{"name": name} for name in draw(st.sets(names, max_size=2))],
    }
    try:
        return load_object(document, source="x")
    except DeclarativeError as error:
        if "uniqueness violation" not in str(error):
            raise
        return Snapshot()


@given(snapshots())
def test_a_dump_loads_to_the_same_entities(snapshot: Snapshot) -> None:
    again = load_text(dump(snapshot), source="dump")
    assert again == snapshot
    assert not difference(snapshot, matched(snapshot, again))


@given(snapshots())
def test_rows_come_back_and_a_change_of_nothing_changes_nothing(snapshot: Snapshot) -> None:
    for kind in kinds():
        for entity in snapshot.kind(kind).values():
            row = json.loads(json.dumps(entity.to_wire()))
            model = type(entity)
            assert model.from_wire(row) == entity
            assert model.patched(row, {}, now=entity.updated_at) == entity
            assert model.replaced(row, row) == entity


NAMES = sorted({name for kind in kinds() for name in kinds()[kind].model_fields} | {"url", "nope", "x", "active"})
junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["http", "ip", "header", "a.test", "{vault://env/x}", "\ud800", "-----BEGIN CERTIFICATE-----\n"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(kinds())), st.dictionaries(st.sampled_from(NAMES), junk, max_size=6), st.booleans())
@settings(max_examples=400)
def test_any_data_is_an_entity_or_refused(kind: str, data: dict[str, Any], change: bool) -> None:
    model = entity_class(kind)
    assert model is not None
    try:
        entity = model.parse(data)
    except EntityError as error:
        if error.body()["code"] != 2 or not error.message:
            raise
    else:
        assert model.from_wire(json.loads(json.dumps(entity.to_wire()))) == entity
        if change:
            assert model.patched(entity.to_wire(), entity.to_wire(), now=entity.updated_at) == entity


rows = st.dictionaries(st.sampled_from([*NAMES, *kinds(), "groups", "_comment"]), junk, max_size=5)
nested = rows | st.dictionaries(st.sampled_from([*kinds(), "groups"]), st.lists(rows | junk, max_size=2), max_size=2)
documents = st.dictionaries(st.sampled_from([*kinds(), "_transform"]), st.lists(nested | junk, max_size=3), max_size=4)


@given(documents)
@settings(max_examples=400)
def test_any_object_of_any_kinds_gives_a_snapshot_or_a_told_error(document: dict[str, Any]) -> None:
    try:
        snapshot = load_object({"_format_version": "3.0", **document}, source="POST /config")
    except DeclarativeError as error:
        for body in (error.body(), error.body(flatten=True)):
            json.dumps(body)
        if not all(str(problem) for problem in error.problems):
            raise
    else:
        assert load_text(dump(snapshot), source="dump") == snapshot
