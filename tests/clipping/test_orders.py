import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anygrad import clipping
from anygrad.errors import ArgumentError
from tests.clipping.trees import few, flat, gradients, limits, waves
from tests.support import assert_close, to_host

ORDERS = [1, 1.5, 2, 3, math.inf]
# torch 2.13, total norm of clip_grad_norm_ over waves(2, 3) and waves(4, frequency=2), float64
TORCH = {
    1: 6.821904354819356,
    1.5: 3.3364413187181157,
    2: 2.3625502059401913,
    3: 1.6942148055877402,
    math.inf: 0.9893582466233818,
}


@pytest.mark.parametrize("ord", ORDERS)
def test_norms_and_clips_are_those_of_torch(xp, ord):
    grads = [xp.asarray(waves(2, 3)), xp.asarray(waves(4, frequency=2.0))]
    assert_close(clipping.global_norm(grads, ord=ord), np.asarray(TORCH[ord]))
    clipped, norm = clipping.clip_by_global_norm(grads, 0.25, ord=ord)
    assert_close(norm, np.asarray(TORCH[ord]))
    factor = 0.25 / TORCH[ord]
    assert_close(clipped, [factor * waves(2, 3), factor * waves(4, frequency=2.0)])


@pytest.mark.parametrize("ord", ORDERS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_norm_is_that_of_numpy_in_more_digits(xp, ord, dtype):
    host = waves(40)
    if dtype.startswith("complex"):
        host = host + 1j * waves(40, frequency=3.0)
    host = host.astype(dtype)
    expected = np.linalg.norm(host.astype(np.clongdouble), ord)
    real = np.float32 if dtype in ("float32", "complex64") else np.float64
    norm = clipping.global_norm(xp.asarray(host, dtype=getattr(xp, dtype)), ord=ord)
    assert_close(norm, np.asarray(expected, dtype=real))


@pytest.mark.parametrize("ord", [1.01, 20.0, 1e3, 1e5])
def test_no_order_overflows_or_vanishes(xp, ord):
    values = np.asarray([1.0, 0.999, -0.5, 0.0])
    for scale in (1e-300, 1.0, 1e300):
        norm = clipping.global_norm(xp.asarray(values * scale), ord=ord)
        expected = np.linalg.norm(values.astype(np.longdouble), ord) * scale
        # a power of order p enlarges the rounding of its base p times, and the root undoes it
        np.testing.assert_allclose(to_host(norm), float(expected), rtol=1e-12)


@few
@given(gradients, limits, st.sampled_from(ORDERS))
def test_norm_never_grows_in_its_own_order(grads, max_norm, ord):
    clipped, norm = clipping.clip_by_global_norm(grads, max_norm, ord=ord)
    before = np.linalg.norm(flat(grads), ord)
    assert float(norm) == pytest.approx(before, rel=1e-12, abs=1e-150)
    after = np.linalg.norm(flat(clipped), ord)
    assert after == pytest.approx(min(max_norm, before), rel=1e-12, abs=1e-300)
    for leaf in clipping.clip_by_norm(grads, max_norm, ord=ord)["deep"]:
        assert np.linalg.norm(leaf, ord) <= max_norm * (1 + 1e-12)


@pytest.mark.parametrize("ord", [0.5, 0, -1, math.nan, "2", None])
def test_order_is_at_least_one(ord):
    for function in (
        clipping.global_norm,
        clipping.combine_norms,
        clipping.normalize,
        clipping.normalize_leaves,
        lambda grads, ord: clipping.clip_by_norm(grads, 1.0, ord=ord),
        lambda grads, ord: clipping.clip_by_global_norm(grads, 1.0, ord=ord),
        lambda grads, ord: clipping.clip_per_example(grads, 1.0, ord=ord),
    ):
        with pytest.raises(ArgumentError, match=r"\(ord\): got .*; expected a number >= 1"):
            function(np.ones(2), ord=ord)
