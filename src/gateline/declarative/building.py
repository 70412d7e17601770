"""YAML events to plain data: what a scalar means, aliases, merge keys, limits, lines. One loop, no recursion."""

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from gateline.declarative.parse_error import Limits, ParseError

Lines = dict[int, dict[str | int, int]]
"""id of a dictionary or list → key or position → line (from 1). The document's own line stands under 0 and ""."""

_TAG = "tag:yaml.org,2002:"
_BOOLEANS = {
    **dict.fromkeys(("yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
}
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|[1-9][0-9_]*|0)")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?")
_LONGEST_NUMBER = 400


class _NoKey:
    """Stands for the key of a mapping while the next value is to be one."""


_KEY_NEXT = _NoKey()
_MERGE = _NoKey()


class _Frame:
    """A list or mapping that is being filled."""

    __slots__ = ("anchor", "before", "container", "key", "levels", "lines", "merged")

    def __init__(self, container: Any, anchor: str | None, before: int, lines: dict[str | int, int] | None) -> None:
        self.container = container
        self.anchor = anchor
        self.key: Any = _KEY_NEXT
        self.merged: list[dict[str, Any]] | None = None
        self.levels = 1
        """Levels of nesting from here down."""
        self.before = before
        """Values counted before this one."""
        self.lines = lines


class _Anchored:
    """What an anchor names. `value` is `_MERGE` while it is still being built."""

    __slots__ = ("levels", "size", "text", "value")

    def __init__(self, value: Any, size: int, levels: int, text: str | None) -> None:
        self.value = value
        self.size = size
        self.levels = levels
        self.text = text
        """The text of a scalar, by which it can be a key."""


class Builder:
    """Builds the data of one document; with `lines`, notes where everything stands."""

    def __init__(self, limits: Limits, lines: Lines | None) -> None:
        self._limits = limits
        self._lines = lines
        self._count = 0
        self._added = 0
        self._anchors: dict[str, _Anchored] = {}
        self._frames: list[_Frame] = []
        self._root: Any = None
        self._documents = 0

    def build(self, next_event: Callable[[], Any]) -> Any:
        """The data that the events describe, None for an empty document. Raises `ParseError`."""
        while True:
            event = next_event()
            kind = event.__class__
            if kind is ScalarEvent:
                self._scalar(event)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._close()
            elif kind is MappingStartEvent:
                self._open(event, {}, "map")
            elif kind is SequenceStartEvent:
                self._open(event, [], "seq")
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is DocumentStartEvent:
                self._documents += 1
                if self._documents > 1:
                    raise _at(event, "only one document is allowed")
            elif kind is StreamEndEvent:
                return self._root

    def _scalar(self, event: Any) -> None:
        self._count += 1
        text = event.value
        frames = self._frames
        frame = frames[-1] if frames else None
        if event.anchor is not None:
            value = _value(event)
            self._anchors[event.anchor] = _Anchored(value, 1, 0, text)
        if frame is not None and frame.key is _KEY_NEXT and frame.container.__class__ is dict:
            if text == "<<" and event.tag is None and event.implicit[0]:
                frame.key = _MERGE
            else:
                self._take_key(frame, text, event)
            return
        if event.tag is None and not event.implicit[0]:
            self._take(frame, text, event)
        else:
            self._take(frame, _value(event), event)

    def _take_key(self, frame: _Frame, text: str, event: Any) -> None:
        if text in frame.container:
            raise _at(event, f"the key '{text}' is repeated")
        frame.key = text
        if frame.lines is not None:
            frame.lines[text] = event.start_mark.line + 1

    def _take(self, frame: _Frame | None, value: Any, event: Any) -> None:
        """Put a value where it belongs."""
        if frame is None:
            self._root = value
            if self._lines is not None:
                self._lines[0] = {"": event.start_mark.line + 1}
            return
        container = frame.container
        if container.__class__ is list:
            if frame.lines is not None:
                frame.lines[len(container)] = event.start_mark.line + 1
            container.append(value)
        elif frame.key is _MERGE:
            self._merge(frame, value, event)
            frame.key = _KEY_NEXT
        else:
            container[frame.key] = value
            frame.key = _KEY_NEXT

    def _open(self, event: Any, container: Any, kind: str) -> None:
        if event.tag is not None and event.tag not in ("!", _TAG + kind):
            raise _at(event, f"the tag {event.tag} is not supported")
        frames = self._frames
        frame = frames[-1] if frames else None
        if frame is not None and frame.key is _KEY_NEXT and frame.container.__class__ is dict:
            raise _at(event, "a key must be a text")
        if len(frames) >= self._limits.depth:
            raise _at(event, f"nested deeper than {self._limits.depth} levels")
        lines: dict[str | int, int] | None = None
        if self._lines is not None:
            lines = self._lines[id(container)] = {}
        anchor = event.anchor
        if anchor is not None:
            self._anchors[anchor] = _Anchored(_MERGE, 0, 0, None)
        if frame is None or frame.key is not _MERGE:
            self._take(frame, container, event)
        self._count += 1
        frames.append(_Frame(container, anchor, self._count, lines))

    def _close(self) -> None:
        frame = self._frames.pop()
        if frame.merged:
            self._apply_merges(frame)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchored(frame.container, self._count - frame.before, frame.levels, None)
        if self._frames:
            parent = self._frames[-1]
            parent.levels = max(parent.levels, frame.levels + 1)
            if parent.key is _MERGE:
                parent.key = _KEY_NEXT
                self._merge(parent, frame.container, None)

    def _alias(self, event: Any) -> None:
        """What an alias stands for: the same object, counted as if it were written out."""
        known = self._anchors.get(event.anchor)
        if known is None:
            raise _at(event, f"the alias '{event.anchor}' refers to nothing before it")
        if known.value is _MERGE:
            raise _at(event, "an alias stands inside of what it refers to")
        depth = len(self._frames) + known.levels
        if depth > self._limits.depth:
            raise _at(event, f"nested deeper than {self._limits.depth} levels")
        self._count += known.size
        self._expand(known.size + 1, event)
        frame = self._frames[-1] if self._frames else None
        if frame is None:
            raise _at(event, "an alias refers to nothing before it")
        if frame.key is _KEY_NEXT and frame.container.__class__ is dict:
            if known.text is None:
                raise _at(event, "a key must be a text")
            self._take_key(frame, known.text, event)
            return
        frame.levels = max(frame.levels, known.levels + 1)
        self._take(frame, known.value, event)

    def _expand(self, size: int, event: Any) -> None:
        self._added += size
        if self._added > self._limits.expanded:
            raise _at(event, f"aliases expand to more than {self._limits.expanded} values")

    def _merge(self, frame: _Frame, value: Any, event: Any) -> None:
        """Note what `<<` brings; it is applied when the mapping is complete, for what is written there wins."""
        parts = value if isinstance(value, list) else [value]
        for part in parts:
            if not isinstance(part, dict):
                raise _at(event, "'<<' takes a mapping or a list of mappings")
            self._expand(len(part), event)
        frame.merged = [*(frame.merged or ()), *parts]

    def _apply_merges(self, frame: _Frame) -> None:
        container = frame.container
        for part in frame.merged or ():
            noted = self._lines.get(id(part), {}) if self._lines is not None else {}
            for name, value in part.items():
                if name not in container:
                    container[name] = value
                    if frame.lines is not None and name in noted:
                        frame.lines[name] = noted[name]


