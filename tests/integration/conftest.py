"""Fixtures of the integration tests."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from harness.stage import Stages


@pytest.fixture
def stages() -> Iterator[Stages]:
    """Upstreams, workers and clients for this test alone."""
    with ExitStack() as stack:
        yield Stages(stack)
