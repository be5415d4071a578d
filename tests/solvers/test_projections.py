"""Projections: feasible, idempotent, nearest by SciPy, differentiable, and as operators."""

import numpy as np
import pytest
import scipy.optimize

import anygrad as ag
from anygrad.solvers import proximal

NORM = np.asarray([1.0, -2.0, 0.5, 1.5])
X = np.asarray([0.9, -1.7, 0.3, 2.2])

PROJECTIONS = {
    "nonnegative": (lambda x, xp: proximal.project_nonnegative(x), [{"lower": lambda z: z}]),
    "box": (
        lambda x, xp: proximal.project_box(x, -1.0, 0.5),
        [{"lower": lambda z: z + 1.0}, {"lower": lambda z: 0.5 - z}],
    ),
    "half a box": (
        lambda x, xp: proximal.project_box(x, upper=xp.asarray([0.0, 1.0, 2.0, 1.0])),
        [{"lower": lambda z: np.asarray([0.0, 1.0, 2.0, 1.0]) - z}],
    ),
    "simplex": (
        lambda x, xp: proximal.project_simplex(x, 2.0),
        [{"lower": lambda z: z}, {"equal": lambda z: z.sum() - 2.0}],
    ),
    "l1 ball": (
        lambda x, xp: proximal.project_l1_ball(x, 1.5),
        # |z|_1 <= r is that all signed sums are
        [{"lower": lambda z: 1.5 - SIGNS @ z}],
    ),
    "l2 ball": (
        lambda x, xp: proximal.project_l2_ball(x, 1.5),
        [{"lower": lambda z: 2.25 - z @ z}],
    ),
    "linf ball": (
        lambda x, xp: proximal.project_linf_ball(x, 0.7),
        [{"lower": lambda z: 0.7 - z}, {"lower": lambda z: 0.7 + z}],
    ),
    "halfspace": (
        lambda x, xp: proximal.project_halfspace(x, xp.asarray(NORM), 2.0),
        [{"lower": lambda z: 2.0 - NORM @ z}],
    ),
    "hyperplane": (
        lambda x, xp: proximal.project_hyperplane(x, xp.asarray(NORM), 2.0),
        [{"equal": lambda z: NORM @ z - 2.0}],
    ),
    "affine": (
        lambda x, xp: proximal.project_affine(x, xp.asarray(ROWS), xp.asarray([2.0, 1.0, 4.0])),
        [{"equal": lambda z: (ROWS @ z - [2.0, 1.0, 4.0])[:2]}],
    ),
}
SIGNS = np.asarray(np.meshgrid(*[[-1.0, 1.0]] * 4)).reshape(4, -1).T
# the third row is twice the first
ROWS = np.asarray([NORM, [1.0, 1.0, 1.0, 1.0], 2.0 * NORM])


@pytest.mark.parametrize("name", PROJECTIONS)
def test_a_projection_is_feasible_idempotent_and_nearest(quick_xp, name):
    project, rules = PROJECTIONS[name]
    z = project(quick_xp.asarray(X), quick_xp)
    found = ag.to_numpy(z)
    for rule in rules:
        if "lower" in rule:
            assert np.min(rule["lower"](found)) >= -1e-12
        else:
            assert np.max(np.abs(rule["equal"](found))) <= 1e-12
    assert np.abs(ag.to_numpy(project(z, quick_xp)) - found).max() < 1e-12
    kinds = {"lower": "ineq", "equal": "eq"}
    nearest = scipy.optimize.minimize(
        lambda w: ((w - X) ** 2).sum(),
        found + 0.1,
        jac=lambda w: 2.0 * (w - X),
        method="SLSQP",
        constraints=[{"type": kinds[k], "fun": fun} for rule in rules for k, fun in rule.items()],
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert np.abs(nearest.x - found).max() < 1e-6


def test_points_inside_stay_where_they_are(xp):
    x = xp.asarray([0.1, -0.2, 0.0])
    for project in (
        proximal.project_l1_ball,
        proximal.project_l2_ball,
        proximal.project_linf_ball,
        lambda x: proximal.project_halfspace(x, xp.asarray([1.0, 1.0, 1.0]), 0.5),
        lambda x: proximal.project_box(x),
    ):
        assert np.abs(ag.to_numpy(project(x)) - [0.1, -0.2, 0.0]).max() < 1e-16


def test_balls_take_a_tree_together_or_slices_by_themselves(quick_xp):
    x = {"a": quick_xp.asarray([3.0, 0.0]), "b": quick_xp.asarray([[4.0]])}
    z = ag.to_numpy(proximal.project_l2_ball(x, 1.0))
    assert np.allclose(z["a"], [0.6, 0.0])
    assert np.allclose(z["b"], [[0.8]])
    z = ag.to_numpy(proximal.project_l1_ball(x, 3.0))
    assert np.allclose(z["a"], [1.0, 0.0])
    assert np.allclose(z["b"], [[2.0]])
    rows = quick_xp.asarray([[3.0, 4.0], [0.3, 0.4]])
    by_rows = ag.to_numpy(proximal.project_l2_ball(rows, 1.0, axis=1))
    assert np.allclose(by_rows, [[0.6, 0.8], [0.3, 0.4]])
    by_columns = ag.to_numpy(proximal.project_l1_ball(rows, 1.3, axis=0))
    assert np.allclose(by_columns, [[1.3, 1.3], [0.0, 0.0]])


def test_a_simplex_lies_along_any_axis(quick_xp):
    x = np.random.default_rng(5).normal(size=(4, 3))
    z = ag.to_numpy(proximal.project_simplex(quick_xp.asarray(x), axis=0))
    assert np.allclose(z.sum(0), 1.0)
    for column in range(3):
        alone = ag.to_numpy(proximal.project_simplex(quick_xp.asarray(x[:, column])))
        assert np.allclose(z[:, column], alone)


@pytest.mark.parametrize("name", [*PROJECTIONS, "l1", "group", "nuclear"])
def test_maps_are_differentiable_away_from_kinks(quick_xp, name):
    operators = {
        "l1": lambda x: proximal.l1(0.5).prox(x, 1.0),
        "group": lambda x: proximal.group_l2(0.5).prox(x, 1.0),
        "nuclear": lambda x: proximal.nuclear(0.5).prox(ag.namespace(x).reshape(x, (2, 2)), 1.0),
    }
    project = operators.get(name) or (lambda x: PROJECTIONS[name][0](x, quick_xp))
    weights = quick_xp.asarray([0.3, -1.1, 0.7, 2.0])

    def f(x):
        z = ag.namespace(x).reshape(project(x), (4,))
        return ag.namespace(x).sum(z * z * weights)

    ag.check_gradients(f, quick_xp.asarray(X), seed=0).raise_if_wrong()


def test_an_indicator_knows_its_set(xp):
    simplex = proximal.indicator(proximal.project_simplex, axis=0)
    assert float(ag.to_numpy(simplex.value(xp.asarray([0.5, 0.5])))) == 0.0
    assert float(ag.to_numpy(simplex.value(xp.asarray([0.5, 0.6])))) == np.inf
    inside = simplex.prox(xp.asarray([0.5, 0.6]), 0.1)
    assert np.allclose(ag.to_numpy(inside), [0.45, 0.55])
    assert float(ag.to_numpy(simplex.value(inside))) == 0.0
    assert float(ag.to_numpy(proximal.nonnegative().value(xp.asarray([0.5, -0.1])))) == np.inf
