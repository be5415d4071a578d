"""Subproblems of trust regions: against brute force, optimality, the book, and their own words."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.solvers.problem.building import make_objective
from anygrad.solvers.problem.space import Space
from anygrad.solvers.regions.exact import solve_by_dogleg, solve_exactly
from anygrad.solvers.regions.spectrum import hessian_matrix
from anygrad.solvers.regions.steihaug import Steihaug
from tests.solvers.functions import quadratic, rosenbrock

# -- the subproblem in the basis of eigenvectors ---------------------------------------------------

SPECTRA = {
    "definite": ([1.0, 2.0, 7.0], [1.0, -2.0, 0.5]),
    "indefinite": ([-3.0, 0.5, 7.0], [1.0, -2.0, 0.5]),
    "hard": ([-3.0, 0.5, 7.0], [0.0, -2.0, 0.5]),
    "nearly hard": ([-3.0, 0.5, 7.0], [1e-12, -2.0, 0.5]),
    "hard twice": ([-3.0, -3.0, 7.0], [0.0, 0.0, 0.5]),
    "negative": ([-3.0, -2.0, -1.0], [0.3, 0.2, -0.1]),
    "singular": ([0.0, 1.0, 2.0], [0.0, 1.0, 1.0]),
    "singular, falling": ([0.0, 1.0, 2.0], [0.5, 1.0, 1.0]),
    "zero": ([0.0, 0.0, 0.0], [0.5, 1.0, 1.0]),
    "stretched": ([-1e-6, 1.0, 1e8], [1e-3, 1.0, 1e4]),
    "saddle": ([-1.0, 1.0, 2.0], [0.0, 0.0, 0.0]),
}


def value(w, b, c):
    return b @ c + 0.5 * (w * c) @ c


def brute_force(w, b, radius):
    """The least value on a fine grid of directions and lengths: nothing but evaluations."""
    theta, phi = np.meshgrid(np.linspace(0, np.pi, 361), np.linspace(0, 2 * np.pi, 721))
    unit = np.stack([np.cos(theta), np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi)], -1)
    slope, curve = unit @ b, (unit * unit) @ w
    # along each direction the lowest point has a formula
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = np.where(curve > 0, -slope / curve, np.inf)
    t = np.where((inner >= 0) & (inner <= radius), inner, radius)
    return float((slope * t + 0.5 * curve * t * t).min())


@pytest.mark.parametrize("radius", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("name", sorted(SPECTRA))
def test_the_exact_step_is_no_higher_than_any_of_a_fine_grid(name, radius):
    w, b = map(np.asarray, SPECTRA[name])
    c, at_boundary = solve_exactly(w, b, radius)
    length = np.linalg.norm(c)
    assert length <= radius * (1 + 1e-9)
    lowest = brute_force(w, b, radius)
    found = value(w, b, c)
    assert found <= lowest + 1e-12 * abs(lowest)
    if name != "stretched":  # whose valley is narrower than the grid
        assert found >= lowest - 0.01 * abs(lowest)
    if at_boundary:
        assert length == pytest.approx(radius, rel=1e-9)


@pytest.mark.parametrize("radius", [1e-6, 0.1, 1.0, 30.0, 1e6])
@pytest.mark.parametrize("name", sorted(SPECTRA))
def test_the_exact_step_satisfies_the_conditions_of_optimality(name, radius):
    # Moré, Sorensen (1983), lemma 2.1: (w + l) c = -b, l >= 0, w + l >= 0, l (radius - |c|) = 0
    w, b = map(np.asarray, SPECTRA[name])
    c, at_boundary = solve_exactly(w, b, radius)
    size = max(np.abs(w).max() * np.linalg.norm(c), np.linalg.norm(b), 1e-30)
    if not at_boundary:
        assert w[0] >= -1e-12 * np.abs(w).max()
        np.testing.assert_allclose(w * c, -b, atol=1e-12 * size)
        return
    multiplier = -(b @ c + (w * c) @ c) / (c @ c)
    assert multiplier >= max(0.0, -w[0]) - 1e-9 * np.abs(w).max()
    # 1e-8: the length is found to 1e-10, and the largest curvature magnifies that
    np.testing.assert_allclose((w + multiplier) * c, -b, atol=1e-8 * size)


def test_random_subproblems_agree_with_bisection():
    rng = np.random.default_rng(5)
    for _ in range(200):
        n = int(rng.integers(1, 9))
        w, b = np.sort(rng.normal(size=n)), rng.normal(size=n) * 10.0 ** rng.integers(-3, 3)
        radius = 10.0 ** rng.uniform(-2, 2)
        c, _ = solve_exactly(w, b, radius)
        low, high = max(0.0, -w[0]), max(0.0, -w[0]) + np.linalg.norm(b) / radius + 1.0
        for _ in range(200):
            middle = 0.5 * (low + high)
            longer = np.linalg.norm(b / (w + middle)) > radius
            low, high = (middle, high) if longer else (low, middle)
        expected = -b / (w + high)
        np.testing.assert_allclose(value(w, b, c), value(w, b, expected), rtol=1e-8)


@pytest.mark.parametrize("radius", [1e-3, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("name", sorted(set(SPECTRA) - {"saddle"}))
def test_dogleg_lies_between_steepest_descent_and_the_best_step(name, radius):
    w, b = map(np.asarray, SPECTRA[name])
    c, _ = solve_by_dogleg(w, b, radius)
    assert np.linalg.norm(c) <= radius * (1 + 1e-9)
    curve, slope = (w * b) @ b, b @ b
    t = slope / curve if curve > 0 else np.inf
    cauchy = -b * min(t, radius / np.sqrt(slope))
    best = value(w, b, solve_exactly(w, b, radius)[0])
    assert best * (1 + 1e-9) <= value(w, b, c)
    if w[0] >= 0:
        assert value(w, b, c) <= value(w, b, cauchy) * (1 - 1e-9)
    else:  # half of the Cauchy point's gain is what convergence needs
        assert value(w, b, c) <= 0.5 * value(w, b, cauchy)


def test_dogleg_turns_where_the_book_says():
    # Nocedal, Wright (2006), eq. 4.16, by hand: b = (1, 1), w = (1, 3)
    w, b = np.asarray([1.0, 3.0]), np.asarray([1.0, 1.0])
    cauchy, newton = -0.5 * b, np.asarray([-1.0, -1.0 / 3.0])
    np.testing.assert_allclose(solve_by_dogleg(w, b, 2.0)[0], newton)
    np.testing.assert_allclose(solve_by_dogleg(w, b, 0.1)[0], -0.1 * b / np.sqrt(2.0))
    c, at_boundary = solve_by_dogleg(w, b, 0.9)
    way = (c - cauchy) / (newton - cauchy)
    assert at_boundary
    assert way[0] == pytest.approx(way[1])
    assert 0.0 < way[0] < 1.0
    assert np.linalg.norm(c) == pytest.approx(0.9)


# -- the subproblem by conjugate gradients ---------------------------------------------------------


def model_of(f, x, xp=np, **options):
    space = Space.of("test", x)
    objective = make_objective("test", f, space, (), "automatic", None)
    point = objective.evaluate(space.to_vector(x))
    return Steihaug(**options).model(objective, point), objective, point


@pytest.mark.parametrize("radius", [1e-3, 0.5, 2.0, 1e3])
@pytest.mark.parametrize("bent", [1.0, -1.0])
def test_steihaug_says_how_long_and_how_low_its_step_is(quick_xp, radius, bent):
    h = np.asarray([[4.0, 1.0, 0.0], [1.0, 3.0 * bent, 0.5], [0.0, 0.5, 2.0]])
    g = np.asarray([1.0, -2.0, 0.5])
    h_there, g_there = quick_xp.asarray(h.tolist()), quick_xp.asarray(g.tolist())
    model, _, _ = model_of(
        lambda x: 0.5 * ((x @ h_there) @ x) + x @ g_there, quick_xp.zeros(3), quick_xp, forcing=1e-9
    )
    found = model.propose(radius)
    p = ag.to_numpy(found.step)
    assert np.linalg.norm(p) == pytest.approx(found.length, rel=1e-12)
    assert found.length <= radius * (1 + 1e-12)
    assert found.predicted == pytest.approx(-(g @ p + 0.5 * p @ h @ p), rel=1e-12)
    assert found.at_boundary == (found.length > radius * (1 - 1e-12))
    # at least the gain of the Cauchy point (Nocedal, Wright, lemma 4.3 and after 7.2)
    t = g @ g / (g @ h @ g) if g @ h @ g > 0 else np.inf
    c = -g * min(t, radius / np.linalg.norm(g))
    assert found.predicted >= -(g @ c + 0.5 * c @ h @ c) * (1 - 1e-12)
    if not found.at_boundary:
        np.testing.assert_allclose(p, np.linalg.solve(h, -g), rtol=1e-9)


def test_steihaug_reads_once_a_product():
    reads = []
    original = Space.fetch

    def counted(self, values):
        reads.append(len(values))
        return original(self, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Space, "fetch", counted)
        result = ag.minimize(quadratic(np), np.zeros(5), method="trust-ncg")
        assert len(reads) == 1 + result.nfev + result.nhev  # and once for the first radius
        reads.clear()
        result = ag.minimize(quadratic(np), np.zeros(5), method="trust-exact")
        assert len(reads) == 1 + result.nfev + result.nit


# -- the Hessian as a matrix -----------------------------------------------------------------------


def objective_of(f, x, **options):
    space = Space.of("test", x)
    given = {"gradient": "automatic", "hvp": None, **options}
    return make_objective("test", f, space, (), given["gradient"], given["hvp"]), space


def test_the_matrix_of_a_tree_is_that_of_its_vector(quick_xp):
    tree = {"a": quick_xp.asarray([[1.0, 2.0], [3.0, 4.0]]), "b": quick_xp.asarray([0.5])}

    def f(tree):
        names = ag.namespace(tree["a"])
        return names.sum(tree["a"] ** 3) * names.sum(tree["b"])

    objective, space = objective_of(f, tree)
    found = ag.to_numpy(hessian_matrix(objective, space.to_vector(tree)))
    a = np.asarray([1.0, 2.0, 3.0, 4.0])
    expected = np.zeros((5, 5))
    expected[:4, :4] = np.diag(6.0 * a * 0.5)
    expected[4, :4] = expected[:4, 4] = 3.0 * a**2
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert objective.nhev == 5


def test_a_function_that_cannot_be_batched_is_multiplied_one_by_one():
    def f(x):
        for _ in range(3):
            x = x * x if ag.value(x)[0] > 0 else -x
        return np.sum(x)

    def stubborn(x, v):
        raise ag.errors.MissingRuleError("no batched form")

    x = np.asarray([0.5, 2.0])
    objective, _ = objective_of(f, x)
    batched = ag.to_numpy(hessian_matrix(objective, x))
    objective.batches = False
    np.testing.assert_allclose(hessian_matrix(objective, x), batched)
    np.testing.assert_allclose(batched, np.diag(56.0 * x**6))
    calls, product = [], objective.product_with_hessian

    def once_refused(at, v):
        calls.append(1)
        return stubborn(at, v) if len(calls) == 1 else product(at, v)

    objective.batches, objective.product_with_hessian = True, once_refused
    np.testing.assert_allclose(hessian_matrix(objective, x), batched)
    assert len(calls) == 3


def test_the_matrix_of_differences_is_symmetric():
    x = np.asarray([-1.2, 1.0, 0.5])
    objective, _ = objective_of(rosenbrock, x, gradient=ag.grad(rosenbrock))
    found = hessian_matrix(objective, x)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_allclose(found, ag.hessian(rosenbrock)(x), rtol=1e-6, atol=1e-4)
