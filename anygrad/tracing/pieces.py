"""Functions that a compiled function calls in one piece.

Where only a recording lies below an operation, no derivative is taken of it: so NumPy's or SciPy's
own function is written down as it is, with all that it reads and decides, and not the formulas that
its derivative needs. The result is the library's to the last bit. Rows are looked into, and so is
what may give a view of its operand, or write.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.ops import ROWS
from anygrad.tracing.buffers import Buffer, buffer_of, unbuffered
from anygrad.tracing.level import LIFTED, Traced, duplicate
from anygrad.tracing.methods import METHODS
from anygrad.tracing.operations import TRACED
from anygrad.tracing.plain import NUMBERS
from anygrad.tracing.protocols import FUNCTIONS
from anygrad.tracing.ufuncs import UFUNCS, operation_of_scipy

__all__ = ["ATTRIBUTES", "call_whole"]

DIVIDED: Any = object()
"""Told where a function has to be looked into."""

_WRITING = frozenset(
    (
        *("copyto", "put", "place", "putmask", "put_along_axis", "fill_diagonal", "at", "fill"),
        *("save", "savez", "savez_compressed", "savetxt", "shares_memory", "may_share_memory"),
        *("array_repr", "array_str", "array2string"),
    )
)
_LOOKED_INTO = frozenset(
    (
        *("sum", "prod", "max", "min", "amax", "amin", "all", "any", "argmax", "argmin", "mean"),
        *("cumsum", "cumulative_sum", "where", "take"),
        *("concatenate", "concat", "stack", "hstack", "vstack", "zeros_like", "ones_like"),
        *("reshape", "ravel", "transpose", "permute_dims", "matrix_transpose", "swapaxes"),
        *("moveaxis", "rollaxis", "squeeze", "expand_dims", "broadcast_to", "broadcast_arrays"),
        *("atleast_1d", "atleast_2d", "atleast_3d", "flip", "fliplr", "flipud", "rot90"),
        *("split", "array_split", "hsplit", "vsplit", "dsplit", "unstack", "diagonal"),
        *("real", "imag", "copy", "astype", "clip", "full_like", "empty_like"),
        *("shape", "ndim", "size", "trace", "matmul", "full"),
    )
)
"""Functions that are rows, or whose rows give the same bits; others may show their operands."""

_FIXED = frozenset(
    (
        *("einsum", "inner", "outer", "tensordot", "vdot", "kron", "cross", "vecdot", "matvec"),
        *("vecmat", "var", "std", "median", "norm", "vector_norm", "matrix_norm", "solve", "inv"),
        *("det", "slogdet", "cholesky", "qr", "svd", "svdvals", "eigh", "eigvalsh", "pinv"),
        *("sort", "argsort", "interp", "diff", "ediff1d", "trapezoid", "convolve", "correlate"),
        *("fft", "ifft", "rfft", "irfft", "fft2", "ifft2", "fftn", "ifftn", "roll", "sinc"),
        *("nansum", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin", "nanprod", "round"),
        *("logsumexp", "softmax", "log_softmax", "expm", "cov", "corrcoef", "average", "ptp"),
        *("clip", "float16", "float32", "float64", "complex64", "complex128"),
    )
)
"""Functions whose results have a shape and dtype that no value changes."""

_OF_PYTHON = ("math", "cmath", "builtins", "_operator")


def call_whole(function: Callable[..., Any], args: Any, kw: dict[str, Any]) -> Any:
    """The result of a library's function, written down as one call; `DIVIDED` if it is not."""
    found: list[Any] = []
    if any(name.startswith("overwrite") for name in kw):  # operands are left as they are
        kw = {name: False if name.startswith("overwrite") else x for name, x in kw.items()}
    template = _emptied((args, kw), found)
    if not found:
        return DIVIDED
    level = found[0].t
    if not level.records or any(x.t is not level for x in found):
        return DIVIDED
    constants = list(_arrays(template))
    name = function.__name__
    if level.divides and not _asks_its_operands(function):
        return DIVIDED  # it could not be called with a traced value later on
    piecewise = name == "clip" and not _clips_by_rows(args, kw)
    if (is_looked_into(name, kw, found) and not piecewise) or not _is_of_host(found):
        return DIVIDED
    if _writes(function, args, kw):
        return DIVIDED

    template = _kept(template, level)

    def run(*values: Any) -> Any:
        again, named = _filled(template, values)
        return function(*again, **named)

    run.__name__ = run.__qualname__ = name
    level.check_operands(found)
    result = level.attempt(run, [x.v for x in found])
    leaves: list[Any] = []
    shape = _flattened(result, leaves)
    given = [*constants, *_arrays([x.v for x in found])]
    if not leaves or any(not _is_value(y) or _shares(y, given) for y in leaves):
        return DIVIDED
    fixed = isinstance(function, np.ufunc) or name in _FIXED
    fixed = fixed or getattr(function, "__module__", "") in _OF_PYTHON
    if type(shape) is _Slot:
        return level.piece(run, found, leaves[0], None if fixed else form_of)
    parts = level.piece(_listing(run), found, leaves, None if fixed else forms_of)
    return _filled(shape, parts)


