"""Functions and ufuncs of the look-alike: NumPy's, with CuPy's signatures and refusals."""

from typing import Any

import numpy as np

from tests.support.host_copies import note_host_copy
from tests.support.lookalike_cupy import arrays, names
from tests.support.lookalike_cupy.arrays import SCALARS, ndarray, unwrap, wrap
from tests.support.lookalike_cupy.counting import note
from tests.support.lookalike_cupy.kernels import RawKernel, RawModule
from tests.support.lookalike_cupy.memory import leave_unset

# Functions that read values on the host, or whose result's shape depends on values.
_WAITING = {
    "argwhere",
    "asarray_chkfinite",
    "bincount",
    "compress",
    "cond",
    "delete",
    "extract",
    "flatnonzero",
    "histogram2d",
    "histogramdd",
    "intersect1d",
    "lstsq",
    "mask_indices",
    "nanmax",
    "nanmin",
    "nonzero",
    "place",
    "ravel_multi_index",
    "real_if_close",
    "setdiff1d",
    "setxor1d",
    "trim_zeros",
    "union1d",
    "unique",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
    "unravel_index",
}
# ... and those that do so only where this argument is given.
_WAITING_FOR = {"average": "weights"}
# Where cuSOLVER fails, CuPy says nothing and the numbers are garbage: arguments whose shape the
# result has.
_UNNOTICED = {"cholesky": 0, "inv": 0, "solve": 1}
# Functions that give a Python value in NumPy and a 0-d array in CuPy.
_ZERO_DIMENSIONAL = {"allclose", "array_equal", "array_equiv", "count_nonzero"}
_HOOKS = {
    "elementwise": "__cupy_override_elementwise_kernel__",
    "reduction": "__cupy_override_reduction_kernel__",
}


class Kernel:
    """What a hook is told about the kernel it overrides."""

    def __init__(self, name: str):
        self.name = name

    def __repr__(self):
        return f"<kernel {self.name!r}>"


def ask_foreign(args, hook: str):
    """The hook of the first argument that has one, or None; CuPy asks before anything else."""
    for argument in args:
        if not isinstance(argument, (ndarray, *SCALARS)) and hasattr(argument, _HOOKS[hook]):
            return getattr(argument, _HOOKS[hook])
    return None


class ufunc:
    """An elementwise function."""

    def __init__(self, name: str, entry: dict[str, Any], function: Any):
        self.__name__ = self.name = entry["kernel"]
        self.nin, self.nout = entry["nin"], entry["nout"]
        self.nargs = self.nin + self.nout
        self._function = function

    def __repr__(self):
        return f"<ufunc {self.name!r}>"

    def __call__(self, *args, **keywords):
        override = ask_foreign(args, "elementwise")
        if override is not None:
            return override(self, *args, **keywords)
        unknown = set(keywords) - {"out", "dtype", "casting"}
        if unknown:
            message = f"Wrong arguments {sorted(unknown)}"
            raise TypeError(message)
        if not self.nin <= len(args) <= self.nargs:
            message = f"Wrong number of arguments for {self.name}"
            raise TypeError(message)
        args, positional = args[: self.nin], args[self.nin :]
        out = positional[0] if positional else keywords.pop("out", None)
        return self._launch(self._function, args, out, keywords)

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        found = self._ufunc().reduce
        return self._launch(found, (array, axis, dtype), out, {"keepdims": keepdims})

    def accumulate(self, array, axis=0, dtype=None, out=None):
        return self._launch(self._ufunc().accumulate, (array, axis, dtype), out, {})

    def outer(self, a, b, **keywords):
        return self._launch(self._ufunc().outer, (a, b), None, keywords)

    def at(self, a, indices, b=None):
        if self.name in ("cupy_maximum", "cupy_minimum") and a.dtype == np.float64:
            # atomics.cuh uses fmaxf and fminf: the real one rounds float64 to float32 in silence
            message = f"{self.name}.at rounds float64 to float32 in CuPy; use another way"
            raise NotImplementedError(message)
        note("index")
        self._ufunc().at(unwrap(a), unwrap(indices), unwrap(b))

    def _ufunc(self):
        if not isinstance(self._function, np.ufunc):
            message = f"the look-alike does not model {self.name}"
            raise NotImplementedError(message)
        return self._function

    def _launch(self, function, args, out, keywords):
        if function is None:
            message = f"the look-alike does not model {self.name}"
            raise NotImplementedError(message)
        for argument in args:
            if not isinstance(argument, (ndarray, np.dtype, type, int, tuple, *SCALARS)) and (
                argument is not None
            ):
                message = f"Unsupported type {type(argument)}"
                raise TypeError(message)
        if out is not None:
            if not isinstance(out, ndarray):
                message = "Output arguments type must be cupy.ndarray"
                raise TypeError(message)
            keywords = {**keywords, "out": unwrap(out)}
        note("ufunc" if function is self._function else "reduction")
        with np.errstate(all="ignore"):
            result = function(*unwrap(args), **keywords)
        return out if out is not None else wrap(result)


ufunc.__call__.__module__ = "cupy"  # it counts as CuPy's code, not as code of the tests


class ReductionKernel(RawKernel):
    """A reduction written in CUDA: it can be made, not run, and asks no hook."""

    def __init__(self, *parts, **options):
        self.name = next((part for part in reversed(parts) if isinstance(part, str)), "kernel")


