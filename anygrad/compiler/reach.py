"""What a function may look at besides its arguments, found by walking from name to name.

The walk begins at the function, goes through the globals, closure cells, attributes and methods
that the code of the user's own functions names, and through what libraries put around such
functions: `functools.partial`, decorators, our transformations.
"""

from __future__ import annotations

import builtins
import contextvars
import functools
import random
import sys
import types
import weakref
from array import array
from collections import ChainMap, UserDict, UserList, deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from anygrad.backends import backend_of
from anygrad.compiler.reading import names_in
from anygrad.tracing import LIFTED
from anygrad.tracing.rebinding.reach import is_installed, is_left, package_of

__all__ = ["ATOMS", "CONTAINERS", "FIXED", "MISSING", "Reach", "Slots", "cell_content", "contents"]

ATOMS = (
    *(int, float, complex, bool, str, bytes, type(None), type(Ellipsis), slice, range),
    *(np.generic, np.dtype),
)
"""What has a value and nothing else."""
CONTAINERS = (dict, list, tuple, set, frozenset, deque, bytearray, array)
FIXED = frozenset(
    (
        *(types.FunctionType, types.BuiltinFunctionType, types.ModuleType, type),
        *(np.ufunc, type(np.sum)),
    )
)
"""What is compared by identity."""
MISSING: Any = object()
_METHODS = types.MethodType
_LIBRARIES = frozenset(("numpy", "scipy", "cupy", "torch", "jax", "jaxlib", "builtins", "optree"))
_CODE = (types.FunctionType, types.MethodType, functools.partial)
_AROUND = (UserDict, UserList, ChainMap)
"""What keeps a container in an attribute that nobody names."""
_DESCRIPTORS = (
    *(staticmethod, classmethod, property),
    *(functools.cached_property, functools.singledispatchmethod),
)


class Slots:
    """The attributes of an object that keeps them in slots, read like a dict."""

    def __init__(self, x: Any):
        self.x = x

    def get(self, name: str, default: Any) -> Any:
        """An attribute, if it has a value."""
        return getattr(self.x, name, default)

    def __iter__(self) -> Any:
        return iter([name for name in _slots_of(type(self.x)) if hasattr(self.x, name)])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self.x, name, value)


class Current(Slots):
    """What a context variable stands for, read like a dict of one name."""

    name = "get()"

    def get(self, name: str, default: Any) -> Any:
        """The value that holds now."""
        return self.x.get(default)

    def __iter__(self) -> Any:
        return iter([self.name])

    def __setitem__(self, name: str, value: Any) -> None:
        self.x.set(value)


