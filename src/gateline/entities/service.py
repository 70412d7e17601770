"""Service: something that requests are sent on to. Source: Kong's Service object."""

import re
from typing import Annotated, Any, ClassVar

from pydantic import Field

from gateline.entities import formats
from gateline.entities.checks import Check, Conditional, Null
from gateline.entities.circuit_breaker import CircuitBreaker
from gateline.entities.constraints import Between, Format, NotOneOf, OneOf, StartsWith, Uuid, Without
from gateline.entities.fields import Host, Milliseconds, Name, Port, Protocol, Tags
from gateline.entities.marks import BeyondKong, DefaultForNull, IdOf, To
from gateline.entities.model import Entity
from gateline.entities.retry_policy import RetryPolicy
from gateline.entities.schema import Reference
from gateline.entities.shorthand import Shorthand

_WITHOUT_PATH = OneOf(("tcp", "tls", "udp", "grpc", "grpcs", "tls_passthrough"))
_NOT_TLS = NotOneOf(("https", "tls"))
_DEFAULT_PORTS = {"http": 80, "https": 443}

_SCHEME = re.compile(r"([A-Za-z0-9][A-Za-z0-9+\-.]*):")
_AUTHORITY = re.compile(r"//([^/?#]*)")
_PORT = re.compile(r":([^:\]]*)$")


def url_fields(url: str) -> dict[str, Any]:
    """Protocol, host, port and path of a URL; what is no URL becomes a path without a host, which is then refused."""
    rest = url.partition("#")[0]
    fields: dict[str, Any] = {"host": None, "path": None}
    if scheme := _SCHEME.match(rest):
        fields["protocol"] = scheme[1]
        rest = rest[scheme.end() :]
    port: str | int | None = None
    if authority := _AUTHORITY.match(rest):
        rest = rest[authority.end() :]
        address = authority[1].rpartition("@")[2]
        if found := _PORT.search(address):
            port = int(found[1]) if found[1].isascii() and found[1].isdigit() and len(found[1]) < 10 else found[1]
            address = address[: found.start()]
        fields["host"] = address.removeprefix("[").removesuffix("]") or None
    fields["path"] = rest.partition("?")[0].partition(";")[0] or None
    port = port or _DEFAULT_PORTS.get(fields.get("protocol", ""))
    if port:
        fields["port"] = port
    return fields


class Service(Entity):
    """An upstream application: where it is, how it is spoken to, how long to wait for it."""

    kind: ClassVar = "services"
    singular: ClassVar = "service"
    endpoint_key: ClassVar = "name"

    name: Annotated[Name | None, Field(description="A unique name.")] = None
    enabled: Annotated[bool, Field(description="Whether its routes take part in routing.")] = True
    protocol: Annotated[Protocol, Field(description="How the upstream is spoken to.")] = "http"
    host: Annotated[Host, Field(description="Host name or address of the upstream, or the name of an upstream entity.")]
    port: Annotated[Port, Field(description="The upstream's port.")] = 80
    path: Annotated[
        Annotated[str, StartsWith("/"), Without("//", "must not have empty segments"), Format(formats.service_path)]
        | None,
        Field(description="What the path of every upstream request begins with."),
    ] = None
    retries: Annotated[
        int,
        Between(0, 32767),
        DefaultForNull(),
        Field(description="How often a request is tried again that could not be sent."),
    ] = 5
    connect_timeout: Annotated[
        Milliseconds, DefaultForNull(), Field(description="Milliseconds to wait for a connection.")
    ] = 60000
    write_timeout: Annotated[
        Milliseconds, DefaultForNull(), Field(description="Milliseconds between two writes to the upstream.")
    ] = 60000
    read_timeout: Annotated[
        Milliseconds, DefaultForNull(), Field(description="Milliseconds between two reads from the upstream.")
    ] = 60000
    client_certificate: Annotated[
        Reference | None,
        To("certificates", nests=False),
        Field(description="The certificate that is shown to the upstream."),
    ] = None
    tls_verify: Annotated[
        bool | None, Field(description="Whether the upstream's certificate is verified; null takes the setting.")
    ] = None
    tls_verify_depth: Annotated[
        Annotated[int, Between(0, 64)] | None,
        Field(description="Longest chain of certificates that is accepted; null takes the setting."),
    ] = None
    ca_certificates: Annotated[
        tuple[Annotated[str, Uuid(), IdOf("ca_certificates")], ...] | None,
        Field(description="Ids of the CA certificates that the upstream's certificate is verified with."),
    ] = None
    circuit_breaker: Annotated[
        CircuitBreaker | None,
        BeyondKong(),
        Field(
            description="When requests are refused because the service fails, until it was tried again; null: never."
        ),
    ] = None
    tags: Tags | None = None
    retry_policy: Annotated[
        RetryPolicy | None,
        BeyondKong(),
        Field(description="What is tried again, when, and how long a request may take; null: as in Kong."),
    ] = None

    shorthands: ClassVar = {"url": Shorthand(url_fields)}
    checks: ClassVar[tuple[Check, ...]] = (
        Conditional("protocol", _WITHOUT_PATH, "path", Null()),
        *(
            Conditional("protocol", _NOT_TLS, name, Null())
            for name in ("client_certificate", "tls_verify", "tls_verify_depth", "ca_certificates")
        ),
    )
