"""Candidates under one path prefix, told apart by what else they ask for.

A few are tried in turn. Many are told apart by a header's value, the server name or the method in dictionaries, and by
one `RegexSet` for all their path regexes, each such group being divided further while it is large; so the cost of a
match follows neither their number nor the order in which they were written. (What cannot be looked up is tried in turn:
header regexes, wildcard server names.) Every search has a `limit`, the rank that a candidate must beat; groups whose
best rank is no better are skipped. Building goes on in small steps, so that an event loop can serve in between.
"""

from collections.abc import Callable, Generator, Iterable
from typing import TypeVar, final

from gateline.engine.router.candidates import Candidate, HeaderCondition
from gateline.engine.router.interface import Match, RouteRequest
from gateline.engine.router.paths import decoded_path
from gateline.engine.router.priority import LAST
from gateline.engine.router.regexes import RegexSet

__all__ = ["STEP", "Built", "Group", "grouped"]

STEP = 128
"""How many cheap pieces of work make a step (well under a millisecond)."""

_TRIED = 8
_REGEXES_TRIED = 1
"""Up to so many candidates, and regexes among them, are cheaper tried in turn than looked up."""

_Item = TypeVar("_Item")
Built = Generator[None, None, _Item]
"""Work in steps that ends with a value."""


class Group:
    """Some candidates, tried in the order of their ranks."""

    __slots__ = ("best", "candidates")

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self.candidates = tuple(candidates)
        self.best = self.candidates[0].rank if self.candidates else LAST

    def search(self, request: RouteRequest, limit: int) -> Match | None:
        """The match of the first that takes the request and comes before `limit`."""
        for candidate in self.candidates:
            if candidate.rank >= limit:
                return None
            match = candidate.sure
            if match is None:
                match = candidate.find(request)
                if match is None:
                    continue
            return match
        return None


@final
class _ByRegex(Group):
    """Candidates that all have a regex path: one set says which of them match."""

    __slots__ = ("_set",)

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        super().__init__(candidates)
        self._set = RegexSet()

    def steps(self) -> Built[None]:
        yield from self._set.steps([candidate.regex for candidate in self.candidates if candidate.regex is not None])

    def search(self, request: RouteRequest, limit: int) -> Match | None:
        numbers = self._set.match(decoded_path(request.path))
        if len(numbers) > 1:
            numbers.sort()
        for number in numbers:
            candidate = self.candidates[number]
            if candidate.rank >= limit:
                return None
            match = candidate.find(request)
            if match is not None:
                return match
        return None


@final
class _ByHeader(Group):
    """Candidates that all ask for exact values of one header."""

    __slots__ = ("_groups", "_names")

    def __init__(self, best: int, names: tuple[bytes, ...], groups: dict[bytes, Group]) -> None:
        super().__init__(())
        self.best = best
        self._names = names
        self._groups = groups

    def search(self, request: RouteRequest, limit: int) -> Match | None:
        found = None
        for name in self._names:
            values = request.head.get_all(name)
            if not values:
                continue
            for value in values:
                group = self._groups.get(value.lower())
                if group is not None and group.best < limit:
                    match = group.search(request, limit)
                    if match is not None:
                        found, limit = match, match.rank
            break
        return found


@final
class _ByServerName(Group):
    """Candidates that all ask for exact server names; on plain connections all are possible."""

    __slots__ = ("_all", "_groups")

    def __init__(self, everyone: Group, groups: dict[bytes, Group]) -> None:
        super().__init__(())
        self.best = everyone.best
        self._all = everyone
        self._groups = groups

    def search(self, request: RouteRequest, limit: int) -> Match | None:
        group = self._groups.get(request.sni) if request.tls else self._all
        return None if group is None or group.best >= limit else group.search(request, limit)


@final
class _ByMethod(Group):
    """Candidates that all ask for methods."""

    __slots__ = ("_groups",)

    def __init__(self, best: int, groups: dict[bytes, Group]) -> None:
        super().__init__(())
        self.best = best
        self._groups = groups

    def search(self, request: RouteRequest, limit: int) -> Match | None:
        group = self._groups.get(request.method)
        return None if group is None or group.best >= limit else group.search(request, limit)


