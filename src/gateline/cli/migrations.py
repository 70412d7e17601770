"""`migrations`: the tables of a database, with Kong's commands, words and exit codes."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gateline.cli.options import ConfOnly, Debug, Prefix, Verbose, source_of
from gateline.cli.output import Failure, say
from gateline.cli.start import load

if TYPE_CHECKING:
    from gateline.settings import Settings
    from gateline.store import StoreOptions
    from gateline.store.migrating import MigrationState

migrations = typer.Typer(help="The tables of the database.", no_args_is_help=True)

NOT_BOOTSTRAPPED, PENDING, NEW = 3, 4, 5
"""Exit codes of `list`: there are no tables, an upgrade is not finished, there is something to run."""

T = TypeVar("T")

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Force = Annotated[bool, typer.Option("--force", "-f", help="Accepted; what was run is never run again.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing.")]
Ignored = Annotated[str | None, typer.Option(hidden=True)]


@migrations.command()
def bootstrap(
    force: Force = False,
    quiet: Quiet = False,
    conf: ConfOnly = None,
    prefix: Prefix = None,
    db_timeout: Ignored = None,
    lock_timeout: Ignored = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Make the tables in an empty database."""
    del force, db_timeout, lock_timeout
    tell = _Teller(quiet=quiet)
    options = _options(conf, prefix, verbose=v or vv)
    if _state(options).bootstrapped:
        tell("Database already bootstrapped")
        return
    tell("Bootstrapping database...")
    _migrate(options, tell)


@migrations.command()
def up(
    force: Force = False,
    quiet: Quiet = False,
    conf: ConfOnly = None,
    prefix: Prefix = None,
    db_timeout: Ignored = None,
    lock_timeout: Ignored = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Bring the tables up to date."""
    del force, db_timeout, lock_timeout
    tell = _Teller(quiet=quiet)
    options = _options(conf, prefix, verbose=v or vv)
    state = _state(options)
    if not state.bootstrapped:
        raise Failure("Cannot run migrations: database needs bootstrapping; run 'gateline migrations bootstrap'")
    if state.current:
        tell("Database is already up-to-date")
        return
    _migrate(options, tell)


@migrations.command()
def finish(
    force: Force = False,
    quiet: Quiet = False,
    conf: ConfOnly = None,
    prefix: Prefix = None,
    db_timeout: Ignored = None,
    lock_timeout: Ignored = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Finish an upgrade. `up` leaves nothing to finish."""
    del force, db_timeout, lock_timeout
    state = _state(_options(conf, prefix, verbose=v or vv))
    if not state.bootstrapped:
        raise Failure("Cannot run migrations: database needs bootstrapping; run 'gateline migrations bootstrap'")
    _Teller(quiet=quiet)("No pending migrations to finish")


@migrations.command("list")
def list_(
    quiet: Quiet = False,
    conf: ConfOnly = None,
    prefix: Prefix = None,
    db_timeout: Ignored = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """List what was run and what is to be run. Exits with 3 for a database without tables, 5 when there is something
    to run, else 0."""
    del db_timeout
    tell = _Teller(quiet=quiet)
    state = _state(_options(conf, prefix, verbose=v or vv))
    if not state.bootstrapped:
        tell("Database needs bootstrapping: run 'gateline migrations bootstrap'")
        raise typer.Exit(NOT_BOOTSTRAPPED)
    tell("Executed migrations:")
    tell(f"core: {', '.join(_executed(state))}")
    if new := _new(state):
        tell("")
        tell("New migrations available:")
        tell(f"core: {', '.join(new)}")
        tell("")
        tell("Run 'gateline migrations up' to proceed")
        raise typer.Exit(NEW)


@migrations.command()
def status(
    quiet: Quiet = False,
    conf: ConfOnly = None,
    prefix: Prefix = None,
    db_timeout: Ignored = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Say how the tables stand, as JSON."""
    del db_timeout
    state = _state(_options(conf, prefix, verbose=v or vv))
    executed, new = _executed(state), _new(state)
    told = {
        "needs_bootstrap": not state.bootstrapped,
        "executed_migrations": [{"subsystem": "core", "migrations": executed}] if executed else None,
        "pending_migrations": None,
        "new_migrations": [{"subsystem": "core", "migrations": new}] if new else None,
    }
    _Teller(quiet=quiet)(json.dumps(told, indent=2))


@migrations.command()
def reset(
    yes: Yes = False,
    force: Force = False,
    quiet: Quiet = False,
    conf: ConfOnly = None,
    prefix: Prefix = None,
    db_timeout: Ignored = None,
    lock_timeout: Ignored = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Drop the tables, with everything in them."""
    del force, db_timeout, lock_timeout
    from gateline.store.migrating import reset as drop

    tell = _Teller(quiet=quiet)
    options = _options(conf, prefix, verbose=v or vv)
    if not yes:
        if not sys.stdin.isatty():
            raise Failure("this is not a terminal, so nobody can be asked; confirm with --yes")
        if not typer.confirm("Are you sure? This operation is irreversible."):
            tell("Canceled")
            return
    if not _state(options).bootstrapped:
        raise Failure("Database not bootstrapped, nothing to reset")
    tell("Resetting database...")
    run(drop(options))
    tell("Database successfully reset")


def ensure(settings: Settings) -> None:
    """Make or bring up to date the tables that the settings need. Raises `Failure`."""
    if settings.database != "off":
        from gateline.control.places import store_options
        from gateline.store.migrating import migrate

        run(migrate(store_options(settings)))


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of work with a store. Raises `Failure` with the store's reason when it cannot be used."""
    from gateline.store import StoreUnavailable

    try:
        return asyncio.run(work)
    except StoreUnavailable as error:
        raise Failure(error.reason) from None


class _Teller:
    """Says things, or nothing."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def __call__(self, line: str) -> None:
        if not self._quiet:
            say(line)


def _options(conf: Path | None, prefix: Path | None, *, verbose: bool) -> StoreOptions:
    from gateline.control.places import store_options

    settings = load(source_of(None, conf, prefix), verbose=verbose).settings
    if settings.database == "off":
        raise Failure("there are no migrations with database = off")
    return store_options(settings)


def _state(options: StoreOptions) -> MigrationState:
    """How the database stands. Raises `Failure`, also when a newer release has migrated it."""
    from gateline.store.migrating import migration_state

    state = run(migration_state(options))
    if state.unknown:
        raise Failure(f"the database at {options.place} was migrated by a newer release (revision {state.unknown})")
    return state


def _migrate(options: StoreOptions, tell: _Teller) -> None:
    from gateline.store.migrating import migrate

    for done in run(migrate(options)):
        tell(f"core migrated up to: {done} (executed)")
    tell("Database is up-to-date")


def _executed(state: MigrationState) -> list[str]:
    return [one.revision for one in state.executed]


def _new(state: MigrationState) -> list[str]:
    return [*(one.revision for one in state.pending), *state.missing_kinds]
