"""Functions in the middle of kernels have the bits that they have alone.

How exact these are is tested function by function; here everything around them is.
"""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import anygrad as ag
from anygrad.compiler.targets.native import printing
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


def with_sines(x):
    """Kernels with functions that give up, each in another way through its elements."""
    yield lambda x: (TRACED.sin(x), TRACED.cos(x) + x)
    yield lambda x: (TRACED.tan(x * 2), x + 1)
    yield lambda x: TRACED.sum(TRACED.sin(x) + x)
    yield lambda x: TRACED.max(TRACED.sin(x) + x, axis=-1)
    yield lambda x: TRACED.sin(x) + x[:, ::-1]
    yield lambda x: [TRACED.sin(x) + x, TRACED.sin(x[:1]) + x[:1]]


@pytest.mark.parametrize("value", [1e300, np.inf, np.nan])
@pytest.mark.parametrize("shape", [(2, 700), (50, 11)])
def test_large_arguments_are_left_to_numpy(shape, value, monkeypatch):
    """Then, and only then, all of the kernel is computed by NumPy, wherever they stand."""
    redone, again = [], printing.Again.__call__
    monkeypatch.setattr(
        printing.Again, "__call__", lambda self, *xs: redone.append(1) or again(self, *xs)
    )
    for dtype in ("float64", "float32"):
        for place in ((0, 0), (0, -1), (-1, 5), (-1, -1)):
            x = np.linspace(-3, 3, np.prod(shape)).astype(dtype).reshape(shape)
            x[place] = min(value, 1e38) if dtype == "float32" else value
            large = bool(np.isfinite(x[place]))
            with np.errstate(all="ignore"), ag.use_settings(kernels="always"):
                for f in with_sines(x):
                    compiled = ag.compile(f)
                    quietly(compiled, x)
                    redone.clear()
                    found, wanted = quietly(compiled, x), f(x)
                    # the second leaf of a table is redone with the first one
                    assert bool(redone) == large
                    assert count(compiled, x) == 1
                    for a, b in zip(ag.trees.leaves(found), ag.trees.leaves(wanted), strict=True):
                        bound = 0.0 if large else 1e-4 if dtype == "float32" else 1e-12
                        np.testing.assert_allclose(a, b, rtol=bound, atol=bound)


def test_large_integers_are_left_to_numpy():
    for dtype, large in (("int64", -(2**62)), ("uint64", 2**63 + 12345), ("int32", 2**31 - 1)):
        x = np.arange(700).astype(dtype)
        x[650] = large
        f = lambda x: (TRACED.sin(x), TRACED.cos(x) * x)
        assert in_kernels(f, x) == ["sin", "cos", "multiply"]
        with ag.use_settings(kernels="always"):
            compiled = ag.compile(f)
            for _ in range(2):
                found = quietly(compiled, x)
            for a, b in zip(found, f(x), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12)
