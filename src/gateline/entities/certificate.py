"""Certificate: what the gateway shows to clients, or to an upstream. Source: Kong's Certificate object."""

from typing import Annotated, ClassVar

from pydantic import Field

from gateline.entities import x509
from gateline.entities.checks import AllOrNoneOf, Check, Custom, Values
from gateline.entities.constraints import Format
from gateline.entities.fields import Tags
from gateline.entities.marks import Ref, Secret
from gateline.entities.model import Entity
from gateline.entities.references import is_reference

CertificatePem = Annotated[str, Ref(), Format(x509.certificate)]
PrivateKeyPem = Annotated[str, Ref(), Secret(), Format(x509.private_key)]


def _known(*values: str | None) -> bool:
    return all(value is not None and not is_reference(value) for value in values)


def _do_not_fit(values: Values) -> str | None:
    if _known(values["cert"], values["key"]) and not x509.fit(values["cert"], values["key"]):
        return "certificate does not match key"
    return None


def _alternatives_do_not_fit(values: Values) -> str | None:
    if not _known(values["cert_alt"], values["key_alt"]):
        return None
    if not x509.fit(values["cert_alt"], values["key_alt"]):
        return "alternative certificate does not match key"
    if _known(values["cert"]) and x509.key_type(values["cert"]) == x509.key_type(values["cert_alt"]):
        return (
            "certificate and alternative certificate need to have different type (e.g. RSA and ECDSA), "
            "the provided certificates were both of the same type"
        )
    return None


class Certificate(Entity):
    """A certificate (PEM, its chain after it) and its key; a second pair of another key type may stand beside it."""

    kind: ClassVar = "certificates"
    singular: ClassVar = "certificate"

    cert: Annotated[CertificatePem, Field(description="The certificate and its chain, PEM.")]
    key: Annotated[PrivateKeyPem, Field(description="The certificate's private key, PEM.")]
    cert_alt: Annotated[
        CertificatePem | None, Field(description="A certificate of another key type (RSA, EC), PEM.")
    ] = None
    key_alt: Annotated[PrivateKeyPem | None, Field(description="The private key of that one, PEM.")] = None
    tags: Tags | None = None

    checks: ClassVar[tuple[Check, ...]] = (
        AllOrNoneOf(("cert_alt", "key_alt")),
        Custom(("cert", "key"), _do_not_fit),
        Custom(("cert", "cert_alt", "key_alt"), _alternatives_do_not_fit),
    )
