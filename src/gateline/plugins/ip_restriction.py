"""Lets clients through, or not, by their address.

Addresses and networks are IPv4 or IPv6. What `deny` names is refused, also when `allow` names it; with `allow`, so is
everything that it does not name. The address is that of the client as trusted proxies tell it (`trusted_ips`,
`real_ip_header`), not that of the last proxy.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Annotated, Any

from gateline.pdk import ErrorResponse, Exchange, Plugin, PluginConfig
from gateline.pdk.fields import AtLeastOneOf, Between, Field, IpOrCidr
from gateline.pdk.generational_cache import GenerationalCache

__all__ = ["Config", "IpRestriction", "NetworkSet"]

_REMEMBERED = 4096
"""Addresses whose verdict is kept; when there are more, all are forgotten."""
_NEW: Any = object()
_NO_ADDRESS = "Cannot identify the client IP address, unix domain sockets are not supported."


class Config(PluginConfig):
    """Who may pass, and what the others are told."""

    allow: Annotated[
        tuple[IpOrCidr, ...] | None, Field(description="Addresses and networks that pass, and no others.")
    ] = None
    deny: Annotated[tuple[IpOrCidr, ...] | None, Field(description="Addresses and networks that do not pass.")] = None
    status: Annotated[
        Annotated[float, Between(100, 599)] | None, Field(description="The status of a refusal; null: 403.")
    ] = None
    message: Annotated[str | None, Field(description="What a refusal says; null: that the address is not allowed.")] = (
        None
    )


class IpRestriction(
    Plugin[Config],
    name="ip-restriction",
    protocols=("grpc", "grpcs", "http", "https", "tcp", "tls"),
    checks=(AtLeastOneOf(("config.allow", "config.deny")),),
    hooks=("access",),
):
    """Refuses clients by their address."""

    def __init__(self, config: Config) -> None:
        self.access = Verdicts(config).access


class Verdicts:
    """What becomes of the requests of each address."""

    __slots__ = ("_allow", "_deny", "_known", "_message", "_status")

    def __init__(self, config: Config) -> None:
        self._allow = NetworkSet(config.allow or ())
        self._deny = NetworkSet(config.deny or ())
        self._status = int(config.status or 403)
        self._message = config.message
        self._known = GenerationalCache(_REMEMBERED)

    def access(self, exchange: Exchange) -> ErrorResponse | None:
        """Refuse, or let through."""
        address = exchange.client_address
        verdict: ErrorResponse | None = self._known.get(address, _NEW)
        return self._remembered(address) if verdict is _NEW else verdict

    def _remembered(self, address: str) -> ErrorResponse | None:
        verdict = self._verdict(address)
        self._known.put(address, verdict)
        return verdict

    def _verdict(self, address: str) -> ErrorResponse | None:
        try:
            parsed = _parsed(address)
        except ValueError:
            return ErrorResponse(403, _NO_ADDRESS)
        if parsed in self._deny or (self._allow and parsed not in self._allow):
            return ErrorResponse(self._status, self._message or f"IP address not allowed: {address}")
        return None


class NetworkSet:
    """Networks, asked whether an address is in one of them: the cost grows with how many prefix lengths there are."""

    __slots__ = ("_by_length",)

    def __init__(self, networks: Iterable[str]) -> None:
        lengths: dict[tuple[int, int], set[int]] = {}
        for text in networks:
            network = ip_network(text, strict=False)
            shift = network.max_prefixlen - network.prefixlen
            lengths.setdefault((network.version, shift), set()).add(int(network.network_address) >> shift)
        self._by_length = tuple((version, shift, frozenset(found)) for (version, shift), found in lengths.items())

    def __bool__(self) -> bool:
        return bool(self._by_length)

    def __contains__(self, address: IPv4Address | IPv6Address) -> bool:
        number, version = int(address), address.version
        return any(number >> shift in found for of, shift, found in self._by_length if of == version)


def _parsed(address: str) -> IPv4Address | IPv6Address:
    """The address, an IPv4 one that came over an IPv6 socket as what it is. Raises ValueError."""
    parsed = ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed
