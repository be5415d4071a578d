"""``least_squares``: methods, Jacobians, trees, complex numbers, bounds and ends."""

import numpy as np
import pytest
import scipy.optimize

import anygrad as ag
from anygrad.errors import ArgumentError, DTypeError, ShapeError
from anygrad.solvers import Status

T = np.linspace(0.0, 4.0, 15)
Y = 2.5 * np.exp(-1.3 * T) + 0.5 + 0.05 * np.sin(9.0 * T)
START = [1.0, 1.0, 0.0]
METHODS = ["lm", "gauss-newton", "dogleg"]


def decay(xp):
    t, y = xp.asarray(T), xp.asarray(Y)

    def residuals(p):
        names = ag.namespace(p)
        return p[0] * names.exp(-(p[1] * t)) + p[2] - y

    return residuals


def on_host(p):
    return p[0] * np.exp(-p[1] * T) + p[2] - Y


def reference(start=START, **options):
    tight = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15}
    return scipy.optimize.least_squares(on_host, start, jac=jacobian, **{**tight, **options})


def jacobian(p):
    e = np.exp(-p[1] * T)
    return np.stack([e, -p[0] * T * e, np.ones_like(T)], axis=1)


def rosenbrock(x):
    names = ag.namespace(x)
    return names.stack([(x[1] - x[0] ** 2) * 10.0, -(x[0] - 1.0)])


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_minimum_that_scipy_finds(xp, method):
    start = xp.asarray(START)
    result = ag.least_squares(decay(xp), start, method=method)
    expected = reference()
    assert result.success, result.message
    assert np.allclose(ag.to_numpy(result.x), expected.x, rtol=1e-7)  # SciPy's differences
    assert np.isclose(float(ag.to_numpy(result.cost)), expected.cost, rtol=1e-13)
    assert np.abs(ag.to_numpy(result.grad)).max() < 1e-13
    assert result.optimality < 1e-13
    assert type(result.x) is type(start)
    assert ag.to_numpy(start).tolist() == START


@pytest.mark.parametrize("method", METHODS)
def test_rosenbrock_is_solved_to_rounding(method):
    result = ag.least_squares(rosenbrock, np.asarray([-1.2, 1.0]), method=method)
    assert result.success, result.message
    assert np.abs(result.x - 1.0).max() < 1e-13
    assert result.nfev < 60


@pytest.mark.parametrize("method", ["lm", "gauss-newton"])
def test_products_lead_where_the_matrix_leads(quick_xp, method):
    dense = ag.least_squares(decay(quick_xp), quick_xp.asarray(START), method=method)
    free = ag.least_squares(
        decay(quick_xp), quick_xp.asarray(START), method=method, linear_solver="lsmr"
    )
    assert free.success, free.message
    assert np.allclose(ag.to_numpy(free.x), ag.to_numpy(dense.x), rtol=1e-11)
    v = quick_xp.asarray([1.0, -2.0, 3.0])
    u = quick_xp.asarray(np.cos(T))
    jac = ag.to_numpy(dense.jac)
    assert free.jac.shape == jac.shape
    assert np.allclose(ag.to_numpy(free.jac @ v), jac @ ag.to_numpy(v), rtol=1e-6)
    assert np.allclose(ag.to_numpy(free.jac.rmatvec(u)), np.cos(T) @ jac, rtol=1e-6)
    errors = [ag.to_numpy(r.standard_errors()) for r in (free, dense)]
    assert np.allclose(*errors, rtol=1e-6)


@pytest.mark.parametrize("source", ["numerical", "given", "blocks"])
def test_jacobians_of_other_sources_serve(quick_xp, source):
    f = decay(quick_xp)

    def given(p):
        exact = ag.jacobian(f)(p)
        return [exact] if source == "blocks" else exact

    wrapped = (lambda p: [f(p)]) if source == "blocks" else f
    result = ag.least_squares(
        wrapped, quick_xp.asarray(START), jacobian=source if source == "numerical" else given
    )
    assert result.success, result.message
    assert np.allclose(ag.to_numpy(result.x), reference().x, rtol=1e-7)


