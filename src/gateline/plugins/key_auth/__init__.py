"""key-auth: a key in a header, the query or the body says which consumer sends a request."""

from gateline.plugins.key_auth.config import Config
from gateline.plugins.key_auth.entity import KeyauthCredential
from gateline.plugins.key_auth.plugin import KeyAuth

__all__ = ["Config", "KeyAuth", "KeyauthCredential"]
