"""``vmap`` of solvers: what a loop of single solves finds, in one run, example by example."""

import itertools
import warnings

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import TraceError, UnconvergedWarning
from anygrad.solvers import Status, fixed_point, root
from anygrad.solvers.batched import fronts
from anygrad.solvers.batched.lanes import Lanes

RNG = np.random.default_rng(0)
STEEP = RNG.uniform(1.0, 20.0, 40)
START = np.asarray([-1.2, 1.0, 0.5])


def valley(x, a):
    return (1.0 - x[0]) ** 2 + a * (x[1] - x[0] ** 2) ** 2 + 0.1 * (x[2] - a) ** 2


def lowest(a):
    return ag.minimize(valley, START, args=(a,), gtol=1e-10).x


@pytest.fixture
def runs(monkeypatch):
    """Counts the runs that solve a batch together."""
    seen = []
    for name in ("run_quasi_newton", "run_marquardt"):
        run = getattr(fronts, name)

        def counted(*args, run=run, **options):
            seen.append(run.__name__)
            return run(*args, **options)

        monkeypatch.setattr(fronts, name, counted)
    return seen


def test_minima_of_a_batch_are_those_of_a_loop(runs):
    found = ag.vmap(lowest)(STEEP)
    assert runs == ["run_quasi_newton"]
    np.testing.assert_allclose(found, np.stack([lowest(a) for a in STEEP]), atol=1e-8)
    np.testing.assert_allclose(found[:, 2], STEEP, atol=1e-8)


def kepler(e, mean, eccentricity):
    return e - eccentricity * np.sin(e) - mean


MEAN, ECCENTRICITY = RNG.uniform(0.0, 3.0, 50), RNG.uniform(0.0, 0.95, 50)


def anomaly(mean, eccentricity):
    return root(kepler, np.ones(1), args=(mean, eccentricity)).x[0]


def test_roots_of_a_batch_are_those_of_a_loop(runs):
    found = ag.vmap(anomaly)(MEAN, ECCENTRICITY)
    assert runs == ["run_marquardt"]
    each = [anomaly(*pair) for pair in zip(MEAN, ECCENTRICITY, strict=True)]
    np.testing.assert_allclose(found, each, atol=1e-8)
    np.testing.assert_allclose(kepler(found, MEAN, ECCENTRICITY), 0.0, atol=1e-10)


T = np.linspace(0.0, 2.0, 12)
DATA = 3.0 * np.exp(-0.7 * T) + 0.05 * RNG.normal(size=(30, 12))


def fit(y):
    return ag.least_squares(lambda p, y: p[0] * np.exp(-p[1] * T) - y, np.ones(2), args=(y,)).x


def test_fits_of_a_batch_are_those_of_a_loop(runs):
    found = ag.vmap(fit)(DATA)
    assert runs == ["run_marquardt"]
    np.testing.assert_allclose(found, np.stack([fit(y) for y in DATA]), atol=1e-8)


def test_fits_with_large_residuals_and_bad_scales(runs):
    # Meyer's function is no better: one parameter is 1e6 times the other
    def scaled(y):
        def residual(p, y):
            return 1e-3 * p[0] * np.exp(-1e3 * p[1] * T) - y

        return ag.least_squares(residual, np.asarray([1e3, 1e-3]), args=(y,)).x

    found = ag.vmap(scaled)(DATA)
    assert runs == ["run_marquardt"]
    np.testing.assert_allclose(found * [1e-3, 1e3], ag.vmap(fit)(DATA), atol=1e-8)


def test_derivatives_of_a_batch():
    by_eccentricity = ag.vmap(ag.grad(anomaly, 1))(MEAN, ECCENTRICITY)
    e = ag.vmap(anomaly)(MEAN, ECCENTRICITY)
    bottom = 1.0 - ECCENTRICITY * np.cos(e)
    np.testing.assert_allclose(by_eccentricity, np.sin(e) / bottom, rtol=1e-8)
    outside = ag.grad(lambda m: np.sum(ag.vmap(anomaly)(m, ECCENTRICITY)))(MEAN)
    np.testing.assert_allclose(outside, 1.0 / bottom, rtol=1e-8)
    moved = ag.jvp(lambda m: ag.vmap(anomaly)(m, ECCENTRICITY), (MEAN,), (np.ones(50),))[1]
    np.testing.assert_allclose(moved, 1.0 / bottom, rtol=1e-8)
    # one eccentricity for all: its derivative is the sum over the examples
    shared = ag.grad(lambda ecc: np.sum(ag.vmap(anomaly, (0, None))(MEAN, ecc)))(0.5)
    e = ag.vmap(anomaly, (0, None))(MEAN, 0.5)
    np.testing.assert_allclose(shared, np.sum(np.sin(e) / (1.0 - 0.5 * np.cos(e))), rtol=1e-8)


