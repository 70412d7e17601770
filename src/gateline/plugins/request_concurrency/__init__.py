"""The plugin request-concurrency: how many requests may be on their way at one time."""

from gateline.plugins.request_concurrency.plugin import Config, RequestConcurrency

__all__ = ["Config", "RequestConcurrency"]
