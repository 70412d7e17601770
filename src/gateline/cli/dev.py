"""`dev`: the gateway in the foreground for someone who writes plugins, with a reload whenever a file is saved."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateline.cli.launch import Orders
from gateline.cli.options import Conf, Config, Prefix, source_of
from gateline.cli.output import Failure, say, strong
from gateline.cli.start import load
from gateline.settings import Settings, SettingsSource

if TYPE_CHECKING:
    from gateline.control.plugin_code import Stamp
    from gateline.control.state import Reload

_LOOK = 0.2
"""Seconds between two looks at the files. What changed is taken when it is the same at the next look."""
_DECLARATIVE = ("kong.yml", "kong.yaml", "gateline.yml", "gateline.yaml")
"""Taken in the present directory where no configuration is named."""

_TO_SEE_IT_ALL = {
    "worker_processes": "1",
    "log_level": "debug",
    "proxy_error_log": "/dev/stderr",
    "proxy_access_log": "/dev/stdout",
    "access_log_flush": "0",
}

PluginFolders = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin-folder",
        metavar="DIR",
        help="Directory of plugins, as the setting plugin_folders. May be given several times.",
        show_default=False,
    ),
]


def dev(
    config: Config = None,
    conf: Conf = None,
    prefix: Prefix = None,
    plugin_folder: PluginFolders = None,
) -> None:
    """Start the gateway for development: one worker, everything logged to the terminal, a reload on every save.

    Watched are the declarative configuration (kong.yml of this directory unless -c names another), the file of settings
    and the plugin folders. What a save breaks is told, and what was in force before serves on.
    """
    if not config and conf is None:
        config = [Path(name) for name in _DECLARATIVE if Path(name).is_file()][:1]
    source = _for_development(source_of(config, conf, prefix), plugin_folder or ())
    loaded = load(source)
    from gateline.control import prefix as prefixes

    prefixes.prepare(loaded.settings.prefix)
    with _running(source) as node:
        raise typer.Exit(_watch(node, loaded.settings, loaded.conf))


def _for_development(source: SettingsSource, folders: Sequence[Path]) -> SettingsSource:
    for folder in folders:
        if not folder.is_dir():
            raise Failure(f"no directory of plugins at: {folder}")
    overrides = {**_TO_SEE_IT_ALL, **source.overrides}
    if folders:
        overrides["plugin_folders"] = ",".join(str(folder.absolute()) for folder in folders)
    return SettingsSource(source.conf, source.environ, overrides, source.directory)


@contextmanager
def _running(source: SettingsSource) -> Iterator[subprocess.Popen[bytes]]:
    """The node, on this terminal; it is stopped at the end."""
    # Code that was changed twice within a second would be taken from the cache of the first change.
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    sys.stdout.flush()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    node = subprocess.Popen(Orders.of(source).command(), env=environ)  # noqa: S603 - our own interpreter and module
    try:
        yield node
    finally:
        if node.poll() is None:
            node.send_signal(signal.SIGTERM)
        node.wait()


def _watch(node: subprocess.Popen[bytes], settings: Settings, conf: Path | None) -> int:
    """Reload when something was saved, until the node ends; its exit code."""
    settled = seen = _stamp(settings, conf)
    while True:
        try:
            return node.wait(_LOOK)
        except subprocess.TimeoutExpired:
            pass
        except KeyboardInterrupt:  # the node has got the signal too, and ends
            return node.wait()
        now = _stamp(settings, conf)
        if now != settled and now == seen:
            settled = now
            _reload(node, settings.prefix)
        seen = now


def _stamp(settings: Settings, conf: Path | None) -> Stamp:
    from gateline.control.plugin_code import files_stamp, stamp

    declarative = settings.declarative_config
    named = [path for path in (declarative, conf) if path is not None]
    return stamp(settings) | files_stamp(named, ".yml") | files_stamp(named, ".yaml") | files_stamp(named, ".json")


def _reload(node: subprocess.Popen[bytes], prefix: Path) -> None:
    """Have the node reload, and say what came of it; why it failed stands in the node's log, on the same terminal."""
    before = _result(prefix)
    if before is None:  # it has not started yet: it will read what there is
        return
    begun = time.monotonic()
    node.send_signal(signal.SIGHUP)
    while node.poll() is None:
        now = _result(prefix)
        if now is not None and now.serial > before.serial:
            if now.ok:
                say(strong(f"Reloaded in {time.monotonic() - begun:.1f} s"))
            else:
                say(strong("Not reloaded: what was in force before serves on"))
            return
        time.sleep(_LOOK / 10)


def _result(prefix: Path) -> Reload | None:
    from gateline.control import state

    node = state.read(prefix)
    return node.reload if node is not None and node.status == "running" else None
