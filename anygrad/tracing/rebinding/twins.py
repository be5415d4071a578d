"""Who stands in for what while a rebound function runs: the choice, for each kind of thing found.

Functions of libraries have their twin in a table by identity; functions, methods and classes of the
user's own modules get one made of rewritten code. Everything else is itself.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.backends import backend_of
from anygrad.tracing.level import LIFTED
from anygrad.tracing.rebinding import arrays, libraries, numbers
from anygrad.tracing.rebinding.loads import CHOICE, UNTOUCHED
from anygrad.tracing.rebinding.names import METHODS
from anygrad.tracing.rebinding.reach import is_reached, rebuilt

_library: dict[int, tuple[Any, Any]] = {}  # by identity: the object, its twin
_types: dict[int, tuple[Any, Any]] = {}  # the same for classes, where they are called
_known: set[str] = set()
_modules = [0]  # how many modules there were when the tables were read last
_is_array: dict[type, bool] = {}


def twin(found: Any, caller: dict[str, Any], called: bool) -> Any:
    """What stands for ``found`` in code whose globals are ``caller``."""
    kind = type(found)
    if kind is types.FunctionType:
        known = library_twin(found)
        return function_twin(found) if known is found and is_reached(found, caller) else known
    if kind is types.MethodType:
        return _method(found, caller)
    if isinstance(found, type):
        return _class(found, caller) if called else found
    if kind is functools.partial:
        return _partial(found, caller)
    known = library_twin(found)
    if known is not found or not called:
        return known
    return _callable_instance(found, kind, caller)


def attribute_twin(x: Any, name: str, called: bool, caller: dict[str, Any]) -> Any:
    """What stands for ``x.name``."""
    kind = type(x)
    if kind is not types.ModuleType:
        if _holds_elements(x, kind):
            method = arrays.method_twin(x, name) if called and name in METHODS else None
            return getattr(x, name) if method is None else method
        shown = getattr(kind, name, None)
        if type(shown) is property:
            getter = shown.fget
            if type(getter) is types.FunctionType and is_reached(getter, caller):
                return function_twin(getter)(x)
    found = getattr(x, name)
    if name in libraries.UFUNC_METHODS and hasattr(x, "nin"):
        return libraries.ufunc_method(x, name, found)
    return found if type(found) in UNTOUCHED else twin(found, caller, called)


def _holds_elements(x: Any, kind: type) -> bool:
    """Whether ``x`` is an array, traced or of a library."""
    found = _is_array.get(kind)
    if found is None:
        found = kind in LIFTED or backend_of(x) is not None
        _is_array[kind] = found
    return found


def function_twin(f: Any) -> Any:
    """A function of the user's, rebound; the same where nothing in it could meet traced values."""
    return rebuilt(f, lambda value: twin(value, f.__globals__, False))


def _method(found: Any, caller: dict[str, Any]) -> Any:
    f, owner = found.__func__, found.__self__
    if type(f) is not types.FunctionType or not is_reached(f, caller):
        home = type(owner).__module__
        if home.startswith("scipy.stats."):
            return libraries.distribution_method(owner, f.__name__, found)
        if home.startswith(("scipy.sparse.", "cupyx.scipy.sparse.")):
            return libraries.sparse_method(owner, f.__name__, found)
        return found
    made = function_twin(f)
    return found if made is f else types.MethodType(made, found.__self__)


def _class(kind: type, caller: dict[str, Any]) -> Any:
    """A class that is called: one of numbers casts, one of the user's runs its rebound __init__."""
    if not _known:
        _read_tables()
    known = _types.get(id(kind))
    if known is not None and known[0] is kind:
        return known[1]
    start: Any = kind.__init__
    if (
        type(start) is not types.FunctionType
        or type(kind).__call__ is not type.__call__
        or not is_reached(start, caller)
    ):
        return kind
    made = function_twin(start)

    def construct(*args: Any, **kw: Any) -> Any:
        if kind.__new__ is object.__new__:
            instance = object.__new__(kind)
        else:
            instance = kind.__new__(kind, *args, **kw)
        if isinstance(instance, kind):
            made(instance, *args, **kw)
        return instance

    return construct


def _super(*args: Any) -> Any:
    """``super()``, whose methods are looked up as twins."""
    frame = sys._getframe(1)
    if not args:
        variables = frame.f_locals
        args = variables["__class__"], variables[frame.f_code.co_varnames[0]]
    proxy = object.__new__(_Super)
    object.__setattr__(proxy, "real", super(*args))  # type: ignore[arg-type]
    object.__setattr__(proxy, "caller", frame.f_globals)
    return proxy


class _Super:
    """What ``super()`` gives; nothing of its own may stand before the names of the base class."""

    __slots__ = ("caller", "real")

    def __getattribute__(self, name: str) -> Any:
        own = functools.partial(object.__getattribute__, self)
        return twin(getattr(own("real"), name), own("caller"), True)


def _partial(found: Any, caller: dict[str, Any]) -> Any:
    inner = twin(found.func, caller, True)
    return found if inner is found.func else functools.partial(inner, *found.args, **found.keywords)


def _callable_instance(found: Any, kind: type, caller: dict[str, Any]) -> Any:
    if kind is np.vectorize:
        return arrays.Vectorized(
            twin(found.pyfunc, caller, True), found.otypes, found.excluded, found.signature
        )
    call = getattr(kind, "__call__", None)  # noqa: B004 - the function itself is wanted
    if type(call) is not types.FunctionType or not is_reached(call, caller):
        return found
    made = function_twin(call)
    return found if made is call else types.MethodType(made, found)


# Libraries ----------------------------------------------------------------------------------------


def library_twin(found: Any) -> Any:
    """The twin of a library's function; the function itself where it has none."""
    known = _library.get(id(found))
    if known is not None and known[0] is found:
        return known[1]
    if len(sys.modules) == _modules[0]:
        return found
    _read_tables()
    return library_twin(found)


def _read_tables() -> None:
    """Note the twins of libraries that were imported since."""
    _modules[0] = len(sys.modules)
    for name, table in TABLES.items():
        if name not in _known and name in sys.modules:
            _known.add(name)
            module = sys.modules[name]
            for original, made in table(module):
                room = _types if isinstance(original, type) else _library
                room.setdefault(id(original), (original, made))


Table = Callable[[Any], list[tuple[Any, Any]]]
TABLES: dict[str, Table] = {
    "builtins": numbers.builtin_twins,
    "math": numbers.math_twins,
    "cmath": numbers.math_twins,
    "numpy": libraries.numpy_twins,
    "numpy.testing": libraries.testing_twins,
    "json": libraries.json_twins,
    "statistics": libraries.statistics_twins,
    "cupy": libraries.cupy_twins,
    **libraries.SCIPY_TABLES,
}
"""The module -> the function that lists its twins; asked once the module is imported."""

_types[id(super)] = (super, _super)
CHOICE.twin, CHOICE.attribute_twin = twin, attribute_twin
