"""``proximal_gradient``: conditions of optimality, the paper's iterates, and how runs end."""

import numpy as np
import pytest
import scipy.optimize

import anygrad as ag
from anygrad.solvers import Status, proximal, proximal_gradient
from anygrad.solvers.problem.space import Space

RNG = np.random.default_rng(7)
A = RNG.normal(size=(40, 8))
B = A @ np.asarray([1.0, 0.0, 0.0, -2.0, 0.0, 0.5, 0.0, 3.0]) + 0.1 * RNG.normal(size=40)
LIPSCHITZ = float(np.linalg.eigvalsh(A.T @ A)[-1])
METHODS = {
    "fista": {},
    "fista without restarts": {"restart": False},
    "ista": {"accelerated": False},
    "fista, fixed step": {"step": 1.0 / LIPSCHITZ},
    "ista, fixed step": {"accelerated": False, "step": 1.0 / LIPSCHITZ},
}


def least_squares(xp, a=A, b=B):
    a, b = xp.asarray(a), xp.asarray(b)

    def f(x):
        residual = ag.namespace(x).matmul(a, x) - b
        return ag.namespace(x).sum(residual * residual) * 0.5

    return f


@pytest.mark.parametrize("name", METHODS)
def test_the_lasso_meets_its_conditions(quick_xp, name):
    """A^T (b - A x) = strength sign(x) where x is not 0, and at most strength elsewhere."""
    start = quick_xp.zeros(8)
    result = proximal_gradient(
        least_squares(quick_xp), start, proximal.l1(5.0), gtol=1e-9, **METHODS[name]
    )
    assert result.success, result.message
    x = ag.to_numpy(result.x)
    pull = A.T @ (B - A @ x)
    active = x != 0.0
    assert 2 <= active.sum() <= 6
    assert np.abs(pull - 5.0 * np.sign(x))[active].max() < 2e-9
    assert np.abs(pull[~active]).max() < 5.0
    value = 0.5 * ((A @ x - B) ** 2).sum() + 5.0 * np.abs(x).sum()
    assert float(ag.to_numpy(result.fun)) == pytest.approx(value, rel=1e-13)
    assert np.abs(ag.to_numpy(result.jac)).max() < 1e-8
    assert not ag.to_numpy(start).any()
    assert type(result.x) is type(start)


def ista(count):
    """Beck, Teboulle (2009), eq. 3.1."""
    x, points = np.zeros(8), []
    for _ in range(count):
        v = x - A.T @ (A @ x - B) / LIPSCHITZ
        x = np.sign(v) * np.maximum(np.abs(v) - 5.0 / LIPSCHITZ, 0.0)
        points.append(x)
    return points


def fista(count):
    """Beck, Teboulle (2009), eq. 4.1 to 4.3."""
    x = y = np.zeros(8)
    t, points = 1.0, []
    for _ in range(count):
        v = y - A.T @ (A @ y - B) / LIPSCHITZ
        new = np.sign(v) * np.maximum(np.abs(v) - 5.0 / LIPSCHITZ, 0.0)
        t_new = (1.0 + np.sqrt(1.0 + 4.0 * t * t)) / 2.0
        y = new + (t - 1.0) / t_new * (new - x)
        x, t = new, t_new
        points.append(x)
    return points


@pytest.mark.parametrize("name", ["ista", "fista"])
def test_iterates_with_a_fixed_step_are_those_of_the_paper(xp, name):
    result = proximal_gradient(
        least_squares(xp),
        xp.zeros(8),
        proximal.l1(5.0),
        step=1.0 / LIPSCHITZ,
        accelerated=name == "fista",
        restart=False,
        max_steps=20,
        gtol=0.0,
        record="x",
    )
    expected = {"ista": ista, "fista": fista}[name](20)
    found = [ag.to_numpy(x) for x in result.recorded["x"][1:]]
    assert len(found) == 20
    assert np.abs(np.asarray(found) - expected).max() < 1e-11
    assert result.status is Status.MAX_STEPS
    values = [0.5 * ((A @ x - B) ** 2).sum() + 5.0 * np.abs(x).sum() for x in expected]
    assert np.allclose(result.history["fun"][1:], values, rtol=1e-12)


