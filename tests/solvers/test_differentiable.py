"""Solutions as functions of ``args``: derivatives against closed forms and solved neighbours."""

import numpy as np
import pytest

import anygrad as ag
import anygrad.autodiff.implicit as implicit
from anygrad.errors import TraceError, UnconvergedWarning
from anygrad.solvers import fixed_point, proximal, proximal_gradient, root

M = np.random.default_rng(0).normal(size=(8, 3))
Y = np.random.default_rng(1).normal(size=8)


def ridge(w, strength):
    return 0.5 * np.sum((M @ w - Y) ** 2) + 0.5 * strength * np.sum(w * w)


def best(strength):
    return ag.minimize(ridge, np.zeros(3), args=(strength,), gtol=1e-11).x


def inverse(strength):
    return np.linalg.inv(M.T @ M + strength * np.eye(3))


def exact(strength):
    return inverse(strength) @ (M.T @ Y)


S = 0.7
FIRST = -inverse(S) @ exact(S)
SECOND = 2.0 * inverse(S) @ inverse(S) @ exact(S)


def test_ridge_in_every_mode():
    np.testing.assert_allclose(best(S), exact(S), rtol=1e-9)
    np.testing.assert_allclose(ag.jacobian(best)(S), FIRST, rtol=1e-8)
    np.testing.assert_allclose(ag.jvp(best, (S,), (2.0,))[1], 2.0 * FIRST, rtol=1e-8)
    np.testing.assert_allclose(ag.grad(lambda s: best(s)[1])(S), FIRST[1], rtol=1e-8)
    np.testing.assert_allclose(ag.vjp(best, S)[1](np.ones(3))[0], FIRST.sum(), rtol=1e-8)


def test_ridge_second_derivatives():
    total = lambda s: np.sum(best(s))
    np.testing.assert_allclose(ag.grad(ag.grad(total))(S), SECOND.sum(), rtol=1e-7)
    np.testing.assert_allclose(ag.jvp(ag.grad(total), (S,), (1.0,))[1], SECOND.sum(), rtol=1e-7)
    np.testing.assert_allclose(ag.hessian(total)(S), SECOND.sum(), rtol=1e-7)


def test_ridge_under_vmap():
    strengths = np.asarray([0.1, 0.7, 3.0])
    slopes = [(-inverse(s) @ exact(s)).sum() for s in strengths]
    found = ag.vmap(ag.grad(lambda s: np.sum(best(s))))(strengths)
    np.testing.assert_allclose(found, slopes, rtol=1e-7)
    outside = ag.grad(lambda ss: np.sum(ag.vmap(best)(ss)))(strengths)
    np.testing.assert_allclose(outside, slopes, rtol=1e-7)


def test_the_value_is_differentiable_and_other_fields_are_plain():
    kept = {}

    def value(s):
        kept["result"] = result = ag.minimize(ridge, np.zeros(3), args=(s,), gtol=1e-11)
        return result.fun

    # the envelope theorem: only the explicit dependence counts
    np.testing.assert_allclose(ag.grad(value)(S), 0.5 * np.sum(exact(S) ** 2), rtol=1e-9)
    result = kept["result"]
    assert result.success is True
    assert type(result.nit) is int
    assert type(result.jac) is np.ndarray
    second = 0.5 * 2.0 * exact(S) @ FIRST
    np.testing.assert_allclose(ag.grad(ag.grad(value))(S), second, rtol=1e-7)


def test_every_library_gets_gradients_of_its_own(quick_xp):
    xp = quick_xp
    a = xp.asarray([[3.0, 1.0], [1.0, 2.0]])

    def f(x, b):
        names = ag.namespace(x["x"])
        x = x["x"]
        return 0.5 * names.sum(x * names.matmul(a, x)) - names.sum(x * b["b"])

    def total(b):
        result = ag.minimize(f, {"x": xp.zeros(2)}, args=({"b": b},), gtol=1e-9)
        return ag.namespace(result.x["x"]).sum(result.x["x"] * result.x["x"])

    b = xp.asarray([1.0, -2.0])
    found = ag.grad(total)(b)
    assert type(found) is type(b)
    h = np.linalg.inv(ag.to_numpy(a))
    np.testing.assert_allclose(ag.to_numpy(found), 2.0 * h @ h @ ag.to_numpy(b), rtol=1e-6)


