"""rate-limiting-advanced in a running node: exact in a burst over all workers, whatever the algorithm."""

import http.client
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from harness.gateway import Gateway

CLIENTS, EACH, LIMIT = 64, 6, 100
YEAR = 365 * 86400


def config(**fields: Any) -> dict[str, Any]:
    return {
        "services": [{"name": "s", "url": "http://127.0.0.1:9", "routes": [{"name": "r", "paths": ["/burst"]}]}],
        "plugins": [
            {"name": "rate-limiting-advanced", "config": {"identifier": "service", **fields}},
            {"name": "request-termination", "config": {"status_code": 200}},
        ],
    }


def burst(port: int) -> list[tuple[int, int]]:
    """The statuses, and what remained, of some requests over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    answers = []
    for _ in range(EACH):
        connection.request("GET", "/burst", headers={"X-Cost": "2"})
        response = connection.getresponse()
        response.read()
        answers.append((response.status, int(response.headers["RateLimit-Remaining"])))
    connection.close()
    return answers


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({"limit": [LIMIT], "window_size": [YEAR], "window_type": "fixed"}, 1),
        ({"limit": [LIMIT], "window_size": [YEAR]}, 1),
        ({"limit": [LIMIT], "window_size": [YEAR], "algorithm": "token-bucket"}, 1),
        (
            {
                "limit": [LIMIT],
                "window_size": [YEAR],
                "window_type": "fixed",
                "limits": [
                    {"limit": 10, "window_size": YEAR, "algorithm": "gcra", "burst": LIMIT, "name": "pace"},
                    {"limit": 5 * LIMIT, "window_size": YEAR, "name": "sliding"},
                ],
                "cost": {"source": "request_header", "header_name": "X-Cost"},
            },
            2,
        ),
    ],
    ids=["fixed", "sliding", "bucket", "several, with costs"],
)
def test_a_burst_over_all_workers_gets_as_much_as_the_limit_and_no_more(
    gateway: Gateway, fields: dict[str, Any], cost: int
) -> None:
    gateway.configure(config(**fields))
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = [answer for some in pool.map(burst, [gateway.port] * CLIENTS) for answer in some]
    passed = LIMIT // cost
    assert Counter(status for status, _ in answers) == {200: passed, 429: CLIENTS * EACH - passed}
    remaining = sorted(left for status, left in answers if status == 200)
    assert remaining == list(range(0, LIMIT, cost)), "each of those that passed was told another number"
