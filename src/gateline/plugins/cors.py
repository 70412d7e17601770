"""Tells browsers which other origins may use an API, and answers their preflight requests.

A preflight is an OPTIONS request with `Origin` and `Access-Control-Request-Method`; it is answered with 200 and goes no
further, so neither authentication nor limits see it, unless `preflight_continue` leaves it to the service. Every other
answer, also one of the gateway itself, gets `Access-Control-Allow-Origin` and what belongs to it.

`origins`: none, or `*` among them, means any. A single one that is no regex is told whatever the client's origin is. In
all other cases the client's origin is told when it is among them, and nothing when it is not: one with a scheme is
compared as `scheme://host:port`, default ports left out; a regex without `:` is compared with the host, one with `:`
with all of the origin. Regexes are RE2's and fit as a whole.

Source: Fetch standard, section 3.2 (CORS protocol).
"""

from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from gateline.pdk import Exchange, HeaderChanges, Plugin, PluginConfig, Response
from gateline.pdk.exchange import RequestView
from gateline.pdk.fields import Field, Format, OneOf
from gateline.pdk.generational_cache import GenerationalCache
from gateline.pdk.regexes import Regex, RegexError

__all__ = ["Config", "Cors"]

_METHODS = ("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT")
_LITERAL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/-")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_REMEMBERED = 2048
"""Origins whose answer is kept; when there are more, all are forgotten."""

_ALLOW_ORIGIN = "Access-Control-Allow-Origin"
_ALLOW_CREDENTIALS = "Access-Control-Allow-Credentials"


def _origin(value: str) -> str | None:
    """`*`, an origin, or a regex of RE2."""
    try:
        if value != "*":
            Regex(value)
    except RegexError:
        return f"'{value}' is not a valid regex"
    return None


class Config(PluginConfig):
    """Which origins may do what."""

    origins: Annotated[
        tuple[Annotated[str, Format(_origin)], ...] | None,
        Field(description="Origins that may use the API: literal ones, regexes, or `*` for any; null: any."),
    ] = None
    headers: Annotated[
        tuple[str, ...] | None,
        Field(description="Headers that requests may have; null: those that the preflight asks for."),
    ] = None
    exposed_headers: Annotated[
        tuple[str, ...] | None, Field(description="Headers of answers that scripts may read.")
    ] = None
    methods: Annotated[
        tuple[Annotated[str, OneOf(_METHODS)], ...], Field(description="Methods that requests may have.")
    ] = _METHODS
    max_age: Annotated[float | None, Field(description="Seconds that a preflight's answer may be kept.")] = None
    credentials: Annotated[bool, Field(description="Whether requests may carry cookies and other credentials.")] = False
    private_network: Annotated[
        bool, Field(description="Whether pages of public networks may use the API in a private one.")
    ] = False
    preflight_continue: Annotated[bool, Field(description="Whether the service answers preflights itself.")] = False
    allow_origin_absent: Annotated[
        bool, Field(description="Whether answers to requests without `Origin` get headers as well.")
    ] = True


class Cors(Plugin[Config], name="cors", no_consumer=True, no_consumer_group=True, hooks=("access", "header_filter")):
    """Answers preflights and adds what browsers look for to all other answers."""

    def __init__(self, config: Config) -> None:
        telling = Telling(config)
        if not config.preflight_continue:
            self.access = telling.access
        self.header_filter = telling.header_filter


class Told:
    """What an origin is told. `origin`: the one that may read answers, None for none; `depends`: another one of the
    client could have changed that; `changes`: of all answers but those to preflights."""

    __slots__ = ("changes", "depends", "origin")

    def __init__(self, origin: str | None, depends: bool, changes: HeaderChanges) -> None:
        self.origin = origin
        self.depends = depends
        self.changes = changes


