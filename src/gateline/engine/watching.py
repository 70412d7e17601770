"""Showing a service's answer to a plugin as it comes (`pdk.exchange.Watcher`). One that raises is named in the log, is
told that this is the end, and harms nobody else."""

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange
    from gateline.engine.plugin_run import PluginRun
    from gateline.pdk.answers import Answer

__all__ = ["begun", "ended", "failed", "shown"]

_log = logging.getLogger(__name__)


def begun(exchange: "Exchange", run: "PluginRun", length: int) -> "Answer | None":
    """The head is there; an answer to give in its place."""
    try:
        return None if run.watcher is None else run.watcher.begun(exchange, length)
    except Exception:
        _raised(exchange, run)
        return None


def failed(exchange: "Exchange", run: "PluginRun") -> "Answer | None":
    """There is no answer; one to give in place of the error."""
    try:
        return None if run.watcher is None else run.watcher.failed(exchange)
    except Exception:
        _raised(exchange, run)
        return None


def shown(exchange: "Exchange", run: "PluginRun", data: bytes) -> None:
    """A piece of the body."""
    try:
        if run.watcher is not None:
            run.watcher.data(data)
    except Exception:
        _raised(exchange, run)


def ended(exchange: "Exchange", run: "PluginRun", *, whole: bool) -> None:
    """The end, whichever."""
    watcher, run.watcher = run.watcher, None
    try:
        if watcher is not None:
            watcher.ended(whole=whole)
    except Exception:
        _raised(exchange, run)


def _raised(exchange: "Exchange", run: "PluginRun") -> None:
    _log.exception("what watches an answer failed (request id %s)", exchange.request_id.decode())
    ended(exchange, run, whole=False)
