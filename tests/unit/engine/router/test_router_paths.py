"""Normal form of request paths, and the path built for the upstream."""

import pytest

from gateline.engine.router import Match, UpstreamPath, decoded_path, encode_path, normalize_path
from gateline.engine.router.paths import encoded_length


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        (b"/", b"/"),
        (b"/a/b", b"/a/b"),
        (b"/a/", b"/a/"),
        (b"//", b"/"),
        (b"/a//b///c", b"/a/b/c"),
        (b"/a/./b", b"/a/b"),
        (b"/a/b/.", b"/a/b/"),
        (b"/a/b/..", b"/a/"),
        (b"/a/../b", b"/b"),
        (b"/..", b"/"),
        (b"/../../etc", b"/etc"),
        (b"/a/../../../b/", b"/b/"),
        (b"/.hidden/..dots/...", b"/.hidden/..dots/..."),
        (b"/%2e%2E/a", b"/a"),
        (b"/a%2e", b"/a."),
        (b"/%7euser", b"/~user"),
        (b"/h%65llo", b"/hello"),
        (b"/a%2fb", b"/a%2Fb"),
        (b"/a%2F..%2fb", b"/a%2F..%2Fb"),
        (b"/cat%20dog", b"/cat%20dog"),
        (b"/%c3%a9", b"/%C3%A9"),
        (b"/\xc3\xa9", b"/%C3%A9"),
        (b'/a{b}|\\^`<>"', b"/a%7Bb%7D%7C%5C%5E%60%3C%3E%22"),
        (b"/100%", b"/100%25"),
        (b"/%zz%4", b"/%25zz%254"),
        (b"/%%34%33", b"/%2543"),
        (b"/%00", b"/%00"),
        (b"/!$&'()*+,;=:@", b"/!$&'()*+,;=:@"),
        (b"*", b"*"),
    ],
)
def test_a_path_is_brought_into_its_normal_form(path: bytes, normal: bytes) -> None:
    assert normalize_path(path) == normal


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (b"/plain", b"/plain"),
        (b"/a%20b", b"/a b"),
        (b"/%C3%A9", "/é".encode()),
        (b"/a%2Fb%25", b"/a%2Fb%25"),
        (b"/%7B", b"/{"),
        (b"/a%0Ab%00%7F", b"/a%0Ab%00%7F"),
        (b"/%FFx%20", b"/%FFx%20"),
    ],
)
def test_a_regex_sees_the_path_decoded_except_for_reserved_control_and_broken_characters(
    path: bytes, text: bytes
) -> None:
    assert decoded_path(path) == text


def test_a_part_of_the_decoded_path_is_found_in_the_path() -> None:
    path = b"/a%20b/%C3%A9%2F/c"
    text = decoded_path(path)
    taken = [path[: encoded_length(path, text, length)] for length in range(len(text) + 1)]
    assert taken[:7] == [b"", b"/", b"/a", b"/a%20", b"/a%20b", b"/a%20b/", b"/a%20b/%C3"]
    assert taken[-1] == path


def test_the_path_that_a_person_wrote_is_spelled_as_requests_spell_it() -> None:
    assert encode_path("/endeløst/a b") == b"/endel%C3%B8st/a%20b"


