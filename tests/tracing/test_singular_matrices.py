"""Matrices at which formulas of linear algebra divide by zero, but the function does not."""

import numpy as np
import pytest

import anygrad as ag
from tests.support import assert_close
from tests.tracing.test_linalg import A, B, P, T, check, close, slope, symmetric, weights

SINGULAR = {
    "rank 2": np.outer(A[0], A[1]) + np.outer(A[1], A[2]),
    "rank 1": np.outer(A[0], A[1]),
    "rank 0": np.zeros((3, 3)),
    "identity": np.eye(3),
    "regular": A,
    "two equal values": np.diag([2.0, 2.0, 0.0]),
    "nearly singular": np.outer(A[0], A[1]) + np.outer(A[1], A[2]) + 1e-9 * P,
}


@pytest.mark.parametrize("name", SINGULAR)
@pytest.mark.parametrize("order", [1, 2])
def test_determinants_of_singular_matrices(name, order):
    x = SINGULAR[name]
    f = np.linalg.det
    if order == 2:

        def f(x):
            return ag.grad(np.linalg.det)(x)

    tangent = ag.jvp(f, (x,), (P,))[1]
    close(tangent, slope(f, x, P))
    u = weights(np.asarray(tangent))
    (g,) = ag.vjp(f, x)[1](u)
    close(np.sum(g * P), np.sum(u * tangent), 1e-11)


@pytest.mark.parametrize("name", ["identity", "regular"])
def test_third_derivatives_of_determinants(name):
    def second(x):
        return ag.jvp(ag.grad(np.linalg.det), (x,), (B @ B.T,))[1]

    x = SINGULAR[name]
    close(ag.jvp(second, (x,), (P,))[1], slope(second, x, P), 1e-7)


def test_determinant_of_a_complex_singular_matrix():
    x = np.outer(A[0] + 1j * A[1], A[1]) + np.outer(A[1], A[2] - 1j * A[0])
    check(np.linalg.det, x, P + 1j * T[0])
    check(lambda x: ag.grad(np.linalg.det, holomorphic=True)(x), x, P + 1j * T[0])


EQUAL = {"identity": np.eye(3), "two": np.diag([1.0, 2.0, 2.0]), "turned": None}
TURN = np.linalg.qr(P)[0]
EQUAL["turned"] = symmetric(TURN @ np.diag([1.0, 2.0, 2.0]) @ TURN.T) / 2


@pytest.mark.parametrize("name", EQUAL)
def test_functions_of_equal_eigenvalues_have_finite_derivatives(name):
    x = EQUAL[name]

    def trace_of_function(x):
        w, v = np.linalg.eigh(symmetric(x) / 2)
        return np.trace(v @ np.diag(np.exp(w)) @ v.T)

    w, v = np.linalg.eigh(x)
    exponential = v @ np.diag(np.exp(w)) @ v.T
    assert_close(ag.grad(trace_of_function)(x), exponential, scale=10.0)
    sums = ag.grad(lambda x: np.sum(np.linalg.eigvalsh(symmetric(x) / 2) ** 3))(x)
    assert_close(sums, 3 * x @ x, scale=10.0)
    again = ag.jvp(ag.grad(trace_of_function), (x,), (symmetric(P),))[1]
    assert np.isfinite(again).all()


@pytest.mark.parametrize("x", [np.eye(3), 2.0 * TURN, TURN @ np.diag([1.0, 3.0, 3.0])])
def test_the_nuclear_norm_is_smooth_where_singular_values_are_equal(x):
    def f(x):
        return np.linalg.norm(x, "nuc")

    close(ag.jvp(f, (x,), (P,))[1], slope(f, x, P))
    close(ag.jvp(ag.grad(f), (x,), (P,))[1], slope(ag.grad(f), x, P))


def test_the_polar_factor_is_smooth_where_singular_values_are_equal():
    def f(x):
        u, _, vh = np.linalg.svd(x)
        return u @ vh

    for x in (np.eye(3), 2.0 * TURN, np.eye(3) + 0j):
        check(f, x, P.astype(x.dtype) * (1.0 + 0.5j if np.iscomplexobj(x) else 1.0))


@pytest.mark.parametrize("order", ["fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf, None])
def test_norms_of_zero_have_the_gradient_zero(order):
    g = ag.grad(lambda x: np.linalg.norm(x, order, axis=(0, 1)))(np.zeros((3, 2)))
    assert_close(g, np.zeros((3, 2)))


def test_singular_vectors_of_singular_matrices_stay_finite():
    for x in (np.zeros((3, 2)), np.outer(A[0], A[1]), np.eye(3)[:, :2]):
        value, pullback = ag.vjp(lambda x: np.linalg.svd(x, full_matrices=False), x)
        assert all(np.isfinite(g).all() for g in pullback(value))
