"""Builds the compiled codec where a C compiler is; without one the pure Python twin is used."""

import os
from glob import glob

from setuptools import Extension, setup

FUZZING = os.environ.get("GATELINE_BUILD_SANITIZE")  # set by `make fuzz`: address sanitizer and coverage
FLAGS = ["-O1", "-g", "-fsanitize=address,undefined,fuzzer-no-link"] if FUZZING else ["-O3"]


def extensions() -> list[Extension]:
    """The one compiled module; `optional` lets an installation go on when it cannot be built."""
    if os.environ.get("GATELINE_PURE_PYTHON"):
        return []
    return [
        Extension(
            "gateline.engine.wire._codec",
            ["src/gateline/engine/wire/_codec.pyx"],
            depends=glob("src/gateline/engine/wire/*.pxi"),
            extra_compile_args=FLAGS,
            extra_link_args=FLAGS if FUZZING else [],
            optional=True,
        )
    ]


setup(ext_modules=extensions())
