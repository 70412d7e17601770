"""The reference in the documentation says what the code says."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("script", "page"), [("generate_settings_reference", "settings"), ("generate_cli_reference", "cli")]
)
def test_the_reference_is_current(script: str, page: str) -> None:
    spec = importlib.util.spec_from_file_location(script, ROOT / "scripts" / f"{script}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    current = (ROOT / "docs" / "reference" / f"{page}.md").read_text("utf-8")
    assert current == module.reference(), f"docs/reference/{page}.md is not current: run scripts/docs"
