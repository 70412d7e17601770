"""The plugin rate-limiting-advanced: several limits at once, of several kinds, by what requests cost."""

from gateline.plugins.rate_limiting_advanced.config import Config, Cost, OneLimit, Override
from gateline.plugins.rate_limiting_advanced.plugin import RateLimitingAdvanced

__all__ = ["Config", "Cost", "OneLimit", "Override", "RateLimitingAdvanced"]
