"""What a request that changes something makes worthless (RFC 9111, section 4.4)."""

from urllib.parse import urljoin, urlsplit

from gateline.plugins.proxy_cache.rules.fields import Headers, line_of

__all__ = ["SAFE_METHODS", "invalidated_targets", "invalidates"]

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY", "PRI"))
"""Methods that change nothing (RFC 9110, section 9.2.1, and the registry of methods); every other one may."""

_PORTS = {"http": 80, "https": 443}
_LONGEST = 8192


def invalidates(method: str, status: int) -> bool:
    """Whether a request makes stored answers worthless: by an unsafe method, and with success."""
    return method not in SAFE_METHODS and 200 <= status < 400


def invalidated_targets(scheme: str, authority: str, target: str, headers: Headers) -> list[str]:
    """The targets whose stored answers are worthless: paths with their queries, each once.

    They are that of the request, and those that Location and Content-Location of the answer name, where they are of the
    same origin. `authority` is the host asked for, with its port where that is not the scheme's.
    """
    asked = f"{scheme}://{authority}{target}"
    targets = [target]
    for name in (b"location", b"content-location"):
        line = line_of(headers, name)
        if line is not None and len(line) <= _LONGEST:
            named = _target_of_same_origin(asked, line.decode("latin-1"))
            if named is not None and named not in targets:
                targets.append(named)
    return targets


def _target_of_same_origin(asked: str, reference: str) -> str | None:
    try:
        base, named = urlsplit(asked), urlsplit(urljoin(asked, reference))
        same = _origin(base.scheme, base.hostname, base.port) == _origin(named.scheme, named.hostname, named.port)
    except ValueError:
        return None
    if not same:
        return None
    return (named.path or "/") + (f"?{named.query}" if named.query else "")


def _origin(scheme: str, host: str | None, port: int | None) -> tuple[str, str, int | None]:
    return scheme, (host or "").lower(), port or _PORTS.get(scheme)