class Reach:
    """What was found.

    Attributes
    ----------
    spaces : dict
        By identity: a label, a mapping from names to values, the names that are of interest, and
        whether a new name counts as a change.
    functions, cells, containers, arrays : dict
        By identity: a label and the object.
    stores : bool
        Whether attributes are written, or looked for.
    unseeded : list of str
        Functions that make generators of random numbers without a seed.
    hidden : list of (str, str)
        Functions that look names up where their code does not show which, and by what.
    generators, iterators : dict
        What gives another value whenever it is asked; a label and the object.
    """

    def __init__(self, roots: Iterable[tuple[str, Any]]):
        self.spaces: dict[int, tuple[str, Any, set[str], bool]] = {}
        self.cells: dict[int, tuple[str, Any]] = {}
        self.containers: dict[int, tuple[str, Any]] = {}
        self.arrays: dict[int, tuple[str, Any]] = {}
        self.functions: dict[int, tuple[str, Any]] = {}
        self.generators: dict[int, tuple[str, Any]] = {}
        self.iterators: dict[int, tuple[str, Any]] = {}
        self._holders: list[tuple[str, Any, bool]] = []
        self._names: set[str] = set()
        self._anything = False
        self.stores = False
        self.unseeded: list[str] = []
        self.hidden: list[tuple[str, str]] = []
        self._seen: dict[int, Any] = {}
        self._classes: dict[type, Any] = {}
        self._packages: set[str] = set()
        self._waiting: list[tuple[str, Any]] = list(reversed(list(roots)))
        self._go()

    def _go(self) -> None:
        looked: dict[int, tuple[int, int, bool]] = {}
        while True:
            while self._waiting:
                self._visit(*self._waiting.pop())
            for label, space, own in self._holders:
                state = (len(self._names), len(space), self._anything)
                if looked.get(id(space)) != state:
                    looked[id(space)] = state
                    self._look_into(label, space, own)
            if not self._waiting:
                return

    def _look_into(self, label: str, space: Any, own: bool) -> None:
        wanted = self.spaces.setdefault(id(space), (label, space, set(), own))[2]
        for name in list(space):
            special = not own and name[:2] == "__"  # operators of a class are called by no name
            if name in self._names or (own and self._anything):
                wanted.add(name)
            elif not (special and type(space.get(name)) is types.FunctionType):
                continue
            self._later(f"{label}.{name}", space.get(name, MISSING))

    def _later(self, label: str, x: Any) -> None:
        if not isinstance(x, ATOMS) and id(x) not in self._seen:
            self._seen[id(x)] = x
            self._waiting.append((label, x))

    def _visit(self, label: str, x: Any) -> None:
        kind = type(x)
        if _is_below(x):
            return
        if kind is types.FunctionType:
            self._function(label, x)
        elif isinstance(x, CONTAINERS):
            if kind is not tuple and kind is not frozenset:  # which cannot change
                self.containers[id(x)] = label, x
            for k, part in enumerate(contents(x)):
                self._later(f"{label}[{k}]", part)
            if not _is_library(kind.__module__):  # a subclass may have attributes
                self._object(label, x)
        elif kind in LIFTED or x is MISSING:
            return
        elif backend_of(x) is not None:
            self.arrays[id(x)] = label, x
        elif isinstance(x, _METHODS):
            self._later(label, x.__func__)
            self._later(label.rpartition(".")[0] or label, x.__self__)
        elif isinstance(x, functools.partial | functools.partialmethod):
            for part in (x.func, x.args, x.keywords):
                self._later(label, part)
        elif isinstance(x, type):
            self._class(label, x)
        elif kind is types.ModuleType:
            if _is_own(x.__name__, getattr(x, "__file__", "")):
                self._holders.append((label, vars(x), False))
        elif isinstance(x, _DESCRIPTORS):
            for name in ("__func__", "fget", "func", "dispatcher"):
                self._later(label, getattr(x, name, None))
        elif kind is types.MappingProxyType:
            self.containers[id(x)] = label, x
            for k, part in enumerate(contents(x)):
                self._later(f"{label}[{k}]", part)
        elif isinstance(x, memoryview | weakref.ref):
            self._later(label, x.obj if isinstance(x, memoryview) else x())
        elif kind is contextvars.ContextVar:
            now = Current(x)
            self._seen[id(now)] = now
            self.spaces[id(now)] = (label, now, {now.name}, False)
            self._later(f"{label}.{now.name}", now.get("", MISSING))
        elif _is_generator(x):
            self.generators[id(x)] = label, x
        elif hasattr(kind, "__next__") and not hasattr(kind, "read"):
            self.iterators[id(x)] = label, x
        else:
            self._object(label, x)

    def _function(self, label: str, f: types.FunctionType) -> None:
        cells = list(zip(f.__code__.co_freevars, f.__closure__ or (), strict=True))
        self._later(label, f.__dict__.get("registry"))  # of functools.singledispatch
        if is_left(f) or not self._is_users(f):
            for name, cell in cells:  # a decorator or transformation: what it was put around
                self._through(name, cell_content(cell))
            self._later(label, getattr(f, "__wrapped__", None))
            return
        self.functions[id(f)] = label, f
        names = names_in(f.__code__)
        if not names.attributes <= self._names:
            self._names |= names.attributes
        self._anything = self._anything or names.anything
        self.stores = self.stores or names.anything or names.stores
        space = f.__globals__
        if names.hidden and names.hidden not in space:
            self.hidden.append((label or f.__qualname__, names.hidden))
        if names.unseeded:
            self.unseeded.append(f.__qualname__)
        wanted = self.spaces.setdefault(id(space), ("", space, set(), False))[2]
        for name in names.globals:
            if name in space or not hasattr(builtins, name):
                wanted.add(name)
                self._later(name, space.get(name, MISSING))
        for name in names.modules:
            self._module(name if name in sys.modules else _within(space, name))
        for name, cell in cells:
            self.cells[id(cell)] = name, cell
            self._later(name, cell_content(cell))
        self._later(f"{label}.__defaults__", f.__defaults__)
        self._later(f"{label}.__kwdefaults__", f.__kwdefaults__)
        self._holders.append((label, f.__dict__, True))

    def _module(self, name: str) -> None:
        """A module that a function imports itself, which it may do for the first time."""
        known = self.spaces.setdefault(id(sys.modules), ("", sys.modules, set(), False))[2]
        known.add(name)
        self._later(name, sys.modules.get(name))

    def _is_users(self, f: types.FunctionType) -> bool:
        """Whether a function is of no installed package, or of the one that the first one is of."""
        package = package_of(f)
        if not self._packages:
            self._packages.add(package)
        return package in self._packages or not is_installed(f.__code__.co_filename)

    def _through(self, name: str, held: Any) -> None:
        """Go on from something that a library keeps, whose own values are its own affair."""
        if callable(held) or isinstance(held, tuple) or _is_ours(held):
            self._later(name, held)

    def _class(self, label: str, kind: type) -> None:
        for base in kind.__mro__:
            if not _is_library(base.__module__) and base not in self._classes:
                self._classes[base] = vars(base)
                self._holders.append((label, self._classes[base], False))
        self._later(f"type({label})", type(kind))

    def _object(self, label: str, x: Any) -> None:
        kind = type(x)
        if _is_ours(x):
            for name, held in [*getattr(x, "__dict__", {}).items(), *_slots(x)]:
                self._through(f"{label}.{name}", held)
            return
        if isinstance(x, _AROUND):
            for name, held in x.__dict__.items():
                self._later(f"{label}.{name}", held)
        elif _is_library(kind.__module__):
            for name, held in getattr(x, "__dict__", {}).items():
                if isinstance(held, _CODE):  # as numpy.vectorize has it
                    self._later(f"{label}.{name}", held)
        if hasattr(x, "__wrapped__") and callable(x):  # functools.lru_cache, for one
            self._later(label, x.__wrapped__)
        if isinstance(getattr(x, "__dict__", None), dict):
            self._holders.append((label, x.__dict__, True))
        if not _is_library(kind.__module__):
            if _slots_of(kind):
                slots = Slots(x)
                self._seen[id(slots)] = slots
                self._holders.append((label, slots, True))
            self._later(label, kind)


