"""The plugin response-transformer, and what the advanced one shares with it: when bodies are asked for."""

import logging
from typing import Generic, TypeVar

from gateline.pdk import Exchange, Plugin, PluginConfig
from gateline.plugins.response_transformer import headers
from gateline.plugins.response_transformer.bodies import JsonSteps
from gateline.plugins.response_transformer.config import Config
from gateline.plugins.transformation.json_documents import Document
from gateline.plugins.transformation.json_values import is_json

__all__ = ["BodyTransformer", "ResponseTransformer", "document_of"]

C = TypeVar("C", bound=PluginConfig)

_log = logging.getLogger(__name__)


class BodyTransformer(Plugin[C], Generic[C]):
    """Changes bodies of answers: the service's in `response`, which keeps them whole, the gateway's in `body_filter`.

    What derives from it says in `transforms` which bodies, and makes the new one in `transformed`.
    """

    def transforms(self, exchange: Exchange) -> bool:
        """Whether this answer's body is one to change."""
        raise NotImplementedError

    def transformed(self, exchange: Exchange, body: bytes) -> bytes | None:
        """The new body, None to leave it as it is."""
        raise NotImplementedError

    def reads_response(self, exchange: Exchange) -> bool:
        """Whether there is a body, and one to change."""
        return exchange.request.method != "HEAD" and self.transforms(exchange)

    def response(self, exchange: Exchange) -> None:
        """Change the body of a service's answer."""
        body = exchange.response.body
        if body is not None and (changed := self.transformed(exchange, body)) is not None:
            exchange.response.set_body(changed)

    def body_filter(self, exchange: Exchange, data: bytes, last: bool) -> bytes | None:
        """Change the body of an answer of the gateway's own, which comes in one piece."""
        return self.transformed(exchange, data) if last and exchange.response.source != "service" else None


def document_of(body: bytes, *, dots_in_keys: bool = True) -> Document | None:
    """The document of a body; None, with a warning, where it is none."""
    document = Document.read(body, dots_in_keys=dots_in_keys)
    if document is None:
        _log.warning("body transform failed: failed parsing json body")
    return document


class ResponseTransformer(
    BodyTransformer[Config], name="response-transformer", hooks=("response", "header_filter", "body_filter")
):
    """Changes an answer on its way to the client."""

    def __init__(self, config: Config) -> None:
        json = JsonSteps(dots_in_keys=True)
        header_steps = (
            headers.removing(config.remove.headers),
            headers.renaming(config.rename.headers),
            headers.replacing(config.replace.headers),
            headers.adding(config.add.headers),
            headers.appending(config.append.headers),
        )
        json_steps = (
            json.removing(config.remove.json),
            json.renaming(config.rename.json),
            json.replacing(config.replace.json, config.replace.json_types),
            json.adding(config.add.json, config.add.json_types),
            json.appending(config.append.json, config.append.json_types),
        )
        steps = tuple(step for step in header_steps if step)
        if steps:
            self.header_filter = steps[0] if len(steps) == 1 else headers.in_turn(steps)
        self._json = tuple(step for step in json_steps if step)
        if not self._json:
            self.idle_phases = "response", "body_filter"

    def transforms(self, exchange: Exchange) -> bool:
        """Whether the body is JSON and some rule is about it."""
        return bool(self._json) and is_json(exchange.response.header("content-type"))

    def transformed(self, exchange: Exchange, body: bytes) -> bytes | None:  # noqa: ARG002 - as the advanced one
        """The body after the rules."""
        document = document_of(body) if body else None
        if document is None:
            return None
        for step in self._json:
            step(document)
        return document.write() if document.changed else None
