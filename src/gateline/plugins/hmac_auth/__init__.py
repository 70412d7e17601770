"""hmac-auth: a signature over some of a request's headers, made with a shared secret, says which consumer sends it."""

from gateline.plugins.hmac_auth.plugin import Config, HmacAuth, HmacauthCredential

__all__ = ["Config", "HmacAuth", "HmacauthCredential"]
