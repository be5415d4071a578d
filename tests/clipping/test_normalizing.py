import math

import numpy as np
import pytest
from hypothesis import given

from anygrad import clipping
from anygrad.errors import ArgumentError, NonFiniteError
from tests.clipping.trees import few, flat, gradients, waves
from tests.support import assert_close, to_host

# optax 0.2.8, contrib.normalize of waves(2, 3) and waves(4, frequency=2), float64
OPTAX = [
    [
        [0.35617062557746915, 0.3848796205640088, 0.059732067367308135],
        [-0.3203328730983535, -0.4058852473281213, -0.11826859700013477],
    ],
    [0.3848796205640088, -0.3203328730983535, -0.11826859700013477, 0.4187670781073034],
]


def test_direction_is_that_of_optax(xp):
    grads = [xp.asarray(waves(2, 3)), xp.asarray(waves(4, frequency=2.0))]
    direction, norm = clipping.normalize(grads)
    assert_close(direction, [np.asarray(leaf) for leaf in OPTAX])
    assert_close(norm, np.asarray(np.linalg.norm(flat(grads))))


def test_leaf_by_leaf(xp):
    grads = {"w": xp.asarray([3.0, 4.0]), "b": xp.asarray(-2.0), "zero": xp.zeros((2,))}
    expected = {"w": np.asarray([0.6, 0.8]), "b": np.asarray(-1.0), "zero": np.zeros(2)}
    assert_close(clipping.normalize_leaves(grads), expected)


@few
@given(gradients)
def test_length_is_one_and_direction_kept(grads):
    direction, norm = clipping.normalize(grads)
    length = np.linalg.norm(flat(direction))
    assert length == pytest.approx(1.0 if norm > 0 else 0.0, rel=1e-12)
    np.testing.assert_allclose(flat(direction) * float(norm), flat(grads), rtol=1e-12, atol=1e-290)


@pytest.mark.parametrize("ord", [1, 3, math.inf])
def test_in_other_norms(xp, ord):
    direction, _ = clipping.normalize([xp.asarray(waves(5))], ord=ord)
    assert_close(direction, [waves(5) / np.linalg.norm(waves(5), ord)])
    assert_close(clipping.normalize_leaves([xp.asarray(waves(5))], ord=ord), direction_of(ord))


def direction_of(ord):
    return [waves(5) / np.linalg.norm(waves(5), ord)]


def test_what_is_added_keeps_short_gradients_short(xp):
    g = xp.asarray([3.0, 4.0])
    assert_close(clipping.normalize(g, eps=5.0)[0], np.asarray([0.3, 0.4]))
    assert_close(clipping.normalize_leaves([g], eps=5.0), [np.asarray([0.3, 0.4])])


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200, 1e307])
def test_range_is_no_obstacle(xp, scale):
    g = xp.asarray(np.asarray([3.0, 4.0]) * scale)
    assert_close(clipping.normalize(g)[0], np.asarray([0.6, 0.8]))


@pytest.mark.parametrize("ord", [1, 2, 3, math.inf])
def test_zero_stays_zero(xp, ord):
    grads = [xp.zeros((3,)), xp.zeros((0,))]
    direction, norm = clipping.normalize(grads, ord=ord)
    assert flat(direction).tolist() == [0.0] * 3
    assert float(to_host(norm)) == 0.0


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_policies(xp, bad):
    grads = {"a": xp.asarray([3.0, bad]), "b": xp.asarray([4.0])}
    expected = {"propagate": [math.nan] * 3, "zero": [0.6, 0.0, 0.8], "skip": [0.0] * 3}
    for policy, values in expected.items():
        direction = flat(clipping.normalize(grads, nonfinite=policy)[0])
        np.testing.assert_allclose(direction, values, rtol=1e-15)
    expected = {"propagate": [math.nan] * 2, "zero": [1.0, 0.0], "skip": [0.0] * 2}
    for policy, values in expected.items():
        leafwise = clipping.normalize_leaves(grads, nonfinite=policy)
        np.testing.assert_allclose(flat(leafwise), [*values, 1.0], rtol=1e-15)
    for function in (clipping.normalize, clipping.normalize_leaves):
        with pytest.raises(NonFiniteError, match=rf"{function.__name__}.* in grads\['a'\]"):
            function(grads, nonfinite="raise")


def test_nothing_negative_is_added():
    for function in (clipping.normalize, clipping.normalize_leaves):
        with pytest.raises(ArgumentError, match=rf"{function.__name__}\(eps\): got -1.0"):
            function(np.ones(2), eps=-1.0)
