"""`check`, `prepare` and `version`: what can be asked of settings and of the installation without a running node."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from gateline.cli.options import ConfOnly, Debug, Prefix, Verbose, is_conf, source_of
from gateline.cli.output import say
from gateline.cli.start import check_declarative, load
from gateline.version import KONG_VERSION, __version__


def check(
    file: Annotated[
        Path | None, typer.Argument(help="Conf file or declarative configuration.", show_default=False)
    ] = None,
    conf: ConfOnly = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Check settings, and the declarative configuration that they name."""
    named = file or conf
    settings_file = conf if file is None or not is_conf(file) else file
    declarative_file = [file] if file is not None and not is_conf(file) else None
    loaded = load(source_of(declarative_file, settings_file, None), verbose=v or vv)
    check_declarative(loaded)
    place = named or loaded.conf
    say(f"configuration at {place} is valid" if place else "configuration is valid")


def prepare(conf: ConfOnly = None, prefix: Prefix = None, v: Verbose = False, vv: Debug = False) -> None:
    """Make the directories below the prefix."""
    from gateline.control import prefix as prefixes

    loaded = load(source_of(None, conf, prefix), verbose=v or vv)
    prefixes.prepare(loaded.settings.prefix)


def version(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Versions of what it stands on, too.")] = False,
) -> None:
    """Print the version."""
    if not everything:
        say(KONG_VERSION if ctx.obj and ctx.obj.as_kong else __version__)
        return
    from gateline.engine.wire import codec

    say(f"Gateline: {__version__}")
    say(f"Kong: {KONG_VERSION} (the version whose interface it has)")
    say(f"Python: {platform.python_version()}")
    say(f"codec: {'compiled' if codec.COMPILED else 'Python'}")
    for package in ("uvloop", "pydantic", "google-re2", "cryptography", "msgspec"):
        say(f"{package}: {metadata.version(package)}")