@final
class _Several(Group):
    """Groups that are all to be searched."""

    __slots__ = ("_groups",)

    def __init__(self, groups: list[Group]) -> None:
        super().__init__(())
        self._groups = tuple(sorted(groups, key=lambda group: group.best))
        self.best = self._groups[0].best

    def search(self, request: RouteRequest, limit: int) -> Match | None:
        found = None
        for group in self._groups:
            if group.best >= limit:
                break
            match = group.search(request, limit)
            if match is not None:
                found, limit = match, match.rank
        return found


@final
class _Told:
    """What the candidates of a group agree on already, because they were told apart by it."""

    __slots__ = ("headers", "method", "regex", "server_name")

    def __init__(
        self,
        headers: frozenset[tuple[bytes, ...]] = frozenset(),
        server_name: bool = False,
        method: bool = False,
        regex: bool = False,
    ) -> None:
        self.headers = headers
        self.server_name = server_name
        self.method = method
        self.regex = regex

    def header_of(self, candidate: Candidate) -> HeaderCondition | None:
        """A header of the candidate that can still be looked up by its value."""
        if candidate.conditions is not None:
            for header in candidate.conditions.headers:
                if header.regex is None and header.names not in self.headers:
                    return header
        return None

    def header_values(self, candidate: Candidate) -> Iterable[bytes]:
        header = self.header_of(candidate)
        return () if header is None else header.values

    def with_header(self, names: tuple[bytes, ...]) -> "_Told":
        return _Told(self.headers | {names}, self.server_name, self.method, self.regex)

    def with_server_name(self) -> "_Told":
        return _Told(self.headers, True, self.method, self.regex)

    def with_method(self) -> "_Told":
        return _Told(self.headers, self.server_name, True, self.regex)


def _server_names(candidate: Candidate) -> Iterable[bytes]:
    names = None if candidate.conditions is None else candidate.conditions.names
    return () if names is None else names.exact


def _methods(candidate: Candidate) -> Iterable[bytes]:
    methods = None if candidate.conditions is None else candidate.conditions.methods
    return methods or ()


def grouped(candidates: list[Candidate], told: _Told | None = None) -> Built[Group]:
    """The group of these candidates, which come in the order of their ranks."""
    told = told or _Told()
    few = len(candidates) <= _TRIED
    if few and (told.regex or sum(candidate.regex is not None for candidate in candidates) <= _REGEXES_TRIED):
        return Group(candidates)
    by_header: dict[tuple[bytes, ...], list[Candidate]] = {}
    by_server_name: list[Candidate] = []
    by_regex: list[Candidate] = []
    by_method: list[Candidate] = []
    others: list[Candidate] = []
    for count, candidate in enumerate(candidates):
        if count % STEP == 0:
            yield
        conditions = candidate.conditions
        header = told.header_of(candidate)
        if header is not None:
            by_header.setdefault(header.names, []).append(candidate)
        elif not told.server_name and conditions is not None and conditions.names and conditions.names.only_exact:
            by_server_name.append(candidate)
        elif not told.regex and candidate.regex is not None:
            by_regex.append(candidate)
        elif not told.method and conditions is not None and conditions.methods is not None:
            by_method.append(candidate)
        else:
            others.append(candidate)
            if candidate.sure is not None:
                break  # it takes whatever comes here: nothing behind it ever does
    groups: list[Group] = [Group(others)] if others else []
    for names, members in by_header.items():
        values = yield from _divided(members, told.header_values, told.with_header(names))
        groups.append(_ByHeader(members[0].rank, names, values))
    if by_server_name:
        told_name = told.with_server_name()
        everyone = yield from grouped(by_server_name, told_name)
        groups.append(_ByServerName(everyone, (yield from _divided(by_server_name, _server_names, told_name))))
    if by_regex:
        set_of_regexes = _ByRegex(by_regex)
        yield from set_of_regexes.steps()
        groups.append(set_of_regexes)
    if by_method:
        groups.append(_ByMethod(by_method[0].rank, (yield from _divided(by_method, _methods, told.with_method()))))
    return groups[0] if len(groups) == 1 else _Several(groups)


def _divided(
    candidates: list[Candidate], keys: Callable[[Candidate], Iterable[bytes]], told: _Told
) -> Built[dict[bytes, Group]]:
    members: dict[bytes, list[Candidate]] = {}
    for count, candidate in enumerate(candidates):
        if count % STEP == 0:
            yield
        for key in keys(candidate):
            members.setdefault(key, []).append(candidate)
    groups = {}
    for count, (key, some) in enumerate(members.items()):
        if count % STEP == 0:
            yield
        groups[key] = yield from grouped(some, told)
    return groups
