"""Which of two candidates wins: the documented orders of Kong's router flavours, each packed into one integer.

A candidate is one path of a route (or the route, when it has no path). Its *rank* orders it among all others, the lower
wins, and no two are equal: below what Kong defines come `created_at` (earlier wins), the route's id and the place of
the path. Kong leaves ties of `traditional_compatible` undefined; these rules make them deterministic.
"""

from gateline.engine.router.interface import RouteLike

__all__ = ["LAST", "compatible_rank", "expression_rank", "traditional_rank"]

_HOST, _HEADER, _PATH, _METHOD, _SNI = (
    0x40,
    0x20,
    0x10,
    0x08,
    0x04,
)  # `traditional`: weights of categories of equal size
_WILDCARD_HOST_WITH_PORT, _PLAIN_HOSTS_ONLY, _REGEX_PATH = 4, 2, 1  # `traditional`: weights inside a category

_MAX_HEADERS = 255
_MAX_LENGTH = (1 << 19) - 1
_PRIORITY_BIAS = 1 << 31  # regex_priority is signed
_MAX_REGEX_PRIORITY = (1 << 32) - 1
_MAX_EXPRESSION_PRIORITY = (1 << 46) - 1

_WEIGHT_BITS = 80  # what the widest of the orders below takes
_TIE_BITS = 40 + 288 + 16  # created_at, id, place of the path

_MAX_WEIGHT = (1 << _WEIGHT_BITS) - 1
_MAX_CREATED_AT = (1 << 40) - 1

LAST = 1 << (_WEIGHT_BITS + _TIE_BITS)
"""After every rank."""


def compatible_rank(route: RouteLike, path: str | None, place: int) -> int:
    """The rank in `traditional_compatible`: Kong's 64-bit priority, then the tie rules.

    From high to low: number of attribute kinds, no wildcard among the hosts, number of headers, regex path,
    regex_priority, length of a prefix path.
    """
    hosts, headers = route.hosts, route.headers
    weight = (
        (1 if route.methods else 0)
        + (1 if hosts else 0)
        + (1 if headers else 0)
        + (1 if route.snis else 0)
        + (0 if path is None else 1)
    )
    weight = weight << 1 | (1 if hosts and "*" not in "".join(hosts) else 0)
    weight = weight << 8 | (min(len(headers), _MAX_HEADERS) if headers else 0)
    return _rank(weight << 52 | _path_weight(route, path), route, place)


def traditional_rank(route: RouteLike, path: str | None, place: int) -> int:
    """The rank in `traditional`.

    From high to low: number of attribute kinds, which kinds these are, wildcard host with port, plain hosts only, regex
    path, number of headers, regex_priority, length of a prefix path; then the earlier created.
    """
    kinds = 0
    details = 0
    if route.hosts:
        kinds |= _HOST
        wildcards = [host for host in route.hosts if "*" in host]
        if not wildcards:
            details |= _PLAIN_HOSTS_ONLY
        elif any(":" in host for host in wildcards):
            details |= _WILDCARD_HOST_WITH_PORT
    if route.headers:
        kinds |= _HEADER
    if path is not None:
        kinds |= _PATH
        if path.startswith("~"):
            details |= _REGEX_PATH
    if route.methods:
        kinds |= _METHOD
    if route.snis:
        kinds |= _SNI
    weight = (kinds.bit_count() << 7 | kinds) << 3 | details
    weight = weight << 8 | min(len(route.headers or ()), _MAX_HEADERS)
    return _rank(weight << 52 | _path_weight(route, path), route, place)


def expression_rank(route: RouteLike) -> int:
    """The rank of a route with an expression: before every classic route, then the higher `priority`."""
    priority = min(max(route.priority or 0, 0), _MAX_EXPRESSION_PRIORITY)
    return _rank(1 << (_WEIGHT_BITS - 1) | priority, route, 0)


def _path_weight(route: RouteLike, path: str | None) -> int:
    """52 bits: regex path, regex_priority (0 for a prefix), length of a prefix."""
    if path is None:
        return _PRIORITY_BIAS << 19
    if path.startswith("~"):
        biased = (route.regex_priority or 0) + _PRIORITY_BIAS
        return 1 << 51 | min(max(biased, 0), _MAX_REGEX_PRIORITY) << 19
    return _PRIORITY_BIAS << 19 | min(len(path.encode("utf-8", "surrogatepass")), _MAX_LENGTH)


def _rank(weight: int, route: RouteLike, place: int) -> int:
    created_at = min(max(int(route.created_at or 0), 0), _MAX_CREATED_AT)
    identity: int = int.from_bytes(route.id.encode("utf-8", "surrogatepass")[:36].ljust(36, b"\0"))
    return (((_MAX_WEIGHT - weight) << 40 | created_at) << 288 | identity) << 16 | min(place, 0xFFFF)
