"""Functions in the middle of kernels have the bits that they have alone.

How exact these are is tested function by function; here everything around them is.
"""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import anygrad as ag
from anygrad.compiler.targets.native.mathematics import FUNCTIONS
from anygrad.ops import ROWS
from anygrad.tracing import TRACED
from tests.compiler.native.evaluating import evaluate
from tests.compiler.native.running import count, in_kernels, quietly, specials, wild
from tests.compiler.targets.bits import assert_same_bits

NAMES = [name for name in sorted(FUNCTIONS) if name in ROWS]
TWO = [name for name in NAMES if name in ("pow", "atan2", "hypot", "logaddexp")]
ONE = [name for name in NAMES if name not in TWO]


def alone(name):
    """A function of a program where it is recorded, and the one of kernels where it is run."""

    def f(*xs):
        if not all(isinstance(x, np.ndarray | np.generic | float) for x in xs):
            return getattr(TRACED, name)(*xs)
        xs = [np.asarray(x) for x in xs]
        half = xs[0].dtype == np.float16
        xs = [x.astype(np.float32) for x in xs] if half else xs
        found = evaluate(FUNCTIONS[name], *xs)
        return found.astype(np.float16) if half else found

    return f


def small(x, most=100.0):
    """Numbers up to which no function gives up."""
    return np.clip(np.nan_to_num(x), -most, most)


def assert_bits(f, *args, kernels=1, times=2):
    """With kernels the function gives what it gives of the functions alone."""
    with np.errstate(all="ignore"), ag.use_settings(kernels="always"):
        compiled = ag.compile(f)
        wanted = f(*args)
        quietly(compiled, *args)
        for _ in range(times):
            assert_same_bits(quietly(compiled, *args), wanted)
        assert kernels in (count(compiled, *args), None)


@pytest.mark.parametrize("name", ONE)
def test_one_operand(name):
    f = alone(name)
    for dtype in ("float64", "float32", "float16"):
        x = small(np.concatenate([specials(dtype), wild(400, dtype)]))
        assert_bits(lambda x: f(x), x)
        assert in_kernels(lambda x: TRACED.abs(f(x)) * x, x) == [name, "abs", "multiply"]


@pytest.mark.parametrize("name", TWO)
def test_two_operands(name):
    f = alone(name)
    for dtype in ("float64", "float32"):
        x, y = small(wild(400, dtype)), small(wild(400, dtype, 1), 5.0)
        x = np.abs(x) if name == "pow" else x
        assert_bits(lambda x, y: f(x, y), x, y)
        assert_bits(lambda x, y: f(x, y[:1]) - f(x[::-1], y), x, y)


def test_special_values():
    with np.errstate(all="ignore"):
        x = np.concatenate([specials("float64"), [np.inf, -np.inf, np.nan]])
        for name in ("exp", "log", "tanh", "expit", "erf", "log1p"):
            if name in NAMES:
                assert_bits(alone(name), x)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_in_the_middle_of_programs(dtype):
    exp, tanh, sin, cos, log = [alone(name) for name in ("exp", "tanh", "sin", "cos", "log")]

    def chain(x, y):
        z = tanh(x * y) + exp(-x * x)
        return z * z - sin(z) * cos(z) / (1 + x * x), sin(z), log(1 + z * z)

    def reduced(x, y):
        z = exp(-x * x) * y
        return TRACED.sum(z), TRACED.mean(cos(z)), TRACED.max(z * z), sin(z)

    for n in (*range(1, 40, 3), 64, 65, 129, 513, 1000):
        x, y = small(wild(n, dtype), 9.0), small(wild(n, dtype, 1), 9.0)
        assert_bits(chain, x, y)
        assert_bits(reduced, x, y)
    x, y = small(wild((40, 30), dtype), 9.0), small(wild(30, dtype, 1), 9.0)
    assert_bits(chain, x.T.copy().T, y)
    assert_bits(chain, x[:, ::-1], y, kernels=None)
    assert_bits(lambda x, y: TRACED.sum(exp(-x * x) * y, axis=1), x, y)


def test_many_values_at_once_do_not_meet():
    names = [name for name in ("exp", "tanh", "sin", "cos", "erf", "expm1") if name in NAMES]
    functions = [alone(name) for name in names]

    def f(x):
        made = [g(x * k) for k in range(1, 5) for g in functions]
        total = made[0]
        for y in made[1:]:
            total = total * 0.5 + y
        return total, *made[::5]

    assert_bits(f, small(wild(333), 9.0))


@pytest.mark.parametrize("value", [1e300, np.inf, np.nan])
def test_large_arguments_are_left_to_numpy(value):
    """Then all of the kernel is computed by NumPy, here and there, in tables, too."""
    for dtype, large in (("float64", value), ("float32", min(value, 3e38))):
        x = np.linspace(-3, 3, 200).astype(dtype)
        for place in (0, 70, 199):
            y = x.copy()
            y[place] = large
            with np.errstate(all="ignore"), ag.use_settings(kernels="always"):
                for f in (
                    lambda x: (TRACED.sin(x), TRACED.cos(x) + x),
                    lambda x: (TRACED.tan(x * 2), x + 1),
                    lambda x: TRACED.sum(TRACED.sin(x) + x),
                    lambda x: [TRACED.sin(x) + x, TRACED.sin(x[:150]) + x[:150]],
                ):
                    compiled = ag.compile(f)
                    for _ in range(2):
                        found = quietly(compiled, y)
                    assert count(compiled, y) == 1
                    for a, b in zip(
                        ag.trees.leaves(found), ag.trees.leaves(f(y)), strict=True
                    ):
                        bound = 1e-13 if dtype == "float64" else 1e-4
                        np.testing.assert_allclose(a, b, rtol=bound, atol=bound)
                        if value == 1e300 and dtype == "float64":
                            assert np.array_equal(a, b)  # it was NumPy
