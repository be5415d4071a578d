"""``root``: known roots, agreement with SciPy, hard starts, and honest ends where there is none."""

import itertools

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, ShapeError
from anygrad.solvers import Status, root
from anygrad.solvers.problem.space import Space
from anygrad.solvers.roots.broyden import Inverse

scipy_optimize = pytest.importorskip("scipy.optimize", reason="SciPy is not installed")


# Moré, Garbow, Hillstrom (1981), Testing unconstrained optimization software, problems 1, 13, 3, 7,
# 28, 30, 26, 27 and 35, with their standard starts
def rosenbrock(x):
    return np.stack([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])


def powell_singular(x):
    return np.stack(
        [
            x[0] + 10.0 * x[1],
            5.0**0.5 * (x[2] - x[3]),
            (x[1] - 2.0 * x[2]) ** 2,
            10.0**0.5 * (x[0] - x[3]) ** 2,
        ]
    )


def powell_badly_scaled(x):
    e = np.exp(-np.clip(x, -500.0, None))
    return np.stack([1e4 * x[0] * x[1] - 1.0, e[0] + e[1] - 1.0001])


def helical_valley(x):
    theta = np.arctan2(x[1], x[0]) / (2.0 * np.pi)
    length = np.sqrt(x[0] ** 2 + x[1] ** 2)
    return np.stack([10.0 * (x[2] - 10.0 * theta), 10.0 * (length - 1.0), x[2]])


def shifted(x):
    zero = np.zeros(1)
    return np.concatenate([zero, x[:-1]]), np.concatenate([x[1:], zero])


def discrete_boundary(x):
    n = x.shape[0]
    h = 1.0 / (n + 1)
    t = np.arange(1, n + 1) * h
    left, right = shifted(x)
    return 2.0 * x - left - right + 0.5 * h * h * (x + t + 1.0) ** 3


def broyden_tridiagonal(x):
    left, right = shifted(x)
    return (3.0 - 2.0 * x) * x - left - 2.0 * right + 1.0


def trigonometric(x):
    n = x.shape[0]
    i = np.arange(1, n + 1)
    return n - np.sum(np.cos(x)) + i * (1.0 - np.cos(x)) - np.sin(x)


def brown_almost_linear(x):
    n = x.shape[0]
    return np.concatenate([x[:-1] + np.sum(x) - (n + 1.0), np.reshape(np.prod(x) - 1.0, (1,))])


def chebyquad(x):
    y = 2.0 * x - 1.0
    before, now, found = 0.0 * y + 1.0, y, []
    for i in range(1, x.shape[0] + 1):
        integral = 0.0 if i % 2 else -1.0 / (i * i - 1.0)
        found.append(np.mean(now) - integral)
        before, now = now, 2.0 * y * now - before
    return np.stack(found)


GRID = np.arange(1, 11) / 11.0
SYSTEMS = {
    "rosenbrock": (rosenbrock, [-1.2, 1.0], [1.0, 1.0]),
    "powell badly scaled": (powell_badly_scaled, [0.0, 1.0], [1.098159e-5, 9.106146]),
    "helical valley": (helical_valley, [-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]),
    "discrete boundary": (discrete_boundary, GRID * (GRID - 1.0), None),
    "broyden tridiagonal": (broyden_tridiagonal, -np.ones(10), None),
    "chebyquad 5": (chebyquad, np.arange(1, 6) / 6.0, None),
    "chebyquad 7": (chebyquad, np.arange(1, 8) / 8.0, None),
    "chebyquad 9": (chebyquad, np.arange(1, 10) / 10.0, None),
    "brown almost linear": (brown_almost_linear, np.full(10, 0.5), None),
}


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("method", ["newton", "broyden"])
def test_known_systems_from_their_standard_starts(name, method):
    f, start, exact = SYSTEMS[name]
    start = np.asarray(start, dtype=float)
    result = root(f, start, method=method)
    assert result.success, result.message
    assert np.abs(f(result.x)).max() <= 1e-10
    np.testing.assert_array_equal(result.fun, f(result.x))
    if exact is not None:  # printed in the paper
        np.testing.assert_allclose(result.x, exact, rtol=1e-6, atol=1e-9)
    elif name != "brown almost linear":  # which has two roots
        # of the roots of Chebyquad all permutations are roots
        theirs = scipy_optimize.root(f, start, tol=1e-13)
        assert theirs.success
        np.testing.assert_allclose(np.sort(result.x), np.sort(theirs.x), rtol=1e-8)


