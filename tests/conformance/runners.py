"""The runner of conformance cases (run.py beside this file) on gateways that tests have started."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.gateway import Gateway

__all__ = ["close", "open_runner", "run"]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conformance_run", Path(__file__).parent / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


run = _load()


def open_runner(gateway: Gateway, *, db: bool) -> Any:
    """A runner with upstreams of its own, to be closed; `db`: the gateway has a store."""
    addresses = f"http://127.0.0.1:{gateway.port}", f"http://127.0.0.1:{gateway.admin_port}"
    return run.Runner(*addresses, db=db, verbose=False)


def close(runner: Any) -> None:
    """End a runner's upstreams and connections."""
    for connection in runner.kept.values():
        connection.close()
    for upstream in runner.upstreams.values():
        upstream.shutdown()
        upstream.server_close()
