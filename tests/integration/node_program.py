"""Run as a program: a node with the settings of a conf file, as the command line starts one. The first line on standard
output is `ready` or JSON with the reasons why it cannot start; what it logs goes to standard error.

Usage: node_program.py <conf file> [<worker program>]
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gateline.control import node, process
from gateline.control.context import ControlContext
from gateline.control.errors import StartError
from gateline.control.supervisor import serve
from gateline.engine import worker
from gateline.engine.context import WorkerContext
from gateline.settings import Settings, SettingsError, SettingsSource


def dies_at_once(_context: WorkerContext) -> int:
    """A worker that cannot start."""
    return 7


def never_asks(_context: WorkerContext) -> int:
    """A worker that runs but never asks for its configuration."""
    while True:
        time.sleep(3600)


def stuck_after_reload(context: WorkerContext) -> int:
    """A worker of which the second generation never gets ready."""
    return worker.run(context) if context.generation == 1 else never_asks(context)


def loads_slowly(context: ControlContext) -> int:
    """A control process that takes its time."""
    time.sleep(2)
    return process.run(context)


WORKERS: dict[str, Callable[[WorkerContext], int]] = {
    "dies_at_once": dies_at_once,
    "never_asks": never_asks,
    "stuck_after_reload": stuck_after_reload,
    "dies_while_all_is_loaded": dies_at_once,
}
CONTROLS: dict[str, Callable[[ControlContext], int]] = {"dies_while_all_is_loaded": loads_slowly}


def say(text: str) -> None:
    """One line on standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run it."""
    node.RELOAD_LIMIT = 12.0
    source = SettingsSource(Path(sys.argv[1]), dict(os.environ), {}, Path.cwd())
    program = sys.argv[2] if len(sys.argv) > 2 else ""

    def ready(_settings: Settings) -> None:
        say("ready")

    try:
        return serve(
            source.load().settings,
            conf=source,
            on_ready=ready,
            worker_main=WORKERS.get(program),
            control_main=CONTROLS.get(program),
        )
    except (SettingsError, StartError) as error:
        say(json.dumps(error.messages))
        return 1


if __name__ == "__main__":
    sys.exit(main())
