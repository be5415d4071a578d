import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anygrad import clipping
from anygrad.autodiff import grad
from anygrad.backends import device_of
from anygrad.errors import ArgumentError, DTypeError, MixedBackendError, ShapeError
from tests.clipping.trees import few, flat, gradients, limits, waves
from tests.support import assert_close, to_host

ORDERS = [1, 1.5, 2, 3, math.inf]


@pytest.mark.parametrize("ord", ORDERS)
def test_two_shards_are_clipped_as_one_tree(xp, ord):
    shards = [{"w": xp.asarray(3 * waves(2, 3))}, {"w": xp.asarray(waves(4)), "b": xp.asarray(2.0)}]
    norm = clipping.combine_norms([clipping.global_norm(s, ord=ord) for s in shards], ord=ord)
    scale = clipping.clip_scale(norm, 0.5)
    clipped, joint = clipping.clip_by_global_norm(shards, 0.5, ord=ord)
    assert_close(norm, to_host(joint))
    assert_close(flat([clipping.apply_scale(shard, scale) for shard in shards]), flat(clipped))


@few
@given(gradients, limits, st.sampled_from(ORDERS))
def test_norm_of_norms_is_the_norm(grads, max_norm, ord):
    norms = [clipping.global_norm(leaf, ord=ord) for leaf in (grads["w"], *grads["deep"])]
    together = clipping.combine_norms(norms, ord=ord)
    expected = np.linalg.norm(flat(grads), ord)
    assert float(together) == pytest.approx(expected, rel=1e-12, abs=1e-150)
    scaled = clipping.apply_scale(grads, clipping.clip_scale(together, max_norm))
    assert_close(scaled, clipping.clip_by_global_norm(grads, max_norm, ord=ord)[0])


def test_norms_neither_overflow_nor_vanish(xp):
    for scale in (1e-300, 1e300):
        norms = [xp.asarray(3.0 * scale), xp.asarray(4.0 * scale)]
        np.testing.assert_allclose(to_host(clipping.combine_norms(norms)), 5 * scale, rtol=1e-15)
    norm = xp.asarray(3e38, dtype=xp.float32)
    g = xp.asarray([3e38, 0.0], dtype=xp.float32)
    clipped = clipping.apply_scale(g, clipping.clip_scale(norm, 1e-5))
    np.testing.assert_allclose(to_host(clipped), [1e-5, 0.0], rtol=1e-6)


def test_numbers_and_stacks_are_norms_too(xp):
    assert_close(clipping.combine_norms(xp.asarray([[2.0, 3.0], [6.0, 0.0]])), np.asarray(7.0))
    assert_close(clipping.combine_norms([xp.asarray(3.0), 4.0]), np.asarray(5.0))
    assert_close(clipping.combine_norms([3, 4.0]), np.asarray(5.0))
    assert_close(clipping.global_norm({"n": xp.asarray([3, 4]), "z": 5j}), np.asarray(50**0.5))
    divisor, factor = clipping.clip_scale(10.0, 1.0)
    assert float(factor) / float(divisor) == pytest.approx(0.1)


@pytest.mark.parametrize("bad", [math.inf, math.nan])
@pytest.mark.parametrize("ord", ORDERS)
def test_bad_norms_stay_bad(xp, bad, ord):
    norm = clipping.combine_norms([xp.asarray(1.0), xp.asarray(bad)], ord=ord)
    np.testing.assert_equal(float(to_host(norm)), bad)
    np.testing.assert_equal(
        float(to_host(clipping.global_norm(xp.asarray([bad, -bad, 1.0]), ord=ord))), bad
    )
    scaled = clipping.apply_scale(xp.asarray([1.0, 2.0]), clipping.clip_scale(norm, 1.0))
    assert np.isnan(to_host(scaled)).all()


