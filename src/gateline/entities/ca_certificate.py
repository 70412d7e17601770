"""CA certificate: what others' certificates are verified with. Source: Kong's CA Certificate object."""

from collections.abc import Collection
from typing import Annotated, Any, ClassVar

from pydantic import Field

from gateline.entities import x509
from gateline.entities.checks import Check, Custom, Values
from gateline.entities.constraints import Format
from gateline.entities.fields import Tags
from gateline.entities.marks import Unique
from gateline.entities.model import Entity


def _unusable(values: Values) -> str | None:
    cert = values["cert"]
    if x509.count(cert) > 1:
        return "please submit only one certificate at a time"
    if x509.expired(cert):
        return 'certificate expired, "Not After" time is in the past'
    if not x509.is_authority(cert):
        return 'certificate does not appear to be a CA because it is missing the "CA" basic constraint'
    return None


class CACertificate(Entity):
    """The certificate of an authority."""

    kind: ClassVar = "ca_certificates"
    singular: ClassVar = "ca_certificate"

    cert: Annotated[str, Format(x509.certificate), Field(description="One certificate, PEM.")]
    cert_digest: Annotated[
        Annotated[str, Unique()] | None, Field(description="SHA-256 of the certificate, hex; computed.")
    ] = None
    tags: Tags | None = None

    checks: ClassVar[tuple[Check, ...]] = (Custom(("cert",), _unusable),)

    @classmethod
    def derive(cls, values: dict[str, Any], _given: Collection[str]) -> None:
        """Compute the digest."""
        values["cert_digest"] = x509.digest(values["cert"])
