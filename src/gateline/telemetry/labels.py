"""Names of metrics and labels, and a series' labels as they stand in Prometheus' text."""

import re
from collections.abc import Mapping, Sequence

__all__ = ["LONGEST", "check_labels", "check_name", "label_text"]

LONGEST = 256
"""Characters of a label's value; what is longer is cut, as values may be a client's."""

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def check_name(name: str) -> None:
    """Raises ValueError for what is no name of a metric."""
    if not _METRIC.fullmatch(name):
        raise ValueError(f"not a name of a metric: {name!r}")


def check_labels(names: Sequence[str]) -> None:
    """Raises ValueError for what is no name of a label, or is taken (`le` is, for the bounds of histograms)."""
    for name in names:
        if not _LABEL.fullmatch(name) or name == "le":
            raise ValueError(f"not a name of a label: {name!r}")


def label_text(labels: Mapping[str, str]) -> str:
    """The labels in their order, as between the braces: `route="orders",code="200"`."""
    return ",".join(f'{name}="{_value(value)}"' for name, value in labels.items())


def _value(value: str) -> str:
    text = str(value)[:LONGEST].translate(_ESCAPES)
    return text.encode("utf-8", "replace").decode()
