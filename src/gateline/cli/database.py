"""`config db_import` and `config db_export`: between a file and the database, without a node."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gateline.cli.migrations import run
from gateline.cli.options import ConfOnly, Debug, Prefix, Verbose, source_of
from gateline.cli.output import Failure, say
from gateline.cli.start import load
from gateline.settings import Settings


def db_import(
    file: Annotated[Path, typer.Argument(help="A file, or a directory of files.", show_default=False)],
    conf: ConfOnly = None,
    prefix: Prefix = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Put the entities of a declarative configuration into the database; what is there besides stays."""
    settings = _settings("db_import", conf, prefix, verbose=v or vv)
    run(_import(settings, file))
    say("import successful")


def db_export(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("kong.yml"),
    conf: ConfOnly = None,
    prefix: Prefix = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Write what is in the database as a declarative configuration."""
    settings = _settings("db_export", conf, prefix, verbose=v or vv)
    if file.exists():
        raise Failure(f"{file} already exists. Will not overwrite it.")
    text = run(_export(settings))
    try:
        with file.open("x", encoding="utf-8") as target:
            target.write(text)
    except OSError as error:
        raise Failure(f"{file}: cannot be written: {error.strerror}") from None


def _settings(command: str, conf: Path | None, prefix: Path | None, *, verbose: bool) -> Settings:
    settings = load(source_of(None, conf, prefix), verbose=verbose).settings
    if settings.database == "off":
        raise Failure(
            f"'gateline config {command}' only works with a database. When using database=off, reload your "
            "declarative configuration using the /config endpoint."
        )
    return settings


async def _import(settings: Settings, file: Path) -> None:
    from gateline.admin.synchronising import carry_out, plan
    from gateline.control.checking import refuse_unusable
    from gateline.control.places import store_options
    from gateline.declarative import Difference, load_path
    from gateline.entities import EntityError
    from gateline.store import open_store

    wanted = load_path(file, environ=os.environ, router_flavor=settings.router_flavor)
    store = open_store(store_options(settings))
    await store.open()
    try:
        async with store.write(actor="gateline config db_import", reason=str(file)) as transaction:
            what = (await plan(store, wanted)).difference
            await carry_out(transaction, Difference(what.created, what.changed, ()))
            await refuse_unusable(transaction.change, settings.router_flavor)
    except EntityError as error:
        raise Failure(error.message) from None
    finally:
        await store.close()


async def _export(settings: Settings) -> str:
    from gateline.control.places import store_options
    from gateline.declarative import dump
    from gateline.entities import Snapshot
    from gateline.store import open_store

    store = open_store(store_options(settings))
    await store.open()
    try:
        whole = await store.whole()
    finally:
        await store.close()
    return dump(Snapshot(hash="", **whole.kinds))
