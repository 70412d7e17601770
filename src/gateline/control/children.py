"""Child processes of the supervisor: the fork, and when one that died may start again."""

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

logger = logging.getLogger(__name__)

SHORT_LIFE = 1.0
"""Seconds; a process that dies sooner than that counts as one that cannot start."""

FIRST_DELAY, LAST_DELAY = 0.1, 0.8
"""Seconds before the next start of a process that dies right after each start: doubled from the first to the last."""

_PR_SET_PDEATHSIG = 1
_HANDLED = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGCHLD,
    signal.SIGPIPE,
)

# Looked up before any fork: a child must not have to search for libraries.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(slots=True)
class Child:
    """A process that shall run: `start` forks it and gives its pid; `pid` is 0 while it does not run."""

    name: str
    start: Callable[[], int]
    pid: int = 0
    started: float = 0.0
    short_lives: int = 0
    due: float | None = None
    """When to start it again (monotonic clock); None when it runs or shall not run."""

    def run(self) -> None:
        """Start it now."""
        self.due = None
        self.started = time.monotonic()
        try:
            self.pid = self.start()
        except OSError as error:
            logger.critical("%s cannot be started (%s); trying again", self.name, error.strerror)
            self.due = self.started + LAST_DELAY
        else:
            logger.info("%s is process %d", self.name, self.pid)

    def died(self, code: int) -> None:
        """Note its end and when it starts again: at once, later only when it keeps dying right after its start."""
        lived = time.monotonic() - self.started
        logger.error("%s (process %d) %s after %.1f s; starting it again", self.name, self.pid, describe(code), lived)
        self.pid = 0
        self.short_lives = self.short_lives + 1 if lived < SHORT_LIFE else 0
        delay = min(FIRST_DELAY * 2 ** (self.short_lives - 2), LAST_DELAY) if self.short_lives > 1 else 0.0
        self.due = time.monotonic() + delay

    def signal(self, number: int) -> None:
        """Send a signal if it runs."""
        if self.pid:
            os.kill(self.pid, number)


def describe(code: int) -> str:
    """An exit code (negative for a signal, as `os.waitstatus_to_exitcode` gives it) in words."""
    if code < 0:
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"
    return f"ended with exit code {code}"


def fork(main: Callable[[], int], *, close: Callable[[], None], title: str) -> int:
    """Run `main` in a child process and give its pid.

    The child ends with the supervisor, has no signal handlers of it, closes what `close` closes, and leaves by
    `os._exit` with the value of `main`, or 1 when that raises.
    """
    supervisor = os.getpid()
    # A signal between the fork and the reset would run the supervisor's handlers in the child.
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    try:
        pid = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        raise
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        return pid
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in _HANDLED:
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        # Before a worker handles it, being drained and being stopped are the same.
        signal.signal(signal.SIGQUIT, lambda *_: os._exit(0))
        end_with_parent(supervisor)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        close()
        _name_process(title)
        code = main()
    except BaseException as error:
        # Nothing may leave this frame: the supervisor's own stack lies below it.
        logger.critical("%s failed: %s", title, error, exc_info=True)
    finally:
        _flush()
        os._exit(code)


def end_with_parent(parent: int) -> None:
    """Ask the kernel for SIGTERM when the parent dies (Linux; elsewhere the processes notice by themselves)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _flush() -> None:
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue


def _name_process(title: str) -> None:
    try:
        from setproctitle import setproctitle
    except ImportError:
        return
    setproctitle(f"gateline: {title}")
