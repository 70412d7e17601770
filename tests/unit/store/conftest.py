"""Stores for tests: each test has one of its own, empty, opened before it and closed after it. Tests are coroutine
functions, and each runs in an event loop of its own."""

import asyncio
import inspect
from pathlib import Path
from typing import Any

import pytest

from gateline.store import MemoryStore, StoreOptions
from gateline.store.sql import SqlStore
from harness.stores import sqlite_options


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine function, with the stores among its arguments open."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}

    async def run() -> None:
        stores = [value for value in arguments.values() if isinstance(value, MemoryStore | SqlStore)]
        try:
            for store in stores:
                await store.open()
            await pyfuncitem.obj(**arguments)
        finally:
            for store in stores:
                await store.close()

    asyncio.run(asyncio.wait_for(run(), 60))
    return True


@pytest.fixture(params=["sqlite", "postgres"])
def options(request: pytest.FixtureRequest, tmp_path: Path) -> StoreOptions:
    """An empty database of either sort, with its tables."""
    if request.param == "sqlite":
        return sqlite_options(tmp_path)
    options: StoreOptions = request.getfixturevalue("postgres_options")
    return options


@pytest.fixture
def store(options: StoreOptions) -> SqlStore:
    """A store that can be written to."""
    return SqlStore(options)


@pytest.fixture
def second(store: SqlStore, options: StoreOptions) -> SqlStore:
    """Another node's store, on the same database."""
    return SqlStore(options)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def readable(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A store of any sort, to be filled with `harness.stores.filled`."""
    if request.param == "memory":
        return MemoryStore()
    if request.param == "sqlite":
        return SqlStore(sqlite_options(tmp_path))
    return SqlStore(request.getfixturevalue("postgres_options"))
