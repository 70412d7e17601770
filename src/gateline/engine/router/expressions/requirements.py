"""What a request must have for an expression to hold, read off the tree: hosts, and beginnings of the path.

Sound, not complete: a request without them never fulfils the expression, one with them may not either. The router
finds expression routes by these as it finds any other route.
"""

from collections.abc import Iterable
from typing import TypeVar

from gateline.engine.router.expressions.syntax import And, Expression, Not, Or, Predicate
from gateline.engine.router.hosts import HostKey
from gateline.engine.router.paths import encode_path
from gateline.engine.router.regexes import literal_prefix

__all__ = ["constant_prefix", "names_path", "required_beginnings", "required_hosts"]

_Item = TypeVar("_Item")
_SEVERAL_SPELLINGS = frozenset('%"<>\\^`{|}\x7f') | {chr(code) for code in range(0x20)}


def required_hosts(tree: Expression) -> set[HostKey] | None:
    """Host keys of which a request must have one, None when it need not."""
    match tree:
        case Predicate(field="http.host", operator="==", value=str(name)) if name:
            return {HostKey(_host_text(name))}
        case Predicate(field="http.host", operator="=^", value=str(name)) if name.startswith("."):
            return {HostKey(_host_text(name), "left")}
        case And(terms):
            return next((hosts for term in terms if (hosts := required_hosts(term)) is not None), None)
        case Or(terms):
            return _union(required_hosts(term) for term in terms)
        case _:
            return None


def required_beginnings(tree: Expression) -> set[bytes] | None:
    """Beginnings of which a normalised path must have one, None when it need not."""
    match tree:
        case Predicate(field="http.path", operator="==" | "^=", value=str(text), lower=False):
            return {_one_spelling(text)}
        case Predicate(field="http.path", operator="~", value=str(pattern), lower=False) if pattern.startswith("^"):
            return {literal_prefix(pattern)}
        case And(terms):
            found = [beginnings for term in terms if (beginnings := required_beginnings(term)) is not None]
            return max(found, key=lambda beginnings: min(map(len, beginnings)), default=None)
        case Or(terms):
            return _union(required_beginnings(term) for term in terms)
        case _:
            return None


def constant_prefix(tree: Expression) -> bytes | None:
    """What the path predicates take whenever the expression holds, if that is always the same bytes."""
    terms = tree.terms if isinstance(tree, And) else (tree,)
    match [term for term in terms if names_path(term)]:
        case [Predicate(operator="==" | "^=", value=str(text), lower=False)] if not _SEVERAL_SPELLINGS & set(text):
            return encode_path(text)
        case _:
            return None


def names_path(tree: Expression) -> bool:
    """Whether a predicate in the tree can take something of the path."""
    match tree:
        case Predicate(field=name, operator=operator):
            return name == "http.path" and operator in ("==", "^=", "~")
        case And(terms) | Or(terms):
            return any(names_path(term) for term in terms)
        case Not():
            return False


def _host_text(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass").lower()


def _one_spelling(text: str) -> bytes:
    """The text as a normalised path spells it, up to the first character that could have several spellings."""
    for place, character in enumerate(text):
        if character in _SEVERAL_SPELLINGS:
            return encode_path(text[:place])
    return encode_path(text)


def _union(sets: Iterable[set[_Item] | None]) -> set[_Item] | None:
    union: set[_Item] = set()
    for some in sets:
        if some is None:
            return None
        union |= some
    return union
