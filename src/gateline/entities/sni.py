"""SNI: a server name, and the certificate that is shown to clients that ask for it. Source: Kong's SNI object."""

from typing import Annotated, ClassVar

from pydantic import Field

from gateline.entities.fields import Tags, WildcardSni
from gateline.entities.marks import To, Unique
from gateline.entities.model import Entity
from gateline.entities.schema import Reference


class Sni(Entity):
    """A server name of a certificate; one wildcard may stand at either end."""

    kind: ClassVar = "snis"
    singular: ClassVar = "sni"
    endpoint_key: ClassVar = "name"

    name: Annotated[WildcardSni, Unique(), Field(description="The server name.")]
    tags: Tags | None = None
    certificate: Annotated[
        Reference, To("certificates", on_delete="cascade"), Field(description="The certificate that is shown.")
    ]
