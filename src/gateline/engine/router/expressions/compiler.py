"""From a syntax tree to closures: does a request fulfil it, and what did its path predicates take.

`strip_path` removes what the path predicate took: the constant of `http.path ^=` or `==`, or what the regex of
`http.path ~` matched, if that was at the path's start. Where several predicates took something the last one that was
needed counts; what stands under a `!` takes nothing.
"""

from collections.abc import Callable
from typing import NamedTuple

from gateline.engine.router.expressions.predicates import RequestTest, lowered, predicate_regex, predicate_test
from gateline.engine.router.expressions.requirements import names_path
from gateline.engine.router.expressions.syntax import And, Expression, Not, Or, Predicate
from gateline.engine.router.interface import Captures, RouteRequest
from gateline.engine.router.regexes import Regex

__all__ = ["PathTaken", "Take", "compile_take", "compile_test"]


class PathTaken(NamedTuple):
    """What a path predicate took: so many bytes of the decoded path, and a regex's groups if it has any."""

    length: int
    captures: Captures | None


Take = Callable[[RouteRequest, bytes], PathTaken | None]
"""Of a request that fulfils the expression, and its decoded path."""


def compile_test(text: str, tree: Expression) -> RequestTest:
    """Whether a request fulfils the tree; `text` is the expression, for the `RouteError` of one that makes no sense."""
    match tree:
        case Predicate():
            return predicate_test(text, tree)
        case Not(term):
            return _not(compile_test(text, term))
        case And(terms):
            return _all_of(tuple(compile_test(text, term) for term in terms))
        case Or(terms):
            return _one_of(tuple(compile_test(text, term) for term in terms))


def compile_take(text: str, tree: Expression) -> Take | None:
    """What the tree takes of the path; None where nothing in it takes anything."""
    if not names_path(tree):
        return None
    match tree:
        case And(terms):
            return _last_taken(tuple(take for term in terms if (take := compile_take(text, term)) is not None))
        case Or(terms):
            return _taken_by_first(tuple((compile_test(text, term), compile_take(text, term)) for term in terms))
        case Predicate(operator="~"):
            return _taken_by_regex(predicate_regex(text, tree), lower=tree.lower)
        case Predicate(value=value):
            return _taken_always(len(str(value).encode("utf-8", "surrogatepass")))
        case Not():
            return None


def _not(test: RequestTest) -> RequestTest:
    return lambda request: not test(request)


def _all_of(tests: tuple[RequestTest, ...]) -> RequestTest:
    def all_of(request: RouteRequest) -> bool:
        for test in tests:  # noqa: SIM110 (a generator costs more than the tests)
            if not test(request):
                return False
        return True

    return all_of


def _one_of(tests: tuple[RequestTest, ...]) -> RequestTest:
    def one_of(request: RouteRequest) -> bool:
        for test in tests:  # noqa: SIM110
            if test(request):
                return True
        return False

    return one_of


def _taken_always(length: int) -> Take:
    taken = PathTaken(length, None)
    return lambda _request, _path: taken


def _taken_by_regex(regex: Regex, *, lower: bool) -> Take:
    def take(_request: RouteRequest, path: bytes) -> PathTaken | None:
        path = lowered(path) if lower else path
        spans = regex.search(path)
        if spans is None or spans[0][0] != 0:
            return None
        captures = None
        if regex.groups:
            captures = Captures(tuple([path[start:end] if start >= 0 else None for start, end in spans]), regex.names)
        return PathTaken(spans[0][1], captures)

    return take


def _last_taken(takes: tuple[Take, ...]) -> Take:
    def take(request: RouteRequest, path: bytes) -> PathTaken | None:
        last = None
        for one in takes:
            last = one(request, path) or last
        return last

    return take


def _taken_by_first(branches: tuple[tuple[RequestTest, Take | None], ...]) -> Take:
    def take(request: RouteRequest, path: bytes) -> PathTaken | None:
        for test, one in branches:
            if test(request):
                return None if one is None else one(request, path)
        return None

    return take