def test_trees_go_in_and_come_out(quick_xp):
    t, y = quick_xp.asarray(T), quick_xp.asarray(Y)

    def residuals(p):
        names = ag.namespace(p["rate"])
        fit = p["scale"][0] * names.exp(-(p["rate"] * t)) + p["scale"][1]
        return {"first": (fit - y)[:7], "rest": [names.reshape((fit - y)[7:], (2, 4))]}

    start = {"rate": quick_xp.asarray(1.0), "scale": quick_xp.asarray([1.0, 0.0])}
    result = ag.least_squares(residuals, start, x_scale={"rate": 2.0, "scale": quick_xp.ones(2)})
    expected = reference().x
    assert result.success, result.message
    assert np.isclose(float(ag.to_numpy(result.x["rate"])), expected[1], rtol=1e-7)
    assert np.allclose(ag.to_numpy(result.x["scale"]), expected[[0, 2]], rtol=1e-7)
    assert result.fun["rest"][0].shape == (2, 4)
    assert result.jac.shape == (15, 3)
    assert result.grad["scale"].shape == (2,)
    assert result.standard_errors()["rate"].shape == ()


def complex_problem(xp):
    t = xp.asarray(np.linspace(0.0, 3.0, 12))
    data = (1.5 - 0.5j) * np.exp((-0.4 + 2.0j) * np.linspace(0.0, 3.0, 12))
    data = data + 0.01 * np.cos(np.arange(12)) + 0.02j * np.sin(3.0 * np.arange(12))
    y = xp.asarray(data)

    def residuals(p):
        names = ag.namespace(p["pole"])
        return p["height"] * names.exp(p["pole"] * t) - y

    def on_host(v):
        r = (v[0] + 1j * v[1]) * np.exp((v[2] + 1j * v[3]) * np.linspace(0.0, 3.0, 12)) - data
        return np.concatenate([r.real, r.imag])

    start = {"height": xp.asarray(1.0 + 0.0j), "pole": xp.asarray(-0.1 + 1.7j)}
    return residuals, start, on_host


@pytest.mark.parametrize("solver", ["dense", "lsmr"])
def test_complex_parameters_and_residuals_count_by_their_parts(quick_xp, solver):
    residuals, start, on_host = complex_problem(quick_xp)
    result = ag.least_squares(residuals, start, linear_solver=solver)
    tight = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15}
    expected = scipy.optimize.least_squares(on_host, [1.0, 0.0, -0.1, 1.7], **tight)
    x = [complex(ag.to_numpy(result.x[name])) for name in ("height", "pole")]
    assert result.success, result.message
    found = [x[0].real, x[0].imag, x[1].real, x[1].imag]
    assert np.allclose(found, expected.x, rtol=1e-6)
    assert np.isclose(float(ag.to_numpy(result.cost)), expected.cost, rtol=1e-12)
    assert tuple(result.jac.shape) == (24, 4)
    if solver == "dense":
        assert np.allclose(ag.to_numpy(result.jac), expected.jac, atol=1e-5)
    cov = np.linalg.inv(expected.jac.T @ expected.jac) * 2.0 * expected.cost / 20.0
    assert np.allclose(ag.to_numpy(result.covariance()), cov, rtol=1e-4)
    errors = complex(ag.to_numpy(result.standard_errors()["pole"]))
    assert np.isclose(errors.imag, np.sqrt(cov[3, 3]), rtol=1e-4)


def test_real_parameters_of_complex_residuals(xp):
    y = xp.asarray(np.asarray([1.0 + 2.0j, 3.0 - 1.0j]))
    result = ag.least_squares(lambda p: p * (1.0 + 1.0j) - y, xp.asarray([0.0, 0.0]))
    # the minimum of |p (1 + i) - y|^2 is Re(y conj(1 + i)) / 2
    assert np.allclose(ag.to_numpy(result.x), [1.5, 1.0], atol=1e-14)


def test_float32_stays_float32_and_converges(xp):
    t, y = (xp.asarray(v, dtype=xp.float32) for v in (T, Y))

    def residuals(p):
        return p[0] * ag.namespace(p).exp(-(p[1] * t)) + p[2] - y

    result = ag.least_squares(residuals, xp.asarray(START, dtype=xp.float32))
    assert result.success, result.message
    assert result.x.dtype == result.jac.dtype == result.fun.dtype == xp.float32
    assert result.covariance().dtype == xp.float32
    assert np.allclose(ag.to_numpy(result.x), reference().x, rtol=2e-5)