def _within(space: dict[str, Any], name: str) -> str:
    """The full name of a module that is not known by its own: one of the package, or a new one."""
    package = space.get("__package__") or ""
    full = f"{package}.{name}".rstrip(".")
    return full if package and full in sys.modules else name


def contents(x: Any) -> list[Any]:
    """What a container holds."""
    return [*x.keys(), *x.values()] if hasattr(x, "values") else list(x)


def cell_content(cell: Any) -> Any:
    """What a closure cell holds."""
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return MISSING


def _is_generator(x: Any) -> bool:
    if isinstance(x, random.Random):
        return True
    return type(x).__module__.startswith("numpy.random") and hasattr(x, "standard_normal")


def _is_library(module: Any) -> bool:
    """Whether a class or function is of Python or of a library, by the name of its module."""
    top = str(module or "").partition(".")[0]
    if top in _LIBRARIES or top == "anygrad":
        return True
    found = sys.modules.get(top)
    return found is not None and not _is_own(top, getattr(found, "__file__", None))


def _is_own(name: str, file: str | None) -> bool:
    """Whether a module is the user's: in a file that was not installed, or typed in."""
    if name.partition(".")[0] in (*_LIBRARIES, "anygrad"):
        return False
    if name in sys.builtin_module_names:
        return False
    return not file or not is_installed(file)


def _is_below(x: Any) -> bool:
    """Whether something is of the parts of this library that hold nothing of the user's."""
    home = (x if type(x) is types.FunctionType else type(x)).__module__
    return str(home).startswith(_BELOW)


_BELOW = ("anygrad.ops.", "anygrad.tracing.", "anygrad.backends.")


def _is_ours(x: Any) -> bool:
    return type(x).__module__.startswith("anygrad.")


def _slots_of(kind: type) -> list[str]:
    found: list[str] = []
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        found += [slots] if isinstance(slots, str) else slots
    return [name for name in found if not name.startswith("__")]


def _slots(x: Any) -> list[tuple[str, Any]]:
    return [(n, getattr(x, n)) for n in _slots_of(type(x)) if hasattr(x, n)]
