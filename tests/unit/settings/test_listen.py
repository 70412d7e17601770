"""Kong's syntax of listening addresses."""

import pytest

from gateline.settings import BadValue, Listen, default_settings, parse_listen, parse_listens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.0.0.0:8000", Listen("0.0.0.0", 8000)),
        ("127.0.0.1:0", Listen("127.0.0.1", 0)),
        ("0.0.0.0:8443 ssl", Listen("0.0.0.0", 8443, ssl=True)),
        ("0.0.0.0:8443 http2 ssl", Listen("0.0.0.0", 8443, ssl=True, http2=True)),
        (
            "0.0.0.0:80 proxy_protocol deferred bind",
            Listen("0.0.0.0", 80, proxy_protocol=True, deferred=True, bind=True),
        ),
        ("0.0.0.0:8000 reuseport backlog=16384", Listen("0.0.0.0", 8000, reuseport=True, backlog=16384)),
        ("[::]:8000", Listen("::", 8000)),
        ("[::1]:8000 ipv6only=on", Listen("::1", 8000, ipv6only=True)),
        ("[::1]:8000 ipv6only=off", Listen("::1", 8000, ipv6only=False)),
        ("127.0.0.1:1 so_keepalive=on", Listen("127.0.0.1", 1, so_keepalive="on")),
        ("127.0.0.1:1 so_keepalive=30m::10", Listen("127.0.0.1", 1, so_keepalive="30m::10")),
        ("localhost:8000", Listen("localhost", 8000)),
        ("Gateway.Example:8000", Listen("gateway.example", 8000)),
        ("unix:/run/gateline.sock", Listen("", 0, path="/run/gateline.sock")),
        ("unix:/run/gateline.sock ssl", Listen("", 0, path="/run/gateline.sock", ssl=True)),
        ("  0.0.0.0:8000   ssl  ", Listen("0.0.0.0", 8000, ssl=True)),
    ],
)
def test_an_address_with_options_is_read(text: str, expected: Listen) -> None:
    assert parse_listen(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:8000",
        "[::1]:8000 ssl http2 reuseport backlog=1 ipv6only=off so_keepalive=off",
        "unix:/run/g.sock proxy_protocol",
    ],
)
def test_an_address_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_listen(text)) == text


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "address:port"),
        ("8000", "address:port"),
        (":8000", "address:port"),
        ("0.0.0.0", "address:port"),
        ("0.0.0.0:", "a port from 0 to 65535"),
        ("0.0.0.0:65536", "'65536'"),
        ("0.0.0.0:-1", "'-1'"),
        ("0.0.0.0:8a", "'8a'"),
        ("0.0.0.0:٨", "a port"),
        ("1.2.3:80", "IPv4"),
        ("1.2.3.256:80", "IPv4"),
        ("[::g]:80", "IPv6"),
        ("::1:80", "brackets"),
        ("exa mple:80", "address:port"),
        ("-example:80", "host name"),
        ("0.0.0.0:80 tls", "'tls'"),
        ("0.0.0.0:80 ssl ssl", "ssl is there twice"),
        ("0.0.0.0:80 ssl=on", "'ssl=on'"),
        ("0.0.0.0:80 backlog=0", "'backlog=0'"),
        ("0.0.0.0:80 backlog=", "'backlog='"),
        ("0.0.0.0:80 ipv6only=on", "IPv6 address only"),
        ("0.0.0.0:80 so_keepalive=s::", "so_keepalive"),
        ("unix:run/g.sock", "absolute path"),
        ("off", "off on its own"),
    ],
)
def test_what_is_no_address_is_refused_with_what_was_expected(text: str, part: str) -> None:
    with pytest.raises(BadValue) as refused:
        parse_listen(text)
    assert part in refused.value.expected


def test_a_list_is_separated_by_commas() -> None:
    assert parse_listens("0.0.0.0:1, [::]:2 ssl,unix:/s") == (
        Listen("0.0.0.0", 1),
        Listen("::", 2, ssl=True),
        Listen("", 0, path="/s"),
    )


def test_off_is_no_address() -> None:
    assert parse_listens(" off ") == ()


def test_port_0_may_be_asked_for_twice() -> None:
    assert len(parse_listens("127.0.0.1:0, 127.0.0.1:0")) == 2


@pytest.mark.parametrize("text", ["0.0.0.0:1, off", "0.0.0.0:1,", "0.0.0.0:1, 0.0.0.0:1 ssl"])
def test_a_list_with_a_bad_entry_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_listens(text)


def test_urls_say_scheme_and_address() -> None:
    assert [listen.url for listen in parse_listens("127.0.0.1:1, [::1]:2 ssl, unix:/s")] == [
        "http://127.0.0.1:1",
        "https://[::1]:2",
        "unix:/s",
    ]


def test_the_defaults_are_kongs() -> None:
    settings = default_settings()
    assert [str(listen) for listen in settings.proxy_listen] == [
        "0.0.0.0:8000 reuseport backlog=16384",
        "0.0.0.0:8443 ssl http2 reuseport backlog=16384",
    ]
    assert [listen.address for listen in settings.admin_listen] == ["127.0.0.1:8001", "127.0.0.1:8444"]
    assert [listen.address for listen in settings.status_listen] == ["127.0.0.1:8007"]