def _asks_its_operands(function: Any) -> bool:
    """Whether a function lets traced operands decide what it does."""
    if isinstance(function, np.ufunc) or hasattr(function, "_implementation"):
        return True
    return function is abs or getattr(function, "__module__", "") == "_operator"


def _listing(run: Callable[..., Any]) -> Callable[..., Any]:
    """The same with all results in one list."""

    @functools.wraps(run)
    def listed(*values: Any) -> Any:
        leaves: list[Any] = []
        _flattened(run(*values), leaves)
        return leaves

    return listed


def form_of(y: Any) -> Any:
    """What the program counts on, beside the values."""
    return (type(y), getattr(y, "shape", ()), getattr(y, "dtype", None))


def forms_of(values: Any) -> Any:
    """The same of several values."""
    return tuple(map(form_of, values))


def is_looked_into(name: str, kw: dict[str, Any], found: list[Any]) -> bool:
    """Whether a function is carried out by rows, or writes."""
    if name in _LOOKED_INTO:
        if name != "where" and any(type(x.v) in NUMBERS for x in found):
            return False
        return "where" not in kw and "initial" not in kw
    return name in _WRITING


def _clips_by_rows(args: Any, kw: dict[str, Any]) -> bool:
    """Whether a maximum and a minimum give what ``clip`` does: of zeros they may take the other."""
    bounds = [*args[1:3], *(kw.get(name) for name in ("min", "max", "a_min", "a_max"))]
    bounds = [bound for bound in bounds if bound is not None]
    return len(bounds) < 2 or all(isinstance(b, int | float) and b != 0 for b in bounds)


class _Slot(int):
    """The place of a value in a call."""


def _emptied(x: Any, found: list[Any]) -> Any:
    """Arguments with slots for the recorded values, which are collected."""
    kind = type(x)
    if kind is Buffer:
        x = unbuffered(x)
        kind = type(x)
    if kind in LIFTED:
        found.append(x)
        return _Slot(len(found) - 1)
    if kind is list or kind is tuple:
        return kind([_emptied(part, found) for part in x])
    if kind is dict:
        return {name: _emptied(part, found) for name, part in x.items()}
    return x


def _kept(x: Any, level: Any) -> Any:
    """A template whose arrays nobody writes into."""
    if type(x) in (list, tuple):
        return type(x)([_kept(part, level) for part in x])
    if type(x) is dict:
        return {name: _kept(part, level) for name, part in x.items()}
    return level.fixed(x) if isinstance(x, np.ndarray) else x


def _filled(x: Any, values: Any) -> Any:
    kind = type(x)
    if kind is _Slot:
        return values[x]
    if kind is list or kind is tuple:
        return kind([_filled(part, values) for part in x])
    if kind is dict:
        return {name: _filled(part, values) for name, part in x.items()}
    return kind(*[_filled(part, values) for part in x]) if hasattr(x, "_fields") else x


