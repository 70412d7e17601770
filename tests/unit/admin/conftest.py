"""A client of a node with a store, and one of a node with a declarative configuration."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.admin.small_node import Client, SmallNode


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database without entities: it is quicker to copy one than to make one."""
    path = tmp_path_factory.mktemp("database") / "empty.db"
    with Client.of(SmallNode(path)):
        pass
    return path


@pytest.fixture
def stored(tmp_path: Path, empty_database: Path) -> Iterator[Client]:
    path = tmp_path / "gateline.db"
    shutil.copy(empty_database, path)
    with Client.of(SmallNode(path)) as client:
        yield client


@pytest.fixture
def declared() -> Iterator[Client]:
    with Client.of(SmallNode()) as client:
        yield client
