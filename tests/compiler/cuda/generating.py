"""Programs that are made up: every row in every type, and groups of random operations."""

import numpy as np

from anygrad.compiler.targets.cuda.choosing import kernels_of
from anygrad.compiler.targets.cuda.launching import launch_of
from anygrad.compiler.targets.cuda.operations import why_not
from anygrad.tracing import TRACED
from tests.compiler.cuda.running import applied, recorded
from tests.compiler.cuda.test_operations import (
    EXACT_ONE,
    EXACT_TWO,
    FUNCTIONS_ONE,
    FUNCTIONS_TWO,
    taken,
)
from tests.compiler.cuda.values import COMPLEX, DTYPES, REALS, dtype_of

GROUPS = 120
ROWS = 6
"""Rows of a kernel: functions are long texts, of which many take a compiler seconds."""
ONE = ("negative", "abs", "square", "sqrt", "exp", "tanh", "floor", "sign", "isnan", "logical_not")
TWO = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "less", "equal")
REDUCING = ("sum", "mean", "max", "min", "any", "all", "prod")


def every_row():
    """For each type the rows of one operand, of two, with numbers, and casts."""
    for dtype in DTYPES:
        for way in ("one", "two", "numbers", "casts"):
            yield f"rows {dtype} {way}", lambda d=dtype, w=way: _launch_rows(d, w)


def _launch_rows(dtype, way):
    x, y = [np.ones((2, 5), dtype_of(dtype)) for _ in range(2)]
    if way == "casts":
        calls = [("astype", (x,), {"dtype": dtype_of(d)}) for d in DTYPES]
    else:
        # whole numbers are converted first: their functions are those of floats
        one, two = (FUNCTIONS_ONE, FUNCTIONS_TWO) if dtype in (*REALS, *COMPLEX) else ((), ())
        given = {"one": [(x,)], "two": [(x, y)], "numbers": [(x, 2), (0.5, x)]}[way]
        names = (*EXACT_ONE, *one) if way == "one" else (*EXACT_TWO, *two)
        calls = [(name, args, {}) for args in given for name in taken(names, *args)]
    for first in range(0, len(calls), ROWS):
        program = applied(calls[first : first + ROWS], (x, y))[0]
        kept = [n for n in program.nodes if not why_not(n, program.specs)]
        launch_all(program.with_nodes(kept, [n.number for n in kept]))


def random_programs():
    """Groups of up to a dozen operations on arrays of several types, with what broadcasts."""
    for seed in range(GROUPS):
        yield f"random {seed}", lambda seed=seed: launch_all(_random(seed))


def _random(seed):
    rng = np.random.default_rng(seed)
    shape = (6, int(rng.integers(2, 9)))
    shapes = [shape, shape[1:], (shape[0], 1), shape]
    kinds = ("float32", "float64", "float16", "int32", "bool", "complex64", "uint8")
    args = [
        np.ones(shapes[rng.integers(len(shapes))], kinds[rng.integers(len(kinds))])
        for _ in range(3)
    ]
    args[0] = np.asfortranarray(np.ones(shape, args[0].dtype)) if seed % 3 else np.ones(shape)

    def f(*args):
        values, own = list(args), np.random.default_rng(seed)
        for _ in range(int(own.integers(3, 12))):
            x, y = (values[-1 - int(k) % len(values)] for k in own.integers(0, 4, 2))
            name = (ONE, TWO, REDUCING[: 4 * (seed % 2)] or TWO)[own.integers(3)]
            name = name[own.integers(len(name))]
            try:
                values.append(getattr(TRACED, name)(*((x, y) if name in TWO else (x,))))
            except (TypeError, ValueError):
                continue
        return tuple(values[3:]) or values[0]

    return recorded(f, *args)


def launch_all(program):
    """Make the launches of all kernels of a program."""
    for one in kernels_of(program):
        launch_of(one, (), ())
