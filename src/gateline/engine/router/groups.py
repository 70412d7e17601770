"""Candidates under one path prefix, told apart by what else they ask for.

A few are tried in turn. Many are told apart by a header's value, the server name or the method in dictionaries, and by
sets for their path regexes, each such group being divided further while it is large; so the cost of a match follows
neither their number nor the order in which they were written. (What cannot be looked up is tried in turn: header
regexes, wildcard server names.) Every search has a `limit`, the rank that a candidate must beat; groups whose best rank
is no better are skipped. Groups are immutable: a changed one is made from the last, of which it takes every part in
which nothing changed. Building goes on in small steps, so that an event loop can serve in between.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import final

from gateline.engine.router.blocks import RegexBlock, blocks_after
from gateline.engine.router.candidates import Candidate, HeaderCondition
from gateline.engine.router.interface import Match, RouteRequest
from gateline.engine.router.paths import decoded_path
from gateline.engine.router.steps import STEP, Built, Change, after, few_after, spread

__all__ = ["Group", "grouped"]

_TRIED = 8
_REGEXES_TRIED = 1
"""Up to so many candidates, and regexes among them, are cheaper tried in turn than looked up."""

_Key = tuple[bytes, ...] | str
"""What the candidates of a part have in common: the spellings of a header's name, or one of these."""
_SERVER_NAME, _REGEX, _METHOD, _REST = "server name", "regex", "method", "rest"