class ElementwiseKernel(RawKernel):
    """An elementwise function written in CUDA; foreign arguments are asked as with a ufunc."""

    def __init__(self, in_params, out_params, operation, name="kernel", **options):
        self.name = name
        self.nin = len([part for part in in_params.split(",") if part.strip()])
        self.nout = len([part for part in out_params.split(",") if part.strip()])

    def __call__(self, *args, **keywords):
        override = ask_foreign(args, "elementwise")
        return override(self, *args, **keywords) if override else super().__call__(*args)


ElementwiseKernel.__call__.__module__ = "cupy"


def make_function(module: str, name: str, entry: dict[str, Any], function: Any):
    """NumPy's ``function`` as CuPy's: signature, foreign arguments, host copies, 0-d results."""
    signature = names.signature(entry["parameters"])
    foreign = entry.get("foreign")

    def call(*args, **keywords):
        bound = signature.bind(*args, **keywords) if signature is not None else None
        if foreign and args and not isinstance(args[0], (ndarray, np.ndarray, *SCALARS)):
            handled, answer = _ask_method(foreign, bound, args, keywords)
            if handled:
                return answer
        if function is None:
            message = f"the look-alike does not model {module}.{name}"
            raise NotImplementedError(message)
        if name in _WAITING or (
            name in _WAITING_FOR and bound and bound.arguments.get(_WAITING_FOR[name]) is not None
        ):
            note_host_copy(f"{module}.{name}")
        out = keywords.get("out")
        plain, named = unwrap(args), unwrap(keywords)
        if name.startswith("empty"):
            return wrap(leave_unset(function(*plain, **named)))
        note("function")
        with np.errstate(all="ignore"):
            try:
                result = function(*plain, **named)
            except np.linalg.LinAlgError:
                if name not in _UNNOTICED:
                    raise
                result = np.full_like(plain[_UNNOTICED[name]], np.nan)
        if out is not None:
            return out
        return wrap(np.asarray(result) if name in _ZERO_DIMENSIONAL else result)

    call.__name__ = call.__qualname__ = name
    call.__module__ = module
    if signature is not None:
        call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def _ask_method(foreign, bound, args, keywords):
    """Hand the call to a foreign first argument, the way CuPy's function does."""
    if "hook" in foreign:
        override = ask_foreign(args[:1], foreign["hook"])
        if override is None:
            return False, None
        kernel = Kernel(foreign["kernel"])
        given = [bound.arguments.get(key) for key in ("axis", "dtype", "out", "keepdims")]
        return True, override(kernel, *given[:3], bool(given[3]))
    method = getattr(args[0], foreign["method"], None)
    if method is None:
        return False, None
    if "positional" not in foreign:
        return True, method(*args[1:], **keywords)
    bound.apply_defaults()  # CuPy passes on every argument, given or not
    given = bound.arguments
    positional = [given[key] for key in foreign["positional"]]
    return True, method(*positional, **{k: given[v] for k, v in foreign["keywords"].items()})


# ---- functions that differ from NumPy's in more than manners


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    if isinstance(obj, ndarray):
        here = obj._device == arrays.current_id()
        if here and not copy and (dtype is None or obj.dtype == dtype) and obj.ndim >= ndmin:
            return obj
        note("copy")
        return wrap(np.array(obj._data, dtype=dtype, order=order, ndmin=ndmin))
    if isinstance(obj, (list, tuple)) and any(isinstance(item, ndarray) for item in obj):
        obj = np.stack([unwrap(item) for item in obj])
        note("function")
    else:
        note("upload")
    return wrap(np.array(obj, dtype=dtype, order=order, ndmin=ndmin))


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    return array(a, dtype, bool(copy), order or "K")


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get(stream, order, out) if isinstance(a, ndarray) else np.asarray(a)


def get_array_module(*args):
    import sys

    return sys.modules["cupy"] if any(isinstance(a, ndarray) for a in args) else np


def where(condition, x=None, y=None):
    if (x is None) != (y is None):
        message = "Must provide both 'x' and 'y' or neither."
        raise ValueError(message)
    if x is None:
        return condition.nonzero()
    override = ask_foreign((condition, x, y), "elementwise")
    if override is not None:
        return override(Kernel("cupy_where"), condition.astype("?"), x, y)
    for argument in (condition, x, y):
        if not isinstance(argument, (ndarray, *SCALARS)):
            message = f"Unsupported type {type(argument)}"
            raise TypeError(message)
    note("ufunc")
    return wrap(np.where(unwrap(condition), unwrap(x), unwrap(y)))


def take(a, indices, axis=None, out=None):
    return a.take(indices, axis, out)


def take_along_axis(a, indices, axis):
    flat, along = (a.ravel(), 0) if axis is None else (a, axis)
    note("index")
    data, chosen = unwrap(flat), unwrap(indices)
    return wrap(np.take_along_axis(data, chosen % max(data.shape[along], 1), along))


def repeat(a, repeats, axis=None):
    return a.repeat(repeats, axis)


OWN = {
    "ElementwiseKernel": ElementwiseKernel,
    "RawKernel": RawKernel,
    "RawModule": RawModule,
    "ReductionKernel": ReductionKernel,
    "array": array,
    "asanyarray": asarray,
    "asarray": asarray,
    "asnumpy": asnumpy,
    "get_array_module": get_array_module,
    "ndarray": ndarray,
    "repeat": repeat,
    "take": take,
    "take_along_axis": take_along_axis,
    "ufunc": ufunc,
    "where": where,
}
