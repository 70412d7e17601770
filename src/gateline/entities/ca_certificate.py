"""CA certificate: what others' certificates are verified with. Source: Kong's CA Certificate object."""

from typing import Annotated, ClassVar

from pydantic import Field

from gateline.entities.constraints import Unique
from gateline.entities.fields import Tags
from gateline.entities.model import Entity


class CACertificate(Entity):
    """The certificate of an authority."""

    kind: ClassVar = "ca_certificates"
    singular: ClassVar = "ca_certificate"

    cert: Annotated[str, Field(description="One certificate, PEM.")]
    cert_digest: Annotated[
        Annotated[str, Unique()] | None, Field(description="SHA-256 of the certificate, hex. Computed.")
    ] = None
    tags: Tags | None = None
