import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anygrad import clipping
from anygrad.errors import NonFiniteError, ShapeError
from tests.clipping.trees import few, limits, waves
from tests.support import assert_close, to_host

SIZES = np.asarray([0.1, 1.0, 2.0, 30.0])
# optax 0.2.8, per_example_global_norm_clip(grads, 1.5) in float64: the sums over the examples
OPTAX = {
    "w": [[-0.33221747466803486, 0.3949896667962162], [0.0034700740559245264, -0.3978777874781307]],
    "b": [-0.4779598632852288, -0.7489502826048791, -0.33135926605879323],
}


def examples():
    return {
        "b": waves(4, 3) * SIZES[:, None],
        "w": waves(4, 2, 2, frequency=2.0) * SIZES[:, None, None],
    }


def norms_by_hand(grads, ord=2):
    rows = [np.reshape(g, (len(g), -1)) for g in grads.values()]
    return np.linalg.norm(np.concatenate(rows, axis=1), ord, axis=1)


def test_sums_are_those_of_optax(xp):
    grads = {name: xp.asarray(g) for name, g in examples().items()}
    clipped, norms = clipping.clip_per_example(grads, 1.5)
    sums = {name: np.sum(to_host(g), axis=0) for name, g in clipped.items()}
    assert_close(sums, {name: np.asarray(value) for name, value in OPTAX.items()})
    assert_close(norms, norms_by_hand(examples()))


@pytest.mark.parametrize("ord", [1, 1.5, 2, 3, math.inf])
def test_each_example_ends_at_the_limit(xp, ord):
    grads = {name: xp.asarray(g) for name, g in examples().items()}
    clipped, norms = clipping.clip_per_example(grads, 1.5, ord=ord)
    before = norms_by_hand(examples(), ord)
    assert_close(norms, before)
    after = norms_by_hand({name: to_host(g) for name, g in clipped.items()}, ord)
    assert_close(after, np.minimum(before, 1.5))


@few
@given(st.integers(1, 5), limits)
def test_one_example_is_the_global_clip(size, max_norm):
    grads = {"w": 100 * waves(1, size), "b": waves(1)}
    clipped, norms = clipping.clip_per_example(grads, max_norm)
    together, norm = clipping.clip_by_global_norm(grads, max_norm)
    assert_close(clipped, together)
    assert_close(norms[0], np.asarray(norm))


def test_short_examples_are_unchanged_to_the_bit(xp):
    grads = {name: xp.asarray(g) for name, g in examples().items()}
    clipped, norms = clipping.clip_per_example(grads, 1.5)
    short = to_host(norms) <= 1.5
    assert short.any()
    for name, g in examples().items():
        assert to_host(clipped[name])[short].tobytes() == g[short].tobytes()


def test_examples_of_any_size_stand_side_by_side(xp):
    g = xp.asarray([[3e38, 3e38], [3e-38, 4e-38], [0.0, 0.0]], dtype=xp.float32)
    clipped, norms = clipping.clip_per_example(g, 1e-5)
    expected = [[1e-5 * math.sqrt(0.5)] * 2, [3e-38, 4e-38], [0.0, 0.0]]
    np.testing.assert_allclose(to_host(clipped), expected, rtol=1e-6)
    np.testing.assert_allclose(to_host(norms), [math.inf, 5e-38, 0.0], rtol=1e-6)


def test_only_a_bad_example_is_lost(quick_xp):
    xp = quick_xp
    values = [[3.0, 4.0], [math.inf, 2.0], [0.0, 0.1]]
    g = xp.asarray(values)
    kept = {0: [0.6, 0.8], 2: [0.0, 0.1]}
    for policy, row in (
        ("propagate", [math.nan] * 2),
        ("skip", [0.0, 0.0]),
        ("zero", [0.0, 1.0]),
    ):
        clipped, norms = clipping.clip_per_example(g, 1.0, nonfinite=policy)
        assert_close(clipped[0, ...], np.asarray(kept[0]))
        np.testing.assert_equal(to_host(clipped)[1:], [row, kept[2]])
        assert to_host(norms)[1] == (2.0 if policy == "zero" else math.inf)
    with pytest.raises(NonFiniteError, match=r"clip_per_example\(grads\): got inf in grads\['w'\]"):
        clipping.clip_per_example({"w": g}, 1.0, nonfinite="raise")


def test_there_may_be_no_examples_and_no_elements(xp):
    clipped, norms = clipping.clip_per_example([xp.zeros((0, 2)), xp.zeros((0,))], 1.0)
    assert [g.shape for g in clipped] == [(0, 2), (0,)]
    assert norms.shape == (0,)
    clipped, norms = clipping.clip_per_example([xp.asarray([[3.0], [4.0]]), xp.zeros((2, 0))], 1.0)
    assert_close(norms, np.asarray([3.0, 4.0]))
    assert_close(clipped, [np.ones((2, 1)), np.zeros((2, 0))])


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"a": (2, 3), "b": (3,)}, r"got shape \(3,\) at grads\['b'\]; expected 2 examples"),
        ({"a": (2, 3), "b": ()}, r"got shape \(\) at grads\['b'\]; expected 2 examples"),
        ({"a": ()}, r"got shape \(\) at grads\['a'\]; expected examples"),
        ({}, "expected at least one array"),
    ],
)
def test_every_leaf_has_the_examples_first(shapes, message):
    grads = {name: np.ones(shape) for name, shape in shapes.items()}
    with pytest.raises(ShapeError, match=message):
        clipping.clip_per_example(grads, 1.0)
