"""What Cache-Control says, in requests and in answers (RFC 9111, section 5.2), and Pragma in requests (section 5.4).

Of a directive that comes twice the stricter counts. In an answer an argument that is none of the directive's kind
counts as the strictest that there is: with such a `max-age` it is stale, with such a `private` it is all private.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateline.plugins.proxy_cache.rules.fields import LONGEST, Headers, is_token, lines_of, members_of, seconds_of

__all__ = [
    "RequestDirectives",
    "ResponseDirectives",
    "Said",
    "arguments_of",
    "request_directives",
    "response_directives",
]

Said = Mapping[bytes, Sequence[bytes | None]]
"""Directives by name in lower case, and the arguments each came with; None is one that came without."""

_BAD = b"?"
"""Stands for an argument that cannot be read."""


@dataclass(frozen=True, slots=True)
class RequestDirectives:
    """What the client asks of a cache. Times are seconds; None is what it did not ask for."""

    no_cache: bool = False
    no_store: bool = False
    only_if_cached: bool = False
    max_age: int | None = None
    min_fresh: int | None = None
    max_stale: int | None = None
    """`LONGEST` for any staleness."""
    stale_if_error: int | None = None


@dataclass(frozen=True, slots=True)
class ResponseDirectives:
    """What an answer tells a shared cache. Times are seconds; None is what it does not tell."""

    public: bool = False
    no_store: bool = False
    private: bool = False
    private_fields: frozenset[bytes] = field(default_factory=frozenset)
    """Fields that are private where the answer is not, in lower case; so too the next."""
    no_cache: bool = False
    no_cache_fields: frozenset[bytes] = field(default_factory=frozenset)
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    must_understand: bool = False
    max_age: int | None = None
    s_maxage: int | None = None
    stale_while_revalidate: int | None = None
    stale_if_error: int | None = None
    targeted: bytes = b""
    """The field that these come from where it is not Cache-Control: that and Expires have no say then (RFC 9213)."""


def request_directives(headers: Headers) -> RequestDirectives:
    """What the headers of a request say. `Pragma: no-cache` counts where there is no Cache-Control."""
    lines = lines_of(headers, b"cache-control")
    if not lines:
        pragma = (member.lower() for line in lines_of(headers, b"pragma") for member in members_of(line))
        return _PRAGMA if b"no-cache" in pragma else _NOTHING
    said = arguments_of(lines)
    max_stale = None
    if b"max-stale" in said:
        allowed = (LONGEST if argument is None else seconds_of(argument) or 0 for argument in said[b"max-stale"])
        max_stale = min(allowed)
    return RequestDirectives(
        no_cache=b"no-cache" in said,
        no_store=b"no-store" in said,
        only_if_cached=b"only-if-cached" in said,
        max_age=_shortest(said, b"max-age"),
        min_fresh=_longest(said, b"min-fresh"),
        max_stale=max_stale,
        stale_if_error=_shortest(said, b"stale-if-error"),
    )


def response_directives(said: Said, targeted: bytes = b"") -> ResponseDirectives:
    """What directives of an answer come to; see `policy_of` for where they are found."""
    private_fields = _fields(said, b"private")
    no_cache_fields = _fields(said, b"no-cache")
    return ResponseDirectives(
        public=b"public" in said,
        no_store=b"no-store" in said,
        private=private_fields is None,
        private_fields=private_fields or frozenset(),
        no_cache=no_cache_fields is None,
        no_cache_fields=no_cache_fields or frozenset(),
        must_revalidate=b"must-revalidate" in said,
        proxy_revalidate=b"proxy-revalidate" in said,
        must_understand=b"must-understand" in said,
        max_age=_shortest(said, b"max-age"),
        s_maxage=_shortest(said, b"s-maxage"),
        stale_while_revalidate=_shortest(said, b"stale-while-revalidate"),
        stale_if_error=_shortest(said, b"stale-if-error"),
        targeted=targeted,
    )


def arguments_of(lines: Iterable[bytes]) -> dict[bytes, list[bytes | None]]:
    """The directives of Cache-Control lines. White space beside the equals sign spoils the argument."""
    said: dict[bytes, list[bytes | None]] = {}
    for line in lines:
        for member in members_of(line):
            name, equals, argument = member.partition(b"=")
            stripped = name.rstrip(b" \t").lower()
            if is_token(stripped):
                spoilt = len(stripped) != len(name) or argument[:1] in (b" ", b"\t")
                value = (_BAD if spoilt else _unquoted(argument)) if equals else None
                said.setdefault(stripped, []).append(value)
    return said


def _unquoted(argument: bytes) -> bytes:
    if argument[:1] != b'"':
        return argument
    if len(argument) < 2 or argument[-1:] != b'"':
        return _BAD
    return argument[1:-1].replace(b"\\", b"")


def _times(said: Said, name: bytes) -> list[int]:
    return [seconds_of(argument or b"") or 0 for argument in said.get(name, ())]


def _shortest(said: Said, name: bytes) -> int | None:
    return min(_times(said, name), default=None)


def _longest(said: Said, name: bytes) -> int | None:
    return max(_times(said, name), default=None)


def _fields(said: Said, name: bytes) -> frozenset[bytes] | None:
    """The fields that a directive is said of; None where it is said of the whole answer."""
    names: set[bytes] = set()
    for argument in said.get(name, ()):
        listed = [member.lower() for member in members_of(argument or b"")]
        if not listed or not all(map(is_token, listed)):
            return None
        names.update(listed)
    return frozenset(names)


_NOTHING = RequestDirectives()
_PRAGMA = RequestDirectives(no_cache=True)
