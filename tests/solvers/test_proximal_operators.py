"""Proximal operators and projections against conditions of optimality and other programs."""

import numpy as np
import pytest
import scipy.optimize

import anygrad as ag
from anygrad.solvers import proximal
from anygrad.solvers.proximal.chain import denoise_chain

Y = np.asarray([[3.0, -0.4, 0.0, 1.2], [-2.5, 0.7, 5.0, -1.0], [0.1, 0.2, -0.1, 0.05]])
STEP = 0.7
WEIGHTS = np.asarray([[0.0], [1.0], [2.0]])


# the operator as made on a library, and its function in NumPy, from the definition
CASES = {
    "l1": (lambda xp: proximal.l1(0.8), lambda z: 0.8 * np.abs(z).sum()),
    "l1 with weights": (
        lambda xp: proximal.l1(xp.asarray(WEIGHTS)),
        lambda z: (WEIGHTS * np.abs(z)).sum(),
    ),
    "squared l2": (lambda xp: proximal.squared_l2(2.0), lambda z: (z * z).sum()),
    "elastic net": (
        lambda xp: proximal.elastic_net(0.5, 2.0),
        lambda z: 0.5 * np.abs(z).sum() + (z * z).sum(),
    ),
    "group by rows": (
        lambda xp: proximal.group_l2(1.5, axis=1),
        lambda z: 1.5 * np.linalg.norm(z, axis=1).sum(),
    ),
    "group with weights": (
        lambda xp: proximal.group_l2(xp.asarray(WEIGHTS), axis=1),
        lambda z: (WEIGHTS[:, 0] * np.linalg.norm(z, axis=1)).sum(),
    ),
    "group by leaf": (lambda xp: proximal.group_l2(1.5), lambda z: 1.5 * np.linalg.norm(z)),
    "l2": (lambda xp: proximal.l2(2.0), lambda z: 2.0 * np.linalg.norm(z)),
    "nuclear": (
        lambda xp: proximal.nuclear(1.1),
        lambda z: 1.1 * np.linalg.svd(z, compute_uv=False).sum(),
    ),
    "variation along rows": (
        lambda xp: proximal.total_variation(0.9),
        lambda z: 0.9 * np.abs(np.diff(z, axis=1)).sum(),
    ),
    "variation along columns": (
        lambda xp: proximal.total_variation(0.9, axis=0),
        lambda z: 0.9 * np.abs(np.diff(z, axis=0)).sum(),
    ),
    "image, anisotropic": (
        lambda xp: proximal.total_variation_2d(0.5, isotropic=False, tolerance=1e-8),
        lambda z: 0.5 * (np.abs(np.diff(z, axis=0)).sum() + np.abs(np.diff(z, axis=1)).sum()),
    ),
    "image, isotropic": (
        lambda xp: proximal.total_variation_2d(0.5, tolerance=1e-8),
        lambda z: 0.5 * isotropic_variation(z),
    ),
}


def isotropic_variation(z):
    """Beck, Teboulle (2009), eq. 1.3, in a loop over pixels."""
    total, (rows, columns) = 0.0, z.shape
    for i in range(rows):
        for j in range(columns):
            down = z[i + 1, j] - z[i, j] if i + 1 < rows else 0.0
            right = z[i, j + 1] - z[i, j] if j + 1 < columns else 0.0
            total += np.hypot(down, right)
    return total


@pytest.mark.parametrize("case", CASES)
def test_the_value_is_that_of_the_definition(quick_xp, case):
    make, value = CASES[case]
    assert float(ag.to_numpy(make(quick_xp).value(quick_xp.asarray(Y)))) == pytest.approx(
        value(Y), rel=1e-12
    )


@pytest.mark.parametrize("case", CASES)
def test_the_map_gives_a_minimum(quick_xp, case):
    """z minimises the strongly convex Q(z) = g(z) + |z - y|^2 / (2 step).

    Hence Q(w) >= Q(z) + |w - z|^2 / (2 step) for every w: random ones, near and far, and those
    along each axis.
    """
    make, value = CASES[case]
    y = quick_xp.asarray(Y)
    z = ag.to_numpy(make(quick_xp).prox(y, STEP))
    assert np.array_equal(ag.to_numpy(y), Y)

    def penalised(w):
        return value(w) + ((w - Y) ** 2).sum() / (2.0 * STEP)

    rng = np.random.default_rng(0)
    directions = [*rng.normal(size=(20, *Y.shape)), *np.eye(Y.size).reshape(-1, *Y.shape)]
    directions += [Y - z, z, np.ones_like(z)]
    loose = 1e-6 if "image" in case else 1e-12  # a duality gap bounds the error of images
    for size in (1.0, -1.0, 1e-3, -1e-3):
        for direction in directions:
            w = z + size * direction
            growth = ((w - z) ** 2).sum() / (2.0 * STEP)
            assert penalised(w) >= penalised(z) + growth - loose * (1.0 + abs(size))


