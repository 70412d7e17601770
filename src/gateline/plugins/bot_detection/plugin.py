"""The plugin bot-detection, and the verdicts that it remembers."""

from typing import Annotated, Any

from gateline.pdk import ErrorResponse, Exchange, Plugin, PluginConfig
from gateline.pdk.fields import Field, Format
from gateline.pdk.generational_cache import GenerationalCache
from gateline.pdk.regexes import Regex, RegexError
from gateline.plugins.bot_detection.crawlers import WELL_KNOWN

__all__ = ["BotDetection", "Config"]

_REMEMBERED = 2048
"""Headers whose verdict is kept; when there are more, all are forgotten. Long ones are looked at anew each time."""
_LONG = 512
_NEW: Any = object()
_FORBIDDEN = ErrorResponse(403)
_SEVERAL = ErrorResponse(400, "Only one User-Agent header allowed")


def _regex(value: str) -> str | None:
    """A regex of RE2."""
    try:
        Regex(value)
    except RegexError:
        return f"not a valid regex: {value}"
    return None


UserAgent = Annotated[str, Format(_regex)]


class Config(PluginConfig):
    """Regexes that come before the well-known crawlers."""

    allow: Annotated[tuple[UserAgent, ...], Field(description="Regexes of clients that pass, whatever follows.")] = ()
    deny: Annotated[tuple[UserAgent, ...], Field(description="Regexes of further clients that do not pass.")] = ()


class BotDetection(Plugin[Config], name="bot-detection", no_consumer=True, no_consumer_group=True, hooks=("access",)):
    """Refuses bots."""

    def __init__(self, config: Config) -> None:
        self.access = Verdicts(config).access


class Verdicts:
    """What becomes of the requests with each header."""

    __slots__ = ("_allow", "_deny", "_known")

    def __init__(self, config: Config) -> None:
        self._allow = Regex(*config.allow) if config.allow else None
        self._deny = Regex(*config.deny, *WELL_KNOWN)
        self._known = GenerationalCache(_REMEMBERED)

    def access(self, exchange: Exchange) -> ErrorResponse | None:
        """Refuse a bot."""
        given = exchange.request.header_values("User-Agent")
        if not given:
            return None
        if len(given) > 1:
            return _SEVERAL
        agent = given[0]
        verdict: ErrorResponse | None = self._known.get(agent, _NEW)
        return self._remembered(agent) if verdict is _NEW else verdict

    def _remembered(self, agent: str) -> ErrorResponse | None:
        verdict = _FORBIDDEN if self._refuses(agent.strip()) else None
        if len(agent) <= _LONG:
            self._known.put(agent, verdict)
        return verdict

    def _refuses(self, agent: str) -> bool:
        if self._allow is not None and self._allow.found_in(agent):
            return False
        return self._deny.found_in(agent)