def test_a_quadratic_program_with_bounds():
    h = np.asarray([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 1.5]])

    def f(x, b):
        return 0.5 * np.sum(x * (h @ x)) - np.sum(b * x)

    def solution(b):
        return ag.minimize(f, np.full(3, 0.5), args=(b,), bounds=(0.0, 1.0), gtol=1e-11).x

    b = np.asarray([1.0, -1.0, 3.0])  # x = (0.5, 0, 1): inside, at the lower and the upper bound
    np.testing.assert_allclose(solution(b), [0.5, 0.0, 1.0], atol=1e-9)
    expected = np.zeros((3, 3))
    expected[0, 0] = 1.0 / h[0, 0]
    np.testing.assert_allclose(ag.jacobian(solution)(b), expected, atol=1e-9)


def kepler(e, mean, eccentricity):
    return e - eccentricity * np.sin(e) - mean


@pytest.mark.parametrize("method", ["newton", "broyden", "anderson"])
def test_the_equation_of_kepler(method):
    def anomaly(mean, eccentricity):
        return root(kepler, np.ones(1), args=(mean, eccentricity), method=method).x[0]

    e = anomaly(1.0, 0.5)
    np.testing.assert_allclose(e, 1.4987011335178, rtol=1e-10)
    bottom = 1.0 - 0.5 * np.cos(e)
    by_mean, by_eccentricity = ag.grad(anomaly, (0, 1))(1.0, 0.5)
    np.testing.assert_allclose(by_mean, 1.0 / bottom, rtol=1e-9)
    np.testing.assert_allclose(by_eccentricity, np.sin(e) / bottom, rtol=1e-9)
    # the second derivative of E(M): -e sin E / (1 - e cos E)^3
    second = ag.grad(ag.grad(anomaly))(1.0, 0.5)
    np.testing.assert_allclose(second, -0.5 * np.sin(e) / bottom**3, rtol=1e-8)


def test_a_softmax_fixed_point():
    def g(x, w):
        z = np.exp(w @ x)
        return z / np.sum(z)

    def solution(w):
        return fixed_point(g, np.full(3, 1.0 / 3.0), args=(w,), ftol=1e-13).x

    w = np.random.default_rng(2).normal(size=(3, 3))
    x = solution(w)
    softmax_slope = np.diag(x) - np.outer(x, x)
    by_w = np.einsum("ij,k->ijk", softmax_slope, x)
    left = np.eye(3) - softmax_slope @ w
    expected = np.linalg.solve(left, by_w.reshape(3, 9)).reshape(3, 3, 3)
    np.testing.assert_allclose(ag.jacobian(solution)(w), expected, rtol=1e-8, atol=1e-12)


def test_fixed_points_and_fits_on_every_library(quick_xp):
    xp = quick_xp

    def total(a):
        names = ag.namespace(a)
        x = fixed_point(lambda x, a: names.multiply(names.cos(x), a), xp.zeros(2), args=(a,)).x
        p = ag.least_squares(lambda p, a: [names.multiply(p, a) - 1.0], xp.ones(2), args=(a,)).x
        q = ag.minimize(
            lambda q, a: names.sum(names.subtract(q, a) ** 2),
            xp.zeros(2),
            args=(a,),
            bounds=(0.0, 0.5),
        ).x
        r = proximal_gradient(
            lambda r, a: 0.5 * names.sum(names.subtract(r, a) ** 2),
            xp.zeros(2),
            proximal.l1(0.4),
            args=(a,),
        ).x
        return names.sum(x) + names.sum(p) + names.sum(q) + names.sum(r)

    a = np.asarray([0.3, 0.6])
    x = ag.to_numpy(fixed_point(lambda x: ag.namespace(x).cos(x) * xp.asarray(a), xp.zeros(2)).x)
    expected = np.cos(x) / (1.0 + a * np.sin(x)) - 1.0 / a**2 + [1.0, 0.0] + [0.0, 1.0]
    found = ag.to_numpy(ag.grad(total)(xp.asarray(a)))
    np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_linear_least_squares_by_the_data():
    def solution(y):
        return ag.least_squares(lambda w, y: M @ w - y, np.zeros(3), args=(y,)).x

    np.testing.assert_allclose(ag.jacobian(solution)(Y), np.linalg.pinv(M), atol=1e-9)


T = np.linspace(0.0, 2.0, 12)
DECAY = 3.0 * np.exp(-0.7 * T) + 0.05 * np.sin(9.0 * T)


