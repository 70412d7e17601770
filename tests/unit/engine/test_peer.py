"""The far end of a connection: the host that it asks for, and the lines that tell of it."""

import pytest

from gateline.engine.peer import Peer


def _peer(*, tls: bool = False) -> Peer:
    return Peer("1.2.3.4", 5678, server_address="127.0.0.1", tls=tls, sni=b"", listener_port=8000, trusted=False)


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        (b"a.test", b"a.test"),
        (b"A.Test:8000", b"a.test"),
        (b"a.test.", b"a.test"),
        (b"a.test.:80", b"a.test"),
        (b"[::1]", b"[::1]"),
        (b"[2001:DB8::1]:80", b"[2001:db8::1]"),
        (b"127.0.0.1:1", b"127.0.0.1"),
        (b"", b""),
    ],
)
def test_host_of_an_authority(authority: bytes, host: bytes) -> None:
    assert _peer().host_of(authority) == host


def test_lines_follow_the_host_that_was_asked_for_last() -> None:
    peer = _peer()
    for host in (b"a.test", b"b.test", b"b.test", b"a.test"):
        peer.host_of(host + b":80")
        assert b"X-Forwarded-Host: " + host + b"\r\n" in peer.forwarding_lines()


def test_lines_say_nothing_of_a_host_that_was_not_named() -> None:
    peer = _peer()
    peer.host_of(b"a.test")
    peer.host_of(b"")
    assert b"X-Forwarded-Host" not in peer.forwarding_lines()


def test_lines_tell_who_is_there() -> None:
    peer = _peer(tls=True)
    peer.host_of(b"a.test")
    assert peer.forwarding_lines() == (
        b"X-Real-IP: 1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a.test\r\n"
        b"X-Forwarded-Port: 8000\r\nVia: 1.1 kong/3.9.3\r\nX-Forwarded-Path: "
    )
