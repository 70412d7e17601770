"""The node as its supervisor runs it: which generation serves, which drain, which is about to take over; what a signal,
a message of a control process or the end of a process means for them.

Only decisions are here, and what they do to processes; `supervisor` waits for what happens.
"""

import itertools
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gateline.control import certificates, channel, children, logs, plugin_code, state
from gateline.control.errors import StartError
from gateline.control.generation import HOPELESS, UNEXPLAINED, Generation, Programs
from gateline.control.sockets import Listeners, open_listeners
from gateline.settings import SettingsError
from gateline.version import __version__

if TYPE_CHECKING:
    from gateline.settings import Settings, SettingsSource

logger = logging.getLogger(__name__)

RELOAD_LIMIT = 120.0
"""Seconds after which a reload that has not ended is given up."""

DOORS_LIMIT = 2.0
"""Seconds that the workers of the generation before have to take no new connections."""


@dataclass(slots=True)
class _Reload:
    """A reload under way. Without `listeners` the control process loads its file again, else it gets a successor; when
    that is in its place, only the workers of the generation before have to close their doors."""

    settings: "Settings"
    code: plugin_code.Stamp
    messages: list[str] = field(default_factory=list)
    listeners: Listeners | None = None
    successor: Generation | None = None
    before: Generation | None = None
    until: float = field(default_factory=lambda: time.monotonic() + RELOAD_LIMIT)


