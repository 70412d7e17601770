"""The time that plugins read, in a test's hand."""

from typing import Any

import pytest

from gateline.engine.node import PluginNode


def held(monkeypatch: pytest.MonkeyPatch, at: float) -> list[float]:
    """The time, which a test may change."""
    time = [at]
    made = PluginNode.__init__

    def make(self: PluginNode, *arguments: Any) -> None:
        made(self, *arguments)
        self.time = lambda: time[0]

    monkeypatch.setattr(PluginNode, "__init__", make)
    return time
