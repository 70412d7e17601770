"""Lua's patterns matched the way the manual tells (Lua 5.1, section 5.4.1), by backtracking: an oracle for tests."""

import string

CLASSES = {
    "a": string.ascii_letters,
    "d": string.digits,
    "s": " \t\n\v\f\r",
    "w": string.ascii_letters + string.digits,
}


def first_match(pattern: str, subject: str) -> tuple[int, int, list[str]] | None:
    """(start, end, captures) of the first match."""
    anchored = pattern.startswith("^")
    begin = 1 if anchored else 0
    for start in range(1 if anchored else len(subject) + 1):
        captures: list[list[int]] = []
        end = _match(pattern, begin, subject, start, captures)
        if end is not None:
            return start, end, [subject[one:other] for one, other in captures]
    return None


def _match(pattern: str, at: int, subject: str, place: int, captures: list[list[int]]) -> int | None:
    if at == len(pattern):
        return place
    if pattern[at] == "(":
        captures.append([place, -1])
        end = _match(pattern, at + 1, subject, place, captures)
        if end is None:
            captures.pop()
        return end
    if pattern[at] == ")":
        opened = next(capture for capture in reversed(captures) if capture[1] < 0)
        opened[1] = place
        end = _match(pattern, at + 1, subject, place, captures)
        if end is None:
            opened[1] = -1
        return end
    if pattern[at] == "$" and at + 1 == len(pattern):
        return place if place == len(subject) else None
    after = _item_end(pattern, at)
    quantifier = pattern[after : after + 1]

    def one(here: int) -> bool:
        return here < len(subject) and _single(pattern[at:after], subject[here])

    if quantifier == "?":
        if one(place):
            end = _match(pattern, after + 1, subject, place + 1, captures)
            if end is not None:
                return end
        return _match(pattern, after + 1, subject, place, captures)
    if quantifier in ("*", "+"):
        most = place
        while one(most):
            most += 1
        for stop in range(most, place - 1 + (quantifier == "+"), -1):
            end = _match(pattern, after + 1, subject, stop, captures)
            if end is not None:
                return end
        return None
    if quantifier == "-":
        stop = place
        while True:
            end = _match(pattern, after + 1, subject, stop, captures)
            if end is not None or not one(stop):
                return end
            stop += 1
    return _match(pattern, after, subject, place + 1, captures) if one(place) else None


def _item_end(pattern: str, at: int) -> int:
    if pattern[at] == "%":
        return at + 2
    if pattern[at] != "[":
        return at + 1
    at += 1
    if pattern[at] == "^":
        at += 1
    first = True
    while first or pattern[at] != "]":
        first = False
        at += 2 if pattern[at] == "%" else 1
    return at + 1


def _single(item: str, character: str) -> bool:
    if item == ".":
        return True
    if item[0] == "%":
        return _class(item[1], character)
    if item[0] == "[" and len(item) > 1:
        return _set(item[1:-1], character)
    return item == character


def _class(letter: str, character: str) -> bool:
    if letter.lower() in CLASSES:
        return (character in CLASSES[letter.lower()]) == letter.islower()
    return letter == character


def _set(inside: str, character: str) -> bool:
    wanted = not inside.startswith("^")
    inside = inside.removeprefix("^")
    at = 0
    while at < len(inside):
        if inside[at] == "%":
            if _class(inside[at + 1], character):
                return wanted
            at += 2
        elif inside[at + 1 : at + 2] == "-" and at + 2 < len(inside):
            if inside[at] <= character <= inside[at + 2]:
                return wanted
            at += 3
        else:
            if inside[at] == character:
                return wanted
            at += 1
    return not wanted