def test_second_derivatives_of_a_batch():
    second = ag.vmap(ag.grad(ag.grad(anomaly)))(MEAN, ECCENTRICITY)
    e = ag.vmap(anomaly)(MEAN, ECCENTRICITY)
    expected = -ECCENTRICITY * np.sin(e) / (1.0 - ECCENTRICITY * np.cos(e)) ** 3
    np.testing.assert_allclose(second, expected, rtol=1e-7)


def test_a_batch_in_a_batch(runs):
    means = np.stack([MEAN[:4], MEAN[4:8]])
    both = ag.vmap(ag.vmap(anomaly, (0, None)), (0, 0))(means, np.asarray([0.2, 0.8]))
    assert len(runs) == 2  # the outer one goes one by one
    np.testing.assert_allclose(both[1], ag.vmap(anomaly, (0, None))(MEAN[4:8], 0.8), atol=1e-10)


def test_every_example_has_a_start_of_its_own(runs):
    def nearest(x0):
        return root(lambda x: np.sin(x), x0).x

    starts = np.asarray([[3.0], [6.0], [0.5], [-3.0]])
    found = ag.vmap(nearest)(starts)
    assert runs == ["run_marquardt"]
    np.testing.assert_allclose(found[:, 0], np.pi * np.asarray([1.0, 2.0, 0.0, -1.0]), atol=1e-9)
    with ag.use_settings(warn_unused=False):
        slopes = ag.vmap(ag.grad(lambda x0: nearest(x0)[0]))(starts)
    np.testing.assert_array_equal(slopes, 0.0 * starts)


def test_counts_and_values_are_those_of_each_example():
    def solved(a):
        r = ag.minimize(valley, START, args=(a,), gtol=1e-10)
        return {"fun": r.fun, "success": r.success, "status": r.status, "nit": r.nit, "n": r.nfev}

    found = ag.vmap(solved)(STEEP)
    assert found["success"].all()
    assert found["success"].dtype == bool
    assert not found["status"].any()
    assert found["nit"].min() > 3
    assert (found["n"] > found["nit"]).all()
    assert len(set(found["nit"].tolist())) > 3  # each its own
    assert (found["fun"] < 1e-15).all()


def test_examples_that_fail_are_told_and_do_not_spoil_the_others():
    def solve(a):
        r = root(lambda x, a: x * x - a, np.ones(1), args=(a,))
        return r.x[0], r.success, r.status

    a = np.asarray([4.0, -1.0, 9.0, -4.0, 2.0])
    with pytest.warns(UnconvergedWarning, match=r"root.*2 of 5.*Example 1"):
        x, success, status = ag.vmap(solve)(a)
    np.testing.assert_array_equal(success, [True, False, True, False, True])
    # ftol, 3.7e-11, allows as much
    np.testing.assert_allclose(x[success], [2.0, 3.0, 2.0**0.5], rtol=2e-11)
    assert set(status[~success].tolist()) <= {int(Status.SINGULAR), int(Status.STAGNATED)}


def test_a_minimum_that_does_not_exist_is_told():
    def solve(a):
        r = ag.minimize(lambda x, a: a * np.sum(x**2) + np.sum(x), np.ones(2), args=(a,))
        return r.x, r.status

    with pytest.warns(UnconvergedWarning, match="1 of 3"):
        x, status = ag.vmap(solve)(np.asarray([1.0, -1.0, 2.0]))
    assert status.tolist() == [0, int(Status.UNBOUNDED), 0]
    np.testing.assert_allclose(x[[0, 2], 0], [-0.5, -0.25], atol=1e-5)


def test_steps_that_leave_the_domain_are_shortened_by_example(quick_xp):
    xp = quick_xp

    def f(x, a):
        names = ag.namespace(x)
        inside = x > 0.0
        safe = names.where(inside, x, names.ones_like(x))
        value = safe - names.log(safe) * a
        return names.sum(names.where(inside, value, names.zeros_like(x) + float("nan")))

    def solve(a):
        return ag.minimize(f, xp.asarray([8.0, 0.01]), args=(a,), gtol=1e-9).x

    a = [0.5, 1.0, 3.0]
    found = ag.to_numpy(ag.vmap(solve)(xp.asarray(a)))
    np.testing.assert_allclose(found, np.stack([a, a], axis=1), rtol=1e-7)

    def log_root(x, a):
        names = ag.namespace(x)
        inside = x > 0.0
        safe = names.where(inside, x, names.ones_like(x))
        return names.where(inside, names.log(safe) - a, names.zeros_like(x) + float("nan"))

    found = ag.vmap(lambda a: root(log_root, xp.asarray([20.0]), args=(a,)).x)(xp.asarray(a))
    np.testing.assert_allclose(ag.to_numpy(found)[:, 0], np.exp(a), rtol=1e-9)


