"""The header rules of response-transformer, list by list."""

from collections.abc import Callable, Sequence

from gateline.pdk import Exchange, HeaderChanges, PluginError
from gateline.pdk.regexes import Regex, RegexError
from gateline.pdk.templates import to_bytes_text
from gateline.plugins.response_transformer.config import pattern_of
from gateline.plugins.transformation.entries import safe_header_value, split

__all__ = ["HeaderStep", "adding", "appending", "in_turn", "removing", "renaming", "replacing"]

HeaderStep = Callable[[Exchange], None]
"""One list of rules, applied to an answer."""


def removing(entries: Sequence[str]) -> HeaderStep | None:
    """`name` takes a header away, `name:value` that value of it: a line, or an element of a list with commas."""
    rules = [
        (name, _matcher(value) if value else None, name.lower() == "set-cookie") for name, value in _split(entries)
    ]

    if all(matches is None for _, matches, _ in rules):
        changes = HeaderChanges()
        for name, _, _ in rules:
            changes.remove_header(name)
        return _changing(changes)

    def apply(exchange: Exchange) -> None:
        response = exchange.response
        for name, matches, whole_lines in rules:
            if matches is None:
                response.remove_header(name)
                continue
            lines = response.header_values(name)
            kept = [line for line in lines if not matches(line)] if whole_lines else _without(lines, matches)
            if kept != lines:
                response.remove_header(name)
                for line in kept:
                    response.add_header(name, line)

    return apply


def renaming(entries: Sequence[str]) -> HeaderStep | None:
    """`old:new` moves all lines of a header."""
    rules = [(old, new) for old, new in _split(entries) if new]

    def apply(exchange: Exchange) -> None:
        response = exchange.response
        for old, new in rules:
            lines = response.header_values(old)
            if lines:
                response.remove_header(old)
                response.remove_header(new)
                for line in lines:
                    response.add_header(new, line)

    return apply if rules else None


def replacing(entries: Sequence[str]) -> HeaderStep | None:
    """`name:value` changes a header that is there."""
    changes = HeaderChanges()
    for name, value in _values(entries):
        changes.replace_header(name, value)
    return _changing(changes)


def adding(entries: Sequence[str]) -> HeaderStep | None:
    """`name:value` sets a header that is not there."""
    changes = HeaderChanges()
    for name, value in _values(entries):
        changes.set_default_header(name, value)
    return _changing(changes)


def appending(entries: Sequence[str]) -> HeaderStep | None:
    """`name:value` adds a line."""
    changes = HeaderChanges()
    for name, value in _values(entries):
        changes.add_header(name, value)
    return _changing(changes)


def in_turn(steps: Sequence[HeaderStep]) -> HeaderStep:
    """One after the other."""

    def apply(exchange: Exchange) -> None:
        for step in steps:
            step(exchange)

    return apply


def _changing(changes: HeaderChanges) -> HeaderStep | None:
    return Changing(changes).apply if changes else None


class Changing:
    """Changes that are the same for every answer."""

    __slots__ = ("_changes",)

    def __init__(self, changes: HeaderChanges) -> None:
        self._changes = changes

    def apply(self, exchange: Exchange) -> None:
        """Make them."""
        exchange.response.change_headers(self._changes)


def _split(entries: Sequence[str]) -> list[tuple[str, str]]:
    return [pair for pair in map(split, entries) if pair[0]]


def _values(entries: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, safe_header_value(to_bytes_text(value))) for name, value in _split(entries) if value]


def _without(lines: Sequence[str], matches: Callable[[str], bool]) -> list[str]:
    """Lines without the elements that match; one of which nothing is left is left out."""
    kept = []
    for line in lines:
        elements = [element.strip() for element in line.split(",")]
        left = [element for element in elements if not matches(element)]
        if len(left) == len(elements):
            kept.append(line)
        elif left:
            kept.append(", ".join(left))
    return kept


def _matcher(value: str) -> Callable[[str], bool]:
    pattern = pattern_of(value)
    if pattern is None:
        wanted = to_bytes_text(value)
        return lambda line: line == wanted
    try:
        return Regex(pattern).found_in
    except RegexError as error:
        raise PluginError(f"invalid regex: '{pattern}' ({error})") from None
