"""The supervisor: opens the sockets, starts the control process and the workers, replaces one that dies, and turns
signals into what they mean for a node. It handles no request and no configuration, so there is little in it to fail.

It is one thread without an event loop: signals and the control process wake a `poll`, everything else is bookkeeping.
SIGTERM and SIGINT stop, SIGQUIT drains, SIGHUP reloads, SIGUSR1 has every process open its logs again.
"""

import gc
import importlib
import logging
import os
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gateline.control import certificates, channel, children, logs, prefix, state
from gateline.control.errors import StartError
from gateline.control.generation import HOPELESS, ControlMain, Generation, Programs, WorkerMain
from gateline.control.signals import Signals
from gateline.control.sockets import Listeners, open_listeners
from gateline.settings import SettingsError
from gateline.version import __version__

if TYPE_CHECKING:
    from gateline.control.context import ControlContext
    from gateline.engine.context import WorkerContext
    from gateline.settings import Settings, SettingsSource

logger = logging.getLogger(__name__)

RELOAD_LIMIT = 120.0
"""Seconds after which a reload that has not ended is given up."""


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

    `conf` loads the settings again at a reload. `on_ready` is called once, with the
    settings as they are in force (real ports), when every worker serves and the Admin API answers. In the foreground
    the error log goes to standard error. `worker_main` and `control_main` are what the processes run.

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
    try:
        return Supervisor(settings, conf, on_ready, programs, pid_file).run()
    finally:
        state.remove(settings.prefix)
        pid_file.remove()


def _worker(context: "WorkerContext") -> int:
    from gateline.engine import worker

    return worker.run(context)


def _control(context: "ControlContext") -> int:
    from gateline.control import process

    return process.run(context)


@dataclass(slots=True)
class _Reload:
    """A reload under way. Without `listeners` the control process loads its file again, else it gets a successor."""

    settings: "Settings"
    messages: list[str] = field(default_factory=list)
    listeners: Listeners | None = None
    successor: Generation | None = None
    until: float = field(default_factory=lambda: time.monotonic() + RELOAD_LIMIT)


