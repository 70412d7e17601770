"""A template: literal text and expressions, in turn."""

from typing import Any

from gateline.pdk.templates.environment import Environment
from gateline.pdk.templates.errors import LIMIT, TemplateError, TemplateFault
from gateline.pdk.templates.operations import Run
from gateline.pdk.templates.parser import Parser
from gateline.pdk.templates.texts import to_bytes_text
from gateline.pdk.templates.values import bounded, rendered

__all__ = ["Template", "template_problem"]


class Template:
    """A text that is rendered for each request.

    Raises TemplateError for a text that cannot be parsed. `constant` is what it renders to where that is always the
    same, `names` are the environment's names that it reads, `lead` the literal text that it begins with.
    """

    __slots__ = ("_parts", "constant", "lead", "names", "source")

    def __init__(self, source: str) -> None:
        if len(source) > LIMIT:
            raise TemplateError(f"the template is longer than {LIMIT} characters", LIMIT)
        self.source = source
        names: set[str] = set()
        parts: list[str | Run] = []
        place = 0
        while (begin := source.find("$(", place)) >= 0:
            if begin > place:
                parts.append(to_bytes_text(source[place:begin]))
            parser = Parser(source, begin + 2)
            run, place = parser.parenthesised()
            parts.append(run)
            names |= parser.names
        if place < len(source) or not parts:
            parts.append(to_bytes_text(source[place:]))
        self.names = frozenset(names)
        self.lead = parts[0] if isinstance(parts[0], str) else ""
        self.constant = parts[0] if len(parts) == 1 and isinstance(parts[0], str) else None
        self._parts: tuple[str | Run, ...] = tuple(parts)

    def render(self, env: Environment) -> str:
        """The text for a request, a character a byte (`texts`). Raises TemplateFault."""
        parts = self._parts
        try:
            if len(parts) == 1:
                only = parts[0]
                return only if isinstance(only, str) else rendered(only(env))
            return bounded("".join([part if isinstance(part, str) else rendered(part(env)) for part in parts]))
        except TemplateFault as fault:
            fault.template = self.source
            raise

    def __repr__(self) -> str:
        return f"Template({self.source!r})"


def template_problem(source: Any) -> str | None:
    """What is wrong with a text as a template, in a sentence; None when nothing is."""
    try:
        Template(source)
    except TemplateError as error:
        return f"value '{source}' is not in supported format, error: {error}"
    return None
