"""Twins of functions that make arrays, of methods of plain arrays, and of `numpy.vectorize`.

What they make can be written into with traced values (`anygrad.tracing.buffers`), and lists may
hold traced numbers.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.backends import backend_of
from anygrad.errors import MissingRuleError, TraceError
from anygrad.ops.shaping import kind_of
from anygrad.tracing.buffers import (
    Buffer,
    array_of,
    as_array,
    buffer_of,
    copy_of,
    holds_traced,
    unbuffered,
)
from anygrad.tracing.functions import FUNCTIONS
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.level import LIFTED, duplicate, is_mapped, lowest
from anygrad.tracing.operations import TRACED
from anygrad.tracing.pieces import DIVIDED, call_whole
from anygrad.tracing.plain import NUMBERS
from anygrad.tracing.rebinding.numbers import scalar_of

COPIES = ("array", "copy")
SAME = ("asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "asarray_chkfinite")
NEW = ("zeros", "ones", "empty", "eye", "identity", "arange", "linspace", "logspace", "geomspace")
LIKE = ("zeros_like", "ones_like", "empty_like", "full_like", "full", "tri", "diag", "astype")


def creation_twins(module: Any) -> list[tuple[Any, Any]]:
    """The functions of an array library that make arrays."""
    made = {
        **{name: _array_maker(module, name) for name in (*COPIES, *SAME)},
        **{name: _maker(module, name) for name in (*NEW, *LIKE)},
        "fromiter": _from_iterator,
    }
    return [(getattr(module, name), f) for name, f in made.items() if hasattr(module, name)]


def _array_maker(module: Any, name: str) -> Any:
    """``np.array``, ``np.asarray`` and the like."""
    original = getattr(module, name, None)

    def make(obj: Any, dtype: Any = None, *args: Any, **kw: Any) -> Any:
        if "like" in kw or args or (name == "copy" and dtype is not None):
            given = () if dtype is None else (dtype,)
            return original(unbuffered(obj), *given, *args, **kw)  # type: ignore[misc]
        if not holds_traced(obj):
            if name in SAME and type(obj) is Buffer and (dtype is None or obj.dtype == dtype):
                return obj
            plain = unbuffered(obj)
            kw = kw if dtype is None else {**kw, "dtype": dtype}
            y = original(plain, **kw)  # type: ignore[misc]
            return y if y is plain or getattr(y, "base", None) is plain else buffer_of(y)
        given = kw if dtype is None else {**kw, "dtype": dtype}
        whole = call_whole(original, (unbuffered(obj),), given)  # type: ignore[arg-type]
        if whole is not DIVIDED:
            return copy_of(whole)
        return _traced_array(obj, dtype, kw, copied=name in COPIES and kw.get("copy", True) is True)

    functools.update_wrapper(make, original or make)
    return make


def _traced_array(obj: Any, dtype: Any, kw: dict[str, Any], copied: bool) -> Any:
    """An array, or a nested list, with traced values in it."""
    obj = unbuffered(obj)
    fresh = type(obj) not in LIFTED
    y = array_of(obj) if fresh else obj
    if dtype is not None and np.dtype(dtype) == object:
        message = (
            "array(dtype): got object for traced values; expected a floating dtype. Keep a list of "
            "them instead."
        )
        raise TraceError(message)
    if dtype is not None and y.dtype != np.dtype(dtype):
        y, fresh = astype(y, np.dtype(dtype)), True
    missing = kw.get("ndmin", 0) - len(y.shape)
    if missing > 0:
        y = TRACED.reshape(y, shape=(1,) * missing + tuple(y.shape))
    return copy_of(y if fresh else duplicate(y)) if copied else y


def _maker(module: Any, name: str) -> Any:
    """A function that makes an array of numbers; with traced ones it is that of traced arrays."""
    original = getattr(module, name, None)

    def make(*args: Any, **kw: Any) -> Any:
        if "like" in kw:
            return original(*args, **kw)  # type: ignore[misc]
        if any(map(holds_traced, args)) or any(map(holds_traced, kw.values())):
            whole = DIVIDED if name.endswith("_like") else call_whole(original, args, kw)  # type: ignore[arg-type]
            if whole is not DIVIDED:
                return copy_of(whole)
            args = tuple(map(as_array, args))
            if name == "full":
                return copy_of(_full(*args, **kw))
            if name.endswith("_like") and not any(map(holds_traced, args[1:])):
                return buffer_of(original(_plain_like(args[0]), *args[1:], **kw))  # type: ignore[misc]
            operation = FUNCTIONS.get(name) or original
            return copy_of(operation(*map(unbuffered, args), **kw))  # type: ignore[misc]
        return buffer_of(original(*unbuffered(args), **unbuffered(kw)))  # type: ignore[misc]

    functools.update_wrapper(make, original or make)
    return make


def _plain_like(x: Any) -> Any:
    """A plain array of the shape and dtype of a traced one."""
    bottom = lowest(x)
    if not is_mapped(x):
        return bottom
    backend = backend_of(bottom)
    assert backend is not None
    return backend.load().zeros(x.shape, dtype=x.dtype, device=backend.device_of(bottom))


def _full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", **kw: Any) -> Any:
    value = unbuffered(fill_value)
    dtype = None if dtype is None else np.dtype(dtype)
    return value.__array_namespace__().full(shape, value, dtype=dtype)


def _from_iterator(values: Any, dtype: Any, count: int = -1, **kw: Any) -> Any:
    values = list(values if count < 0 else itertools.islice(values, count))
    if holds_traced(values):
        return _traced_array(values, dtype, {}, copied=False)
    return buffer_of(np.fromiter(values, dtype, **kw))


def own_twins(module: Any) -> list[tuple[Any, Any]]:
    """What is no function: `vectorize`, ``r_`` and ``c_``."""
    made = {
        "vectorize": lambda original: vectorize,
        "frompyfunc": lambda original: functools.partial(_from_function, original),
        "ndenumerate": lambda original: functools.partial(_enumerated, original),
        "r_": lambda original: Joined(original, columns=False),
        "c_": lambda original: Joined(original, columns=True),
    }
    return [
        (getattr(module, name), make(getattr(module, name)))
        for name, make in made.items()
        if hasattr(module, name)
    ]


def _from_function(original: Any, f: Any, nin: int, nout: int, **kw: Any) -> Any:
    """`numpy.frompyfunc`: with traced numbers, its results are an array of them."""
    plain, traced = original(f, nin, nout, **kw), Vectorized(f)

    def call(*args: Any, **keywords: Any) -> Any:
        return (traced if holds_traced(args) else plain)(*unbuffered(args), **keywords)

    return call


def _enumerated(original: Any, x: Any) -> Any:
    """`numpy.ndenumerate`."""
    if not holds_traced(x):
        return original(unbuffered(x))
    return ((index, x[index]) for index in np.ndindex(*x.shape))


def cast_twins(module: Any) -> list[tuple[Any, Any]]:
    """``np.float64(x)`` and the like, where they are called."""
    floats = ("float16", "float32", "float64", "complex64", "complex128")
    integers = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool_")
    kinds = [getattr(module, name) for name in (*floats, *integers) if hasattr(module, name)]
    return [(kind, _cast(kind)) for kind in kinds]


def _cast(kind: Any) -> Any:
    def cast(x: Any = 0, /) -> Any:
        if not holds_traced(x):
            return kind(unbuffered(x))
        if type(x) in LIFTED and type(x.v) in NUMBERS:  # a scalar, and no array
            whole = call_whole(kind, (x,), {})
            if whole is not DIVIDED:
                return whole
        return _traced_array(x, kind, {}, copied=False)

    return cast


class Joined:
    """``np.r_`` and ``np.c_`` with traced parts."""

    def __init__(self, original: Any, columns: bool) -> None:
        self.original = original
        self.columns = columns

    def __getitem__(self, key: Any) -> Any:
        parts = key if type(key) is tuple else (key,)
        if not any(map(holds_traced, parts)):
            return buffer_of(self.original[unbuffered(key)])
        if any(isinstance(part, str) for part in parts):
            message = "r_[key]: got a string directive beside traced parts; expected arrays."
            raise MissingRuleError(message)
        arrays = [self._part(part) for part in parts]
        return FUNCTIONS["concat"](arrays, axis=-1 if self.columns else 0)

    def _part(self, part: Any) -> Any:
        if isinstance(part, slice):
            part = self.original[part]
        part = _as_array(unbuffered(part))
        ndim = len(part.shape)
        if self.columns and ndim < 2:
            return TRACED.reshape(part, shape=(-1, 1))
        return TRACED.reshape(part, shape=(1,)) if ndim == 0 else part

    def __len__(self) -> int:
        return 0


class Vectorized:
    """`numpy.vectorize`: a function of numbers, called for each element of arrays.

    The results are put together as they come; that of traced numbers is a traced array.
    """

    def __init__(
        self, function: Any, otypes: Any = None, excluded: Any = None, signature: Any = None
    ) -> None:
        self.function = function
        self.otypes = otypes
        self.excluded = set() if excluded is None else set(excluded)
        self.signature = signature

    def __call__(self, *args: Any, **kw: Any) -> Any:
        """Call the function for each element of the broadcast arguments."""
        args, kw = unbuffered(args), unbuffered(kw)
        if self.signature is not None:
            if holds_traced(args) or holds_traced(kw):
                message = (
                    "vectorize(signature): got traced arguments; expected a function of numbers. "
                    "Use ag.vmap for functions of arrays."
                )
                raise MissingRuleError(message)
            original = np.vectorize(self.function, signature=self.signature)
            return original(*args, **kw)
        spots = [k for k in range(len(args)) if k not in self.excluded]
        names = [name for name in kw if name not in self.excluded]
        arrays = [_as_array(args[k]) for k in spots] + [_as_array(kw[name]) for name in names]
        shape = np.broadcast_shapes(*(tuple(a.shape) for a in arrays))
        spread = [
            a
            if tuple(a.shape) == shape
            else FUNCTIONS["broadcast_to"](a, shape)
            if type(a) in LIFTED
            else np.broadcast_to(a, shape)
            for a in arrays
        ]
        results = []
        for index in np.ndindex(*shape):
            whole, keywords = list(args), dict(kw)
            parts = [a[index] for a in spread]
            for k, part in zip(spots, parts[: len(spots)], strict=True):
                whole[k] = part
            for name, part in zip(names, parts[len(spots) :], strict=True):
                keywords[name] = part
            results.append(self.function(*whole, **keywords))
        if not results:
            message = "vectorize: got no elements; the dtype of the result is not known."
            raise ValueError(message)
        if isinstance(results[0], tuple):
            return tuple(
                self._put_together(list(column), shape, k)
                for k, column in enumerate(zip(*results, strict=True))
            )
        return self._put_together(results, shape, 0)

    def _put_together(self, results: list[Any], shape: tuple[int, ...], k: int) -> Any:
        dtype = None if not self.otypes else np.dtype(self.otypes[k])
        if holds_traced(results):
            # one result may be a number: NumPy takes the dtype of the first, here all count
            y = _traced_array(results, dtype, {}, copied=False)
            return TRACED.reshape(y, shape=shape) if type(y) in LIFTED else y.reshape(shape)
        first = np.asarray(unbuffered(results[0])).dtype if dtype is None else dtype
        return buffer_of(np.asarray(unbuffered(results)).astype(first).reshape(shape))


def _as_array(x: Any) -> Any:
    x = as_array(x)
    return x if hasattr(x, "shape") else np.asarray(x)


def vectorize(
    pyfunc: Any = None,
    otypes: Any = None,
    doc: Any = None,
    excluded: Any = None,
    cache: bool = False,
    signature: Any = None,
) -> Any:
    """`numpy.vectorize`, as a function or a decorator."""
    if pyfunc is None:
        return functools.partial(vectorize, otypes=otypes, excluded=excluded, signature=signature)
    return Vectorized(pyfunc, otypes, excluded, signature)


# Methods ------------------------------------------------------------------------------------------


def method_twin(x: Any, name: str) -> Callable[..., Any] | None:
    """What stands for a method of an array, plain or traced."""
    if type(x) in LIFTED and holds_traced(x):
        if name == "item":
            return functools.partial(_item, x)
        if name == "copy":
            return lambda *args, **kw: copy_of(unbuffered(x).copy(*args, **kw))
        return functools.partial(_to_list, unbuffered(x)) if name == "tolist" else None
    if name == "dot":
        return functools.partial(_dot, x)
    if name in ("copy", "astype") and type(x) not in LIFTED and kind_of_array(x) != "other":
        method = getattr(x, name)
        return lambda *args, **kw: buffer_of_new(x, method(*args, **kw))
    return None


def kind_of_array(x: Any) -> str:
    """The kind of an array's dtype; arrays of integers may be cast to floating ones, too."""
    return "real" if getattr(x.dtype, "kind", "f") in "iub" else kind_of(x.dtype)


