"""What a traced array answers as an object, and the ways out that it refuses.

Operators, NumPy's methods and in-place writes are attached to the class here.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from anygrad.backends import is_mutable, namespace_of, to_host
from anygrad.errors import MissingRuleError, ShapeError, TraceError
from anygrad.ops import ROWS
from anygrad.ops.shaping import kind_of
from anygrad.tracing.assignment import in_dtype_of, parts_of, plain_key, refuse_repeated
from anygrad.tracing.functions.shapes import matrix_transpose, permute_dims, reshape
from anygrad.tracing.level import (
    LIFTED,
    Traced,
    bind,
    decided,
    duplicate,
    is_mapped,
    lowest,
    read_value,
    recorded,
    shown,
)
from anygrad.tracing.namespace import STANDARD, namespace_of_level
from anygrad.tracing.operations import TRACED
from anygrad.tracing.refusals import asking, is_formatting, noted
from anygrad.tracing.views import written_through_view

_BINARY = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "pow": "pow",
    "mod": "remainder",
    "floordiv": "floor_divide",
    "matmul": "matmul",
}
_SYMBOLS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "truediv": "/",
    "pow": "**",
    "mod": "%",
    "floordiv": "//",
    "matmul": "@",
}
_COMPARISONS = {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
}
_UNARY = {"neg": "negative", "pos": "positive", "abs": "abs"}


def _install_operators() -> None:
    for method, row in {**_BINARY, **_COMPARISONS, **_UNARY}.items():
        operation = getattr(TRACED, row)
        setattr(Traced, f"__{method}__", operation)
        if method in _BINARY:
            setattr(Traced, f"__r{method}__", _reflected(operation))
            setattr(Traced, f"__i{method}__", _in_place(operation, method))


def _reflected(operation: Any) -> Any:
    def reflected(b: Any, a: Any) -> Any:
        return operation(a, b)

    return reflected


def _in_place(operation: Any, method: str) -> Any:
    what = f"y {_SYMBOLS[method]}= x"

    def in_place(self: Traced, other: Any) -> Any:
        result = operation(self, other)
        if not is_mutable(lowest(self)):
            return result  # NumPy's scalars, JAX's arrays: the name is bound to a new value
        if result.shape != self.shape:
            message = (
                f"{what}: got shape {result.shape}; expected {self.shape}, that of y. "
                "Write y = ... instead."
            )
            raise ShapeError(message)
        result = in_dtype_of(self, result, what)
        if type(result) not in LIFTED or result.t.number < self.t.number:
            result = self.t.constant(result)  # a quotient without derivative, say
        view = self.t.view_of(self)
        if view is not None:
            self.t.write_through(result, view, what)
            return result  # Python assigns it to base[key] next, if this came from base[key] op= x
        _rebind(self, result, what)
        return self

    return in_place


def _rebind(x: Traced, new: Any, what: str) -> None:
    """Let the object mean another value from here on: what a write does for a plain array."""
    if type(new) is not type(x) or new.t is not x.t:
        message = (
            f"{what}: got a value of a transformation nested inside the one that y belongs to; "
            "the write would leak out of it. Build a new array instead."
        )
        raise TraceError(message)
    x.t.note_write(x)
    x.v, x.i = new.v, new.i


def _setitem(self: Traced, key: Any, value: Any) -> None:
    what = "y[key] = x"
    key = plain_key(key)
    if not self.t.records:  # there it has a derivative, and which write wins has none
        refuse_repeated(what, key, self.shape)
    if self.t.view_of(self) is not None:
        raise written_through_view(what)
    if isinstance(value, list | tuple):
        value = namespace_of_level(self).asarray(value)
    if hasattr(value, "dtype"):
        if type(value) not in LIFTED:
            namespace_of(lowest(self), value)  # names both libraries where there are two
        value = in_dtype_of(self, value, what)
    self.t.settle(self, key, value)
    _rebind(self, TRACED.setitem(self, value, key=key), what)


def _truth(self: Traced) -> bool:
    """The truth of the value; of a batch, where all its examples agree."""
    if not is_mapped(self):
        return decided(self, bool)
    every, some = decided(self, _every_and_some)
    if every != some:
        message = (
            "if, while, and: got a value that is true for some examples of vmap and false for "
            "others; expected one answer. Use xp.where(condition, a, b)."
        )
        raise TraceError(message)
    return every


def _every_and_some(value: Any) -> tuple[bool, bool]:
    answers = to_host(value)
    return bool(answers.all()), bool(answers.any())


def _getitem(self: Traced, key: Any) -> Any:
    if type(key) is not int and type(key) is not slice:
        key = plain_key(key)
        if any(type(part) in LIFTED for part in parts_of(key)):
            return bind(ROWS["getitem"], (self,), {"key": key})
    return TRACED.getitem(self, key=key)


def _iterate(self: Traced) -> Iterator[Any]:
    if not self.shape:
        message = "iteration over a 0-d array"
        raise TypeError(message)
    return (TRACED.getitem(self, key=k) for k in range(self.shape[0]))


def _length(self: Traced) -> int:
    if not self.shape:
        message = "len() of a 0-d array"
        raise TypeError(message)
    return self.shape[0]


def _reshape(self: Traced, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
    one = len(shape) == 1 and isinstance(shape[0], tuple | list)
    return reshape(self, shape[0] if one else shape, order)


def _transpose(self: Traced, *axes: Any) -> Any:
    one = len(axes) == 1 and (axes[0] is None or isinstance(axes[0], tuple | list))
    return permute_dims(self, axes[0] if one else axes or None)


# method -> the function of the same meaning; NumPy's positional order is that of the functions
METHODS = {
    **{
        name: name
        for name in (
            "sum",
            "prod",
            "max",
            "min",
            "mean",
            "var",
            "std",
            "all",
            "any",
            "argmax",
            "argmin",
        )
    },
    **{
        name: name
        for name in (
            "ravel",
            "squeeze",
            "swapaxes",
            "astype",
            "copy",
            "round",
            "clip",
            "take",
            "repeat",
        )
    },
    **{"argsort": "argsort", "nonzero": "nonzero"},
    **{
        "dot": "dot",
        "flatten": "flatten",
        "cumsum": "cumulative_sum",
        "cumprod": "cumulative_prod",
        "trace": "trace",
    },
}
_OUT = {
    "__float__": "float(x), math.sin(x), plain_array[i] = x",
    "__complex__": "complex(x)",
    "__int__": "int(x), integer_array[i] = x",
    "__index__": "using x as an index or a count",
    "__array__": "np.asarray(x), np.array([x, ...]), plain_array[i] = x",
    "__dlpack__": "from_dlpack(x)",
    "item": "x.item()",
    "tolist": "x.tolist()",
    "__reduce__": "pickling x",
    "get": "x.get()",
}


def _text_value(x: Any) -> Any:
    """The plain value that text is made of; a record of what is done holds for that text only."""
    inner = recorded(x)
    return shown(x) if inner is None or inner.t.closed else read_value(x)


_NUMBERS = {"__float__": float, "__int__": int, "__index__": int}


def _way_out(method: str, what: str) -> Any:
    number, whole = _NUMBERS.get(method), method in ("__int__", "__index__")

    def refuse(self: Traced, *_: Any, **__: Any) -> Any:
        frame = asking()
        if number is not None and is_formatting(frame):
            return number(shown(self))
        if type(self) in LIFTED and self.t.records:
            if kind_of(self.dtype) == "other":  # an index, most likely; it is the same in replays
                if whole:
                    return decided(self, operator.index if method == "__index__" else int)
                if method == "__array__":
                    return np.array(read_value(self), *_[:1], **__)
            raise noted(self.t.refuse(self, what), frame)
        message = (
            f"{what}: got a traced array; the gradient would be lost in silence. Use array "
            "functions (np.sin(x), xp.stack, xp.zeros_like(x) to write into), or ag.value(x) where "
            "the value is a constant."
        )
        raise noted(TraceError(message), frame)

    return refuse


def _to_device(self: Traced, device: Any, /, *, stream: Any = None) -> Any:
    here = self.device
    if device == here or str(device) == str(here):
        return self
    message = f"x.to_device({device!r}): no rule moves a traced array from {here}. Move it before."
    raise MissingRuleError(message)


_AS_AN_OBJECT: dict[str, Any] = {
    "T": property(_transpose),
    "mT": property(matrix_transpose),
    "real": property(TRACED.real),
    "imag": property(TRACED.imag),
    "conj": TRACED.conj,
    "conjugate": TRACED.conj,
    "reshape": _reshape,
    "transpose": _transpose,
    "__getitem__": _getitem,
    "__setitem__": _setitem,
    "__iter__": _iterate,
    "__len__": _length,
    "__array_namespace__": lambda self, *, api_version=None: namespace_of_level(self),
    # What a value answers is plain; nothing is lost.
    "__bool__": lambda self: _truth(self),
    "__invert__": TRACED.bitwise_invert,
    **{
        f"__{side}{name}__": _reflected(operation) if side else operation
        for name in ("and", "or", "xor")
        for operation in [getattr(TRACED, f"bitwise_{name}")]
        for side in ("", "r")
    },
    "__repr__": lambda self: f"traced({lowest(self)!r})",
    "__str__": lambda self: str(_text_value(self)),
    "__format__": lambda self, form: format(_text_value(self), form),
    "__round__": lambda self, digits=None: round(read_value(self), digits),
    "to_device": _to_device,
    "__copy__": lambda self: duplicate(self),
    "__deepcopy__": lambda self, memo: duplicate(self),
    "__divmod__": lambda self, other: (self // other, self % other),
    **{method: STANDARD[name] for method, name in METHODS.items()},
    **{method: _way_out(method, what) for method, what in _OUT.items()},
}

_install_operators()
for _name, _what in _AS_AN_OBJECT.items():
    setattr(Traced, _name, _what)
