"""correlation-id: which id a request has, and who is told."""

import os
import re
import uuid

import pytest

from gateline.plugins.correlation_id import CorrelationId
from gateline.testing import Harness

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
HEADER = "Kong-Request-ID"


def test_the_default_id_counts_up_and_is_for_the_service_only() -> None:
    with Harness(CorrelationId) as gateway:
        first, second = gateway.request(), gateway.request()
    assert first.sent is not None
    assert second.sent is not None
    worker, number = re.fullmatch(rf"({UUID})#(\d+)", first.sent.header(HEADER) or "").groups()  # type: ignore[union-attr]
    assert second.sent.header(HEADER) == f"{worker}#{int(number) + 1}"
    assert first.header(HEADER) is None
    assert first.log["correlation_id"] == first.sent.header(HEADER)


def test_several_plugins_of_a_worker_count_together() -> None:
    with Harness(CorrelationId) as one, Harness(CorrelationId) as other:
        ids = [gateway.request().log["correlation_id"] for gateway in (one, other)]
    (worker, first), (same, second) = (text.split("#") for text in ids)
    assert (worker, int(first) + 1) == (same, int(second))


def test_uuids_are_of_version_4_and_differ() -> None:
    with Harness((CorrelationId, {"generator": "uuid", "echo_downstream": True})) as gateway:
        ids = {gateway.request().header(HEADER) or "" for _ in range(300)}
    assert len(ids) == 300
    assert {(uuid.UUID(text).version, uuid.UUID(text).variant) for text in ids} == {(4, uuid.RFC_4122)}


def test_a_tracker_tells_where_and_when_the_request_came() -> None:
    with Harness((CorrelationId, {"generator": "tracker", "echo_downstream": True})) as gateway:
        made = gateway.request().header(HEADER) or ""
    assert re.fullmatch(rf"127\.0\.0\.1-8000-{os.getpid()}-1-1-\d+\.\d{{3}}", made)


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_an_absent_or_blank_id_is_replaced(blank: str | None) -> None:
    headers = {} if blank is None else {HEADER: blank}
    with Harness((CorrelationId, {"generator": "uuid", "echo_downstream": True})) as gateway:
        answer = gateway.request(headers=headers)
    assert answer.sent is not None
    assert re.fullmatch(UUID, answer.header(HEADER) or "")
    assert answer.sent.header_values(HEADER) == [answer.header(HEADER)]


def test_the_clients_own_id_is_kept() -> None:
    with Harness((CorrelationId, {"header_name": "X-Id", "echo_downstream": True})) as gateway:
        answer = gateway.request(headers={"x-id": "mine"})
    assert answer.sent is not None
    assert (answer.sent.header("x-id"), answer.header("X-Id")) == ("mine", "mine")
    assert answer.log["correlation_id"] == "mine"
