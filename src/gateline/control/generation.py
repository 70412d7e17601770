"""The processes that serve one state of the settings: a control process and its workers, on sockets that outlive them.

A reload that changes settings starts the next generation beside this one; when that is ready, this one drains.
"""

import functools
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateline.control import children, logs, prefix
from gateline.control.channel import SupervisorEnd, ToControl, ToSupervisor
from gateline.control.children import Child
from gateline.control.context import ControlContext
from gateline.control.errors import StartError
from gateline.control.sockets import Listeners
from gateline.engine.context import WorkerContext
from gateline.sharedstate.places import Places

logger = logging.getLogger(__name__)

WorkerMain = Callable[[WorkerContext], int]
ControlMain = Callable[[ControlContext], int]

HOPELESS = 5
"""So many short lives in a row, before it was ever ready, and a generation is given up."""

UNEXPLAINED = 15
"""So many while its control process still loads the configuration: what ends a worker may be what that finds too, and
it has the words for it."""

GRACE = 3.0
"""Seconds that a process has to end after it was told to, beyond what it may take to drain; then it is killed."""


@dataclass(frozen=True, slots=True)
class Programs:
    """What the processes run, and whether their log goes to standard error."""

    worker: WorkerMain
    control: ControlMain
    foreground: bool


class Generation:
    """One generation; `number` counts from 1. Nothing runs before `start`."""

    def __init__(
        self,
        number: int,
        listeners: Listeners,
        workers: int,
        programs: Programs,
        inherited: Callable[[], set[socket.socket]],
        close_private: Callable[[], None],
        *,
        recover: bool = False,
        shared: Path | None = None,
    ) -> None:
        self.number = number
        self.listeners = listeners
        self.settings = listeners.settings
        self.ready = False
        self.loaded = False
        self.programs = programs
        self._inherited = inherited
        self._close_private = close_private
        self._recover = recover
        self._shared = shared
        self._ending: float | None = None
        self._feed_path = prefix.feed_path(self.settings.prefix, number)
        self._feed = _listen(self._feed_path)
        self._channel: SupervisorEnd | None = None
        self._doors, self._held_by_workers = socket.socketpair()
        self.control = Child("control process", self._fork_control)
        self.workers = [
            Child(f"worker {index}", functools.partial(self._fork_worker, index, workers)) for index in range(workers)
        ]

    # Life.

    def start(self) -> None:
        """Start every process."""
        for child in self._children():
            child.run()

    def reaped(self, pid: int, code: int) -> Child | None:
        """Take note that a process has ended; None when it is none of this generation."""
        for child in self._children():
            if child.pid != pid:
                continue
            if child is self.control:
                self._close_channel()
            if self._ending is None:
                child.died(code)
            else:
                logger.info("%s (process %d) %s", child.name, pid, children.describe(code))
                child.pid = 0
            return child
        return None

    def tick(self, now: float) -> bool:
        """Start what is due, kill what is overdue; whether anything was started."""
        started = False
        for child in self._children():
            if child.due is not None and child.due <= now:
                child.run()
                started = True
        if self._ending is not None and self._ending <= now:
            for child in self._children():
                if child.pid:
                    logger.warning("%s (process %d) did not end in time and is killed", child.name, child.pid)
                child.signal(signal.SIGKILL)
            self._ending = now + GRACE
        return started

    def due(self) -> float | None:
        """When `tick` must be called next (monotonic clock)."""
        times = [child.due for child in self._children() if child.due is not None]
        if self._ending is not None:
            times.append(self._ending)
        return min(times, default=None)

    @property
    def running(self) -> bool:
        """Whether any of its processes runs."""
        return any(child.pid for child in self._children())

    @property
    def workers_running(self) -> bool:
        """Whether any of its workers runs."""
        return any(child.pid for child in self.workers)

    @property
    def ending(self) -> bool:
        """Whether it was told to end."""
        return self._ending is not None

    # Orders.

    def stop(self) -> None:
        """End every process at once."""
        self._end(GRACE)
        for child in self._children():
            child.signal(signal.SIGTERM)

    def drain(self, *, control: bool) -> None:
        """Let the workers finish what they have; `control` says whether its control process ends at once as well."""
        self._end(self.settings.drain_timeout + GRACE)
        for child in self.workers:
            child.signal(signal.SIGQUIT)
        if control:
            self.control.signal(signal.SIGTERM)

    def signal(self, number: int) -> None:
        """Pass a signal on to every process."""
        for child in self._children():
            child.signal(number)

    def kill(self) -> None:
        """End every process that still runs, without asking, and wait until it has ended."""
        for child in self._children():
            if child.pid:
                child.signal(signal.SIGKILL)
                os.waitpid(child.pid, 0)
                child.pid = 0

    def tell(self, message: ToControl) -> None:
        """Send a message to the control process."""
        if self._channel is not None:
            self._channel.send(message)

    def told(self) -> list[ToSupervisor]:
        """What the control process has sent."""
        if self._channel is None:
            return []
        messages = self._channel.receive()
        if messages is None:
            self._close_channel()
            return []
        return messages

    @property
    def channel(self) -> socket.socket | None:
        """The socket on which `told` has something to read."""
        return self._channel.socket if self._channel is not None else None

    @property
    def doors(self) -> socket.socket:
        """Has something to read (its end) once the generation was told to end and no worker takes connections."""
        return self._doors

    def close(self) -> None:
        """Let go of what only this generation has; its listeners are the supervisor's affair."""
        self._close_channel()
        for sock in (self._feed, self._doors, self._held_by_workers):
            sock.close()
        if self._shared is not None:
            Places(self._shared).remove_directory(self.number)
        prefix.remove_feed(self.settings.prefix, self._feed_path)

    # Forks.

    def _fork_worker(self, index: int, count: int) -> int:
        doors = self._held_by_workers
        context = WorkerContext(
            index,
            self.settings,
            self.listeners.for_worker(index, count),
            str(self._feed_path),
            self.number,
            doors,
            self._shared,
        )
        keep = {listener.socket for listener in context.listeners} | {doors}
        name = f"worker {index}"
        return children.fork(
            lambda: self._main(name, lambda: self.programs.worker(context)),
            close=lambda: self._close_in_child(keep),
            title=name,
        )

    def _fork_control(self) -> int:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        admin, status = self.listeners.for_control()
        context = ControlContext(
            settings=self.settings,
            generation=self.number,
            workers=len(self.workers),
            feed=self._feed,
            admin=admin,
            status=status,
            channel=theirs,
            recover=self._recover or self.ready,
            replacement=self.ready,
            shared=self._shared,
        )
        keep = {listener.socket for listener in (*admin, *status)} | {self._feed, theirs}
        self._channel = SupervisorEnd(ours)
        try:
            return children.fork(
                lambda: self._main("control", lambda: self.programs.control(context)),
                close=lambda: self._close_in_child(keep),
                title="control",
            )
        except OSError:
            self._close_channel()
            raise
        finally:
            theirs.close()

    def _main(self, name: str, main: Callable[[], int]) -> int:
        logs.configure(self.settings, name, foreground=self.programs.foreground)
        return main()

    def _close_in_child(self, keep: set[socket.socket]) -> None:
        """Close every inherited descriptor but `keep`: a process that held another's sockets would keep them alive."""
        self._close_private()
        for sock in (self._inherited() | self.sockets()) - keep:
            sock.close()

    def sockets(self) -> set[socket.socket]:
        """Every socket of it."""
        own = {self._feed, self._doors, self._held_by_workers}
        if self._channel is not None:
            own.add(self._channel.socket)
        return self.listeners.sockets() | own

    # Little things.

    def _children(self) -> list[Child]:
        return [self.control, *self.workers]

    def _end(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self._ending = until if self._ending is None else min(self._ending, until)
        for child in self._children():
            child.due = None
        self._held_by_workers.close()  # no worker starts any more

    def _close_channel(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None


def _listen(path: Path) -> socket.socket:
    """A listening unix socket that only this user can reach."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            sock.bind(str(path))
        finally:
            os.umask(mask)
        sock.listen(1024)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise StartError(f"cannot make the socket {path}: {error.strerror}") from None
    return sock
