"""Reductions in kernels have the bits of NumPy's, whose sums are trees of halves."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import anygrad as ag
from anygrad.tracing import TRACED
from tests.compiler.native.running import assert_runs, in_kernels, wild

LENGTHS = [*range(1, 18), 31, 32, 33, 40, 63, 65, 100, 127, 128, 129, 136, 137, 255, 256, 257, 264]
LENGTHS += [511, 512, 513, 520, 521, 1000, 1031, 4097, 65_537]
REALS = ("float64", "float32")


def sums(x, **kw):
    y = x * 3
    return TRACED.sum(y, **kw), TRACED.mean(y, **kw), TRACED.mean(y * x, **kw)


def extremes(x, **kw):
    y = x * 3
    return TRACED.max(y, **kw), TRACED.min(y, **kw), TRACED.max(y + x, **kw)


def truths(x, **kw):
    return TRACED.any(x > 0, **kw), TRACED.all(x > 0, **kw), TRACED.all(x < 1e4, **kw)


def everything(x, **kw):
    return *sums(x, **kw), *extremes(x, **kw), *truths(x, **kw)


@pytest.mark.parametrize("dtype", REALS)
def test_all_elements(dtype):
    for n in LENGTHS:
        assert_runs(everything, wild(n, dtype, n))
    assert in_kernels(everything, wild(9, dtype)).count("mean") == 2


@pytest.mark.slow
@pytest.mark.parametrize("dtype", REALS)
def test_all_elements_of_any_number(dtype):
    for n in [*range(1, 1500), *np.random.default_rng(0).integers(1500, 3_000_000, 40)]:
        assert_runs(everything, wild(n, dtype, n))


@pytest.mark.parametrize("dtype", REALS)
def test_more_than_a_million_elements(dtype):
    assert_runs(everything, wild(1_234_567, dtype))
    assert_runs(lambda x: (*everything(x), x * 3, x > 0), wild((3, 411_521), dtype))


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("keepdims", [False, True])
def test_rows(dtype, keepdims):
    for rows in (2, 3, 50):
        for n in (2, 3, 7, 8, 9, 31, 33, 128, 129, 257, 511, 512, 513, 700, 1025):
            assert_runs(lambda x: everything(x, axis=-1, keepdims=keepdims), wild((rows, n), dtype))
    assert_runs(lambda x: everything(x, axis=2, keepdims=keepdims), wild((5, 6, 7), dtype))


@pytest.mark.parametrize("dtype", REALS)
def test_what_is_reduced_may_be_a_result_too(dtype):
    for n in (1, 7, 130, 600, 2000):
        for axis in (None, 1):
            for k in range(3):

                def f(x, axis=axis, k=k):
                    y, z = x * 3 - 1, x * x
                    given = (y, z, y > z)[: k + 1]
                    reduced = [TRACED.sum(v, axis=axis) for v in (y, z)]
                    return (*given, *reduced, TRACED.any(y > z, axis=axis))

                assert_runs(f, wild((4, n), dtype), kernels=1 if n > 1 or axis is None else None)


def test_axes_of_length_one_and_keepdims():
    for shape in ((1, 9), (9, 1), (1, 1, 9), (3, 1, 9, 1), (1,), (1, 1)):
        x = wild(shape)
        assert_runs(lambda x: everything(x, keepdims=True), x)
        assert_runs(everything, x)
        assert_runs(lambda x, shape=shape: everything(x, axis=tuple(range(len(shape)))), x)


def test_other_orders_of_axes():
    assert_runs(everything, np.asfortranarray(wild((30, 50))))
    assert_runs(everything, wild((4, 5, 6)).transpose(2, 0, 1))
    for axis in (0, 1, (0, 1)):
        for x in (wild((30, 50)), wild((50, 30)).T, wild((60, 50))[::2], wild((30, 50))[::-1]):
            assert_runs(lambda x, axis=axis: everything(x, axis=axis), x, kernels=None)


def test_operands_that_are_spread_out():
    x, y = wild((70, 1)), wild(90)
    assert_runs(lambda x, y: (TRACED.sum(z := x * y), TRACED.max(z - y)), x, y)
    assert_runs(lambda x, y: (TRACED.sum(z := x * y, axis=1), TRACED.max(z - y, axis=1)), x, y)
    x = wild((2000, 3))
    assert_runs(
        lambda x: (TRACED.sum(x[:, 0] * x[:, 1]), TRACED.mean(x[:, 2] + 1.0)), x, kernels=None
    )


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_special_values_anywhere(dtype, value):
    with np.errstate(over="ignore"):
        value = np.asarray(value).astype(dtype)
    for n in (1, 8, 33, 65, 1300):
        for place in {0, n // 2, n - 1, 31 % n}:
            x = wild(n, dtype, n)
            x[place] = value
            assert_runs(everything, x)
            x[n - 1 - place] = -value
            assert_runs(everything, x)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_zeros_of_one_sign(dtype, zero):
    for n in (1, 2, 7, 8, 9, 128, 129, 600, 1100):
        x = np.full(n, zero, dtype)
        assert_runs(lambda x: (*everything(x), *everything(-x)), x)
        assert_runs(lambda x: everything(-x, axis=1), np.full((3, n), zero, dtype), kernels=None)


def test_zeros_of_both_signs():
    """Of these the sign of the largest one is that of any: NumPy's depends on the processor."""
    for n in (17, 100, 1000):
        zeros = np.where(np.random.default_rng(n).random(n) < 0.5, 0.0, -0.0)
        assert_runs(lambda x: (TRACED.sum(-x), TRACED.mean(x * 3), TRACED.max(-x) + 0.0), zeros)


def test_truths_at_every_place():
    for n in (1, 31, 65, 600, 1030):
        for place in range(0, n, max(n // 5, 1)):
            x = np.zeros(n)
            x[place] = 1.0
            assert_runs(truths, x)
            assert_runs(lambda x: truths(1 - x), x)


def test_of_nothing():
    for shape in ((0,), (3, 0), (0, 3)):
        assert_runs(lambda x: (TRACED.sum(x * 3), TRACED.any(x > 0)), np.ones(shape), kernels=0)
        assert_runs(lambda x: TRACED.sum(x * 3 + x, axis=-1), np.ones(shape), kernels=0)


def test_other_types_are_added_up_by_numpy():
    for dtype in ("int32", "float16", "bool", "uint8"):
        assert_runs(lambda x: (TRACED.sum(x * x + x), TRACED.mean(x * x + x)), wild(700, dtype))


def test_gradients_of_norms():
    def loss(x):
        y = x - np.mean(x, axis=-1, keepdims=True)
        return np.sum(y * y) / np.sqrt(np.sum(x * x))

    assert_runs(ag.value_and_grad(loss), wild((40, 50)), kernels=None)
