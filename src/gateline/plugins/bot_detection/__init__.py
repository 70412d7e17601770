"""Refuses what calls itself a bot in its `User-Agent`.

The regexes of `allow` are asked first, then those of `deny`, then the list of well-known crawlers that comes with the
plugin. Regexes are RE2's; they fit anywhere in the header and regard case. A request without the header
passes, one with two of them is refused with 400.
"""

from gateline.plugins.bot_detection.plugin import BotDetection, Config

__all__ = ["BotDetection", "Config"]
