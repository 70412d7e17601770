"""The configuration of key-auth."""

from typing import Annotated

from gateline.pdk.authentication import AuthenticationConfig, Realm
from gateline.pdk.fields import Field, HeaderName, MinLength

__all__ = ["Config"]


class Config(AuthenticationConfig):
    """Where keys are looked for, and what becomes of requests without one."""

    key_names: Annotated[
        tuple[HeaderName, ...],
        MinLength(1),
        Field(
            description="Names of the header, the query argument and the body's field; the first that is there counts."
        ),
    ] = ("apikey",)
    hide_credentials: Annotated[bool, Field(description="Take the key out of what the service gets.")] = False
    key_in_header: Annotated[bool, Field(description="Look for the key in the headers.")] = True
    key_in_query: Annotated[bool, Field(description="Look for the key in the query.")] = True
    key_in_body: Annotated[bool, Field(description="Look for the key in the body: a form, or JSON.")] = False
    run_on_preflight: Annotated[bool, Field(description="Whether OPTIONS requests need a key.")] = True
    realm: Realm = None
