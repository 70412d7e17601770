"""A node's directory of consumers and credentials, shared with nobody, for measurements in one process."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from gateline.control.directory import NodeDirectory
from gateline.control.rows import as_stored
from gateline.engine.credentials import WorkerCredentials
from gateline.entities import Entity, entity_class
from gateline.entities.sealing import Sealer
from gateline.sharedstate import Directory, DirectoryWriter, open_directory
from gateline.testing import harness

__all__ = ["made", "use"]


def made(kind: str, fields: Mapping[str, Any]) -> Entity:
    """An entity of a kind."""
    return cast(type[Entity], entity_class(kind)).parse(dict(fields))


def use(folder: Path, rows: Iterable[tuple[str, Entity]]) -> None:
    """Have the next `Harness` find these entities, by kind, as a worker does."""
    environment = open_directory(folder / "directory")
    bringing = NodeDirectory(DirectoryWriter(environment), Sealer("plain")).bringing()
    for kind, row in rows:
        bringing.take(kind, [row], as_stored)
    credentials = WorkerCredentials(lambda: Directory(environment), Sealer("plain"))
    credentials.open()
    cast(Any, harness).LocalCredentials = lambda: credentials
