"""What can be wrong with a template, and what with a request that it meets."""

__all__ = ["LIMIT", "TemplateError", "TemplateFault"]

LIMIT = 64 * 1024
"""The longest text, in bytes, that an expression or a template may make."""


class TemplateError(ValueError):
    """A template that cannot be parsed; `position` is the character, counted from 1, at which it goes wrong."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} at character {position}")
        self.position = position


class TemplateFault(Exception):  # noqa: N818 - the template is right, the request is not what it counts on
    """An expression that came to no value for this request; `template` is the text in which it stands."""

    template: str = ""
