"""Gradients in half precision: measured in float32, and clipped in their own dtype."""

import numpy as np
import pytest

from anygrad import clipping, trees
from tests.support import assert_close, to_host
from tests.support.halves import HALVES, half

GRADS = {"w": [3.0, -4.0], "b": [12.0]}  # of norm 13; the numbers are those of both dtypes


def make(xp, dtype):
    return {name: xp.asarray(x, dtype=half(xp, dtype)) for name, x in GRADS.items()}


CLIPS = {
    "norm": (lambda g: clipping.clip_by_global_norm(g, 6.5)[0], {"w": [1.5, -2.0], "b": [6.0]}),
    "max": (
        lambda g: clipping.clip_by_global_norm(g, 6.0, ord=np.inf)[0],
        {"w": [1.5, -2.0], "b": [6.0]},
    ),
    "skip": (
        lambda g: clipping.clip_by_global_norm(g, 6.5, nonfinite="skip")[0],
        {"w": [1.5, -2.0], "b": [6.0]},
    ),
    "leaves": (lambda g: clipping.clip_by_norm(g, 2.5), {"w": [1.5, -2.0], "b": [2.5]}),
    "value": (lambda g: clipping.clip_by_value(g, 3.5), {"w": [3.0, -3.5], "b": [3.5]}),
    "adaptive": (
        lambda g: clipping.clip_adaptively(g, g, 0.5, unit_axis=()),
        {"w": [1.5, -2.0], "b": [6.0]},
    ),
    "directions": (
        clipping.normalize_leaves,
        {"w": [0.6, -0.8], "b": [1.0]},
    ),
}


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", CLIPS)
def test_clips_keep_the_dtype(quick_xp, dtype, name):
    xp = quick_xp
    clip, expected = CLIPS[name]
    clipped = clip(make(xp, dtype))
    for key, leaf in clipped.items():
        assert leaf.dtype == half(xp, dtype)
        wanted = xp.astype(xp.asarray(expected[key]), half(xp, dtype))
        np.testing.assert_array_equal(
            to_host(xp.astype(leaf, xp.float32)), to_host(xp.astype(wanted, xp.float32))
        )


@pytest.mark.parametrize("dtype", HALVES)
def test_norms_are_measured_in_float32(quick_xp, dtype):
    xp = quick_xp
    grads = make(xp, dtype)
    norm = clipping.global_norm(grads)
    assert norm.dtype == xp.float32
    assert_close(norm, np.asarray(13.0, np.float32))
    # a square of it, and the sum of 1000, are beyond float16, and no numbers of bfloat16
    many = xp.full((1000,), 300.0, dtype=half(xp, dtype))
    exact = np.asarray(float(to_host(xp.astype(many[0], xp.float32))) * 1000**0.5, np.float32)
    assert_close(clipping.global_norm({"many": many}), exact)


@pytest.mark.parametrize("dtype", HALVES)
def test_the_norm_of_a_tree_has_its_dtype(quick_xp, dtype):
    xp = quick_xp
    norm = trees.norm(make(xp, dtype))
    assert norm.dtype == half(xp, dtype)
    assert float(to_host(xp.astype(norm, xp.float32))) == 13.0


def test_both_halves_in_one_tree_are_measured_together(quick_xp):
    xp = quick_xp
    low = make(xp, "bfloat16")
    grads = {"w": low["w"], "b": xp.asarray(GRADS["b"], dtype=half(xp, "float16"))}
    clipped, norm = clipping.clip_by_global_norm(grads, 6.5)
    assert_close(norm, np.asarray(13.0, np.float32))
    assert {key: leaf.dtype for key, leaf in clipped.items()} == {
        "w": low["w"].dtype,
        "b": grads["b"].dtype,
    }


@pytest.mark.parametrize("dtype", HALVES)
def test_infinities_become_the_largest_number_of_the_dtype(quick_xp, dtype):
    xp = quick_xp
    largest = {"float16": 65504.0, "bfloat16": (2 - 2.0**-7) * 2.0**127}[dtype]
    g = xp.asarray([np.inf, -np.inf, 1.0], dtype=half(xp, dtype))
    clipped = xp.astype(clipping.clip_by_value(g, 1e300), xp.float32)
    assert to_host(clipped).tolist() == [largest, -largest, 1.0]
