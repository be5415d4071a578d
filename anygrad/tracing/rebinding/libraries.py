"""The twins of NumPy, CuPy and SciPy: which function stands for which."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.tracing.buffers import Buffer, as_array, holds_traced, unbuffered
from anygrad.tracing.functions import FFT, LINALG, SCIPY_LINALG, SPECIAL
from anygrad.tracing.functions.convolving import SIGNAL
from anygrad.tracing.functions.distances import DISTANCES
from anygrad.tracing.functions.distributions import DISTRIBUTIONS
from anygrad.tracing.functions.interpolation import INTEGRATE
from anygrad.tracing.level import LIFTED, read_value, sparse_home
from anygrad.tracing.namespace import STANDARD, missing_rule
from anygrad.tracing.pieces import DIVIDED, call_whole
from anygrad.tracing.protocols import ALIASES, FUNCTIONS
from anygrad.tracing.rebinding import arrays
from anygrad.tracing.sparse import SPARSE_LINALG, SPARSE_METHODS

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
                twins.append((function, _of_lists(function, FUNCTIONS.get(function))))
    return twins


QUESTIONS = frozenset(
    (
        *("result_type", "can_cast", "common_type", "allclose", "isclose", "array_equal"),
        *("iscomplexobj", "isrealobj", "array_repr", "array_str", "array2string"),
    )
)
"""Functions whose answer the value gives; nothing is lost."""


def testing_twins(testing: Any) -> list[tuple[Any, Any]]:
    """``numpy.testing``: assertions look at values."""
    names = [name for name in dir(testing) if name.startswith("assert_")]
    return [(getattr(testing, name), _of_values(getattr(testing, name))) for name in names]


def json_twins(json: Any) -> list[tuple[Any, Any]]:
    """``json``: what is written down is a value, a number where it is one of a GPU, too."""
    return [(f, _of_values(f, _number_or_value)) for f in (json.dump, json.dumps)]


def _number_or_value(x: Any) -> Any:
    value = read_value(x)
    return value.item() if getattr(value, "shape", None) == () else value


def statistics_twins(statistics: Any) -> list[tuple[Any, Any]]:
    """Python's ``statistics`` of traced numbers, by the functions of arrays."""
    made = {
        "mean": STANDARD["mean"],
        "fmean": STANDARD["mean"],
        "median": STANDARD["median"],
        "pstdev": STANDARD["std"],
        "pvariance": STANDARD["var"],
        "stdev": functools.partial(STANDARD["std"], ddof=1),
        "variance": functools.partial(STANDARD["var"], ddof=1),
    }
    return [
        (getattr(statistics, name), _of_numbers(statistics, name, f)) for name, f in made.items()
    ]


def _of_numbers(statistics: Any, name: str, operation: Any) -> Any:
    function = getattr(statistics, name)

    @functools.wraps(function)
    def call(data: Any, *args: Any, **kw: Any) -> Any:
        data = unbuffered(data) if type(data) in LIFTED else list(data)
        if args or kw or not holds_traced(data):
            return function(data, *args, **kw)
        return operation(as_array(data))

    return call


def _of_values(function: Callable[..., Any], read: Callable[..., Any] = read_value) -> Any:
    """A function that asks about values."""

    def plain(x: Any) -> Any:
        if type(x) is list or type(x) is tuple:
            return type(x)([plain(part) for part in x])
        if type(x) is dict:
            return {name: plain(part) for name, part in x.items()}
        return read(unbuffered(x)) if type(x) in LIFTED else x

    @functools.wraps(function)
    def call(*args: Any, **kw: Any) -> Any:
        return function(*map(plain, args), **{name: plain(x) for name, x in kw.items()})

    return call


def _of_lists(function: Callable[..., Any], operation: Any = None) -> Any:
    """A function that takes lists of traced numbers as arrays.

    Of one traced array it is the ``operation`` that NumPy would find, at the end of a longer way.
    """

    @functools.wraps(function)
    def call(*args: Any, **kw: Any) -> Any:
        for a in args:
            if (type(a) is list or type(a) is tuple) and holds_traced(a):
                args = tuple(map(as_array, args))
                break
        if kw:
            kw = {name: as_array(value) for name, value in kw.items()}
        if operation is not None and len(args) == 1:
            kind = type(args[0])
            if kind in LIFTED and kind is not Buffer and not args[0].t.records:
                return operation(args[0], **kw)
        return function(*args, **kw)

    return call


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
            if isinstance(function, cupy.ufunc):
                continue
            if name in QUESTIONS or name == "get_array_module":
                twins.append((function, _of_values(function)))
            elif name in _SHAPES:
                twins.append((function, _SHAPES[name]))
            elif operation is None:
                twins.append((function, _opened(function)))
            else:
                either = _either(function, operation, name)
                twins.append((function, either if name in SEQUENCES else _of_lists(either)))
    return twins


_SHAPES = {"shape": np.shape, "ndim": np.ndim, "size": np.size}
"""NumPy's, which ask traced arrays, and take CuPy's arrays as well."""


def _opened(function: Callable[..., Any]) -> Any:
    """A function without a rule, on what is inside buffers.

    It may be made of kernels, which ask traced arrays; where it is not, its error says little.
    """

    @functools.wraps(function)
    def call(*args: Any, **kw: Any) -> Any:
        try:
            return function(*unbuffered(args), **unbuffered(kw))
        except (TypeError, AttributeError) as error:
            if not holds_traced([*args, *kw.values()]):
                raise
            raise missing_rule(function.__name__) from error

    return call


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
        if traced:
            whole = call_whole(function, args, kw)
            if whole is not DIVIDED:
                return whole
        if traced or (writes and type(args[0]) is Buffer):
            return operation(*args, **kw)
        return function(*unbuffered(args), **unbuffered(kw))

    return call


def _scipy(table: dict[str, Any]) -> Callable[[Any], list[tuple[Any, Any]]]:
    def twins(module: Any) -> list[tuple[Any, Any]]:
        found = [(name, getattr(module, name, None), f) for name, f in table.items()]
        made = [
            (function, _either(function, operation, name))
            for name, function, operation in found
            if callable(function) and not isinstance(function, np.ufunc)
        ]
        if module.__name__ == "cupyx.scipy.linalg":  # SciPy's ask the traced arrays themselves
            others = [getattr(module, name) for name in dir(module) if name not in table]
            made += [(f, _opened(f)) for f in others if isinstance(f, types.FunctionType)]
        return made

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
        "sparse.linalg": SPARSE_LINALG,
        "spatial.distance": DISTANCES,
    }.items()
}
"""``scipy.special`` and its like under CuPy; their ufuncs ask traced arrays themselves."""


def distribution_method(owner: Any, name: str, found: Any) -> Any:
    """The twin of a method of a distribution of ``scipy.stats``; the method itself without one."""
    kind = getattr(owner, "name", None)
    operation = DISTRIBUTIONS.get((kind, name)) if isinstance(kind, str) else None
    return found if operation is None else _either(found, operation, name)


def sparse_method(matrix: Any, name: str, found: Any) -> Any:
    """The twin of a method of a sparse matrix that asks no traced operand."""
    operation = SPARSE_METHODS.get(name) if sparse_home(matrix) else None
    if operation is None:
        return found
    return _either(found, functools.partial(operation, matrix), name)
