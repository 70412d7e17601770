"""Configurations of a worker, and requests, for tests of changes."""

from collections.abc import Sequence
from typing import Any, cast

from gateline.engine.configuration import Change, Configuration
from gateline.engine.router import Flavor
from gateline.engine.upstream.pool import Factory, KeepAlive, Pools
from gateline.engine.wire.http1_upstream import UpstreamConnection
from gateline.entities import Entity, Route, Service, Target, Upstream
from unit.engine.router.routing import make_request

Entities = Sequence[Entity]

TURNS = 4096
"""So many turns reach every target that has a weight in a test."""


def identifier(number: int) -> str:
    """An id."""
    return f"00000000-0000-4000-8000-{number:012}"


def service(number: int = 0, **fields: Any) -> Service:
    """A service whose host is its own unless said otherwise."""
    return Service.parse(
        {"id": identifier(number), "host": f"s{number}.test", "created_at": 1, "updated_at": 1, **fields}
    )


def route(number: int = 0, of: int | None = 0, **fields: Any) -> Route:
    """A route of a service, by path."""
    own = {"id": identifier(number), "paths": [f"/{number}"], "created_at": 1, "updated_at": 1}
    return Route.parse({**own, "service": None if of is None else {"id": identifier(of)}, **fields})


def upstream(number: int = 0, **fields: Any) -> Upstream:
    """An upstream."""
    return Upstream.parse(
        {"id": identifier(number), "name": f"u{number}.test", "created_at": 1, "updated_at": 1, **fields}
    )


def target(number: int = 0, of: int = 0, **fields: Any) -> Target:
    """A target of an upstream."""
    own = {"id": identifier(number), "target": f"t{number}.test:80", "created_at": 1, "updated_at": 1}
    return Target.parse({**own, "upstream": {"id": identifier(of)}, **fields})


def empty_configuration(flavor: Flavor = "traditional_compatible") -> Configuration:
    """A configuration with nothing in it."""
    return Configuration(flavor, Pools(cast(Factory, UpstreamConnection), KeepAlive()))


def prepared(configuration: Configuration, *put: Entity, delete: Entities = (), full: bool = False) -> Change:
    """A change, not prepared yet."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for entity in put:
        rows.setdefault(entity.kind, []).append(entity.to_wire())
    ids: dict[str, list[str]] = {}
    for entity in delete:
        ids.setdefault(entity.kind, []).append(entity.id)
    return Change(configuration, configuration.runtime.version + 1, "", put=rows, delete=ids, full=full)


def put_in_force(configuration: Configuration, *put: Entity, delete: Entities = (), full: bool = False) -> None:
    """Change the configuration."""
    _finish(prepared(configuration, *put, delete=delete, full=full))


def put_rows(configuration: Configuration, put: dict[str, list[dict[str, Any]]], delete: dict[str, list[str]]) -> None:
    """Change the configuration by rows and ids."""
    _finish(Change(configuration, configuration.runtime.version + 1, "", put=put, delete=delete))


def _finish(change: Change) -> None:
    for _ in change.steps():
        pass
    change.commit()
    for _ in change.release():
        pass


def compiled(configuration: Configuration, path: str, host: str = "a.test") -> Any:
    """The compiled route that takes a request, None where there is none."""
    match = configuration.runtime.router.match(make_request(path, host))
    return None if match is None else match.route


def hosts_in_turn(balancer: Any) -> list[str]:
    """The names of the hosts of a balancer's targets that have a weight."""
    exchange = make_request("/", "a.test")
    if balancer.pick(exchange) is None:
        return []
    lines = {balancer.pick(exchange).host_line for _ in range(TURNS)}
    return sorted(line.decode().removeprefix(" HTTP/1.1\r\nHost: ").strip() for line in lines)
