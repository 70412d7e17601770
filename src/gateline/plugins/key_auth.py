"""key-auth: a key in a header, the query or the body says which consumer sends a request."""

import json
from typing import Annotated, Any, ClassVar
from urllib.parse import unquote_plus, urlencode

from gateline.pdk import Exchange, Identity
from gateline.pdk.authentication import Authentication, AuthenticationConfig, Realm, Refusal, new_secret, wire_text
from gateline.pdk.fields import Auto, Expiring, Field, HeaderName, MinLength, Reference, Secret, Tags, To, Unique

__all__ = ["Config", "KeyAuth", "KeyauthCredential"]

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_NO_KEY = Refusal("No API key found in request")
_DUPLICATE = Refusal("Duplicate API key found")
_UNKNOWN = Refusal("Unauthorized")


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


class KeyAuth(Authentication[Config], name="key-auth", entities=(KeyauthCredential,)):
    """See the module."""

    def __init__(self, config: Config) -> None:
        self.challenge = f'Key realm="{config.realm}"' if config.realm else "Key"
        self.preflight = config.run_on_preflight
        self._find = self.node.credentials.find
        self._hide = config.hide_credentials
        self._in_header = config.key_in_header
        self._in_query = config.key_in_query
        self._in_body = config.key_in_body
        self._names = config.key_names

    def reads_request(self, exchange: Exchange) -> bool:
        """Whether the key may be in the body."""
        if not self._in_body or self.passes(exchange):
            return False
        kind = _content_type(exchange)
        return kind in _FORMS or _is_json(kind)

    def identify(self, exchange: Exchange) -> Identity | Refusal:
        """Look the key up."""
        key = self._key(exchange)
        if type(key) is not str:
            return key  # type: ignore[return-value]
        found = self._find("keyauth_credentials", "key", key)
        if found is None or found.consumer is None:
            return _UNKNOWN
        return found.identity()

    def _key(self, exchange: Exchange) -> str | Refusal:
        request = exchange.request
        body: dict[str, list[Any]] | None = None
        for name in self._names:
            values: list[Any] = []
            if self._in_header:
                values = [wire_text(value) for value in request.header_values(name)]
            if not values and self._in_query and request.query:
                values = [value for argument, value in request.query_args() if argument == name]
            if not values and self._in_body:
                if body is None:
                    body = _body_fields(exchange)
                values = body.get(name, values)
            if not values:
                continue
            if len(values) > 1:
                return _DUPLICATE
            if self._hide:
                self._take_out(exchange, name)
            return values[0] or _NO_KEY
        return _NO_KEY

    # Hiding.

    def _take_out(self, exchange: Exchange, name: str) -> None:
        service = exchange.service_request
        service.remove_header(name)
        query = service.query
        if query:
            kept = "&".join(part for part in query.split("&") if unquote_plus(part.partition("=")[0]) != name)
            if kept != query:
                service.set_query(kept)
        if self._in_body and name in _body_fields(exchange):
            _take_out_of_body(exchange, name)


def _content_type(exchange: Exchange) -> str:
    return (exchange.request.header("content-type") or "").partition(";")[0].strip().lower()


def _is_json(kind: str) -> bool:
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _body_fields(exchange: Exchange) -> dict[str, list[Any]]:
    """The fields of a body that is a form or a JSON record: every text under a name. Empty for any other body."""
    request = exchange.request
    if not request.body:
        return {}
    kind = _content_type(exchange)
    fields: dict[str, list[Any]] = {}
    if kind in _FORMS:
        for name, value in request.form() or ():
            fields.setdefault(name, []).append(value)
    elif _is_json(kind):
        try:
            record = request.json()
        except ValueError:
            return {}
        if isinstance(record, dict):
            for name, value in record.items():
                if isinstance(value, str):
                    fields[name] = [value]
                elif isinstance(value, list | dict):
                    fields[name] = [value, value]  # not one key, whatever is in it
    return fields


def _take_out_of_body(exchange: Exchange, name: str) -> None:
    request, service = exchange.request, exchange.service_request
    kind = _content_type(exchange)
    if _is_json(kind):
        record = request.json()
        service.set_body(json.dumps({field: value for field, value in record.items() if field != name}).encode())
    elif kind == "application/x-www-form-urlencoded":
        service.set_body(urlencode([(field, value) for field, value in request.form() or () if field != name]).encode())
    else:
        service.set_body(_without_part(request.body or b"", request.header("content-type") or "", name))


def _without_part(body: bytes, content_type: str, name: str) -> bytes:
    """A multipart body without the parts of a name; its other parts as they are."""
    boundary = content_type.partition("boundary=")[2].partition(";")[0].strip().strip('"')
    delimiter = b"--" + boundary.encode("latin-1")
    first, *parts = body.split(delimiter)
    quoted, bare = f'name="{name}"'.encode(), f"name={name}".encode()
    kept = [part for part in parts if not _names(part.partition(b"\r\n\r\n")[0], quoted, bare)]
    return delimiter.join([first, *kept])


def _names(head: bytes, quoted: bytes, bare: bytes) -> bool:
    options = [option.strip() for option in head.replace(b"\r\n", b";").split(b";")]
    return quoted in options or bare in options