# service path, route path (None: by host), strip_path (None: either), path_handling (None: either), request, upstream
ROWS: list[tuple[str, str | None, bool | None, str | None, bytes, bytes]] = [
    ("/", "/", None, None, b"/route/req", b"/route/req"),
    ("/", "/", True, None, b"/routereq", b"/routereq"),
    ("/", "/route", False, None, b"/routereq", b"/routereq"),
    ("/", "/route", False, None, b"/route/", b"/route/"),
    ("/", "/route", True, None, b"/route", b"/"),
    ("/", "/route", True, None, b"/route/", b"/"),
    ("/", "/route", True, None, b"/routereq", b"/req"),
    ("/", "/route/", True, None, b"/route/req", b"/req"),
    ("/", "/route/", False, None, b"/route/req", b"/route/req"),
    ("/srv", "/rou", False, "v0", b"/roureq", b"/srv/roureq"),
    ("/srv", "/rou", False, "v1", b"/roureq", b"/srvroureq"),
    ("/srv", "/rou", True, "v0", b"/roureq", b"/srv/req"),
    ("/srv", "/rou", True, "v1", b"/roureq", b"/srvreq"),
    ("/srv/", "/rou", False, None, b"/rou", b"/srv/rou"),
    ("/srv/", "/rou", True, "v0", b"/rou", b"/srv"),
    ("/srv/", "/rou", True, "v1", b"/rou", b"/srv/"),
    ("/service", "/", None, "v0", b"/", b"/service"),
    ("/service", "/", True, "v1", b"/", b"/service"),
    ("/service", "/", None, "v0", b"/route/", b"/service/route/"),
    ("/service", "/", None, "v1", b"/route/", b"/serviceroute/"),
    ("/service", "/route", True, None, b"/route", b"/service"),
    ("/service", "/route", False, "v0", b"/route", b"/service/route"),
    ("/service", "/route", True, None, b"/route/", b"/service/"),
    ("/service", "/route", True, None, b"/route/req", b"/service/req"),
    ("/service", "/route", True, "v0", b"/routereq", b"/service/req"),
    ("/service", "/route", True, "v1", b"/routereq", b"/servicereq"),
    ("/service", "/route/", True, "v0", b"/route/", b"/service/"),
    ("/service", "/route/", True, "v1", b"/route/", b"/service"),
    ("/service", "/route/", True, "v0", b"/route/req", b"/service/req"),
    ("/service/", "/", True, None, b"/route", b"/service/route"),
    ("/service/", "/", False, None, b"/", b"/service/"),
    ("/service/", "/route", True, "v0", b"/route", b"/service"),
    ("/service/", "/route", True, "v1", b"/route", b"/service/"),
    ("/service/", "/route", True, None, b"/route/", b"/service/"),
    ("/service/", "/route", True, None, b"/routereq", b"/service/req"),
    ("/service/", "/route/", True, None, b"/route/req", b"/service/req"),
    ("/service", None, None, "v0", b"/", b"/service"),
    ("/service", None, None, "v0", b"/route", b"/service/route"),
    ("/service/", None, None, None, b"/", b"/service/"),
    ("/service/", None, None, None, b"/route/", b"/service/route/"),
    ("/", None, None, None, b"/route/", b"/route/"),
    ("/service", "/route", True, "v0", b"/route./req", b"/service/req"),
    ("/service", "/route", True, "v0", b"/route%2e/req", b"/service/req"),
    ("/service", "/route", True, "v0", b"/route../req", b"/service/req"),
    ("/service", "/route", True, "v0", b"/route%2E%2E/req", b"/service/req"),
    ("/service", "/route", True, "v0", b"/route.", b"/service"),
    ("/service", "/route", True, "v0", b"/route..", b"/service"),
    ("/service", "/route", True, "v0", b"/route...", b"/service/..."),
    ("/service", "/route", True, "v0", b"/route.x", b"/service/.x"),
    ("/", "/route", True, None, b"/route../req", b"/req"),
    ("/", "/route", True, None, b"/route..", b"/"),
    ("/service", "/route", False, "v0", b"/route./req", b"/service/route./req"),
    ("/service", "/route", False, "v0", b"/route../req", b"/service/route../req"),
]


@pytest.mark.parametrize(("service", "route", "strip", "handling", "request_path", "upstream"), ROWS)
def test_the_upstream_path_is_built_as_the_table_says(
    service: str, route: str | None, strip: bool | None, handling: str | None, request_path: bytes, upstream: bytes
) -> None:
    match = Match("target", None if route is None else route.encode(), None, 0)
    for strip_path in (True, False) if strip is None else (strip,):
        for path_handling in ("v0", "v1") if handling is None else (handling,):
            built = UpstreamPath(service, strip_path, path_handling).build(match, normalize_path(request_path))
            assert built == upstream, (strip_path, path_handling)


def test_a_service_without_path_has_the_root() -> None:
    assert UpstreamPath(None, False).build(Match("target", b"/a", None, 0), b"/a/b") == b"/a/b"


def test_only_without_service_path_and_stripping_the_path_stays_as_it_is() -> None:
    assert UpstreamPath(None, False).identity
    assert UpstreamPath("/", False).identity
    assert not UpstreamPath("/", True).identity
    assert not UpstreamPath("/x", False).identity


def test_the_service_path_is_sent_encoded() -> None:
    assert UpstreamPath("/ü b", False).build(Match("target", None, None, 0), b"/x") == b"/%C3%BC%20b/x"


@pytest.mark.parametrize(
    ("strip", "prefix", "forwarded"),
    [(True, b"/a", b"/a"), (True, b"/", None), (True, None, None), (True, b"", None), (False, b"/a", None)],
)
def test_the_forwarded_prefix_is_what_was_stripped_unless_that_is_the_root(
    strip: bool, prefix: bytes | None, forwarded: bytes | None
) -> None:
    assert UpstreamPath("/", strip).forwarded_prefix(Match("target", prefix, None, 0)) == forwarded