def test_momentum_and_restarts_save_steps():
    a = A * np.geomspace(1.0, 0.1, 8)
    steps = {
        name: proximal_gradient(
            least_squares(np, a),
            np.zeros(8),
            proximal.l1(0.01),
            gtol=1e-9,
            max_steps=20_000,
            **options,
        ).nit
        for name, options in METHODS.items()
        if "fixed" not in name
    }
    assert steps["fista"] < 0.7 * steps["fista without restarts"]
    assert steps["fista"] < 0.2 * steps["ista"]


@pytest.mark.parametrize("accelerated", [True, False])
def test_rounding_does_not_shorten_steps(accelerated):
    """Near the end, where values and gradients differ by rounding only."""
    a = A * np.geomspace(1.0, 0.1, 8)
    result = proximal_gradient(
        least_squares(np, a), np.zeros(8), proximal.l1(0.01), accelerated=accelerated, gtol=1e-10
    )
    steps = np.asarray(result.history["step_length"][1:])
    assert steps.min() > 0.2 / float(np.linalg.eigvalsh(a.T @ a)[-1])


def test_ista_never_rises():
    result = proximal_gradient(
        least_squares(np), np.ones(8), proximal.l1(5.0), accelerated=False, gtol=1e-10
    )
    values = np.asarray(result.history["fun"])
    assert np.all(np.diff(values) <= 1e-13 * values[:-1])


def test_nonnegative_least_squares_agree_with_scipy(quick_xp):
    result = proximal_gradient(
        least_squares(quick_xp), quick_xp.zeros(8), proximal.nonnegative(), gtol=1e-10
    )
    expected, _ = scipy.optimize.nnls(A, B)
    assert result.success, result.message
    assert np.abs(ag.to_numpy(result.x) - expected).max() < 1e-10


def test_groups_of_rows_meet_their_condition(quick_xp):
    """A^T (B - A X) = strength * row / |row| for rows that stay, at most that long elsewhere."""
    target = A @ np.outer([1.0, 0.0, 0.0, -2.0, 0.0, 0.5, 0.0, 3.0], [1.0, -1.0, 0.5])
    result = proximal_gradient(
        least_squares(quick_xp, b=target),
        quick_xp.zeros((8, 3)),
        proximal.group_l2(9.0, axis=1),
        gtol=1e-9,
    )
    x = ag.to_numpy(result.x)
    lengths = np.linalg.norm(x, axis=1)
    pull = A.T @ (target - A @ x)
    active = lengths > 0.0
    assert active.sum() == 4
    assert np.abs(pull[active] - 9.0 * x[active] / lengths[active][:, None]).max() < 1e-8
    assert np.linalg.norm(pull[~active], axis=1).max() < 9.0


def test_a_matrix_of_low_rank_is_completed():
    """The dual certificate of the nuclear norm: |M| <= strength, <M, X> = strength |X|_*."""
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(12, 2)) @ rng.normal(size=(2, 9))
    seen = (rng.uniform(size=truth.shape) < 0.7) * 1.0

    def f(x):
        return 0.5 * np.sum((seen * (x - truth)) ** 2)

    result = proximal_gradient(f, np.zeros(truth.shape), proximal.nuclear(0.1), gtol=1e-10)
    dual = seen * (truth - result.x)
    assert np.linalg.norm(dual, 2) < 0.1 * (1.0 + 1e-7)
    singular = np.linalg.svd(result.x, compute_uv=False)
    assert np.sum(dual * result.x) == pytest.approx(0.1 * singular.sum(), rel=1e-9)
    assert (singular > 1e-8).sum() <= 3


