"""GMRES: matrices that are not symmetric, restarts, and systems without a solution."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.linear import gmres


def general(n, shift, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, n)) + shift * np.eye(n), rng.normal(size=n)


def test_a_system_that_is_not_symmetric_on_all_libraries(xp):
    a, b = general(6, 4.0)
    there = xp.asarray(a)
    solved = gmres(lambda v: there @ v, xp.asarray(b), rtol=1e-13)
    assert solved.converged, solved.message
    assert solved.iterations <= 6
    assert type(solved.x) is type(there)
    np.testing.assert_allclose(ag.to_numpy(solved.x), np.linalg.solve(a, b), rtol=1e-10)


def test_the_residual_that_is_told_is_the_true_one():
    a, b = general(40, 8.0)
    solved = gmres(lambda v: a @ v, b, rtol=1e-3, restart=4)
    assert solved.converged
    np.testing.assert_allclose(np.linalg.norm(b - a @ solved.x), solved.residual, rtol=1e-8)
    assert solved.residual <= 1e-3 * np.linalg.norm(b)


def test_restarts_reach_the_same_solution():
    a, b = general(60, 12.0)
    for restart in (5, 60):
        solved = gmres(lambda v: a @ v, b, rtol=1e-12, restart=restart)
        assert solved.converged, solved.message
        np.testing.assert_allclose(solved.x, np.linalg.solve(a, b), atol=1e-11)


@pytest.mark.parametrize("scale", [1e-200, 1e150])
def test_lengths_neither_vanish_nor_overflow(scale):
    solved = gmres(lambda v: 2.0 * v, scale * np.ones(3))
    assert solved.converged
    np.testing.assert_allclose(solved.x, 0.5 * scale, rtol=1e-12)


def test_a_singular_system_is_no_success():
    a = np.diag([1.0, 2.0, 0.0])
    solved = gmres(lambda v: a @ v, np.ones(3))
    assert not solved.converged
    np.testing.assert_allclose(solved.residual, 1.0, rtol=1e-10)
    np.testing.assert_allclose(solved.x[:2], [1.0, 0.5], rtol=1e-10)


def test_products_that_run_out_and_a_right_side_of_zeros():
    a, _ = general(30, 3.0)
    solved = gmres(lambda v: a @ v, np.ones(30), max_steps=3)
    assert (solved.converged, solved.iterations) == (False, 3)
    solved = gmres(lambda v: a @ v, np.zeros(30))
    assert solved.converged
    assert not solved.x.any()
