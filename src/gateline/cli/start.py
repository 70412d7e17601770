"""`start` and `restart`: checks what it is asked to start, then becomes the node or sends it to the background."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from gateline.cli.launch import Orders, last_orders
from gateline.cli.options import Conf, Config, Debug, Prefix, Verbose, source_of
from gateline.cli.output import Failure, say, warn
from gateline.cli.running import alive, stop_node
from gateline.pdk import permissions
from gateline.pdk.discovery import PluginLoadError, Plugins
from gateline.settings import LoadedSettings, Settings, SettingsSource, find_prefix

Daemon = Annotated[
    bool | None,
    typer.Option("--daemon/--no-daemon", help="Go to the background once ready.", show_default=False),
]
Ignored = Annotated[str | None, typer.Option(hidden=True)]

_POLL = 0.5
"""Seconds between looks whether a daemon that says nothing is still alive."""


def start(
    ctx: typer.Context,
    config: Config = None,
    conf: Conf = None,
    prefix: Prefix = None,
    daemon: Daemon = None,
    nginx_conf: Ignored = None,
    nginx_conf_flags: Ignored = None,
    run_migrations: Annotated[
        bool, typer.Option("--run-migrations", help="Bring the tables of the database up to date before.")
    ] = False,
    db_timeout: Ignored = None,
    lock_timeout: Ignored = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Start the gateway, in the foreground unless told otherwise."""
    del db_timeout, lock_timeout  # a database that is not there is waited for while the node serves
    for name, value in (("--nginx-conf", nginx_conf), ("--nginx-conf-flags", nginx_conf_flags)):
        if value is not None:
            warn([f"{name} has no effect: there is no nginx"])
    source = source_of(config, conf, prefix)
    loaded = load(source, verbose=v or vv)
    if run_migrations:
        from gateline.cli.migrations import ensure

        ensure(loaded.settings)
    as_kong = bool(ctx.obj and ctx.obj.as_kong)
    in_background = daemon if daemon is not None else as_kong and loaded.settings.nginx_daemon
    begin(source, loaded, in_background=in_background, as_kong=as_kong)


def restart(
    ctx: typer.Context,
    config: Config = None,
    conf: Conf = None,
    prefix: Prefix = None,
    daemon: Daemon = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Stop the node if it runs and start it again, in the background unless told otherwise.

    Without files it starts as it was started last.
    """
    source = source_of(config, conf, prefix)
    place = find_prefix(source)
    last = last_orders(place)
    if last is not None and not config and conf is None:
        source = last.source()
        source = SettingsSource(
            source.conf, source.environ, {**source.overrides, "prefix": str(place)}, source.directory
        )
    loaded = load(source, verbose=v or vv)
    check_declarative(loaded)
    if stop_node(place):
        say("Kong stopped")
    as_kong = bool(ctx.obj and ctx.obj.as_kong)
    in_background = daemon if daemon is not None else not as_kong or loaded.settings.nginx_daemon
    begin(source, loaded, in_background=in_background, as_kong=as_kong)


def load(source: SettingsSource, *, verbose: bool = False) -> LoadedSettings:
    """The settings, with their warnings said. Raises `SettingsError`."""
    loaded = source.load()
    warn(loaded.warnings)
    load_plugins(loaded.settings)
    if verbose:
        say(f"reading the settings from {loaded.conf or 'the environment'}")
        say(f"prefix in use: {loaded.settings.prefix}")
        shown = loaded.settings.masked()
        for name in sorted(loaded.given):
            say(f"{name} = {json.dumps(shown.get(name))}")
    return loaded


def load_plugins(settings: Settings) -> None:
    """Load the plugins, so that what names them can be checked. Raises `Failure`."""
    try:
        permissions.allow(untrusted_python=settings.untrusted_python, database=settings.database != "off")
        Plugins(settings.plugins, settings.plugin_folders).load_all()
    except PluginLoadError as error:
        raise Failure(str(error)) from None


def check_declarative(loaded: LoadedSettings) -> None:
    """Raises `DeclarativeError` where the declarative configuration that the settings name cannot be used."""
    from gateline import declarative

    settings = loaded.settings
    if settings.declarative_config is not None:
        declarative.load_path(settings.declarative_config, environ=os.environ, router_flavor=settings.router_flavor)
    elif settings.declarative_config_string is not None:
        declarative.load_text(
            settings.declarative_config_string,
            source="declarative_config_string",
            environ=os.environ,
            router_flavor=settings.router_flavor,
        )


def begin(source: SettingsSource, loaded: LoadedSettings, *, in_background: bool, as_kong: bool) -> None:
    """Becomes the node, or starts it in the background and waits until it is ready. The former does not return."""
    from gateline.control import prefix

    prefix.prepare(loaded.settings.prefix)
    if not in_background:
        orders = Orders.of(source, quiet=as_kong)
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, orders.command())  # noqa: S606 - no shell, our own module
    ready = _start_daemon(source, loaded.settings.proxy_error_log)
    say("Kong started")
    if not as_kong:
        for line in ready:
            say(line)


def _start_daemon(source: SettingsSource, log: Path | None) -> list[str]:
    """Lines that describe the node that is ready. Raises `Failure` with the node's words if it does not come up."""
    reading, writing = os.pipe()
    with _log_file(log) as output, os.fdopen(reading, "rb", buffering=0) as pipe:
        first = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            Orders.of(source, report=writing).command(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(writing,),
            start_new_session=True,
        )
        os.close(writing)
        first.wait()
        return _await_ready(pipe.fileno(), log)


def _await_ready(pipe: int, log: Path | None) -> list[str]:
    pid = 0
    try:
        for message in _messages(pipe):
            pid = message.get("pid", pid)
            if "errors" in message:
                raise Failure(*message["errors"])
            if "ready" in message:
                return [str(line) for line in message["ready"]]
            if message.get("silent") and pid and not alive(pid):
                break
    except KeyboardInterrupt:
        if pid and alive(pid):
            os.kill(pid, signal.SIGTERM)
        raise
    raise Failure(
        f"the node ended before it was ready; {log} may say why" if log else "the node ended before it was ready"
    )


def _messages(pipe: int) -> Iterator[dict[str, Any]]:
    """What the daemon says, and `{"silent": true}` when it says nothing for a while; ends when the pipe is closed."""
    pending = b""
    while True:
        if not select.select([pipe], [], [], _POLL)[0]:
            yield {"silent": True}
            continue
        received = os.read(pipe, 65536)
        if not received:
            return
        *lines, pending = (pending + received).split(b"\n")
        yield from (json.loads(line) for line in lines)


def _log_file(path: Path | None) -> Any:
    path = Path(os.devnull) if path is None else path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640), "ab", buffering=0)
    except OSError as error:
        raise Failure(f"cannot write the log {path}: {error.strerror}") from None