def _flattened(y: Any, leaves: list[Any]) -> Any:
    """The structure of a result, with slots for its leaves."""
    kind = type(y)
    if kind is list or kind is tuple:
        return kind([_flattened(part, leaves) for part in y])
    if isinstance(y, tuple) and hasattr(y, "_fields"):
        return kind(*[_flattened(part, leaves) for part in y])
    if y is None:
        return None
    leaves.append(y)
    return _Slot(len(leaves) - 1)


def _arrays(parts: Any) -> Any:
    for part in parts.values() if type(parts) is dict else parts:
        if type(part) in (list, tuple, dict):
            yield from _arrays(part)
        elif isinstance(part, np.ndarray):
            yield part


def _is_of_host(found: list[Any]) -> bool:
    return all(isinstance(x.v, np.ndarray | np.generic) or type(x.v) in NUMBERS for x in found)


def _is_value(y: Any) -> bool:
    """Whether a program can hold this; neither text nor arrays of objects."""
    if type(y) in NUMBERS:
        return True
    return isinstance(y, np.ndarray | np.generic) and y.dtype.kind in "biufc"


def _shares(y: Any, given: list[Any]) -> bool:
    return isinstance(y, np.ndarray) and any(np.may_share_memory(y, a) for a in given)


def _writes(function: Any, args: Any, kw: dict[str, Any]) -> bool:
    """Whether a call writes into an argument, or calls a function of the user's."""
    if any(callable(x) and not isinstance(x, type | np.dtype) for x in (*args, *kw.values())):
        return True
    if any(_is_written(name, value) for name, value in kw.items()):
        return True
    if isinstance(function, np.ufunc):
        own = all(set(form) <= set("O->") for form in function.types)
        return own or len(args) > function.nin or kw.get("where", True) is not True
    return any(
        k < len(args) and _is_written(name, args[k]) for k, name in _places(function).items()
    )


def _is_written(name: str, value: Any) -> bool:
    if name == "out":
        parts = value if type(value) is tuple else (value,)
        return any(part is not None for part in parts)
    if name == "copy":
        return value is False
    return name.startswith("overwrite") and value is True


@functools.cache
def _places(function: Any) -> dict[int, str]:
    """The positions of arguments that say what is written."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        own = str(getattr(function, "__module__", "")).startswith("numpy")
        return {2: "out"} if own else {}  # np.dot and its like
    places = {}
    for k, parameter in enumerate(found):
        if parameter.kind > inspect.Parameter.POSITIONAL_OR_KEYWORD:
            break
        name = parameter.name
        if name in ("out", "copy") or name.startswith("overwrite"):
            places[k] = name
    return places


def is_a_row(ufunc: Any, operation: Any, args: tuple[Any, ...]) -> bool:
    """Whether a ufunc is a row under its name or another, and the same for these operands."""
    if id(operation) not in _ROWS:
        return False
    if ufunc is np.power:  # of which the operator is another function, in its last bit
        return False
    if ufunc is not np.fabs:  # gives floats for integers
        return True
    return all(getattr(a, "dtype", np.dtype(float)).kind == "f" for a in args)


def _of_numbers(args: tuple[Any, ...]) -> bool:
    """Whether there are Python's numbers only, of which a ufunc makes NumPy's."""
    return all(type(a.v if type(a) in LIFTED else a) in NUMBERS for a in args)


_ROWS = frozenset(id(getattr(TRACED, name)) for name in ROWS)


def _array_ufunc(self: Any, ufunc: Any, method: str, *args: Any, **kw: Any) -> Any:
    operation = None
    if method == "__call__" and not kw:
        operation = UFUNCS.get(ufunc) or operation_of_scipy(ufunc)
    if operation is None or not is_a_row(ufunc, operation, args) or _of_numbers(args):
        whole = call_whole(ufunc if method == "__call__" else getattr(ufunc, method), args, kw)
        if whole is not DIVIDED:
            return whole
    return Traced.__array_ufunc__(self, ufunc, method, *args, **kw)  # type: ignore[attr-defined]


def _call_plainly(function: Callable[..., Any], args: Any, kw: dict[str, Any]) -> Any:
    """A function of buffers without a traced value in them: NumPy's own result, too."""
    if is_looked_into(function.__name__, kw, []) or _writes(function, args, kw):
        return DIVIDED
    found: list[Any] = []
    again, named = _emptied((args, kw), found)
    given = list(_arrays([again, named]))
    if found or not all(isinstance(a, np.ndarray) for a in given):
        return DIVIDED
    leaves: list[Any] = []
    shape = _flattened(function(*again, **named), leaves)
    if any(not _is_value(y) or _shares(y, given) for y in leaves):
        return DIVIDED
    return _filled(shape, [buffer_of(y) for y in leaves])


