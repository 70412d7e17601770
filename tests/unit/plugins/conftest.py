"""What tests of plugins share."""

from collections.abc import Iterator

import pytest

from gateline.entities.plugin_configs import plugin_types, unregister
from gateline.pdk.discovery import Plugins


@pytest.fixture(scope="session", autouse=True)
def bundled() -> Iterator[Plugins]:
    """The bundled plugins, known to the entities."""
    plugins = Plugins()
    plugins.load_all()
    yield plugins
    plugins.unload()


@pytest.fixture(autouse=True)
def registered_only_here(bundled: Plugins) -> Iterator[None]:
    """The plugins that a test makes known to the entities are forgotten after it."""
    before = set(plugin_types())
    yield
    for name in set(plugin_types()) - before:
        unregister(name)
