"""The twins of NumPy, CuPy and SciPy: which function stands for which."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.tracing.buffers import Buffer, array_of, holds_traced, unbuffered
from anygrad.tracing.functions import FFT, LINALG, SCIPY_LINALG, SPECIAL
from anygrad.tracing.functions.convolving import SIGNAL
from anygrad.tracing.functions.interpolation import INTEGRATE
from anygrad.tracing.namespace import STANDARD
from anygrad.tracing.protocols import ALIASES
from anygrad.tracing.rebinding import arrays

SEQUENCES = frozenset(
    (
        *("concatenate", "concat", "stack", "hstack", "vstack", "dstack", "column_stack", "block"),
        *("row_stack", "meshgrid", "einsum", "einsum_path", "lexsort", "broadcast_arrays"),
        *("select", "choose", "multi_dot", "piecewise", "pad", "ix_", "broadcast_shapes"),
        *("apply_along_axis", "apply_over_axes", "save", "savez", "savetxt"),
        *("histogram", "histogram_bin_edges"),
    )
)
"""Functions that take sequences of arrays, or of other things than numbers."""

_OF_NUMPY = {**{name: name for name in STANDARD}, **ALIASES}


def numpy_twins(numpy: Any) -> list[tuple[Any, Any]]:
    """NumPy asks traced arrays itself; left are lists of them, and what makes arrays."""
    twins = arrays.creation_twins(numpy) + arrays.cast_twins(numpy)
    twins += arrays.own_twins(numpy)
    for part in (numpy, numpy.linalg, numpy.fft):
        for name, function in vars(part).items():  # those that are there: no module is imported
            if name not in SEQUENCES and type(function) is type(numpy.sum):
                twins.append((function, _of_lists(function)))
    return twins


def _of_lists(function: Callable[..., Any]) -> Any:
    """A function that takes lists of traced numbers as arrays."""

    @functools.wraps(function)
    def call(*args: Any, **kw: Any) -> Any:
        for a in args:
            if (type(a) is list or type(a) is tuple) and holds_traced(a):
                args = tuple(map(_as_array, args))
                break
        if kw:
            kw = {name: _as_array(value) for name, value in kw.items()}
        return function(*args, **kw)

    return call


def _as_array(x: Any) -> Any:
    return array_of(x) if (type(x) is list or type(x) is tuple) and holds_traced(x) else x


def cupy_twins(cupy: Any) -> list[tuple[Any, Any]]:
    """CuPy's kernels ask traced arrays; its other functions are the rows' under the same names."""
    twins = arrays.creation_twins(cupy) + arrays.own_twins(cupy)
    for part, table in ((cupy, None), (cupy.linalg, LINALG), (cupy.fft, FFT)):
        for name in dir(part):
            function = getattr(part, name, None)
            if name.startswith("_") or isinstance(function, type) or not callable(function):
                continue
            row = _OF_NUMPY.get(name)
            operation = table.get(name) if table is not None else STANDARD[row] if row else None
            if operation is not None and not isinstance(function, cupy.ufunc):
                twins.append((function, _either(function, operation, name)))
    return twins


UFUNC_METHODS = frozenset(("at", "reduce", "accumulate", "outer", "reduceat"))


def ufunc_method(ufunc: Any, name: str, found: Any) -> Any:
    """A method of a ufunc: CuPy's ask no traced array, NumPy's of the same name do."""
    same = getattr(np, ufunc.__name__.removeprefix("cupy_"), None)
    return found if same is None or same is ufunc else _either(found, getattr(same, name), name)


_WRITE = frozenset(
    ("at", "copyto", "put", "place", "putmask", "put_along_axis", "fill_diagonal", "fill")
)


def _either(function: Callable[..., Any], operation: Callable[..., Any], name: str) -> Any:
    """A function, and what it is on traced arrays; those that write do it in the buffer itself."""
    writes = name in _WRITE

    @functools.wraps(function)
    def call(*args: Any, **kw: Any) -> Any:
        traced = any(map(holds_traced, args)) or any(map(holds_traced, kw.values()))
        if traced or (writes and type(args[0]) is Buffer):
            return operation(*args, **kw)
        return function(*unbuffered(args), **unbuffered(kw))

    return call


def _scipy(table: dict[str, Any]) -> Callable[[Any], list[tuple[Any, Any]]]:
    def twins(module: Any) -> list[tuple[Any, Any]]:
        found = [(name, getattr(module, name, None), f) for name, f in table.items()]
        return [
            (function, _either(function, operation, name))
            for name, function, operation in found
            if callable(function) and not isinstance(function, np.ufunc)
        ]

    return twins


SCIPY_TABLES = {
    f"{root}.{part}": _scipy(table)
    for root in ("scipy", "cupyx.scipy")
    for part, table in {
        "special": SPECIAL,
        "linalg": SCIPY_LINALG,
        "fft": FFT,
        "signal": SIGNAL,
        "integrate": INTEGRATE,
    }.items()
}
"""``scipy.special`` and its like under CuPy; their ufuncs ask traced arrays themselves."""
