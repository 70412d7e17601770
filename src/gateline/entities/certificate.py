"""Certificate: what the gateway shows to clients, or to an upstream. Source: Kong's Certificate object."""

from typing import Annotated, ClassVar

from pydantic import Field

from gateline.entities.checks import AllOrNoneOf, Check
from gateline.entities.constraints import Ref, Secret
from gateline.entities.fields import Tags
from gateline.entities.model import Entity


class Certificate(Entity):
    """A certificate (PEM, its chain after it) and its key; a second pair of another key type may stand beside it."""

    kind: ClassVar = "certificates"
    singular: ClassVar = "certificate"

    cert: Annotated[str, Ref(), Field(description="The certificate and its chain, PEM.")]
    key: Annotated[str, Ref(), Secret(), Field(description="The certificate's private key, PEM.")]
    cert_alt: Annotated[
        str | None, Ref(), Field(description="A certificate of another key type (RSA, EC), PEM.")
    ] = None
    key_alt: Annotated[str | None, Ref(), Secret(), Field(description="The private key of that one, PEM.")] = None
    tags: Tags | None = None

    checks: ClassVar[tuple[Check, ...]] = (AllOrNoneOf(("cert_alt", "key_alt")),)
