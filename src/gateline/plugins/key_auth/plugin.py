"""The plugin: what it has beside its check."""

from urllib.parse import unquote_plus

from gateline.pdk import Exchange
from gateline.pdk.authentication import Authentication
from gateline.plugins.key_auth.bodies import FORMS, body_fields, content_type, is_json, take_out_of_body
from gateline.plugins.key_auth.check import KeyCheck
from gateline.plugins.key_auth.config import Config
from gateline.plugins.key_auth.entity import KeyauthCredential

__all__ = ["KeyAuth"]


class KeyAuth(Authentication[Config], name="key-auth", entities=(KeyauthCredential,)):
    """See the package."""

    def __init__(self, config: Config) -> None:
        self.challenge = f'Key realm="{config.realm}"' if config.realm else "Key"
        self.preflight = config.run_on_preflight
        self.needs_bodies = config.key_in_body
        find = self.node.credentials.finder("keyauth_credentials", "key")
        self.access = KeyCheck(config, find, self).access  # type: ignore[method-assign]

    def reads_request(self, exchange: Exchange) -> bool:
        """Whether the key may be in the body."""
        if self.passes(exchange):
            return False
        kind = content_type(exchange)
        return kind in FORMS or is_json(kind)

    def take_out(self, exchange: Exchange, name: str) -> None:
        """Send the service a request without the key of that name."""
        service = exchange.service_request
        service.remove_header(name)
        query = service.query
        if query:
            kept = "&".join(part for part in query.split("&") if unquote_plus(part.partition("=")[0]) != name)
            if kept != query:
                service.set_query(kept)
        if self.needs_bodies and name in body_fields(exchange):
            take_out_of_body(exchange, name)
