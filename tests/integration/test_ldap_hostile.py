"""Directories that are broken, hostile, slow or gone: nobody gets through, and nobody waits who does not have to."""

import asyncio
import time
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import pytest

from gateline.pdk import Identity
from gateline.plugins.ldap_auth import LdapAuth, LdapAuthAdvanced
from gateline.plugins.ldap_auth.ber import OCTETS, SEQUENCE, integer, tlv
from gateline.plugins.ldap_auth.connection import MESSAGE_LIMIT, Connection, DirectoryError
from gateline.plugins.ldap_auth.credentials import Given
from gateline.plugins.ldap_auth.directory import CONNECTIONS, WAITING, Address, Directory
from gateline.testing import Harness
from harness.directory import BASE, Slapd
from harness.false_directory import BIND, EXTENDED, SEARCH, FalseDirectory, entry, result

BOB = {"Authorization": f"ldap {b64encode(b'bob:bob-secret').decode()}"}
CONFIG: dict[str, Any] = {"ldap_host": "127.0.0.1", "base_dn": "dc=test", "attribute": "uid", "timeout": 500}
SEARCHING = {**CONFIG, "bind_dn": "cn=admin", "ldap_password": "x", "consumer_optional": True}
NOTICE = tlv(SEQUENCE, integer(0), tlv(0x78, integer(52, 10), tlv(OCTETS), tlv(OCTETS)))

TO_A_BIND = {
    "text": lambda number: [b"HTTP/1.1 200 OK\r\n\r\n"],
    "an indefinite length": lambda number: [b"\x30\x80\x02\x01\x01"],
    "a length of 4 GiB": lambda number: [b"\x30\x84\xff\xff\xff\xff"],
    "a length over the limit": lambda number: [b"\x30\x83" + (MESSAGE_LIMIT + 1).to_bytes(3, "big")],
    "an empty message": lambda number: [b"\x30\x00"],
    "half a message": lambda number: [result(number, BIND)[:-2]],
    "nothing": lambda number: [],
    "the end": lambda number: [b""],
    "half a message and the end": lambda number: [result(number, BIND)[:-2], b""],
    "the answer to another request": lambda number: [result(number + 1, BIND)],
    "the answer to an earlier request": lambda number: [result(number - 1, BIND)],
    "a notice of disconnection": lambda number: [NOTICE],
    "the answer to a search": lambda number: [result(number, SEARCH)],
    "an entry": lambda number: [entry(number, "uid=bob"), result(number, BIND)],
    "a referral": lambda number: [result(number, BIND, 10)],
    "busy": lambda number: [result(number, BIND, 51)],
    "unavailable": lambda number: [result(number, BIND, 52)],
    "a wish for TLS": lambda number: [result(number, BIND, 13)],
    "a result without a code": lambda number: [tlv(SEQUENCE, integer(number), tlv(0x61, tlv(OCTETS)))],
    "a code of many octets": lambda number: [
        tlv(SEQUENCE, integer(number), tlv(0x61, tlv(10, b"\0" * 9), tlv(OCTETS), tlv(OCTETS)))
    ],
}


@pytest.mark.parametrize("answer", TO_A_BIND.values(), ids=TO_A_BIND)
@pytest.mark.parametrize("anonymous", [None, "guest"])
def test_an_answer_that_is_none_is_an_error_and_is_not_remembered(answer: Any, anonymous: str | None) -> None:
    def behave(number: int, kind: int) -> Sequence[bytes]:
        return list(answer(number))

    with (
        FalseDirectory(behave) as directory,
        Harness((LdapAuth, {**CONFIG, "ldap_port": directory.port, "anonymous": anonymous})) as harness,
    ):
        refused = harness.request(headers=BOB)
        assert refused.status == 500
        assert refused.json()["message"] == "An unexpected error occurred"
        assert refused.sent is None
        directory.behaviour = lambda number, kind: [result(number, kind)]
        assert harness.request(headers=BOB).status == 200


def test_what_comes_octet_by_octet_is_understood() -> None:
    def behave(number: int, kind: int) -> Sequence[bytes]:
        return [bytes((octet,)) for octet in result(number, kind)]

    with FalseDirectory(behave) as directory, Harness((LdapAuth, {**CONFIG, "ldap_port": directory.port})) as harness:
        assert harness.request(headers=BOB).status == 200


