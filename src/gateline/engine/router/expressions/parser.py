r"""From the text of an expression to its syntax tree.

Grammar, as Kong's router reads it (blanks may stand between all of these):

    expression  = any-of { "&&" any-of }
    any-of      = term { "||" term }              "||" binds tighter than "&&"
    term        = predicate | [ "!" ] "(" expression ")"
    predicate   = field operator constant
    field       = name | ( "any" | "lower" ) "(" field ")"
    operator    = "==" "!=" "~" "^=" "=^" ">=" ">" "<=" "<" "in" "not in" "contains"
    constant    = "text with \" \\ \n \r \t" | r#"raw text"# | address [ "/" bits ] | integer (12, -12, 0xff, 017)

A mistake raises `RouteError` on `expression` with a report that shows the place, in the layout of Kong's parser.
"""

import re
from ipaddress import ip_address, ip_network
from typing import Never

from gateline.engine.router.expressions.syntax import OPERATORS, And, Expression, Not, Or, Predicate, Value
from gateline.engine.router.interface import RouteError

__all__ = ["parse", "refuse"]

_MOST_NESTED = 100
_MOST_SHOWN = 200
_BLANKS = re.compile(r"[ \t\r\n]*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")
_OPERATOR = re.compile(r"not[ \t\r\n]+in\b|in\b|contains\b|==|!=|\^=|=\^|>=|<=|>|<|~")
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\nrt])*)"')
_RAW = re.compile(r'r#"(.*?)"#', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)")
_UNESCAPED = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_ADDRESS = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*)(/[0-9]{1,3})?")
_INTEGER = re.compile(r"-?(?:0x[0-9A-Fa-f]+|[0-9]+)")
_OCTAL = re.compile(r"0[0-7]+")
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1


def parse(text: str) -> Expression:
    """The syntax tree of an expression; names and types of fields are not looked at yet."""
    return _Parser(text).whole()


def refuse(text: str, position: int, reason: str) -> Never:
    """Raise the error that shows `position` in the text."""
    line = text.count("\n", 0, position)
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    column = position - start
    shown_from = max(start, position - _MOST_SHOWN // 2)  # of a very long line the part around the place
    shown = text[shown_from : end if end >= 0 else len(text)][:_MOST_SHOWN]
    number = str(line + 1)
    margin = " " * len(number)
    raise RouteError(
        "expression",
        f"{margin}--> {number}:{column + 1}\n{margin} |\n{number} | {shown}\n"
        f"{margin} | {' ' * (position - shown_from)}^---\n{margin} |\n{margin} = {reason}",
    )


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def whole(self) -> Expression:
        expression = self._expression()
        if self._at < len(self._text):
            self._refuse("expected && or || or the end")
        return expression

    def _expression(self) -> Expression:
        terms = [self._any_of()]
        while self._take("&&"):
            terms.append(self._any_of())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def _any_of(self) -> Expression:
        terms = [self._term()]
        while self._take("||"):
            terms.append(self._term())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def _term(self) -> Expression:
        self._blanks()
        start = self._at
        negated = self._take("!")
        if not self._take("("):
            if negated:
                self._refuse("expected term: ! stands only before a parenthesis, as in !(a == 1)", start)
            return self._predicate()
        self._depth += 1
        if self._depth > _MOST_NESTED:
            self._refuse(f"more than {_MOST_NESTED} parentheses inside one another", start)
        expression = self._expression()
        if not self._take(")"):
            self._refuse("expected && or || or )")
        self._depth -= 1
        return Not(expression) if negated else expression

    def _predicate(self) -> Predicate:
        position = self._at
        functions: list[str] = []
        while True:
            self._blanks()
            start = self._at
            name = self._name("expected term: a field, or ( before an expression")
            if not self._take("("):
                break
            if name not in ("any", "lower"):
                self._refuse(f"unknown transformation function: {name}", start)
            functions.append(name)
        for _ in functions:
            if not self._take(")"):
                self._refuse("expected )")
        self._blanks()
        found = _OPERATOR.match(self._text, self._at)
        if found is None:
            self._refuse(f"expected an operator: {', '.join(OPERATORS)}")
        self._at = found.end()
        operator = "not in" if found[0].startswith("not") else found[0]
        self._blanks()
        value_position = self._at
        value = self._constant()
        self._blanks()
        return Predicate(name, operator, value, "lower" in functions, "any" in functions, position, value_position)

    def _name(self, otherwise: str) -> str:
        found = _NAME.match(self._text, self._at)
        if found is None:
            self._refuse(otherwise)
        self._at = found.end()
        return found[0]

    def _constant(self) -> Value:
        found = _QUOTED.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
            return _ESCAPE.sub(lambda escape: _UNESCAPED[escape[1]], found[1])
        found = _RAW.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
            return found[1]
        found = _ADDRESS.match(self._text, self._at)
        if found is not None:
            return self._address(found)
        found = _INTEGER.match(self._text, self._at)
        if found is not None:
            return self._integer(found)
        return self._no_constant()

    def _no_constant(self) -> Never:
        if self._text.startswith(('"', 'r#"'), self._at):
            self._refuse('a text without end, or with an escape other than \\" \\\\ \\n \\r \\t')
        self._refuse('expected a constant: "text", r#"raw text"#, an integer, an IP address or a CIDR')

    def _address(self, found: re.Match[str]) -> Value:
        try:
            value = ip_network(found[0]) if found[1] else ip_address(found[0])
        except ValueError as error:
            self._refuse(str(error))
        self._at = found.end()
        return value

    def _integer(self, found: re.Match[str]) -> int:
        digits = found[0].removeprefix("-")
        if len(digits) > 24:
            self._refuse("number too large to fit in 64 bits")
        if digits.startswith("0x"):
            number = int(digits, 16)
        elif _OCTAL.fullmatch(digits):
            number = int(digits, 8)
        else:
            number = int(digits, 10)
        if found[0].startswith("-"):
            number = -number
        if not _LEAST <= number <= _MOST:
            self._refuse("number too large to fit in 64 bits")
        self._at = found.end()
        return number

    def _take(self, mark: str) -> bool:
        self._blanks()
        if not self._text.startswith(mark, self._at):
            return False
        self._at += len(mark)
        self._blanks()
        return True

    def _blanks(self) -> None:
        found = _BLANKS.match(self._text, self._at)
        if found is not None:
            self._at = found.end()

    def _refuse(self, reason: str, position: int | None = None) -> Never:
        refuse(self._text, self._at if position is None else position, reason)
