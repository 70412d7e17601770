"""The plugins pre-function and post-function: hooks made of the codes of each phase."""

import logging
from collections.abc import Callable, Sequence
from inspect import iscoroutinefunction
from typing import Any

from gateline.pdk import ErrorResponse, Exchange, Plugin, PluginError, Response
from gateline.plugins.serverless.code import CodePhase, function_of
from gateline.plugins.serverless.config import AT_LEAST_ONE, PHASES, Config

__all__ = ["PostFunction", "PreFunction"]

_log = logging.getLogger(__name__)

Hook = Callable[..., Any]


class _Functions(Plugin[Config], hooks=PHASES):
    """An instance has the hooks of the phases for which there is code, and no other."""

    def __init__(self, config: Config) -> None:
        allowed: bool = self.node.setting("untrusted_python")
        if not allowed:
            _log.error("plugin %s is not run: untrusted_python is off; its requests get 500", self.name)
        for phase in PHASES:
            sources: Sequence[str] = getattr(config, phase)
            if sources:
                setattr(self, phase, self._hook(phase, sources) if allowed else _refusing(phase, self.name))

    def _hook(self, phase: CodePhase, sources: Sequence[str]) -> Hook:
        names = {
            "Response": Response,
            "ErrorResponse": ErrorResponse,
            "node": self.node,
            "log": logging.getLogger(f"gateline.plugins.{self.name}"),
        }
        functions: list[Hook] = []
        for place, source in enumerate(sources):
            label = f"{self.name} {phase}[{place + 1}]"
            try:
                functions.append(function_of(source, phase, names, label))
            except Exception as error:
                # The set-up of a code is a stranger's: whatever it raises is said with its place.
                raise PluginError(f"{label}: {type(error).__name__}: {error}") from error
        if len(functions) == 1:
            return functions[0]
        if phase == "body_filter":
            return _filtering(functions)
        return _waiting(functions) if any(map(iscoroutinefunction, functions)) else _in_turn(functions)


class PreFunction(_Functions, name="pre-function", no_consumer=True, no_consumer_group=True, checks=(AT_LEAST_ONE,)):
    """Python code that runs before all other plugins."""


class PostFunction(_Functions, name="post-function", no_consumer=True, no_consumer_group=True, checks=(AT_LEAST_ONE,)):
    """Python code that runs after all other plugins."""


def _in_turn(functions: Sequence[Hook]) -> Hook:
    """One after the other; the first that returns something ends it."""

    def hook(exchange: Any) -> Any:
        for function in functions:
            outcome = function(exchange)
            if outcome is not None:
                return outcome
        return None

    return hook


def _waiting(functions: Sequence[Hook]) -> Hook:
    """The same, where some are coroutine functions."""
    steps = [(function, iscoroutinefunction(function)) for function in functions]

    async def hook(exchange: Any) -> Any:
        for function, waits in steps:
            outcome = await function(exchange) if waits else function(exchange)
            if outcome is not None:
                return outcome
        return None

    return hook


def _filtering(functions: Sequence[Hook]) -> Hook:
    """Each gets what the one before made of the data."""

    def hook(exchange: Any, data: bytes, last: bool) -> bytes:
        for function in functions:
            changed = function(exchange, data, last)
            if changed is not None:
                data = changed
        return data

    return hook


def _refusing(phase: CodePhase, name: str) -> Hook:
    """What stands in for code that is not run: the request fails, where it still can."""

    def refuse(_: Exchange) -> ErrorResponse:
        return ErrorResponse(500)

    def fail(*_: Any) -> None:
        raise PluginError(f"the code of {name} is not run: untrusted_python is off")

    def nothing(*_: Any) -> None:
        return None

    if phase in ("rewrite", "access"):
        return refuse
    return nothing if phase == "log" else fail
