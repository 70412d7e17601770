"""Holds the gateway against the hostile corpus: each entry gets its answer, and its upstream hears what it may.

The upstream's bytes are read by a parser that owes nothing to the gateway's own: whatever reached the upstream must be
whole, unambiguous requests, as many as the entry allows, and none of them a forged one.
"""

import pytest

from harness.client import DEADLINE, RawClient
from harness.messages import Response, parse_requests, parse_response
from harness.node import Node, configuration
from harness.upstream import RawUpstream, Visit, answer
from integration.hostile.corpus import ENTRIES
from integration.hostile.entry import Entry


def _serve(visit: Visit) -> None:
    while True:
        visit.request()
        visit.answer()


def _reject(visit: Visit) -> None:
    visit.request()
    visit.send(answer(b"no", "Connection: close", status=400))


def _converse(node: Node, entry: Entry) -> list[Response]:
    """Every answer that the entry got, interim ones left aside."""
    with RawClient(node.port) as client:
        client.send(*entry.parts, delay=entry.delay)
        if entry.half_close:
            client.half_close()
        if entry.closes:
            rest = client.everything()
            answers: list[Response] = []
            while rest:
                response = parse_response(rest, closed=True)
                assert response is not None
                answers.append(response)
                rest = rest[response.size :]
            return answers
        answers = [client.response() for _ in entry.answers]
        assert client.get("/alive").status == 200, "the connection does not go on"
        return answers


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_hostile_client_gets_its_answer_and_no_upstream_is_deceived(entry: Entry) -> None:
    with RawUpstream(_reject if entry.reject else _serve) as upstream:
        service = {"name": "s", "url": upstream.url, "read_timeout": 5000}
        routes = [{"paths": ["/hostile", "/alive"], "hosts": ["gateway.test"], "strip_path": False}]
        with Node(configuration({**service, "routes": routes}), entry.settings) as node:
            answers = _converse(node, entry)
        for visit in upstream.visits:
            assert visit.finished.wait(DEADLINE)
        received = upstream.received

    assert tuple(response.status for response in answers) == entry.answers
    assert all(response.keeps_alive for response in answers[:-1])
    if answers and entry.closes and answers[-1].status >= 400:
        assert not answers[-1].keeps_alive, "the last answer does not say that it is the last"
    requests, rests = [], []
    for data in received:
        whole, rest = parse_requests(data)
        requests += whole
        rests += [rest] if rest else []
    assert len(requests) == entry.upstream + (not entry.closes), f"upstreams got {received}"
    assert len(rests) <= entry.cut, f"upstreams got parts of requests: {rests}"
    assert all(request.target in ("/hostile", "/alive") for request in requests), f"upstreams got {received}"


def test_corpus_is_large_and_its_names_are_unique() -> None:
    assert len(ENTRIES) >= 200
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
