"""Nelder-Mead: minima by values alone."""

import numpy as np
import pytest
import scipy.optimize

import anygrad as ag
from anygrad.solvers import Status, nelder_mead
from tests.solvers.bounded_problems import TABLE, chained


def test_it_needs_no_gradient(xp):
    start = xp.asarray([0.5, -0.5])

    def f(x):
        plain = ag.to_numpy(x)  # not differentiable: read on the host
        return abs(float(plain[0]) - 1.0) + 2.0 * abs(float(plain[1]) + 2.0)

    result = ag.minimize(f, start, method="nelder-mead")
    assert result.success, result.message
    assert np.abs(ag.to_numpy(result.x) - [1.0, -2.0]).max() < 1e-3
    assert (result.jac, result.njev) == (None, 0)
    assert type(result.x) is type(start)
    assert result.x.dtype == start.dtype
    assert not hasattr(result.fun, "shape") or result.fun.shape == ()
    assert ag.to_numpy(start).tolist() == [0.5, -0.5]


@pytest.mark.parametrize("adaptive", [True, False])
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_it_takes_the_steps_of_scipy(adaptive, n):
    def f(x):
        return ((x - 1.0) ** 2).sum() + ((x[1:] - x[:-1] ** 2) ** 2).sum() * 5.0

    start = np.linspace(-1.2, 0.0, n)  # an element that is 0 too
    ours = ag.minimize(f, start, method=nelder_mead(adaptive=adaptive))
    theirs = scipy.optimize.minimize(
        f, start, method="nelder-mead", options={"adaptive": adaptive and n > 1}
    )
    assert ours.success, ours.message
    assert (ours.nfev, ours.nit + 1) == (theirs.nfev, theirs.nit)  # SciPy counts the last test
    # the trials are the same but for rounding, which some hundred steps carry on
    assert np.abs(ours.x - theirs.x).max() < 1e-9
    assert abs(ours.fun - theirs.fun) < 1e-12


@pytest.mark.parametrize("name", ["hs1", "hs4", "hs5"])
def test_bounds_hold(name):
    problem = next(p for p in TABLE if p.name == name)

    def f(x):
        assert ((problem.lower <= x) & (x <= problem.upper)).all()
        return problem.f(x)

    bounds = (problem.lower, problem.upper)
    ours = ag.minimize(f, problem.start, method="nelder-mead", bounds=bounds)
    theirs = scipy.optimize.minimize(
        problem.f,
        np.clip(problem.start, *bounds),
        method="nelder-mead",
        bounds=scipy.optimize.Bounds(*bounds),
        options={"adaptive": True},
    )
    assert ours.success, ours.message
    assert abs(ours.fun - theirs.fun) < 1e-12
    assert ours.nfev == theirs.nfev
    assert abs(ours.fun - problem.minimum) < 2e-3


def test_a_start_at_the_upper_bounds_keeps_its_simplex():
    start, upper = np.asarray([2.0, 1.0]), np.asarray([2.0, 1.0])
    f = lambda x: (x[0] - 0.5) ** 2 + 3.0 * (x[1] - 0.25 * x[0]) ** 2
    ours = ag.minimize(f, start, method="nelder-mead", bounds=(-1.0, upper))
    theirs = scipy.optimize.minimize(
        f, start, method="nelder-mead", bounds=scipy.optimize.Bounds(-1.0, upper)
    )
    assert ours.nfev == theirs.nfev
    assert np.abs(ours.x - [0.5, 0.125]).max() < 1e-3


def test_a_corner_of_the_bounds_is_found():
    problem = next(p for p in TABLE if p.name == "hs45")  # all five variables end at a bound
    bounds = (problem.lower, problem.upper)
    result = ag.minimize(problem.f, problem.start, method="nelder-mead", bounds=bounds)
    assert result.success, result.message
    assert abs(result.fun - problem.minimum) < 1e-3


def test_tolerances_are_absolute_and_on_the_simplex():
    rough = ag.minimize(chained, np.full(3, -1.2), method="nelder-mead", xtol=1e-2, ftol=1e-2)
    fine = ag.minimize(chained, np.full(3, -1.2), method="nelder-mead", xtol=1e-10, ftol=1e-12)
    assert rough.success
    assert fine.success
    assert rough.nfev < fine.nfev
    assert np.abs(fine.x - 1.0).max() < 1e-9
    assert "simplex" in fine.message


def test_float32_stays_float32(quick_xp):
    start = quick_xp.zeros(2, dtype=quick_xp.float32)
    result = ag.minimize(
        lambda x: ag.namespace(x).sum((x - 0.75) ** 2), start, method="nelder-mead"
    )
    assert result.success, result.message
    assert result.x.dtype == quick_xp.float32
    assert np.abs(ag.to_numpy(result.x) - 0.75).max() < 1e-2


def test_trees_and_callbacks():
    seen = []

    def stop(now):
        seen.append((now.jac, float(now.fun)))
        return now.nit == 5

    tree = {"a": np.ones((2, 1)), "b": 2.0}
    result = ag.minimize(
        lambda t: (t["a"] ** 2).sum() + t["b"] ** 2, tree, method="nelder-mead", callback=stop
    )
    assert result.status is Status.STOPPED
    assert result.x["a"].shape == (2, 1)
    assert len(seen) == 5
    assert seen[-1][1] < 6.0
    assert {jac for jac, _ in seen} == {None}


def test_values_that_are_nan_are_avoided():
    outside = []

    def f(x):
        outside.append(x[1] > 1.5)
        return np.nan if outside[-1] else (x[0] - 1.0) ** 2 + (x[1] - 1.4) ** 2

    result = ag.minimize(f, np.asarray([0.3, 0.5]), method="nelder-mead")
    assert sum(outside) > 0
    assert result.success, result.message
    assert np.abs(result.x - [1.0, 1.4]).max() < 1e-3


def test_ends_have_a_status():
    def without_end(x):
        return -np.exp(np.abs(x).sum()) if np.abs(x).sum() < 700 else -np.inf

    unbounded = ag.minimize(without_end, np.ones(2), method="nelder-mead")
    assert unbounded.status is Status.UNBOUNDED
    bad = ag.minimize(lambda x: np.nan, np.ones(2), method="nelder-mead")
    assert bad.status is Status.NONFINITE
    short = ag.minimize(chained, np.full(3, -1.2), method="nelder-mead", max_steps=7)
    assert (short.status, short.nit) == (Status.MAX_STEPS, 7)
    few = ag.minimize(chained, np.full(3, -1.2), method="nelder-mead", max_evaluations=20)
    assert few.status is Status.MAX_EVALUATIONS
    assert few.nfev < 26
