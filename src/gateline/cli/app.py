"""Puts the commands together, runs one, and turns what stops it into sentences on standard error and an exit code."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import typer

from gateline.cli import check, declared, dev, running, start
from gateline.cli.config import config
from gateline.cli.migrations import migrations
from gateline.cli.output import Failure, complain
from gateline.cli.plugin import plugin
from gateline.settings import SettingsError


@dataclass(frozen=True, slots=True)
class Invocation:
    """How the command was called."""

    as_kong: bool
    """As `kong`: the version is Kong's, and `start` goes to the background unless `nginx_daemon = off`."""


app = typer.Typer(
    name="gateline",
    help="Gateline, an API gateway. From outside it is Kong Gateway.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(start.start)
app.command()(running.stop)
app.command("quit")(running.quit_)
app.command()(running.reload)
app.command()(start.restart)
app.command()(running.health)
app.command()(dev.dev)
app.command()(check.check)
app.command()(check.prepare)
app.command()(check.version)
app.command()(declared.validate)
app.command()(declared.dump)
app.command()(declared.diff)
app.command()(declared.apply)
app.add_typer(config, name="config")
app.add_typer(migrations, name="migrations")
app.add_typer(plugin, name="plugin")


def run(argv: Sequence[str]) -> int:
    """Runs the command of a whole argument list (the program's name first) and gives the exit code."""
    as_kong = PurePath(argv[0]).name == "kong"
    try:
        code = app(
            args=list(argv[1:]),
            prog_name="kong" if as_kong else "gateline",
            obj=Invocation(as_kong),
            standalone_mode=True,
        )
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except KeyboardInterrupt:
        return 130
    except Failure as failure:
        complain(failure.messages)
        return failure.code
    except Exception as error:
        complain(_sentences(error))
        if "--vv" in argv:
            traceback.print_exc()
        return 1
    return int(code or 0)


def _sentences(error: Exception) -> Sequence[str]:
    """What an error says to a person. Errors of ours carry sentences; those of the system name a file and a reason."""
    if isinstance(error, SettingsError):
        return error.messages
    from gateline.control.errors import ControlError
    from gateline.declarative import DeclarativeError

    if isinstance(error, DeclarativeError):
        return [str(problem) for problem in error.problems]
    if isinstance(error, ControlError):
        return str(error).splitlines()
    if isinstance(error, OSError):
        return [f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)]
    return [f"unexpected {type(error).__name__}: {error} (--vv shows where)"]


__all__ = ["Invocation", "app", "run"]
