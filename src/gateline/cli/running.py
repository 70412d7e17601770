"""`stop`, `quit`, `reload`, `health`: a node that runs is found by its prefix, told by signals, read from its state."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Annotated

import typer

from gateline.cli.options import ConfOnly, Debug, Prefix, Verbose, source_of
from gateline.cli.output import Failure, say, warn
from gateline.settings import find_prefix

_STEP = 0.02
"""Seconds between two looks at what the node does."""
_STOP_LIMIT = 15.0
"""Seconds that a node gets to stop before its end is reported as missing."""


Timeout = Annotated[
    float,
    typer.Option(
        "--timeout", "-t", metavar="SECONDS", min=0, help="Time that requests in flight get, drain_timeout at most."
    ),
]
Wait = Annotated[float, typer.Option("--wait", "-w", metavar="SECONDS", min=0, help="Time to wait before.")]


def stop(conf: ConfOnly = None, prefix: Prefix = None, v: Verbose = False, vv: Debug = False) -> None:
    """Stop the node at once; requests in flight are cut."""
    del v, vv
    place = _place(conf, prefix)
    if not stop_node(place):
        raise _not_running(place)
    say("Kong stopped")


def quit_(
    timeout: Timeout = 10,
    wait: Wait = 0,
    conf: ConfOnly = None,
    prefix: Prefix = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Stop the node when the requests in flight are done."""
    place = _place(conf, prefix)
    pid = _pid(place)
    if pid is None:
        raise _not_running(place)
    if wait:
        if v or vv:
            say(f"waiting {wait:g} seconds before quitting")
        time.sleep(wait)
    _signal(pid, signal.SIGQUIT)
    if v or vv:
        say("waiting for requests in flight")
    if _gone(place, pid, max(timeout, 1)):
        say("Kong stopped (gracefully)")
        return
    stop_node(place)
    say("Timeout, Kong stopped forcefully")


def reload(conf: ConfOnly = None, prefix: Prefix = None, v: Verbose = False, vv: Debug = False) -> None:
    """Read settings and declarative configuration again and put them in force, without losing a request."""
    del v, vv
    from gateline.control import state

    place = _place(conf, prefix)
    pid, before = _pid(place), state.read(place)
    if pid is None or before is None:
        raise _not_running(place)
    _signal(pid, signal.SIGHUP)
    while True:
        now = state.read(place)
        if now is not None and now.pid == pid and now.reload.serial > before.reload.serial:
            break
        if _pid(place) != pid:
            raise Failure(f"the node at {place} ended during the reload")
        time.sleep(_STEP)
    if not now.reload.ok:
        raise Failure(*(now.reload.messages or ["the reload failed; the configuration before is still in force"]))
    warn(now.reload.messages)
    say("Kong reloaded")


def health(conf: ConfOnly = None, prefix: Prefix = None, v: Verbose = False, vv: Debug = False) -> None:
    """List the node's processes and say whether they run."""
    del v, vv
    from gateline.control import state

    place = _place(conf, prefix)
    pid, node = _pid(place), state.read(place)
    processes = {"supervisor": pid}
    if node is not None and pid == node.pid:
        processes["control"] = node.control
        processes |= {f"worker {index}": worker for index, worker in enumerate(node.workers)}
    running = {name: one is not None and alive(one) for name, one in processes.items()}
    for name, runs in running.items():
        say(f"{name:.<14}{'running' if runs else 'not running'}")
    say()
    if pid is None:
        raise _not_running(place)
    if not all(running.values()):
        raise Failure(f"Some services are not running at {place}")
    say(f"Kong is healthy at {place}")


def stop_node(place: Path) -> bool:
    """Stops the node of the prefix and waits for its end; False when none runs. Raises `Failure` if it stays."""
    pid = _pid(place)
    if pid is None:
        return False
    _signal(pid, signal.SIGTERM)
    if not _gone(place, pid, _STOP_LIMIT):
        raise Failure(f"the node at {place} (process {pid}) does not stop")
    return True


def _place(conf: Path | None, prefix: Path | None) -> Path:
    return find_prefix(source_of(None, conf, prefix))


def _pid(place: Path) -> int | None:
    from gateline.control.prefix import running_pid

    return running_pid(place)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise Failure(f"process {pid} belongs to another user; expected the user who started it, or root") from None


def _gone(place: Path, pid: int, limit: float) -> bool:
    end = time.monotonic() + limit
    while _pid(place) == pid:
        if time.monotonic() > end:
            return False
        time.sleep(_STEP)
    return True


def alive(pid: int) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _not_running(place: Path) -> Failure:
    return Failure(f"Kong is not running at {place}")
