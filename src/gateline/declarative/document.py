"""Text to plain data: one YAML 1.1 or JSON document, read strictly and within limits, that knows its lines.

Only what JSON has comes out (dictionaries with text keys, lists, texts, numbers, booleans, null): no dates, no binary,
no tags. Repeated keys are refused. Aliases and merge keys work, but what they expand to is counted, so that a small
text cannot become a huge one. Data is built from the parser's events, without recursion: depth is checked before
anything descends, where PyYAML's own composer overflows the stack. Lines are found by building once more with notes,
when the first one is asked for.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

import yaml

from gateline.declarative.building import Builder, Lines
from gateline.declarative.parse_error import DEFAULT_LIMITS, Limits, ParseError

Path = Sequence[str | int]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML has it; its own parser is slower and reads the same language."""


class Document:
    """A document that was read: its `value`, its text, and the lines of what is in it."""

    def __init__(self, value: Any, text: str) -> None:
        self.value = value
        self.text = text
        self._noted: tuple[Any, Lines] | None = None

    def line(self, path: Path) -> int | None:
        """The line (from 1) of the value at a path, or of the nearest thing around it that is there.

        None when the text is JSON that YAML cannot read.
        """
        if self._noted is None:
            lines: Lines = {}
            try:
                self._noted = (_from_yaml(self.text, DEFAULT_LIMITS, lines), lines)
            except ParseError:
                self._noted = (None, {})
        value: Any = self._noted[0]
        lines = self._noted[1]
        line = lines.get(0, {}).get("")
        for step in path:
            noted = lines.get(id(value), {})
            if step not in noted:
                break
            line, value = noted[step], value[step]
        return line


def read(text: str | bytes, limits: Limits = DEFAULT_LIMITS) -> Document:
    """Read one document. Raises `ParseError`."""
    if len(text) > limits.size:
        raise ParseError(f"the document is larger than {limits.size} bytes")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ParseError(f"not UTF-8: {error.reason} at byte {error.start}") from None
    text = text.removeprefix("\ufeff")
    if text.lstrip()[:1] == "{":
        try:
            value = json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_constant, parse_float=_finite)
        except (ValueError, RecursionError):
            pass  # not JSON; a YAML flow mapping may begin like this as well, and YAML tells the line of a mistake
        else:
            check_depth(value, limits)
            return _sound(Document(value, text))
    return _sound(Document(_from_yaml(text, limits, None), text))


def _sound(document: Document) -> Document:
    """Refuse halves of surrogate pairs, which only an escape can bring in: no answer could quote them."""
    if "\\u" in document.text:
        canonical_json(document.value)
    return document


def canonical_json(value: Any) -> bytes:
    """Data as JSON in UTF-8, the same for equal data. Raises `ParseError` for texts that UTF-8 cannot write."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise ParseError("a text holds half of a surrogate pair") from None


def check_depth(value: Any, limits: Limits = DEFAULT_LIMITS) -> None:
    """Refuse data that is nested too deeply; raises `ParseError`."""
    level = [value] if value.__class__ is dict or value.__class__ is list else []
    depth = 0
    while level:
        depth += 1
        if depth > limits.depth:
            raise ParseError(f"nested deeper than {limits.depth} levels")
        level = [
            item
            for container in level
            for item in (container.values() if container.__class__ is dict else container)
            if item.__class__ is dict or item.__class__ is list
        ]


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated key")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _from_yaml(text: str, limits: Limits, lines: Lines | None) -> Any:
    loader: Any = None
    try:
        loader = _Loader(text)
        return Builder(limits, lines).build(loader.get_event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = error.problem or error.context or "not YAML"
        if mark is None:
            raise ParseError(what) from None
        raise ParseError(what, mark.line + 1, mark.column + 1) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else None
        raise ParseError(f"the character {_code(error.character)} is not allowed", line) from None
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        raise ParseError(f"not YAML: {error}") from None
    finally:
        if loader is not None:
            loader.dispose()


def _code(character: Any) -> str:
    """The code of what PyYAML calls a character: a number, a text or bytes."""
    if not isinstance(character, int):
        character = ord(character[:1]) if character else 0
    return f"#x{character:04x}"


__all__ = ["DEFAULT_LIMITS", "Document", "Limits", "ParseError", "canonical_json", "check_depth", "read"]
