"""What a resolver goes by, made of the `dns_*` settings or, with `new_dns_client`, of the `resolver_*` ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateline.engine.upstream.dns.files import Server, server_address
from gateline.engine.upstream.dns.message import Type
from gateline.settings import Settings

__all__ = ["Options", "options_of"]


@dataclass(frozen=True, slots=True)
class Options:
    """What a resolver goes by; times in seconds."""

    servers: tuple[Server, ...] = ()
    """None for those of the system."""
    hosts: Path = Path("/etc/hosts")
    system: Path = Path("/etc/resolv.conf")
    kinds: tuple[Type, ...] = (Type.SRV, Type.A, Type.AAAA, Type.CNAME)
    """Types of records in the order in which they are asked for."""
    last_first: bool = True
    """Ask first for the type that a name had last."""
    services_by_name: bool = False
    """Ask for SRV records of names like `_http._tcp.a.test`, of no others, and for nothing else of these."""
    valid_ttl: float | None = None
    """Holds in place of the TTL of every answer."""
    stale_ttl: float = 3600.0
    not_found_ttl: float = 30.0
    error_ttl: float = 1.0
    size: int = 10000
    """Names that are remembered."""
    shared: bool = True
    """Askers of one name share a look-up."""

    def kinds_of(self, name: str) -> tuple[Type, ...]:
        """The types of records that a name is asked for."""
        if not self.services_by_name:
            return self.kinds
        service, _, rest = name.partition(".")
        is_service = Type.SRV in self.kinds and service.startswith("_") and rest.startswith("_")
        return (Type.SRV,) if is_service else tuple(kind for kind in self.kinds if kind is not Type.SRV)


def options_of(settings: Settings) -> Options:
    """The resolver's options of a node."""
    if settings.new_dns_client:
        return Options(
            servers=_servers(settings.resolver_address or ()),
            hosts=Path(settings.resolver_hosts_file),
            kinds=tuple(Type[kind] for kind in settings.resolver_family),
            services_by_name=True,
            valid_ttl=settings.resolver_valid_ttl,
            stale_ttl=settings.resolver_stale_ttl,
            not_found_ttl=settings.resolver_error_ttl,
            error_ttl=settings.resolver_error_ttl,
            size=settings.resolver_lru_cache_size,
        )
    order = settings.dns_order
    return Options(
        servers=_servers(settings.dns_resolver or ()),
        hosts=Path(settings.dns_hostsfile),
        kinds=tuple(Type[kind] for kind in order if kind != "LAST"),
        last_first="LAST" in order,
        valid_ttl=settings.dns_valid_ttl,
        stale_ttl=settings.dns_stale_ttl,
        not_found_ttl=settings.dns_not_found_ttl,
        error_ttl=settings.dns_error_ttl,
        size=settings.dns_cache_size,
        shared=not settings.dns_no_sync,
    )


def _servers(texts: Sequence[str]) -> tuple[Server, ...]:
    return tuple(server for text in texts if (server := server_address(text)) is not None)
