"""From one comparison to a test of a request, with the checks that its field, operator and constant fit together."""

import operator
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, Never

from gateline.engine.router.expressions.fields import (
    Address,
    AddressField,
    NumberField,
    TextField,
    TextsField,
    field_of,
)
from gateline.engine.router.expressions.parser import refuse
from gateline.engine.router.expressions.syntax import Predicate
from gateline.engine.router.interface import RouteRequest
from gateline.engine.router.regexes import Regex, RegexError

__all__ = ["RequestTest", "lowered", "predicate_regex", "predicate_test"]

RequestTest = Callable[[RouteRequest], bool]

_COMPARISONS: Final[dict[str, Callable[[int, int], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def predicate_test(text: str, predicate: Predicate) -> RequestTest:
    """The test; `text` is the whole expression, for the report of the `RouteError` that this may raise."""
    field = field_of(predicate.field)
    if field is None:
        refuse(text, predicate.position, f"unknown field: {predicate.field}")
    match field:
        case NumberField(read):
            _refuse_lower(text, predicate, "an Int")
            return _number_test(text, read, predicate)
        case AddressField(read):
            _refuse_lower(text, predicate, "an IpAddr")
            return _address_test(text, read, predicate)
        case TextField(read):
            return _text_test(read, _comparison(text, predicate))
        case TextsField(read):
            return _texts_test(read, _comparison(text, predicate), any_value=predicate.any)


def predicate_regex(text: str, predicate: Predicate) -> Regex:
    """The regex of a `~` predicate."""
    if not isinstance(predicate.value, str):
        _mismatch(text, predicate, "a text")
    try:
        return Regex(predicate.value, ignore_case=predicate.field == "http.host")
    except RegexError as error:
        refuse(text, predicate.value_position, f"invalid regex: {error}")


def lowered(text: bytes) -> bytes:
    """What `lower()` makes of a text."""
    if text.isascii():
        return text.lower()
    return text.decode("utf-8", "surrogateescape").lower().encode("utf-8", "surrogateescape")


def _refuse_lower(text: str, predicate: Predicate, kind: str) -> None:
    if predicate.lower:
        refuse(text, predicate.position, f"lower() takes a String, {predicate.field} is {kind}")


def _mismatch(text: str, predicate: Predicate, wanted: str) -> Never:
    refuse(text, predicate.value_position, f"{predicate.field} {predicate.operator} takes {wanted}")


def _no_operator(text: str, predicate: Predicate, kind: str) -> Never:
    refuse(text, predicate.position, f"{predicate.field} is {kind}: it cannot be compared with {predicate.operator}")


def _number_test(text: str, read: Callable[[RouteRequest], int | None], predicate: Predicate) -> RequestTest:
    compare = _COMPARISONS.get(predicate.operator)
    if compare is None:
        _no_operator(text, predicate, "an Int")
    wanted = predicate.value
    if not isinstance(wanted, int):
        _mismatch(text, predicate, "an integer")

    def test(request: RouteRequest) -> bool:
        number = read(request)
        return number is not None and compare(number, wanted)

    return test


def _address_test(text: str, read: Callable[[RouteRequest], Address | None], predicate: Predicate) -> RequestTest:
    wanted = predicate.value
    inside = predicate.operator in ("==", "in")
    if predicate.operator in ("in", "not in"):
        if not isinstance(wanted, IPv4Network | IPv6Network):
            _mismatch(text, predicate, "a CIDR, such as 10.0.0.0/8")
        network = wanted
    elif predicate.operator in ("==", "!="):
        if not isinstance(wanted, IPv4Address | IPv6Address):
            _mismatch(text, predicate, "an IP address")
        network = IPv4Network(wanted) if isinstance(wanted, IPv4Address) else IPv6Network(wanted)
    else:
        _no_operator(text, predicate, "an IpAddr")

    def test(request: RouteRequest) -> bool:
        address = read(request)
        # Addresses of the other family fail every comparison, the negative ones too (as in Kong).
        return address is not None and address.version == network.version and (address in network) is inside

    return test


def _comparison(text: str, predicate: Predicate) -> Callable[[bytes], bool]:
    compare = _exact_comparison(text, predicate)
    return (lambda value: compare(lowered(value))) if predicate.lower else compare


def _exact_comparison(text: str, predicate: Predicate) -> Callable[[bytes], bool]:
    if predicate.operator == "~":
        search = predicate_regex(text, predicate).search
        return lambda value: search(value) is not None
    if not isinstance(predicate.value, str):
        _mismatch(text, predicate, "a text")
    constant = predicate.value.encode("utf-8", "surrogatepass")
    if predicate.field == "http.host":
        constant = constant.lower()
    match predicate.operator:
        case "==":
            return lambda value: value == constant
        case "!=":
            return lambda value: value != constant
        case "^=":
            return lambda value: value.startswith(constant)
        case "=^":
            return lambda value: value.endswith(constant)
        case "contains":
            return lambda value: constant in value
        case _:
            _no_operator(text, predicate, "a String")


def _text_test(read: Callable[[RouteRequest], bytes | None], compare: Callable[[bytes], bool]) -> RequestTest:
    def test(request: RouteRequest) -> bool:
        value = read(request)
        return value is not None and compare(value)

    return test


def _texts_test(
    read: Callable[[RouteRequest], list[bytes]], compare: Callable[[bytes], bool], *, any_value: bool
) -> RequestTest:
    if any_value:
        return lambda request: any(map(compare, read(request)))

    def test(request: RouteRequest) -> bool:
        values = read(request)
        return bool(values) and all(map(compare, values))

    return test
