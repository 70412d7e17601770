"""The statements of a lambda: local variables, branches and what it returns. There are no loops."""

from dataclasses import dataclass
from typing import Any

from gateline.pdk.templates.environment import Environment
from gateline.pdk.templates.operations import Run
from gateline.pdk.templates.values import truth

__all__ = ["Assign", "Block", "Branch", "Statement", "block_run"]

_NOTHING: Any = object()
"""A block came to its end without returning."""


@dataclass(frozen=True, slots=True)
class Assign:
    """`local x = ...` and `x = ...`: a variable has a slot of its own, for no lambda runs inside itself."""

    slot: int
    value: Run

    def run(self, env: Environment) -> Any:
        """Take the value."""
        env.locals[self.slot] = self.value(env)
        return _NOTHING


@dataclass(frozen=True, slots=True)
class Block:
    """Statements one after the other; `result` is what it returns, None where it does not."""

    statements: "tuple[Statement, ...]"
    result: Run | None

    def run(self, env: Environment) -> Any:
        """What it returns, or _NOTHING."""
        for statement in self.statements:
            returned = statement.run(env)
            if returned is not _NOTHING:
                return returned
        return _NOTHING if self.result is None else self.result(env)


@dataclass(frozen=True, slots=True)
class Branch:
    """`if ... then ... elseif ... else ... end`."""

    cases: tuple[tuple[Run, Block], ...]
    otherwise: Block | None

    def run(self, env: Environment) -> Any:
        """What the block that is chosen returns, or _NOTHING."""
        for condition, block in self.cases:
            if truth(condition(env)):
                return block.run(env)
        return _NOTHING if self.otherwise is None else self.otherwise.run(env)


Statement = Assign | Branch


def block_run(block: Block) -> Run:
    """The value of a lambda that is called: what its block returns, nil when it returns nothing."""

    def run(env: Environment) -> Any:
        returned = block.run(env)
        return None if returned is _NOTHING else returned

    return run