def test_a_second_answer_ends_the_connection_and_is_not_taken_for_the_next_request() -> None:
    with (
        FalseDirectory(lambda number, kind: [result(number, kind, 49) + result(number + 1, kind)]) as directory,
        Harness((LdapAuth, {**CONFIG, "ldap_port": directory.port, "cache_ttl": 0})) as harness,
    ):
        assert [harness.request(headers=BOB).status for _ in range(3)] == [401, 401, 401]
        assert directory.connections == 3


def test_without_tls_nothing_is_said_where_start_tls_is_refused() -> None:
    with (
        FalseDirectory(lambda number, kind: [result(number, kind, 52 if kind == EXTENDED else 0)]) as directory,
        Harness((LdapAuth, {**CONFIG, "ldap_port": directory.port, "start_tls": True})) as harness,
    ):
        assert harness.request(headers=BOB).status == 500
        assert len(directory.requests) == 1
        assert not any(b"bob" in request for request in directory.requests)


@pytest.mark.parametrize("together", [True, False])
def test_what_was_said_in_the_clear_does_not_count_after_start_tls(together: bool) -> None:
    def behave(number: int, kind: int) -> Sequence[bytes]:
        said = [result(number, kind), result(number + 1, BIND)]
        return [b"".join(said)] if together else said

    with (
        FalseDirectory(behave) as directory,
        Harness((LdapAuth, {**CONFIG, "ldap_port": directory.port, "start_tls": True})) as harness,
    ):
        assert harness.request(headers=BOB).status == 500
        assert not any(b"bob" in request for request in directory.requests)


FOUND = {
    "two entries": lambda number: [entry(number, "uid=a"), entry(number, "uid=b"), result(number, SEARCH)],
    "more entries than were asked for": lambda number: [entry(number, "uid=a") * 5, result(number, SEARCH)],
    "an entry and a limit": lambda number: [entry(number, "uid=a"), result(number, SEARCH, 4)],
    "no rights": lambda number: [result(number, SEARCH, 50)],
    "entries without an end": lambda number: [entry(number, "uid=a", memberof="x" * 60_000)] * 100,
    "an entry of another request": lambda number: [entry(number + 1, "uid=a"), result(number, SEARCH)],
    "an entry that is none": lambda number: [
        tlv(SEQUENCE, integer(number), tlv(0x64, b"\x04\x7fabc")),
        result(number, SEARCH),
    ],
}


@pytest.mark.parametrize("found", FOUND.values(), ids=FOUND)
def test_a_search_that_does_not_find_one_user_is_an_error(found: Any) -> None:
    def behave(number: int, kind: int) -> Sequence[bytes]:
        return list(found(number)) if kind == SEARCH else [result(number, kind)]

    with (
        FalseDirectory(behave) as directory,
        Harness((LdapAuthAdvanced, {**SEARCHING, "ldap_port": directory.port, "timeout": 3000})) as harness,
    ):
        assert harness.request(headers=BOB).status == 500


def test_an_entry_without_a_name_lets_nobody_through() -> None:
    def behave(number: int, kind: int) -> Sequence[bytes]:
        return [entry(number, ""), result(number, kind)] if kind == SEARCH else [result(number, kind)]

    with (
        FalseDirectory(behave) as directory,
        Harness((LdapAuthAdvanced, {**SEARCHING, "ldap_port": directory.port})) as harness,
    ):
        assert harness.request(headers=BOB).status == 401


def test_references_to_other_directories_are_not_followed() -> None:
    def behave(number: int, kind: int) -> Sequence[bytes]:
        if kind != SEARCH:
            return [result(number, kind)]
        reference = tlv(SEQUENCE, integer(number), tlv(0x73, tlv(OCTETS, b"ldap://127.0.0.1:1/")))
        return [reference, entry(number, "uid=bob,dc=test", memberof="uid=ops,dc=test"), result(number, kind)]

    with (
        FalseDirectory(behave) as directory,
        Harness((LdapAuthAdvanced, {**SEARCHING, "ldap_port": directory.port})) as harness,
    ):
        sent = harness.request(headers=BOB).sent
    assert sent is not None
    assert sent.header("x-authenticated-groups") == "ops"


def test_a_directory_that_is_gone_is_an_error_at_once() -> None:
    with FalseDirectory(lambda number, kind: []) as directory:
        port = directory.port
    with Harness((LdapAuth, {**CONFIG, "ldap_port": port, "timeout": 60_000})) as harness:
        answer = harness.request(headers=BOB)
    assert answer.status == 500


