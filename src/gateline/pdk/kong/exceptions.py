"""What the functions of Kong's kit raise, and what ends a hook.

`PDKException` is the class of the package `kong_pdk` where that is installed, so that a plugin which catches it catches
ours too.
"""

import importlib
from importlib.util import find_spec
from typing import Any

from gateline.pdk.answers import Answer

__all__ = ["Exit", "Failure", "PDKException", "PluginServerException"]


class Failure(Exception):  # noqa: N818 - Lua's "nil, message", which is a result there
    """A function that has no value to give: the second thing that it returns, or the text of a PDKException."""


class Exit(BaseException):
    """`kong.response.exit` and `kong.response.error` end the hook."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def _classes() -> Any:
    """The module `kong_pdk.exception` of the installed package, None without one."""
    return importlib.import_module("kong_pdk.exception") if find_spec("kong_pdk") else None


_INSTALLED = _classes()


class _PDKException(Exception):  # noqa: N818 - Kong's name
    """A function of the kit was called wrongly, or could not do what was asked."""


class _PluginServerException(Exception):  # noqa: N818 - Kong's name
    """Something is wrong with the plugin server."""


PDKException: type[Exception] = _INSTALLED.PDKException if _INSTALLED else _PDKException
PluginServerException: type[Exception] = _INSTALLED.PluginServerException if _INSTALLED else _PluginServerException
