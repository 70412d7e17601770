"""Fixtures that tests of the running gateway share."""

from collections.abc import Generator, Iterator

import pytest

from harness.gateway import Gateway


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with two workers and no configuration, shared by all tests of a process: each loads its own."""
    with Gateway(tmp_path_factory.mktemp("gateway"), {}) as running:
        yield running


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
