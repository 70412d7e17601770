"""Listening sockets: how many, which port, what a reload keeps, and what is said when one cannot be had."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateline.control import sockets
from gateline.control.errors import StartError
from gateline.control.sockets import Listeners, open_listeners
from gateline.settings import Settings, load_settings, parse_listens


def settings(proxy: str = "127.0.0.1:0", admin: str = "off", status: str = "off") -> Settings:
    given = {"proxy_listen": proxy, "admin_listen": admin, "status_listen": status}
    return load_settings(environ={}, overrides=given, search=()).settings


@contextmanager
def opened(*arguments: str, workers: int = 2, before: Listeners | None = None) -> Iterator[Listeners]:
    listeners = open_listeners(settings(*arguments), workers, before)
    try:
        yield listeners
    finally:
        listeners.close()


def ports(listeners: Listeners) -> list[int]:
    return [listen.port for listen in listeners.settings.proxy_listen]


def test_every_worker_has_a_socket_of_its_own_on_the_one_port() -> None:
    with opened("127.0.0.1:0, 127.0.0.1:0 ssl", "127.0.0.1:0", workers=3) as listeners:
        of_workers = [listeners.for_worker(index, 3) for index in range(3)]
        assert [[one.listen.port for one in worker] for worker in of_workers] == [ports(listeners)] * 3
        assert [one.listen.ssl for one in of_workers[0]] == [False, True]
        assert len({one.socket.fileno() for worker in of_workers for one in worker}) == 6
        assert all(port > 0 for port in ports(listeners))
        admin, status = listeners.for_control()
        assert (len(admin), len(status)) == (1, 0)
        assert admin[0].socket.getsockname()[1] == admin[0].listen.port == listeners.settings.admin_listen[0].port


def test_sockets_listen_and_do_not_block() -> None:
    with opened(workers=1) as listeners:
        (bound,) = listeners.for_worker(0, 1)
        with pytest.raises(BlockingIOError):
            bound.socket.accept()
        with socket.create_connection(("127.0.0.1", bound.listen.port)):
            pass


def test_a_reload_keeps_the_sockets_of_the_addresses_that_stay() -> None:
    with (
        opened("127.0.0.1:0, 127.0.0.1:0 ssl", "127.0.0.1:0") as first,
        opened("127.0.0.1:0 backlog=7, 127.0.0.2:0", "127.0.0.1:0", before=first) as second,
    ):
        kept = [listener.socket for listener in second.for_worker(0, 2)]
        assert kept[0] is first.for_worker(0, 2)[0].socket
        assert ports(second)[0] == ports(first)[0]
        assert second.settings.proxy_listen[0].backlog == 7
        assert second.for_control()[0][0].socket is first.for_control()[0][0].socket
        first.close(keep=second)
        assert kept[0].fileno() >= 0
        assert sum(sock.fileno() < 0 for sock in first.sockets()) == 2


@pytest.mark.parametrize(("before", "after"), [(1, 4), (4, 1), (3, 2)])
def test_a_reload_with_another_number_of_workers_leaves_no_socket_unserved(before: int, after: int) -> None:
    with opened(workers=before) as first, opened(workers=after, before=first) as second:
        served = [bound.socket for index in range(after) for bound in second.for_worker(index, after)]
        assert len(served) == len(set(served)) == max(before, after)
        assert set(served) >= first.sockets()


def test_a_new_address_may_overlap_one_of_ours() -> None:
    with opened() as first:
        port = ports(first)[0]
        with opened(f"0.0.0.0:{port}", before=first) as second:
            assert ports(second) == [port]


def test_a_taken_port_is_refused_and_nothing_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartError) as refused:
            open_listeners(settings(f"127.0.0.1:0, 127.0.0.1:{port}", f"127.0.0.2:0, 0.0.0.0:{port}"), 2)
    assert refused.value.messages == [
        f"cannot listen on {address}:{port}: the address is already in use by another process"
        for address in ("127.0.0.1", "0.0.0.0")
    ]
    with opened(f"127.0.0.1:{port}"):
        pass


@pytest.mark.parametrize(
    ("number", "address", "sentence"),
    [
        (
            errno.EACCES,
            "127.0.0.1:80",
            "cannot listen on 127.0.0.1:80: permission denied (ports below 1024 need the right CAP_NET_BIND_SERVICE)",
        ),
        (errno.EACCES, "127.0.0.1:8000", "cannot listen on 127.0.0.1:8000: permission denied"),
        (errno.EADDRNOTAVAIL, "[::5]:80", "cannot listen on [::5]:80: this machine has no such address"),
        (errno.EMFILE, "127.0.0.1:80", f"cannot listen on 127.0.0.1:80: {os.strerror(errno.EMFILE)}"),
    ],
)
def test_what_the_system_refuses_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, number: int, address: str, sentence: str
) -> None:
    def refuse(*_: object, **__: object) -> socket.socket:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(sockets, "_tcp", refuse)
    with pytest.raises(StartError) as refused:
        open_listeners(settings(address), 1)
    assert refused.value.messages == [sentence]


def test_a_name_that_is_unknown_is_a_sentence() -> None:
    with pytest.raises(StartError, match=r"cannot listen on no-such-host.invalid:0: the name 'no-such-host.invalid'"):
        open_listeners(settings("no-such-host.invalid:0"), 1)


def test_ipv6_and_ipv4_do_not_mix_unless_asked() -> None:
    for words, alone in (("", 1), (" ipv6only=off", 0)) if socket.has_dualstack_ipv6() else ():
        with opened(f"[::]:0{words}", workers=1) as listeners:
            (bound,) = listeners.for_worker(0, 1)
            assert bound.socket.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == alone


def test_keepalive_options_reach_the_socket() -> None:
    with opened("127.0.0.1:0 so_keepalive=30m::10", workers=1) as listeners:
        (bound,) = listeners.for_worker(0, 1)
        assert bound.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert bound.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 1800
        assert bound.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 10


def test_a_unix_socket_is_shared_and_removed_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "s"
    listen = parse_listens("unix:/s")[0]
    asked = replace(settings(), proxy_listen=(replace(listen, path="s"),))
    listeners = open_listeners(asked, 2)
    assert listeners.for_worker(0, 2)[0].socket is listeners.for_worker(1, 2)[0].socket
    with pytest.raises(StartError, match="already in use"):
        open_listeners(asked, 2)
    again = open_listeners(asked, 3, listeners)
    listeners.close(keep=again)
    assert path.exists()
    again.close()
    assert not path.exists()


def test_a_unix_socket_that_a_crash_left_behind_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind("s")
    asked = replace(settings(), proxy_listen=(replace(parse_listens("unix:/s")[0], path="s"),))
    open_listeners(asked, 1).close()


def test_a_file_in_the_place_of_a_unix_socket_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s").write_text("mine")
    asked = replace(settings(), proxy_listen=(replace(parse_listens("unix:/s")[0], path="s"),))
    with pytest.raises(StartError, match="already in use"):
        open_listeners(asked, 1)
    assert (tmp_path / "s").read_text() == "mine"
