"""Path normalisation and regex beginnings under any input."""

import re2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateline.engine.router import Match, UpstreamPath, decoded_path, encode_path, normalize_path
from gateline.engine.router.paths import encoded_length
from gateline.engine.router.regexes import check_regex, literal_prefix

PIECES = [
    b"/",
    b"//",
    b".",
    b"..",
    b"a",
    b"%",
    b"%2e",
    b"%2E",
    b"%2f",
    b"%25",
    b"%61",
    b"%c3%a9",
    b"%C3",
    b" ",
    b"{",
    b"\xc3\xa9",
    b"%0a",
    b"%2",
]
paths = st.one_of(
    st.lists(st.sampled_from(PIECES)).map(lambda pieces: b"/" + b"".join(pieces)),
    st.binary().map(lambda tail: b"/" + tail),
)


@settings(max_examples=1000)
@given(paths)
@example(b"/%%34%33")
@example(b"/%2%35e%2e/")
def test_normalisation_is_idempotent_and_never_escapes_the_root(path: bytes) -> None:
    normal = normalize_path(path)
    assert normalize_path(normal) == normal
    assert normal.startswith(b"/")
    assert b"//" not in normal
    assert not {b".", b".."} & set(normal.split(b"/"))
    assert all(0x20 < byte < 0x7F for byte in normal)


@given(paths)
def test_every_part_of_the_decoded_path_is_a_part_of_the_path(path: bytes) -> None:
    normal = normalize_path(path)
    text = decoded_path(normal)
    text.decode()
    lengths = [encoded_length(normal, text, length) for length in range(len(text) + 1)]
    assert lengths == sorted(lengths)
    assert lengths[0] == 0
    assert lengths[-1] == len(normal)


@given(st.text())
def test_the_spelling_of_a_persons_path_is_stable(text: str) -> None:
    encoded = encode_path(text)
    assert encode_path(encoded.decode()) == encoded


@given(paths, st.integers(0, 20), st.sampled_from(["/", "/srv", "/srv/"]), st.booleans(), st.sampled_from(["v0", "v1"]))
def test_the_upstream_path_stays_below_the_service_path(
    path: bytes, length: int, service: str, strip: bool, handling: str
) -> None:
    normal = normalize_path(path)
    built = UpstreamPath(service, strip, handling).build(Match("target", normal[:length], None, 0), normal)
    assert built.startswith(service.rstrip("/").encode())
    assert built.startswith(b"/")
    assert normalize_path(built).startswith(service.rstrip("/").encode())


@settings(max_examples=1000)
@given(
    st.lists(
        st.sampled_from(
            [
                "/",
                "a",
                "b",
                "|",
                "(",
                ")",
                "[",
                "]",
                "^",
                "*",
                "+",
                "?",
                "{2}",
                "\\.",
                "\\Q",
                "\\E",
                "[:alpha:]",
                "$",
                ".",
            ]
        )
    ).map("".join),
    st.text("/ab.|", max_size=6),
)
def test_what_a_regex_matches_begins_with_its_literal_beginning(pattern: str, text: str) -> None:
    if check_regex(pattern) is None and re2.match(pattern, text) is not None:
        assert text.startswith(literal_prefix(pattern).decode())