@pytest.mark.parametrize("case", ["l1", "group by rows", "nuclear", "variation along rows"])
def test_float32_and_a_step_on_the_device(quick_xp, case):
    operator = CASES[case][0](quick_xp)
    y = quick_xp.asarray(Y, dtype=quick_xp.float32)
    z = operator.prox(y, quick_xp.asarray(STEP))
    assert z.dtype == quick_xp.float32
    exact = ag.to_numpy(operator.prox(quick_xp.asarray(Y), STEP))
    assert np.abs(ag.to_numpy(z) - exact).max() < 1e-5


def test_complex_numbers_are_shrunk_in_magnitude(xp):
    z = ag.to_numpy(proximal.l1(1.0).prox(xp.asarray([3.0 + 4.0j, 0.3j]), 2.0))
    assert np.allclose(z, [1.8 + 2.4j, 0.0], atol=1e-15)


def test_zero_groups_stay_zero(xp):
    y = xp.asarray([[0.0, 0.0], [3.0, 4.0]])
    z = ag.to_numpy(proximal.group_l2(1.0, axis=1).prox(y, 1.0))
    assert np.allclose(z, [[0.0, 0.0], [2.4, 3.2]], atol=1e-15)
    assert not ag.to_numpy(proximal.l2(1.0).prox(xp.zeros(3), 1.0)).any()


# -- trees


def test_a_tree_of_operators_is_a_prefix(quick_xp):
    x = {
        "w": [quick_xp.asarray([2.0, -0.1]), quick_xp.asarray([0.5])],
        "b": quick_xp.asarray([0.2]),
    }
    g = {"w": proximal.l1(0.3), "b": None}
    result = ag.solvers.proximal_gradient(
        lambda p: 0.5 * sum_of_squares(p, x), trees_of_zeros(quick_xp, x), g, gtol=1e-12
    )
    assert np.allclose(ag.to_numpy(result.x["w"][0]), [1.7, 0.0], atol=1e-11)
    assert np.allclose(ag.to_numpy(result.x["w"][1]), [0.2], atol=1e-11)
    assert np.allclose(ag.to_numpy(result.x["b"]), [0.2], atol=1e-11)
    assert float(ag.to_numpy(result.fun)) == pytest.approx(0.5 * 0.19 + 0.3 * 1.9, rel=1e-9)


def sum_of_squares(p, x):
    total = 0.0
    for mine, other in zip(ag.trees.leaves(p), ag.trees.leaves(x), strict=True):
        total = ag.namespace(mine).sum((mine - other) ** 2) + total
    return total


def trees_of_zeros(xp, x):
    return ag.trees.map(lambda leaf: leaf * 0.0, x)


def test_strengths_may_be_a_tree_and_operators_go_by_path(xp):
    x = {"layer": {"w": xp.asarray([2.0, -0.1]), "bias": xp.asarray([0.2])}}
    for operator in (
        proximal.l1({"layer": {"w": 0.5, "bias": None}}),
        proximal.by_path([("*/bias", None), ("*", proximal.l1(0.5))]),
    ):
        z = ag.to_numpy(operator.prox(x, 1.0))
        assert np.allclose(z["layer"]["w"], [1.5, 0.0])
        assert z["layer"]["bias"] == [0.2]
        assert float(ag.to_numpy(operator.value(x))) == pytest.approx(1.05)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: proximal.l1(-1.0), r"l1\(strength\): got -1.0; expected a number >= 0"),
        (lambda: proximal.l1({"w": -1.0}), r"l1\(strength\)"),
        (lambda: proximal.elastic_net(0.1, "much"), r"elastic_net\(l2_strength\)"),
        (lambda: proximal.total_variation_2d(1.0, max_steps=0), "max_steps"),
        (lambda: proximal.l1({"w": 1.0}).prox({"v": np.ones(2)}, 1.0), r"l1\(strength\).*prefix"),
        (lambda: proximal.by_path([("typo", None)]).prox({"w": np.ones(2)}, 1.0), "typo"),
        (lambda: proximal.indicator(3.0), r"indicator\(projection\)"),
        (lambda: proximal.project_simplex(np.ones(2), -1.0), r"project_simplex\(total\)"),
        (lambda: proximal.project_affine(np.ones(2), np.ones((1, 3)), np.ones(1)), r"\(m, n\)"),
        (lambda: ag.solvers.proximal_gradient(sum, np.ones(2), 0.1), r"proximal_gradient\(g\)"),
        (
            lambda: ag.solvers.proximal_gradient(
                lambda x: x["a"].sum(), {"a": np.ones(2)}, {"b": proximal.l1(1.0)}
            ),
            "prefix of the structure",
        ),
    ],
)
def test_errors_name_the_argument(make, words):
    with pytest.raises(ag.errors.ArgumentError, match=words):
        make()


