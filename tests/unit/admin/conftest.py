"""A client of a node with a store, and one of a node with a declarative configuration."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.admin.small_node import Client, SmallNode


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Client]:
    with Client.of(SmallNode(tmp_path / "gateline.db")) as client:
        yield client


@pytest.fixture
def declared() -> Iterator[Client]:
    with Client.of(SmallNode()) as client:
        yield client
