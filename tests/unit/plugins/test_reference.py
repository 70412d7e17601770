"""The pages about bundled plugins say what the code says, and every plugin has one with an example."""

import importlib
from pathlib import Path

import pytest

from gateline.pdk.discovery import Plugins

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "plugins"
WRITTEN = {"kong-python-plugins.md", "templates.md", "writing.md"}
"""Pages that are not generated."""
NAMES = Plugins().names


@pytest.mark.parametrize("name", NAMES)
def test_a_plugin_has_a_page_and_an_example(name: str) -> None:
    assert (PAGES / "examples" / f"{name}.yaml").is_file(), f"write docs/plugins/examples/{name}.yaml"
    assert (PAGES / f"{name}.md").is_file(), "run scripts/docs"


def test_the_pages_are_current() -> None:
    pages = importlib.import_module("generate_plugin_reference").pages()
    there = {page.name: page.read_text("utf-8") for page in PAGES.glob("*.md") if page.name not in WRITTEN}
    assert there.keys() == pages.keys(), "docs/plugins has pages of other plugins than there are: run scripts/docs"
    stale = [name for name, text in there.items() if text != pages[name]]
    assert not stale, f"{', '.join(stale)} in docs/plugins: run scripts/docs"


def test_every_example_is_of_a_plugin() -> None:
    assert {example.stem for example in (PAGES / "examples").glob("*.yaml")} == set(NAMES)
