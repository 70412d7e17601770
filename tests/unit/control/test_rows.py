"""Rows and what leads from one configuration to another."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateline.control.rows import Delta, Rows, advance, delta_of, difference, encoded, row_of
from gateline.entities import Service
from gateline.store import Change

ids = st.sampled_from("abcdef")
configurations = st.dictionaries(
    st.sampled_from(["services", "routes"]), st.dictionaries(ids, st.integers(0, 2).map(row_of)), max_size=2
)


def filled(rows: Rows) -> Rows:
    return {kind: of_kind for kind, of_kind in rows.items() if of_kind}


def copied(rows: Rows) -> Rows:
    return {kind: dict(of_kind) for kind, of_kind in rows.items()}


@given(configurations, configurations)
def test_a_difference_leads_there_and_what_leads_back_leads_back(before: Rows, after: Rows) -> None:
    rows = copied(before)
    back = advance(rows, difference(before, after))
    assert filled(rows) == filled(after)
    advance(rows, back)
    assert filled(rows) == filled(before)


@given(configurations)
def test_between_equal_configurations_there_is_no_difference(rows: Rows) -> None:
    assert not difference(rows, copied(rows))


def test_several_changes_come_to_what_they_leave_behind() -> None:
    a, b, c = (Service.parse({"name": name, "host": "h"}) for name in "abc")
    later = Service.parse({"name": "later", "host": "h", "id": a.id})
    delta = delta_of(
        [
            Change(1, {"services": [a, b], "consumers": []}),
            Change(2, {"services": [later]}, {"services": [b.id]}),
            Change(3, {"services": [c]}),
            Change(4, {}, {"services": [c.id]}),
        ]
    )
    assert {kind: list(put) for kind, put in delta.put.items()} == {"services": [a.id]}
    assert msgspec.msgpack.decode(delta.put["services"][a.id])["name"] == "later"
    assert delta.delete == {"services": [b.id, c.id]}


def test_what_is_deleted_and_made_again_is_put() -> None:
    a = Service.parse({"name": "a", "host": "h"})
    delta = delta_of([Change(1, {}, {"services": [a.id]}), Change(2, {"services": [a]})])
    assert delta == Delta(encoded({"services": {a.id: a}}))
