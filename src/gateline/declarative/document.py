"""Text to plain data: one YAML 1.1 or JSON document, read strictly and within limits, that knows its lines.

Only what JSON has comes out (dictionaries with text keys, lists, texts, numbers, booleans, null): no dates, no binary,
no tags. Repeated keys are refused. Aliases and merge keys work, but what they expand to is counted, so that a small
text cannot become a huge one. Lines are looked up in YAML's node tree; for JSON it is made when a line is asked for.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path = Sequence[str | int]

_Parser: Any
try:
    from yaml.cyaml import CParser as _CParser  # type: ignore[attr-defined]

    class _Parser(_CParser):  # type: ignore[no-redef]
        """libyaml, with our own idea of what a plain scalar is."""

        def descend_resolver(self, _: Any, __: Any) -> None:
            """Tags do not depend on where a value stands."""

        def ascend_resolver(self) -> None:
            """Tags do not depend on where a value stands."""

        def resolve(self, kind: type[Node], value: str, implicit: tuple[bool, bool]) -> str:
            """The tag of a node that has none."""
            return _resolve(kind, value, implicit)

        def dispose(self) -> None:
            """Let go of the text."""

except ImportError:  # PyYAML without libyaml: slower, the same language

    class _Parser(yaml.SafeLoader):  # type: ignore[no-redef]
        """PyYAML's own parser, with our own idea of what a plain scalar is."""

        def resolve(self, kind: type[Node], value: str, implicit: Any) -> str:
            """The tag of a node that has none."""
            return _resolve(kind, value, implicit)


_TAG = "tag:yaml.org,2002:"
_STR, _MAP, _SEQ, _MERGE = _TAG + "str", _TAG + "map", _TAG + "seq", _TAG + "merge"

_BOOLEANS = {
    **dict.fromkeys(("yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
}
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|[1-9][0-9_]*|0)")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)"
)


_LONGEST_NUMBER = 400


class ParseError(Exception):
    """The text is not a document that can be used. Line and column count from 1; None when not known."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        where = "" if line is None else f"{line}:{column or 1}: "
        super().__init__(f"{where}{message}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one document may hold."""

    size: int = 64 * 1024 * 1024
    """Bytes of text."""
    depth: int = 64
    """Levels of nesting."""
    expanded: int = 1_000_000
    """Values that aliases may add."""


DEFAULT_LIMITS = Limits()


class Document:
    """A document that was read: its `value`, its text, and the lines of what is in it."""

    def __init__(self, value: Any, text: str, root: Node | None) -> None:
        self.value = value
        self.text = text
        self._root = root
        self._searched = root is not None

    def line(self, path: Path) -> int | None:
        """The line (from 1) of the value at a path, or of the nearest thing around it that is there."""
        if not self._searched:
            self._searched = True
            try:
                self._root = _compose(self.text)
            except (ParseError, RecursionError):
                self._root = None
        return None if self._root is None else _line(self._root, path)


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
            return Document(value, text, None)
    try:
        root = _compose(text)
        return Document(_Builder(limits).build(root, 0) if root is not None else None, text, root)
    except RecursionError:
        raise ParseError(f"nested deeper than {limits.depth} levels") from None


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


def _compose(text: str) -> Node | None:
    parser = None
    try:
        parser = _Parser(text)
        root: Node | None = parser.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = error.problem or error.context or "not YAML"
        if mark is None:
            raise ParseError(what) from None
        raise ParseError(what, mark.line + 1, mark.column + 1) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else None
        raise ParseError(f"the character #x{_code(error.character):04x} is not allowed", line) from None
    except yaml.YAMLError as error:
        raise ParseError(str(error)) from None
    except (UnicodeError, ValueError) as error:
        raise ParseError(f"not YAML: {error}") from None
    finally:
        if parser is not None:
            parser.dispose()
    return root


def _code(character: Any) -> int:
    """The code of what PyYAML calls a character: a number, a text or bytes."""
    if isinstance(character, int):
        return character
    return ord(character[:1]) if character else 0


@lru_cache(maxsize=4096)
def _plain_tag(value: str) -> str:
    if value in _BOOLEANS:
        return _TAG + "bool"
    if value in _NULLS:
        return _TAG + "null"
    if value == "<<":
        return _MERGE
    if value[0] in "-+.0123456789":
        if _INTEGER.fullmatch(value):
            return _TAG + "int"
        if _FLOAT.fullmatch(value):
            return _TAG + "float"
    return _STR


def _resolve(kind: type[Node], value: str, implicit: Any) -> str:
    if kind is ScalarNode:
        return _plain_tag(value) if implicit[0] else _STR
    return _SEQ if kind is SequenceNode else _MAP


