"""Fixtures that tests of the running gateway share."""

import asyncio
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import gateline
from gateline.entities import plugin_configs
from gateline.pdk import discovery
from gateline.store import StoreOptions
from harness.gateway import Gateway
from harness.postgres import Postgres

# How long an example takes says something of the machine, not of what is tested.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Refuse to test compiled modules that are older than their source: they would not be what the source says."""
    if os.environ.get("GATELINE_PURE_PYTHON"):
        return
    package = Path(gateline.__file__).parent
    for compiled in package.rglob("*.so"):
        module = compiled.name.partition(".")[0]
        sources = [compiled.with_name(module + ending) for ending in (".py", ".pyx", ".pxd")]
        if any(source.exists() and source.stat().st_mtime > compiled.stat().st_mtime for source in sources):
            raise pytest.UsageError(f"{compiled.relative_to(package)} is older than its source: run scripts/setup")


def _plugins_as_before() -> Iterator[None]:
    """What entities know of plugins is one thing for a process: no test finds there what another one has loaded."""
    kinds: list[dict[str, Any]] = [plugin_configs._TYPES, discovery._registered]
    before = [known.copy() for known in kinds]
    yield
    for known, old in zip(kinds, before, strict=True):
        known.clear()
        known.update(old)


@pytest.fixture(scope="module", autouse=True)
def _plugins_of_the_module() -> Iterator[None]:
    yield from _plugins_as_before()


@pytest.fixture(autouse=True)
def _plugins_of_the_test(_plugins_of_the_module: None) -> Iterator[None]:
    yield from _plugins_as_before()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with two workers and no configuration, shared by all tests of a process: each loads its own."""
    with Gateway(tmp_path_factory.mktemp("gateway"), {}) as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server of PostgreSQL for the tests of a process, started by the first that asks for it."""
    with Postgres() as server:
        yield server


@pytest.fixture
def postgres_database(postgres: Postgres) -> Iterator[str]:
    """The name of a database for this test alone, empty and without tables."""
    name = asyncio.run(postgres.create_database())
    yield name
    asyncio.run(postgres.drop_database(name))


@pytest.fixture
def postgres_options(postgres: Postgres) -> Iterator[StoreOptions]:
    """How to reach a database for this test alone, empty and with its tables."""
    name = asyncio.run(postgres.create_database(migrated=True))
    yield postgres.options(name)
    asyncio.run(postgres.drop_database(name))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails shows what its gateways logged."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Gateway):
                report.sections.append((f"log of {name}", value.log()[-4000:]))
    return report
