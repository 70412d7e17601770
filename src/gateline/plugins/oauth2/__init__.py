"""An authorization server on the routes themselves, and the check of the tokens that it gives (RFC 6749).

Clients ask for tokens at any path of the route that ends with `/oauth2/token`. The page where a user allows an
application what it wants is yours: it asks `/oauth2/authorize` with the plugin's `provision_key`, says who the user is
(`authenticated_userid`), and sends the browser where the answer says. Both take POST, over TLS.

Authorization codes are good for five minutes and one use; one that is used again takes the tokens with it that were
given for it. PKCE (RFC 7636) with S256. Tokens belong to the service for which they were asked for, unless
`global_credentials` is on. With `enable_introspection` and `enable_revocation` there are the endpoints
`/oauth2/introspect` (RFC 7662) and `/oauth2/revoke` (RFC 7009), for clients that authenticate as at `/oauth2/token`.

With a database tokens are stored there, and good on every node. Without one they live in the memory of the node, beside
those that the declarative file has; they are gone when the node ends.
"""

from gateline.plugins.oauth2.config import Config
from gateline.plugins.oauth2.entities import Oauth2AuthorizationCode, Oauth2Credential, Oauth2Token
from gateline.plugins.oauth2.plugin import OAuth2

__all__ = ["Config", "OAuth2", "Oauth2AuthorizationCode", "Oauth2Credential", "Oauth2Token"]
