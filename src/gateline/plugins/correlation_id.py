"""Gives every request an id that the service and, if wanted, the client get in a header.

An id that the client sends is kept; an absent or blank one is made. It stands in the log record as `correlation_id`.
Answers of the gateway itself (a refusal, an error) carry it too with `echo_downstream`.

Generators:

- `uuid#counter`: a UUID of the worker, `#`, and how many ids it has made.
- `uuid`: a new UUID (version 4) for each request.
- `tracker`: `<server ip>-<server port>-<worker's process>-<connection>-<request on it>-<seconds since 1970>`.
"""

import os
from collections.abc import Callable
from functools import cache
from typing import Annotated

from gateline.pdk import Exchange, Plugin, PluginConfig
from gateline.pdk.fields import Field, HeaderName, OneOf

__all__ = ["Config", "CorrelationId"]

_LOGGED = "correlation_id"
_POOL = 4096
"""Random bytes that are fetched at once: a system call for each request costs more than the rest of its id."""


class Config(PluginConfig):
    """The header, and how its value is made."""

    header_name: Annotated[HeaderName, Field(description="The header that carries the id.")] = "Kong-Request-ID"
    generator: Annotated[str, OneOf(("uuid", "uuid#counter", "tracker")), Field(description="How an id is made.")] = (
        "uuid#counter"
    )
    echo_downstream: Annotated[bool, Field(description="Whether the client gets the id too.")] = False


class CorrelationId(Plugin[Config], name="correlation-id", hooks=("access", "header_filter")):
    """Makes or keeps the id of a request."""

    def __init__(self, config: Config) -> None:
        identifying = Identifying(config.header_name, _GENERATORS[config.generator](self))
        self.access = identifying.access
        if config.echo_downstream:
            self.header_filter = identifying.header_filter


Generator = Callable[[Exchange], str]


class Identifying:
    """The hooks."""

    __slots__ = ("_header", "_make")

    def __init__(self, header: str, make: Generator) -> None:
        self._header = header
        self._make = make

    def access(self, exchange: Exchange) -> None:
        """Find or make the id, and give it to the service."""
        given = exchange.request.header(self._header)
        if given is None or not given.strip():
            given = self._make(exchange)
            exchange.service_request.set_header(self._header, given)
        exchange.log_field(_LOGGED, given)

    def header_filter(self, exchange: Exchange) -> None:
        """Give it to the client; a request that was refused before `access` gets its id here."""
        known = exchange.logged(_LOGGED)
        if known is None:
            known = exchange.request.header(self._header)
            if known is None or not known.strip():
                known = self._make(exchange)
        exchange.response.set_header(self._header, known)


class Uuids:
    """UUIDs of version 4 (RFC 9562), in text form."""

    __slots__ = ("_at", "_pool")

    def __init__(self) -> None:
        self._pool = ""
        self._at = 0

    def __call__(self, _exchange: object = None) -> str:
        """A new one."""
        at = self._at
        if at == len(self._pool):
            self._pool = os.urandom(_POOL).hex()
            at = 0
        self._at = at + 32
        digits = self._pool[at : at + 32]
        variant = _VARIANTS[digits[16:17]]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def _uuid(_plugin: CorrelationId) -> Generator:
    return Uuids()


def _numbered(_plugin: CorrelationId) -> Generator:
    return _numbered_of(os.getpid())


@cache
def _numbered_of(_process: int) -> Generator:
    """The ids of a worker: all plugins of the process count together, and none before a fork with those after it."""
    return Numbered(Uuids()()).make


class Numbered:
    """Ids of a worker, with how many it has made."""

    __slots__ = ("_begin", "_made")

    def __init__(self, worker: str) -> None:
        self._begin = worker + "#"
        self._made = 0

    def make(self, _exchange: object) -> str:
        """A new one."""
        self._made += 1
        return f"{self._begin}{self._made}"


def _tracked(plugin: CorrelationId) -> Generator:
    process, node = os.getpid(), plugin.node

    def make(exchange: Exchange) -> str:
        connection = exchange.connection
        return (
            f"{connection.server_ip}-{connection.server_port}-{process}-{connection.serial}-{connection.requests}"
            f"-{node.time():.3f}"
        )

    return make


_GENERATORS: dict[str, Callable[[CorrelationId], Generator]] = {
    "uuid": _uuid,
    "uuid#counter": _numbered,
    "tracker": _tracked,
}
