"""Every library takes the same path as NumPy, step by step."""

import itertools

import numpy as np
import pytest

import anygrad as ag
from anygrad.solvers.methods import METHODS

SIZE, STEPS = 30, 20
COUNT = np.arange(SIZE)
CENTRE = np.cos(1.0 + COUNT)
WEIGHTS = np.geomspace(1.0, 100.0, SIZE)
AWAY = 1.0 + 0.5 * np.sin(3.0 * COUNT)
# far away, where f is like |x|^4, these come nearer by a third a step; near by they need 10 steps
FAR = {"dogleg": 1e3, "newton-cg": 1e3, "trust-exact": 1e3, "trust-ncg": 1e3}


def make_f(xp):
    """No quadratic, with a condition number of about 100; 0 at the minimum: nothing cancels."""
    centre, weights = xp.asarray(CENTRE.tolist()), xp.asarray(WEIGHTS.tolist())

    def f(x):
        names = ag.namespace(x)
        z = x - centre
        return names.sum((0.5 * z * z + 0.05 * z**4) * weights) + 0.1 * names.sum(z) ** 2

    return f


def start_of(method):
    return CENTRE + FAR.get(method, 1.0) * AWAY


def run(xp, method, **options):
    start = xp.asarray(start_of(method).tolist())
    options |= {"method": method, "max_steps": STEPS, "gtol": 0.0, "record": "x"}
    found = ag.minimize(make_f(xp), start, **options)
    return found, np.stack([ag.to_numpy(x) for x in found.recorded["x"]])


BOUNDED = {"lbfgsb within bounds", "projected-gradient within bounds"}


@pytest.mark.parametrize("name", sorted({*METHODS, *BOUNDED}))
def test_the_iterates_are_those_of_numpy(xp, name):
    method = name.partition(" ")[0]
    # the minimum is outside for every third variable
    lower = np.where(COUNT % 3 == 0, CENTRE + 0.1, -np.inf)
    options = {"bounds": (lower, None)} if name in BOUNDED else {}
    expected, path = run(np, method, **options)
    found, other = run(xp, method, **options)
    assert (found.nit, found.nfev) == (expected.nit, expected.nfev)
    assert found.nit == STEPS
    size = np.maximum(np.max(np.abs(path), axis=1), 1.0)
    assert np.max(np.max(np.abs(other - path), axis=1) / size) <= 1e-10
    assert np.all(np.any(path[1:] != path[:-1], axis=1)) or method == "nelder-mead"
    if options:
        assert np.sum(path[-1] == lower) >= SIZE // 5


@pytest.mark.parametrize("method", ["bfgs", "cg", "lbfgs"])
def test_a_gradient_in_one_buffer_takes_the_same_path(method):
    f, buffer = make_f(np), np.zeros(SIZE)

    def into_buffer(x):
        value, buffer[:] = ag.value_and_grad(f)(x)
        return value, buffer

    _, path = run(np, method)
    start = start_of(method)
    options = {"method": method, "max_steps": STEPS, "gtol": 0.0, "record": "x"}
    found = ag.minimize(into_buffer, start, gradient=True, **options)
    assert np.array_equal(np.stack(found.recorded["x"]), path)
    found = ag.minimize(f, start, gradient=lambda x: into_buffer(x)[1], **options)
    assert np.array_equal(np.stack(found.recorded["x"]), path)


@pytest.mark.parametrize("memory", [1, 3, 10])
def test_lbfgs_is_the_two_loop_recursion(memory):
    """Directions of the compact form, slot after slot, against Nocedal, Wright, algorithm 7.4."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(8, 8))
    matrix = matrix @ matrix.T + np.eye(8)
    points = []
    f = lambda x: (0.5 * x @ matrix @ x + 0.1 * np.sum(x**4), matrix @ x + 0.4 * x**3)
    method = ag.solvers.lbfgs(memory=memory)
    ag.minimize(
        *(f, rng.normal(size=8)),
        method=method,
        gradient=True,
        max_steps=3 * memory + 4,
        gtol=0.0,
        callback=lambda now: points.append((now.x, now.jac)),
    )
    pairs = []
    for (x, g), (x_next, g_next) in itertools.pairwise(points):
        direction = two_loop(pairs[-memory:], g)
        if pairs:  # the step lies along the direction
            s = x_next - x
            cosine = s @ direction / np.linalg.norm(s) / np.linalg.norm(direction)
            if len(pairs) >= memory:
                assert cosine == pytest.approx(1.0, abs=1e-9)
        pairs.append((x_next - x, g_next - g))
    assert len(pairs) >= memory + 2


def two_loop(pairs, g):
    q, alphas = g.copy(), []
    for s, y in reversed(pairs):
        alphas.append((s @ q) / (s @ y))
        q = q - alphas[-1] * y
    if pairs:
        s, y = pairs[-1]
        q = (s @ y) / (y @ y) * q
    for (s, y), alpha in zip(pairs, reversed(alphas), strict=True):
        q = q + (alpha - (y @ q) / (s @ y)) * s
    return -q


def test_bfgs_follows_its_formula():
    """Directions against H of Nocedal, Wright, equation 6.17, as a matrix in NumPy."""
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(5, 5))
    matrix = matrix @ matrix.T + np.eye(5)
    points = []
    f = lambda x: (0.5 * x @ matrix @ x + 0.1 * np.sum(x**4), matrix @ x + 0.4 * x**3)
    start = rng.normal(size=5)
    ag.minimize(
        *(f, start),
        method="bfgs",
        gradient=True,
        max_steps=10,
        gtol=0.0,
        callback=lambda now: points.append((now.x, now.jac)),
    )
    x, g = start, f(start)[1]
    inverse = np.eye(5)
    for x_next, g_next in points:
        s, y, direction = x_next - x, g_next - g, -inverse @ g
        cosine = s @ direction / np.linalg.norm(s) / np.linalg.norm(direction)
        assert cosine == pytest.approx(1.0, abs=1e-9)
        if x is start and s @ y > y @ y:
            inverse = (s @ y) / (y @ y) * np.eye(5)
        left = np.eye(5) - np.outer(s, y) / (s @ y)
        inverse = left @ inverse @ left.T + np.outer(s, s) / (s @ y)
        x, g = x_next, g_next
    assert len(points) == 10
