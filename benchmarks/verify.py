"""Is the proxy's work the work that was asked for? Checked once before a proxy is measured.

The answer must be the upstream's; what the upstream received must carry the client's headers and the forwarded ones;
and connections to it must be kept: of one request more than it has addresses, one comes over the connection of another.
"""

import contextlib
import http.client
import json
from collections.abc import Mapping

from benchmarks.load import HEADERS, TARGET, Load
from benchmarks.processes import Address
from benchmarks.upstream import BODY, LOOPBACKS


def routes_requests(address: Address) -> bool:
    """Readiness: the proxy answers the measured request with the upstream's body."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return get(address, TARGET) == (200, BODY)
    return False


def get(address: Address, target: str, host: str | None = None) -> tuple[int, bytes]:
    """One request with the measured headers on a connection of its own: status and body."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=5)
    with contextlib.closing(connection):
        return _ask(connection, target, host)


def faults(address: Address, load: Load) -> list[str]:
    """What is wrong with the proxy at `address` (asked under `load`'s host and prefix), a sentence each."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=5)
    with contextlib.closing(connection):
        try:
            return _faults(connection, load)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return [f"a request failed: {error!r}"]


def _faults(connection: http.client.HTTPConnection, load: Load) -> list[str]:
    status, body = _ask(connection, f"{load.prefix}/orders/1", load.host, load.headers)
    if (status, body) != (200, BODY):
        return [f"answered {status} {body[:80]!r} instead of the upstream's body"]
    target = f"{load.prefix}/seen?expand=items"
    status, body = _ask(connection, target, load.host, load.headers)
    if status != 200:
        return [f"answered {status} for {target}"]
    told, _, authorization = body.partition(b"\n")  # which may have quotes
    seen = {**json.loads(told), "authorization": authorization.decode()}
    expected = {
        "target": target,
        "authorization": load.headers["Authorization"],
        "cookie": load.headers["Cookie"],
        "traceparent": load.headers["traceparent"],
        "forwarded_proto": "http",
    }
    wrong = [
        f"the upstream saw {key} {seen[key]!r}, not {value!r}" for key, value in expected.items() if seen[key] != value
    ]
    if not seen["forwarded_for"]:  # Envoy writes the node's own address for a client on loopback
        wrong.append("the upstream saw no X-Forwarded-For")
    if not any(_comes_over_a_kept_connection(connection, load, target) for _ in range(LOOPBACKS)):
        wrong.append("the upstream connection is not kept alive")
    return wrong


def _comes_over_a_kept_connection(connection: http.client.HTTPConnection, load: Load, target: str) -> bool:
    _, body = _ask(connection, target, load.host, load.headers)
    return int(json.loads(body.partition(b"\n")[0])["uses"]) > 1


def _ask(
    connection: http.client.HTTPConnection, target: str, host: str | None, headers: Mapping[str, str] = HEADERS
) -> tuple[int, bytes]:
    connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, host if host and name == "Host" else value)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read()
