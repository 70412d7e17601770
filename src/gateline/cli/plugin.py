"""`plugin`: the plugins that can be used, and the beginning of a new one."""

from __future__ import annotations

import inspect
import re
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateline.cli import plugin_template
from gateline.cli.dev import PluginFolders
from gateline.cli.options import ConfOnly, source_of
from gateline.cli.output import Failure, say
from gateline.settings import SettingsSource

if TYPE_CHECKING:
    from gateline.pdk import Plugin

plugin = typer.Typer(help="Plugins: those that there are, and new ones.", no_args_is_help=True)

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 64


@plugin.command()
def new(
    name: Annotated[
        str, typer.Argument(help="Its name: lower-case letters, digits, and dashes between them.", show_default=False)
    ],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="DIR",
            help="Write a single file into this plugin folder, not a package.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a plugin that works, with its test: a package in a new directory, or a file in a plugin folder.

    A package is installed with pip and then named in the setting plugins; in a plugin folder it is found as it is.
    """
    _check_name(name, in_package=folder is None)
    files = plugin_template.package(name) if folder is None else plugin_template.single_file(name)
    target = Path(name) if folder is None else folder
    taken = [target / place for place in files if (target / place).exists()]
    if taken:
        raise Failure(*(f"{path} already exists. Will not overwrite it." for path in taken))
    for place, text in files.items():
        path = target / place
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        say(f"wrote {path}")
    watched = target if folder is not None else target / "src"
    say()
    say(f"test it:  python -m pytest {target / 'tests'}")
    say(f"try it:   gateline dev --plugin-folder {watched}")


@plugin.command("list")
def list_(conf: ConfOnly = None, plugin_folder: PluginFolders = None) -> None:
    """List the plugins that can be used: name, version, priority, phases, and where each comes from."""
    from gateline.pdk.discovery import PluginLoadError, Plugins

    source = source_of(None, conf, None)
    settings = source.load().settings
    known = Plugins(settings.plugins, (*settings.plugin_folders, *_present(plugin_folder, source)))
    try:
        known.load_all()
    except PluginLoadError as error:
        raise Failure(str(error)) from None
    packages = {
        point.name: point.dist.name for point in entry_points(group="gateline.plugins") if point.dist is not None
    }
    rows = [("NAME", "VERSION", "PRIORITY", "PHASES", "SOURCE")]
    rows += [_row(name, one, packages.get(name)) for name, one in sorted(known.classes.items())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _present(folders: list[Path] | None, source: SettingsSource) -> list[Path]:
    for folder in folders or ():
        if not folder.is_dir():
            raise Failure(f"no directory of plugins at: {folder}")
    return [source.directory / folder for folder in folders or ()]


def _row(name: str, known: type[Plugin[Any]], package: str | None) -> tuple[str, str, str, str, str]:
    return name, known.version, str(known.priority), ", ".join(known.phases()), _source(known, package)


def _source(known: type[Plugin[Any]], package: str | None) -> str:
    module = known.__module__
    if module.startswith("gateline.plugins."):
        return "bundled"
    if module.startswith("gateline_plugin_") or package is None:
        loaded = sys.modules.get(module)
        return str(getattr(loaded, "__file__", None) or inspect.getfile(known))
    return f"package {package}"


def _check_name(name: str, *, in_package: bool) -> None:
    """Raises Failure for a name that no plugin can have, or that another one has."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise Failure(
            f"'{name}' cannot be the name of a plugin: expected lower-case letters, digits, and dashes between them, "
            f"at most {_LONGEST_NAME}"
        )
    if any(point.name == name for point in entry_points(group="gateline.plugins")):
        raise Failure(f"there is a plugin '{name}' already; expected another name")
    module = plugin_template.module_of(name)
    if in_package and (module in sys.stdlib_module_names or module == "gateline"):
        raise Failure(
            f"'{name}' cannot be the name of a package: Python has a module '{module}'; expected another name"
        )
