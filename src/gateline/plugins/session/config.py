"""The configuration of session: Kong's fields, and the names that some of them once had."""

from collections.abc import Collection
from typing import Annotated, Any, ClassVar

from gateline.pdk import PluginConfig
from gateline.pdk.authentication import new_secret
from gateline.pdk.fields import AsSet, Auto, Between, Field, Matches, OneOf, Ref, Secret, Shorthand, old_name

__all__ = ["PROPERTIES", "Config"]

PROPERTIES = ("id", "audience", "subject", "timeout", "idling-timeout", "rolling-timeout", "absolute-timeout")
"""What headers may tell of a session."""

_Seconds = Annotated[float, Between(0, 2**31 - 2)]
_CookieName = Annotated[str, Matches("[A-Za-z0-9!#$%&'*+.^_`|~-]+", "^[%w!#$%%&'*+.^_`|~-]+$")]
_Properties = Annotated[tuple[Annotated[str, OneOf(PROPERTIES)], ...] | None, AsSet()]


def _write_only(field: str, kind: type[float] | type[bool]) -> Shorthand:
    return Shorthand(old_name(field).expand, kind)


def _same_site(value: Any) -> dict[str, Any]:
    return {"cookie_same_site": "Lax" if value == "off" else value}


class Config(PluginConfig):
    """Where sessions are kept, how long they last, what their cookie is like, and how they are ended."""

    shorthands: ClassVar = {
        "cookie_lifetime": _write_only("rolling_timeout", float),
        "cookie_idletime": _write_only("idling_timeout", float),
        "cookie_discard": _write_only("stale_ttl", float),
        "cookie_httponly": _write_only("cookie_http_only", bool),
        "cookie_persistent": _write_only("remember", bool),
        "cookie_samesite": Shorthand(_same_site),
        "cookie_renew": Shorthand(lambda _: {}, float),
    }

    secret: Annotated[
        str | None,
        Auto(),
        Ref(),
        Secret(),
        Field(
            description="What sessions are sealed with. Made up if it is left out, in a file anew at each load: then"
            " sessions end there."
        ),
    ] = None
    storage: Annotated[
        str,
        OneOf(("cookie", "kong")),
        Field(
            description="Where sessions are kept: in the cookie, or in the store (on a node without one: its memory)."
        ),
    ] = "cookie"
    audience: Annotated[str, Field(description="For whom a session is: one for another audience is none.")] = "default"
    idling_timeout: Annotated[
        _Seconds, Field(description="Seconds without a request after which a session is over; 0: never.")
    ] = 900
    rolling_timeout: Annotated[
        _Seconds,
        Field(
            description="Seconds after which a session is over that was not renewed, as requests do in their last"
            " quarter; 0: never."
        ),
    ] = 3600
    absolute_timeout: Annotated[
        _Seconds, Field(description="Seconds after which a session is over whatever happens; 0: never.")
    ] = 86400
    stale_ttl: Annotated[
        _Seconds, Field(description="Seconds for which the cookie of a session that was renewed is still good.")
    ] = 10
    cookie_name: Annotated[_CookieName, Field(description="The name of the session's cookie.")] = "session"
    cookie_path: Annotated[
        str, Matches("/[!-:<-~]*", "^/[!-:<-~]*$"), Field(description="The paths that the cookie is sent to.")
    ] = "/"
    cookie_domain: Annotated[
        Annotated[str, Matches("[A-Za-z0-9.-]+", "^[%w.-]+$")] | None,
        Field(description="The domain that the cookie is sent to; without it the host alone that set it."),
    ] = None
    cookie_same_site: Annotated[
        str,
        OneOf(("Strict", "Lax", "None", "Default")),
        Field(
            description="Whether the cookie comes with requests from other sites. `Default` leaves it to the browser."
        ),
    ] = "Strict"
    cookie_http_only: Annotated[bool, Field(description="Whether scripts cannot read the cookie.")] = True
    cookie_secure: Annotated[bool, Field(description="Whether the cookie is sent over HTTPS alone.")] = True
    remember: Annotated[
        bool, Field(description="Set a second cookie, which outlives the browser, and begins sessions anew.")
    ] = False
    remember_cookie_name: Annotated[_CookieName, Field(description="The name of that cookie.")] = "remember"
    remember_rolling_timeout: Annotated[
        _Seconds, Field(description="Seconds for which that cookie is good; each use makes a new one. 0: for ever.")
    ] = 604800
    remember_absolute_timeout: Annotated[
        _Seconds, Field(description="Seconds after which users must log in again whatever happens; 0: never.")
    ] = 2592000
    response_headers: Annotated[
        _Properties, Field(description="What the client is told of its session, each in a header `Session-...`.")
    ] = None
    request_headers: Annotated[_Properties, Field(description="What the service is told of the session, likewise.")] = (
        None
    )
    read_body_for_logout: Annotated[bool, Field(description="Whether a body may ask for the end of the session.")] = (
        False
    )
    logout_methods: Annotated[
        tuple[Annotated[str, OneOf(("GET", "POST", "DELETE"))], ...],
        AsSet(),
        Field(description="Methods of requests that may ask for the end of the session."),
    ] = ("POST", "DELETE")
    logout_query_arg: Annotated[
        str | None, Field(description="The argument of the query that asks for it, with any value.")
    ] = "session_logout"
    logout_post_arg: Annotated[
        str | None, Field(description="The field of the body that asks for it, with any value.")
    ] = "session_logout"
    hash_subject: Annotated[bool, Field(description="Keep a digest of the consumer's name in place of the name.")] = (
        False
    )
    store_metadata: Annotated[
        bool, Field(description="With `storage: kong`, also keep of whom and for whom each session is.")
    ] = False

    @classmethod
    def derive(cls, values: dict[str, Any], given: Collection[str]) -> None:  # noqa: ARG003
        """A secret is made where none is given."""
        if values["secret"] is None:
            values["secret"] = new_secret()