def test_a_start_where_scipy_fails():
    start = np.full(10, 0.1)
    result = root(trigonometric, start)
    assert result.success, result.message
    assert np.abs(trigonometric(result.x)).max() <= 1e-10
    assert not scipy_optimize.root(trigonometric, start).success


@pytest.mark.parametrize("linear_solve", ["dense", "gmres"])
def test_a_root_with_a_singular_jacobian_is_found(linear_solve):
    result = root(powell_singular, np.asarray([3.0, -1.0, 0.0, 1.0]), linear_solve=linear_solve)
    assert result.success, result.message
    assert np.abs(result.x).max() < 1e-4  # f falls with the square of the distance


def test_freudenstein_and_roth_end_where_no_root_is():
    # problem 2; this start leads to the local minimum 48.98... of |f|^2
    def f(x):
        return np.stack(
            [
                -13.0 + x[0] + ((5.0 - x[1]) * x[1] - 2.0) * x[1],
                -29.0 + x[0] + ((x[1] + 1.0) * x[1] - 14.0) * x[1],
            ]
        )

    result = root(f, np.asarray([0.5, -2.0]))
    assert (result.success, result.status) == (False, Status.SINGULAR)
    np.testing.assert_allclose(np.sum(result.fun**2), 48.98425, rtol=1e-6)
    assert "Start elsewhere" in result.message
    near = root(f, np.asarray([6.0, 5.0]))
    assert near.success
    np.testing.assert_allclose(near.x, [5.0, 4.0], rtol=1e-10)


@pytest.mark.parametrize("method", ["newton", "broyden"])
@pytest.mark.parametrize("start", [0.0, 0.3, 5.0])
def test_no_root_at_all_is_no_success(method, start):
    result = root(lambda x: x * x + 1.0, np.asarray([start]), method=method)
    assert not result.success
    assert result.status in (Status.SINGULAR, Status.STAGNATED)
    np.testing.assert_allclose(result.fun, 1.0, rtol=1e-6)


def test_a_system_of_a_tree_on_all_libraries(quick_xp):
    xp = quick_xp
    start = {"a": xp.zeros(2), "b": [xp.asarray(1.0)]}
    target = xp.asarray([1.0, 4.0])

    def f(tree):
        a, b = tree["a"], tree["b"][0]
        return [a * a * a + a - b * target, b * b * b - 8.0]

    result = root(f, start)
    assert result.success, result.message
    b = float(ag.to_numpy(result.x["b"][0]))
    a = ag.to_numpy(result.x["a"])
    assert abs(b - 2.0) < 1e-12
    np.testing.assert_allclose(a**3 + a, [2.0, 8.0], rtol=1e-10)
    assert type(result.x["a"]) is type(start["a"])
    assert [x.shape for x in result.fun] == [(2,), ()]


@pytest.mark.parametrize("method", ["newton", "broyden", "anderson"])
@pytest.mark.parametrize("linear_solve", ["dense", "gmres"])
def test_methods_agree_on_all_libraries(xp, method, linear_solve):
    a = xp.asarray([[3.0, 1.0, 0.0], [0.5, 4.0, 1.0], [0.0, -1.0, 5.0]])
    b = xp.asarray([1.0, 2.0, 3.0])

    def f(x):
        names = ag.namespace(x)
        return 0.2 * (names.matmul(a, x) - b + names.sin(x))

    result = root(f, xp.zeros(3), method=method, linear_solve=linear_solve)
    assert result.success, result.message
    a, b = ag.to_numpy(a), ag.to_numpy(b)
    exact = scipy_optimize.fsolve(lambda x: a @ x - b + np.sin(x), np.zeros(3), xtol=1e-14)
    np.testing.assert_allclose(ag.to_numpy(result.x), exact, rtol=1e-9)


