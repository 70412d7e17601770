"""The parameters of a request: those of its query and, over them, those of its body (a form, or JSON)."""

from typing import Any

from gateline.pdk.exchange import RequestView
from gateline.pdk.pairs import grouped

__all__ = ["BODY_METHODS", "FORM", "Parameters", "content_type", "is_json"]

BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
FORM = "application/x-www-form-urlencoded"


class Parameters:
    """Values by name: a text, several of them where a name came more than once, or what JSON had."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    @classmethod
    def of(cls, request: RequestView) -> "Parameters":
        """Those of a request whose body is there."""
        values = grouped(request.query_args()) if request.query else {}
        if request.method in BODY_METHODS and request.body:
            values |= _of_body(request)
        return cls(values)

    def given(self, name: str) -> Any:
        """The value as it came; None where there is none."""
        return self._values.get(name)

    def text(self, name: str) -> str | None:
        """The value where it is one text; None otherwise."""
        value = self._values.get(name)
        return value if isinstance(value, str) else None


def content_type(request: RequestView) -> str:
    """The media type of the body, without parameters."""
    return (request.header("content-type") or "").partition(";")[0].strip().lower()


def is_json(kind: str) -> bool:
    """Whether a media type is JSON."""
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _of_body(request: RequestView) -> dict[str, Any]:
    if not is_json(content_type(request)):
        return grouped(request.form() or [])
    try:
        record = request.json()
    except ValueError:
        return {}
    if not isinstance(record, dict):
        return {}
    return {name: str(value) if type(value) in (int, float) else value for name, value in record.items()}
