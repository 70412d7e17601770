"""The supervisor: opens the sockets, starts the control process and the workers, replaces one that dies, and turns
signals into what they mean for a node. It handles no request and no configuration, so there is little in it to fail.

It is one thread without an event loop: signals and the control process wake a `poll`, everything else is bookkeeping.
SIGTERM and SIGINT stop, SIGQUIT drains, SIGHUP reloads, SIGUSR1 has every process open its logs again.
"""

import gc
import importlib
import os
import selectors
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gateline.control import logs, prefix, state
from gateline.control.errors import StartError
from gateline.control.generation import ControlMain, Programs, WorkerMain
from gateline.control.node import Node
from gateline.control.signals import Signals
from gateline.sharedstate.environment import SharedStateError
from gateline.sharedstate.places import Places

if TYPE_CHECKING:
    from gateline.control.context import ControlContext
    from gateline.engine.context import WorkerContext
    from gateline.settings import Settings, SettingsSource


def serve(
    settings: "Settings",
    *,
    conf: "SettingsSource",
    on_ready: Callable[["Settings"], None],
    foreground: bool = True,
    worker_main: WorkerMain | None = None,
    control_main: ControlMain | None = None,
) -> int:
    """Run a node until it is told to end; the exit code.

    `conf` loads the settings again at a reload. `on_ready` is called once, with the settings as they are in force (real
    ports), when every worker serves and the Admin API answers. In the foreground the error log goes to standard error.
    `worker_main` and `control_main` are what the processes run.

    Raises StartError, with nothing left behind, when the node cannot start.
    """
    worker = worker_main or _worker
    if worker_main is None:
        importlib.import_module("gateline.engine.worker")  # once, before the forks, so that a new worker starts quickly
    programs = Programs(worker, control_main or _control, foreground)
    prefix.prepare(settings.prefix)
    try:
        logs.configure(settings, "supervisor", foreground=foreground)
    except OSError as error:
        raise StartError(f"cannot write the log {error.filename}: {error.strerror}") from None
    pid_file = prefix.PidFile(settings.prefix)
    prefix.remove_stale_feeds(settings.prefix)
    places = Places.of(settings.prefix)
    try:
        places.prepare()
        return Supervisor(settings, conf, on_ready, programs, pid_file, places.root).run()
    except SharedStateError as error:
        raise StartError(str(error)) from None
    finally:
        places.remove()
        state.remove(settings.prefix)
        pid_file.remove()


def _worker(context: "WorkerContext") -> int:
    from gateline.engine import worker

    return worker.run(context)


def _control(context: "ControlContext") -> int:
    from gateline.control import process

    return process.run(context)


class Supervisor:
    """Waits for what happens to a node; `run` is its life."""

    def __init__(
        self,
        settings: "Settings",
        conf: "SettingsSource",
        on_ready: Callable[["Settings"], None],
        programs: Programs,
        pid_file: prefix.PidFile,
        shared: Path | None = None,
    ) -> None:
        self._pid_file = pid_file
        self._node = Node(settings, conf, on_ready, programs, self._close_in_child, shared)
        self._signals = Signals()

    def run(self) -> int:
        """Serve until told to end. Raises StartError."""
        try:
            gc.collect()
            gc.freeze()
            self._node.start()
            while not self._node.over:
                self._wait()
                for number in self._signals.arrived():
                    self._node.signalled(number)
                self._bury()
                self._node.tick()
            if self._node.failure:
                raise StartError(*self._node.failure)
            return 0
        finally:
            self._node.close()
            self._signals.close()

    def _wait(self) -> None:
        """Wait for whatever comes next, and pass on what control processes say."""
        due = self._node.due()
        with selectors.PollSelector() as selector:
            selector.register(self._signals.readable, selectors.EVENT_READ)
            talking = {generation.channel: generation for generation in self._node.generations if generation.channel}
            for sock in talking:
                selector.register(sock, selectors.EVENT_READ)
            closing = self._node.closing_doors
            if closing is not None:
                selector.register(closing, selectors.EVENT_READ)
            events = selector.select(None if due is None else max(due - time.monotonic(), 0.0))
        for key, _ in events:
            generation = talking.get(key.fileobj)  # type: ignore[call-overload]
            for message in generation.told() if generation else ():
                self._node.heard(generation, message)
        if closing is not None and any(key.fileobj is closing for key, _ in events):
            self._node.doors_closed()

    def _bury(self) -> None:
        """Take note of every child that has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self._node.ended(pid, os.waitstatus_to_exitcode(status))

    def _close_in_child(self) -> None:
        self._signals.close_in_child()
        self._pid_file.close()
