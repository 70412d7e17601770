"""The process that becomes the node: `python -m gateline.cli.launch <orders>`, started by `gateline start`.

It is a process of its own so that supervisor and workers, which are forked from it, do not carry the command line's
libraries in their memory. The orders are JSON (`Orders`). In the foreground it replaces the command and says on
standard output what it serves; as a daemon it leaves session and terminal, and reports over a pipe: one JSON line with
its process id, another when it is ready or has failed.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateline.cli.output import complain, say, strong
from gateline.control.state import write_atomically
from gateline.settings import Settings, SettingsError, SettingsSource
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
        """The command that carries them out. `-P`: nothing is imported from the directory where it runs."""
        return [sys.executable, "-P", "-m", "gateline.cli.launch", json.dumps(asdict(self))]

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
        from gateline.control.errors import StartError
        from gateline.control.supervisor import serve

        def ready(settings: Settings) -> None:
            write_atomically(orders_file(settings.prefix), json.dumps(asdict(orders)).encode())
            report((), describe(settings, loaded.conf))

        try:
            return serve(loaded.settings, conf=source, on_ready=ready, foreground=orders.report is None)
        except StartError as error:
            report(error.messages, ())
    except SettingsError as error:
        report(error.messages, ())
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        report([f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)], ())
    return 1


def describe(settings: Settings, conf: Path | None) -> list[str]:
    """What a node serves, for people: its addresses, its workers, what configures it.."""
    facts = {
        "proxy": " ".join(listen.url for listen in settings.proxy_listen),
        "admin": " ".join(listen.url for listen in settings.admin_listen),
        "status": " ".join(listen.url for listen in settings.status_listen),
        "workers": str(settings.worker_processes),
        "configuration": _configuration(settings),
        "settings": str(conf or ""),
        "prefix": str(settings.prefix),
    }
    head = strong(f"Gateline {__version__} is running") + f" (process {os.getpid()})"
    return [head, *(f"  {name:<14} {fact}" for name, fact in facts.items() if fact)]


def _configuration(settings: Settings) -> str:
    if settings.declarative_config is not None:
        return str(settings.declarative_config)
    if settings.declarative_config_string is not None:
        return "the text of declarative_config_string"
    if settings.database == "sqlite":
        return f"the database {settings.sqlite_path}"
    if settings.database == "postgres":
        return f"the database {settings.pg_database} at {settings.pg_host}:{settings.pg_port}"
    return "empty; POST /config on the Admin API fills it"


def orders_file(prefix: Path) -> Path:
    """Where the orders of the node that runs, or ran last, are kept, for `gateline restart`."""
    return prefix / "run" / "start.json"


def last_orders(prefix: Path) -> Orders | None:
    """The orders that the node of this prefix was started with last."""
    try:
        plain = json.loads(orders_file(prefix).read_bytes())
        return Orders(plain["conf"], plain["overrides"], plain["directory"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


Report = Callable[[Sequence[str], Sequence[str]], None]
"""Takes the reasons of a failure, or none and the lines that describe the node that is ready."""


def _reporter(orders: Orders) -> Report:
    if orders.report is None:

        def tell(problems: Sequence[str], lines: Sequence[str]) -> None:
            if problems:
                complain(problems)
            for line in ["Kong started"] if orders.quiet and lines else lines:
                say(line)

        return tell

    pipe = orders.report
    _become_daemon()
    _send(pipe, {"pid": os.getpid()})

    def send(problems: Sequence[str], lines: Sequence[str]) -> None:
        _send(pipe, {"errors": list(problems)} if problems else {"ready": list(lines)})
        os.close(pipe)

    return send


def _become_daemon() -> None:
    """The second fork: the child is no session leader, so no terminal that it opens becomes its own."""
    if os.fork():
        os._exit(0)


def _send(pipe: int, message: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # whoever started it did not wait
        os.write(pipe, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(launch(Orders(**json.loads(sys.argv[1]))))
