"""Gateline: an API gateway for teams that write Python.

The modules on the path of a request exist twice, as Python and compiled. With GATELINE_PURE_PYTHON in the environment
the Python is used even where it has been compiled.
"""

import os
import sys
from collections.abc import Sequence
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType


class _SourceOnly:
    """Finds the modules of this package as Python source and nothing else."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if path is None or not name.startswith(f"{__name__}."):
            return None
        for folder in path:
            spec = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(name, target)
            if spec is not None and spec.loader is not None:
                return spec
        return None


if os.environ.get("GATELINE_PURE_PYTHON"):
    sys.meta_path.insert(0, _SourceOnly())