class Node:
    """A node's generations and what happens to them. Nothing runs before `start`."""

    def __init__(
        self,
        settings: "Settings",
        conf: "SettingsSource",
        on_ready: Callable[["Settings"], None],
        programs: Programs,
        close_private: Callable[[], None],
        shared: Path | None = None,
    ) -> None:
        """Open the sockets; `close_private` closes in a child what only the supervisor has. Raises StartError."""
        self.failure: list[str] = []
        self._asked = settings
        self._code = plugin_code.stamp(settings)
        self._prefix: Path = settings.prefix
        self._shared = shared
        self._conf = conf
        self._on_ready = on_ready
        self._programs = programs
        self._close_private = close_private
        self._started = time.time()
        self._status: Literal["starting", "running", "draining", "stopping"] = "starting"
        self._reload: _Reload | None = None
        self._again = False
        self._result = state.Reload()
        self._old: list[Generation] = []
        self._numbers = itertools.count(1)
        self._current: Generation = self._first(settings)

    def _first(self, settings: "Settings") -> Generation:
        settings = certificates.as_files(settings)
        listeners = open_listeners(settings, settings.worker_processes)
        try:
            return self._generation(listeners, recover=False)
        except StartError:
            listeners.close()
            raise

    # Life.

    def start(self) -> None:
        """Start every process."""
        self._current.start()
        self._write_state()

    @property
    def over(self) -> bool:
        """Whether it was told to end, or cannot start, and nothing runs any more. `failure` has the reasons."""
        return self._ending and not any(generation.running for generation in self.generations)

    @property
    def generations(self) -> list[Generation]:
        """All that have processes, the oldest first."""
        successor = self._reload.successor if self._reload else None
        return [*self._old, self._current, *([successor] if successor else [])]

    def due(self) -> float | None:
        """When `tick` must be called next (monotonic clock)."""
        times = [due for generation in self.generations if (due := generation.due()) is not None]
        if self._reload is not None:
            times.append(self._reload.until)
        return min(times, default=None)

    def tick(self) -> None:
        """Do what time, or what has happened, has made due."""
        now = time.monotonic()
        started = [generation.tick(now) for generation in self.generations]
        if any(started):
            self._write_state()
        if self._reload is not None and self._reload.until <= now:
            if self._reload.before is None:
                self._give_up([f"the reload did not end within {RELOAD_LIMIT:g} s"])
            else:
                self.doors_closed()
        elif self._reload is not None and self._reload.before is not None and not self._reload.before.running:
            self.doors_closed()
        self._old = [generation for generation in self._old if not self._is_over(generation)]
        if self._status == "draining" and not any(one.workers_running for one in self.generations):
            self._stop()

    def close(self) -> None:
        """End whatever still runs and let go of every socket."""
        for generation in self.generations:
            generation.kill()
            generation.close()
            generation.listeners.close()

    @property
    def _ending(self) -> bool:
        return self._status in ("draining", "stopping")

    # What happens to it.

    def signalled(self, number: int) -> None:
        """A signal has come."""
        match number:
            case signal.SIGTERM | signal.SIGINT:
                self._stop()
            case signal.SIGQUIT:
                self._drain()
            case signal.SIGHUP:
                self._hang_up()
            case signal.SIGUSR1:
                for generation in self.generations:
                    generation.signal(signal.SIGUSR1)

    def ended(self, pid: int, code: int) -> None:
        """A process has ended."""
        for generation in self.generations:
            if pid == generation.control.pid:
                for message in generation.told():  # its last words
                    self.heard(generation, message)
            child = generation.reaped(pid, code)
            if child is not None:
                self._lost(generation, child, code)
                break

    def heard(self, generation: Generation, message: channel.ToSupervisor) -> None:
        """A control process has said something."""
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
            case channel.Loaded():
                generation.loaded = True
            case channel.Reloaded(ok, messages):
                if self._reload and generation is self._current:
                    self._finish(ok=ok, messages=[*self._reload.messages, *messages])
            case channel.Paused():
                if self._reload and self._reload.listeners and generation is self._current:
                    self._start_successor(self._reload, self._reload.listeners)

    def _lost(self, generation: Generation, child: children.Child, code: int) -> None:
        """A process ended; the consequences beyond its restart."""
        if self._ending or generation.ending:
            return
        control = child is generation.control
        if control and not generation.ready:
            self._failed(generation, [f"the control process {children.describe(code)} before the node was ready"])
        elif not generation.ready and child.short_lives >= (HOPELESS if generation.loaded else UNEXPLAINED):
            self._failed(
                generation, [f"{child.name} cannot start: it {children.describe(code)} right after each start"]
            )
        elif control and self._reload and generation is self._current and not self._has_successor(self._reload):
            self._finish(ok=False, messages=["the control process ended while it loaded the configuration"])

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
            self.failure = messages
            self._stop()
        else:
            # The workers serve on with what they have; the next one may find a cause that has gone.
            logger.error("the control process cannot go on: %s", "; ".join(messages))
            generation.control.signal(signal.SIGTERM)

    def _stop(self) -> None:
        self._status = "stopping"
        self._abandon_reload()
        for generation in self.generations:
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
        code = plugin_code.stamp(loaded.settings)
        if loaded.settings == self._asked and code == self._code:
            self._reload = _Reload(loaded.settings, code, list(loaded.warnings))
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
        self._reload = _Reload(loaded.settings, code, list(loaded.warnings), listeners)
        self._current.tell(channel.Pause())

    def _start_successor(self, reload: _Reload, listeners: Listeners) -> None:
        try:
            successor = self._generation(listeners, recover=not _has_source(reload.settings))
        except StartError as error:
            self._give_up(error.messages)
            return
        reload.successor = successor
        successor.start()
        self._write_state()

    def _succeed(self) -> None:
        """The next generation serves: the one before drains and lets go of the addresses that are no more. The reload
        has ended when it takes no new connections: until then, some would be answered as before."""
        reload, before = self._reload, self._current
        if reload is None or reload.successor is None:
            return
        self._current = reload.successor
        self._asked = reload.settings
        self._code = reload.code
        self._old.append(before)
        before.drain(control=True)
        before.listeners.close(keep=self._current.listeners)
        try:
            logs.configure(self._current.settings, "supervisor", foreground=self._programs.foreground)
        except OSError as error:
            logger.error("the log %s cannot be written: %s", error.filename, error.strerror)
        reload.listeners = reload.successor = None
        reload.before, reload.until = before, time.monotonic() + DOORS_LIMIT

    @property
    def closing_doors(self) -> socket.socket | None:
        """What tells that `doors_closed` is to be called."""
        return self._reload.before.doors if self._reload is not None and self._reload.before is not None else None

    def doors_closed(self) -> None:
        """The generation before takes no new connections."""
        if self._reload is not None and self._reload.before is not None:
            self._finish(ok=True, messages=self._reload.messages)

    @staticmethod
    def _has_successor(reload: _Reload) -> bool:
        return reload.successor is not None or reload.before is not None

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

    def _generation(self, listeners: Listeners, *, recover: bool) -> Generation:
        return Generation(
            next(self._numbers),
            listeners,
            listeners.settings.worker_processes,
            self._programs,
            self._inherited,
            self._close_private,
            recover=recover,
            shared=self._shared,
        )

    def _inherited(self) -> set[socket.socket]:
        """Every socket that a fork passes on, whoever is meant to have it."""
        sockets = {sock for generation in self.generations for sock in generation.sockets()}
        if self._reload is not None and self._reload.listeners is not None:
            sockets |= self._reload.listeners.sockets()
        return sockets

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
