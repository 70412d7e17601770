"""A stand-in for a supervisor: holds the pid file, writes the state, answers signals. Arguments: prefix, manner."""

import os
import signal
import sys
from pathlib import Path

from gateline.control import prefix, state

place, manner = Path(sys.argv[1]), sys.argv[2]


def now(reload: state.Reload) -> state.State:
    worker = 2**22 + 1 if manner == "worker-gone" else os.getpid()
    return state.State(
        pid=os.getpid(),
        version="0",
        status="running",
        started=0.0,
        generation=1,
        control=os.getpid(),
        workers=[worker],
        proxy_listen=[],
        admin_listen=[],
        status_listen=[],
        reload=reload,
    )


SIGNALS = {signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP}
signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
prefix.prepare(place)
pid_file = prefix.PidFile(place)
state.write(place, now(state.Reload()))
sys.stdout.write("ready\n")
sys.stdout.flush()
while True:
    received = signal.sigwait(SIGNALS)
    if received == signal.SIGHUP and manner == "reload-dies":
        sys.exit(1)
    if received == signal.SIGHUP:
        bad = manner == "reload-fails"
        state.write(place, now(state.Reload(1, not bad, ["kong.yml:3: wrong", "kong.yml:4: wrong too"] if bad else [])))
    elif received == signal.SIGTERM or manner != "never-quits":
        break
state.remove(place)
pid_file.remove()
