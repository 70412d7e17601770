"""`If-Match` and `If-None-Match`: writers that do not know of each other's changes are told."""

import pytest

from gateline.admin.conditions import Conditions, entity_tag
from gateline.admin.errors import ApiError
from unit.admin.small_node import Client

ROW = {"id": "1", "name": "s"}
TAG = entity_tag(ROW)
OTHER = entity_tag({"id": "1", "name": "t"})


@pytest.mark.parametrize(
    ("match", "none_match", "row", "holds"),
    [
        (TAG, None, ROW, True),
        (OTHER, None, ROW, False),
        (f"{OTHER}, {TAG}", None, ROW, True),
        (f"{OTHER},{TAG}", None, ROW, True),
        (f'"a, {TAG[1:]}', None, ROW, False),
        (f"W/{TAG}", None, ROW, False),
        ("*", None, ROW, True),
        ("*", None, None, False),
        (TAG, None, None, False),
        ("", None, ROW, False),
        ("rubbish", None, ROW, False),
        (None, "*", ROW, False),
        (None, "*", None, True),
        (None, TAG, ROW, False),
        (None, f"W/{TAG}", ROW, False),
        (None, OTHER, ROW, True),
        (TAG, OTHER, ROW, True),
        (None, None, None, True),
    ],
)
def test_conditions(match: str | None, none_match: str | None, row: dict[str, str] | None, holds: bool) -> None:
    conditions = Conditions(match, none_match)
    if holds:
        conditions.check(row)
        return
    with pytest.raises(ApiError) as failed:
        conditions.check(row)
    assert failed.value.status == 412


def test_a_write_with_the_present_tag_succeeds_and_with_an_old_one_fails(stored: Client) -> None:
    first = stored.put("/services/s", {"host": "h.test"}).headers["etag"]
    second = stored.patch("/services/s", {"port": 1}, headers={"If-Match": first})
    assert second.status_code == 200
    for method, body in (("PATCH", {"port": 2}), ("PUT", {"host": "other.test"}), ("DELETE", None)):
        late = stored.request(method, "/services/s", json=body, headers={"If-Match": first})
        assert late.status_code == 412
        assert "message" in late.json()
    assert stored.get("/services/s").json() == second.json()
    tag = {"If-Match": second.headers["etag"]}
    assert stored.delete("/services/s", headers=tag).status_code == 204
    assert stored.delete("/services/s", headers=tag).status_code == 412


def test_of_two_writers_at_once_one_is_told(stored: Client) -> None:
    tag = stored.put("/services/s", {"host": "h.test"}).headers["etag"]
    requests = [
        ("PATCH", "/services/s", {"json": {"port": port}, "headers": {"If-Match": tag}}) for port in range(1, 9)
    ]
    assert sorted(answer.status_code for answer in stored.together(*requests)) == [200, *[412] * 7]


def test_put_only_if_there_is_nothing(stored: Client) -> None:
    condition = {"If-None-Match": "*"}
    assert stored.put("/services/s", {"host": "h.test"}, headers=condition).status_code == 200
    assert stored.put("/services/s", {"host": "h.test"}, headers=condition).status_code == 412
    assert stored.put("/services/t", {"host": "h.test"}, headers={"If-Match": "*"}).status_code == 412


def test_conditions_are_about_what_is_written_below_a_parent_too(stored: Client) -> None:
    stored.put("/services/s", {"host": "h.test"})
    tag = stored.put("/services/s/routes/r", {"paths": ["/x"]}).headers["etag"]
    assert stored.patch("/services/s/routes/r", {"paths": ["/y"]}, headers={"If-Match": tag}).status_code == 200
    for method in ("PATCH", "PUT", "DELETE"):
        late = stored.request(method, "/services/s/routes/r", json={"paths": ["/z"]}, headers={"If-Match": tag})
        assert late.status_code == 412
    service = stored.get("/routes/r/service").headers["etag"]
    through = stored.patch("/routes/r/service", {"port": 1}, headers={"If-Match": service})
    assert through.status_code == 200
    assert stored.patch("/routes/r/service", {"port": 2}, headers={"If-Match": service}).status_code == 412


def test_making_what_a_route_points_to_asks_for_nothing_to_be_there(stored: Client) -> None:
    stored.put("/routes/r", {"paths": ["/x"]})
    made = stored.put("/routes/r/service", {"host": "h.test"}, headers={"If-None-Match": "*"})
    assert made.status_code == 200
    assert stored.get("/routes/r").json()["service"] == {"id": made.json()["id"]}