def buffer_of_new(x: Any, y: Any) -> Any:
    """An array as a buffer, unless it is the very one it was made of."""
    return y if y is x else buffer_of(y)


def _dot(x: Any, other: Any, out: Any = None) -> Any:
    other = as_array(other)
    if out is None and holds_traced(other):
        return FUNCTIONS["dot"](unbuffered(x), unbuffered(other))
    plain = unbuffered(x)
    return buffer_of(plain.dot(unbuffered(other)) if out is None else plain.dot(other, out))


def _item(x: Any, *index: Any) -> Any:
    x = unbuffered(x)
    function = getattr(type(x.v), "item", None)
    whole = DIVIDED if function is None else call_whole(function, (x, *index), {})
    if whole is not DIVIDED:
        return whole
    if not index:
        return scalar_of("x.item()", x)
    if len(index) == 1 and not isinstance(index[0], tuple):
        return TRACED.getitem(TRACED.reshape(x, shape=(-1,)), key=int(index[0]))
    key = index[0] if isinstance(index[0], tuple) else index
    return TRACED.getitem(x, key=tuple(int(k) for k in key))


def _to_list(x: Any) -> Any:
    if not x.shape:
        return _item(x) if x.t.records else x
    return [_to_list(x[k]) for k in range(x.shape[0])]
