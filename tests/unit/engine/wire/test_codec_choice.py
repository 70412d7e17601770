"""Which codec a process uses."""

import os
import subprocess
import sys
from importlib.util import find_spec

PROBE = "from gateline.engine.wire import codec; print(codec.COMPILED, codec.parse_request.__module__)"
WITHOUT = "import sys; sys.modules['gateline.engine.wire._codec'] = None; "


def probe(code: str, **environment: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if name != "GATELINE_PURE_PYTHON"}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=inherited | environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_compiled_codec_is_used_where_it_was_built() -> None:
    built = find_spec("gateline.engine.wire._codec") is not None
    name = "_codec" if built else "_pycodec"
    assert probe(PROBE) == f"{built} gateline.engine.wire.{name}"


def test_an_environment_variable_chooses_the_python_one() -> None:
    assert probe(PROBE, GATELINE_PURE_PYTHON="1") == "False gateline.engine.wire._pycodec"


def test_the_python_one_stands_in_for_one_that_is_not_there() -> None:
    assert probe(WITHOUT + PROBE) == "False gateline.engine.wire._pycodec"
