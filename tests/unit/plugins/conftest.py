"""What tests of bundled plugins share."""

from collections.abc import Iterator

import pytest

from gateline.pdk.discovery import Plugins


@pytest.fixture(scope="module", autouse=True)
def bundled() -> Iterator[Plugins]:
    """The bundled plugins, known to the entities."""
    plugins = Plugins()
    plugins.load_all()
    yield plugins
    plugins.unload()