BOXES = {
    "one active": ([0.0, 0.0, 0.0], [2.0, 5.0, 5.0]),
    "two active": ([0.0, 2.0, -1.0], [2.0, 5.0, 5.0]),
    "none active": ([-9.0, -9.0, -9.0], [9.0, 9.0, 9.0]),
    "one fixed": ([0.0, 1.0, -1.0], [9.0, 1.0, 1.0]),
    "half open": ([-np.inf, -np.inf, 0.6], [np.inf, np.inf, np.inf]),
}


def assert_kkt(x, gradient, low, high, tol):
    """The gradient vanishes inside, and points outwards at bounds."""
    assert np.all((low <= x) & (x <= high))
    projected = np.clip(x - gradient, low, high) - x
    assert np.abs(projected).max() <= tol


@pytest.mark.parametrize("solver", ["dense", "lsmr"])
@pytest.mark.parametrize("name", BOXES)
def test_bounds_lead_to_the_minimum_that_scipy_finds(quick_xp, name, solver):
    low, high = (np.asarray(side) for side in BOXES[name])
    result = ag.least_squares(
        decay(quick_xp), quick_xp.asarray(START), bounds=(low, high), linear_solver=solver
    )
    assert result.success, result.message
    x, g = ag.to_numpy(result.x), ag.to_numpy(result.grad)
    assert_kkt(x, g, low, high, 1e-10 if solver == "dense" else 1e-7)
    widened = np.where(low == high, high + 1e-9, high)  # SciPy wants room
    for method in ("trf", "dogbox"):
        expected = reference(np.clip(START, low, high), bounds=(low, widened), method=method)
        assert float(ag.to_numpy(result.cost)) <= expected.cost * (1.0 + 1e-8)
        assert np.allclose(x, expected.x, atol=1e-5)
    mask = np.where(x <= low, -1, np.where(x >= high, 1, 0))
    assert ag.to_numpy(result.active_mask).tolist() == mask.tolist()
    assert (mask != 0).sum() == {"o": 1, "t": 2, "n": 0, "h": 1}[name[0]]


@pytest.mark.parametrize("solver", ["dense", "lsmr"])
def test_random_bounded_problems_satisfy_the_conditions_of_a_minimum(solver):
    rng = np.random.default_rng(11)
    for _ in range(20):
        a, b = rng.normal(size=(12, 6)), 3.0 * rng.normal(size=12)
        low, high = np.full(6, -0.5), rng.uniform(0.0, 1.0, size=6)
        f = lambda x, a=a, b=b: a @ x - b
        result = ag.least_squares(f, np.zeros(6), bounds=(low, high), linear_solver=solver)
        expected = scipy.optimize.lsq_linear(a, b, (low, high), method="bvls", tol=1e-15)
        assert result.success, result.message
        assert np.allclose(result.x, expected.x, atol=1e-10 if solver == "dense" else 1e-6)


def test_a_step_that_meets_a_bound_is_the_best_of_those_that_stay_there():
    a = np.asarray([[2.0, 1.0], [1.0, 3.0], [0.0, 1.0]])
    b = np.asarray([6.0, 1.0, 0.0])
    one = ag.least_squares(lambda x: a @ x - b, np.zeros(2), bounds=(-9.0, [1.0, 9.0]), max_steps=1)
    # with the first parameter at its bound, the second has its minimum by itself
    rest = b - a[:, 0]
    assert one.x[0] == 1.0
    assert np.isclose(one.x[1], a[:, 1] @ rest / (a[:, 1] @ a[:, 1]), rtol=1e-12)


def test_a_start_outside_is_moved_inside():
    result = ag.least_squares(rosenbrock, np.asarray([-5.0, 9.0]), bounds=(-2.0, 2.0))
    assert np.abs(result.x - 1.0).max() < 1e-10


def test_a_trial_that_is_not_finite_shortens_the_step(xp):
    seen = []

    def residuals(p):
        names = ag.namespace(p)
        found = names.log(p[0]) + p[1] - 1.0
        seen.append(bool(np.isfinite(ag.to_numpy(ag.value(found)))))
        return names.stack([found, p[1] * 10.0])

    with np.errstate(all="ignore"):
        result = ag.least_squares(residuals, xp.asarray([20.0, 0.0]))
    assert result.success, result.message
    assert not all(seen)  # log of a negative number was met on the way
    assert np.allclose(ag.to_numpy(result.x), [np.e, 0.0], atol=1e-12)


