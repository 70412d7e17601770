"""What expressions are compiled into: closures that take an `Environment` and give a value."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from gateline.pdk.templates.environment import Environment
from gateline.pdk.templates.errors import LIMIT, TemplateFault
from gateline.pdk.templates.values import Function, equal, index, less, number, text, truth, type_name

__all__ = ["Run", "arithmetic", "both", "called", "comparison", "constant", "either", "indexed", "joined", "power"]

Run = Callable[[Environment], Any]


def constant(value: Any) -> Run:
    """A value that is always the same."""
    return lambda _: value


def either(parts: Sequence[Run]) -> Run:
    """`a or b or ...`: the first that counts as true, else the last."""
    *tried, last = parts

    def run(env: Environment) -> Any:
        for part in tried:
            value = part(env)
            if value is not None and value is not False:
                return value
        return last(env)

    return run


def both(parts: Sequence[Run]) -> Run:
    """`a and b and ...`: the first that does not count as true, else the last."""
    *tried, last = parts

    def run(env: Environment) -> Any:
        for part in tried:
            value = part(env)
            if value is None or value is False:
                return value
        return last(env)

    return run


def negated(part: Run) -> Run:
    """`not a`."""
    return lambda env: not truth(part(env))


def joined(parts: Sequence[Run]) -> Run:
    """`a .. b .. ...`."""

    def run(env: Environment) -> str:
        made = "".join([text(part(env), "concatenate") for part in parts])
        if len(made) > LIMIT:
            raise TemplateFault(f"a text is longer than {LIMIT} bytes")
        return made

    return run


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": equal,
    "~=": lambda one, other: not equal(one, other),
    "<": lambda one, other: less(one, other, or_equal=False),
    "<=": lambda one, other: less(one, other, or_equal=True),
    ">": lambda one, other: less(other, one, or_equal=False),
    ">=": lambda one, other: less(other, one, or_equal=True),
}


def _divided(one: float, other: float) -> float:
    if other:
        return one / other
    if one == 0 or math.isnan(one):
        return math.nan
    return math.copysign(math.inf, one) * math.copysign(1.0, other)


def _remainder(one: float, other: float) -> float:
    if not other or not math.isfinite(one):
        return math.nan
    if math.isinf(other):
        return one if (one < 0) == (other < 0) or not one else other
    return one % other


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": _divided,
    "%": _remainder,
}


def comparison(first: Run, rest: Sequence[tuple[str, Run]]) -> Run:
    """`a < b == ...`, from left to right."""
    steps = tuple((_COMPARISONS[sign], part) for sign, part in rest)

    def run(env: Environment) -> Any:
        value = first(env)
        for compare, part in steps:
            value = compare(value, part(env))
        return value

    return run


def arithmetic(first: Run, rest: Sequence[tuple[str, Run]]) -> Run:
    """`a + b - ...`, from left to right."""
    steps = tuple((_ARITHMETIC[sign], part) for sign, part in rest)

    def run(env: Environment) -> float:
        value = number(first(env))
        for compute, part in steps:
            value = compute(value, number(part(env)))
        return value

    return run


def power(base: Run, exponent: Run) -> Run:
    """`a ^ b`."""

    def run(env: Environment) -> float:
        one, other = number(base(env)), number(exponent(env))
        try:
            return math.pow(one, other)
        except OverflowError:
            return -math.inf if one < 0 and other % 2 == 1 else math.inf
        except ValueError:
            return math.inf if one == 0 else math.nan

    return run


def indexed(value: Run, key: Run, what: str) -> Run:
    """`a[b]`."""
    return lambda env: index(value(env), key(env), what)


def called(function: Run, arguments: Sequence[Run], what: str) -> Run:
    """`f(a, b)`."""

    def run(env: Environment) -> Any:
        found = function(env)
        if not isinstance(found, Function):
            raise TemplateFault(f"attempt to call {what} (a {type_name(found)} value)")
        return applied(found.call, found.name, [argument(env) for argument in arguments])

    return run


def method(value: Run, call: Callable[..., Any], name: str, arguments: Sequence[Run]) -> Run:
    """`s:f(a)`, of a string."""

    def run(env: Environment) -> Any:
        subject = value(env)
        if not isinstance(subject, str):
            raise TemplateFault(f"attempt to call method '{name}' of a {type_name(subject)} value")
        return applied(call, name, [subject, *[argument(env) for argument in arguments]])

    return run


def applied(call: Callable[..., Any], name: str, values: Sequence[Any]) -> Any:
    """What a function gives for its arguments."""
    try:
        return call(*values)
    except TypeError as error:  # only a wrong number of arguments is one
        raise TemplateFault(f"bad arguments to '{name}' ({len(values)} given)") from error
