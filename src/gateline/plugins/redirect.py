"""Answers with another place to go to.

With `keep_incoming_path`, path and query of `location` are replaced by those of the request, so that an API that has
moved as a whole needs one plugin. It comes after authentication and limits.
"""

from typing import Annotated
from urllib.parse import urlsplit

from gateline.pdk import Exchange, Plugin, PluginConfig, Response
from gateline.pdk.fields import Between, Field, Url

__all__ = ["Config", "Redirect"]

_BODY = "redirecting"


class Config(PluginConfig):
    """Where to."""

    status_code: Annotated[int, Between(100, 599), Field(description="The status of the answer.")] = 301
    location: Annotated[Url, Field(description="The URL to go to.")]
    keep_incoming_path: Annotated[
        bool, Field(description="Take path and query from the request, not from `location`.")
    ] = False


class Redirect(Plugin[Config], name="redirect"):
    """Sends clients elsewhere."""

    def __init__(self, config: Config) -> None:
        self._status = config.status_code
        self._answer = Response(config.status_code, _BODY, {"Location": config.location})
        self._place: tuple[str, str] | None = None
        if config.keep_incoming_path:
            parts = urlsplit(config.location)
            self._place = f"{parts.scheme}://{parts.netloc}", f"#{parts.fragment}" if parts.fragment else ""

    def access(self, exchange: Exchange) -> Response:
        """Answer."""
        if self._place is None:
            return self._answer
        before, after = self._place
        request = exchange.request
        query = f"?{request.query}" if request.query else ""
        return Response(self._status, _BODY, {"Location": f"{before}{request.path}{query}{after}"})
