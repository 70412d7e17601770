"""Rules as they are applied to a request: a name, and a text that is fixed or rendered from a template."""

from collections.abc import Iterable, Sequence
from typing import Any

from gateline.pdk import PluginError
from gateline.pdk.templates import Environment, Template, TemplateError
from gateline.plugins.transformation.entries import split

__all__ = ["Pairs", "template"]


def template(source: str) -> Template:
    """The template of a configured text. Raises PluginError: a text that came out of a vault may be none."""
    try:
        return Template(source)
    except TemplateError as error:
        raise PluginError(f"value '{source}' is not in supported format, error: {error}") from None


class Pairs:
    """The `name:value` entries of one list, in order; an entry without a value does nothing.

    `names` are the environment's names that their templates read.
    """

    __slots__ = ("_fixed", "_templates", "names", "places")

    def __init__(self, entries: Iterable[str], *, skip: Sequence[str] = ()) -> None:
        found = [(place, *split(entry)) for place, entry in enumerate(entries)]
        kept = [(place, name, value) for place, name, value in found if value and name.lower() not in skip]
        self._templates = tuple((name, template(value)) for _, name, value in kept)
        self.places = tuple(place for place, _, _ in kept)
        """Where in the list each of them stands."""
        self.names = frozenset[str]().union(*(made.names for _, made in self._templates))
        constant = all(made.constant is not None for _, made in self._templates)
        self._fixed: tuple[tuple[str, str], ...] | None = None
        if constant:
            self._fixed = tuple((name, made.constant or "") for name, made in self._templates)

    @property
    def fixed(self) -> bool:
        """Whether they are the same for every request."""
        return self._fixed is not None

    def __bool__(self) -> bool:
        return bool(self._templates)

    def rendered(self, env: Environment | None) -> Sequence[tuple[str, str]]:
        """(name, value) of each, values as texts of bytes. Without an environment all of them must be fixed."""
        if self._fixed is not None:
            return self._fixed
        env_: Any = env
        return [(name, made.render(env_)) for name, made in self._templates]