def test_a_model_with_a_free_intercept(quick_xp):
    """Logistic loss; its gradient by the intercept vanishes, those by the weights are bounded."""
    labels = np.sign(B - 1.0)
    a, y = quick_xp.asarray(A), quick_xp.asarray(labels)

    def loss(p):
        names = ag.namespace(p["w"])
        margin = (names.matmul(a, p["w"]) + p["b"]) * y
        return names.mean(names.log1p(names.exp(-margin)))

    start = {"w": quick_xp.zeros(8), "b": quick_xp.asarray(0.0)}
    result = proximal_gradient(loss, start, {"w": proximal.l1(0.05), "b": None}, gtol=1e-9)
    assert result.success, result.message
    w, b = ag.to_numpy(result.x["w"]), ag.to_numpy(result.x["b"])
    weights = -labels / (1.0 + np.exp(labels * (A @ w + b))) / 40.0
    assert abs(weights.sum()) < 1e-8
    slope = A.T @ weights
    assert np.abs(slope[w != 0.0] + 0.05 * np.sign(w[w != 0.0])).max() < 1e-8
    assert np.abs(slope[w == 0.0]).max() < 0.05


def test_float32_stays_float32(quick_xp):
    f = least_squares(quick_xp, A.astype(np.float32), B.astype(np.float32))
    result = proximal_gradient(
        f, quick_xp.zeros(8, dtype=quick_xp.float32), proximal.l1(5.0), gtol=1e-2
    )
    assert result.x.dtype == quick_xp.float32
    assert result.fun.dtype == quick_xp.float32
    exact = proximal_gradient(least_squares(np), np.zeros(8), proximal.l1(5.0), gtol=1e-10).x
    assert np.abs(ag.to_numpy(result.x) - exact).max() < 1e-3


@pytest.mark.parametrize("restart", [True, False])
def test_one_read_of_the_device_for_an_iteration(monkeypatch, restart):
    reads = []
    fetch = Space.fetch
    monkeypatch.setattr(Space, "fetch", lambda self, values: reads.append(1) or fetch(self, values))
    result = proximal_gradient(
        least_squares(np),
        np.zeros(8),
        proximal.l1(5.0),
        step=1.0 / LIPSCHITZ,
        restart=restart,
        gtol=1e-9,
    )
    assert result.nit > 20
    assert len(reads) <= result.nit + 6  # the start, and the test of the last points themselves


def test_other_gradients(quick_xp):
    exact = ag.to_numpy(
        proximal_gradient(least_squares(quick_xp), quick_xp.zeros(8), proximal.l1(5.0)).x
    )
    a, b = quick_xp.asarray(A), quick_xp.asarray(B)

    def gradient(x):
        return quick_xp.matmul(a.T, quick_xp.matmul(a, x) - b)

    f = least_squares(quick_xp)
    for options in ({"gradient": gradient}, {"gradient": "numerical"}):
        result = proximal_gradient(f, quick_xp.zeros(8), proximal.l1(5.0), **options)
        assert np.abs(ag.to_numpy(result.x) - exact).max() < 1e-6
    result = proximal_gradient(
        lambda x: (f(x), gradient(x)), quick_xp.zeros(8), proximal.l1(5.0), gradient=True
    )
    assert np.abs(ag.to_numpy(result.x) - exact).max() < 1e-6


# -- how runs end


def test_a_start_outside_the_set_is_moved_into_it():
    result = proximal_gradient(
        lambda x: np.sum((x - 3.0) ** 2),
        np.asarray([5.0, -5.0]),
        proximal.indicator(proximal.project_l2_ball),
    )
    assert result.success
    assert np.allclose(result.x, np.sqrt([0.5, 0.5]), atol=1e-6)
    assert float(result.fun) == pytest.approx(2.0 * (3.0 - np.sqrt(0.5)) ** 2)


def test_steps_out_of_the_domain_are_shortened():
    """min -sum log x + 1/2 |x - 1|^2 + 2 |x|: x - 1 + 2 = 1 / x."""

    def f(x):
        with np.errstate(all="ignore"):
            return np.sum(0.5 * (x - 1.0) ** 2 - np.log(x))

    result = proximal_gradient(f, np.asarray([1e-3, 50.0]), proximal.l1(2.0), gtol=1e-9)
    assert result.success, result.message
    assert np.abs(result.x - 0.5 * (np.sqrt(5.0) - 1.0)).max() < 1e-8


