"""The process that becomes the node: `python -m gateline.cli.launch <orders>`, started by `gateline start`.

It is a process of its own so that supervisor and workers, which are forked from it, do not carry the command line's
libraries in their memory. The orders are JSON (`Orders`). In the foreground it replaces the command and says on standard output what it
serves; as a daemon it leaves session and terminal, and reports over a pipe: one JSON line with its process id, another
when it is ready or has failed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateline.cli.output import complain, say, strong
from gateline.settings import LoadedSettings, SettingsError, SettingsSource
from gateline.version import __version__


@dataclass(frozen=True, slots=True)
class Orders:
    """What to start. Paths are text, as the orders travel; `report` is the pipe's descriptor of a daemon."""

    conf: str | None
    overrides: dict[str, str]
    directory: str
    report: int | None = None
    quiet: bool = False

    @classmethod
    def of(cls, source: SettingsSource, *, report: int | None = None, quiet: bool = False) -> Orders:
        """The orders to start with settings from the source; its environment is handed on by the system."""
        conf = None if source.conf is None else str(source.conf)
        return cls(conf, dict(source.overrides), str(source.directory), report, quiet)

    def command(self) -> list[str]:
        """The command that carries them out."""
        return [sys.executable, "-m", "gateline.cli.launch", json.dumps(asdict(self))]

    def source(self) -> SettingsSource:
        """Where the settings come from."""
        conf = None if self.conf is None else Path(self.conf)
        return SettingsSource(conf, dict(os.environ), self.overrides, Path(self.directory))


def launch(orders: Orders) -> int:
    """Runs the node until it ends and gives its exit code. What stops a start is said, never raised."""
    report = _reporter(orders)
    try:
        source = orders.source()
        loaded = source.load()
        if orders.report is None:
            _send_errors_to_log(loaded)
        from gateline.control.errors import StartError
        from gateline.control.supervisor import serve

        try:
            return serve(loaded.settings, conf=source, on_ready=lambda _ready: report((), loaded))
        except StartError as error:
            report(error.messages, None)
    except SettingsError as error:
        report(error.messages, None)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        report([f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)], None)
    return 1


Report = Callable[[Sequence[str], LoadedSettings | None], None]
"""Takes the reasons of a failure, or none and the settings of a node that is ready."""


def _reporter(orders: Orders) -> Report:
    if orders.report is None:
        terminal = os.fdopen(os.dup(2), "w")

        def tell(messages: Sequence[str], loaded: LoadedSettings | None) -> None:
            if messages:
                complain(messages, terminal)
            elif loaded is not None and orders.quiet:
                say("Kong started")
            elif loaded is not None:
                for line in describe(loaded):
                    say(line)

        return tell

    pipe = orders.report
    _become_daemon()
    _send(pipe, {"pid": os.getpid()})

    def send(messages: Sequence[str], loaded: LoadedSettings | None) -> None:
        _send(pipe, {"errors": list(messages)} if messages else {"ready": describe(loaded) if loaded else []})
        os.close(pipe)

    return send


def _become_daemon() -> None:
    """The second fork: the child is no session leader, so no terminal that it opens becomes its own."""
    if os.fork():
        os._exit(0)
    os.umask(0o027)


def _send(pipe: int, message: dict[str, Any]) -> None:
    try:
        os.write(pipe, json.dumps(message).encode() + b"\n")
    except BrokenPipeError:
        pass


def _send_errors_to_log(loaded: LoadedSettings) -> None:
    """In the foreground standard error is the error log, unless the settings name another place."""
    path = loaded.settings.proxy_error_log
    if "proxy_error_log" not in loaded.given or path in (None, Path("/dev/stderr")):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def describe(loaded: LoadedSettings) -> list[str]:
    """What a node serves, for people: its addresses with their real ports, its workers, what configured it."""
    from gateline.control import state

    settings = loaded.settings
    node = state.read(settings.prefix)
    lines = [strong(f"Gateline {__version__} is running") + f" (process {node.pid if node else os.getpid()})"]
    if node is not None:
        addresses = {"proxy": node.proxy_listen, "admin": node.admin_listen, "status": node.status_listen}
        lines += [f"  {name:<14} {' '.join(urls)}" for name, urls in addresses.items() if urls]
        lines.append(f"  {'workers':<14} {len(node.workers)}")
    lines.append(f"  {'configuration':<14} {_configuration(loaded)}")
    if loaded.conf is not None:
        lines.append(f"  {'settings':<14} {loaded.conf}")
    lines.append(f"  {'prefix':<14} {settings.prefix}")
    return lines


def _configuration(loaded: LoadedSettings) -> str:
    if loaded.settings.declarative_config is not None:
        return str(loaded.settings.declarative_config)
    if loaded.settings.declarative_config_string is not None:
        return "declarative_config_string"
    return "empty; POST /config on the Admin API fills it"


if __name__ == "__main__":
    sys.exit(launch(Orders(**json.loads(sys.argv[1]))))
