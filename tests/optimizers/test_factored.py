import numpy as np
import pytest

from anygrad import schedules
from anygrad.errors import ArgumentError
from anygrad.optimizers import adafactor
from anygrad.optimizers.families.factored import axes_to_factor
from tests.support import assert_close, to_host


@pytest.mark.parametrize(
    ("shape", "least", "which", "axes"),
    [
        ((128, 200), 128, "largest", (0, 1)),
        ((200, 128), 128, "largest", (1, 0)),
        ((200, 127), 128, "largest", None),
        ((3, 3, 64, 128), 64, "largest", (2, 3)),
        ((128, 64, 3, 3), 64, "largest", (1, 0)),
        ((128, 64, 3, 3), 64, "last", None),
        ((128, 64, 3, 3), 1, "last", (2, 3)),
        ((0, 2), 1, "last", None),
        ((0, 2), 1, "largest", None),
        ((9,), 1, "last", None),
        ((), 1, "largest", None),
    ],
)
def test_axes_are_those_of_each_convention(shape, least, which, axes):
    assert axes_to_factor(shape, True, least, which) == axes
    assert axes_to_factor(shape, False, least, which) is None


def test_large_matrix_keeps_two_vectors(xp):
    params = {"w": xp.zeros((130, 200)), "small": xp.zeros((5, 200)), "b": xp.zeros(7)}
    state = adafactor().init(params)
    assert state["v_row"]["w"].shape == (130,)
    assert state["v_col"]["w"].shape == (200,)
    assert state["v"]["w"] is None
    assert [state[slot]["small"] for slot in ("v_row", "v_col")] == [None, None]
    assert state["v"]["small"].shape == (5, 200)
    assert state["v"]["b"].shape == (7,)
    assert "m" not in state


@pytest.mark.parametrize("place", ["squares", "estimate"])
def test_factors_of_rank_one_are_exact(xp, place):
    rng = np.random.default_rng(0)
    signs = np.sign(rng.normal(size=(4, 5)))
    grads = xp.asarray(signs * rng.uniform(1, 2, (4, 1)) * rng.uniform(1, 2, (1, 5)))
    params, results = xp.asarray(rng.normal(size=(4, 5))), []
    for factored in (True, False):
        optimizer = adafactor(min_dim_size_to_factor=4, factored=factored, eps_place=place)
        results.append(optimizer.step(params, grads, optimizer.init(params))[0])
    assert_close(results[0], to_host(results[1]))


@pytest.mark.parametrize("compat", [None, "optax", "torch"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1.0, 1e15])
def test_rows_and_columns_without_gradients_stay_finite(xp, compat, dtype, size):
    grads = np.full((4, 5), size, dtype=dtype)
    grads[1, :] = 0.0
    grads[:, 2] = 0.0
    optimizer = adafactor(0.1, min_dim_size_to_factor=2, compat=compat)
    params = xp.asarray(np.ones((4, 5), dtype=dtype))
    state = optimizer.init(params)
    for _ in range(3):
        params, state = optimizer.step(params, xp.asarray(grads), state)
    got = to_host(params)
    assert np.isfinite(got).all()
    assert (got[1, :] == 1.0).all()
    assert (got[0, 0] < 1.0).all()


def test_step_is_relative_to_the_parameters(xp):
    params = xp.asarray([100.0, -100.0])
    optimizer = adafactor(0.1)
    stepped, _ = optimizer.step(params, xp.asarray([1e-3, 1e3]), optimizer.init(params))
    assert_close(stepped, np.asarray([90.0, -110.0]))


def test_rate_falls_with_the_root_of_the_step():
    constant = {"eps2": 1.0, "d": None, "beta2_decay": 0.0}
    optimizer = adafactor(10.0, **constant)
    params, state = np.zeros(1), optimizer.init(np.zeros(1))
    moves = []
    for _ in range(4):
        updates, state = optimizer.update(np.ones(1), state, params)
        moves.append(float(updates[0]))
    np.testing.assert_allclose(moves, [-1 / np.sqrt(t) for t in (1, 2, 3, 4)], rtol=1e-12)


def test_offset_restarts_the_mean():
    restarted = adafactor(decay_offset=3.0)
    state = restarted.init(np.zeros(1))
    for g, expected in ((1.0, 1.0), (2.0, 4.0), (3.0, 9.0), (4.0, 16.0)):
        _, state = restarted.update(np.asarray([g]), state, np.zeros(1))
        assert_close(state["v"], np.asarray([expected]))
    _, state = restarted.update(np.asarray([0.0]), state, np.zeros(1))
    assert_close(state["v"], np.asarray([16.0 * (1 - 2**-0.8)]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_eps1_of_torch_is_that_of_the_dtype(dtype):
    # a gradient far below eps is divided by eps
    optimizer = adafactor(1.0, compat="torch", eps2=1.0)
    params, g = np.zeros(1, dtype), np.asarray([1e-12 if dtype == np.float32 else 1e-20], dtype)
    stepped, _ = optimizer.step(params, g, optimizer.init(params))
    np.testing.assert_allclose(stepped, -g / np.finfo(dtype).eps, rtol=1e-6)


def test_matrix_quadratic_is_minimised():
    rng = np.random.default_rng(0)
    target = rng.normal(size=(6, 4))
    optimizer = adafactor(schedules.cosine(0.1, 400), min_dim_size_to_factor=2, momentum=0.5)
    params = np.zeros((6, 4))
    state = optimizer.init(params)
    for _ in range(400):
        params, state = optimizer.step(params, 3 * (params - target), state)
    assert np.abs(params - target).max() < 0.01


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"eps1": 0.0}, r"adafactor\(eps1\): got 0.0; expected a number > 0"),
        ({"d": -1.0}, r"adafactor\(d\): got -1.0"),
        ({"beta2_decay": 0.8}, r"adafactor\(beta2_decay\): got 0.8"),
        ({"min_dim_size_to_factor": 0}, r"adafactor\(min_dim_size_to_factor\): got 0"),
        ({"factored_axes": "lst"}, r"adafactor\(factored_axes\): got 'lst'.*Did you mean 'last'"),
    ],
    ids=str,
)
def test_wrong_values_are_refused(keywords, words):
    with pytest.raises(ArgumentError, match=words):
        adafactor(**keywords)