class _Builder:
    """Nodes to data."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._count = 0
        self._added = 0
        self._deepest = 0
        self._built: dict[int, tuple[Any, int, int] | None] = {}
        """id of a node → (data, values in it, levels in it); None while it is being built."""

    def build(self, node: Node, depth: int) -> Any:
        self._count += 1
        if node.__class__ is ScalarNode:
            return node.value if node.tag == _STR else _scalar(node)
        key = id(node)
        if key in self._built:
            return self._again(node, depth)
        depth = self._descend(node, depth + 1)
        outside, self._deepest = self._deepest, depth
        self._built[key] = None
        before = self._count
        built: Any
        if isinstance(node, SequenceNode):
            _expect_tag(node, _SEQ)
            built = [self.build(item, depth) for item in node.value]
        else:
            _expect_tag(node, _MAP)
            built = self._mapping(node, depth)
        self._built[key] = (built, self._count - before, self._deepest - depth + 1)
        self._deepest = max(outside, self._deepest)
        return built

    def _descend(self, node: Node, depth: int) -> int:
        if depth > self._limits.depth:
            raise _at(node, f"nested deeper than {self._limits.depth} levels")
        return depth

    def _again(self, node: Node, depth: int) -> Any:
        """What an alias stands for: the same object, counted as if it were written out."""
        known = self._built[id(node)]
        if known is None:
            raise _at(node, "an alias stands inside of what it refers to")
        built, size, levels = known
        self._deepest = max(self._deepest, self._descend(node, depth + levels))
        self._count += size
        self._added += size + 1
        if self._added > self._limits.expanded:
            raise _at(node, f"aliases expand to more than {self._limits.expanded} values")
        return built

    def _mapping(self, node: Node, depth: int) -> dict[str, Any]:
        built: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        for key_node, value_node in node.value:
            if key_node.__class__ is not ScalarNode:
                raise _at(key_node, "a key must be a text")
            if key_node.tag == _MERGE:
                merged.extend(self._merged(value_node, depth))
                continue
            key = key_node.value
            if key in built:
                raise _at(key_node, f"the key '{key}' is repeated")
            built[key] = self.build(value_node, depth)
        for other in merged:
            for key, value in other.items():
                built.setdefault(key, value)
        return built

    def _merged(self, node: Node, depth: int) -> list[dict[str, Any]]:
        value = self.build(node, depth)
        parts = value if isinstance(value, list) else [value]
        for part in parts:
            if not isinstance(part, dict):
                raise _at(node, "'<<' takes a mapping or a list of mappings")
            self._added += len(part)
        return parts


def _expect_tag(node: Node, tag: str) -> None:
    if node.tag != tag:
        raise _at(node, f"the tag {node.tag} is not supported")


def _scalar(node: Node) -> Any:
    value, tag = node.value, node.tag
    if tag == _TAG + "null" and value in _NULLS:
        return None
    if tag == _TAG + "bool" and value in _BOOLEANS:
        return _BOOLEANS[value]
    if tag == _MERGE:
        return value
    try:
        if tag == _TAG + "int" and len(value) <= _LONGEST_NUMBER and _INTEGER.fullmatch(value):
            return _integer(value)
        if tag == _TAG + "float" and len(value) <= _LONGEST_NUMBER and _FLOAT.fullmatch(value):
            return _finite(value.replace("_", ""))
    except ValueError:
        pass
    raise _at(node, f"'{value[:40]}' cannot be read as {tag.removeprefix(_TAG)}")


def _integer(value: str) -> int:
    """YAML 1.1: 0b..., 0x..., and a leading 0 for octal."""
    digits = value.replace("_", "")
    sign = -1 if digits[0] == "-" else 1
    digits = digits.lstrip("+-")
    if digits.startswith("0b"):
        return sign * int(digits, 2)
    if digits.startswith("0x"):
        return sign * int(digits, 16)
    if digits.startswith("0") and digits != "0":
        return sign * int(digits[1:], 8)
    return sign * int(digits)


def _at(node: Node, message: str) -> ParseError:
    mark = node.start_mark
    return ParseError(message, mark.line + 1, mark.column + 1)


def _line(node: Node, path: Path) -> int:
    line: int = node.start_mark.line + 1
    for step in path:
        found: tuple[Node, Node] | None = None
        if isinstance(node, MappingNode):
            found = _entry(node, str(step))
        elif isinstance(node, SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
            found = node.value[step], node.value[step]
        if found is None:
            break
        line = found[0].start_mark.line + 1
        node = found[1]
    return line


def _entry(node: Node, name: str) -> tuple[Node, Node] | None:
    for key_node, value_node in node.value:
        if key_node.value == name:
            return key_node, value_node
    for key_node, value_node in node.value:
        if key_node.tag != _MERGE:
            continue
        for part in value_node.value if isinstance(value_node, SequenceNode) else [value_node]:
            if isinstance(part, MappingNode) and (found := _entry(part, name)):
                return found
    return None
