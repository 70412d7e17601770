"""Codes: what a text in Python does in a phase, worked out from its syntax when the configuration is read.

A code whose last statement defines a function, or returns one, is run once and gives that function; what stands before
it is set-up. Any other code becomes the body of a function, and is run for each exchange; its imports are set-up too.
"""

import ast
import builtins
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, Literal

from gateline.plugins.serverless.lua import KONG_NAMES, LUA, looks_like_lua

__all__ = ["CodeError", "CodePhase", "function_of", "problem_of"]

CodePhase = Literal["certificate", "rewrite", "access", "header_filter", "body_filter", "log"]

_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "certificate": ("handshake",),
    "body_filter": ("exchange", "data", "last"),
}
_ASYNC: tuple[CodePhase, ...] = ("rewrite", "access", "log")
_NAME = "__function__"
_OFF = (
    "Python code in the configuration is not run; whoever may write the configuration could do anything with it. "
    "Set untrusted_python = on to allow it"
)

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class CodeError(ValueError):
    """A code that cannot be used; the message says why, and in which line."""


def problem_of(source: str, phase: CodePhase, *, allowed: bool) -> str | None:
    """What is wrong with a code, None when nothing is; without running it."""
    try:
        _compiled(source, phase, "code", allowed=allowed)
    except CodeError as error:
        return str(error)
    return None


def function_of(source: str, phase: CodePhase, names: Mapping[str, Any], label: str) -> Callable[..., Any]:
    """The function of a code, with `names` among its globals; runs its set-up.

    Raises CodeError, and whatever the set-up raises.
    """
    scope: dict[str, Any] = {"__builtins__": builtins, "__name__": label, **names}
    exec(_compiled(source, phase, label, allowed=True), scope)  # noqa: S102 - what the plugin is for, if it is allowed
    function = scope[_NAME]
    if not callable(function):
        raise CodeError(f"error parsing function: it returns {function!r}, which is no function")
    return function  # type: ignore[no-any-return]


def _compiled(source: str, phase: CodePhase, label: str, *, allowed: bool) -> Any:
    try:
        tree = ast.parse(textwrap.dedent(source), filename=f"<{label}>")
        if _uses_kong(tree):
            raise CodeError(LUA)
        if not allowed:
            raise CodeError(_OFF)
        return compile(_with_function(tree, phase), f"<{label}>", "exec", dont_inherit=True)
    except SyntaxError as error:
        if looks_like_lua(source):
            raise CodeError(LUA) from None
        if not allowed:
            raise CodeError(_OFF) from None
        raise CodeError(f"error parsing function: {error.msg} in line {error.lineno}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, CodeError):
            raise
        raise CodeError(f"error parsing function: {error}") from None


def _uses_kong(tree: ast.Module) -> bool:
    """Whether it reads a name that only Kong's Lua code has."""
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            bound |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return bool((read & KONG_NAMES) - bound)


def _with_function(tree: ast.Module, phase: CodePhase) -> ast.Module:
    """The module that binds the code's function to `_NAME`."""
    last = tree.body[-1] if tree.body else None
    arguments = _ARGUMENTS.get(phase, ("exchange",))
    if isinstance(last, _Function):
        _check(last, phase, arguments)
        tree.body.append(_bound(ast.Name(last.name, ast.Load()), last))
    elif isinstance(last, ast.Return) and _is_function(last.value, tree):
        defined = _definition(last.value, tree)
        if defined is not None:
            _check(defined, phase, arguments)
        assert last.value is not None  # noqa: S101 - it is a function
        tree.body[-1] = _bound(last.value, last)
    else:
        tree.body = _as_function(tree.body, phase, arguments)
    return ast.fix_missing_locations(tree)


def _bound(value: ast.expr, beside: ast.stmt) -> ast.stmt:
    return ast.copy_location(ast.Assign([ast.Name(_NAME, ast.Store())], value), beside)


def _is_function(value: ast.expr | None, tree: ast.Module) -> bool:
    return isinstance(value, ast.Lambda) or _definition(value, tree) is not None


def _definition(value: ast.expr | None, tree: ast.Module) -> _Function | None:
    """The function at the top of the code that an expression names."""
    if not isinstance(value, ast.Name):
        return None
    named = [node for node in tree.body if isinstance(node, _Function) and node.name == value.id]
    return named[-1] if named else None


def _check(function: _Function, phase: CodePhase, arguments: tuple[str, ...]) -> None:
    takes = function.args
    given = len(takes.posonlyargs) + len(takes.args)
    needed = given - len(takes.defaults)
    keywords = [default for default in takes.kw_defaults if default is None]
    if keywords or needed > len(arguments) or (given < len(arguments) and takes.vararg is None):
        wanted = f"({', '.join(arguments)})"
        raise CodeError(f"error parsing function: {function.name} in line {function.lineno} must take {wanted}")
    if isinstance(function, ast.AsyncFunctionDef) and phase not in _ASYNC:
        raise CodeError(f"error parsing function: {function.name} in line {function.lineno} cannot be async in {phase}")


def _as_function(body: list[ast.stmt], phase: CodePhase, arguments: tuple[str, ...]) -> list[ast.stmt]:
    imports = [node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]
    rest = [node for node in body if node not in imports] or [ast.Pass()]
    [made] = ast.parse(f"def {_NAME}({', '.join(arguments)}): pass").body
    assert isinstance(made, ast.FunctionDef)  # noqa: S101 - it was written so
    made.body = rest
    waiting = next((line for node in rest if (line := _awaits(node))), 0)
    if not waiting:
        return [*imports, made]
    if phase not in _ASYNC:
        raise CodeError(f"error parsing function: 'await' in line {waiting} cannot be in {phase}")
    return [*imports, ast.copy_location(ast.AsyncFunctionDef(**dict(ast.iter_fields(made))), made)]


def _awaits(node: ast.AST) -> int:
    """The line in which a statement awaits something itself, not in a function inside of it; 0 without one."""
    if isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
        return node.lineno
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return 0
    return next((line for child in ast.iter_child_nodes(node) if (line := _awaits(child))), 0)
