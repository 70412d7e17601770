"""The plugin response-transformer-advanced: the rules of the plain one, each list for some status codes only, paths
into JSON, allow lists, whole new bodies, and bodies that come compressed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from gateline.pdk import Exchange
from gateline.plugins.response_transformer import headers
from gateline.plugins.response_transformer.bodies import JsonSteps
from gateline.plugins.response_transformer.config import AdvancedConfig
from gateline.plugins.response_transformer.plugin import BodyTransformer, document_of
from gateline.plugins.transformation.gzip import compressed, decompressed
from gateline.plugins.transformation.json_values import is_json

__all__ = ["ResponseTransformerAdvanced"]

S = TypeVar("S")

Statuses = frozenset[int] | None
"""Status codes; None for all."""


class ResponseTransformerAdvanced(BodyTransformer[AdvancedConfig], name="response-transformer-advanced"):
    """Changes an answer on its way to the client, depending on its status code."""

    def __init__(self, config: AdvancedConfig) -> None:
        remove, rename, replace, add, append = lists = (
            *(config.remove, config.rename, config.replace),
            *(config.add, config.append),
        )
        statuses = [_statuses(one.if_status) for one in lists]
        json = JsonSteps(dots_in_keys=config.dots_in_keys)
        header_steps = (
            headers.removing(remove.headers),
            headers.renaming(rename.headers),
            headers.replacing(replace.headers),
            headers.adding(add.headers),
            headers.appending(append.headers),
        )
        json_steps = (
            json.removing(remove.json),
            json.renaming(rename.json),
            json.replacing(replace.json, replace.json_types),
            json.adding(add.json, add.json_types),
            json.appending(append.json, append.json_types),
        )
        self._headers = _conditional(statuses, header_steps)
        self._json = _conditional(statuses, json_steps)
        self._allowed = None if config.allow.json is None else frozenset(config.allow.json)
        self._body = None if replace.body is None else replace.body.encode()
        self._body_statuses = statuses[2]
        self._dots_in_keys = config.dots_in_keys
        self._limit: int = self.node.setting("plugin_body_limit")
        if not self._json and self._allowed is None and self._body is None:
            self.idle_phases = "response", "body_filter"

    def header_filter(self, exchange: Exchange) -> None:
        """Change the headers."""
        for step in _chosen(self._headers, exchange.response.status):
            step(exchange)

    def transforms(self, exchange: Exchange) -> bool:
        """Whether some rule is about a body of this status and type."""
        status = exchange.response.status
        if self._replaces(status):
            return True
        if self._allowed is None and next(_chosen(self._json, status), None) is None:
            return False
        return is_json(exchange.response.header("content-type"))

    def _replaces(self, status: int) -> bool:
        return self._body is not None and (self._body_statuses is None or status in self._body_statuses)

    def transformed(self, exchange: Exchange, body: bytes) -> bytes | None:
        """The body after the rules, compressed again where it was."""
        response = exchange.response
        encoding = (response.header("content-encoding") or "identity").strip().lower()
        if self._replaces(response.status):
            if encoding == "gzip":
                return compressed(self._body or b"")
            if encoding != "identity":
                response.remove_header("content-encoding")
            return self._body
        if encoding == "gzip":
            plain = decompressed(body, self._limit)
            changed = None if plain is None else self._json_body(response.status, plain)
            return None if changed is None else compressed(changed)
        return self._json_body(response.status, body)

    def _json_body(self, status: int, body: bytes) -> bytes | None:
        document = document_of(body, dots_in_keys=self._dots_in_keys) if body else None
        if document is None:
            return None
        for step in _chosen(self._json, status):
            step(document)
        if self._allowed is not None:
            document.keep(self._allowed)
        return document.write() if document.changed else None


def _statuses(ranges: Sequence[str]) -> Statuses:
    if not ranges:
        return None
    codes: set[int] = set()
    for text in ranges:
        first, _, last = text.partition("-")
        codes.update(range(int(first), int(last or first) + 1))
    return frozenset(codes)


def _conditional(statuses: Sequence[Statuses], steps: Sequence[S | None]) -> tuple[tuple[Statuses, S], ...]:
    return tuple((codes, step) for codes, step in zip(statuses, steps, strict=True) if step is not None)


def _chosen(steps: Iterable[tuple[Statuses, S]], status: int) -> Iterator[S]:
    return (step for codes, step in steps if codes is None or status in codes)