def test_many_logins_at_a_silent_directory_end_in_time_and_hold_up_nobody_else() -> None:
    at_a_time, most = 0, 0

    async def bind(connection: Connection) -> None:
        nonlocal at_a_time, most
        at_a_time += 1
        most = max(most, at_a_time)
        try:
            await connection.bind("uid=bob", "x")
        finally:
            at_a_time -= 1

    async def all_at_once(port: int) -> tuple[list[object], float, int]:
        directory = Directory(Address("127.0.0.1", port), timeout=0.5, keepalive=60)

        turns, running = 0, True

        async def others() -> None:
            nonlocal turns
            while running:
                await asyncio.sleep(0.005)
                turns += 1

        watch = asyncio.get_running_loop().create_task(others())
        began = time.monotonic()
        ends = await asyncio.gather(*(directory.ask(bind) for _ in range(WAITING + 50)), return_exceptions=True)
        took = time.monotonic() - began
        running = False
        await watch
        directory.close()
        return list(ends), took, turns

    with FalseDirectory(lambda number, kind: []) as directory:
        ends, took, turns = asyncio.run(all_at_once(directory.port))
    assert most == CONNECTIONS
    assert all(isinstance(end, DirectoryError) for end in ends)
    assert sum("too many" in str(end) for end in ends) == 50
    assert 0.5 <= took < 30
    assert turns > 10, "the loop was held up"


def test_requests_with_one_login_ask_the_directory_once(slapd: Slapd) -> None:
    async def many(plugin: LdapAuth) -> list[Identity | None]:
        given = Given("bob", "bob-secret")
        key = plugin._outcomes.key(*given)
        first = asyncio.get_running_loop().create_task(plugin._identity(key, given))
        others = [asyncio.get_running_loop().create_task(plugin._identity(key, given)) for _ in range(50)]
        await asyncio.sleep(0)
        first.cancel()  # its client has gone: another one asks
        found = await asyncio.gather(*others)
        plugin.close()
        return found

    config = {**CONFIG, "base_dn": f"ou=people,{BASE}", "ldap_port": slapd.port, "timeout": 5000}
    with Harness((LdapAuth, config)) as harness:
        (plugin,) = harness._plugins
        assert isinstance(plugin, LdapAuth)
        asked = []
        prove = plugin._prove

        async def counted(connection: Connection, *given: str) -> Any:
            asked.append(given)
            return await prove(connection, *given)

        plugin._prove = counted
        found = harness._loop.run_until_complete(many(plugin))
    assert all(identity is not None and identity.subject == "bob" for identity in found)
    assert len(asked) <= 2


async def bound(connection: Connection) -> int:
    return (await connection.bind("uid=bob", "x")).code


def test_a_connection_is_used_again_until_it_has_idled_too_long() -> None:
    async def some_after_another(port: int) -> bool:
        directory = Directory(Address("127.0.0.1", port), timeout=5, keepalive=0.05)
        assert [await directory.ask(bound) for _ in range(5)] == [0] * 5
        (kept,) = directory._idle
        async with asyncio.timeout(5):
            while directory._idle:  # noqa: ASYNC110 - a timer ends it
                await asyncio.sleep(0.01)
        return kept.usable

    with FalseDirectory(lambda number, kind: [result(number, kind)]) as directory:
        assert not asyncio.run(some_after_another(directory.port))
        assert directory.connections == 1


def test_a_late_answer_is_nobodys() -> None:
    async def left(port: int) -> list[int]:
        directory = Directory(Address("127.0.0.1", port), timeout=5, keepalive=60)
        first = asyncio.get_running_loop().create_task(directory.ask(bound))
        async with asyncio.timeout(5):
            while not late:  # noqa: ASYNC110 - another thread has the request
                await asyncio.sleep(0.005)
        first.cancel()
        await asyncio.wait([first])
        codes = [await directory.ask(bound)]
        directory.close()
        return codes

    late: list[int] = []

    def behave(number: int, kind: int) -> Sequence[bytes]:
        if not late:
            late.append(number)
            return []
        return [result(number, kind, 49)]

    with FalseDirectory(behave) as directory:
        assert asyncio.run(left(directory.port)) == [49]
        assert directory.connections == 2
