"""proxy-cache-advanced: the same plugin under the name that Kong's Enterprise edition has, with its defaults."""

from typing import Annotated

from gateline.pdk.fields import Field
from gateline.plugins.proxy_cache.admin import paths_of
from gateline.plugins.proxy_cache.config import Config
from gateline.plugins.proxy_cache.plugin import ProxyCache

__all__ = ["AdvancedConfig", "ProxyCacheAdvanced"]


class AdvancedConfig(Config):
    """What is cached, for how long, and where."""

    bypass_on_err: Annotated[
        bool,
        Field(description="Without Redis let requests go to the service; otherwise they get 500 then."),
    ] = False


class ProxyCacheAdvanced(ProxyCache, name="proxy-cache-advanced", admin=paths_of("proxy-cache-advanced")):
    """See the module."""

    config_model = AdvancedConfig
