"""Which functions are the user's own, and how one of them is built from rewritten code."""

from __future__ import annotations

import functools
import site
import sysconfig
import threading
import types
from collections.abc import Callable
from typing import Any

from anygrad.tracing.rebinding.rewriting import assigned_variables, is_rewritten, rewrite

_REACHED_PARTS = ("numpy.polynomial.",)
"""Parts of libraries that are plain code on arrays themselves, as a user's would be."""
_LEFT = frozenset(
    ("anygrad", "numpy", "scipy", "cupy", "cupyx", "torch", "jax", "array_api_compat")
)


def is_reached(f: types.FunctionType, caller: dict[str, Any]) -> bool:
    """Whether a function belongs to the code being differentiated.

    It does if it lies in the caller's own top-level package, or in no installed package at all.
    """
    if f.__globals__ is caller:
        return True
    if (f.__module__ or "").startswith(_REACHED_PARTS):
        return True
    if is_left(f):
        return False
    package = package_of(f)
    if package == (caller.get("__name__") or "").partition(".")[0]:
        return True
    return not is_installed(f.__code__.co_filename)


def is_left(f: types.FunctionType) -> bool:
    """Whether a function is called as it is wherever it lies: ours, or of an array library.

    What we put around a user's function has the user's module by name, and calls it rebound.
    """
    return package_of(f) in _LEFT or f.__globals__.get("__name__", "").startswith("anygrad.")


def package_of(f: types.FunctionType) -> str:
    """The top-level package that a function says it is of."""
    return (f.__module__ or "").partition(".")[0]


@functools.lru_cache(maxsize=4096)
def is_installed(filename: str) -> bool:
    """Whether a source file is part of Python or of an installed package."""
    return filename.startswith(("<frozen ", *_installed_folders()))


@functools.cache
def _installed_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders |= {*getattr(site, "getsitepackages", list)()}
    return tuple(f"{folder}/" for folder in folders)


def rebuilt(f: types.FunctionType, twin: Callable[[Any], Any]) -> Any:
    """The same function of rewritten code: same globals, same attributes, same closure.

    Only cells that hold something with a twin are replaced, and only where no code assigns to them.
    """
    code = rewrite(f.__code__)
    if f.__closure__ is None:
        return f if code is f.__code__ else _built(f, code, None)
    if is_rewritten(f.__code__):
        return f
    making: dict[int, Any] = _progress.__dict__.setdefault("making", {})
    if id(f) in making:  # functions that know each other through their closures
        return making[id(f)]
    cells, held = _open_cells(f, code)
    if code is f.__code__ and not held:
        return f
    made = making[id(f)] = _built(f, code, cells)
    try:
        changed = _fill(held, twin)
    finally:
        del making[id(f)]
    return f if code is f.__code__ and not changed else made


def _built(f: types.FunctionType, code: types.CodeType, cells: Any) -> types.FunctionType:
    made = types.FunctionType(code, f.__globals__, f.__name__, f.__defaults__, cells)
    made.__kwdefaults__ = f.__kwdefaults__
    made.__dict__ = f.__dict__  # the same one: what the function notes on itself is kept
    return made


_progress = threading.local()
_CONSTANTS = (int, float, complex, str, tuple, list, dict, types.ModuleType, type(None))


def _open_cells(
    f: types.FunctionType, code: types.CodeType
) -> tuple[tuple[Any, ...], list[tuple[Any, Any]]]:
    """The closure, with a new cell for everything that may have a twin, and what goes there."""
    assigned = assigned_variables(f.__code__)
    cells, held = [], []
    for name, cell in zip(code.co_freevars, f.__closure__ or (), strict=True):
        try:
            content = cell.cell_contents
        except ValueError:  # not assigned yet
            content = None
        if name not in assigned and callable(content) and not isinstance(content, _CONSTANTS):
            cell = types.CellType()
            held.append((cell, content))
        cells.append(cell)
    return tuple(cells), held


def _fill(held: list[tuple[Any, Any]], twin: Callable[[Any], Any]) -> bool:
    """Put twins into new cells; tells whether one differs from what it stands for."""
    changed = False
    for cell, content in held:
        cell.cell_contents = twin(content)
        changed = changed or cell.cell_contents is not content
    return changed