def test_total_variation_refuses_what_it_cannot_do():
    with pytest.raises(ag.errors.DTypeError, match="real floating"):
        proximal.total_variation(1.0).prox(np.ones(3, dtype=complex), 1.0)
    with pytest.raises(ag.errors.ShapeError, match="two dimensions"):
        proximal.total_variation_2d(1.0).prox(np.ones(3), 1.0)


# -- total variation


def dual_of_chain(y, weight):
    """The problem's dual, a bounded least-squares problem, by scipy.optimize.lsq_linear (BVLS)."""
    n = len(y)
    down = np.diff(np.eye(n), axis=0)
    found = scipy.optimize.lsq_linear(
        down.T, y, (-weight, weight), method="bvls", tol=1e-15, max_iter=1000
    )
    return y - down.T @ found.x


def optimality_of_chain(y, x, weight):
    """How far from sum_(j<=i) (x_j - y_j) = weight * sign of the jump after i; 0 at the minimum."""
    z = np.cumsum(x - y, axis=-1)
    jump = np.diff(x, axis=-1)
    z, last = z[..., :-1], np.abs(z[..., -1])
    apart = np.abs(jump) > 1e-12 * np.abs(y).max()
    off = np.where(apart, np.abs(z - weight * np.sign(jump)), np.maximum(np.abs(z) - weight, 0.0))
    return max(off.max(initial=0.0), last.max())


@pytest.mark.parametrize("weight", [0.05, 0.8, 5.0])
def test_a_signal_agrees_with_the_dual_by_scipy(quick_xp, weight):
    y = np.random.default_rng(3).normal(size=40)
    x = ag.to_numpy(proximal.total_variation(weight).prox(quick_xp.asarray(y), 1.0))
    assert np.abs(x - dual_of_chain(y, weight)).max() < 1e-10


SIGNALS = {
    "noise": lambda rng: rng.normal(size=300),
    "walks": lambda rng: np.cumsum(rng.normal(size=(5, 1000)), axis=-1),
    "integers, with ties": lambda rng: rng.integers(-3, 4, size=(20, 100)).astype(float),
    "steps": lambda rng: np.repeat(rng.integers(0, 5, size=20), 10) * 1.0,
    "a ramp": lambda rng: np.arange(257.0),
    "powers of two": lambda rng: 2.0 ** np.arange(30.0),
    "large": lambda rng: 1e200 * rng.normal(size=50),
    "constant": lambda rng: np.full(33, 0.1),
    "two": lambda rng: np.asarray([0.0, 3.0]),
}


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0, 40.0])
def test_signals_are_denoised_exactly(name, weight):
    y = SIGNALS[name](np.random.default_rng(1))
    weight = weight * (np.abs(y).max() if name == "large" else 1.0)
    x = proximal.total_variation(weight).prox(y, 1.0)
    scale = np.abs(y).max() * y.shape[-1]
    assert optimality_of_chain(y, x, weight) <= 1e-14 * max(scale, 1.0) + 1e-15 * weight


def test_a_signal_of_one_number_is_left_alone(xp):
    assert ag.to_numpy(denoise_chain(xp, xp.asarray([2.0]), 1.0)) == [2.0]


@pytest.mark.parametrize("shape", [(1, 6), (6, 1), (3, 5, 4), (1, 1)])
def test_images_of_any_shape(quick_xp, shape):
    y = np.random.default_rng(2).normal(size=shape)
    z = ag.to_numpy(proximal.total_variation_2d(0.3, tolerance=1e-8).prox(quick_xp.asarray(y), 1.0))
    assert z.shape == y.shape
    if 1 in shape[-2:]:  # then it is a signal
        exact = proximal.total_variation(0.3, axis=int(np.argmax(shape))).prox(y, 1.0)
        assert np.abs(z - exact).max() < 1e-7 * np.sqrt(y.size)
    else:
        each = [proximal.total_variation_2d(0.3, tolerance=1e-8).prox(one, 1.0) for one in y]
        assert np.abs(z - each).max() < 1e-6


def test_the_gap_bounds_the_error_of_an_image():
    y = np.random.default_rng(4).normal(size=(12, 15))
    exact = proximal.total_variation_2d(0.6, max_steps=20000, tolerance=1e-8).prox(y, 1.0)
    for tolerance in (1e-1, 1e-3, 1e-5):
        z = proximal.total_variation_2d(0.6, tolerance=tolerance).prox(y, 1.0)
        error = np.linalg.norm(z - exact) / np.linalg.norm(y)
        assert error <= tolerance
    fixed = proximal.total_variation_2d(0.6, max_steps=1500, tolerance=0.0).prox(y, 1.0)
    assert np.linalg.norm(fixed - exact) / np.linalg.norm(y) < 1e-6
