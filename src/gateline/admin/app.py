"""The two applications: the Admin API with every group of paths, and the status API, which only tells."""

from collections.abc import Iterable, Mapping

from gateline.admin import (
    config,
    consumers,
    debug,
    information,
    metrics,
    openapi,
    plugin_paths,
    plugins,
    schemas,
    tags,
    targets,
)
from gateline.admin.access import Access
from gateline.admin.certificates import Certificates
from gateline.admin.collection import Collection
from gateline.admin.consumers import Consumers
from gateline.admin.edge import Edge
from gateline.admin.entities import Endpoints
from gateline.admin.node import Node
from gateline.admin.plugins import Plugins
from gateline.admin.routing import Paths, Resource
from gateline.admin.targets import Targets
from gateline.entities import kinds

SPECIAL: Mapping[str, type[Collection]] = {
    "certificates": Certificates,
    "consumers": Consumers,
    "plugins": Plugins,
    "targets": Targets,
}
"""Kinds that are more than their declaration."""

OF_THEIR_OWN = frozenset({"consumer_group_consumers"})
"""Kinds whose paths a module makes by itself."""


def admin_app(node: Node) -> Edge:
    """The Admin API of a node."""
    resources: list[Resource] = [
        information.root(node),
        *information.health(node, lambda: edge.requests),
        *information.resources(node),
        *metrics.resources(node),
        information.endpoints(lambda: paths.names),
        openapi.resource(lambda: paths.resources, node),
        *config.resources(node),
        *debug.resources(node),
        *schemas.resources(node),
        *tags.resources(node),
        *plugins.resources(),
        *plugin_paths.resources(node),
        *_entities(node),
    ]
    paths = Paths(resources)
    edge = Edge(paths, node.settings, Access(node.settings))
    return edge


def status_app(node: Node, admin: Edge) -> Edge:
    """The status API of a node, which counts the requests to its Admin API as well as those to itself."""
    health = information.health(node, lambda: admin.requests + edge.requests)
    edge = Edge(Paths([*health, *metrics.resources(node)]), node.settings)
    return edge


def _entities(node: Node) -> Iterable[Resource]:
    flavor = node.settings.router_flavor
    collections = {
        kind: SPECIAL.get(kind, Collection)(model, flavor)
        for kind, model in kinds().items()
        if kind not in OF_THEIR_OWN
    }
    endpoints = Endpoints(node, collections)
    for kind, of in collections.items():
        if of.model.flat_path is not None:
            yield from endpoints.flat(kind)
        yield from endpoints.nested(kind)
    yield from targets.resources(node, endpoints, collections["upstreams"], collections["targets"])
    yield from consumers.resources(node, endpoints, collections["consumers"], collections["consumer_groups"])
