"""What all unit tests share."""

from collections.abc import Iterator

import pytest

from gateline.entities.plugin_configs import plugin_types, unregister


@pytest.fixture(autouse=True)
def registered_only_here() -> Iterator[None]:
    """The plugins that a test makes known to the entities are forgotten after it."""
    before = set(plugin_types())
    yield
    for name in set(plugin_types()) - before:
        unregister(name)
