"""ldap-auth on a running node: a directory that says nothing holds up nobody who does not need it."""

import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.directory import BASE, Slapd
from harness.false_directory import FalseDirectory
from integration.nodes import Node, Upstream, config, service

TIMEOUT = 4.0


def login(name: str, password: str) -> dict[str, str]:
    return {"Authorization": f"ldap {b64encode(f'{name}:{password}'.encode()).decode()}"}


def test_a_silent_directory_holds_up_those_alone_who_need_it(tmp_path: Path, slapd: Slapd) -> None:
    def guarded(port: int) -> dict[str, object]:
        given = {"ldap_host": "127.0.0.1", "ldap_port": port, "base_dn": f"ou=people,{BASE}", "attribute": "uid"}
        return {"name": "ldap-auth", "config": {**given, "timeout": TIMEOUT * 1000}}

    with (
        Upstream() as upstream,
        FalseDirectory(lambda number, kind: []) as silent,
        Node(tmp_path / "node", worker_processes="1") as node,
        ThreadPoolExecutor(40) as pool,
    ):
        node.configure(
            config(
                service("open", upstream.port, "/open"),
                service("real", upstream.port, "/real", plugins=[guarded(slapd.port)]),
                service("silent", upstream.port, "/silent", plugins=[guarded(silent.port)]),
            )
        )
        bob = login("bob", "bob-secret")
        assert node.get("/real", **bob)[0] == 200
        began = time.monotonic()
        waiting = [pool.submit(node.get, "/silent", **login(f"user{number}", "x")) for number in range(40)]
        took = []
        while not all(one.done() for one in waiting):
            at = time.monotonic()
            assert node.get("/open")[0] == 200
            assert node.get("/real", **bob)[0] == 200
            assert node.get("/real", **login("ann", "ann:secret"))[0] == 200
            assert node.get("/real", **login("bob", str(at)))[0] == 401
            took.append(time.monotonic() - at)
        lasted = time.monotonic() - began
        assert {one.result()[0] for one in waiting} == {500}
    assert TIMEOUT <= lasted < TIMEOUT + 30
    assert len(took) > 2
    assert sorted(took)[len(took) // 2] < TIMEOUT / 2, "four requests, of which one asks the other directory"
