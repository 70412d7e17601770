"""Child processes: their start, their end in words, and when one that dies starts again."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from gateline.control.children import Child, describe, fork

# The tests' own process may have threads, which a supervisor has not.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def end_of(main: Callable[[], int], close: Callable[[], None] = lambda: None) -> int:
    """The exit code of a child that runs `main`."""
    return os.waitstatus_to_exitcode(os.waitpid(fork(main, close=close, title="child"), 0)[1])


def test_the_childs_value_is_its_exit_code() -> None:
    assert end_of(lambda: 0) == 0
    assert end_of(lambda: 7) == 7


def test_nothing_leaves_a_child_but_its_exit_code() -> None:
    def fails() -> int:
        raise RuntimeError("in the child")

    def leaves() -> int:
        raise SystemExit(5)

    assert end_of(fails) == 1
    assert end_of(leaves) == 1


def test_a_child_closes_what_it_shall_not_keep() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader), os.fdopen(writer):

        def is_closed() -> int:
            try:
                os.fstat(writer)
            except OSError:
                return 0
            return 1

        assert end_of(is_closed, lambda: os.close(writer)) == 0
        os.fstat(writer)


def test_a_child_has_none_of_the_supervisors_signal_handlers() -> None:
    def check() -> int:
        defaults = [signal.SIGTERM, signal.SIGCHLD]
        ignored = [signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE]
        right = all(signal.getsignal(one) is signal.SIG_DFL for one in defaults)
        right = right and all(signal.getsignal(one) is signal.SIG_IGN for one in ignored)
        return 0 if right and not signal.pthread_sigmask(signal.SIG_BLOCK, []) else 1

    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        assert end_of(check) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_ends_in_words() -> None:
    assert describe(0) == "ended with exit code 0"
    assert describe(-signal.SIGKILL) == "was ended by SIGKILL"
    assert describe(-64 - 30) == "was ended by signal 94"


def test_a_process_that_dies_starts_again_at_once_and_later_when_it_keeps_dying(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    pids = iter(range(100, 200))
    child = Child("worker 0", lambda: next(pids))
    delays = []
    for lived in (60.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 60.0, 0.1):
        child.run()
        assert (child.pid > 0, child.due) == (True, None)
        now += lived
        child.died(1)
        assert child.pid == 0
        due = child.due or 0.0
        delays.append(round(due - now, 3))
        now = due
    assert delays == [0, 0, 0.1, 0.2, 0.4, 0.8, 0.8, 0, 0]


def test_a_process_that_does_not_run_gets_no_signal() -> None:
    Child("worker 0", lambda: 0).signal(signal.SIGKILL)
