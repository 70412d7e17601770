"""Expression routes as candidates of the router.

A route's `protocols` are added to its expression, except where they are https (or grpcs) alone: such a route is found
over http too, so that the engine can answer 426 or redirect.
"""

from collections.abc import Collection
from typing import final

from gateline.engine.router.candidates import Candidate
from gateline.engine.router.expressions.compiler import Take, compile_take, compile_test
from gateline.engine.router.expressions.parser import parse
from gateline.engine.router.expressions.predicates import RequestTest
from gateline.engine.router.expressions.requirements import constant_prefix, required_beginnings, required_hosts
from gateline.engine.router.hosts import HostKey
from gateline.engine.router.interface import Match, RouteLike, RouteRequest
from gateline.engine.router.paths import decoded_path, encoded_length
from gateline.engine.router.priority import expression_rank

__all__ = ["ExpressionCandidate", "expression_candidates"]

_PLAIN_PROTOCOL = {"grpc": "http", "grpcs": "https"}


@final
class ExpressionCandidate(Candidate):
    """A route with an expression, under one of the path beginnings that the expression asks for."""

    __slots__ = ("_holds", "_match", "_take")

    def __init__(self, rank: int, prefix: bytes, match: Match, holds: RequestTest, take: Take | None) -> None:
        super().__init__(rank, prefix, None)
        self._match = match
        self._holds = holds
        self._take = take

    def find(self, request: RouteRequest) -> Match | None:
        """The match if the expression holds; a new one where what was taken depends on the request."""
        if not self._holds(request):
            return None
        match = self._match
        if self._take is None:
            return match
        path = request.path
        text = decoded_path(path)
        taken = self._take(request, text)
        if taken is None:
            return match
        return Match(match.route, path[: encoded_length(path, text, taken.length)], taken.captures, match.rank)


def expression_candidates(
    route: RouteLike, target: object, expression: str
) -> tuple[set[HostKey] | None, list[ExpressionCandidate]]:
    """The hosts of which a request must have one (None: any) and the candidates; raise `RouteError` on `expression`."""
    tree = parse(expression)
    holds = _with_protocols(compile_test(expression, tree), route.protocols)
    constant = constant_prefix(tree)
    take = None if constant is not None else compile_take(expression, tree)
    rank = expression_rank(route)
    match = Match(target, constant, None, rank)
    beginnings = required_beginnings(tree) or {b""}
    return required_hosts(tree), [ExpressionCandidate(rank, start, match, holds, take) for start in beginnings]


def _with_protocols(holds: RequestTest, protocols: Collection[str]) -> RequestTest:
    plain = {_PLAIN_PROTOCOL.get(protocol, protocol) for protocol in protocols}
    http, https = "http" in plain, "https" in plain
    if not plain or https:
        # https alone is found over http as well (see above); with both there is nothing to test
        return holds
    return lambda request: http and not request.tls and holds(request)
