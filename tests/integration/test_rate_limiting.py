"""rate-limiting in a running node: exact in a burst over all workers."""

import http.client
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from harness.gateway import Gateway

CLIENTS, EACH, LIMIT = 32, 12, 100
CONFIG = {
    "services": [{"name": "s", "url": "http://127.0.0.1:9", "routes": [{"name": "r", "paths": ["/burst"]}]}],
    "plugins": [
        {"name": "rate-limiting", "config": {"year": LIMIT, "limit_by": "service"}},
        {"name": "request-termination", "config": {"status_code": 200}},
    ],
}


def burst(port: int) -> list[tuple[int, str | None]]:
    """The statuses, and what remained, of some requests over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    answers = []
    for _ in range(EACH):
        connection.request("GET", "/burst")
        response = connection.getresponse()
        response.read()
        answers.append((response.status, response.headers["X-RateLimit-Remaining-Year"]))
    connection.close()
    return answers


def test_a_burst_over_all_workers_gets_as_many_requests_as_the_limit_and_not_one_more(gateway: Gateway) -> None:
    gateway.configure(CONFIG)
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = [answer for some in pool.map(burst, [gateway.port] * CLIENTS) for answer in some]
    assert Counter(status for status, _ in answers) == {200: LIMIT, 429: CLIENTS * EACH - LIMIT}
    remaining = sorted(int(left or -1) for status, left in answers if status == 200)
    assert remaining == list(range(LIMIT)), "each of those that passed was told another number"
