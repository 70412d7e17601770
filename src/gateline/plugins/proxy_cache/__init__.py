"""proxy-cache: answers of services kept, and given again.

`plugin` is the way of a request, `simple` what is kept without `cache_control`, `shared` and `fetching` what is done
with it, by the rules of `rules`; `store` says what a store is, `admin` what the Admin API has of it.
"""

from gateline.plugins.proxy_cache.config import Config
from gateline.plugins.proxy_cache.plugin import ProxyCache

__all__ = ["Config", "ProxyCache"]
