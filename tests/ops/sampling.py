"""Operands for every row of the table, from the cases that stand in the row."""

import functools
import zlib

import numpy as np

from anygrad.autodiff import vjp
from anygrad.errors import BackendError
from anygrad.ops import ROWS
from anygrad.tracing import TRACED

DIFFERENTIABLE = [row for row in ROWS.values() if not row.constant]
CASES = [(row, case) for row in DIFFERENTIABLE for case in (row.cases or ())]


def case_name(pair):
    row, case = pair
    words = "-".join(str(shape) for shape in case.shapes)
    return f"{row.name}-{words}-{zlib.crc32(str(case.kw).encode()) % 1000}".replace(" ", "")


WHOLE_DEGREES = ("eval_hermite", "eval_hermitenorm")  # SciPy takes no floating degree there


def operands(row, case, seed=0, dtype=np.float64):
    """Host operands; `where` takes a mask first, special functions real orders and parameters."""
    rng = np.random.default_rng(seed)
    dtype = np.result_type(dtype, np.complex64) if case.complex else dtype
    made = []
    for k, shape in enumerate(case.shapes):
        x = rng.uniform(case.low, case.high, shape)
        if np.issubdtype(dtype, np.complexfloating):
            x = x + 1j * rng.uniform(case.low, case.high, shape)
        if case.definite:
            x = x @ np.conj(np.swapaxes(x, -1, -2)) + 2.0 * np.eye(shape[-1])
        if row.name == "where" and k == 0:
            made.append(np.asarray(rng.uniform(size=shape) < 0.5))
        elif row.refuses(k):
            kept = np.int64 if row.name in WHOLE_DEGREES else np.finfo(dtype).dtype
            made.append(np.asarray(rng.integers(*case.orders, shape)).astype(kept))
        else:
            made.append(np.asarray(x).astype(dtype))
    return made


def directions(args, seed=1):
    """One tangent for each operand, of its shape and dtype."""
    rng = np.random.default_rng(seed)
    return [direction(rng, a) for a in args]


def direction(rng, a):
    v = rng.normal(size=a.shape)
    if np.issubdtype(a.dtype, np.complexfloating):
        v = v + 1j * rng.normal(size=a.shape)
    return np.asarray(v).astype(a.dtype)


def floating(args, row):
    """The positions of the operands that have derivatives."""
    return [k for k, a in enumerate(args) if a.dtype.kind in "fc" and not row.refuses(k)]


def function_of(row, case, args, places=None):
    """The row as a function of its floating operands only."""
    places = floating(args, row) if places is None else places

    def f(*xs):
        whole = list(args)
        for k, x in zip(places, xs, strict=True):
            whole[k] = x
        return getattr(TRACED, row.name)(*whole, **case.kw)

    return f, [args[k] for k in places]


# JAX compiles these for a second or more; tests/oracles/test_jax.py has them among the slow tests
LONG_IN_JAX = ("betainc", "expi", "hyp2f1", "owens_t")


def roughness(row, xp):
    """How many times less exact than others a library's own function is."""
    # torch.special.bessel_j0 is off by 1e-12 at 2.8 and by 1e-8 at 5, SciPy's by 1e-16
    return 1e3 if xp.name == "torch" and row.name in ("j0", "j1", "y0", "y1") else 1.0


UP_TO_PHASE = ("eig", "eigh", "svd", "svd_of_sums")
"""The vectors of these have a sign, or a phase, that the library chooses."""


def without_phase(row, f):
    """The function itself, or the squares of its moduli, in which no phase is left."""
    if row.name not in UP_TO_PHASE:
        return f
    return lambda *xs: TRACED.square(TRACED.abs(f(*xs)))


@functools.cache
def lacks(row, xp):
    """Why a special function is not run on a library; None where it is."""
    if row.name == "eig" and xp.name == "strict":
        return "the standard has eig from 2025.12 on, array-api-strict is set to 2024.12"
    if row.name == "logm" and xp.backend != "numpy":
        return "logm counts its steps on the host"
    if not row.special:
        return None
    if xp.name == "jax" and row.name in LONG_IN_JAX:
        return f"JAX compiles {row.name} for more than a second"
    case = row.cases[-1]
    args = operands(row, case)
    f, xs = function_of(row, case, [xp.asarray(a) for a in args], floating(args, row))
    try:
        value, pullback = vjp(f, *xs)
        pullback(value)
    except BackendError as error:
        return str(error)
    return None


def inner(a, b):
    """Re sum conj(a) b, the inner product under which pullbacks are adjoint."""
    return float(np.real(np.sum(np.conj(a) * b)))
