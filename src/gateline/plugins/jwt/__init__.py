"""jwt: a signed JSON Web Token says who sends a request.

The token is signed with the secret, or the private key, of a consumer's credential, which its claim `iss` names; or
by a trusted issuer, such as an identity provider, whose public keys the node fetches and keeps. Each token is verified
once and then known until it expires, or its credential or its issuer's keys change.
"""

from gateline.plugins.jwt.config import Config, Issuer
from gateline.plugins.jwt.plugin import Jwt
from gateline.plugins.jwt.secret import JwtSecret

__all__ = ["Config", "Issuer", "Jwt", "JwtSecret"]
