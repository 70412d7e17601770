"""Media types of a configuration, and whether an answer's is among them: parameters must be the same."""

from collections.abc import Iterable

__all__ = ["MediaTypes"]

_KNOWN_LIMIT = 1024

_Type = tuple[str, str, frozenset[tuple[str, str]]]


class MediaTypes:
    """Those of a configuration."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._wanted = [parsed for text in texts if (parsed := _parsed(text)) is not None]
        self._known: dict[str, bool] = {}

    def has(self, text: str) -> bool:
        """Whether a Content-Type is one of them."""
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= _KNOWN_LIMIT:
                self._known.clear()
            known = self._known[text] = self._has(text)
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
