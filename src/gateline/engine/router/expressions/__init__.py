"""The expression language of the `expressions` flavour (Kong's ATC): text to syntax tree to test of a request."""

from gateline.engine.router.expressions.candidate import expression_candidates
from gateline.engine.router.expressions.parser import parse
from gateline.engine.router.expressions.syntax import And, Expression, Not, Or, Predicate

__all__ = ["And", "Expression", "Not", "Or", "Predicate", "expression_candidates", "parse"]