class Telling:
    """The hooks."""

    __slots__ = (
        "_any",
        "_credentials",
        "_exposed",
        "_fixed",
        "_headers",
        "_known",
        "_matching",
        "_one",
        "_origin_matters",
        "_origin_needed",
        "_private_network",
        "_service_is_asked",
    )

    def __init__(self, config: Config) -> None:
        self._service_is_asked = config.preflight_continue
        self._credentials = config.credentials
        self._origin_needed = not config.allow_origin_absent
        self._exposed = ",".join(config.exposed_headers or ()) or None
        self._headers = ",".join(config.headers or ()) or None
        self._private_network = config.private_network
        self._fixed = {"Access-Control-Allow-Methods": ",".join(config.methods)}
        if config.max_age is not None:
            self._fixed["Access-Control-Max-Age"] = (
                f"{config.max_age:g}" if config.max_age < 1e6 else str(config.max_age)
            )
        origins = config.origins or ("*",)
        self._any = "*" in origins
        self._one = origins[0] if len(origins) == 1 and _is_literal(origins[0]) else None
        self._origin_matters = self._origin_needed or (config.credentials if self._any else self._one is None)
        self._matching = _matcher(origins)
        self._known = GenerationalCache(_REMEMBERED)

    def access(self, exchange: Exchange) -> Response | None:
        """Answer a preflight."""
        request = exchange.request
        if not _is_preflight(request):
            return None
        told = self._told(request.header("Origin"))
        headers = dict(self._fixed)
        if told.origin is not None:
            headers[_ALLOW_ORIGIN] = told.origin
        if told.depends:
            headers["Vary"] = "Origin"
        if self._credentials:
            headers[_ALLOW_CREDENTIALS] = "true"
        wanted = self._headers or request.header("Access-Control-Request-Headers")
        if wanted is not None:
            headers["Access-Control-Allow-Headers"] = wanted
        if self._private_network and request.header("Access-Control-Request-Private-Network") == "true":
            headers["Access-Control-Allow-Private-Network"] = "true"
        return Response(200, headers=headers)

    def header_filter(self, exchange: Exchange) -> None:
        """Say on any other answer who may read it."""
        response = exchange.response
        if (self._service_is_asked or response.source != "service") and _is_preflight(exchange.request):
            return
        origin = exchange.request.header("Origin") if self._origin_matters else None
        if origin is None and self._origin_needed:
            return
        response.change_headers(self._told(origin).changes)

    def _told(self, origin: str | None) -> Told:
        known: Told | None = self._known.get(origin)
        if known is None:
            known = self._tell(origin)
            self._known.put(origin, known)
        return known

    def _tell(self, origin: str | None) -> Told:
        allowed, depends = self._allowed(origin)
        changes = HeaderChanges()
        if allowed is None:
            changes.remove_header(_ALLOW_ORIGIN)
        else:
            changes.set_header(_ALLOW_ORIGIN, allowed)
        if depends:
            changes.list_in_header("Vary", "Origin")
        if self._credentials and (origin is not None or not self._any):
            changes.set_header(_ALLOW_CREDENTIALS, "true")
        if self._exposed is not None:
            changes.set_header("Access-Control-Expose-Headers", self._exposed)
        return Told(allowed, depends, changes)

    def _allowed(self, origin: str | None) -> tuple[str | None, bool]:
        """(the origin that is told, None for none; whether another one of the client could have changed that)."""
        if self._any:
            return (origin, True) if self._credentials and origin is not None else ("*", False)
        if self._one is not None:
            return self._one, True
        return None if origin is None else self._matching(origin), True


def _is_preflight(request: RequestView) -> bool:
    if request.method != "OPTIONS":
        return False
    return request.header("Origin") is not None and request.header("Access-Control-Request-Method") is not None


def _is_literal(origin: str) -> bool:
    return origin != "*" and _LITERAL.issuperset(origin)


def _matcher(origins: tuple[str, ...]) -> Callable[[str], str | None]:
    """A function that gives the normal form of a client's origin that is among these, None for one that is not."""
    literal = frozenset(_normal(origin)[0] for origin in origins if _is_literal(origin))
    regexes = [origin for origin in origins if origin != "*" and not _is_literal(origin)]
    of_hosts, of_origins = ([regex for regex in regexes if (":" in regex) == whole] for whole in (False, True))
    host_regex = Regex(*of_hosts) if of_hosts else None
    origin_regex = Regex(*of_origins) if of_origins else None

    def match(given: str) -> str | None:
        origin, host = _normal(given)
        if (
            origin in literal
            or (host_regex is not None and host_regex.fits(host))
            or (origin_regex is not None and origin_regex.fits(origin))
        ):
            return origin
        return None

    return match


def _normal(origin: str) -> tuple[str, str]:
    """(an origin without its scheme's default port, its host); both as they are where it has no scheme."""
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname, parts.port
    except ValueError:
        return origin, origin
    if not parts.scheme or not host or "://" not in origin:
        return origin, origin
    written = f"[{host}]" if ":" in host else host
    suffix = "" if port is None or port == _DEFAULT_PORTS.get(parts.scheme) else f":{port}"
    return f"{parts.scheme}://{written}{suffix}", host
