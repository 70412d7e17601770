"""Fixtures of the integration tests."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from harness.directory import Slapd
from harness.stage import Stages


@pytest.fixture
def stages() -> Iterator[Stages]:
    """Upstreams, workers and clients for this test alone."""
    with ExitStack() as stack:
        yield Stages(stack)


@pytest.fixture(scope="session")
def slapd() -> Iterator[Slapd]:
    """A directory that runs as long as the tests do."""
    with Slapd() as running:
        yield running
