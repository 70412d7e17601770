"""Who is counted, for the plugins with all identifiers: Kong Enterprise's, networks of addresses, claims, compounds.

As in `subjects`, where what is asked for is absent the client's address stands for it.
"""

from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address
from typing import Annotated, Any

from gateline.pdk import Exchange, PluginConfig
from gateline.pdk.fields import AsSet, Between, Field, HeaderName, MinLength, OneOf, StartsWith, Without
from gateline.plugins.limits.subjects import Subject, subject_of

__all__ = ["Identified", "identifier_of", "identifier_problem"]

IDENTIFIERS = (
    "consumer",
    "credential",
    "ip",
    "service",
    "route",
    "header",
    "path",
    "consumer-group",
    "jwt-claim",
)
_NEEDED = {"header": "header_name", "path": "path", "jwt-claim": "claim"}
_REMEMBERED = 4096
"""Addresses whose network is kept; when there are more, all are forgotten."""
_BETWEEN = "\x1f"
"""Parts the names of a compound: no header can have it."""


class Identified(PluginConfig):
    """The fields that say who is counted."""

    identifier: Annotated[str, OneOf(IDENTIFIERS), Field(description="What is counted.")] = "consumer"
    compound_identifier: Annotated[
        Annotated[tuple[Annotated[str, OneOf(IDENTIFIERS)], ...], AsSet(), MinLength(1)] | None,
        Field(description="Several identifiers, in place of `identifier`: what has all in common is counted together."),
    ] = None
    header_name: Annotated[
        HeaderName | None, Field(description="For the identifier `header`, the header whose values are counted.")
    ] = None
    path: Annotated[
        Annotated[str, StartsWith("/"), Without("//", "must not have empty segments")] | None,
        Field(description="For the identifier `path`, the path whose requests are counted together."),
    ] = None
    claim: Annotated[
        str | None,
        Field(description="For the identifier `jwt-claim`, the claim of the token; dots lead into objects."),
    ] = None
    ipv4_prefix: Annotated[
        int, Between(0, 32), Field(description="Bits of an IPv4 address that are looked at: 24 counts networks of 256.")
    ] = 32
    ipv6_prefix: Annotated[
        int, Between(0, 128), Field(description="Bits of an IPv6 address that are looked at; one site has often a /64.")
    ] = 128


def identifier_problem(config: Any) -> Mapping[str, str] | None:
    """What an identifier needs and has not."""
    wanted = config.compound_identifier or (config.identifier,)
    missing = [name for one, name in _NEEDED.items() if one in wanted and not getattr(config, name)]
    return dict.fromkeys(missing, "required field missing") or None


def identifier_of(config: Identified) -> Subject:
    """Gives the name under which a request is counted."""
    address = _address(config)
    if not config.compound_identifier:
        return _single(config.identifier, config, address)
    parts = tuple(_single(name, config, address) for name in config.compound_identifier)

    def subject(exchange: Exchange) -> str:
        return _BETWEEN.join([part(exchange) for part in parts])

    return subject


def _single(name: str, config: Identified, address: Subject) -> Subject:
    if name == "ip":
        return address
    if name in ("consumer-group", "route", "jwt-claim"):
        asked = {"consumer-group": _group, "route": _route}.get(name) or _claim(config.claim or "")

        def special(exchange: Exchange) -> str:
            return asked(exchange) or address(exchange)

        return special
    named = subject_of(name, header=config.header_name, path=config.path)
    if address is _ADDRESS:
        return named

    def plain(exchange: Exchange) -> str:
        found = named(exchange)
        return address(exchange) if found.startswith("a:") else found

    return plain


_ADDRESS = subject_of("ip")


def _address(config: Identified) -> Subject:
    bits = {4: config.ipv4_prefix, 6: config.ipv6_prefix}
    if bits == {4: 32, 6: 128}:
        return _ADDRESS
    networks: dict[str, str] = {}

    def subject(exchange: Exchange) -> str:
        given = exchange.client_address
        try:
            return networks[given]
        except KeyError:
            if len(networks) >= _REMEMBERED:
                networks.clear()
            network = networks[given] = "a:" + _network(given, bits)
            return network

    return subject


def _network(given: str, bits: Mapping[int, int]) -> str:
    """The network of an address, an IPv4 one that came over an IPv6 socket as what it is; what is none as it stands."""
    try:
        address = ip_address(given.partition("%")[0])
    except ValueError:
        return given
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    shift = address.max_prefixlen - bits[address.version]
    return f"{type(address)(int(address) >> shift << shift)}/{bits[address.version]}"


def _group(exchange: Exchange) -> str | None:
    consumer = exchange.consumer
    return "g:" + consumer.group_ids[0] if consumer is not None and consumer.group_ids else None


def _route(exchange: Exchange) -> str | None:
    route = exchange.route
    return None if route is None else "r:" + route.id


def _claim(path: str) -> Callable[[Exchange], str | None]:
    names = path.split(".")

    def claimed(exchange: Exchange) -> str | None:
        identity = exchange.identity
        if identity is None:
            return None
        value: Any = identity.claims
        if path in value:
            value = value[path]
        else:
            for name in names:
                value = value.get(name) if isinstance(value, Mapping) else None
        if value is None or isinstance(value, Mapping | list):
            return None
        return f"j:{value}"

    return claimed
