"""Every reason to end, met by an honest case, with its sentence."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.solvers import Status

METHODS = ["bfgs", "cg", "lbfgs"]
CURVATURES = np.array([1.0, 3.0, 10.0, 0.5])
CENTRE = np.array([1.0, -2.0, 0.25, 3.0])

every_method = pytest.mark.parametrize("method", METHODS)


def quadratic(x):
    return 0.5 * ((x - CENTRE) ** 2 * CURVATURES).sum()


def slope(x):
    return (x - CENTRE) * CURVATURES


def rosenbrock(x):
    return (10.0 * (x[1] - x[0] ** 2)) ** 2 + (1.0 - x[0]) ** 2


START = np.array([-1.2, 1.0])


@every_method
def test_a_small_gradient_is_convergence(method):
    found = ag.minimize(quadratic, np.zeros(4), method=method, gtol=1e-7)
    assert (found.status, found.success) == (Status.CONVERGED, True)
    assert "gtol" in found.message
    assert np.max(np.abs(slope(found.x))) <= 1e-7


@every_method
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_start_that_is_not_finite_is_named(method, bad):
    found = ag.minimize(lambda x: quadratic(x) + bad, np.zeros(4), method=method)
    assert (found.status, found.success, found.nfev) == (Status.NONFINITE, False, 1)
    assert "not finite at x0" in found.message


@every_method
def test_a_start_where_f_raises_is_named_with_the_error(method):
    def f(x):
        if x[0] < 1.0:
            raise ZeroDivisionError("the tank is empty")
        return quadratic(x)

    found = ag.minimize(f, np.zeros(4), method=method)
    assert found.status is Status.NONFINITE
    assert "the tank is empty" in found.message


@every_method
def test_max_steps_ends_with_the_best_point(method):
    found = ag.minimize(rosenbrock, START, method=method, max_steps=3)
    assert (found.status, found.success, found.nit) == (Status.MAX_STEPS, False, 3)
    assert "max_steps" in found.message
    assert found.fun == found["history"]["fun"].min()


@every_method
def test_max_evaluations_ends(method):
    found = ag.minimize(rosenbrock, START, method=method, max_evaluations=7)
    assert (found.status, found.success) == (Status.MAX_EVALUATIONS, False)
    assert "max_evaluations" in found.message
    assert 7 <= found.nfev < 40  # a search that has begun is finished
    once = ag.minimize(rosenbrock, START, method=method, max_evaluations=1)
    assert (once.status, once.nfev) == (Status.MAX_EVALUATIONS, 1)


@every_method
def test_no_lower_bound_is_noticed(method):
    for f in (lambda x: -((x - 1.0) ** 2).sum(), lambda x: x.sum(), lambda x: (x**3).sum()):
        found = ag.minimize(f, np.zeros(2) - 0.5, method=method)
        assert (found.status, found.success) == (Status.UNBOUNDED, False), found.message
        assert "unbounded" in found.message


def one_element_wrong(x):
    g = slope(x)
    g[2] = -g[2]
    return g


@every_method
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda x: -slope(x), id="sign"),
        pytest.param(lambda x: np.roll(slope(x), 1), id="order"),
    ],
)
def test_a_wrong_gradient_is_said(method, wrong):
    found = ag.minimize(quadratic, np.zeros(4), method=method, gradient=wrong)
    assert (found.status, found.success) == (Status.WRONG_GRADIENT, False), found.message
    assert "check_gradients" in found.message


@every_method
def test_one_wrong_element_of_a_gradient_is_said(method):
    found = ag.minimize(quadratic, np.zeros(4), method=method, gradient=one_element_wrong)
    assert (found.status, found.success) == (Status.WRONG_GRADIENT, False), found.message


@every_method
@pytest.mark.parametrize("offset", [1.0, 0.01])
@pytest.mark.parametrize(("f", "start"), [(quadratic, np.zeros(4)), (rosenbrock, START)])
def test_a_gradient_that_vanishes_elsewhere_is_said(method, offset, f, start):
    right = ag.grad(f)
    found = ag.minimize(f, start, method=method, gradient=lambda x: right(x) + offset)
    assert not found.success
    # a small error may also keep it from ending at all
    known = {Status.WRONG_GRADIENT} if offset == 1.0 else {Status.WRONG_GRADIENT, Status.MAX_STEPS}
    assert found.status in known, found.message


@pytest.mark.parametrize("method", ["lbfgsb", "projected-gradient"])
def test_a_right_gradient_at_a_bound_is_not_doubted(method):
    found = ag.minimize(lambda x: -(x**8).sum(), np.full(1, 0.5), bounds=(0.0, 1.0), method=method)
    assert found.success, found.message
    assert found.x == 1.0


@every_method
def test_a_kink_is_no_wrong_gradient(method):
    # the larger of two planes: at its edge no slope is that of both sides
    def ridge(x):
        return np.maximum(x[0] + 0.3 * x[1], -x[0]) + 0.01 * (x * x).sum()

    found = ag.minimize(ridge, np.asarray([1.0, 1.0]), method=method)
    assert found.status is not Status.WRONG_GRADIENT


@every_method
def test_a_right_gradient_far_from_zero_is_not_doubted(method):
    # x is 1e5 times its distance from the minimum, in single precision
    def f(x):
        y = x - np.float32(1e5)
        return (y * y).sum() + np.cos(3.0 * y).sum()

    found = ag.minimize(f, np.full(2, 1e5 + 3, np.float32), method=method)
    assert found.status is not Status.WRONG_GRADIENT


@every_method
def test_the_unit_of_a_function_does_not_make_it_unbounded(method):
    found = ag.minimize(lambda x: 1e40 * (quadratic(x) - 1.0), np.zeros(4), method=method)
    assert found.status is not Status.UNBOUNDED
    assert found.fun < -0.9e40


@pytest.mark.parametrize("unit", [1e8, 1e40])
def test_the_unit_of_a_function_does_not_change_the_way_of_lbfgs(unit):
    plain = ag.minimize(rosenbrock, START, method="lbfgs", gtol=1e-6)
    found = ag.minimize(lambda x: unit * rosenbrock(x), START, method="lbfgs", gtol=1e-6 * unit)
    assert found.success
    assert abs(found.nfev - plain.nfev) <= 5


@every_method
def test_a_gradient_of_twice_the_length_still_leads_to_the_minimum(method):
    # its zeros are those of the gradient, so the end is right, and said as it is
    found = ag.minimize(quadratic, np.zeros(4), method=method, gradient=lambda x: 2.0 * slope(x))
    if found.success:
        assert np.max(np.abs(found.x - CENTRE)) < 1e-4
    else:
        assert found.status is Status.WRONG_GRADIENT


class Noisy:
    """A quadratic with noise of one part in 1e4 that depends on the call, as simulations have."""

    def __init__(self):
        self.rng = np.random.default_rng(0)
        self.lowest = np.inf

    def __call__(self, x):
        value = (1.0 + quadratic(x)) * (1.0 + 1e-4 * self.rng.normal())
        self.lowest = min(self.lowest, value)
        return value, slope(x) + 1e-2 * self.rng.normal(size=4)


@every_method
def test_a_noisy_function_stagnates_near_the_minimum(method):
    f = Noisy()
    found = ag.minimize(f, np.zeros(4), method=method, gradient=True, gtol=1e-12)
    assert (found.status, found.success) == (Status.STAGNATED, False), found.message
    assert "noisy" in found.message
    assert quadratic(found.x) < 0.01


@every_method
def test_the_best_point_is_kept_when_later_ones_are_worse(method):
    f = Noisy()
    found = ag.minimize(f, np.zeros(4), method=method, gradient=True, gtol=1e-12)
    assert float(found.fun) == found["history"]["fun"].min()


@every_method
def test_what_float32_cannot_lower_is_convergence(xp, method):
    centre = xp.asarray(CENTRE.tolist(), dtype=xp.float32)
    f = lambda x: 100.0 + ag.namespace(x).sum((x - centre) ** 2)
    found = ag.minimize(f, xp.zeros(4, dtype=xp.float32), method=method, gtol=1e-9)
    assert (found.status, found.success) == (Status.CONVERGED, True), found.message
    assert found.x.dtype == xp.float32
    # f is flat to one part in 6e-8 within about 100 ** 0.5 * 2.4e-4 of the minimum
    assert np.max(np.abs(ag.to_numpy(found.x) - CENTRE)) < 5e-3


@every_method
def test_a_callback_stops_by_its_answer_or_by_stop_iteration(method):
    def raising(now):
        if now.nit == 2:
            raise StopIteration

    for callback in (lambda now: now.nit == 2, raising):
        found = ag.minimize(rosenbrock, START, method=method, callback=callback)
        assert (found.status, found.success, found.nit) == (Status.STOPPED, False, 2)
        assert "callback" in found.message


BARRIERS = {
    # minimum of t - log t at 1; of t + 1 / t at 1; the roots end where t <= 0
    "log": lambda names, x: names.sum(x - names.log(x)),
    "reciprocal": lambda names, x: names.sum(
        names.where(x > 0.0, x + 1.0 / x, names.log(-names.abs(x) - 1.0))
    ),
    "root": lambda names, x: names.sum(x - 2.0 * names.sqrt(x)),
}


@every_method
@pytest.mark.parametrize("barrier", BARRIERS)
def test_a_trial_outside_the_domain_shortens_the_step(xp, method, barrier):
    f = lambda x: BARRIERS[barrier](ag.namespace(x), x)
    start = xp.asarray([1e-3, 20.0, 3.0])
    with np.errstate(all="ignore"):
        found = ag.minimize(f, start, method=method, gtol=1e-7)
    assert found.success, found.message
    assert np.max(np.abs(ag.to_numpy(found.x) - 1.0)) < 1e-5


@every_method
def test_an_error_of_arithmetic_shortens_the_step_and_others_are_raised(method):
    def f(x):
        if x[0] > 1.5:
            raise FloatingPointError("outside")
        return quadratic(x)

    found = ag.minimize(f, np.zeros(4), method=method, gtol=1e-7)
    assert found.success, found.message
    with pytest.raises(KeyError):
        ag.minimize(lambda x: {}[0], np.zeros(4), method=method)


def test_every_status_has_a_sentence():
    for status in Status:
        assert status.sentence.endswith("."), status
