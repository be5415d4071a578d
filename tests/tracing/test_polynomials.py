"""Polynomials: NumPy's values, derivatives by differences and by formulas."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, ShapeError
from tests.support import assert_close
from tests.support.host_copies import allow_host_copies
from tests.tracing.anywhere import check_library, library_tests, not_jax
from tests.tracing.laws import LAWS, check_first_order, check_value

RNG = np.random.default_rng(2)
X = np.array([[1.3, -0.4, 0.7, -2.1, 0.5], [0.6, 1.4, -1.8, 0.2, 1.1], [0.9, 0.1, -0.3, 0.8, -1.6]])
T = np.array([-1.0, -0.2, 0.4, 1.1, 2.0])

SPELLINGS = {
    "polyval": lambda x: np.polyval(x[0], x[1:]),
    "polyval at constants": lambda x: np.polyval(x[0], [0.5, 2.0]),
    "polyval of constants": lambda x: np.polyval([1, 0.5, -2.0], x),
    "polyval of a poly1d": lambda x: np.polyval(np.poly1d([1, 0.5, -2.0]), x),
    "polyadd": lambda x: np.polyadd(x[0], x[1, :2] ** 2),
    "polysub": lambda x: np.polysub([1.0, 2.0], x[1]),
    "polymul": lambda x: np.polymul(x[0], x[1, :2]),
    "polymul of constants": lambda x: np.polymul([0, 0, 2.0, 1.0], x[1]),
    "polyder": lambda x: np.polyder(x[0]) ** 2,
    "polyder 2": lambda x: np.polyder(x[0], 2),
    "polyint": lambda x: np.polyint(x[0]),
    "polyint 2": lambda x: np.polyint(x[0], 2, [1.0, 2.0]),
    "polyint one constant": lambda x: np.polyint(x[0], 2, x[1, 0]),
    "polyint not once": lambda x: np.polyint(x[0], 0),
    "poly": lambda x: np.poly(x[0]),
    "polyfit": lambda x: np.polyfit(T, x[0], 2),
    "polyfit of rows": lambda x: np.polyfit([0.0, 1.0, 3.0], x, 1),
    "polyfit traced": lambda x: np.polyfit(x[0], x[1], 2),
    "polyfit weights": lambda x: np.polyfit(T, x[0], 2, w=np.exp(x[1])),
    "polydiv": lambda x: np.polydiv(x[0], x[1, :3]),
    "polydiv by more": lambda x: np.polydiv(x[0, :2], x[1, :3]),
}


@pytest.mark.parametrize("law", [law for law in LAWS if law != "vmap"])
@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_numpy(name, law):
    LAWS[law](SPELLINGS[name], X)


@pytest.mark.parametrize("name", [name for name in SPELLINGS if "polydiv" not in name])
def test_a_batch_gives_what_a_loop_gives(name):
    LAWS["vmap"](SPELLINGS[name], X)


COMPLEX = ("polyval", "polyadd", "polymul", "polyder 2", "polyint", "poly", "polyfit")


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_values(name):
    x = X + 1j * X[::-1] ** 2
    check_value(SPELLINGS[name], x, scale=4.0)  # products of complex numbers
    check_first_order(SPELLINGS[name], x)


def test_leading_zeros_of_factors_are_left_out():
    x = np.array([0.0, 0.0, 2.0, -1.0])
    check_value(lambda x: np.polymul(x, [1.0, 3.0]), x)
    check_value(lambda x: np.polymul(x * 0.0, [1.0, 3.0]), x)
    (g,) = ag.vjp(lambda x: np.polymul(x, [1.0, 3.0]), x)[1](np.array([1.0, 10.0, 100.0]))
    assert_close(g, [0.0, 0.0, 31.0, 310.0])


def test_a_batch_keeps_the_whole_remainder():
    batch = np.stack([X[0], X[1]])
    quotient, rest = ag.vmap(lambda x: np.polydiv(x, [1.0, 0.5]))(batch)
    for k in range(2):
        q, r = np.polydiv(batch[k], [1.0, 0.5])
        assert_close(quotient[k], q)
        np.testing.assert_allclose(rest[k], [0.0] * (5 - r.size) + list(r), atol=1e-14)


# z^n + a z^(n-1) + ...: dz/da_k = -z^(n-k) / p'(z), where p(z) = 0
@pytest.mark.parametrize("p", [X[0], X[1, :4], np.array([2.0, 0.0, -8.0])])
def test_roots_move_by_the_implicit_function_theorem(p):
    value, tangent = ag.jvp(lambda p: np.roots(p), (p,), (np.eye(p.size)[1],))
    expected = np.roots(p)
    assert_close(value, expected)
    slopes = -(expected ** (p.size - 2)) / np.polyval(np.polyder(p), expected)
    np.testing.assert_allclose(tangent, slopes, rtol=1e-12, atol=1e-14)


def test_roots_at_0_and_leading_zeros():
    p = np.array([0.0, 1.0, -3.0, 2.0, 0.0, 0.0])
    value, _ = ag.vjp(lambda p: np.roots(p), p)
    np.testing.assert_allclose(value, np.roots(p), atol=1e-14)
    for short in ([0.0, 0.0], [3.0], [2.0, 0.0, 0.0]):
        p = np.array(short)
        check_value(lambda p: np.roots(p), p)


def test_conjugate_zeros_have_real_coefficients():
    z = np.array([1.0 + 2.0j, 1.0 - 2.0j, 0.5])
    check_value(lambda z: np.poly(z), z)
    check_value(lambda z: np.poly(z[:1]), z)


def test_the_characteristic_polynomial_ends_with_the_determinant():
    a = X[:, :3] + 2.0 * np.eye(3)
    check_value(lambda a: np.poly(a), a, scale=16.0)  # eigenvalues first
    g = ag.grad(lambda a: -np.real(np.poly(a)[3]))(a)
    np.testing.assert_allclose(g, np.linalg.det(a) * np.linalg.inv(a).T, rtol=1e-12, atol=1e-13)


def test_what_else_a_fit_gives():
    def f(x):
        return np.polyfit(T, x[0], 2, full=True)

    for found, expected in zip(ag.vjp(f, X)[0][:4], f(X)[:4], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    for cov in (True, "unscaled"):
        for y in (X[0], X.T):

            def g(y, cov=cov):
                return np.polyfit(T, y, 1, cov=cov)[1]

            check_value(g, y, scale=8.0)  # an inverse
            check_first_order(g, y)


def test_an_exact_fit_gives_the_coefficients():
    p = np.array([0.5, -1.0, 2.0])
    jacobian = ag.jacobian(lambda p: np.polyfit(T, np.polyval(p, T), 2))(p)
    np.testing.assert_allclose(jacobian, np.eye(3), atol=1e-13)


def test_too_few_points_are_reported_as_by_numpy():
    with pytest.warns(np.exceptions.RankWarning):
        ag.vjp(lambda y: np.polyfit(T[:2], y, 3), X[0, :2])


ANYWHERE = {
    "polyval": lambda xp, x: xp.polyval(x[0, :], x),
    "polyval of constants": lambda xp, x: xp.polyval([1.0, 2.0, 0.1], x),
    "polyadd": lambda xp, x: xp.polyadd(x[0, :], [1.0, 2.0]),
    "polyint": lambda xp, x: xp.polyder(xp.polyint(x[0, :], 2), 1),
    "poly": lambda xp, x: xp.poly(x[0, :]),
}


test_every_library_gives_the_same, test_jax_gives_the_same = library_tests(ANYWHERE, X)


def test_fits_and_roots_of_every_library(xp):
    not_jax(xp)
    with allow_host_copies():
        if xp.name != "strict":
            check_library(lambda xp, x: xp.polymul(x[0, :], x[1, :]), X, xp)
        check_library(lambda xp, x: xp.polyfit(x[0, :], x[1, :], 2), X, xp)


REFUSED = {
    "points": (lambda x: np.polyval(x[0], np.poly1d([1, 2])), ArgumentError, "polynomial"),
    "derivative": (lambda x: np.polyder(x[0], -1), ArgumentError, "0 or more"),
    "constants": (lambda x: np.polyint(x[0], 3, [1.0, 2.0]), ArgumentError, "2 constants"),
    "zeros": (lambda x: np.poly(x), ShapeError, "square matrix"),
    "roots": (lambda x: np.roots(x), ShapeError, "vector"),
    "lengths": (lambda x: np.polyfit(T[1:], x[0], 2), ShapeError, "one length"),
    "weights": (lambda x: np.polyfit(T, x[0], 2, w=T[1:]), ShapeError, "polyfit.w"),
    "covariances": (lambda x: np.polyfit(T, x[0], 4, cov=True), ArgumentError, "unscaled"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_wrong_arguments_are_refused(case):
    f, error, words = case
    with pytest.raises(error, match=words):
        ag.vjp(f, X)
