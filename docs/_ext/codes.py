"""The code of functions as trees that know where they come from, and questions about them."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Home:
    """Where code comes from: its file, and what its global names mean."""

    def __init__(self, path: str, scope: Mapping[str, Any]):
        self.path = path
        self.scope = scope

    def __deepcopy__(self, memo: Any) -> Home:
        return self


class Untranslatable(Exception):
    """Code that cannot be written in LaTeX; says where."""

    def __init__(self, node: ast.AST, why: str):
        home = getattr(node, "home", None)
        where = f"{home.path if home else '?'}:{getattr(node, 'lineno', '?')}"
        super().__init__(f"{where}: cannot be written in LaTeX: {why}: {ast.unparse(node)}")


@functools.cache
def read(function: Callable[..., Any]) -> ast.FunctionDef:
    """The code of a function without its decorators; every node knows its file and line.

    It is read once, so whoever changes it works on a copy.
    """
    function = inspect.unwrap(function)
    lines, first = inspect.getsourcelines(function)
    (tree,) = ast.parse(textwrap.dedent("".join(lines))).body
    if not isinstance(tree, ast.FunctionDef):
        raise Untranslatable(tree, "no def")
    tree.decorator_list = []
    ast.increment_lineno(tree, first - 1)
    path = Path(inspect.getsourcefile(function) or "?").resolve()
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    home = Home(str(shown), function.__globals__)
    for node in ast.walk(tree):
        node.home = home  # type: ignore[attr-defined]
    return tree


def instead(new: Any, old: ast.AST) -> Any:
    """A new node in the place of an old one."""
    for node in ast.walk(new):
        if not hasattr(node, "home"):
            node.home = old.home  # type: ignore[attr-defined]
            node.lineno = getattr(old, "lineno", 0)  # type: ignore[attr-defined]
            node.col_offset = 0  # type: ignore[attr-defined]
    return new


def name(text: str, old: ast.AST) -> ast.Name:
    return instead(ast.Name(text, ast.Load()), old)


def constant(value: Any, old: ast.AST) -> ast.Constant:
    return instead(ast.Constant(value), old)


def assigned(text: str, value: Any, old: ast.AST) -> ast.Assign:
    target = instead(ast.Name(text, ast.Store()), old)
    return instead(ast.Assign([target], constant(value, old)), old)


def is_number(node: ast.AST, value: float) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, (int, float))
        and not isinstance(node.value, bool)
        and node.value == value
    )


def is_minus_one(node: ast.AST) -> bool:
    return isinstance(node, ast.UnaryOp) and is_number(node.operand, 1) and is_minus(node)


def is_minus(node: ast.UnaryOp) -> bool:
    return isinstance(node.op, ast.USub)


def same(a: Any, b: Any) -> bool:
    return ast.dump(a) == ast.dump(b)


def loads(nodes: list[Any]) -> list[str]:
    """The names that are read, as often as they are."""
    return [n.id for tree in nodes for n in ast.walk(tree) if type(n) is ast.Name and reads(n)]


def reads(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def stored(nodes: list[Any]) -> set[str]:
    """The names that are assigned."""
    return {n.id for tree in nodes for n in ast.walk(tree) if type(n) is ast.Name and not reads(n)}


def ends(block: list[ast.stmt]) -> bool:
    """Whether all ways through a block return."""
    if not block:
        return False
    last = block[-1]
    if isinstance(last, ast.If):
        return ends(last.body) and ends(last.orelse)
    return isinstance(last, ast.Return)


def arguments(tree: ast.FunctionDef) -> list[ast.arg]:
    """The parameters of a function without the namespace."""
    listed = [*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs]
    return [a for a in listed if a.arg != "xp"]


def switches(tree: ast.FunctionDef) -> set[str]:
    """The parameters that are True or False."""
    return {a.arg for a in arguments(tree) if a.annotation and ast.unparse(a.annotation) == "bool"}


def bind(call: ast.Call, tree: ast.FunctionDef) -> dict[str, ast.expr]:
    """What each parameter is in a call, defaults included; without the namespace."""
    positional = [a.arg for a in (*tree.args.posonlyargs, *tree.args.args)]
    given = []
    for value in call.args:
        if isinstance(value, ast.Starred):
            if not isinstance(value.value, ast.Tuple):
                raise Untranslatable(call, "a starred argument")
            given += value.value.elts
        else:
            given.append(value)
    bound = dict(zip(positional, given, strict=False))
    for keyword in call.keywords:
        if keyword.arg is None:
            raise Untranslatable(call, "keywords of a mapping")
        bound[keyword.arg] = keyword.value
    defaults = dict(zip(reversed(positional), reversed(tree.args.defaults), strict=False))
    pairs = zip(tree.args.kwonlyargs, tree.args.kw_defaults, strict=True)
    defaults |= {a.arg: d for a, d in pairs if d is not None}
    whole = {a.arg: bound.get(a.arg, defaults.get(a.arg)) for a in arguments(tree)}
    if any(value is None for value in whole.values()):
        raise Untranslatable(call, "an argument is missing")
    return whole  # type: ignore[return-value]


def find_helper(node: ast.AST) -> Callable[..., Any] | None:
    """The function of the optimizers that a name stands for."""
    if not isinstance(node, ast.Name):
        return None
    scope = node.home.scope  # type: ignore[attr-defined]
    found = scope.get(node.id)
    if not inspect.isfunction(found):
        return None
    own = found.__module__ == scope.get("__name__")
    return found if own or found.__module__.startswith("anygrad.optimizers.") else None
