"""What tests of the shared state share."""

import pytest

from unit.sharedstate.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()
