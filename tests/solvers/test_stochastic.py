"""Optimizers as methods of ``minimize``."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError
from anygrad.optimizers import OPTIMIZERS, evaluation_params
from anygrad.solvers import Status
from anygrad.solvers.stochastic import Stochastic

# Without a learning rate of their own.
RATES = {"lars": 0.1, "sgd": 0.05, "sign_sgd": 0.01, "signum": 0.01}


def quadratic(xp):
    d, c = xp.asarray([1.0, 3.0, 0.5, 2.0]), xp.asarray([1.0, -2.0, 0.25, 3.0])
    return lambda x: 0.5 * ag.namespace(x).sum((x - c) ** 2 * d)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_every_optimizer_takes_its_own_steps(name):
    f = quadratic(np)
    optimizer = OPTIMIZERS[name](RATES[name]) if name in RATES else OPTIMIZERS[name]()
    shape = (2, 2) if name == "muon" else (4,)
    start = np.full(4, 0.5).reshape(shape)

    def loss(x):
        return f(x.reshape(-1))

    method = optimizer if name in RATES else name
    result = ag.minimize(loss, start, method=method, max_steps=25, gtol=0.0, record="x")
    both = ag.value_and_grad(loss)
    params, state, best = start, optimizer.init(start), loss(start)
    for found in result.recorded["x"][1:]:
        value, grads = both(params)
        params, state = optimizer.step(params, grads, state, value=value, value_and_grad=both)
        shown = evaluation_params(params, state)
        assert np.abs(found - shown).max() <= 1e-14
        best = min(best, loss(shown))
    assert result.nit == 25
    assert abs(result.fun - best) <= 1e-14
    assert abs(loss(result.x) - best) <= 1e-14


@pytest.mark.parametrize("method", [ag.optimizers.adam(0.05), "polyak-sgd"], ids=["adam", "name"])
def test_minima_on_all_libraries(quick_xp, method):
    start = quick_xp.zeros(4)
    result = ag.minimize(quadratic(quick_xp), start, method=method, gtol=1e-5, max_steps=3000)
    assert result.success, result.message
    assert np.abs(ag.to_numpy(result.x) - [1.0, -2.0, 0.25, 3.0]).max() < 1e-4
    assert type(result.x) is type(start)
    assert not ag.to_numpy(start).any()


def test_an_optimizer_on_every_library(xp):
    result = ag.minimize(quadratic(xp), xp.zeros(4), method=ag.optimizers.sgd(0.1), max_steps=3)
    # by hand: x - c shrinks by 1 - 0.1 d in each step
    left = (1.0 - 0.1 * np.asarray([1.0, 3.0, 0.5, 2.0])) ** 3
    expected = np.asarray([1.0, -2.0, 0.25, 3.0]) * (1.0 - left)
    assert np.abs(ag.to_numpy(result.x) - expected).max() < 1e-12
    assert (result.nit, result.nfev, result.status) == (3, 4, Status.MAX_STEPS)


def test_trees_reach_the_optimizer():
    # groups go by path, so the optimizer must see the tree
    optimizer = ag.optimizers.sgd(0.1, groups=[("b", {"learning_rate": 0.0})])
    tree = {"a": np.ones((2, 2), dtype=np.float32), "b": np.ones(3)}

    def f(t):
        return (t["a"] ** 2).sum() + (t["b"] ** 2).sum()

    result = ag.minimize(f, tree, method=optimizer, max_steps=200)
    assert result.x["b"].tolist() == [1.0, 1.0, 1.0]
    assert np.abs(result.x["a"]).max() < 1e-6
    assert result.x["a"].dtype == np.float32


def test_the_best_point_is_kept():
    # in every seventh step errors are multiplied by 1 - 1.5 d, down to -3.5
    rates = ag.optimizers.sgd(lambda step: 1.5 if step % 7 == 2 else 0.2)
    result = ag.minimize(quadratic(np), np.zeros(4), method=rates, max_steps=21, gtol=0.0)
    values = result.history["fun"]
    assert (np.diff(values) > 0.0).any()
    assert result.fun == values.min()


def test_bounds_are_met_by_projection():
    result = ag.minimize(
        quadratic(np), np.zeros(4), method=ag.optimizers.adam(0.05), bounds=(-1.0, 1.5)
    )
    assert result.success, result.message
    assert np.abs(result.x - [1.0, -1.0, 0.25, 1.5]).max() < 1e-4
    assert (result.x[1], result.x[3]) == (-1.0, 1.5)


def test_sharpness_aware_steps_are_counted():
    method = ag.optimizers.sam(ag.optimizers.sgd(0.1))
    result = ag.minimize(quadratic(np), np.zeros(4), method=method, max_steps=10, gtol=0.0)
    assert (result.nit, result.nfev, result.njev) == (10, 21, 21)


def test_evaluation_points_are_counted():
    result = ag.minimize(
        quadratic(np), np.zeros(4), method="schedule-free-sgd", max_steps=10, gtol=0.0
    )
    assert result.nfev == 21


def test_warm_up_is_not_taken_for_the_end():
    rate = ag.schedules.warmup_cosine(0.1, 50, 400)
    slow = ag.optimizers.sgd(lambda step: 0.0 if step < 20 else rate(step))
    result = ag.minimize(quadratic(np), np.zeros(4), method=slow, max_steps=100)
    assert result.fun < 1.0
    assert result.nit == 100


def test_default_steps_suit_small_steps(monkeypatch):
    assert Stochastic.defaults == {"max_steps": 10_000}
    monkeypatch.setattr(Stochastic, "defaults", {"max_steps": 12})
    result = ag.minimize(quadratic(np), np.zeros(4), method=ag.optimizers.sgd(1e-9))
    assert (result.status, result.nit) == (Status.MAX_STEPS, 12)


def test_a_rate_that_is_too_large_is_told():
    with np.errstate(all="ignore"):
        result = ag.minimize(lambda x: (x**4).sum(), np.ones(2), method=ag.optimizers.sgd(10.0))
    assert result.status is Status.NONFINITE
    assert "learning rate" in result.message
    assert np.isfinite(result.fun)


def test_names_are_explained():
    with pytest.raises(ArgumentError, match=r"sgd\(0.01\)"):
        ag.minimize(quadratic(np), np.zeros(4), method="sgd")
    with pytest.raises(ArgumentError, match="Did you mean 'adam"):
        ag.minimize(quadratic(np), np.zeros(4), method="adamv")
    with pytest.raises(ArgumentError, match="no line search"):
        ag.minimize(quadratic(np), np.zeros(4), method="adam", search="backtracking")
