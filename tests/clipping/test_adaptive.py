import math

import numpy as np
import pytest

from anygrad import clipping
from anygrad.autodiff import grad
from anygrad.errors import ArgumentError, DTypeError, NonFiniteError, ShapeError
from tests.clipping.trees import waves
from tests.support import assert_close, to_host

SHAPES = {
    "scalar": (),
    "bias": (3,),
    "row": (1, 4),
    "dense": (2, 3),
    "heads": (2, 2, 2),
    "conv": (1, 2, 2, 2),
    "conv3d": (1, 1, 2, 1, 2),
}
# optax 0.2.8, adaptive_grad_clip(0.6) in float64 of waves, for weights that are waves of frequency
# 2, and zero for the heads
OPTAX = {
    "scalar": [0.545578456095409],
    "bias": [0.49219449643245783, 0.5318676427161297, 0.08254413111989566],
    "row": [0.5425073356350847, 0.5862359287880341, 0.09098191257876607, -0.48792045447083243],
    "dense": [
        0.5994634872569109,
        0.3847935496455902,
        0.1411200080598672,
        -0.5391456998432267,
        -0.40579447890562365,
        -0.27941549819892586,
    ],
    "heads": [
        0.00039574490303171707,
        0.0005735326663161767,
        0.000126005274327797,
        -0.0003645413128377596,
        -0.0004509833386328333,
        -0.00017623927107275817,
        0.0005866196986477496,
        0.00047656020735529586,
    ],
    "conv": [
        0.5172373615181671,
        0.4826369115095303,
        0.08674397803861533,
        -0.40169564785114825,
        -0.5894338256187363,
        -0.14830816529350976,
        0.40383806573161873,
        0.5251315954931578,
    ],
    "conv3d": [0.5628948266651805, 0.5744426394542751, 0.09440102381424667, -0.4781049743733745],
}
# the same with axis=(1,), for the dense weights
OPTAX_BY_ROW = [
    *(0.49219449643245783, 0.5318676427161297, 0.08254413111989566),
    *(-0.4529727274588976, -0.57394967222455, -0.167239935251477),
]


def inputs(xp):
    grads = {name: xp.asarray(waves(*shape)) for name, shape in SHAPES.items()}
    params = {name: xp.asarray(waves(*shape, frequency=2.0)) for name, shape in SHAPES.items()}
    params["heads"] = xp.zeros(SHAPES["heads"])
    return grads, params


def test_units_are_clipped_as_by_optax(quick_xp):
    xp = quick_xp
    clipped = clipping.clip_adaptively(*inputs(xp), 0.6)
    expected = {name: np.asarray(OPTAX[name]).reshape(shape) for name, shape in SHAPES.items()}
    assert_close(clipped, expected)
    grads, params = inputs(xp)
    by_row = clipping.clip_adaptively(grads["dense"], params["dense"], 0.6, unit_axis=0)
    assert_close(by_row, np.asarray(OPTAX_BY_ROW).reshape(2, 3))


def test_axes_may_be_named(xp):
    grads, params = inputs(xp)
    conv = grads["conv"], params["conv"]
    expected = np.asarray(OPTAX["conv"]).reshape(SHAPES["conv"])
    for axis in (-1, 3, (3,)):
        assert_close(clipping.clip_adaptively(*conv, 0.6, unit_axis=axis), expected)
    # out first, as PyTorch stores it: the transposed problem
    turned = [xp.permute_dims(x, (3, 2, 0, 1)) for x in conv]
    by_torch = clipping.clip_adaptively(*turned, 0.6, unit_axis=0)
    assert_close(by_torch, np.transpose(expected, (3, 2, 0, 1)))


def test_a_whole_leaf_may_be_one_unit(xp):
    grads, params = inputs(xp)
    for name in ("dense", "conv3d"):
        g, p = to_host(grads[name]), to_host(params[name])
        limit = 0.1 * np.linalg.norm(p)
        clipped = clipping.clip_adaptively(grads[name], params[name], 0.1, unit_axis=())
        assert_close(clipped, g * limit / np.linalg.norm(g))


@pytest.mark.parametrize("axis", [5, -6, (0, 1), (0, 7)])
def test_an_axis_that_a_leaf_lacks_is_refused(axis):
    g = np.ones((2, 3))
    with pytest.raises(ArgumentError, match=r"unit_axis\): got .* for a leaf of shape \(2, 3\)"):
        clipping.clip_adaptively(g, g, 0.1, unit_axis=axis)


