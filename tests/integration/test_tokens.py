"""Tokens through a running node: credentials that change, and issuers whose keys change, that are gone, or hostile."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness.tokens import Key, jwk, jwks, key_for, pem, rsa_key, token
from integration.nodes import LIMIT, Node, Upstream, config, eventually, service

ISSUER = "https://login.test/"
TIMES = 8
"""So often every worker of two is asked, all but certainly."""

Answers = Callable[[socket.socket], None]


class Issuer:
    """A server of a key set. `answers` may take the place of its answer: it gets the connection."""

    def __init__(self, keys: bytes, port: int = 0) -> None:
        self.keys = keys
        self.fetched = 0
        self.answers: Answers | None = None
        self._server = socket.create_server(("127.0.0.1", port))
        self._ended = threading.Event()
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks.json"

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                while b"\r\n\r\n" not in (data := connection.recv(65536)):
                    if not data:
                        return
                self.fetched += 1
                if self.answers is not None:
                    self.answers(connection)
                    return
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self.keys)}\r\nConnection: close\r\n\r\n"
                connection.sendall(head.encode() + self.keys)
            except OSError:
                return

    def close(self) -> None:
        if self._ended.is_set():
            return
        self._ended.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()

    def held(self, connection: socket.socket) -> None:
        """Say nothing until the end."""
        self._ended.wait(LIMIT)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer(jwks(jwk(rsa_key(), kid="one")))
    yield made
    made.close()


def guarded(upstream: Upstream, url: str) -> dict[str, Any]:
    """`/x` needs a token of the issuer; `/free` needs none."""
    issuers = [{"issuer": ISSUER, "jwks_uri": url, "jwks_refresh": 86400}]
    plugin = {"name": "jwt", "config": {"issuers": issuers, "audience_required": ["x"]}}
    return config(service("s", upstream.port, "/x", plugins=[plugin]), service("f", upstream.port, "/free"))


def said(key: Key = None, kid: str = "one", **claims: Any) -> str:
    claims = {"iss": ISSUER, "sub": "u", "aud": "x", "exp": int(time.time()) + 600, **claims}
    return token(claims, "RS256", key or rsa_key(), {"kid": kid})


def asked(node: Node, text: str) -> int:
    return node.get("/x", Authorization=f"Bearer {text}")[0]


def statuses(node: Node, text: str) -> set[int]:
    return {asked(node, text) for _ in range(TIMES)}


def test_tokens_of_an_issuer_pass_from_the_moment_on_in_which_the_plugin_is_there(
    tmp_path: Path, upstream: Upstream, issuer: Issuer
) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(guarded(upstream, issuer.url))
        assert statuses(node, said()) == {200}
        assert statuses(node, said(aud="y")) == {401}
        assert statuses(node, said(key=rsa_key(number=1))) == {401}
        assert issuer.fetched == 1, "once a node"


def test_a_new_key_counts_at_once_and_made_up_ones_cost_the_issuer_nothing(
    tmp_path: Path, upstream: Upstream, issuer: Issuer
) -> None:
    new = rsa_key(number=1)
    with Node(tmp_path / "node") as node:
        node.configure(guarded(upstream, issuer.url))
        assert statuses(node, said()) == {200}
        issuer.keys = jwks(jwk(new, kid="two"))
        assert asked(node, said(new, "two")) == 200
        assert statuses(node, said(new, "two")) == {200}, "in every worker"
        assert statuses(node, said()) == {401}, "the old key is gone"
        with ThreadPoolExecutor(8) as pool:
            made_up = [said(kid=f"made-up-{number}") for number in range(100)]
            assert set(pool.map(lambda text: asked(node, text), made_up)) == {401}
        assert issuer.fetched <= 4


def test_the_last_good_keys_stay_while_the_issuer_is_gone_over_restarts_and_reloads(
    tmp_path: Path, upstream: Upstream, issuer: Issuer
) -> None:
    document = tmp_path / "kong.yml"
    document.write_text(str(guarded(upstream, issuer.url)).replace("'", '"'))
    prefix = tmp_path / "node"
    with Node(prefix, declarative_config=str(document)) as node:
        eventually(lambda: asked(node, said()) == 200, "its keys are there")
        issuer.close()
        assert node.reload().ok
        assert statuses(node, said()) == {200}
    with Node(prefix, declarative_config=str(document)) as node:
        assert statuses(node, said()) == {200}
        assert asked(node, said(kid="two")) == 401
        back = Issuer(jwks(jwk(rsa_key(number=1), kid="two")), issuer.port)
        try:
            eventually(lambda: asked(node, said(rsa_key(number=1), "two")) == 200, "it is back")
        finally:
            back.close()


def _huge(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b'{"keys":[')
    for _ in range(10_000):
        connection.sendall(b" " * 65536)


def _said(head: bytes, body: bytes) -> Answers:
    return lambda connection: connection.sendall(head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


HOSTILE: dict[str, Answers] = {
    "an endless one": _huge,
    "one that is said to be huge": lambda connection: connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{"
    ),
    "a redirect": _said(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n", b""),
    "an error with keys": _said(b"HTTP/1.1 500 Oops\r\n", jwks(jwk(rsa_key(number=2), kid="bad"))),
    "nested deeply": _said(b"HTTP/1.1 200 OK\r\n", b'{"keys":' + b"[" * 100_000),
    "many keys": _said(b"HTTP/1.1 200 OK\r\n", jwks(*[{"kty": "RSA"}] * 1000)),
    "secrets": _said(b"HTTP/1.1 200 OK\r\n", jwks(jwk(b"secret", kid="bad"))),
    "no HTTP": lambda connection: connection.sendall(b"\x00" * 1000),
    "nothing": lambda connection: None,
}


def test_what_an_issuer_says_that_is_no_key_set_changes_nothing(
    tmp_path: Path, upstream: Upstream, issuer: Issuer
) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(guarded(upstream, issuer.url))
        assert statuses(node, said()) == {200}
        for refresh, answers in enumerate(HOSTILE.values(), 10_000):
            issuer.answers = answers
            seen = issuer.fetched
            changed = guarded(upstream, issuer.url)
            changed["services"][0]["plugins"][0]["config"]["issuers"][0]["jwks_refresh"] = refresh
            node.configure(changed)  # fetches anew
            eventually(lambda seen=seen: issuer.fetched > seen + 1, "a second try")  # type: ignore[misc]
            assert statuses(node, said()) == {200}
            assert asked(node, said(rsa_key(number=2), "bad")) == 401
        control = Path(f"/proc/{node.state.control}/status").read_text()
        assert int(control.partition("VmRSS:")[2].split()[0]) < 300_000, "what is huge is not kept"


def test_an_issuer_that_is_slow_slows_nobody_else(tmp_path: Path, upstream: Upstream, issuer: Issuer) -> None:
    issuer.answers = issuer.held
    with Node(tmp_path / "node", worker_processes="1") as node:
        node.configure(guarded(upstream, issuer.url))
        with ThreadPoolExecutor(4) as pool:
            began = time.monotonic()
            waiting = [pool.submit(asked, node, said()) for _ in range(4)]
            while not all(one.done() for one in waiting):
                asking = time.monotonic()
                assert node.get("/free")[0] == 200
                assert asked(node, "a.b.c") == 401
                assert time.monotonic() - asking < 4
            assert {one.result() for one in waiting} == {503}
            assert time.monotonic() - began < 60
        began = time.monotonic()
        assert asked(node, said()) == 503, "and it is not waited for again at once"
        assert time.monotonic() - began < 4


@pytest.mark.parametrize("algorithm", ["HS256", "ES256"])
def test_a_credential_counts_from_its_write_on_until_it_is_deleted(
    tmp_path: Path, upstream: Upstream, algorithm: str
) -> None:
    one, two = key_for(algorithm), key_for(algorithm, 1)

    def fields(key: Key) -> dict[str, str]:
        return {"secret": key.decode()} if isinstance(key, bytes) else {"rsa_public_key": pem(key)}

    with Node(tmp_path / "node", database="sqlite") as node:

        def ask(method: str, path: str, body: Any = None) -> Any:
            status, answer = node.admin(method, path, body)
            assert status in (200, 201, 204), answer
            return answer

        ask("POST", "/services", {"name": "s", "url": f"http://127.0.0.1:{upstream.port}"})
        ask("POST", "/services/s/routes", {"name": "r", "paths": ["/x"]})
        ask("POST", "/services/s/plugins", {"name": "jwt"})
        ask("POST", "/consumers", {"username": "bob"})
        ask("POST", "/consumers/bob/jwt", {"key": "k", "algorithm": algorithm, **fields(one)})
        first, second = token({"iss": "k"}, algorithm, one), token({"iss": "k"}, algorithm, two)
        assert (statuses(node, first), statuses(node, second)) == ({200}, {401})
        ask("PATCH", "/consumers/bob/jwt/k", fields(two))
        assert (statuses(node, first), statuses(node, second)) == ({401}, {200})
        ask("POST", "/consumers", {"username": "ann"})
        assert statuses(node, second) == {200}
        ask("DELETE", "/consumers/bob")
        assert statuses(node, second) == {401}
