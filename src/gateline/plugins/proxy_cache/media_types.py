"""Media types of a configuration, and whether an answer's is among them: parameters must be the same."""

from collections.abc import Iterable

from gateline.pdk.generational_cache import GenerationalCache

__all__ = ["MediaTypes"]

_KNOWN_LIMIT = 1024

_Type = tuple[str, str, frozenset[tuple[str, str]]]


class MediaTypes:
    """Those of a configuration."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._wanted = [parsed for text in texts if (parsed := _parsed(text)) is not None]
        self._known = GenerationalCache(_KNOWN_LIMIT)

    def has(self, text: str) -> bool:
        """Whether a Content-Type is one of them."""
        known: bool | None = self._known.get(text)
        if known is None:
            known = self._has(text)
            self._known.put(text, known)
        return known

    def _has(self, text: str) -> bool:
        parsed = _parsed(text)
        if parsed is None:
            return False
        main, sub, parameters = parsed
        return any(
            wanted_main in ("*", main) and wanted_sub in ("*", sub) and wanted_parameters == parameters
            for wanted_main, wanted_sub, wanted_parameters in self._wanted
        )


def _parsed(text: str) -> _Type | None:
    name, *parameters = (part.strip() for part in text.split(";"))
    main, slash, sub = name.lower().partition("/")
    if not (main and slash and sub):
        return None
    pairs = (parameter.partition("=") for parameter in parameters if parameter)
    return main, sub, frozenset((key.strip().lower(), value.strip().strip('"').lower()) for key, _, value in pairs)
