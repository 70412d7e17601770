"""Fields that several entities have, declared once: names, hosts, ports, tags, timestamps."""

from typing import Annotated

from pydantic import Field

from gateline.entities import formats
from gateline.entities.constraints import Between, Format, Matches, OneOf, Timestamp, Uuid
from gateline.entities.marks import AsSet, Auto, Unique

PROTOCOLS = ("grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp")

Id = Annotated[str, Uuid(), Auto(), Field(description="A UUID. Derived or made up when it is left out.")]
Seconds = Annotated[int, Timestamp(), Auto()]
CreatedAt = Annotated[Seconds, Field(description="When the entity was made, in seconds since 1970.")]
UpdatedAt = Annotated[Seconds, Field(description="When the entity was last changed, in seconds since 1970.")]
Name = Annotated[str, Format(formats.name), Unique()]
Host = Annotated[str, Format(formats.host)]
Port = Annotated[int, Between(0, 65535)]
Milliseconds = Annotated[int, Between(1, 2**31 - 2)]
Protocol = Annotated[str, OneOf(PROTOCOLS)]
Method = Annotated[str, Matches("[A-Z]+", lua="^%u+$")]
HeaderName = Annotated[str, Format(formats.header_name)]
Sni = Annotated[str, Format(formats.sni)]
WildcardSni = Annotated[str, Format(formats.wildcard_sni)]
Url = Annotated[str, Format(formats.url)]
IpOrCidr = Annotated[str, Format(formats.ip_or_cidr)]
Tags = Annotated[
    tuple[Annotated[str, Format(formats.tag)], ...],
    AsSet(),
    Field(description="Words to group and filter entities by."),
]
