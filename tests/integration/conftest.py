"""Fixtures of the integration tests."""

import asyncio
import inspect
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from harness.directory import Slapd
from harness.stage import Stages


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine function in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), 110))
    return True


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