@pytest.mark.parametrize("loss", ["linear", "soft_l1", "cauchy"])
def test_nonlinear_and_robust_fits_by_the_data(loss):
    def fit(y):
        def residual(p, y):
            return p["a"] * np.exp(-p["rate"] * T) - y

        start = {"a": 1.0, "rate": 1.0}
        result = ag.least_squares(residual, start, args=(y,), loss=loss, f_scale=0.1)
        return np.stack([result.x["a"], result.x["rate"]])

    h = 1e-5
    rows = [(fit(DECAY + h * e) - fit(DECAY - h * e)) / (2.0 * h) for e in np.eye(12)]
    np.testing.assert_allclose(ag.jacobian(fit)(DECAY), np.stack(rows, axis=1), atol=1e-7)


def test_the_cost_and_the_residuals_of_a_fit():
    def cost(y):
        return ag.least_squares(lambda w, y: M @ w - y, np.zeros(3), args=(y,)).cost

    left = Y - M @ np.linalg.pinv(M) @ Y
    np.testing.assert_allclose(ag.grad(cost)(Y), left, atol=1e-9)

    def fun(y):
        return ag.least_squares(lambda w, y: M @ w - y, np.zeros(3), args=(y,)).fun

    np.testing.assert_allclose(ag.jacobian(fun)(Y), M @ np.linalg.pinv(M) - np.eye(8), atol=1e-9)


def test_the_lasso_by_its_strength_and_by_the_data():
    def f(w, strength, y):
        return 0.5 * np.sum((M @ w - y) ** 2)

    def solution(strength, y):
        return proximal_gradient(
            f, np.zeros(3), lambda s, y: proximal.l1(s), args=(strength, y), gtol=1e-10
        ).x

    strength = 0.7
    w = solution(strength, Y)
    active = w != 0.0
    assert 0 < active.sum() < 3
    a = M[:, active]
    by_strength, by_y = np.zeros(3), np.zeros((3, 8))
    by_strength[active] = -np.linalg.solve(a.T @ a, np.sign(w[active]))
    by_y[active] = np.linalg.pinv(a)
    np.testing.assert_allclose(ag.jacobian(solution)(strength, Y), by_strength, atol=1e-9)
    np.testing.assert_allclose(ag.jacobian(solution, 1)(strength, Y), by_y, atol=1e-9)


def test_the_start_has_no_influence():
    with ag.use_settings(warn_unused=False):
        gradient = ag.grad(lambda x0: np.sum(ag.minimize(ridge, x0, args=(S,)).x))(np.ones(3))
    np.testing.assert_array_equal(gradient, np.zeros(3))

    def both(s):
        return np.sum(ag.minimize(ridge, s * np.ones(3), args=(s,), gtol=1e-11).x)

    np.testing.assert_allclose(ag.grad(both)(S), FIRST.sum(), rtol=1e-8)


def test_complex_unknowns():
    # |z - a|^2 + |z|^2 is least at a / 2
    def f(z, a):
        return np.sum(np.abs(z - a) ** 2) + np.sum(np.abs(z) ** 2)

    def real_part(a):
        return np.sum(np.real(ag.minimize(f, np.zeros(2, dtype=complex), args=(a,)).x))

    a = np.asarray([1.0 + 2.0j, -3.0j])
    np.testing.assert_allclose(ag.grad(real_part)(a), [0.5, 0.5], atol=1e-9)


@pytest.mark.parametrize("change", [ag.grad, lambda f: lambda s: ag.vmap(f)(np.stack([s, s]))])
def test_values_that_are_closed_over_are_refused(change):
    x = np.zeros(3)
    calls = {
        "minimize": lambda s: np.sum(ag.minimize(lambda w: ridge(w, s), x).x),
        "root": lambda s: np.sum(root(lambda w: w * s - 1.0, x).x),
        "fixed_point": lambda s: np.sum(fixed_point(lambda w: 0.5 * np.cos(w * s), x).x),
        "least_squares": lambda s: np.sum(ag.least_squares(lambda w: w * s - 1.0, x).x),
        "proximal_gradient": lambda s: np.sum(
            proximal_gradient(lambda w: ridge(w, s), x, proximal.l1(0.1)).x
        ),
        "beside args": lambda s: np.sum(ag.minimize(lambda w, r: ridge(w, s + r), x, args=(s,)).x),
    }
    for name, call in calls.items():
        with pytest.raises(TraceError, match="args"):
            change(call)(np.asarray(0.7))
        assert name


