"""Running functions with kernels at once, and comparing with NumPy bit for bit."""

import warnings

import numpy as np

import anygrad as ag
from anygrad.compiler.targets import warming
from anygrad.compiler.targets.native.choosing import Many
from tests.compiler.targets.bits import assert_same_bits

REALS = ("float64", "float32", "float16")
INTEGERS = tuple(f"{sign}int{size}" for size in (8, 16, 32, 64) for sign in ("", "u"))
DTYPES = ("bool", *INTEGERS, *REALS)


def assert_runs(f, *args, kernels=1, **options):
    """Replayed by ``kernels`` kernels, a function gives what it gives; returns what was compiled.

    With ``kernels`` None their number does not matter.

    The arguments are handed over as they are, twice; with ``donate`` as copies of their own.
    """
    with np.errstate(all="ignore"), ag.use_settings(kernels="always"):
        compiled = ag.compile(f, **options)
        wanted = f(*args)
        for _ in range(3):  # recorded, replayed, and replayed with a workspace that was used
            given = copies(args) if options else args
            assert_same_bits(quietly(compiled, *given), wanted)
        found = count(compiled, *args)
        assert kernels in (found, None), compiled.source(*args)
    return compiled


def quietly(f, *args):
    """The result; that a compiler failed is an error, whatever was warned of before."""
    warming._warned.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message="kernels:")
        return f(*args)


def copies(args):
    """Other arrays with the same elements and strides."""
    return ag.trees.map(lambda x: x.copy(order="K") if isinstance(x, np.ndarray) else x, args)


def count(compiled, *args):
    """How many kernels a replay calls."""
    return compiled.source(*args).count("if kernel_")


def in_kernels(f, *args):
    """The names of the operations that kernels compute."""
    return [node.name for kernel in kernels(f, *args) for node in kernel.nodes]


def tables(f, *args):
    """The numbers of leaves of the kernels of many leaves."""
    return [len(one.plans) for one in kernels(f, *args) if type(one) is Many]


def kernels(f, *args):
    """The kernels of the program, as they are planned."""
    heat = heat_for(ag.compile(f), *args)
    return () if heat is None else heat.kernels


def heat_for(compiled, *args):
    """How far a compiled function is from being replayed with kernels, for these arguments."""
    with np.errstate(all="ignore"), ag.use_settings(kernels="auto"):
        return warming.heat_of(compiled._path(args, {}).print())


def specials(dtype):
    """The values at which something may go wrong."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        near = [0, 1, 2, 3, 100, info.max, info.max - 1, info.min, info.min + 1, info.max // 2 + 1]
        return np.array(near + ([-1, -2, -100] if dtype.kind == "i" else []), dtype)
    info = np.finfo(dtype)
    near = [0.0, 0.5, 1.0, 1.5, 2.5, 3.0, 1 + float(info.eps), float(info.max), np.inf, 127.5]
    near += [float(info.tiny), float(info.smallest_subnormal), 0.1, 255.0, 2.0**15, np.nan]
    both = np.array(near, dtype)
    return np.concatenate([both, -both])


def wild(shape, dtype=np.float64, seed=0):
    """Random numbers of many magnitudes, of which some are special."""
    rng, dtype = np.random.default_rng(seed), np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        size = 8 * dtype.itemsize
        bits = rng.integers(0, 2**64, shape, np.uint64) >> rng.integers(
            64 - size, 64, shape
        ).astype(np.uint64)
        return bits.astype(dtype)
    with np.errstate(over="ignore"):
        return (rng.standard_normal(shape) * np.exp(3 * rng.standard_normal(shape))).astype(dtype)


def pairs(a, b):
    """All pairs of special values of two dtypes, and random ones."""
    x, y = specials(a), specials(b)
    first = np.concatenate([np.repeat(x, len(y)), wild(200, a, 1)])
    second = np.concatenate([np.tile(y, len(x)), wild(200, b, 2)])
    return first, second
