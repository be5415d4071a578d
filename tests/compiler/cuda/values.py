"""Values at which something may go wrong, in all types that kernels know."""

import numpy as np
import pytest

from anygrad.compiler.targets.cuda.types import TYPES

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None

INTEGERS = tuple(f"{sign}int{size}" for size in (8, 16, 32, 64) for sign in ("", "u"))
HALVES = ("float16", "bfloat16")
REALS = (*HALVES, "float32", "float64")
COMPLEX = ("complex64", "complex128")
DTYPES = ("bool", *INTEGERS, *REALS, *COMPLEX)


def dtype_of(name):
    """NumPy's dtype of a name; the test is skipped where there is none."""
    if name != "bfloat16":
        return np.dtype(name)
    if ml_dtypes is None:
        pytest.skip("no bfloat16 without ml_dtypes")
    return np.dtype(ml_dtypes.bfloat16)


def specials(name):
    """The extremes of a type, and what is near them."""
    dtype = dtype_of(name)
    if name == "bool":
        return np.array([False, True])
    if name in INTEGERS:
        info = np.iinfo(dtype)
        near = [0, 1, 2, 3, 100, info.max, info.max - 1, info.min, info.min + 1, info.max // 2 + 1]
        return np.array(near + ([-1, -2, -100] if dtype.kind == "i" else []), dtype)
    if name in COMPLEX:
        few = np.array([0.0, -0.0, 1.0, -2.5, np.inf, np.nan, 0.1, 1e10], dtype.type(0).real.dtype)
        return np.concatenate([a + np.zeros(1, dtype) for a in [few]] + [_joined(few, dtype)])
    info = np.finfo(dtype) if name != "bfloat16" else ml_dtypes.finfo(dtype)
    near = [0.0, 0.5, 1.0, 1.5, 2.5, 3.0, 1 + float(info.eps), float(info.max), np.inf, 127.5]
    near += [float(info.tiny), float(info.smallest_subnormal), 0.1, 255.0, 2.0**15, np.nan]
    both = np.array(near).astype(dtype)
    return np.concatenate([both, -both])


def _joined(parts, dtype):
    made = np.empty((len(parts), len(parts)), dtype)
    made.real, made.imag = parts[:, None], parts
    return made.ravel()


def wild(shape, name, seed=0):
    """Random numbers of many magnitudes."""
    rng, dtype = np.random.default_rng(seed), dtype_of(name)
    if name == "bool":
        return rng.random(shape) < 0.5
    if name in INTEGERS:
        size = 8 * dtype.itemsize
        lost = rng.integers(64 - size, 64, shape).astype(np.uint64)
        return (rng.integers(0, 2**64, shape, np.uint64) >> lost).astype(dtype)
    parts = lambda: rng.standard_normal(shape) * np.exp(3 * rng.standard_normal(shape))
    with np.errstate(over="ignore"):
        return (parts() + 1j * parts() if name in COMPLEX else parts()).astype(dtype)


def pairs(a, b):
    """All pairs of special values of two types, and random ones."""
    x, y = specials(a), specials(b)
    first = np.concatenate([np.repeat(x, len(y)), wild(200, a, 1)])
    second = np.concatenate([np.tile(y, len(x)), wild(200, b, 2)])
    return first, second


def assert_same(found, wanted, name="", units=0.0, zeros=False):
    """Same dtype and shape, and the same bits; the sign of a nan says nothing.

    ``units`` in the last place may lie between, and zeros have either sign, where it is said.
    """
    assert found.dtype == wanted.dtype, name
    assert found.shape == wanted.shape, name
    if found.tobytes() == wanted.tobytes():
        return
    assert TYPES[wanted.dtype.name].load or wanted.dtype.kind in "fc", name
    a, b = _parts(found), _parts(wanted)
    number = ~np.isnan(a.astype(np.float32 if a.dtype.kind == "V" else a.dtype))
    assert np.array_equal(number, b == b), name
    a, b = a[number], b[number]
    if zeros:
        a, b = a + a.dtype.type(0), b + b.dtype.type(0)
    if not units:
        wrong = np.flatnonzero(_bits(a) != _bits(b))
        assert not wrong.size, f"{name}: {a[wrong[:5]]} for {b[wrong[:5]]} at {wrong[:5]}"
        return
    with np.errstate(all="ignore"):
        near = np.abs(a.astype(float) - b.astype(float)) <= units * _unit(b)
    wrong = np.flatnonzero(~(near | (a == b)))
    assert not wrong.size, f"{name}: {a[wrong[:5]]} for {b[wrong[:5]]} at {wrong[:5]}"


def _parts(x):
    x = np.array(x, ndmin=1)
    return x.view(x.real.dtype) if x.dtype.kind == "c" else x


def _bits(x):
    return x.view(f"u{x.dtype.itemsize}")


def _unit(x):
    """A unit in the last place, as a double; 0 of what is infinite."""
    name = x.dtype.name
    digits, lowest = {
        "float16": (10, -24),
        "bfloat16": (7, -133),
        "float32": (23, -149),
        "float64": (52, -1074),
    }[name]
    values = np.abs(x.astype(float))
    finite = np.where(np.isfinite(values), values, 1.0)
    exponent = np.frexp(finite)[1] - 1
    return np.where(np.isfinite(values), np.ldexp(1.0, np.maximum(exponent - digits, lowest)), 0.0)
