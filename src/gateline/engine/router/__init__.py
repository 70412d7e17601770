"""The router: which route takes a request, what its path condition took, and the path that the upstream sees.

`RouterBuilder` compiles routes into an immutable `Router`; `Router.match` answers for a request. `UpstreamPath` builds
the path for the upstream. Kong's flavours `traditional_compatible`, `traditional` and `expressions`.
"""

from gateline.engine.router.builder import Flavor, RouterBuilder, RouterEntry
from gateline.engine.router.interface import Captures, Match, RouteError, RouteLike, RouteRequest
from gateline.engine.router.matcher import Router
from gateline.engine.router.paths import UpstreamPath, decoded_path, encode_path, normalize_path
from gateline.engine.router.regexes import check_regex

__all__ = [
    "Captures",
    "Flavor",
    "Match",
    "RouteError",
    "RouteLike",
    "RouteRequest",
    "Router",
    "RouterBuilder",
    "RouterEntry",
    "UpstreamPath",
    "check_regex",
    "decoded_path",
    "encode_path",
    "normalize_path",
]