class Group:
    """Some candidates, at least one, tried in the order of their ranks."""

    __slots__ = ("best", "candidates")

    key: _Key | None = None
    """Why they are together, None: because they are few."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.candidates = tuple(candidates)
        self.best = self.candidates[0].rank

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
class _Rest(Group):
    """Many candidates in which there is nothing to look up."""

    __slots__ = ()

    key = _REST


@final
class _ByRegex(Group):
    """Candidates that all have a regex path: sets say which of them match."""

    __slots__ = ("blocks",)

    key = _REGEX

    def __init__(self, candidates: Sequence[Candidate], blocks: Sequence[RegexBlock]) -> None:
        super().__init__(candidates)
        self.blocks = tuple(blocks)

    def search(self, request: RouteRequest, limit: int) -> Match | None:
        text = decoded_path(request.path)
        for block in self.blocks:  # in the order of ranks
            if block.best >= limit:
                return None
            for candidate in block.matched(text):
                if candidate.rank >= limit:
                    return None
                match = candidate.find(request)
                if match is not None:
                    return match
        return None


class _LookUp(Group):
    """Candidates that all ask for one of some values, in groups by value."""

    __slots__ = ("groups",)

    def __init__(self, candidates: Sequence[Candidate], groups: dict[bytes, Group]) -> None:
        super().__init__(candidates)
        self.groups = groups


@final
class _ByHeader(_LookUp):
    """Candidates that all ask for exact values of one header."""

    __slots__ = ("_names", "key")

    def __init__(self, candidates: Sequence[Candidate], groups: dict[bytes, Group], names: tuple[bytes, ...]) -> None:
        super().__init__(candidates, groups)
        self.key: _Key = names
        self._names = names

    def search(self, request: RouteRequest, limit: int) -> Match | None:
        found = None
        for name in self._names:
            values = request.head.get_all(name)
            if not values:
                continue
            for value in values:
                group = self.groups.get(value.lower())
                if group is not None and group.best < limit:
                    match = group.search(request, limit)
                    if match is not None:
                        found, limit = match, match.rank
            break
        return found


@final
class _ByServerName(_LookUp):
    """Candidates that all ask for exact server names; on plain connections all are possible."""

    __slots__ = ("everyone",)

    key = _SERVER_NAME

    def __init__(self, candidates: Sequence[Candidate], groups: dict[bytes, Group], everyone: Group) -> None:
        super().__init__(candidates, groups)
        self.everyone = everyone

    def search(self, request: RouteRequest, limit: int) -> Match | None:
        group = self.groups.get(request.sni) if request.tls else self.everyone
        return None if group is None or group.best >= limit else group.search(request, limit)


@final
class _ByMethod(_LookUp):
    """Candidates that all ask for methods."""

    __slots__ = ()

    key = _METHOD

    def search(self, request: RouteRequest, limit: int) -> Match | None:
        group = self.groups.get(request.method)
        return None if group is None or group.best >= limit else group.search(request, limit)


@final
class _Several(Group):
    """Parts that are all to be searched, by their keys."""

    __slots__ = ("_groups", "parts")

    def __init__(self, candidates: Sequence[Candidate], parts: dict[_Key, Group]) -> None:
        super().__init__(candidates)
        self.parts = parts
        self._groups = tuple(sorted(parts.values(), key=lambda group: group.best))

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

    def key_of(self, candidate: Candidate) -> _Key:
        """The part in which the candidate belongs."""
        conditions = candidate.conditions
        header = self.header_of(candidate)
        if header is not None:
            return header.names
        if not self.server_name and conditions is not None and conditions.names and conditions.names.only_exact:
            return _SERVER_NAME
        if not self.regex and candidate.regex is not None:
            return _REGEX
        if not self.method and conditions is not None and conditions.methods is not None:
            return _METHOD
        return _REST

    def with_header(self, names: tuple[bytes, ...]) -> "_Told":
        return _Told(self.headers | {names}, self.server_name, self.method, self.regex)

    def with_server_name(self) -> "_Told":
        return _Told(self.headers, True, self.method, self.regex)

    def with_method(self) -> "_Told":
        return _Told(self.headers, self.server_name, True, self.regex)


_NOTHING_TOLD = _Told()


def _server_names(candidate: Candidate) -> Iterable[bytes]:
    names = None if candidate.conditions is None else candidate.conditions.names
    return () if names is None else names.exact


def _methods(candidate: Candidate) -> Iterable[bytes]:
    methods = None if candidate.conditions is None else candidate.conditions.methods
    return methods or ()


def grouped(last: Group | None, change: Change, told: _Told = _NOTHING_TOLD) -> Built[Group | None]:
    """The group of the candidates of `last` after a change of them; None where none is left."""
    before: Sequence[Candidate] = () if last is None else last.candidates
    if len(before) + len(change.come) - len(change.gone) <= _TRIED:
        few = few_after(before, change) if len(change.gone) <= _TRIED else (yield from after(before, change))
        if not few:
            return None
        if told.regex or sum(candidate.regex is not None for candidate in few) <= _REGEXES_TRIED:
            return Group(few)
    parts = _parts(last)
    if not parts and last is not None:  # they were few, and are not any more
        change = Change((yield from after(before, change)))
        before = ()
    for key, some in (yield from spread(change, lambda candidate: (told.key_of(candidate),))).items():
        part = yield from _part(key, parts.get(key), some, told)
        if part is None:
            del parts[key]
        else:
            parts[key] = part
    if len(parts) == 1:
        return next(iter(parts.values()))
    return _Several((yield from after(before, change)), parts)


def _parts(group: Group | None) -> dict[_Key, Group]:
    """The parts of a group by their keys, none where there are none."""
    if isinstance(group, _Several):
        return dict(group.parts)
    return {} if group is None or group.key is None else {group.key: group}


def _part(key: _Key, last: Group | None, change: Change, told: _Told) -> Built[Group | None]:
    """The part of that key after a change of it."""
    candidates = yield from after(() if last is None else last.candidates, change)
    if not candidates:
        return None
    if key == _REST:
        return _Rest(candidates)
    if key == _REGEX:
        blocks = last.blocks if isinstance(last, _ByRegex) else ()
        return _ByRegex(candidates, (yield from blocks_after(blocks, change)))
    if key == _METHOD:
        return _ByMethod(candidates, (yield from _divided(last, change, _methods, told.with_method())))
    if key == _SERVER_NAME:
        told = told.with_server_name()
        everyone = yield from grouped(last.everyone if isinstance(last, _ByServerName) else None, change, told)
        assert everyone is not None  # noqa: S101 - they are the candidates
        return _ByServerName(candidates, (yield from _divided(last, change, _server_names, told)), everyone)
    assert isinstance(key, tuple)  # noqa: S101 - all others are done
    groups = yield from _divided(last, change, told.header_values, told.with_header(key))
    return _ByHeader(candidates, groups, key)


def _divided(
    last: Group | None, change: Change, keys: Callable[[Candidate], Iterable[bytes]], told: _Told
) -> Built[dict[bytes, Group]]:
    groups = dict(last.groups) if isinstance(last, _LookUp) else {}
    for count, (key, some) in enumerate((yield from spread(change, keys)).items()):
        if count % STEP == 0:
            yield
        group = yield from grouped(groups.get(key), some, told)
        if group is None:
            del groups[key]
        else:
            groups[key] = group
    return groups
