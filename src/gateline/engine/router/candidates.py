"""Candidates: what a route can match with, one for each of its paths, compiled from the route's text.

A candidate has a rank, the beginning that every path it takes has (the key of the path index), and, unless it takes
every request that arrives there, a `find` that decides. Facts of Kong that this module rests on:

- The protocol takes no part in matching in both classic flavours: an https-only route seen over http matches, so that
  the engine
  can answer 426 or redirect, and an http-only route seen over TLS is served. (Expression routes do get `net.protocol`.)
- `snis` count in the priority always, but are tested on TLS connections only.
- A header condition holds when any of the request's values of that name does.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from gateline.engine.router.hosts import ServerNames, host_key
from gateline.engine.router.interface import Captures, Match, RouteError, RouteLike, RouteRequest
from gateline.engine.router.paths import decoded_path, encode_path, encoded_length, normalize_path
from gateline.engine.router.priority import compatible_rank, traditional_rank
from gateline.engine.router.regexes import Regex, RegexError, literal_prefix

__all__ = ["Candidate", "ConditionalCandidate", "Conditions", "HeaderCondition", "RegexCandidate", "classic_candidates"]

CompileRegex = Callable[[str], Regex]

# Printable characters that a path must not hold bare (RFC 3986), but clients send: a request path with these alone
# may come unnormalised, so a route path with them is indexed in both spellings.
_OFTEN_BARE = frozenset('"<>\\^`{|}')


class HeaderCondition:
    """One header that must have one of some values, or one that a regex finds itself in (`~*`, as the only value).

    Names and values are without regard to case.
    """

    __slots__ = ("names", "regex", "values")

    def __init__(self, name: str, values: Sequence[str]) -> None:
        lower = name.lower()
        # Kong's look-up: the name as it is, and where that is missing the one with dashes for underscores.
        spellings = (lower, lower.replace("_", "-")) if "_" in lower else (lower,)
        self.names = tuple(spelling.encode("utf-8", "surrogatepass") for spelling in spellings)
        self.regex: Regex | None = None
        if len(values) == 1 and values[0].startswith("~*"):
            try:
                self.regex = Regex(values[0][2:], header=True)
            except RegexError as error:
                raise RouteError(f"headers.{name}", f"invalid regex '{values[0][2:]}': {error}") from None
        self.values = frozenset([value.encode("utf-8", "surrogatepass").lower() for value in values])

    def holds(self, request: RouteRequest) -> bool:
        """Whether any value of the header in the request will do."""
        head = request.head
        for name in self.names:
            values = head.get_all(name)
            if values:
                break
        else:
            return False
        regex = self.regex
        if regex is not None:
            return any(regex.search(value) is not None for value in values)
        wanted = self.values
        return any(value.lower() in wanted for value in values)


class Conditions:
    """What a classic route asks for beside host and path; `methods` and `names` are None where it does not care."""

    __slots__ = ("headers", "methods", "names")

    def __init__(
        self, methods: frozenset[bytes] | None, headers: tuple[HeaderCondition, ...], names: ServerNames | None
    ) -> None:
        self.methods = methods
        self.headers = headers
        self.names = names

    def hold(self, request: RouteRequest) -> bool:
        """Whether the request meets them all."""
        if self.methods is not None and request.method not in self.methods:
            return False
        if self.names is not None and request.tls and not self.names.take(request.sni):
            return False
        return all(header.holds(request) for header in self.headers)


class Candidate:
    """One that takes every request with its path prefix: `sure` is the match that it always gives."""

    __slots__ = ("prefix", "rank", "sure")

    conditions: Conditions | None = None
    regex: Regex | None = None

    def __init__(self, rank: int, prefix: bytes, sure: Match | None) -> None:
        self.rank = rank
        self.prefix = prefix
        self.sure = sure

    def find(self, request: RouteRequest) -> Match | None:  # noqa: ARG002 (the others need it)
        """The match if the candidate takes the request, whose path is known to begin with `prefix`."""
        return self.sure


class ConditionalCandidate(Candidate):
    """A prefix path, or none, with conditions."""

    __slots__ = ("conditions", "match")

    def __init__(self, rank: int, prefix: bytes, match: Match, conditions: Conditions) -> None:
        super().__init__(rank, prefix, None)
        self.match = match
        self.conditions: Conditions = conditions

    def find(self, request: RouteRequest) -> Match | None:
        """The prepared match if the conditions hold."""
        return self.match if self.conditions.hold(request) else None


class RegexCandidate(Candidate):
    """A regex path, with or without conditions."""

    __slots__ = ("conditions", "regex", "route")

    def __init__(self, rank: int, route: object, regex: Regex, conditions: Conditions | None) -> None:
        super().__init__(rank, literal_prefix(regex.pattern), None)
        self.route = route
        self.regex: Regex = regex
        self.conditions: Conditions | None = conditions

    def find(self, request: RouteRequest) -> Match | None:
        """A new match, with what the regex took and captured."""
        if self.conditions is not None and not self.conditions.hold(request):
            return None
        path = request.path
        text = path if b"%" not in path else decoded_path(path)
        spans = self.regex.match(text)
        if spans is None:
            return None
        captures = None
        if self.regex.groups:
            numbered = tuple([text[start:end] if start >= 0 else None for start, end in spans])
            captures = Captures(numbered, self.regex.names)
        end = spans[0][1]
        return Match(self.route, path[: end if text is path else encoded_length(path, text, end)], captures, self.rank)


def classic_candidates(
    route: RouteLike,
    target: object,
    flavor: Literal["traditional_compatible", "traditional"],
    compile_regex: CompileRegex,
) -> Iterator[Candidate]:
    """The candidates of a route without expression; raise `RouteError`."""
    conditions = _conditions(route)
    rank_of = traditional_rank if flavor == "traditional" else compatible_rank
    if not route.paths:
        rank = rank_of(route, None, 0)
        yield _plain(rank, b"", Match(target, None, None, rank), conditions)
        return
    for place, path in enumerate(route.paths):
        rank = rank_of(route, path, place)
        if path.startswith("~"):
            yield RegexCandidate(rank, target, _path_regex(path, place, compile_regex), conditions)
            continue
        prefix = normalize_path(encode_path(path))
        yield _plain(rank, prefix, Match(target, prefix, None, rank), conditions)
        if not _OFTEN_BARE.isdisjoint(path):
            bare = path.encode("utf-8", "surrogatepass")
            yield _plain(rank, bare, Match(target, bare, None, rank), conditions)


def _plain(rank: int, prefix: bytes, match: Match, conditions: Conditions | None) -> Candidate:
    if conditions is None:
        return Candidate(rank, prefix, match)
    return ConditionalCandidate(rank, prefix, match, conditions)


def _path_regex(path: str, place: int, compile_regex: CompileRegex) -> Regex:
    try:
        return compile_regex(path[1:])
    except RegexError as error:
        raise RouteError(f"paths[{place}]", f"invalid regex '{path[1:]}': {error}") from None


def _conditions(route: RouteLike) -> Conditions | None:
    methods, headers, snis = route.methods, route.headers, route.snis
    if not (methods or headers or snis):
        return None
    return Conditions(
        frozenset([method.encode("utf-8", "surrogatepass") for method in methods]) if methods else None,
        tuple([HeaderCondition(name, values) for name, values in headers.items()]) if headers else (),
        ServerNames(host_key(sni, "snis") for sni in snis) if snis else None,
    )
