"""Matrix-free linear solvers against dense ones, on every library."""

import numpy as np
import pytest
from scipy.sparse.linalg import lsmr as scipy_lsmr

import anygrad as ag
from anygrad.linear import cg, lsmr

SHAPES = {"tall": (12, 5), "wide": (5, 12), "square": (6, 6)}


def products(xp, a):
    a = xp.asarray(a)
    return lambda v: a @ v, lambda u: xp.matrix_transpose(a) @ u


def random_system(shape):
    rng = np.random.default_rng(3)
    return rng.normal(size=shape), rng.normal(size=shape[0])


def test_cg_solves_a_positive_definite_system(xp):
    a, b = random_system((8, 8))
    a = a @ a.T + np.eye(8)
    found = cg(products(xp, a)[0], xp.asarray(b), rtol=1e-13)
    assert found.converged
    assert np.allclose(ag.to_numpy(found.x), np.linalg.solve(a, b), rtol=1e-11)
    assert np.isclose(found.residual, np.linalg.norm(a @ ag.to_numpy(found.x) - b), atol=1e-12)


def test_cg_starts_where_it_is_told(xp):
    a = np.diag([1.0, 2.0, 3.0])
    x = np.asarray([1.0, -2.0, 0.5])
    found = cg(products(xp, a)[0], xp.asarray(a @ x), x0=xp.asarray(x))
    assert (found.converged, found.iterations) == (True, 0)


def test_cg_reports_a_matrix_that_is_not_positive_definite(xp):
    found = cg(products(xp, np.diag([1.0, -1.0]))[0], xp.asarray([1.0, 2.0]))
    assert not found.converged
    assert "curvature" in found.message


def test_cg_says_that_steps_ran_out(xp):
    a, b = random_system((8, 8))
    found = cg(products(xp, a @ a.T + np.eye(8))[0], xp.asarray(b), max_steps=2)
    assert (found.converged, found.iterations) == (False, 2)
    assert "2 steps" in found.message


def test_cg_of_a_zero_right_side_is_zero(xp):
    found = cg(products(xp, np.eye(3))[0], xp.zeros(3))
    assert found.converged
    assert not ag.to_numpy(found.x).any()


@pytest.mark.parametrize("damp", [0.0, 0.7])
@pytest.mark.parametrize("shape", SHAPES)
def test_lsmr_finds_the_shortest_solution(xp, shape, damp):
    a, b = random_system(SHAPES[shape])
    found = lsmr(*products(xp, a), xp.asarray(b), damp=damp, atol=1e-13, btol=1e-13)
    stacked = np.vstack([a, damp * np.eye(a.shape[1])])
    right = np.concatenate([b, np.zeros(a.shape[1])])
    expected = np.linalg.lstsq(stacked, right, rcond=1e-14)[0] if damp else np.linalg.pinv(a) @ b
    x = ag.to_numpy(found.x)
    assert found.converged
    assert np.allclose(x, expected, rtol=1e-9, atol=1e-11)
    residual = np.linalg.norm(stacked @ x - right)
    assert np.isclose(found.residual, residual, rtol=1e-9, atol=1e-11)


def test_lsmr_of_deficient_rank_takes_the_shortest(xp):
    a = np.asarray([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    b = np.asarray([1.0, 0.0, 2.0, -1.0])
    found = lsmr(*products(xp, a), xp.asarray(b))
    assert np.allclose(ag.to_numpy(found.x), np.linalg.pinv(a) @ b, atol=1e-9)


def test_lsmr_takes_about_as_many_steps_as_scipys():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(200, 60)) * np.logspace(0, 3, 60)
    b = rng.normal(size=200)
    ours = lsmr(*products(np, a), b, atol=1e-10, btol=1e-10)
    theirs = scipy_lsmr(a, b, atol=1e-10, btol=1e-10, conlim=0, maxiter=5000)
    assert ours.converged
    assert abs(ours.iterations - theirs[2]) <= 0.1 * theirs[2] + 2


@pytest.mark.parametrize("b", [np.zeros(3), np.asarray([0.0, 0.0, 1.0])], ids=["zero", "outside"])
def test_lsmr_returns_zero_where_nothing_can_be_gained(xp, b):
    a = np.asarray([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    found = lsmr(*products(xp, a), xp.asarray(b))
    assert found.converged
    assert not ag.to_numpy(found.x).any()


def test_lsmr_says_that_steps_ran_out(xp):
    a, b = random_system((12, 5))
    found = lsmr(*products(xp, a), xp.asarray(b), max_steps=1)
    assert (found.converged, found.iterations) == (False, 1)


def test_lsmr_does_not_call_a_broken_product_a_solution(xp):
    a = np.asarray([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    matvec, rmatvec = products(xp, a)
    found = lsmr(lambda v: matvec(v) * float("nan"), rmatvec, xp.asarray([1.0, 2.0, 0.0]))
    assert not found.converged
    assert "not finite" in found.message


@pytest.mark.parametrize("solve", ["cg", "lsmr"])
def test_precision_is_kept(xp, solve):
    a = xp.asarray(np.diag([1.0, 2.0, 3.0]), dtype=xp.float32)
    b = xp.asarray([1.0, 1.0, 1.0], dtype=xp.float32)
    found = (
        cg(lambda v: a @ v, b, rtol=1e-6)
        if solve == "cg"
        else lsmr(lambda v: a @ v, lambda u: a @ u, b, atol=1e-6, btol=1e-6)
    )
    assert found.x.dtype == xp.float32
    assert np.allclose(ag.to_numpy(found.x), [1.0, 0.5, 1.0 / 3.0], rtol=1e-5)
