"""Operators, methods and attributes of the look-alike's array type: those the real one has."""

from typing import Any

import numpy as np

from tests.support.host_copies import note_host_copy
from tests.support.lookalike_cupy import names
from tests.support.lookalike_cupy.arrays import cupy, ndarray, unwrap, wrap
from tests.support.lookalike_cupy.counting import note

_OPERATORS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "true_divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "divmod": "divmod",
    "pow": "power",
    "matmul": "matmul",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "lshift": "left_shift",
    "rshift": "right_shift",
}
_COMPARISONS = {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
}
_EQUALITY = ("equal", "not_equal")
# ndarray methods that give another view of the same memory, whichever device is current
_VIEWS = {"diagonal", "squeeze", "swapaxes", "transpose", "view"}
# what a method is counted as, where it is more than "method"
_METHODS = {
    **dict.fromkeys(("astype", "flatten", "ravel"), "copy"),
    **dict.fromkeys(("all", "any", "max", "mean", "min", "prod", "std", "sum", "var"), "reduction"),
    **dict.fromkeys(("argmax", "argmin", "trace"), "reduction"),
}
# ndarray methods whose result has a shape that depends on the values
_WAITING_METHODS = {"nonzero", "compress"}


def _leaves_to_other(other: Any) -> bool:
    """CuPy's rule for returning NotImplemented from an operator."""
    if hasattr(other, "__array_ufunc__"):
        return other.__array_ufunc__ is None
    return getattr(other, "__array_priority__", 0) > ndarray.__array_priority__


def _operator(name: str, reflected: bool = False):
    def operate(self, other, *modulo):
        if not isinstance(other, ndarray):
            if _leaves_to_other(other) and not reflected:
                return NotImplemented
            if name in _EQUALITY and type(other).__eq__ is object.__eq__:
                return wrap(np.full(self._data.shape, name == "not_equal"))
            # NumPy's function asks the other operand's __array_ufunc__ as well
            function = getattr(np, name)
        else:
            function = cupy[name]
        return function(other, self) if reflected else function(self, other)

    return operate


def _operator_in_place(name: str):
    def operate(self, other):
        return cupy[name](self, other, self)

    return operate


def _unary(name: str):
    return lambda self: cupy[name](self)


def _read(name: str, function):
    def read(self, *args):
        note_host_copy(f"cupy.ndarray {name}")
        note("read")
        return function(self._data, *args)

    return read


def _method(name: str, signature):
    function = getattr(np.ndarray, name)

    def call(self, *args, **keywords):
        if signature is not None:
            signature.bind(*args, **keywords)  # a keyword that CuPy lacks fails as it does there
        if name in _WAITING_METHODS:
            note_host_copy(f"cupy.ndarray.{name}(), whose shape depends on values,")
        if name not in _VIEWS:
            unwrap(self)
            note(_METHODS.get(name, "method"))
        out = keywords.get("out")
        with np.errstate(all="ignore"):  # a GPU gives no floating-point warnings
            result = function(self._data, *unwrap(args), **unwrap(keywords))
        return out if out is not None else wrap(result, self._device)

    call.__name__ = name
    return call


def fill_in() -> None:
    """Give the class the members that the real one has, and no others."""
    for short, name in _OPERATORS.items():
        setattr(ndarray, f"__{short}__", _operator(name))
        setattr(ndarray, f"__r{short}__", _operator(name, reflected=True))
        if short not in ("matmul", "divmod"):  # CuPy has no in-place form of these
            setattr(ndarray, f"__i{short}__", _operator_in_place(name))
    for short, name in _COMPARISONS.items():
        setattr(ndarray, f"__{short}__", _operator(name))
    for short, name in {"neg": "negative", "abs": "absolute", "invert": "invert"}.items():
        setattr(ndarray, f"__{short}__", _unary(name))
    ndarray.__pos__ = lambda self: cupy["positive"](self)  # type: ignore[attr-defined]
    for name in ("float", "int", "complex", "bool"):
        special = f"__{name}__"
        setattr(ndarray, special, _read(f"{name}()", getattr(np.ndarray, special)))
    for name, function in {"__repr__": repr, "__str__": str, "__format__": format}.items():
        setattr(ndarray, name, _read(name, function))
    for name in ("item", "tolist", "tobytes"):
        setattr(ndarray, name, _read(f".{name}()", getattr(np.ndarray, name)))
    for name, entry in names.NDARRAY.items():
        if name in ndarray.__dict__ or not hasattr(np.ndarray, name) or name.startswith("_"):
            continue
        if entry["kind"] == "method":
            setattr(ndarray, name, _method(name, names.signature(entry["parameters"])))
        elif entry["kind"] == "attribute" and name != "data":
            setattr(ndarray, name, _attribute(name))


def _attribute(name: str):
    def read(self):
        return wrap(getattr(self._data, name), self._device)

    def write(self, value):
        if name == "shape":  # NumPy 2.5 deprecates the assignment, CuPy does not
            self._data = np.reshape(self._data, value, copy=False)
        else:
            setattr(self._data, name, unwrap(value))

    return property(read, write)