def test_float32_stays_float32_and_complex_roots_are_found(quick_xp):
    xp = quick_xp
    result = root(lambda x: x * x - 2.0, xp.asarray([1.0], dtype=xp.float32))
    assert result.success, result.message
    assert result.x.dtype == xp.float32
    assert result.fun.dtype == xp.float32
    np.testing.assert_allclose(ag.to_numpy(result.x), 2.0**0.5, rtol=1e-5)
    result = root(lambda z: z * z + 1.0, xp.asarray([1.0 + 0.5j]))
    assert result.success, result.message
    np.testing.assert_allclose(ag.to_numpy(result.x), 1j, atol=1e-10)


def test_jacobians_of_every_source():
    def jacobian(x):
        return np.asarray([[-20.0 * x[0], 10.0], [-1.0, 0.0]])

    start = np.asarray([-1.2, 1.0])
    for source in ("automatic", "numerical", jacobian):
        for linear_solve in ("dense", "gmres"):
            result = root(rosenbrock, start, jacobian=source, linear_solve=linear_solve)
            assert result.success, (source, linear_solve, result.message)
            np.testing.assert_allclose(result.x, 1.0, rtol=1e-9)


@pytest.mark.parametrize("method", ["newton", "broyden"])
def test_a_wrong_jacobian_is_told(method):
    wrong = lambda x: -np.asarray([[-20.0 * x[0], 10.0], [-1.0, 0.0]])
    result = root(rosenbrock, np.asarray([-1.2, 1.0]), method=method, jacobian=wrong)
    assert (result.success, result.status) == (False, Status.WRONG_GRADIENT)
    assert "disagrees" in result.message


def test_a_step_out_of_the_domain_is_shortened(quick_xp):
    xp = quick_xp

    def f(x):
        names = ag.namespace(x)
        inside = x > 0.0
        safe = names.where(inside, x, names.ones_like(x))
        return names.where(inside, names.log(safe), names.zeros_like(x) + float("nan"))

    for method in ("newton", "broyden"):
        result = root(f, xp.asarray([5.0, 20.0]), method=method)
        assert result.success, result.message
        np.testing.assert_allclose(ag.to_numpy(result.x), 1.0, rtol=1e-9)


def test_an_exception_of_arithmetic_shortens_too():
    def f(x):
        if x[0] <= 0.0:
            message = "log of a negative number"
            raise ZeroDivisionError(message)
        return np.log(x)

    assert root(f, np.asarray([5.0])).success
    failed = root(f, np.asarray([-1.0]))
    assert (failed.success, failed.status) == (False, Status.NONFINITE)
    assert "log of a negative number" in failed.message


def test_rounding_of_large_values_does_not_hide_a_root():
    # |f| near the root is 1e-4: 1e12 times the resolution of x
    result = root(lambda x: 1e12 * (x * x - 2.0), np.asarray([1.0]))
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 2.0**0.5, rtol=4e-16)


def test_many_unknowns_need_no_matrix():
    result = root(broyden_tridiagonal, -np.ones(2000))
    assert result.success, result.message
    assert result.njev == 0
    assert np.abs(broyden_tridiagonal(result.x)).max() <= 1e-10
    limited = root(broyden_tridiagonal, -np.ones(2000), method="broyden")
    assert limited.success, limited.message
    assert limited.njev == 0
    np.testing.assert_allclose(limited.x, result.x, atol=1e-9)


@pytest.mark.parametrize("method", ["newton", "anderson"])
def test_the_device_is_read_once_an_evaluation(monkeypatch, method):
    reads = []
    fetch = Space.fetch
    monkeypatch.setattr(Space, "fetch", lambda self, x: (reads.append(1), fetch(self, x))[1])
    result = root(broyden_tridiagonal, -np.ones(10), method=method)
    assert result.success
    assert len(reads) == result.nfev