def test_an_arithmetic_error_of_a_trial_shortens_the_step():
    def residuals(p):
        if ag.value(p)[0] <= 0.0:
            raise ZeroDivisionError("below zero")
        return np.log(p) - 1.0

    result = ag.least_squares(residuals, np.asarray([20.0]))
    assert result.success, result.message
    assert np.isclose(result.x[0], np.e)


@pytest.mark.parametrize("solver", ["dense", "lsmr"])
def test_a_start_that_is_not_finite_is_told(xp, solver):
    f = lambda p: p * float("nan")
    result = ag.least_squares(f, xp.asarray([1.0, 2.0]), linear_solver=solver)
    assert (result.status, result.success) == (Status.NONFINITE, False)
    with pytest.raises(ArgumentError, match="no fit"):
        result.covariance()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("m", [1, 2])
def test_fewer_residuals_than_parameters_are_solved(quick_xp, method, m):
    a = np.asarray([[1.0, 2.0, -1.0], [0.5, 0.0, 3.0]])[:m]
    matrix, b = quick_xp.asarray(a), quick_xp.asarray(np.asarray([4.0, -1.0])[:m])
    f = lambda x: x @ quick_xp.matrix_transpose(matrix) - b
    result = ag.least_squares(f, quick_xp.asarray([0.0, 0.0, 0.0]), method=method, x_scale=1.0)
    assert result.success, result.message
    assert np.abs(ag.to_numpy(result.fun)).max() < 1e-13
    if method == "lm":  # from 0 and without scaling the step is the shortest solution
        assert np.allclose(ag.to_numpy(result.x), np.linalg.pinv(a) @ ag.to_numpy(b), atol=1e-12)
    with pytest.warns(UserWarning, match="infinite"):
        assert np.isinf(ag.to_numpy(result.covariance())).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_jacobian_of_deficient_rank_is_no_obstacle(method):
    f = lambda p: (p[0] + 2.0 * p[1]) * np.exp(-T) - 3.0 * np.exp(-T) + 0.1 * np.cos(T)
    result = ag.least_squares(f, np.asarray([0.0, 0.0]), method=method)
    e = np.exp(-T)
    best = 3.0 - 0.1 * (e @ np.cos(T)) / (e @ e)  # of p0 + 2 p1, by the normal equation
    assert result.success, result.message
    assert np.isclose(result.x[0] + 2.0 * result.x[1], best, rtol=1e-13)
    with pytest.warns(UserWarning, match="1 directions of 2 parameters"):
        assert np.isinf(result.covariance()).all()


def test_a_singular_solution_is_approached():
    def powell(x):
        root = np.sqrt(10.0)
        return np.stack(
            [
                x[0] + 10.0 * x[1],
                (x[2] - x[3]) * np.sqrt(5.0),
                (x[1] - 2.0 * x[2]) ** 2,
                root * (x[0] - x[3]) ** 2,
            ]
        )

    result = ag.least_squares(powell, np.asarray([3.0, -1.0, 0.0, 1.0]))
    assert result.success, result.message
    assert result.cost < 1e-30


def test_a_residual_of_zero_at_the_start_is_the_end(xp):
    result = ag.least_squares(lambda p: p * 0.0 + 0.0, xp.asarray([1.0]), gtol=0.0)
    assert (result.status, result.nit) == (Status.CONVERGED, 0)


@pytest.mark.parametrize("solver", ["dense", "lsmr"])
def test_a_wrong_jacobian_is_told(solver):
    square = ag.custom_vjp(lambda x: x * x)
    # of the wrong sign
    square.defvjp(lambda x: (x * x, x), lambda x, g: (-2.0 * x * g,))
    f = lambda x: square(x) - 2.0
    result = ag.least_squares(f, np.asarray([1.0, 1.2]), linear_solver=solver)
    assert (result.status, result.success) == (Status.WRONG_GRADIENT, False)


def test_steps_and_evaluations_are_bounded():
    start = np.asarray([-1.2, 1.0])
    few = ag.least_squares(rosenbrock, start, max_steps=3)
    assert (few.status, few.success, few.nit) == (Status.MAX_STEPS, False, 3)
    none = ag.least_squares(rosenbrock, start, max_steps=0)
    assert (none.status, none.nfev, none.x.tolist()) == (Status.MAX_STEPS, 1, [-1.2, 1.0])
    short = ag.least_squares(rosenbrock, start, max_evaluations=4)
    assert short.status == Status.MAX_EVALUATIONS
    assert 4 <= short.nfev < 8  # counted between steps