def test_a_wrong_gradient_is_found_out():
    result = proximal_gradient(
        lambda x: np.sum((x - 3.0) ** 2), np.zeros(3), None, gradient=lambda x: -2.0 * (x - 3.0)
    )
    assert result.status is Status.WRONG_GRADIENT
    assert "check_gradients" in result.message


def test_a_function_without_a_minimum():
    result = proximal_gradient(lambda x: np.sum(-x), np.zeros(2), None)
    assert result.status is Status.UNBOUNDED


def test_a_start_that_is_not_finite():
    with np.errstate(all="ignore"):
        result = proximal_gradient(lambda x: np.sum(np.log(x)), -np.ones(2), proximal.l1(1.0))
    assert result.status is Status.NONFINITE


def test_a_fixed_step_that_is_too_long_is_no_success():
    with np.errstate(all="ignore"):
        result = proximal_gradient(
            least_squares(np), np.zeros(8), proximal.l1(5.0), step=3.0 / LIPSCHITZ, max_steps=3000
        )
    assert not result.success
    assert result.status in (Status.NONFINITE, Status.MAX_STEPS)
    value = 0.5 * (B**2).sum()
    assert float(result.fun) <= value  # the best point is kept


def test_a_callback_can_stop_and_steps_are_counted():
    seen = []

    def stop(now):
        seen.append((now.nit, now.optimality))
        return now.nit == 3

    result = proximal_gradient(least_squares(np), np.zeros(8), proximal.l1(5.0), callback=stop)
    assert result.status is Status.STOPPED
    assert [nit for nit, _ in seen] == [1, 2, 3]
    assert result.nit == 3
    assert list(result.history["optimality"][1:]) == [peak for _, peak in seen]


def test_tolerances_of_value_and_step():
    for options in ({"ftol": 1e-6}, {"xtol": 1e-6}):
        result = proximal_gradient(
            least_squares(np), np.zeros(8), proximal.l1(5.0), gtol=0.0, **options
        )
        assert result.success, result.message
        assert next(iter(options)) in result.message


def test_rounding_ends_a_run_that_asks_for_too_much():
    result = proximal_gradient(least_squares(np), np.zeros(8), proximal.l1(5.0), gtol=0.0)
    assert result.success
    assert "nothing is left to gain" in result.message or result.history["optimality"][-1] == 0.0
    exact = np.linalg.lstsq(A[:, result.x != 0.0], B, rcond=None)  # the active set is right
    assert exact[2] == (result.x != 0.0).sum()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"step": 0.0}, r"proximal_gradient\(step\): got 0.0; expected a number > 0"),
        ({"gtol": -1.0}, r"proximal_gradient\(gtol\)"),
        ({"record": "jac"}, r"proximal_gradient\(record\)"),
        ({"gradient": "symbolic"}, r"proximal_gradient\(gradient\)"),
    ],
)
def test_errors_name_the_argument(options, words):
    with pytest.raises(ag.errors.ArgumentError, match=words):
        proximal_gradient(least_squares(np), np.zeros(8), None, **options)


# -- derivatives of the solution


def validation_loss(xp, strength):
    a, b = xp.asarray(A[:20]), xp.asarray(B[:20])
    result = proximal_gradient(
        lambda x, strength: least_squares(xp, A[20:], B[20:])(x),
        xp.zeros(8),
        lambda strength: proximal.elastic_net(strength, 0.5),
        args=(strength,),
        gtol=1e-11,
    )
    residual = ag.namespace(result.x).matmul(a, result.x) - b
    return ag.namespace(result.x).sum(residual * residual)


def test_a_solution_is_differentiated_by_the_strength(quick_xp):
    xp = quick_xp
    slope = ag.to_numpy(ag.grad(lambda s: validation_loss(xp, s))(xp.asarray(3.0)))
    ends = [float(ag.to_numpy(validation_loss(xp, xp.asarray(3.0 + h)))) for h in (1e-4, -1e-4)]
    assert float(slope) == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-6)
