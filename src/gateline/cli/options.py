"""The options that several commands share, and what they say about where settings come from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gateline.cli.output import Failure
from gateline.settings import SettingsSource
from gateline.settings.conffile import parse_conf
from gateline.settings.errors import SettingsError

Config = Annotated[
    list[Path] | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="Declarative configuration (.yml, .yaml, .json, a directory), or a conf file (.conf). May be given twice.",
        show_default=False,
    ),
]
Conf = Annotated[
    Path | None,
    typer.Option("--conf", metavar="FILE", help="File with the node's settings.", show_default=False),
]
ConfOnly = Annotated[
    Path | None,
    typer.Option("--conf", "-c", metavar="FILE", help="File with the node's settings.", show_default=False),
]
Prefix = Annotated[
    Path | None,
    typer.Option("--prefix", "-p", metavar="DIR", help="Directory of the node.", show_default=False),
]
Verbose = Annotated[bool, typer.Option("--v", help="Say more.")]
Debug = Annotated[bool, typer.Option("--vv", help="Say everything.")]


def source_of(config: list[Path] | None, conf: Path | None, prefix: Path | None) -> SettingsSource:
    """Where the settings of a command with these options come from. Raises `Failure` for a contradiction."""
    overrides: dict[str, str] = {}
    for path in config or ():
        if is_conf(path):
            if conf is not None:
                raise Failure(f"two conf files are given, {conf} and {path}; expected one")
            conf = path
        elif "declarative_config" in overrides:
            raise Failure(
                f"two declarative configurations are given, {overrides['declarative_config']} and {path}; "
                "expected one file, or a directory"
            )
        else:
            overrides["declarative_config"] = str(path)
    if prefix is not None:
        overrides["prefix"] = str(prefix)
    return SettingsSource(conf, dict(os.environ), overrides, Path.cwd())


def is_conf(path: Path) -> bool:
    """Whether a file given with `-c` holds settings: its name says so, or else its lines. Raises `Failure`."""
    if path.is_dir() or path.suffix in (".yml", ".yaml", ".json"):
        if not path.exists():
            raise Failure(f"no file at: {path}")
        return False
    if path.suffix == ".conf":
        return True
    try:
        parse_conf(path.read_text("utf-8"), str(path))
    except FileNotFoundError:
        raise Failure(f"no file at: {path}") from None
    except OSError as error:
        raise Failure(f"{path}: cannot be read: {error.strerror}") from None
    except (SettingsError, UnicodeDecodeError):
        return False
    return True
