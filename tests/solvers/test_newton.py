"""Newton-CG: one step on a quadratic, rates, negative curvature, products of all three kinds."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError
from anygrad.solvers import Status, newton_cg
from anygrad.solvers.problem.space import Space
from tests.solvers.functions import CURVATURES, TARGET, quadratic, rosenbrock


def test_a_tight_newton_step_solves_a_quadratic(xp):
    method = newton_cg(forcing=1e-9)
    result = ag.minimize(quadratic(xp), xp.zeros(5), method=method, gtol=1e-6)
    assert result.success, result.message
    assert result.nit == 1
    assert np.abs(ag.to_numpy(result.x) - TARGET).max() < 1e-8


def test_a_loose_step_is_the_iterate_of_conjugate_gradients():
    # forcing 0.99 is met by the first step: x = a r, a = r r / r H r (Hestenes, Stiefel 1952)
    result = ag.minimize(
        lambda x: 0.5 * np.sum(x * x * np.asarray([1.0, 1.5])) - np.sum(x),
        np.zeros(2),
        method=newton_cg(forcing=0.99),
        max_steps=1,
    )
    a = 2.0 / 2.5
    np.testing.assert_allclose(result.x, [a, a], rtol=1e-12)
    assert result.nhev == 1


def test_convergence_is_superlinear():
    # one variable, f = x^4 / 4 + x^2 / 2: Newton's error is 2 x^3 / (1 + 3 x^2)
    result = ag.minimize(
        lambda x: np.sum(0.25 * x**4 + 0.5 * x**2),
        np.asarray([1.0]),
        method="newton-cg",
        gtol=1e-12,
        record="x",
    )
    x = np.asarray(result.recorded["x"])[:, 0]
    np.testing.assert_allclose(x[1:4], 2.0 * x[:3] ** 3 / (1.0 + 3.0 * x[:3] ** 2), rtol=1e-9)


def test_the_system_is_solved_the_better_the_smaller_the_gradient():
    # the residual is at most sqrt(|g|) |g|, and so is the next gradient, but for the quartic part
    d = np.arange(1.0, 31.0)
    result = ag.minimize(
        lambda x: 0.5 * np.sum(d * (x - 1.0) ** 2) + 0.01 * np.sum((x - 1.0) ** 4),
        np.zeros(30),
        method="newton-cg",
        gtol=1e-10,
        record="jac",
    )
    assert result.success, result.message
    size = np.linalg.norm(np.asarray(result.recorded["jac"]), axis=1)
    late = (size[:-1] < 1e-2) & (size[:-1] > 1e-8)  # below, rounding is as large
    assert late.sum() >= 2
    assert (size[1:][late] <= 1.01 * size[:-1][late] ** 1.5).all()


def test_rosenbrock_is_solved_on_every_library(quick_xp):
    result = ag.minimize(rosenbrock, quick_xp.asarray([0.8, 0.5]), method="newton-cg", gtol=1e-8)
    assert result.success, result.message
    assert np.abs(ag.to_numpy(result.x) - 1.0).max() < 1e-6
    assert result.nhev > 0


@pytest.mark.parametrize("kind", ["automatic", "differences", "given"])
def test_products_of_every_kind_lead_to_the_minimum(kind):
    start = np.asarray([-0.5, 1.0, 0.5])
    hessian = ag.hessian(rosenbrock)
    options = {
        "automatic": {},
        "differences": {"gradient": ag.grad(rosenbrock)},
        "given": {"gradient": ag.grad(rosenbrock), "hvp": lambda x, v: hessian(x) @ v},
    }[kind]
    result = ag.minimize(rosenbrock, start, method="newton-cg", gtol=1e-7, **options)
    exact = ag.minimize(rosenbrock, start, method="newton-cg", gtol=1e-7)
    assert result.success, result.message
    np.testing.assert_allclose(result.x, exact.x, atol=1e-6)


def test_the_device_is_read_once_a_product_and_once_a_trial():
    reads = []
    original = Space.fetch

    def counted(self, values):
        reads.append(len(values))
        return original(self, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Space, "fetch", counted)
        result = ag.minimize(quadratic(np), np.zeros(5), method="newton-cg")
    assert len(reads) == result.nfev + result.nhev


@pytest.mark.parametrize("start", [[0.0, 0.1], [0.3, -0.2], [1.0, 0.01]])
def test_negative_curvature_is_left_downhill(quick_xp, start):
    # x^2 / 2 - y^2 / 2 + y^4 / 4: a saddle at 0, minima -1/4 at (0, +-1)
    def f(x):
        return 0.5 * x[0] ** 2 - 0.5 * x[1] ** 2 + 0.25 * x[1] ** 4

    result = ag.minimize(f, quick_xp.asarray(start), method="newton-cg", gtol=1e-8)
    assert result.success, result.message
    assert float(ag.to_numpy(result.fun)) == pytest.approx(-0.25, abs=1e-12)


def test_the_first_step_along_a_concave_gradient_has_the_length_of_its_curvature():
    tried = []

    def f(x):
        tried.append(np.asarray(ag.value(x)).copy())
        return np.sum(np.cos(x))  # at 0.5: slope -sin, curvature -cos

    ag.minimize(f, np.asarray([0.5]), method="newton-cg", max_steps=1)
    # the start, the product there, then the first trial
    trial = tried[-1] if len(tried) == 3 else tried[2]
    assert trial[0] == pytest.approx(0.5 + np.tan(0.5))


@pytest.mark.parametrize("n", [2, 10])
def test_evaluations_do_not_exceed_those_of_scipy(n):
    optimize = pytest.importorskip("scipy.optimize")
    x0 = np.full(n, 0.5)
    x0[::2] = -0.3
    both = ag.value_and_grad(rosenbrock)
    products = []

    def product(x, v):
        products.append(1)
        return ag.hvp(rosenbrock, x, v)

    theirs = optimize.minimize(
        lambda x: tuple(map(np.asarray, both(x))), x0, jac=True, method="Newton-CG", hessp=product
    )
    ours = ag.minimize(rosenbrock, x0, method="newton-cg", gtol=1e-6)
    assert ours.success
    assert ours.nit <= theirs.nit
    assert ours.nfev + ours.nhev <= 1.1 * (theirs.nfev + len(products))


def test_float32_stays_float32(quick_xp):
    start = quick_xp.zeros(5, dtype=quick_xp.float32)
    result = ag.minimize(
        quadratic(quick_xp, quick_xp.float32), start, method="newton-cg", gtol=1e-3
    )
    assert result.success, result.message
    assert result.x.dtype == result.jac.dtype == quick_xp.float32
    assert np.abs(ag.to_numpy(result.x) - TARGET).max() < 1e-2


def test_a_wrong_gradient_is_told():
    result = ag.minimize(
        quadratic(np),
        np.zeros(5),
        method="newton-cg",
        gradient=lambda x: -CURVATURES * (x - TARGET),
    )
    assert result.status is Status.WRONG_GRADIENT


def test_a_linear_function_is_unbounded(xp):
    result = ag.minimize(lambda x: ag.namespace(x).sum(x), xp.zeros(3), method="newton-cg")
    assert result.status is Status.UNBOUNDED
    assert not result.success


def test_a_barrier_is_not_crossed():
    f = lambda x: np.sum(x - np.log(x))
    with np.errstate(invalid="ignore", divide="ignore"):
        result = ag.minimize(f, np.asarray([30.0, 0.01, 2.0]), method="newton-cg", gtol=1e-8)
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1.0, atol=1e-7)


def test_a_product_that_is_not_finite_leaves_the_gradient():
    result = ag.minimize(
        quadratic(np), np.zeros(5), method="newton-cg", hvp=lambda x, v: v * np.nan, max_steps=3
    )
    assert result.nit == 3
    assert result.fun < 0.5 * CURVATURES @ TARGET**2


def test_products_are_limited():
    result = ag.minimize(
        quadratic(np), np.zeros(5), method=newton_cg(forcing=1e-9, max_products=2), max_steps=1
    )
    assert result.nhev == 2


@pytest.mark.parametrize("options", [{"forcing": 0.0}, {"forcing": 1.0}, {"max_products": 0}])
def test_options_outside_their_ranges_are_named(options):
    with pytest.raises(ArgumentError, match=next(iter(options))):
        newton_cg(**options)


@pytest.mark.parametrize("name", ["Newton-CG", "newton-cg", "newton_cg"])
def test_names(name):
    assert ag.minimize(quadratic(np), np.zeros(5), method=name).method == "Newton-CG"


def test_bounds_are_refused():
    with pytest.raises(ArgumentError, match=r"bounds.*'newton-cg'.*'lbfgsb'"):
        ag.minimize(quadratic(np), np.zeros(5), method="newton-cg", bounds=(0.0, 1.0))