@pytest.mark.parametrize("solver", ["dense", "lsmr"])
@pytest.mark.parametrize("name", ["gtol", "ftol", "xtol"])
def test_each_tolerance_ends_earlier(name, solver):
    options = {"gtol": 0.0, "ftol": 0.0, "xtol": 0.0, "linear_solver": solver}
    full = ag.least_squares(decay(np), np.asarray(START), **options)
    loose = ag.least_squares(decay(np), np.asarray(START), **{**options, name: 1e-3})
    assert loose.success
    assert name in loose.message
    assert loose.nit < full.nit


def test_a_callback_can_stop_and_history_is_kept(xp):
    seen = []

    def stop(now):
        seen.append(float(ag.to_numpy(now.fun)))
        return now.nit == 2

    result = ag.least_squares(decay(xp), xp.asarray(START), callback=stop, record=("x", "jac"))
    assert (result.status, result.nit, len(seen)) == (Status.STOPPED, 2, 2)
    assert len(result.recorded["x"]) == 3
    costs = result.history["fun"]
    assert np.allclose(costs[1:], seen)
    gradient = ag.to_numpy(result.recorded["jac"][0])
    r, j = on_host(np.asarray(START)), ag.jacobian(on_host)(np.asarray(START))
    assert np.allclose(gradient, r @ j)


def test_the_device_is_read_once_an_evaluation(monkeypatch):
    from anygrad.solvers.problem.space import Space

    reads = []
    plain = Space.fetch
    monkeypatch.setattr(Space, "fetch", lambda self, v: (reads.append(1), plain(self, v))[1])
    result = ag.least_squares(decay(np), np.asarray(START))
    # and one for `optimality` of the result
    assert len(reads) <= result.nfev + result.njev + 1


def test_args_are_passed_on(xp):
    f = lambda p, a, b: p * a - b
    result = ag.least_squares(f, xp.asarray([1.0]), args=(2.0, 6.0), jacobian="numerical")
    assert np.isclose(ag.to_numpy(result.x)[0], 3.0)
    given = ag.least_squares(
        f, xp.asarray([1.0]), args=(2.0, 6.0), jacobian=lambda p, a, b: xp.asarray([[a]])
    )
    assert np.isclose(ag.to_numpy(given.x)[0], 3.0)


WRONG = {
    "method": ({"method": "lmm"}, ArgumentError, "method.*Did you mean 'lm'"),
    "solver": ({"linear_solver": "qr"}, ArgumentError, "linear_solver"),
    "loss": ({"loss": "hubert"}, ArgumentError, "loss.*Did you mean 'huber'"),
    "f_scale": ({"f_scale": 0.0}, ArgumentError, "f_scale"),
    "jacobian": ({"jacobian": "2-point"}, ArgumentError, "jacobian"),
    "shape": ({"jacobian": lambda p: np.zeros((3, 3))}, ShapeError, r"jacobian.*\(2, 2\)"),
    "bounds": ({"bounds": (0.0, 1.0), "method": "dogleg"}, ArgumentError, "method='lm'"),
    "scale": ({"x_scale": -1.0}, ArgumentError, "x_scale"),
    "scale name": ({"x_scale": "jacobi"}, ArgumentError, "x_scale"),
    "products": ({"linear_solver": "lsmr", "method": "dogleg"}, ArgumentError, "dogleg"),
    "given products": ({"linear_solver": "lsmr", "jacobian": "numerical"}, ArgumentError, "lsmr"),
    "record": ({"record": "y"}, ArgumentError, "record"),
    "steps": ({"max_steps": -1}, ArgumentError, "max_steps"),
}


@pytest.mark.parametrize(("options", "error", "match"), WRONG.values(), ids=WRONG)
def test_wrong_options_are_refused(options, error, match):
    with pytest.raises(error, match=match):
        ag.least_squares(rosenbrock, np.asarray([-1.2, 1.0]), **options)


def test_residuals_must_be_floating_arrays():
    with pytest.raises(DTypeError, match=r"residuals.*residuals\(x\)"):
        ag.least_squares(lambda x: np.asarray([1, 2]), np.asarray([1.0]))
    with pytest.raises(ArgumentError, match="residuals"):
        ag.least_squares(3.0, np.asarray([1.0]))
