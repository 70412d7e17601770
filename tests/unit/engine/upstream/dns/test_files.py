"""The system's files: hosts and resolv.conf, read by their rules and read again when they change."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.engine.upstream.dns.files import (
    File,
    ResolverConfiguration,
    Server,
    parse_hosts,
    parse_resolver,
    server_address,
)

HOSTS = """
# a comment
127.0.0.1   localhost Loop   # another
192.0.2.1\ta.test a.
::1 localhost
192.0.2.2 a.test
192.0.2.2 a.test
no.address b.test
192.0.2.3
"""


def test_hosts_file_gives_the_addresses_of_names() -> None:
    assert parse_hosts(HOSTS) == {
        "localhost": ("127.0.0.1", "::1"),
        "loop": ("127.0.0.1",),
        "a.test": ("192.0.2.1", "192.0.2.2"),
        "a": ("192.0.2.1",),
    }


def test_resolver_configuration_is_read() -> None:
    text = """
    domain old.test
    search a.test. B.test   # the last one counts
    nameserver 192.0.2.53
    nameserver 2001:db8::53
    nameserver bad
    options ndots:5 timeout:1 attempts:3
    options rotate use-vc unknown:1 edns0
    ; nameserver 192.0.2.54
    """
    assert parse_resolver(text) == ResolverConfiguration(
        (("192.0.2.53", 53), ("2001:db8::53", 53)), ("a.test", "b.test"), 5, 1, 3, True, True
    )


def test_without_a_word_the_local_server_is_asked() -> None:
    assert parse_resolver("") == ResolverConfiguration((("127.0.0.1", 53),))


def test_values_stay_within_the_limits() -> None:
    read = parse_resolver("options ndots:99 timeout:99 attempts:99\n" + "nameserver 192.0.2.1\n" * 5)
    assert (read.dots, read.timeout, read.attempts, len(read.servers)) == (15, 30, 5, 3)
    assert parse_resolver("options timeout:0 attempts:0 ndots:x").timeout == 1


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    parse_resolver(text)
    parse_hosts(text)
    server_address(text)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
        ("192.0.2.1:0", None),
        ("192.0.2.1:x", None),
        ("a.test", None),
        ("", None),
    ],
)
def test_address_of_a_server(text: str, server: Server | None) -> None:
    assert server_address(text) == server


def test_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    file = File(path, parse_hosts)
    assert (file.refresh(), file.content) == (True, {})
    assert not file.refresh()
    path.write_text("192.0.2.1 a.test\n")
    assert (file.refresh(), file.content) == (True, {"a.test": ("192.0.2.1",)})
    assert not file.refresh()
    other = tmp_path / "other"
    other.write_text("192.0.2.2 a.test\n")
    os.replace(other, path)
    assert (file.refresh(), file.content) == (True, {"a.test": ("192.0.2.2",)})
    path.unlink()
    assert (file.refresh(), file.content) == (True, {})