@pytest.mark.parametrize("axis", [[0], "x", 1.0, True, (0.0,), ("x",), np.asarray(0), {0}])
def test_axes_that_are_no_integers_are_refused(axis):
    g = np.ones((2, 3))
    words = r"clip_adaptively\(unit_axis\): got .*; expected an int, a tuple of int or None"
    with pytest.raises(ArgumentError, match=words):
        clipping.clip_adaptively(g, g, 0.1, unit_axis=axis)


def test_beyond_five_axes_the_units_must_be_named():
    g = np.ones((2,) * 6)
    with pytest.raises(ArgumentError, match=r"unit_axis\): got None"):
        clipping.clip_adaptively(g, g, 0.1)
    assert_close(clipping.clip_adaptively(g, g, 0.1, unit_axis=-1), 0.1 * g)


def test_units_below_the_limit_are_unchanged_to_the_bit(xp):
    grads, params = inputs(xp)
    clipped = clipping.clip_adaptively(grads, params, 1e6)
    for name, g in grads.items():
        assert to_host(clipped[name]).tobytes() == to_host(g).tobytes()


def test_range_is_no_obstacle(xp):
    g = xp.asarray([[3e38, 3e-38], [3e38, 4e-38]], dtype=xp.float32)
    p = xp.asarray([[1.0, 3e-37], [1.0, 4e-37]], dtype=xp.float32)
    clipped = clipping.clip_adaptively(g, p, 0.01, eps=1e-37)
    expected = [[0.01, 3e-39], [0.01, 4e-39]]
    # 3e-39 has only 21 bits in float32, and none where subnormal numbers are taken for zero
    np.testing.assert_allclose(to_host(clipped), expected, rtol=1e-6, atol=5e-39)


def test_only_a_bad_unit_is_lost(quick_xp):
    xp = quick_xp
    g = xp.asarray([[3.0, math.nan], [4.0, 1.0]])
    p = xp.ones((2, 2))
    kept = np.asarray([3.0, 4.0]) * 0.1 * math.sqrt(2) / 5
    for policy, column in (
        ("propagate", [math.nan] * 2),
        ("skip", [0.0, 0.0]),
        ("zero", [0.0, 0.1 * math.sqrt(2)]),
    ):
        clipped = to_host(clipping.clip_adaptively(g, p, 0.1, nonfinite=policy))
        np.testing.assert_allclose(clipped, np.stack([kept, column], axis=1), rtol=1e-15)
    with pytest.raises(NonFiniteError, match=r"clip_adaptively\(grads\): got nan in grads\[1\]"):
        clipping.clip_adaptively([p, g], [p, p], 0.1, nonfinite="raise")


def test_empty_leaves_pass(xp):
    g = xp.zeros((0, 3))
    assert clipping.clip_adaptively(g, g, 0.1).shape == (0, 3)


def test_what_does_not_fit_is_refused(xp):
    g = {"w": xp.ones((2, 3))}
    with pytest.raises(ShapeError, match=r"clip_adaptively\(params\)"):
        clipping.clip_adaptively(g, {"w": xp.ones((3, 2))}, 0.1)
    with pytest.raises(ArgumentError, match=r"clip_adaptively\(params\)"):
        clipping.clip_adaptively(g, {"v": xp.ones((2, 3))}, 0.1)
    with pytest.raises(DTypeError, match=r"clip_adaptively\(params\): .* params\['w'\]"):
        clipping.clip_adaptively(g, {"w": xp.asarray([[1, 2, 3]] * 2)}, 0.1)
    for keywords in ({"ratio": 0.0}, {"ratio": 0.1, "eps": 0.0}):
        with pytest.raises(ArgumentError, match=r"expected a number > 0"):
            clipping.clip_adaptively(g, g, **keywords)


def test_derivative_is_that_of_the_formula(quick_xp):
    xp = quick_xp
    g, p = xp.asarray(waves(3, 2)), xp.asarray(waves(3, 2, frequency=2.0))
    weights = np.arange(6.0).reshape(3, 2)

    def loss(g):
        return (clipping.clip_adaptively(g, p, 0.1) * xp.asarray(weights)).sum()

    # g / |g| c has the derivative c (w - u <u, w>) / |g| with the direction u of each column
    host, weight_norms = waves(3, 2), np.linalg.norm(waves(3, 2, frequency=2.0), axis=0)
    norms = np.linalg.norm(host, axis=0)
    unit = host / norms
    expected = 0.1 * weight_norms / norms * (weights - unit * np.sum(unit * weights, axis=0))
    assert_close(grad(loss)(g), expected)
