"""Matrices at which formulas of linear algebra divide by zero, but the function does not."""

import numpy as np
import pytest
from scipy.linalg import polar

import anygrad as ag
from tests.support import assert_close, difference
from tests.tracing.test_linalg import A, B, P, T, check, close, symmetric, weights

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
    close(tangent, difference(f, x, P))
    u = weights(np.asarray(tangent))
    (g,) = ag.vjp(f, x)[1](u)
    close(np.sum(g * P), np.sum(u * tangent), 1e-11)


@pytest.mark.parametrize("name", ["identity", "regular"])
def test_third_derivatives_of_determinants(name):
    def second(x):
        return ag.jvp(ag.grad(np.linalg.det), (x,), (B @ B.T,))[1]

    x = SINGULAR[name]
    close(ag.jvp(second, (x,), (P,))[1], difference(second, x, P), 1e-7)


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
    sums = ag.grad(lambda x: np.sum(np.linalg.eigvalsh(symmetric(x) / 2) ** 3))(x)
    assert_close(sums, 3 * x @ x, scale=10.0)

    def f(x):
        w, _ = np.linalg.eigh(symmetric(x) / 2)
        return np.sum(np.exp(w))

    w, v = np.linalg.eigh(x)
    assert_close(ag.grad(f)(x), v @ np.diag(np.exp(w)) @ v.T, scale=10.0)


def test_vectors_of_simple_eigenvalues_beside_equal_ones_have_their_derivative():
    """The largest of four eigenvalues, of which the others are 0: a covariance of rank 1."""
    x = np.outer(np.arange(1.0, 5.0), np.arange(1.0, 5.0))

    def f(x):
        w, v = np.linalg.eigh(x)
        return w[-1] * np.abs(v[0, -1]) + np.linalg.svd(x)[0][1, 0] ** 2

    direction = np.cos(np.arange(16.0)).reshape(4, 4)
    direction = direction + direction.T
    slope_along = difference(f, x, direction)
    close(ag.jvp(f, (x,), (direction,))[1], slope_along, 1e-7)
    lower = np.tril(direction) + np.tril(direction, -1) * 0.0
    by_svd = ag.grad(lambda x: np.linalg.svd(x)[0][1, 0] ** 2)(x)
    by_eigh = ag.grad(lambda x: np.linalg.eigh(x)[0][-1] * np.abs(np.linalg.eigh(x)[1][0, -1]))(x)
    close(np.sum(by_svd * direction) + np.sum(by_eigh * lower), slope_along, 1e-7)


SPECTRAL = {
    "itself": lambda x: rebuilt(x, lambda w: w),
    "logarithm at the identity": lambda x: rebuilt(x, np.log),
    "square": lambda x: rebuilt(x, np.square),
    "by singular values": lambda x: by_svd(x),
    "a space": lambda x: (lambda v: v[:, :2] @ v[:, :2].T)(np.linalg.eigh(x)[1]),
}


def rebuilt(x, f):
    w, v = np.linalg.eigh(x)
    return v @ np.diag(f(w)) @ v.T


def by_svd(x):
    u, s, vh = np.linalg.svd(x)
    return (u * s) @ vh


@pytest.mark.parametrize("name", SPECTRAL)
@pytest.mark.parametrize("x", [np.eye(3), np.diag([2.0, 1.0, 1.0]), np.diag([3.0, 0.0, 0.0])])
def test_what_is_computed_from_vectors_of_equal_values_is_nan_and_never_wrong(name, x):
    if name == "logarithm at the identity" and x[1, 1] == 0:
        x = np.diag([3.0, 1.0, 1.0])
    if name == "a space" and np.linalg.eigvalsh(x)[1] != np.linalg.eigvalsh(x)[2]:
        x = np.diag([1.0, 2.0, 2.0])  # of the two largest, of which one is left out
    weight = np.cos(np.arange(9.0)).reshape(3, 3)
    f = lambda x: np.sum(SPECTRAL[name](x) * weight)
    g, along = ag.grad(f)(x), ag.jvp(f, (x,), (symmetric(P),))[1]
    assert np.isnan(along)
    if name == "square" and x[1, 1] == 0:  # equal eigenvalues that have no part in it
        close(np.sum(g * symmetric(P)), difference(f, x, symmetric(P)), 1e-7)
    else:
        assert np.isnan(g).any()


def test_second_derivatives_of_sums_over_equal_values_are_nan():
    f = lambda x: np.sum(np.linalg.eigvalsh(x) ** 3)
    assert np.isnan(ag.jvp(ag.grad(f), (np.eye(3),), (symmetric(P),))[1]).any()
    f = lambda x: np.sum(np.linalg.svd(x, compute_uv=False) ** 2)
    assert np.isnan(ag.jvp(ag.grad(f), (np.eye(3),), (P,))[1]).any()


@pytest.mark.parametrize("x", [np.eye(3), 2.0 * TURN, TURN @ np.diag([1.0, 3.0, 3.0])])
def test_the_nuclear_norm_is_smooth_where_singular_values_are_equal(x):
    def f(x):
        return np.linalg.norm(x, "nuc")

    close(ag.jvp(f, (x,), (P,))[1], difference(f, x, P))
    close(ag.jvp(ag.grad(f), (x,), (P,))[1], difference(ag.grad(f), x, P))


def test_the_polar_factor_is_smooth_where_singular_values_are_equal():
    def f(x):
        return polar(x)[0]

    for x in (np.eye(3), 2.0 * TURN, np.eye(3) + 0j):
        check(f, x, P.astype(x.dtype) * (1.0 + 0.5j if np.iscomplexobj(x) else 1.0))


@pytest.mark.parametrize("order", ["fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf, None])
def test_norms_of_zero_have_the_gradient_zero(order):
    g = ag.grad(lambda x: np.linalg.norm(x, order, axis=(0, 1)))(np.zeros((3, 2)))
    assert_close(g, np.zeros((3, 2)))


def test_singular_vectors_of_rectangular_matrices_that_are_singular_have_no_derivative():
    for x in (np.zeros((3, 2)), np.outer(A[0], A[1])[:, :2]):
        value, pullback = ag.vjp(lambda x: np.linalg.svd(x, full_matrices=False), x)
        assert np.isnan(pullback(value)[0]).any()
