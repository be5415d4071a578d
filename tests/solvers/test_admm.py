"""``admm``: the same minima as other methods, residuals, the penalty, and how runs end."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.solvers import Status, admm, proximal, proximal_gradient

RNG = np.random.default_rng(11)
A = RNG.normal(size=(30, 6))
B = A @ np.asarray([1.0, 0.0, -2.0, 0.0, 0.5, 0.0]) + 0.1 * RNG.normal(size=30)
SIGNAL = np.cumsum(RNG.normal(size=12))
TIGHT = {"atol": 1e-9, "rtol": 1e-9}


def least_squares(xp):
    a, b = xp.asarray(A), xp.asarray(B)

    def f(x):
        residual = ag.namespace(x).matmul(a, x) - b
        return ag.namespace(x).sum(residual * residual) * 0.5

    return f


def by_solving(v, rho):
    return np.linalg.solve(A.T @ A + rho * np.eye(6), A.T @ B + rho * v)


LASSOS = {
    "plain": {},
    "rho too large": {"rho": 1e3},
    "rho too small": {"rho": 1e-3},
    "constant rho": {"adaptive": False, "rho": 20.0},
    "no relaxation": {"over_relaxation": 1.0},
    "numerical gradient": {"gradient": "numerical", "atol": 1e-7, "rtol": 1e-7},
    "own solver": {"solve": by_solving},
}


@pytest.mark.parametrize("name", LASSOS)
def test_the_lasso_agrees_with_fista(name):
    f, g = least_squares(np), proximal.l1(4.0)
    exact = proximal_gradient(f, np.zeros(6), g, gtol=1e-11)
    result = admm(f, np.zeros(6), g, **{**TIGHT, **LASSOS[name]})
    assert result.success, result.message
    assert np.abs(result.z - exact.x).max() < (1e-6 if "atol" in LASSOS[name] else 1e-8)
    assert np.array_equal(result.z == 0.0, exact.x == 0.0)
    assert float(result.fun) == pytest.approx(float(exact.fun), rel=1e-7)
    # stationarity of f + <y, x - z>: grad f(x) + y = 0
    slope = A.T @ (A @ result.x - B)
    assert np.abs(slope + result.multipliers).max() < (1e-5 if "atol" in LASSOS[name] else 1e-6)


def test_libraries_agree_round_by_round(quick_xp):
    points = []
    result = admm(
        least_squares(quick_xp),
        quick_xp.zeros(6),
        proximal.l1(4.0),
        callback=lambda now: points.append(ag.to_numpy(now.x)),
        max_steps=15,
        **TIGHT,
    )
    expected = []
    admm(
        least_squares(np),
        np.zeros(6),
        proximal.l1(4.0),
        callback=lambda now: expected.append(now.x),
        max_steps=15,
        **TIGHT,
    )
    assert len(points) == 15
    assert np.abs(np.asarray(points) - expected).max() < 1e-7  # inner runs end at a tolerance
    assert type(result.z) is type(quick_xp.zeros(6))
    assert result.status is Status.MAX_STEPS


def test_a_linear_map_and_its_adjoint(quick_xp):
    """Total variation by the l1 norm of differences, against the exact operator."""
    y = quick_xp.asarray(SIGNAL)
    exact = proximal.total_variation(2.0).prox(SIGNAL, 1.0)

    def differences(x):
        return x[1:] - x[:-1]

    def adjoint(z):
        zero = quick_xp.zeros(1)
        return quick_xp.concat([zero, z]) - quick_xp.concat([z, zero])

    for linear in (differences, (differences, adjoint)):
        result = admm(
            lambda x: ag.namespace(x).sum((x - y) ** 2) * 0.5,
            quick_xp.zeros(12),
            proximal.l1(2.0),
            linear=linear,
            atol=1e-7,
            rtol=1e-7,
        )
        assert result.success, result.message
        assert np.abs(ag.to_numpy(result.x) - exact).max() < 1e-5
        jumps = ag.to_numpy(result.z) != 0.0
        assert np.array_equal(jumps, np.abs(np.diff(exact)) > 1e-9)


def test_two_sets_meet_in_a_point(xp):
    """The nearest point of a ball and a plane that touch: (1, 1, 1) / sqrt 3."""
    ball = proximal.indicator(proximal.project_l2_ball)
    plane = proximal.indicator(
        proximal.project_hyperplane, xp.asarray([1.0, 1.0, 1.0]), float(np.sqrt(3.0))
    )
    result = admm(ball, xp.zeros(3), plane, max_steps=5000)
    assert result.success, result.message
    assert np.abs(ag.to_numpy(result.x) - 1.0 / np.sqrt(3.0)).max() < 2e-3  # they touch only
    assert result.nfev == result.nit + 1


def test_trees_go_in_and_out(quick_xp):
    target = {"a": quick_xp.asarray([3.0, -0.5]), "b": quick_xp.asarray([[1.0]])}

    def f(p):
        names = ag.namespace(p["a"])
        return names.sum((p["a"] - target["a"]) ** 2) + names.sum((p["b"] - target["b"]) ** 2)

    start = {"a": quick_xp.zeros(2), "b": quick_xp.zeros((1, 1))}
    result = admm(f, start, {"a": proximal.l1(1.0), "b": None}, **TIGHT)
    assert np.abs(ag.to_numpy(result.z["a"]) - [2.5, 0.0]).max() < 1e-7
    assert np.abs(ag.to_numpy(result.z["b"]) - 1.0).max() < 1e-7
    assert np.abs(ag.to_numpy(result.multipliers["a"]) - [1.0, 1.0 * -1.0]).max() < 1e-6


def test_the_penalty_balances_the_residuals():
    f, g = least_squares(np), proximal.l1(4.0)
    fixed = admm(f, np.zeros(6), g, rho=1e-2, adaptive=False, max_steps=5000, solve=by_solving)
    adapted = admm(f, np.zeros(6), g, rho=1e-2, solve=by_solving)
    assert adapted.nit < 0.2 * fixed.nit
    # the multipliers do not jump when rho does: from far away it takes little longer
    assert admm(f, np.zeros(6), g, rho=1e-3, solve=by_solving).nit < 1.5 * adapted.nit
    assert adapted.rho > 1.0
    assert adapted.history["step_length"][1] == 1e-2


def test_residuals_are_what_they_say():
    result = admm(least_squares(np), np.zeros(6), proximal.l1(4.0), atol=1e-5, rtol=0.0)
    bound = np.sqrt(6.0) * 1e-5
    assert result.primal_residual == pytest.approx(np.linalg.norm(result.x - result.z))
    assert max(result.primal_residual, result.dual_residual) <= bound
    assert result.history["optimality"][-1] == max(result.primal_residual, result.dual_residual)


def test_a_callback_can_stop():
    result = admm(
        least_squares(np), np.zeros(6), proximal.l1(4.0), callback=lambda now: now.nit == 2
    )
    assert (result.status, result.nit) == (Status.STOPPED, 2)


def test_sets_without_a_common_point_are_no_success():
    box = proximal.indicator(proximal.project_box, 1.0, 2.0)
    other = proximal.indicator(proximal.project_box, -2.0, -1.0)
    result = admm(box, np.zeros(2), other, max_steps=200)
    assert result.status is Status.MAX_STEPS
    assert result.primal_residual == pytest.approx(np.sqrt(8.0))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rho": 0.0}, r"admm\(rho\): got 0.0; expected a number > 0"),
        ({"over_relaxation": 2.0}, r"admm\(over_relaxation\)"),
        ({"linear": 3.0}, r"admm\(linear\)"),
        ({"max_steps": -1}, r"admm\(max_steps\)"),
        ({"f": proximal.l1(1.0), "linear": lambda x: x}, r"admm\(f\): got the operator 'l1'"),
    ],
)
def test_errors_name_the_argument(options, words):
    options = {"f": least_squares(np), **options}
    with pytest.raises(ag.errors.ArgumentError, match=words):
        admm(x0=np.zeros(6), g=proximal.l1(1.0), **options)
