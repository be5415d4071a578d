"""``minimize``: what holds for every method, on every library."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.solvers import Status
from anygrad.solvers.methods import METHODS

CURVATURES = [1.0, 3.0, 0.5, 2.0]
TARGET = [1.0, -2.0, 0.25, 3.0]


def quadratic(xp):
    d, c = xp.asarray(CURVATURES), xp.asarray(TARGET)
    return lambda x: 0.5 * ag.namespace(x).sum((x - c) ** 2 * d)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_finds_the_minimum_of_a_quadratic(xp, method):
    start = xp.zeros(4)
    by_values = {"ftol": 1e-14, "xtol": 1e-7}
    options = by_values if method == "nelder-mead" else {"gtol": 1e-8}
    result = ag.minimize(quadratic(xp), start, method=method, **options)
    assert result.success, result.message
    assert np.abs(ag.to_numpy(result.x) - TARGET).max() < 1e-6
    assert type(result.x) is type(start)
    assert result.x.dtype == start.dtype
    assert not ag.to_numpy(start).any()


def test_a_tree_keeps_its_structure_and_dtypes(xp):
    start = {"a": xp.zeros((2, 2), dtype=xp.float32), "b": [xp.zeros(3, dtype=xp.float64)]}

    def f(tree):
        names = ag.namespace(tree["a"])
        left = names.sum((tree["a"] - 1.0) ** 2)
        return names.astype(left, tree["b"][0].dtype) + names.sum((tree["b"][0] + 2.0) ** 4)

    result = ag.minimize(f, start)
    assert result.success, result.message
    assert result.x["a"].dtype == xp.float32
    assert result.x["b"][0].dtype == xp.float64
    assert np.abs(ag.to_numpy(result.x["a"]) - 1.0).max() < 1e-4


def test_a_callback_can_stop(xp):
    seen = []

    def stop(now):
        seen.append(now.nit)
        return now.nit == 2

    result = ag.minimize(quadratic(xp), xp.zeros(4), method="lbfgs", callback=stop)
    assert (result.status, result.success, seen) == (Status.STOPPED, False, [1, 2])
