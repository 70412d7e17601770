"""What can be read in a Kong plugin's source: how it takes results, whether it reads bodies, whether it may block.

Kong's plugin server returns `(value, error)` from every function, Lua's way, unless it runs with `--no-lua-style`.
Which of the two a file was written for is not said in it, but how it takes the results tells, function by function.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from gateline.pdk.kong.surface import Styles

__all__ = ["Reading", "is_kong_plugin", "read"]

_BODY_READERS = frozenset({"request.get_raw_body", "request.get_body"})
_HARMLESS = frozenset(
    """
    __future__ _thread abc ast base64 binascii bisect bson calendar cbor2 collections colorsys contextlib copy
    cryptography csv dataclasses datetime dateutil decimal difflib email enum fnmatch fractions functools
    gettext hashlib heapq hmac html inspect io ipaddress itertools joserfc json jsonschema jwt keyword kong_pdk
    locale logging lxml math mimetypes msgpack msgspec numbers operator orjson os pathlib platform posixpath
    pprint pydantic pytz quopri random re re2 regex secrets shlex simplejson statistics string stringprep struct
    sys textwrap time timeit tomllib traceback types typing typing_extensions ujson unicodedata urllib uuid
    warnings weakref xml xmltodict yaml zlib zoneinfo
    """.split()  # noqa: SIM905 - a text reads better than a hundred quotes
)
"""Modules that compute and do not wait. Any other may: what is not known is taken for what waits."""
_WAITING_MODULES = frozenset({"urllib.request", "email.mime", "logging.handlers", "xml.sax"})
_WAITING_CALLS = frozenset(
    {"sleep", "system", "popen", "urlopen", "urlretrieve", "fsync", "input", "wait", "join_thread"}
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in the source of one plugin."""

    styles: Styles
    reads_body: bool
    may_block: bool


def is_kong_plugin(source: bytes) -> bool:
    """Whether a file is a Kong plugin: it has a class `Plugin` of its own and does not use our kit."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    own = any(isinstance(node, ast.ClassDef) and node.name == "Plugin" for node in tree.body)
    return own and not any(name.split(".")[0] == "gateline" for name in _imports(tree))


def read(sources: Collection[bytes], paths: Collection[str], *, lua_style: bool | None = None) -> Reading:
    """What a plugin's files say. `paths`: the kit's functions; `lua_style`: what the operator says of the style."""
    trees = [ast.parse(source) for source in sources]
    evidence: dict[str, bool] = {}
    called: set[str] = set()
    for tree in trees:
        _Results(paths, evidence, called).visit_tree(tree)
    if lua_style is False:
        styles = Styles(pairs=False)
    elif lua_style is True:
        styles = Styles()
    else:
        pairs = any(evidence.values()) or not evidence
        styles = Styles({path for path in paths if not evidence.get(path, pairs)})
    return Reading(styles, bool(called & _BODY_READERS), any(map(_may_block, trees)))


class _Results:
    """Finds the calls of the kit's functions in a tree, and how their results are taken: True for as a pair."""

    def __init__(self, paths: Collection[str], evidence: dict[str, bool], called: set[str]) -> None:
        self._paths = paths
        self._evidence = evidence
        self._called = called

    def visit_tree(self, tree: ast.Module) -> None:
        """Take in what one file says."""
        parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
        aliases = {
            node.targets[0].id: names
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and (names := _names(node.value))
        }
        for node in ast.walk(tree):
            path = self._path(node, aliases)
            if path is None:
                continue
            self._called.add(path)
            taken = _taken(node, parents)
            if taken is not None:
                self._evidence[path] = self._evidence.get(path, False) or taken

    def _path(self, node: ast.AST, aliases: Mapping[str, list[str]]) -> str | None:
        """The path of the function that is called; aliases are variables that hold a group or a function."""
        names = _names(node.func) if isinstance(node, ast.Call) else []
        if names and names[0] in aliases:
            names = aliases[names[0]] + names[1:]
        return next((path for start in range(len(names)) if (path := ".".join(names[start:])) in self._paths), None)


def _names(expression: ast.expr) -> list[str]:
    """`kong.request.get_header` as a list; empty for what is no chain of names."""
    names: list[str] = []
    while isinstance(expression, ast.Attribute):
        names.insert(0, expression.attr)
        expression = expression.value
    return [expression.id, *names] if isinstance(expression, ast.Name) and names else []


def _taken(call: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool | None:
    """Whether a call's result is taken as a pair; None where nothing tells."""
    parent = parents[call]
    if isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr):
        targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
        if any(isinstance(target, ast.Tuple | ast.List) for target in targets):
            return True
        name = next((target.id for target in targets if isinstance(target, ast.Name)), None)
        return None if name is None else _used(name, _function_of(call, parents))
    if isinstance(parent, ast.Subscript) and parent.value is call:
        return _is_place(parent.slice)
    if isinstance(parent, ast.Expr | ast.Return | ast.Await | ast.Starred):
        return None
    if isinstance(parent, ast.Call) and _is_log(parent):
        return None
    return False


def _used(name: str, scope: ast.AST) -> bool | None:
    """Whether a variable is used as a pair."""
    found: bool | None = None
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id == name:
            if any(isinstance(target, ast.Tuple | ast.List) for target in node.targets):
                return True
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == name:
            if _is_place(node.slice):
                return True
            found = False
        elif isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            found = False
    return found


def _is_place(index: ast.expr) -> bool:
    return isinstance(index, ast.Constant) and index.value in (0, 1) and not isinstance(index.value, bool)


def _is_log(call: ast.Call) -> bool:
    function = call.func
    while isinstance(function, ast.Attribute):
        if function.attr == "log":
            return True
        function = function.value
    return False


def _function_of(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> ast.AST:
    while node in parents and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        node = parents[node]
    return node


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _may_block(tree: ast.Module) -> bool:
    for name in _imports(tree):
        if name.split(".")[0] not in _HARMLESS or name in _WAITING_MODULES:
            return True
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(_last(function) in _WAITING_CALLS for function in calls)


def _last(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
