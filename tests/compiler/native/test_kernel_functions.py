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
from tests.compiler.native.running import REALS, count, in_kernels, quietly, specials, wild
from tests.compiler.targets.bits import assert_same_bits

NAMES = [name for name in sorted(FUNCTIONS) if name in ROWS]
TWO = [name for name in NAMES if name in ("pow", "atan2", "hypot", "logaddexp")]
OF_SCIPY = ("erf", "erfc", "expit", "log_expit")  # which makes single precision of half
ONE = [name for name in NAMES if name not in TWO]


class Alone:
    """The operations of NumPy, with the functions of kernels in the place of NumPy's own."""

    def __getattr__(self, name):
        return getattr(TRACED, name) if name not in FUNCTIONS else lambda *xs: _alone(name, *xs)


def _alone(name, *xs):
    half = xs[0].dtype == np.float16
    xs = [x.astype(np.float32) for x in xs] if half else xs
    found = evaluate(FUNCTIONS[name], *xs)
    return found.astype(np.float16) if half else found


def small(x, most=100.0):
    """Numbers up to which no function gives up."""
    return np.clip(np.nan_to_num(x), -most, most)


def assert_bits(f, *args, kernels=1, times=2):
    """``f(xp, *args)`` gives in a kernel what it gives of the functions alone."""
    with np.errstate(all="ignore"), ag.use_settings(kernels="always"):
        compiled = ag.compile(lambda *xs: f(TRACED, *xs))
        wanted = f(Alone(), *args)
        quietly(compiled, *args)
        for _ in range(times):
            assert_same_bits(quietly(compiled, *args), wanted)
        assert kernels in (count(compiled, *args), None)


@pytest.mark.parametrize("name", ONE)
def test_one_operand(name):
    f = lambda xp, x: getattr(xp, name)(x)
    for dtype in REALS[: 2 if name in OF_SCIPY else 3]:
        x = small(np.concatenate([specials(dtype), wild(400, dtype)]))
        assert_bits(f, x)
        assert in_kernels(lambda x: TRACED.abs(f(TRACED, x)) * x, x) == [name, "abs", "multiply"]


@pytest.mark.parametrize("name", TWO)
def test_two_operands(name):
    f = lambda xp, x, y: getattr(xp, name)(x, y)
    for dtype in ("float64", "float32"):
        x, y = small(wild(400, dtype)), small(wild(400, dtype, 1), 5.0)
        x = np.abs(x) if name == "pow" else x
        assert_bits(f, x, y)
        assert_bits(lambda xp, x, y: f(xp, x, y[:1]) - f(xp, x[::-1], y), x, y)


def test_special_values():
    x = np.concatenate([specials("float64"), [np.inf, -np.inf, np.nan]])
    for name in ("exp", "log", "tanh", "expit", "erf", "log1p"):
        assert_bits(lambda xp, x, name=name: getattr(xp, name)(x), x)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_in_the_middle_of_programs(dtype):
    def chain(xp, x, y):
        z = xp.tanh(x * y) + xp.exp(-x * x)
        return z * z - xp.sin(z) * xp.cos(z) / (1 + x * x), xp.sin(z), xp.log(1 + z * z)

    def reduced(xp, x, y):
        z = xp.exp(-x * x) * y
        return xp.sum(z), xp.mean(xp.cos(z)), xp.max(z * z), xp.sin(z)

    for n in (1, 4, 15, 16, 17, 31, 33, 64, 65, 129, 513, 1000):
        x, y = small(wild(n, dtype), 9.0), small(wild(n, dtype, 1), 9.0)
        assert_bits(chain, x, y)
        assert_bits(reduced, x, y)
    x, y = small(wild((40, 30), dtype), 9.0), small(wild(30, dtype, 1), 9.0)
    assert_bits(chain, np.asfortranarray(x), y, kernels=None)
    assert_bits(chain, x[:, ::-1], y, kernels=None)
    assert_bits(lambda xp, x, y: xp.sum(xp.exp(-x * x) * y, axis=1), x, y)


def test_many_values_at_once_do_not_meet():
    def f(xp, x):
        names = ("exp", "tanh", "sin", "cos", "erf", "expm1")
        made = [getattr(xp, name)(x * k) for k in range(1, 5) for name in names]
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
                    for a, b in zip(ag.trees.leaves(found), ag.trees.leaves(f(y)), strict=True):
                        bound = 1e-13 if dtype == "float64" else 1e-4
                        np.testing.assert_allclose(a, b, rtol=bound, atol=bound)
                        if value == 1e300 and dtype == "float64":
                            assert np.array_equal(a, b)  # it was NumPy
