"""Distinguished names: what is written into them means nothing there, and are read as they were written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.plugins.ldap_auth.names import below, escaped, normalised, parts_of


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("bob", "bob"),
        ("o,brien", "o\\,brien"),
        ("a+b=c", "a\\+b\\=c"),
        ('"<;>"', '\\"\\<\\;\\>\\"'),
        ("\\", "\\\\"),
        (" a b ", "\\ a b\\ "),
        (" ", "\\ "),
        ("#a#", "\\#a#"),
        ("a\0b", "a\\00b"),
        ("Łuk", "Łuk"),
    ],
)
def test_values_are_written_so_that_they_stay_values(value: str, written: str) -> None:
    assert escaped(value) == written


@given(st.text(min_size=1, max_size=60))
def test_a_value_is_one_part_of_a_name_and_comes_back_as_it_was(value: str) -> None:
    assert parts_of(f"uid={escaped(value)},ou=people,dc=test") == [("uid", value), ("ou", "people"), ("dc", "test")]


@given(st.text(max_size=60))
def test_any_text_is_read_or_is_no_name(text: str) -> None:
    parts_of(text)


@pytest.mark.parametrize("text", ["", "bob", "uid=bob,,dc=test", "=x", "uid=\\", "uid=\\ff", "uid=" + "a" * 5000])
def test_what_is_no_name_is_none(text: str) -> None:
    assert parts_of(text) is None


@pytest.mark.parametrize(
    ("name", "base", "is_below"),
    [
        ("cn=a,OU=Groups,dc=test", "ou=groups,dc=test", True),
        ("cn=a, ou=groups, dc=test", "ou=groups,dc=test", True),
        ("cn=a,ou=x,ou=groups,dc=test", "ou=groups,dc=test", True),
        ("ou=groups,dc=test", "ou=groups,dc=test", False),
        ("cn=a\\,ou=groups,dc=test", "ou=groups,dc=test", False),
        ("cn=a,ou=groups2,dc=test", "ou=groups,dc=test", False),
    ],
)
def test_a_name_is_below_another_part_by_part(name: str, base: str, is_below: bool) -> None:
    one, other = normalised(name), normalised(base)
    assert one is not None
    assert other is not None
    assert below(one, other) is is_below