class Supervisor:
    """A node's supervisor; `run` is its life."""

    def __init__(
        self,
        settings: "Settings",
        conf: "SettingsSource",
        on_ready: Callable[["Settings"], None],
        programs: Programs,
        pid_file: prefix.PidFile,
    ) -> None:
        self._asked = settings
        self._prefix: Path = settings.prefix
        self._conf = conf
        self._on_ready = on_ready
        self._programs = programs
        self._pid_file = pid_file
        self._started = time.time()
        self._status: Literal["starting", "running", "draining", "stopping"] = "starting"
        self._reload: _Reload | None = None
        self._again = False
        self._result = state.Reload()
        self._failure: list[str] = []
        self._old: list[Generation] = []
        self._current: Generation = self._first(settings)
        self._signals = Signals()

    def _first(self, settings: "Settings") -> Generation:
        settings = certificates.as_files(settings)
        listeners = open_listeners(settings, settings.worker_processes)
        try:
            return self._generation(1, listeners, recover=False)
        except StartError:
            listeners.close()
            raise

    # The loop.

    def run(self) -> int:
        """Serve until told to end. Raises StartError."""
        try:
            gc.collect()
            gc.freeze()
            self._current.start()
            self._write_state()
            while any(generation.running for generation in self._generations()) or not self._ending:
                self._step()
            if self._failure:
                raise StartError(*self._failure)
            return 0
        finally:
            self._clean_up()

    def _step(self) -> None:
        """Wait for whatever comes next, and deal with it."""
        with selectors.PollSelector() as selector:
            selector.register(self._signals.readable, selectors.EVENT_READ)
            talking = {generation.channel: generation for generation in self._generations() if generation.channel}
            for sock in talking:
                selector.register(sock, selectors.EVENT_READ)
            events = selector.select(self._timeout())
        for key, _ in events:
            generation = talking.get(key.fileobj)  # type: ignore[call-overload]
            for message in generation.told() if generation else ():
                self._heard(generation, message)
        for number in self._signals.arrived():
            self._signalled(number)
        self._bury()
        now = time.monotonic()
        started = [generation.tick(now) for generation in self._generations()]
        if any(started):
            self._write_state()
        if self._reload is not None and self._reload.until <= now:
            self._give_up([f"the reload did not end within {RELOAD_LIMIT:g} s"])
        self._old = [generation for generation in self._old if not self._is_over(generation)]
        if self._status == "draining" and not any(one.workers_running for one in self._generations()):
            self._stop()

    def _timeout(self) -> float | None:
        times = [due for generation in self._generations() if (due := generation.due()) is not None]
        if self._reload is not None:
            times.append(self._reload.until)
        return max(min(times) - time.monotonic(), 0.0) if times else None

    @property
    def _ending(self) -> bool:
        return self._status in ("draining", "stopping")

    def _generations(self) -> list[Generation]:
        successor = self._reload.successor if self._reload else None
        return [*self._old, self._current, *([successor] if successor else [])]

    # What happens to it.

    def _signalled(self, number: int) -> None:
        match number:
            case signal.SIGTERM | signal.SIGINT:
                self._stop()
            case signal.SIGQUIT:
                self._drain()
            case signal.SIGHUP:
                self._hang_up()
            case signal.SIGUSR1:
                for generation in self._generations():
                    generation.signal(signal.SIGUSR1)

    def _bury(self) -> None:
        """Take note of every child that has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            code = os.waitstatus_to_exitcode(status)
            for generation in self._generations():
                if pid == generation.control.pid:
                    for message in generation.told():  # its last words
                        self._heard(generation, message)
                child = generation.reaped(pid, code)
                if child is not None:
                    self._lost(generation, child, code)
                    break

    def _lost(self, generation: Generation, child: children.Child, code: int) -> None:
        """A process ended; the consequences beyond its restart."""
        if self._ending or generation.ending:
            return
        control = child is generation.control
        if control and not generation.ready:
            self._failed(generation, [f"the control process {children.describe(code)} before the node was ready"])
        elif child.short_lives >= HOPELESS and not generation.ready:
            self._failed(
                generation, [f"{child.name} cannot start: it {children.describe(code)} right after each start"]
            )
        elif control and self._reload and generation is self._current and not self._reload.successor:
            self._finish(ok=False, messages=["the control process ended while it loaded the configuration"])

    def _heard(self, generation: Generation, message: channel.ToSupervisor) -> None:
        match message:
            case channel.Ready():
                generation.ready = True
                if self._reload and generation is self._reload.successor:
                    self._succeed()
                elif self._status == "starting" and generation is self._current:
                    self._status = "running"
                    self._write_state()
                    self._announce()
                    if self._again:
                        self._again = False
                        self._hang_up()
            case channel.Failed(messages):
                self._failed(generation, messages)
            case channel.Loaded(ok, messages):
                if self._reload and generation is self._current:
                    self._finish(ok=ok, messages=[*self._reload.messages, *messages])
            case channel.Paused():
                if self._reload and self._reload.listeners and generation is self._current:
                    self._start_successor(self._reload, self._reload.listeners)

    # Starting and ending.

    def _announce(self) -> None:
        try:
            self._on_ready(self._current.settings)
        except OSError as error:
            logger.error("who waits for the start cannot be told: %s", error)

    def _failed(self, generation: Generation, messages: list[str]) -> None:
        """A generation cannot start."""
        if self._reload and generation is self._reload.successor:
            self._give_up(messages)
        elif generation is self._current and self._status == "starting":
            self._failure = messages
            self._stop()

    def _stop(self) -> None:
        self._status = "stopping"
        self._abandon_reload()
        for generation in self._generations():
            generation.stop()
        self._write_state()

    def _drain(self) -> None:
        if self._ending:
            return
        if self._status == "starting":
            self._stop()
            return
        self._abandon_reload()
        self._status = "draining"
        self._current.tell(channel.Drain())
        self._current.drain(control=False)
        self._write_state()

    def _clean_up(self) -> None:
        for generation in self._generations():
            generation.kill()
            generation.close()
            generation.listeners.close()
        self._signals.close()

    def _is_over(self, generation: Generation) -> bool:
        if generation.running:
            return False
        generation.close()
        return True

    # Reloading.

    def _hang_up(self) -> None:
        if self._ending:
            return
        if self._reload or self._status == "starting":
            self._again = True
            return
        try:
            loaded = self._conf.load()
        except SettingsError as error:
            self._finish(ok=False, messages=error.messages)
            return
        except Exception as error:
            # A supervisor that ended here would take the whole node with it.
            logger.exception("the settings cannot be read")
            self._finish(ok=False, messages=[f"the settings cannot be read: {type(error).__name__}: {error}"])
            return
        if loaded.settings == self._asked:
            self._reload = _Reload(loaded.settings, list(loaded.warnings))
            self._current.tell(channel.Load())
            return
        if loaded.settings.prefix != self._prefix:
            self._finish(ok=False, messages=[f"the prefix cannot change while the node runs (it is {self._prefix})"])
            return
        try:
            settings = certificates.as_files(loaded.settings)
            listeners = open_listeners(settings, settings.worker_processes, self._current.listeners)
        except StartError as error:
            self._finish(ok=False, messages=error.messages)
            return
        except OSError as error:
            self._finish(ok=False, messages=[f"the new settings cannot be used: {error}"])
            return
        self._reload = _Reload(loaded.settings, list(loaded.warnings), listeners)
        self._current.tell(channel.Pause())

    def _start_successor(self, reload: _Reload, listeners: Listeners) -> None:
        try:
            successor = self._generation(self._current.number + 1, listeners, recover=not _has_source(reload.settings))
        except StartError as error:
            self._give_up(error.messages)
            return
        reload.successor = successor
        successor.start()
        self._write_state()

    def _succeed(self) -> None:
        """The next generation serves: the one before drains and lets go of the addresses that are no more."""
        reload, before = self._reload, self._current
        if reload is None or reload.successor is None:
            return
        self._current = reload.successor
        self._asked = reload.settings
        self._old.append(before)
        before.drain(control=True)
        before.listeners.close(keep=self._current.listeners)
        try:
            logs.configure(self._current.settings, "supervisor", foreground=self._programs.foreground)
        except OSError as error:
            logger.error("the log %s cannot be written: %s", error.filename, error.strerror)
        self._finish(ok=True, messages=reload.messages)

    def _give_up(self, messages: list[str]) -> None:
        """The reload cannot be done: the current generation goes on."""
        self._abandon_reload()
        self._finish(ok=False, messages=messages)

    def _abandon_reload(self) -> None:
        reload, self._reload = self._reload, None
        if reload is None:
            return
        if reload.successor is not None:
            self._old.append(reload.successor)
            reload.successor.stop()
        if reload.listeners is not None:
            reload.listeners.close(keep=self._current.listeners)
            self._current.tell(channel.Resume())

    def _finish(self, *, ok: bool, messages: list[str]) -> None:
        """A reload has ended: say so, and go on with the next one that was asked for meanwhile."""
        if not ok:
            self._abandon_reload()
        self._reload = None
        self._result = state.Reload(self._result.serial + 1, ok, messages)
        if ok:
            logger.log(logs.NOTICE, "reloaded")
        for message in messages:
            logger.log(logging.WARNING if ok else logging.ERROR, "reload: %s", message)
        self._write_state()
        if self._again:
            self._again = False
            self._hang_up()

    # Little things.

    def _generation(self, number: int, listeners: Listeners, *, recover: bool) -> Generation:
        return Generation(
            number,
            listeners,
            listeners.settings.worker_processes,
            self._programs,
            lambda: self._generations(),
            self._close_in_child,
            recover=recover,
        )

    def _close_in_child(self) -> None:
        self._signals.close_in_child()
        self._pid_file.close()

    def _write_state(self) -> None:
        current, settings = self._current, self._current.settings
        try:
            state.write(
                self._prefix,
                state.State(
                    pid=os.getpid(),
                    version=__version__,
                    status=self._status,
                    started=self._started,
                    generation=current.number,
                    control=current.control.pid,
                    workers=[worker.pid for worker in current.workers],
                    proxy_listen=[listen.url for listen in settings.proxy_listen],
                    admin_listen=[listen.url for listen in settings.admin_listen],
                    status_listen=[listen.url for listen in settings.status_listen],
                    reload=self._result,
                ),
            )
        except OSError as error:
            logger.error("the state of the node cannot be written: %s", error)


def _has_source(settings: "Settings") -> bool:
    return bool(settings.declarative_config or settings.declarative_config_string)