def test_traced_bounds_are_refused():
    with pytest.raises(TraceError, match=r"minimize\(bounds\)"):
        ag.grad(lambda b: np.sum(ag.minimize(ridge, np.zeros(3), args=(b,), bounds=(b, None)).x))(
            0.1
        )


def test_a_point_that_is_no_solution_is_told():
    with pytest.warns(UnconvergedWarning, match=r"minimize: it did not converge.*max_steps"):
        ag.grad(lambda s: np.sum(ag.minimize(ridge, np.ones(3), args=(s,), max_steps=1).x))(S)
    with pytest.warns(UnconvergedWarning, match="root"):
        ag.grad(lambda s: root(lambda x, s: x * x - s, np.ones(1), args=(s,), max_steps=1).x[0])(
            2.0
        )


def chain(x, b):
    """A system with a tridiagonal, not symmetric Jacobian."""
    zero = np.zeros(1)
    left, right = np.concatenate([zero, x[:-1]]), np.concatenate([x[1:], zero])
    return 4.0 * x + 0.1 * x * x * x - left - 0.5 * right - b


def test_many_unknowns_are_differentiated_without_a_matrix(monkeypatch):
    def refuse(*_, **__):
        message = "a matrix was made"
        raise AssertionError(message)

    n = 600
    b = np.linspace(0.5, 1.5, n)

    def energy(x, b):
        return np.sum(x**4) / 4.0 + np.sum((x[1:] - x[:-1]) ** 2) + 0.5 * np.sum((x - b) ** 2)

    def total(b):
        return np.sum(ag.minimize(energy, np.zeros(n), args=(b,), gtol=1e-9).x)

    def total_of_root(b):
        return np.sum(root(chain, np.zeros(n), args=(b,)).x)

    x = ag.minimize(energy, np.zeros(n), args=(b,), gtol=1e-9).x
    hessian = ag.hessian(lambda x: energy(x, b))(x)
    r = root(chain, np.zeros(n), args=(b,)).x
    jacobian = ag.jacobian(lambda x: chain(x, b))(r)
    monkeypatch.setattr(implicit, "jacobian", refuse)
    found = ag.grad(total)(b)
    np.testing.assert_allclose(found, np.linalg.solve(hessian, np.ones(n)), rtol=1e-7)
    found = ag.grad(total_of_root)(b)
    np.testing.assert_allclose(found, np.linalg.solve(jacobian.T, np.ones(n)), rtol=1e-9)
    moved = ag.jvp(lambda b: root(chain, np.zeros(n), args=(b,)).x, (b,), (b,))[1]
    np.testing.assert_allclose(moved, np.linalg.solve(jacobian, b), rtol=1e-9)


def test_a_second_derivative_of_many_unknowns():
    n = 510

    def total(s):
        return np.sum(root(lambda x, s: x * x * x + x - s, np.ones(n), args=(s,)).x)

    x = root(lambda x: x**3 + x - 2.0, np.ones(1)).x[0]
    slope = 1.0 / (3.0 * x * x + 1.0)
    np.testing.assert_allclose(ag.grad(total)(2.0), n * slope, rtol=1e-9)
    np.testing.assert_allclose(ag.grad(ag.grad(total))(2.0), -n * 6.0 * x * slope**3, rtol=1e-8)


def test_a_gradient_that_the_user_gives():
    def slope(w, strength):
        return (M @ w - Y) @ M + strength * w

    def given(s):
        return ag.minimize(ridge, np.zeros(3), args=(s,), gradient=slope, gtol=1e-11).x

    np.testing.assert_allclose(ag.jacobian(given)(S), FIRST, rtol=1e-8)

    def both(w, s):
        return ridge(w, s), slope(w, s)

    def together(s):
        result = ag.minimize(both, np.zeros(3), args=(s,), gradient=True, gtol=1e-11)
        return np.concatenate([result.x, np.reshape(result.fun, (1,))])

    found = ag.jacobian(together)(S)
    np.testing.assert_allclose(found[:3], FIRST, rtol=1e-8)
    np.testing.assert_allclose(found[3], 0.5 * np.sum(exact(S) ** 2), rtol=1e-8)


def test_constraints_beside_traced_args_are_refused():
    from anygrad.solvers import equality

    def total(s):
        return np.sum(
            ag.minimize(ridge, np.zeros(3), args=(s,), constraints=[equality(lambda w: w[0])]).x
        )

    with pytest.raises(TraceError, match=r"minimize\(constraints\)"):
        ag.grad(total)(S)
