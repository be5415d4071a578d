"""Neither the largest nor the smallest numbers of a dtype break a norm or a clip."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anygrad import clipping, grad
from tests.clipping.trees import flat
from tests.support import assert_close, to_host


@pytest.mark.parametrize(
    ("dtype", "values", "max_norm", "expected", "norm"),
    [
        ("float32", [3e20, 4e20], 1.0, [0.6, 0.8], 5e20),
        ("float32", [3e38, 3e38], 1.0, [math.sqrt(0.5)] * 2, math.inf),
        ("float32", [3e38, -3e38], 1e-5, [1e-5 * math.sqrt(0.5), -1e-5 * math.sqrt(0.5)], math.inf),
        ("float32", [1.5e38, 2e38], 1e-5, [0.6e-5, 0.8e-5], 2.5e38),
        ("float32", [3e-30, 4e-30], 1e-30, [0.6e-30, 0.8e-30], 5e-30),
        ("float32", [3e-30, 4e-30], 1.0, [3e-30, 4e-30], 5e-30),
        ("float64", [3e200, 4e200], 1.0, [0.6, 0.8], 5e200),
        ("float64", [1.7e308, 1.7e308], 1e-3, [1e-3 * math.sqrt(0.5)] * 2, math.inf),
        ("float64", [3e-200, 4e-200], 1e-200, [0.6e-200, 0.8e-200], 5e-200),
    ],
)
def test_large_and_small_gradients_are_clipped_right(xp, dtype, values, max_norm, expected, norm):
    g = xp.asarray(values, dtype=getattr(xp, dtype))
    for clipped, got in (
        clipping.clip_by_global_norm(g, max_norm),
        (clipping.clip_by_norm(g, max_norm), clipping.global_norm(g)),
    ):
        assert_close(got, np.asarray(norm, dtype=dtype))
        # relative, for an absolute tolerance would pass zeros here
        np.testing.assert_allclose(to_host(clipped), expected, rtol=1e-6)
        assert clipped.dtype == g.dtype


def test_modulus_beyond_the_range_is_no_obstacle(xp):
    g = xp.asarray([3e38 + 3e38j], dtype=xp.complex64)  # |g| = 4.2e38 > 3.4e38
    clipped, _ = clipping.clip_by_global_norm(g, 1.0)
    assert_close(clipped, np.asarray([math.sqrt(0.5) * (1 + 1j)], dtype=np.complex64))


# -- over the whole range of exponents ------------------------------------------------------------

DTYPES = ["float16", "float32", "float64", "complex64", "complex128"]
ORDERS = [1, 1.5, 2, 3, math.inf]


def limits_of(dtype):
    return np.finfo(np.dtype(dtype))


@st.composite
def problems(draw):
    """Gradients of one size anywhere in the range of a dtype, and a limit anywhere in it."""
    dtype = draw(st.sampled_from(DTYPES))
    info = limits_of(dtype)
    low, high = math.log2(float(info.smallest_subnormal)), math.log2(float(info.max))
    exponent, other = (draw(st.floats(low + 1, high)) for _ in range(2))
    mantissas = draw(st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=1, max_size=6))
    largest = draw(st.sampled_from([-1.0, 1.0]))
    # scaled in more digits than the dtype has; below 2 ** high nothing overflows
    values = np.asarray([largest, *mantissas], dtype=np.longdouble) * np.longdouble(2) ** exponent
    if dtype.startswith("complex"):
        values = values + 1j * values[::-1]
    return values.astype(dtype), float(np.longdouble(2) ** other), draw(st.sampled_from(ORDERS))


def exactly(g, ord=2):
    """The norm in long double, whose range no number here leaves."""
    wide = np.clongdouble if np.iscomplexobj(g) else np.longdouble
    g = np.abs(np.ravel(g).astype(wide))
    top = np.max(g, initial=0)
    if top == 0 or ord == math.inf:
        return top
    return top * np.sum((g / top) ** ord) ** (1 / np.longdouble(ord))


def unit(g):
    """Half of the last place of the smallest numbers: what rounding may add anywhere."""
    return float(limits_of(g.dtype).smallest_subnormal)


@settings(max_examples=200)
@given(problems())
def test_norm_is_right_wherever_the_dtype_has_it(problem):
    g, _, ord = problem
    expected = exactly(g, ord)
    norm = clipping.global_norm([g, g[:0]], ord=ord)
    info = limits_of(norm.dtype)
    assert norm.dtype == (np.float64 if g.dtype in (np.float64, np.complex128) else np.float32)
    if expected > float(info.max) * (1 - 1e-6):
        assert norm > float(info.max) * (1 - 1e-6)
    else:
        rounding = 20 * float(info.eps) * float(expected) + 2 * float(info.smallest_subnormal)
        assert abs(float(norm) - float(expected)) <= rounding


@settings(max_examples=200)
@given(problems())
def test_clips_end_at_the_limit_and_keep_the_direction(problem):
    g, max_norm, ord = problem
    before = exactly(g, ord)
    factor = min(1, max_norm / before)
    wide = np.clongdouble if np.iscomplexobj(g) else np.longdouble
    expected = g.astype(wide) * factor
    for clipped in (
        clipping.clip_by_global_norm([g], max_norm, ord=ord)[0][0],
        clipping.clip_by_norm(g, max_norm, ord=ord),
        clipping.clip_per_example(g[None, :], max_norm, ord=ord)[0][0],
    ):
        assert clipped.dtype == g.dtype
        error = np.abs(clipped.astype(wide) - expected)
        largest = np.max(np.abs(expected))
        assert np.max(error) <= 20 * float(limits_of(g.dtype).eps) * largest + 2 * unit(g)
        again = clipping.clip_by_norm(clipped, max_norm, ord=ord)
        step = np.abs(again.astype(wide) - clipped)
        assert np.max(step) <= 20 * float(limits_of(g.dtype).eps) * largest + 2 * unit(g)


@settings(max_examples=100)
@given(problems())
def test_below_the_limit_no_bit_changes(problem):
    g, _, ord = problem
    max_norm = min(2 * float(exactly(g, ord)), 1.7e308)
    if exactly(g, ord) > max_norm:
        return
    for clipped in (
        clipping.clip_by_global_norm(g, max_norm, ord=ord)[0],
        clipping.clip_by_norm(g, max_norm, ord=ord),
    ):
        if np.iscomplexobj(g):  # a complex product with 1 loses the sign of zeros
            assert np.array_equal(clipped, g)
        else:
            assert clipped.tobytes() == g.tobytes()


@settings(max_examples=100)
@given(problems())
def test_normalized_gradients_have_length_one(problem):
    g, _, ord = problem
    after = exactly(clipping.normalize(g, ord=ord)[0], ord)
    assert float(after) == pytest.approx(1.0, rel=20 * float(limits_of(g.dtype).eps))


def test_halves_lose_nothing_in_the_norm():
    g = np.full(10_000, 0.01, dtype=np.float16)  # squares below the normal numbers of float16
    norm = clipping.global_norm(g)
    assert norm.dtype == np.float32
    np.testing.assert_allclose(norm, np.linalg.norm(g.astype(np.float64)), rtol=1e-6)
    large = np.full(10_000, 6e4, dtype=np.float16)  # the sum of squares is beyond float16
    clipped, norm = clipping.clip_by_global_norm(large, 1e-2)
    np.testing.assert_allclose(norm, 6e6, rtol=1e-3)
    np.testing.assert_allclose(clipped, 1e-4, rtol=1e-3)


def test_small_leaves_beside_large_ones_of_another_dtype(xp):
    tiny = [xp.asarray([1e-200], dtype=xp.float64), xp.asarray([0.0], dtype=xp.float32)]
    clipped, _ = clipping.clip_by_global_norm(tiny, 1e-210)
    np.testing.assert_allclose(flat(clipped), [1e-210, 0.0], rtol=1e-6)
    mixed = [xp.asarray([3e38], dtype=xp.float32), xp.asarray([1e100], dtype=xp.float64)]
    clipped, _ = clipping.clip_by_global_norm(mixed, 1e95)
    np.testing.assert_allclose(flat(clipped), [3e33, 1e95], rtol=1e-6)


# -- limits beyond the dtype: where norm and limit are both infinite there, they still differ ------

CLIPS_TO_LIMITS_BEYOND = {
    # the norm of n equal elements x is x * sqrt(n)
    "global norm": (lambda g: clipping.clip_by_global_norm(g, 4e38)[0], [3e38] * 2, 4e38),
    "global norm, p = 3": (
        lambda g: clipping.clip_by_global_norm(g, 5e38, ord=3)[0],
        [3e38] * 8,
        2.5e38 * math.sqrt(8),
    ),
    "norm": (lambda g: clipping.clip_by_norm(g, 4e38), [3e38] * 2, 4e38),
    "norm below a limit": (lambda g: clipping.clip_by_norm(g, 5e38), [3e38] * 2, 3e38 * 2**0.5),
    "no limit": (lambda g: clipping.clip_by_norm(g, math.inf), [3e38] * 2, 3e38 * math.sqrt(2)),
    "limit of a wider dtype": (
        lambda g: clipping.clip_by_norm(g, 1e300),
        [3e38] * 2,
        3e38 * 2**0.5,
    ),
    "block rms": (lambda g: clipping.clip_by_block_rms(g, 2e38), [3e38] * 4, 4e38),
    "adaptive": (
        lambda g: clipping.clip_adaptively(g, 1.5 * g, 0.5),
        [2e38] * 2,
        1.5e38 * math.sqrt(2),
    ),
    "adaptive, all below": (lambda g: clipping.clip_adaptively(g, 1.5 * g, 1), [2e38] * 4, 4e38),
    "adaptive, least norm": (
        lambda g: clipping.clip_adaptively(g, 0 * g, 0.5, eps=8e38),
        [3e38] * 2,
        4e38,
    ),
    "adaptive, small weights": (
        lambda g: clipping.clip_adaptively(g, 1e-30 * g, 1e30, eps=1e-37),
        [2e38] * 4,
        4e38,
    ),
    "per example": (
        lambda g: clipping.clip_per_example(g[None, ...], 4e38)[0][0, ...],
        [3e38] * 2,
        4e38,
    ),
    "measured": (lambda g: clipping.measure(g, 4e38).settle(), [3e38] * 2, 4e38),
}


@pytest.mark.parametrize("name", CLIPS_TO_LIMITS_BEYOND)
def test_limit_beyond_the_dtype_is_kept(xp, name):
    clip, values, norm = CLIPS_TO_LIMITS_BEYOND[name]
    clipped = to_host(clip(xp.asarray(values, dtype=xp.float32)))
    # relative: float32 in three operations
    np.testing.assert_allclose(np.linalg.norm(clipped.astype(np.float64)), norm, rtol=1e-6)


def test_limit_beyond_every_float_is_kept(xp):
    g = xp.full((4,), 1.5e308, dtype=xp.float64)
    clipped = clipping.clip_by_block_rms(g, 1e308)  # a norm of at most 2e308
    np.testing.assert_allclose(to_host(clipped), [1e308] * 4, rtol=1e-12)


def test_derivative_below_a_limit_beyond_the_dtype_is_that_of_no_clip(xp):
    x = xp.asarray([1.0, 2.0], dtype=xp.float32)
    for limit in (1e200, math.inf):
        slope = grad(lambda x: (clipping.clip_by_norm(x, limit, ord=1) ** 2).sum())  # noqa: B023
        assert_close(slope(x), np.asarray([2.0, 4.0], dtype=np.float32))


def test_narrow_leaves_are_added_in_the_precision_of_the_widest(xp):
    tree = [xp.full((1000,), 0.1, dtype=xp.float32), xp.ones((2,), dtype=xp.float64)]
    expected = math.sqrt(1000 * float(np.float32(0.1)) ** 2 + 2)
    np.testing.assert_allclose(to_host(clipping.global_norm(tree)), expected, rtol=1e-14)
