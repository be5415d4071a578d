"""The test problems are those of the paper: counts, published minima, gradients."""

import numpy as np
import pytest
from scipy.optimize import least_squares, minimize

import anygrad as ag
from tests.solvers.problems import PROBLEMS

ALL = pytest.mark.parametrize("problem", PROBLEMS, ids=[p.label for p in PROBLEMS])
PUBLISHED = [
    (p, m) for p in PROBLEMS for m in p.minima if m.published not in ("", "0") and m.at is None
]
AT = [(p, m) for p in PROBLEMS for m in p.minima if m.at is not None]


def name(pairs):
    return [f"{p.label}-{m.value:.4g}-{k}" for k, (p, m) in enumerate(pairs)]


def units(value, published):
    """How far a number is from ``published``, in units of its last digit."""
    digits, _, power = published.partition("e")
    places = len(digits.partition(".")[2])
    return abs(value - float(published)) / 10.0 ** (int(power or 0) - places)


def test_every_problem_of_the_paper_is_there():
    assert sorted({p.number for p in PROBLEMS}) == list(range(1, 36))
    assert [p.number for p in PROBLEMS] == sorted(p.number for p in PROBLEMS)
    assert len({p.label for p in PROBLEMS}) == len(PROBLEMS)


@ALL
def test_counts_and_the_dtype_are_those_of_the_table(problem):
    assert problem.x0.shape == (problem.n,)
    found = problem.residuals(problem.x0.astype(np.float32))
    assert (found.shape, found.dtype) == ((problem.m,), np.float32)


@ALL
def test_gradients_are_those_of_the_values(problem):
    # off the start, where problem 7 has its cut and some gradients vanish
    x = problem.x0 * 1.03 + 0.01
    ag.check_gradients(problem.f, x).raise_if_wrong()


@pytest.mark.parametrize(("problem", "minimum"), AT, ids=name(AT))
def test_f_has_the_published_value_at_the_published_point(problem, minimum):
    found = problem.f(np.array(minimum.at))
    # a point with nine digits, or far from one at infinity, is that near
    assert abs(found - minimum.value) <= 1e-9 * max(1.0, minimum.value)
    if not minimum.far:
        slope = ag.grad(problem.f)(np.array(minimum.at))
        curvature = np.abs(np.diag(ag.hessian(problem.f)(np.array(minimum.at))))
        reach = curvature * (np.abs(minimum.at) + 1.0)
        assert np.all(np.abs(slope) <= 1e-8 * reach + 1e-12)


@pytest.mark.parametrize(("problem", "minimum"), PUBLISHED, ids=name(PUBLISHED))
def test_the_published_minimum_is_reached(problem, minimum):
    if problem.number == 18:  # MINPACK finds the lower minimum, BFGS the published one
        options = {"gtol": 1e-10}
        value = minimize(
            ag.value_and_grad(problem.f), problem.x0, jac=True, method="BFGS", options=options
        ).fun
    else:
        tight = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, "max_nfev": 20000}
        slopes = ag.jacobian(problem.residuals)
        value = (
            2.0 * least_squares(problem.residuals, problem.x0, slopes, method="lm", **tight).cost
        )
    # 1e-8 where the last digits are rounding of the residuals
    assert value == pytest.approx(minimum.value, rel=1e-8)
    # the paper cuts digits off, 5.65564992... of problem 18 excepted, which it rounds
    assert units(value, minimum.published) < 1.0


@pytest.mark.parametrize("number", sorted({p.number for p in PROBLEMS}))
def test_the_problems_are_the_same_in_every_library(xp, number):
    problem = next(p for p in PROBLEMS if p.number == number)
    x = xp.asarray((problem.x0 * 1.03 + 0.01).tolist())
    here = ag.value_and_grad(problem.f)(problem.x0 * 1.03 + 0.01)
    found = ag.value_and_grad(problem.f)(x)
    assert found[1].dtype == x.dtype
    for expected, got in zip(here, found, strict=True):
        size = np.max(np.abs(expected)) + 1.0
        # terms of very different sizes cancel in some
        assert np.max(np.abs(ag.to_numpy(got) - expected)) <= 1e-10 * size
