"""The patterns of all files, as they stand and under CuPy's names."""

import ast
import functools
import importlib
import sys
import types
from pathlib import Path

from tests.corpus.registry import Pattern, patterns_of

HERE = Path(__file__).parent
THEMES = sorted(path.stem for path in HERE.glob("patterns_*.py"))
# The library that a user of CuPy imports in the place of NumPy and SciPy.
# What CuPy has no counterpart of is still imported from SciPy, such as its constants.
CUPY_OF = {"numpy": "cupy", "scipy": "cupyx.scipy"}


@functools.cache
def patterns() -> dict[str, Pattern]:
    """Every pattern by its name."""
    found = {}
    for theme in THEMES:
        module = importlib.import_module(f"tests.corpus.{theme}")
        for entry in patterns_of(vars(module)):
            assert entry.name not in found, f"two patterns have the name {entry.name}"
            found[entry.name] = entry
    return found


@functools.cache
def cupy_patterns() -> dict[str, Pattern]:
    """The patterns that can be defined when ``import cupy as np`` stands for NumPy's import."""
    found = {}
    for theme in THEMES:
        found |= {entry.name: entry for entry in patterns_of(_under_cupys_names(theme))}
    return found


def _under_cupys_names(theme: str) -> dict:
    """Run a file's statements with CuPy's imports; what CuPy lacks leaves out that statement only.

    A function that needs something left out fails with a NameError when it is called plainly.
    """
    module = types.ModuleType(f"tests.corpus.cupy_{theme}")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    path = HERE / f"{theme}.py"
    for statement in _single_imports(ast.parse(path.read_text(encoding="utf-8"))):
        for version in (*_of_cupy(statement), statement):
            code = compile(ast.Module([version], []), str(path), "exec", dont_inherit=True)
            try:
                exec(code, module.__dict__)
            except Exception:  # of any kind: NumPy's own run shows mistakes in the text
                continue
            break
    return module.__dict__


def _single_imports(tree: ast.Module):
    """The statements of a file, with one name to each import."""
    for statement in tree.body:
        if not isinstance(statement, (ast.Import, ast.ImportFrom)):
            yield statement
            continue
        for alias in statement.names:
            yield type(statement)(**{**vars(statement), "names": [alias]})


def _of_cupy(statement: ast.stmt) -> list[ast.stmt]:
    """The import that a user of CuPy writes for one of NumPy or SciPy, or nothing."""
    if isinstance(statement, ast.ImportFrom):
        if (name := _renamed(statement.module)) != statement.module:
            return [type(statement)(**{**vars(statement), "module": name})]
    elif isinstance(statement, ast.Import):
        (alias,) = statement.names
        if (name := _renamed(alias.name)) != alias.name:
            new = ast.copy_location(ast.alias(name, alias.asname), alias)
            return [type(statement)(**{**vars(statement), "names": [new]})]
    return []


def _renamed(name: str) -> str:
    first, dot, rest = name.partition(".")
    return CUPY_OF.get(first, first) + dot + rest