@pytest.mark.parametrize("norm", [0.0, 0.5, 1.0])
def test_short_gradients_are_unchanged_to_the_bit(xp, norm):
    g = xp.asarray(waves(4))
    scaled = clipping.apply_scale(g, clipping.clip_scale(xp.asarray(norm), 1.0))
    assert to_host(scaled).tobytes() == to_host(g).tobytes()


def test_scale_goes_to_the_device_of_each_leaf():
    strict = pytest.importorskip("array_api_strict")
    devices = [strict.Device("device1"), strict.Device("device2")]
    # float32, for the second pretended device has no float64
    parts = [
        strict.asarray([x], dtype=strict.float32, device=device)
        for x, device in zip([3.0, 4.0], devices, strict=True)
    ]
    norm = clipping.combine_norms([clipping.global_norm(part) for part in parts])
    assert device_of(norm) == devices[0]
    scaled = clipping.apply_scale(parts, clipping.clip_scale(norm, 1.0))
    assert [device_of(part) for part in scaled] == devices
    assert_close(scaled, [np.asarray([x], dtype=np.float32) for x in (0.6, 0.8)])


def test_dtypes_are_kept(xp):
    scale = clipping.clip_scale(xp.asarray(10.0), 1.0)
    for dtype in ("float32", "float64", "complex64", "complex128"):
        g = xp.asarray([1.0], dtype=getattr(xp, dtype))
        assert clipping.apply_scale(g, scale).dtype == g.dtype


def test_norms_have_derivatives(xp):
    x = xp.asarray([3.0, 4.0])
    slope = grad(lambda x: clipping.combine_norms([x[0], x[1]]))
    assert_close(slope(x), np.asarray([0.6, 0.8]))
    slope = grad(lambda x: clipping.global_norm(x, ord=3))
    assert_close(slope(x), np.asarray([9.0, 16.0]) / 91 ** (2 / 3))
    for ord in ORDERS:
        slope = to_host(grad(lambda x: clipping.global_norm(x, ord=ord))(xp.zeros((2,))))  # noqa: B023
        assert np.isfinite(slope).all()


def test_bad_arguments_are_named(xp):
    with pytest.raises(ArgumentError, match=r"clip_scale\(max_norm\): got 0.0"):
        clipping.clip_scale(xp.asarray(1.0), 0.0)
    with pytest.raises(ShapeError, match=r"clip_scale\(norm\): got .*; expected .* shape \(\)"):
        clipping.clip_scale(xp.asarray([1.0]), 1.0)
    with pytest.raises(DTypeError, match=r"apply_scale\(grads\)"):
        clipping.apply_scale(xp.asarray([1]), clipping.clip_scale(xp.asarray(1.0), 1.0))
    strict = pytest.importorskip("array_api_strict")
    with pytest.raises(MixedBackendError, match=r"combine_norms\(norms\)"):
        clipping.combine_norms([np.ones(1), strict.ones(1)])


def test_integers_are_norms_too(xp):
    for norm in (10, xp.asarray(10)):
        divisor, factor = clipping.clip_scale(norm, 1.0)
        np.testing.assert_allclose(to_host(factor) / to_host(divisor), 0.1, rtol=1e-6)


@pytest.mark.parametrize("norm", ["10", True, 1j, None, np.asarray(True), np.asarray(1j)])
def test_what_is_no_real_number_is_no_norm(norm):
    with pytest.raises(DTypeError, match=r"clip_scale\(norm\): got .*; expected a real number"):
        clipping.clip_scale(norm, 1.0)


def test_limit_of_a_scale_may_be_beyond_the_dtype(xp):
    # a warning would be an error here
    scale = clipping.clip_scale(xp.asarray(1e38, dtype=xp.float32), 1e39)
    assert [float(to_host(part)) for part in scale] == [1.0, 1.0]
    for bad in (math.inf, math.nan):
        scale = clipping.clip_scale(xp.asarray(bad, dtype=xp.float32), 1e39)
        assert math.isnan(float(to_host(scale.factor)))
