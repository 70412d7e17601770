"""Formats whose details no entity shows."""

import pytest

from gateline.entities import formats


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("/", "/"),
        ("/a/./b", "/a/b"),
        ("/a/../../b", "/b"),
        ("/..", "/"),
        ("/a/..", "/"),
        ("/a/.", "/a/"),
        ("//a///b", "/a/b"),
        ("/%7euser/%2e%2E/x", "/x"),
        ("/a%2fb%c3%a9", "/a%2Fb%C3%A9"),
        ("/...", "/..."),
    ],
)
def test_a_path_has_one_normal_form(path: str, normal: str) -> None:
    assert formats.normalized_path(path) == normal
    assert formats.normalized_path(normal) == normal


@pytest.mark.parametrize("value", [None, 5, "x", "5f1d7fbc-0000-4000-8000-00000000000g", ""])
def test_what_is_no_uuid(value: object) -> None:
    assert not formats.is_uuid(value)


def test_a_regex_that_would_need_much_memory_is_refused() -> None:
    message = formats.regex("/((a{1,100}){1,100}){1,100}")
    assert message is not None
    assert "RE2 returned: " in message