@pytest.mark.parametrize("linear_solve", ["dense", "gmres"])
def test_broyden_learns_from_steps_alone(linear_solve):
    result = root(broyden_tridiagonal, -np.ones(10), method="broyden", linear_solve=linear_solve)
    assert result.success, result.message
    assert result.njev == (linear_solve == "dense")
    assert result.nfev <= 20  # 14 and 18; a new start for every step needs more than 100


def test_the_update_of_broyden_meets_the_secant_equation():
    class Problem:
        space = Space.of("test", np.zeros(4))

    rng = np.random.default_rng(0)
    for first in (np.linalg.inv(rng.normal(size=(4, 4))), None):
        inverse = Inverse(Problem, first, 0.5)
        old = inverse.times(np.eye(4)) if first is not None else 0.5 * np.eye(4)
        for _ in range(3):
            s, y = rng.normal(size=4), rng.normal(size=4)
            moved = inverse.times(y)
            inverse.add((s - moved) / (s @ moved), inverse.transposed_times(s))
            # Sherman-Morrison, written out
            old = old + np.outer(s - old @ y, s @ old) / (s @ old @ y)
            np.testing.assert_allclose(inverse.times(y), s, rtol=1e-9)
        v = rng.normal(size=4)
        np.testing.assert_allclose(inverse.times(v), old @ v, rtol=1e-9)
        np.testing.assert_allclose(inverse.transposed_times(v), v @ old, rtol=1e-9)


def test_newton_converges_quadratically():
    result = root(lambda x: x * x - 2.0, np.asarray([1.5]), ftol=1e-15)
    errors = result.history["optimality"]
    assert all(b <= 2.0 * a * a for a, b in itertools.pairwise(errors[:-1]))


def test_callbacks_records_and_limits():
    seen = []

    def stop(now):
        seen.append((now.nit, now.optimality))
        np.testing.assert_array_equal(now.fun, rosenbrock(now.x))
        return now.nit == 2

    start = np.asarray([-1.2, 1.0])
    result = root(rosenbrock, start, callback=stop, record=("x", "fun"))
    assert (result.status, result.success, [n for n, _ in seen]) == (Status.STOPPED, False, [1, 2])
    assert len(result.recorded["fun"]) == 3
    np.testing.assert_array_equal(result.recorded["fun"][0], rosenbrock(start))
    np.testing.assert_array_equal(start, [-1.2, 1.0])
    short = root(rosenbrock, start, max_steps=1)
    assert (short.status, short.success, short.nit) == (Status.MAX_STEPS, False, 1)
    assert root(rosenbrock, start, max_steps=0).status == Status.MAX_STEPS
    assert root(lambda x: x, np.zeros(1)).nit == 0


def test_wrong_arguments_are_refused():
    with pytest.raises(ArgumentError, match=r"method.*Did you mean 'newton'"):
        root(rosenbrock, np.ones(2), method="newtn")
    with pytest.raises(ArgumentError, match="linear_solve"):
        root(rosenbrock, np.ones(2), linear_solve="lu")
    with pytest.raises(ArgumentError, match="jacobian"):
        root(rosenbrock, np.ones(2), jacobian=3)
    with pytest.raises(ArgumentError, match="ftol"):
        root(rosenbrock, np.ones(2), ftol=-1.0)
    with pytest.raises(ArgumentError, match="record"):
        root(rosenbrock, np.ones(2), record="jac")
    with pytest.raises(ShapeError, match=r"3 equations.*2 unknowns.*least_squares"):
        root(lambda x: np.stack([x[0], x[0], x[1]]), np.ones(2))
    with pytest.raises(ShapeError, match=r"root\(jacobian\)"):
        root(rosenbrock, np.zeros(2), jacobian=lambda x: np.ones(3))
