"""What a consumer is known by: its keys."""

from typing import Annotated, ClassVar

from gateline.pdk.authentication import new_secret
from gateline.pdk.fields import Auto, Expiring, Field, Reference, Secret, Tags, To, Unique

__all__ = ["KeyauthCredential"]


class KeyauthCredential(Expiring):
    """A consumer's key."""

    kind: ClassVar = "keyauth_credentials"
    singular: ClassVar = "keyauth_credential"
    endpoint_key: ClassVar = "key"
    flat_path: ClassVar = "key-auths"
    nested_path: ClassVar = "key-auth"
    sealed: ClassVar = True
    not_shown: ClassVar = frozenset({"expires_at", "updated_at"})

    consumer: Annotated[Reference, To("consumers", on_delete="cascade"), Field(description="Whose key it is.")]
    key: Annotated[
        str, Unique(), Auto(new_secret), Secret(compared=True), Field(description="The key; made up if it is left out.")
    ]
    tags: Tags | None = None
