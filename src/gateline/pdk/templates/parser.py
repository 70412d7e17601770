"""From the source of an expression to the closure that computes it: recursive descent over the grammar of the package.

A parser knows nothing of requests. It folds no constants but one: a pattern of a string function must be a literal,
and is compiled here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gateline.pdk.templates import operations
from gateline.pdk.templates.blocks import Assign, Block, Branch, Statement, block_run
from gateline.pdk.templates.environment import NAMES
from gateline.pdk.templates.errors import TemplateError
from gateline.pdk.templates.library import GLOBALS, string_function
from gateline.pdk.templates.operations import Run
from gateline.pdk.templates.patterns import BadPatternError
from gateline.pdk.templates.strings import PATTERN_FUNCTIONS, STRING_FUNCTIONS, pattern_function
from gateline.pdk.templates.texts import to_bytes_text
from gateline.pdk.templates.tokens import Token, tokens
from gateline.pdk.templates.values import length, number, read_number

__all__ = ["Parser"]

_DEEPEST = 24
"""How deep expressions nest."""

_UNKNOWN: Any = object()


@dataclass(frozen=True, slots=True)
class _Code:
    """A part that is parsed: its closure, what it is called in faults, and its value where it is a literal."""

    run: Run
    what: str = "a value"
    literal: Any = _UNKNOWN
    string_function: str | None = None


class Parser:
    """Parses one expression of a template, from an offset."""

    def __init__(self, source: str, start: int) -> None:
        self._tokens = tokens(source, start)
        self._token = next(self._tokens)
        self._depth = 0
        self._scopes: list[dict[str, int]] = []
        self._slots = 0
        self.names: set[str] = set()
        """The environment's names that it uses."""

    def parenthesised(self) -> tuple[Run, int]:
        """The expression up to the parenthesis that closes the template's `$(`, and the offset behind that."""
        code = self._expression()
        if not self._is(")"):
            raise self._unexpected("')'")
        return code.run, self._token.at

    # What comes next

    def _is(self, *signs: str) -> bool:
        return self._token.kind in ("sign", "keyword") and self._token.text in signs

    def _next(self) -> Token:
        token = self._token
        self._token = next(self._tokens)
        return token

    def _skip(self, sign: str) -> Token:
        if not self._is(sign):
            raise self._unexpected(f"'{sign}'")
        return self._next()

    def _name(self) -> str:
        if self._token.kind != "name":
            raise self._unexpected("a name")
        return self._next().text

    def _unexpected(self, wanted: str) -> TemplateError:
        token = self._token
        found = "the end of the template" if token.kind == "end" else f"'{token.text}'"
        return TemplateError(f"expected {wanted}, found {found}", token.at)

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise TemplateError("the expression is nested too deep", self._token.at)
        yield
        self._depth -= 1

    # Expressions, from the loosest to the tightest

    def _expression(self) -> _Code:
        with self._deeper():
            return self._several("or", operations.either, self._and)

    def _and(self) -> _Code:
        return self._several("and", operations.both, self._comparison)

    def _several(self, sign: str, combine: Callable[[list[Run]], Run], part: Callable[[], _Code]) -> _Code:
        first = part()
        if not self._is(sign):
            return first
        parts = [first.run]
        while self._is(sign):
            self._next()
            parts.append(part().run)
        return _Code(combine(parts))

    def _comparison(self) -> _Code:
        return self._chain(("==", "~=", "<", "<=", ">", ">="), operations.comparison, self._concat)

    def _concat(self) -> _Code:
        return self._several("..", operations.joined, self._sum)

    def _sum(self) -> _Code:
        return self._chain(("+", "-"), operations.arithmetic, self._product)

    def _product(self) -> _Code:
        return self._chain(("*", "/", "%"), operations.arithmetic, self._unary)

    def _chain(
        self,
        signs: tuple[str, ...],
        combine: Callable[[Run, list[tuple[str, Run]]], Run],
        part: Callable[[], _Code],
    ) -> _Code:
        first = part()
        if not self._is(*signs):
            return first
        rest = []
        while self._is(*signs):
            sign = self._next().text
            rest.append((sign, part().run))
        return _Code(combine(first.run, rest))

    def _unary(self) -> _Code:
        if not self._is("not", "-", "#"):
            return self._power()
        sign = self._next().text
        with self._deeper():
            run = self._unary().run
        if sign == "not":
            return _Code(operations.negated(run))
        if sign == "-":
            return _Code(lambda env: -number(run(env)))
        return _Code(lambda env: length(run(env)))

    def _power(self) -> _Code:
        base = self._postfix()
        if not self._is("^"):
            return base
        self._next()
        with self._deeper():
            return _Code(operations.power(base.run, self._unary().run))

    def _postfix(self) -> _Code:
        token = self._token
        if token.kind in ("string", "number") or self._is("nil", "true", "false"):
            return self._literal()
        if token.kind == "name":
            code = self._variable(self._next().text)
        elif self._is("("):
            code = self._in_parentheses()
        else:
            raise self._unexpected("an expression")
        steps = 0
        while self._is(".", "[", "(", ":") or self._token.kind == "string":
            steps += 1
            if steps > _DEEPEST:
                raise TemplateError("the expression is nested too deep", self._token.at)
            code = self._step(code)
        return code

    def _step(self, code: _Code) -> _Code:
        if self._is("."):
            self._next()
            return self._index(code, self._name())
        if self._is("["):
            self._next()
            key = self._expression()
            self._skip("]")
            if isinstance(key.literal, str):
                return self._index(code, key.literal)
            return _Code(operations.indexed(code.run, key.run, code.what))
        if self._is(":"):
            self._next()
            at, name = self._token.at, self._name()
            return self._method(code, name, self._arguments(), at)
        at = self._token.at
        return self._call(code, self._arguments(), at)

    def _index(self, code: _Code, key: str) -> _Code:
        what = f"field '{key}'"
        if code.what == "global 'string'":
            return _Code(operations.constant(string_function(key)), what, string_function=key)
        return _Code(operations.indexed(code.run, operations.constant(key), code.what), what)

    def _literal(self) -> _Code:
        token = self._next()
        value: Any = {"nil": None, "true": True, "false": False}.get(token.text)
        if token.kind == "string":
            value = to_bytes_text(token.text)
        elif token.kind == "number":
            value = read_number(token.text)
        return _Code(operations.constant(value), literal=value)

    def _variable(self, name: str) -> _Code:
        slot = self._slot(name)
        if slot is not None:
            return _Code(lambda env: env.locals.get(slot), f"local '{name}'")
        what = f"global '{name}'"
        if name in NAMES:
            self.names.add(name)
            return _Code(lambda env: env.named(name), what)
        return _Code(operations.constant(GLOBALS.get(name)), what)

    def _in_parentheses(self) -> _Code:
        self._skip("(")
        if self._is("function"):
            return self._lambda()
        code = self._expression()
        self._skip(")")
        return _Code(code.run)

    def _arguments(self) -> list[_Code]:
        if self._token.kind == "string":
            return [self._literal()]
        self._skip("(")
        arguments: list[_Code] = []
        while not self._is(")"):
            if arguments:
                self._skip(",")
            arguments.append(self._expression())
        self._next()
        return arguments

    def _call(self, code: _Code, arguments: list[_Code], at: int) -> _Code:
        if code.string_function in PATTERN_FUNCTIONS:
            return self._patterned(code.string_function, arguments, at)
        return _Code(operations.called(code.run, [argument.run for argument in arguments], code.what))

    def _method(self, code: _Code, name: str, arguments: list[_Code], at: int) -> _Code:
        if name in PATTERN_FUNCTIONS:
            return self._patterned(name, [code, *arguments], at)
        known = STRING_FUNCTIONS.get(name)
        if known is None:
            raise TemplateError(f"there is no string function '{name}'", at)
        return _Code(operations.method(code.run, known, name, [argument.run for argument in arguments]))

    def _patterned(self, name: str, arguments: list[_Code], at: int) -> _Code:
        if len(arguments) < (3 if name == "gsub" else 2):
            raise TemplateError(f"too few arguments to '{name}'", at)
        subject, pattern, *rest = arguments
        plain = name == "find" and len(rest) > 1 and rest[1].literal is True
        if not isinstance(pattern.literal, str):
            raise TemplateError(f"the pattern of '{name}' must be a literal string", at)
        try:
            call = pattern_function(name, pattern.literal, plain=plain)
        except BadPatternError as error:
            raise TemplateError(str(error), at) from None
        runs = [subject.run, *[argument.run for argument in rest]]
        return _Code(lambda env: operations.applied(call, name, [run(env) for run in runs]))

    # Lambdas

    def _lambda(self) -> _Code:
        self._next()
        self._skip("(")
        self._skip(")")
        with self._deeper():
            body = self._block()
        for sign in ("end", ")", "(", ")"):
            self._skip(sign)
        return _Code(block_run(body))

    def _block(self) -> Block:
        self._scopes.append({})
        statements: list[Statement] = []
        result: Run | None = None
        while not self._is("end", "else", "elseif"):
            if self._is("return"):
                self._next()
                ends = self._is("end", "else", "elseif", ";")
                result = operations.constant(None) if ends else self._expression().run
                if self._is(";"):
                    self._next()
                break
            if statement := self._statement():
                statements.append(statement)
        self._scopes.pop()
        return Block(tuple(statements), result)

    def _statement(self) -> Statement | None:
        if self._is(";"):
            self._next()
            return None
        if self._is("local"):
            self._next()
            name = self._name()
            value = operations.constant(None)
            if self._is("="):
                self._next()
                value = self._expression().run
            self._slots += 1
            self._scopes[-1][name] = self._slots
            return Assign(self._slots, value)
        if self._is("if"):
            return self._if()
        if self._token.kind != "name":
            raise self._unexpected("'local', 'if', 'return' or 'end'")
        return self._assignment()

    def _assignment(self) -> Statement:
        at, name = self._token.at, self._name()
        slot = self._slot(name)
        if slot is None or not self._is("="):
            raise TemplateError("only local variables can be assigned to, and nothing else be done", at)
        self._next()
        return Assign(slot, self._expression().run)

    def _slot(self, name: str) -> int | None:
        """The slot of the local variable of a name, the innermost one; None when there is none."""
        return next((scope[name] for scope in reversed(self._scopes) if name in scope), None)

    def _if(self) -> Statement:
        cases: list[tuple[Run, Block]] = []
        with self._deeper():
            while self._is("if", "elseif"):
                self._next()
                condition = self._expression().run
                self._skip("then")
                cases.append((condition, self._block()))
            otherwise = None
            if self._is("else"):
                self._next()
                otherwise = self._block()
        self._skip("end")
        return Branch(tuple(cases), otherwise)
