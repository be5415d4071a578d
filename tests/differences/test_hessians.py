"""Numerical Hessians are those of ag.hessian, from gradients or from values alone."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import anygrad as ag
from anygrad.differences import hessian
from anygrad.errors import ArgumentError, DTypeError, ShapeError
from tests.support import assert_close, to_host

A = np.random.default_rng(4).uniform(-0.7, 0.7, size=(4, 4))
SOURCES = ("auto", "automatic", "numerical")


def bumps(x):
    """A function of four elements, or of points stacked behind them."""
    return np.sum(np.sin(np.tensordot(A, x, 1)), axis=0) * x[0] + x[1] * x[2] ** 2


def bumps_gradient(x):
    y = np.tensordot(A, x, 1)
    found = np.tensordot(A.T, np.cos(y), 1) * x[0]
    extra = [np.sum(np.sin(y), axis=0), x[2] ** 2, 2 * x[1] * x[2], 0 * x[3]]
    return found + np.stack(extra)


def bumps_hessian(x):
    y = A @ x
    found = -(A.T * np.sin(y)) @ A * x[0]
    slopes = A.T @ np.cos(y)
    found[0, :] += slopes
    found[:, 0] += slopes
    found[1, 2] += 2 * x[2]
    found[2, 1] += 2 * x[2]
    found[2, 2] += 2 * x[1]
    return found


X = np.asarray([0.5, -1.0, 0.3, 2.0])


@pytest.mark.parametrize("method", [None, "central", "forward", "complex", "adaptive"])
@pytest.mark.parametrize("gradient", ["auto", "automatic", bumps_gradient])
def test_gradients_are_differentiated_by_every_method(gradient, method):
    found = hessian(bumps, X, gradient=gradient, method=method)
    error = {None: 1e-14, "complex": 1e-14, "adaptive": 1e-12, "central": 1e-9}.get(method, 1e-6)
    np.testing.assert_allclose(found, bumps_hessian(X), rtol=0, atol=error)
    assert np.array_equal(found, found.T)


def test_higher_accuracy_of_the_gradients_differences():
    found = hessian(bumps, X, method="central", accuracy=8)
    np.testing.assert_allclose(found, bumps_hessian(X), rtol=0, atol=1e-11)
    found = hessian(bumps, X, gradient=bumps_gradient, step=1e-3)
    error = np.abs(found - bumps_hessian(X))
    assert 1e-9 < np.max(error) < 1e-5


@pytest.mark.parametrize("evaluate", ["auto", "loop", "stacked", "vmap"])
def test_values_alone_do(evaluate):
    found = hessian(bumps, X, gradient="numerical", evaluate=evaluate, full_output=True)
    exact = bumps_hessian(X)
    np.testing.assert_allclose(found.value, exact, rtol=0, atol=1e-8)
    assert np.all(np.abs(found.value - exact) <= found.error)
    assert np.array_equal(found.value, found.value.T)
    assert np.array_equal(found.error, found.error.T)
    # the change along a coordinate is measured in its own step
    assert np.all((found.step > 1e-4) & (found.step < 2.0))
    assert found.second is None
    assert found.evaluation == ("stacked" if evaluate == "auto" else evaluate)


def test_a_stacked_function_has_stacked_gradients():
    for options in ({}, {"full_output": True}):
        found = hessian(bumps, X, evaluate="stacked", **options)
        value = found.value if options else found
        np.testing.assert_allclose(value, bumps_hessian(X), rtol=0, atol=1e-12)


def tree_loss(t):
    xp = ag.namespace(t["w"])
    return xp.sum(xp.sin(t["w"])) * t["s"] + t["s"] ** 3 + xp.sum(t["w"]) ** 2


@pytest.mark.parametrize("gradient", SOURCES)
def test_trees_give_what_the_automatic_one_gives(quick_xp, gradient):
    xp = quick_xp
    x = {"w": xp.asarray([[0.5, -1.0]]), "s": xp.asarray(0.7), "e": xp.zeros((0, 2))}
    with ag.use_settings(warn_unused=False):  # an empty leaf is not used
        exact = ag.hessian(tree_loss)(x)
        found = hessian(tree_loss, x, gradient=gradient)
    # a ladder of values leaves 1e-9
    assert_close(found, exact, scale=1e6 if gradient == "numerical" else 1e2)


def test_a_vector_on_every_backend(quick_xp):
    x = quick_xp.asarray([0.5, -1.0])

    def f(x):
        return x[0, ...] ** 2 * x[1, ...] + x[1, ...] ** 3

    assert_close(hessian(f, x), [[-2.0, 1.0], [1.0, -6.0]], scale=10)


def test_single_precision_stays_single(quick_xp):
    x = quick_xp.asarray([0.5, -1.0], dtype=quick_xp.float32)

    def f(x):
        return x[0, ...] ** 2 * x[1, ...] + x[1, ...] ** 3

    exact = np.asarray([[-2.0, 1.0], [1.0, -6.0]])
    for gradient, error in (("auto", 1e-5), ("numerical", 0.05)):
        found = hessian(f, x, gradient=gradient, full_output=True)
        assert found.value.dtype == found.error.dtype == quick_xp.float32
        np.testing.assert_allclose(to_host(found.value), exact, rtol=0, atol=error)
        assert np.all(np.abs(to_host(found.value) - exact) <= to_host(found.error) + 1e-6)


@pytest.mark.parametrize("gradient", SOURCES)
def test_numbers_and_empty_points(gradient):
    assert float(hessian(lambda x: x**3, 2.0, gradient=gradient)) == pytest.approx(12.0)
    with ag.use_settings(warn_unused=False):
        assert hessian(lambda x: np.sum(x**2), np.zeros((0, 2)), gradient=gradient).shape == (
            *(0, 2),
            *(0, 2),
        )


def test_points_of_any_size_have_hessians_from_values():
    # of x^2 y^3 at elements of size 1e-5 to 1e5
    for size in (1e-5, 1.0, 1e5):
        x = size * np.asarray([2.0, -1.0])
        a, b = x
        exact = np.asarray([[2 * b**3, 6 * a * b**2], [6 * a * b**2, 6 * a**2 * b]])
        found = hessian(
            lambda x: x[0] ** 2 * x[1] ** 3, x, gradient="numerical", scale=size, full_output=True
        )
        np.testing.assert_allclose(found.value, exact, rtol=1e-7)
        assert np.all(np.abs(found.value - exact) <= found.error)


def test_elements_of_different_sizes_have_mixed_entries():
    x = np.asarray([1e3, 1e-3, 1.0])
    found = hessian(
        lambda x: x[0] * np.sin(x[1]) * x[2] ** 2,
        x,
        gradient="numerical",
        scale=np.asarray([1e3, 1e-3, 1.0]),
        full_output=True,
    )
    a, b, c = x
    exact = np.asarray(
        [
            [0, np.cos(b) * c**2, 2 * np.sin(b) * c],
            [np.cos(b) * c**2, -a * np.sin(b) * c**2, 2 * a * np.cos(b) * c],
            [2 * np.sin(b) * c, 2 * a * np.cos(b) * c, 2 * a * np.sin(b)],
        ]
    )
    assert np.all(np.abs(found.value - exact) <= found.error)
    np.testing.assert_allclose(found.value, exact, rtol=1e-5, atol=1e-9)
    # of both coordinates, the larger step
    assert found.step[0, 1] > 5.0
    assert found.step[1, 2] < 5.0


@pytest.mark.parametrize("ends", [(0.0, 1.0), (0.5, 0.5), (1.0, 0.2), (0.0, 0.0), (1.0, 1.0)])
@pytest.mark.parametrize("gradient", ["auto", "numerical"])
def test_at_bounds_all_entries_keep_their_sign(gradient, ends):
    x = np.asarray(ends)

    def f(x):
        inside = np.all((ag.value(x) >= 0.0) & (ag.value(x) <= 1.0))
        assert inside or np.iscomplexobj(ag.value(x))
        return np.exp(x[0]) * np.exp(2 * x[1])

    exact = math.exp(x[0] + 2 * x[1]) * np.asarray([[1.0, 2.0], [2.0, 4.0]])
    found = hessian(f, x, gradient=gradient, bounds=(0.0, 1.0), full_output=True)
    np.testing.assert_allclose(found.value, exact, rtol=1e-5)
    assert np.all(np.abs(found.value - exact) <= found.error)
    assert np.all(found.error < 1e-3 * exact)
    at_edge = (x == 0.0) | (x == 1.0)
    if gradient == "numerical":
        assert np.diagonal(found.flags.one_sided).tolist() == at_edge.tolist()


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([0.0, 1e-9, 1e-4, 0.3, 0.5, 1.0]), min_size=4, max_size=4),
    st.sampled_from(["auto", "numerical"]),
    st.sampled_from([1.0, 30.0]),
)
def test_bounds_are_never_left(where, gradient, scale):
    lower, upper = np.asarray([-1.2, 0.1, 3.0, 0.0]), np.asarray([0.1, 0.7, 3.0 + 1e-7, 1e3])
    x = np.clip(lower + np.asarray(where) * (upper - lower), lower, upper)

    def f(x):
        point = ag.value(x)
        assert np.all((lower <= point.T) & (upper >= point.T))
        return x[0] * x[1] + x[2] * x[3] ** 2

    with ag.use_settings(warn_unused=False):
        found = hessian(f, x, gradient=gradient, bounds=(lower, upper), scale=scale)
    assert found.shape == (4, 4)
    np.testing.assert_allclose(found[:2, :2], [[0, 1], [1, 0]], atol=1e-3)


def test_a_gradient_of_ones_own_may_be_a_black_box():
    def slopes(x):
        return np.asarray([2 * float(x[0]) * float(x[1]), math.pow(x[0], 2)])

    x = np.asarray([2.0, 3.0])
    for options in ({}, {"full_output": True}, {"method": "central"}, {"evaluate": "loop"}):
        found = hessian(lambda x: 0.0, x, gradient=slopes, **options)
        value = found.value if options.get("full_output") else found
        np.testing.assert_allclose(value, [[6.0, 4.0], [4.0, 0.0]], atol=1e-8)


def test_a_gradient_that_is_not_symmetric_is_made_so_and_its_flags_are_of_either():
    def slopes(x):
        return np.stack([np.abs(x[1]) + 0 * x[0], 3 * x[0] + 0 * x[1]])

    found = hessian(lambda x: 0.0, np.asarray([1.0, 0.0]), gradient=slopes, full_output=True)
    assert found.flags.kink.tolist() == [[False, True], [True, False]]
    value = hessian(lambda x: 0.0, np.asarray([1.0, 5.0]), gradient=slopes, method="central")
    np.testing.assert_allclose(value, [[0.0, 2.0], [2.0, 0.0]], atol=1e-9)


def test_black_boxes_fall_back_on_values():
    x = np.asarray([0.5, 2.0])
    a, b = x
    exact = [
        [-math.sin(a) * math.exp(b), math.cos(a) * math.exp(b)],
        [math.cos(a) * math.exp(b), math.sin(a) * math.exp(b)],
    ]
    for f in (
        lambda x: math.sin(x[0]) * math.exp(x[1]),
        lambda x: float(np.sin(float(x[0])) * np.asarray([np.exp(float(x[1]))])[0]),
    ):
        found = hessian(f, x, full_output=True)
        np.testing.assert_allclose(found.value, exact, rtol=0, atol=1e-8)
        assert np.all(np.abs(found.value - exact) <= found.error)


@pytest.mark.filterwarnings("ignore::anygrad.errors.UnusedInputWarning")
@pytest.mark.parametrize("full_output", [False, True])
def test_functions_that_behave_otherwise_when_traced_are_right(full_output):
    def sly(x):
        try:
            a, b = float(x[0]), float(x[1])
        except Exception:
            return 0.0
        return a**2 * b

    def constant(x):
        return sly(np.asarray([float(v) for v in ag.value(x)]))

    for f in (sly, constant):
        found = hessian(f, np.asarray([2.0, 3.0]), full_output=full_output)
        value = found.value if full_output else found
        np.testing.assert_allclose(value, [[6.0, 4.0], [4.0, 0.0]], atol=1e-7)


def test_bars_from_values_are_honest_for_random_functions():
    rng = np.random.default_rng(5)
    missed = wide = total = 0
    for _ in range(25):
        a = rng.normal(size=(2, 3)) * 10.0 ** rng.uniform(-1, 1)
        x = rng.normal(size=3) * 10.0 ** rng.uniform(-2, 1)
        found = hessian(
            lambda x, a=a: np.sum(np.sin(np.tensordot(a, x, 1)), axis=0),
            x,
            gradient="numerical",
            full_output=True,
        )
        exact = -(a.T * np.sin(a @ x)) @ a
        missed += np.sum(np.abs(found.value - exact) > found.error)
        wide += np.sum(found.error > 1e-5 * np.max(np.abs(a)) ** 2)
        total += exact.size
    assert missed <= 0.03 * total
    assert wide <= 0.03 * total


def test_values_alone_cost_about_ten_points_a_line():
    n = 6
    found = hessian(
        lambda x: np.sum(np.exp(x), axis=0) * x[0], np.linspace(0.1, 1.0, n),
        gradient="numerical", full_output=True,
    )  # fmt: skip
    assert found.evaluations <= 12 * n * (n + 1) / 2 + 10


def test_what_has_no_hessian_is_refused():
    x = np.asarray([1.0, 2.0])
    with pytest.raises(DTypeError, match=r"hessian\(x\): got complex elements"):
        hessian(lambda x: x, np.asarray([1j]))
    with pytest.raises(ShapeError, match=r"hessian\(f\)"):
        hessian(lambda x: x, x, gradient="numerical")
    with pytest.raises(ArgumentError, match=r"hessian\(gradient\): got 'numeric'.*'numerical'"):
        hessian(bumps, x, gradient="numeric")
    for options in ({"method": "central"}, {"step": 0.1}, {"accuracy": 4}, {"sparsity": "trace"}):
        name = next(iter(options))
        with pytest.raises(ArgumentError, match=rf"hessian\({name}\).*without a gradient"):
            hessian(lambda x: np.sum(x), x, gradient="numerical", **options)
