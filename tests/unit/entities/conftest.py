"""A plugin that tests of entities share."""

from collections.abc import Iterator

import pytest

from gateline.entities.plugin_configs import PluginType, unregister
from unit.entities.limit_plugin import register_limit


@pytest.fixture
def limit() -> Iterator[PluginType]:
    yield register_limit()
    unregister("limit")
