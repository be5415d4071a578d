"""What a replaced load does when its line runs: read the name as Python would, then ask for a twin.

The instances stand among the constants of rewritten code and hold names only.
"""

from __future__ import annotations

import sys
import types
from importlib import import_module
from typing import Any

import numpy as np

UNTOUCHED = frozenset(
    (
        *(float, int, bool, complex, str, bytes, tuple, list, dict, set, type(None)),
        *(types.ModuleType, np.ndarray, np.float64, np.float32, np.ufunc, np.dtype),
    )
)
"""Kinds of values that have no twin."""

_MISSING = object()


class _Choice:
    """How a twin is chosen; `twins` puts its functions here, as it needs rewritten code itself."""

    twin: Any
    attribute_twin: Any


CHOICE = _Choice()


class GlobalLoad:
    """``~load`` is the global or builtin of that name, or its twin."""

    __slots__ = ("called", "name")

    def __init__(self, name: str, called: bool) -> None:
        self.name = name
        self.called = called

    def __invert__(self) -> Any:
        frame = sys._getframe(1)
        found = frame.f_globals.get(self.name, _MISSING)
        if found is _MISSING:
            found = frame.f_builtins.get(self.name, _MISSING)
            if found is _MISSING:
                message = f"name {self.name!r} is not defined"
                raise NameError(message, name=self.name)
        if type(found) in UNTOUCHED:
            return found
        return CHOICE.twin(found, frame.f_globals, self.called)

    def __repr__(self) -> str:
        return f"<load of {self.name}>"


class AttributeLoad:
    """``load @ x`` is the attribute of that name of ``x``, or its twin."""

    __slots__ = ("called", "name")

    def __init__(self, name: str, called: bool) -> None:
        self.name = name
        self.called = called

    def __matmul__(self, x: Any) -> Any:
        return CHOICE.attribute_twin(x, self.name, self.called, sys._getframe(1).f_globals)

    def __repr__(self) -> str:
        return f"<load of .{self.name}>"


def call_twin(f: Any, /, *args: Any, **kw: Any) -> Any:
    """Call what a variable holds, or its twin."""
    if type(f) not in UNTOUCHED:
        f = CHOICE.twin(f, sys._getframe(1).f_globals, True)
    return f(*args, **kw)


class _TwinModule(types.ModuleType):
    """A module whose names are read from another one, each as its twin."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        original = self.__doc__ or ""
        try:
            found = getattr(import_module(original), name)
        except AttributeError:
            found = import_module(f"{original}.{name}")  # a submodule not imported before
        return CHOICE.twin(found, sys._getframe(1).f_globals, False)


def twin_module(name: str) -> str:
    """The name under which a module can be imported as one of twins."""
    key = f"twins of {name}"
    if key not in sys.modules:
        sys.modules[key] = _TwinModule(key, name)
    return key
