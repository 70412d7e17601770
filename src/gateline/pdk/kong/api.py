"""The object `kong` that a hook is given: every group of Kong's Python kit."""

from functools import lru_cache

from gateline.pdk.kong.client import Client
from gateline.pdk.kong.jwe import EnterpriseEdition
from gateline.pdk.kong.log import Log
from gateline.pdk.kong.node import Cluster, Ctx, Ip, Nginx, Node, Plugin, Router, Telemetry
from gateline.pdk.kong.request import Request
from gateline.pdk.kong.response import ClientResponse
from gateline.pdk.kong.service import Service
from gateline.pdk.kong.surface import Group, Styles, functions, surface
from gateline.pdk.kong.vault import Vault

__all__ = ["Kong", "paths", "surface_for"]


class Kong(Group):
    """`kong`."""

    __slots__ = ()

    groups = {  # noqa: RUF012 - a constant of the base's kind
        "client": Client,
        "cluster": Cluster,
        "ctx": Ctx,
        "enterprise_edition": EnterpriseEdition,
        "ip": Ip,
        "log": Log,
        "nginx": Nginx,
        "node": Node,
        "plugin": Plugin,
        "request": Request,
        "response": ClientResponse,
        "router": Router,
        "service": Service,
        "telemetry": Telemetry,
        "vault": Vault,
    }


@lru_cache(maxsize=1)
def paths() -> frozenset[str]:
    """The paths of all functions: `request.get_header`."""
    return frozenset(functions(Kong))


def surface_for(styles: Styles, phase: str) -> type[Kong]:
    """The class of `kong` for a plugin file's hooks of one phase."""
    made: type[Kong] = surface(Kong, styles, phase)  # type: ignore[assignment]
    return made