def test_trees_on_all_libraries(quick_xp):
    xp = quick_xp

    def f(p, a):
        names = ag.namespace(p["x"])
        return names.sum((p["x"] - a["a"]) ** 2) + (p["y"] - names.sum(a["a"])) ** 4 + p["y"] ** 2

    def solve(a):
        start = {"x": xp.zeros(2), "y": xp.asarray(0.5)}
        return ag.minimize(f, start, args=({"a": a},), gtol=1e-8).x

    a = xp.asarray([[1.0, 2.0], [-1.0, 3.0], [0.5, 0.5]])
    found = ag.vmap(solve)(a)
    assert type(found["x"]) is type(a)
    assert found["x"].dtype == a.dtype
    host = ag.to_numpy(a)
    np.testing.assert_allclose(ag.to_numpy(found["x"]), host, atol=1e-7)
    y, total = ag.to_numpy(found["y"]), host.sum(axis=1)
    np.testing.assert_allclose(4.0 * (y - total) ** 3 + 2.0 * y, 0.0, atol=1e-7)


def test_float32_stays_float32(quick_xp):
    xp = quick_xp
    a = xp.asarray([1.0, 2.0, 3.0], dtype=xp.float32)
    start = xp.ones(1, dtype=xp.float32)
    found = ag.vmap(lambda a: root(lambda x, a: x * x - a, start, args=(a,)).x)(a)
    assert found.dtype == xp.float32
    np.testing.assert_allclose(ag.to_numpy(found)[:, 0], [1.0, 2.0**0.5, 3.0**0.5], rtol=1e-5)


def test_rows_leave_when_half_of_them_are_done(monkeypatch):
    widths = []
    evaluate = Lanes.evaluate

    def counted(self, x):
        widths.append(x.shape[0])
        return evaluate(self, x)

    monkeypatch.setattr(Lanes, "evaluate", counted)
    ag.vmap(anomaly)(MEAN, ECCENTRICITY)
    assert widths[0] == 50
    assert widths[-1] <= 25
    assert sorted(set(widths), reverse=True) == sorted(set(widths), key=widths.index)
    assert all(b <= a // 2 or b == a for a, b in itertools.pairwise(widths))


def test_what_cannot_go_together_goes_one_by_one(runs):
    seen = []

    def with_callback(a):
        return ag.minimize(
            valley, START, args=(a,), gtol=1e-10, callback=lambda now: seen.append(now.nit)
        ).x

    found = ag.vmap(with_callback)(STEEP[:3])
    assert len(seen) > 10
    by_method = ag.vmap(
        lambda a: ag.minimize(valley, START, args=(a,), method="lbfgs", gtol=1e-10).x
    )(STEEP[:3])
    fixed = ag.vmap(lambda a: fixed_point(lambda x, a: np.cos(a * x), np.zeros(1), args=(a,)).x)
    assert np.abs(fixed(np.ones(2)) - 0.7390851332151607).max() < 1e-9
    assert not runs
    np.testing.assert_allclose(found, ag.vmap(lowest)(STEEP[:3]), atol=1e-8)
    np.testing.assert_allclose(by_method, found, atol=1e-8)


def test_bounds_hold_in_a_batch():
    def solve(a):
        return ag.minimize(
            lambda x, a: np.sum((x - a) ** 2), np.zeros(2), args=(a,), bounds=(0.0, 1.0)
        ).x

    found = ag.vmap(solve)(np.asarray([-1.0, 0.25, 3.0]))
    np.testing.assert_allclose(found[:, 0], [0.0, 0.25, 1.0], atol=1e-6)


def test_a_function_that_fails_on_the_whole_batch_is_called_one_by_one():
    def f(x, a):
        return np.linalg.cholesky(np.reshape(a + x[0] ** 2, (1, 1)))[0, 0]

    a = np.asarray([1.0, 4.0])
    found = ag.vmap(lambda a: ag.minimize(f, np.ones(1), args=(a,)).fun)(a)
    np.testing.assert_allclose(found, [1.0, 2.0], rtol=1e-8)


def test_an_example_that_starts_at_its_solution_takes_no_step():
    def solve(a):
        least = ag.minimize(lambda x, a: np.sum((x - a) ** 2), np.zeros(2), args=(a,))
        zero = root(lambda x, a: x**3 + x - a, np.zeros(2), args=(a,))
        return least.nit, zero.nit

    counts = ag.vmap(solve)(np.asarray([0.0, 1.0]))
    assert [int(n[0]) for n in counts] == [0, 0]
    assert all(n[1] > 0 for n in counts)


def test_limits_hold_for_each_example():
    def solve(a):
        return ag.minimize(valley, START, args=(a,), max_steps=3).nit

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnconvergedWarning)
        assert ag.vmap(solve)(STEEP).tolist() == [3] * 40


def test_a_truth_value_that_differs_between_examples_is_refused():
    def solve(a):
        result = root(lambda x, a: x * x - a, np.ones(1), args=(a,))
        return result.x if result.success else 0.0 * result.x

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnconvergedWarning)
        with pytest.raises(TraceError):
            ag.vmap(solve)(np.asarray([1.0, -1.0]))
    np.testing.assert_allclose(ag.vmap(solve)(np.asarray([1.0, 4.0]))[:, 0], [1.0, 2.0])
