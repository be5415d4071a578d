"""Every library takes the same path as NumPy, step by step."""

import itertools

import numpy as np
import pytest

import anygrad as ag
from anygrad.solvers.methods import METHODS

CENTRE = np.array([1.0, -2.0, 0.25, 3.0, 0.5, -1.0, 2.0, 0.75])
WEIGHTS = np.geomspace(1.0, 10.0, CENTRE.size)
# near the minimum steps follow the rounding of f, which is that of each library
GTOL = 1e-4
STEPS = 20


def make_f(xp):
    """No quadratic, with a condition number of about 10; 0 at the minimum, so nothing cancels."""
    centre, weights = xp.asarray(CENTRE.tolist()), xp.asarray(WEIGHTS.tolist())

    def f(x):
        names = ag.namespace(x)
        z = x - centre
        return names.sum((z * z + 0.1 * z**4) * weights) + 0.1 * names.sum(z) ** 2

    return f


def run(xp, method):
    start = xp.zeros(CENTRE.size)
    found = ag.minimize(make_f(xp), start, method=method, max_steps=STEPS, gtol=GTOL, record="x")
    return found, np.stack([ag.to_numpy(x) for x in found.recorded["x"]])


@pytest.mark.parametrize("method", sorted(METHODS))
def test_the_iterates_are_those_of_numpy(xp, method):
    expected, path = run(np, method)
    found, other = run(xp, method)
    assert expected.nit >= 4
    assert (found.nit, found.nfev) == (expected.nit, expected.nfev)
    assert np.max(np.abs(other - path)) <= 1e-10


@pytest.mark.parametrize("method", ["bfgs", "cg", "lbfgs"])
def test_a_gradient_in_one_buffer_takes_the_same_path(method):
    f, buffer = make_f(np), np.zeros(CENTRE.size)

    def into_buffer(x):
        value, buffer[:] = ag.value_and_grad(f)(x)
        return value, buffer

    _, path = run(np, method)
    start = np.zeros(CENTRE.size)
    options = {"method": method, "max_steps": STEPS, "gtol": GTOL, "record": "x"}
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
