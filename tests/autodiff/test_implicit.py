"""Derivatives of solutions: against formulas, of any order, mode and batch."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ShapeError

scipy_optimize = pytest.importorskip("scipy.optimize", reason="SciPy is not installed")


def cubic(a):
    return scipy_optimize.brentq(lambda x: x**3 + x - float(a), -10.0, 10.0, xtol=1e-15, rtol=1e-15)


ROOT = ag.implicit_root(lambda x, a: x**3 + x - a, cubic)


def slope(a):
    return 1.0 / (3.0 * cubic(a) ** 2 + 1.0)


def test_derivatives_of_every_order_of_a_root_of_brentq():
    x, s = cubic(10.0), slope(10.0)
    np.testing.assert_allclose(ROOT(10.0), x, rtol=1e-15)
    np.testing.assert_allclose(ag.grad(ROOT)(10.0), s, rtol=1e-14)
    np.testing.assert_allclose(ag.jvp(ROOT, (10.0,), (2.0,))[1], 2.0 * s, rtol=1e-14)
    np.testing.assert_allclose(ag.grad(ag.grad(ROOT))(10.0), -6.0 * x * s**3, rtol=1e-13)
    third = 108.0 * x**2 * s**5 - 6.0 * s**4
    np.testing.assert_allclose(ag.grad(ag.grad(ag.grad(ROOT)))(10.0), third, rtol=1e-12)
    forward = ag.jvp(ag.grad(ROOT), (10.0,), (1.0,))[1]
    np.testing.assert_allclose(forward, -6.0 * x * s**3, rtol=1e-13)


def test_batches():
    a = np.asarray([1.0, 5.0, 10.0])
    np.testing.assert_allclose(ag.vmap(ROOT)(a), [cubic(v) for v in a], rtol=1e-15)
    slopes = [slope(v) for v in a]
    np.testing.assert_allclose(ag.vmap(ag.grad(ROOT))(a), slopes, rtol=1e-14)
    np.testing.assert_allclose(ag.grad(lambda a: np.sum(ag.vmap(ROOT)(a)))(a), slopes, rtol=1e-14)
    assert ag.hessian(lambda a: ROOT(a[0]) * ROOT(a[1]))(a[:2]).shape == (2, 2)


M = np.random.default_rng(0).normal(size=(6, 3))
B = np.random.default_rng(1).normal(size=6)


def ridge(w, strength):
    return np.sum((M @ w - B) ** 2) + strength * np.sum(w**2)


def ridge_solution(strength):
    return np.linalg.solve(M.T @ M + float(strength) * np.eye(3), M.T @ B)


def exact(strength):
    """-(M'M + s I)^-1 w, the derivative of the solution by the strength."""
    return -np.linalg.solve(M.T @ M + strength * np.eye(3), ridge_solution(strength))


def conjugate_gradients(matvec, b):
    from scipy.sparse.linalg import LinearOperator, cg

    return cg(LinearOperator((b.size, b.size), matvec=matvec, dtype=float), b, rtol=1e-15)[0]


@pytest.mark.parametrize("linear_solve", [None, conjugate_gradients])
def test_inner_optimisation_dense_and_matrix_free(linear_solve):
    best = ag.implicit_root(ag.grad(ridge), ridge_solution, linear_solve=linear_solve)
    np.testing.assert_allclose(ag.jvp(best, (0.7,), (1.0,))[1], exact(0.7), rtol=1e-12)
    if linear_solve is None:
        np.testing.assert_allclose(ag.jacobian(best)(0.7), exact(0.7), rtol=1e-12)
    reverse = ag.grad(lambda s: np.sum(best(s) ** 2))(0.7)
    np.testing.assert_allclose(reverse, 2 * ridge_solution(0.7) @ exact(0.7), rtol=1e-12)


def test_fixed_points_of_trees_on_every_backend(xp):
    if xp.name == "strict":
        pytest.skip("array-api-strict refuses plain * traced, which the residual writes")

    # x = cos(x) * p, one equation an element
    def iterate(p):
        x = ag.value(p["p"]) * 0.0 + 0.5
        for _ in range(200):
            x = ag.namespace(x).cos(x) * ag.value(p["p"])
        return {"x": x}

    def residual(x, p):
        return {"r": x["x"] - ag.namespace(x["x"]).cos(x["x"]) * p["p"]}

    fixed = ag.implicit_root(residual, iterate)
    values = np.asarray([0.3, 0.6, 0.8])
    p = {"p": xp.asarray(values)}
    found = ag.grad(lambda p: ag.namespace(p["p"]).sum(fixed(p)["x"]))(p)["p"]
    x = iterate({"p": values})["x"]
    expected = np.cos(x) / (1.0 + values * np.sin(x))
    from tests.support import to_host

    np.testing.assert_allclose(to_host(found), expected, rtol=1e-13)


def test_another_number_of_equations_is_said():
    wrong = ag.implicit_root(lambda x, a: np.stack([x, x]) * a, lambda a: float(a))
    with pytest.raises(ShapeError, match="2 equations"):
        ag.grad(wrong)(2.0)
