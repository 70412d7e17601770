"""The code in docs/plugins/writing.md is right, and its example works."""

import ast
import re
from pathlib import Path
from typing import Annotated, Any

import pytest

from gateline import pdk
from gateline.pdk import exchange, fields

PAGE = (Path(__file__).parents[3] / "docs" / "plugins" / "writing.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_is_python(block: str) -> None:
    ast.parse(block)


def test_the_first_plugin_passes_the_test_that_the_page_shows() -> None:
    names: dict[str, Any] = {}
    (plugin,) = [block for block in BLOCKS if "class Took(" in block]
    (test,) = [block for block in BLOCKS if "def test_" in block]
    exec(plugin, names)
    exec(test, names)
    names["test_the_time_is_told"]()


def test_the_plugin_that_waits_can_be_declared() -> None:
    (block,) = [block for block in BLOCKS if "class Ask(" in block]
    exec(block, {**vars(pdk), **vars(fields), "Annotated": Annotated})


def test_the_page_names_what_there_is() -> None:
    for name in re.findall(r"^\| `([a-z_]+)(?:\(.*?\))?`", PAGE, re.MULTILINE):
        assert hasattr(exchange.Exchange, name) or name in pdk.PHASES, name
