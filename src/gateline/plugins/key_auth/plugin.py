"""Looks up who a key belongs to, and lets the request through as that consumer."""

from urllib.parse import unquote_plus

from gateline.pdk import Exchange, Identity
from gateline.pdk.authentication import Authentication, Refusal
from gateline.plugins.key_auth.bodies import FORMS, body_fields, content_type, is_json, take_out_of_body
from gateline.plugins.key_auth.config import Config
from gateline.plugins.key_auth.entity import KeyauthCredential
from gateline.plugins.key_auth.places import KeyPlaces

__all__ = ["KeyAuth"]

_UNKNOWN = Refusal("Unauthorized")


class KeyAuth(Authentication[Config], name="key-auth", entities=(KeyauthCredential,)):
    """See the package."""

    def __init__(self, config: Config) -> None:
        self.challenge = f'Key realm="{config.realm}"' if config.realm else "Key"
        self.preflight = config.run_on_preflight
        self.strict = config.anonymous is None and config.run_on_preflight
        self.needs_bodies = config.key_in_body
        self._place_of = KeyPlaces(config).find
        self._find = self.node.credentials.finder("keyauth_credentials", "key")
        self._hide = config.hide_credentials

    def reads_request(self, exchange: Exchange) -> bool:
        """Whether the key may be in the body."""
        if self.passes(exchange):
            return False
        kind = content_type(exchange)
        return kind in FORMS or is_json(kind)

    def identify(self, exchange: Exchange) -> Identity | Refusal:
        """Look the key up."""
        place = self._place_of(exchange)
        if not isinstance(place, tuple):
            return place
        if self._hide:
            self._take_out(exchange, place[0])
        found = self._find(place[1])
        if found is None or found.consumer is None:
            return _UNKNOWN
        return found.identity()

    def _take_out(self, exchange: Exchange, name: str) -> None:
        service = exchange.service_request
        service.remove_header(name)
        query = service.query
        if query:
            kept = "&".join(part for part in query.split("&") if unquote_plus(part.partition("=")[0]) != name)
            if kept != query:
                service.set_query(kept)
        if self.needs_bodies and name in body_fields(exchange):
            take_out_of_body(exchange, name)
