"""Data as Kong's messages show it."""

from typing import Any

import pytest

from gateline.entities import lua


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({}, "{}"),
        ({"b": "x", "a": 1}, '{a=1,b="x"}'),
        ({"@entity": ["x"]}, '{["@entity"]={"x"}}'),
        ({"end": True, "a-b": False}, '{["a-b"]=false,["end"]=true}'),
        ([None, "x"], '{[2]="x"}'),
        (["a", None, "b", {"c": 1.5}], '{"a",[3]="b",[4]={c=1.5}}'),
        ('"\\\n\r\0', '"\\"\\\\\\\n\\r\\000"'),
        (None, "nil"),
    ],
)
def test_tables(value: Any, written: str) -> None:
    assert lua.table(value) == written
