"""Keeps answers of services, and gives them again without asking the service.

Without `cache_control` it does as Kong's plugin: answers with a listed status and media type are given for `cache_ttl`
seconds, whatever they say. With `cache_control: true` it is a shared cache as RFC 9111 has it: [caching](../caching.md)
tells what that is, who gets what, and how entries are purged. Nobody is given what was made for another consumer.

`X-Cache-Status` says `Hit`, `Miss`, `Refresh` (what is kept is over, or the client does not take it) or `Bypass` (the
request or the answer has nothing to do with the cache). `X-Cache-Key` is the key of the entry in the Admin API.

`proxy-cache-advanced` is the same plugin under the name that Kong's Enterprise edition has; only the default of
`bypass_on_err` differs.
"""

from gateline.plugins.proxy_cache.config import Config
from gateline.plugins.proxy_cache.plugin import ProxyCache

__all__ = ["Config", "ProxyCache"]