def _array_function(self: Any, function: Any, types: Any, args: tuple, kw: dict[str, Any]) -> Any:
    whole = call_whole(function, args, kw)
    if whole is DIVIDED and type(self) is Buffer and function in FUNCTIONS:
        whole = _call_plainly(function, args, kw)
    if whole is not DIVIDED:
        return whole
    return Traced.__array_function__(self, function, types, args, kw)  # type: ignore[attr-defined]


def _method(method: str, operation: Any) -> Any:
    """A method of NumPy's arrays and scalars, by the function of the same meaning or in a piece."""

    @functools.wraps(operation)
    def call(self: Any, *args: Any, **kw: Any) -> Any:
        function = getattr(type(self.v), method, None)
        if function is not None:
            y = call_whole(function, (self, *args), kw)
            if y is not DIVIDED:
                return y
        if method == "copy":
            return duplicate(self, *(args or kw.values() or "C"))
        return operation(self, *args, **kw)

    return call


def _of_scalars(python: Callable[..., Any], operation: Any, reflected: bool) -> Any:
    """An operator: of complex scalars Python's, which rounds otherwise than a ufunc."""

    def call(*args: Any) -> Any:
        args = args[::-1] if reflected else args
        for a in args:
            a = a.v if type(a) in LIFTED else a
            if type(a) in _COMPLEX or (python is operator.pow and _is_complex_array(a)):
                y = call_whole(python, args, {})
                if y is not DIVIDED:
                    return y
        return operation(*args)

    return call


def _is_complex_array(x: Any) -> bool:
    """Whether an array takes roots and squares for some powers, which a ufunc does not."""
    return isinstance(x, np.ndarray) and x.dtype.kind == "c"


_COMPLEX = frozenset((np.complex64, np.complex128, complex))
_SYMBOLS = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "pow"}


def _rounded(x: Any, *digits: Any) -> Any:
    """``round(x)``, which has no derivative to be lost."""
    y = call_whole(round, (x, *digits), {})
    return Traced.__round__(x, *digits) if y is DIVIDED else y  # type: ignore[attr-defined]


_OPERATORS = {"__abs__": _of_scalars(abs, TRACED.abs, False), "__round__": _rounded}
for _short, _row in _SYMBOLS.items():
    _python, _row = getattr(operator, _short), getattr(TRACED, _row)
    _OPERATORS[f"__{_short}__"] = _of_scalars(_python, _row, False)
    _OPERATORS[f"__r{_short}__"] = _of_scalars(_python, _row, True)
    _OPERATORS[f"__i{_short}__"] = _of_scalars(_python, getattr(Traced, f"__i{_short}__"), False)
_HANDLERS = {"__array_ufunc__": _array_ufunc, "__array_function__": _array_function}
_METHODS = {name: _method(name, getattr(Traced, name)) for name in METHODS}
ATTRIBUTES = {**_OPERATORS, **_HANDLERS, **_METHODS}
"""What a class of recorded values has in place of what other traced values have."""

for _name, _handler in _HANDLERS.items():
    setattr(Buffer, _name, _handler)
