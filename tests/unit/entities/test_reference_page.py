"""The reference of entities in the documentation says what the code says."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_reference_is_current() -> None:
    script = "generate_entities_reference"
    spec = importlib.util.spec_from_file_location(script, ROOT / "scripts" / f"{script}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    current = (ROOT / "docs" / "reference" / "entities.md").read_text("utf-8")
    assert current == module.reference(), "docs/reference/entities.md is not current: run scripts/docs"