def _value(event: Any) -> Any:
    """What a scalar means: YAML 1.1 without dates, sexagesimals and infinities, which stay texts."""
    text: str = event.value
    tag = event.tag
    if tag is None:
        return _plain(text) if event.implicit[0] else text
    if tag in ("!", _TAG + "str"):
        return text
    wanted = tag.removeprefix(_TAG)
    if wanted in _WANTED:
        value = _plain(text)
        if isinstance(value, _WANTED[wanted]) and (wanted == "bool") == isinstance(value, bool):
            return float(value) if wanted == "float" and value is not None else value
    raise _at(event, f"'{text[:40]}' cannot be read as {wanted}")


_WANTED: dict[str, Any] = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}


@lru_cache(maxsize=4096)
def _plain(text: str) -> Any:
    """What an unquoted scalar means."""
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text in _NULLS:
        return None
    if text[0] in "-+.0123456789" and len(text) <= _LONGEST_NUMBER:
        if _INTEGER.fullmatch(text):
            return _integer(text)
        if _FLOAT.fullmatch(text):
            number = float(text.replace("_", ""))
            return number if math.isfinite(number) else text
    return text


def _integer(text: str) -> int | str:
    """0b..., 0x..., and a leading 0 for octal."""
    digits = text.replace("_", "").lstrip("+-")
    sign = -1 if text[0] == "-" else 1
    if digits.startswith(("0b", "0x")):
        return sign * int(digits, 0) if len(digits) > 2 else text
    if len(digits) > 1 and digits[0] == "0":
        return sign * int(digits, 8)
    return sign * int(digits)


def _at(event: Any, message: str) -> ParseError:
    if event is None:
        return ParseError(message)
    mark = event.start_mark
    return ParseError(message, mark.line + 1, mark.column + 1)
