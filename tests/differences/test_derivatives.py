"""Elementwise derivatives: any shape, two orders, every method, on every backend."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anygrad.differences import derivative
from anygrad.errors import ArgumentError, DTypeError, ShapeError
from tests.support import to_host

# Errors of each method and order at scale 1: eps^(accuracy/(order + accuracy)), times a few.
ERROR = {
    ("central", 1): 1e-9,
    ("central", 2): 1e-6,
    ("forward", 1): 2e-7,
    ("backward", 1): 2e-7,
    ("forward", 2): 1e-4,
    ("backward", 2): 1e-4,
    ("complex", 1): 1e-15,
}


@pytest.mark.parametrize("evaluate", ["auto", "stacked", "loop"])
@pytest.mark.parametrize(("method", "order"), ERROR)
@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
def test_sine_has_its_derivatives(xp, shape, method, order, evaluate):
    points = np.linspace(-2.0, 1.0, int(np.prod(shape))).reshape(shape)
    x = xp.asarray(points.tolist())
    for axis in (0, -1):
        slopes = derivative(
            xp.sin, x, method=method, order=order, evaluate=evaluate, stack_axis=axis
        )
        assert slopes.dtype == xp.float64
        assert slopes.shape == shape
        exact = np.cos(points) if order == 1 else -np.sin(points)
        np.testing.assert_allclose(to_host(slopes), exact, rtol=0, atol=ERROR[method, order])


def test_single_precision_stays_single(quick_xp):
    xp = quick_xp
    x = xp.asarray([0.5, -1.0], dtype=xp.float32)
    for method, error in [("central", 1e-4), ("forward", 2e-3), ("complex", 1e-6)]:
        slopes = derivative(xp.sin, x, method=method)
        assert slopes.dtype == xp.float32
        np.testing.assert_allclose(to_host(slopes), np.cos([0.5, -1.0]), atol=error)


def test_numbers_become_double_precision():
    slope = derivative(lambda x: x**2, 3)
    assert slope.shape == ()
    assert slope.dtype == np.float64
    assert float(slope) == 6.0


@given(
    st.lists(st.integers(-(2**16), 2**16), min_size=1, max_size=5),
    *[st.integers(-100, 100)] * 3,
)
def test_parabolas_are_exact_under_central_differences(points, a, b, c):
    x = np.asarray(points, dtype=float) / 64

    def f(x):
        return (a * x + b) * x + c

    size = (abs(a) * np.abs(x) + abs(b)) * (np.abs(x) + 1) + abs(c)
    rounding = 8 * np.finfo(float).eps * size
    h = 2.0 ** np.round(np.log2(np.finfo(float).eps ** (1 / 3) * np.maximum(1, np.abs(x))))
    assert np.all(np.abs(derivative(f, x) - (2 * a * x + b)) <= rounding / h)
    h = 2.0 ** np.round(np.log2(np.finfo(float).eps ** (1 / 4) * np.maximum(1, np.abs(x))))
    assert np.all(np.abs(derivative(f, x, order=2) - 2 * a) <= 4 * rounding / h**2)


@given(st.lists(st.floats(-1e8, 1e8), min_size=1), st.sampled_from([1, 2]))
def test_one_sided_methods_never_look_at_the_other_side(points, order):
    x = np.asarray(points)

    def above(t):
        assert np.all(t >= x)
        return t

    def below(t):
        assert np.all(t <= x)
        return t

    derivative(above, x, method="forward", order=order)
    derivative(below, x, method="backward", order=order)


def test_a_complex_valued_function_of_a_real_number_is_fine(xp):
    x = xp.asarray([0.0, 0.5])
    slopes = derivative(lambda t: xp.exp(1j * xp.astype(t, xp.complex128)), x)
    np.testing.assert_allclose(to_host(slopes), 1j * np.exp([0.0, 0.5j]), atol=1e-9)


def test_a_step_of_ones_own_is_used():
    # ((x + h)^3 - (x - h)^3) / 2h = 3 x^2 + h^2
    assert float(derivative(lambda x: x**3, 1.0, step=0.5)) == 3.25


@pytest.mark.parametrize("f", [np.abs, np.real, lambda x: x * np.conj(x)])
def test_a_complex_step_into_a_function_that_is_not_analytic_is_refused(f):
    with pytest.raises(ArgumentError, match=r"derivative\(method\): got 'complex'.*analytic"):
        derivative(f, np.asarray([1.0, -2.0]), method="complex")


def test_a_point_of_inflection_passes_the_test_of_the_complex_step():
    slopes = derivative(lambda x: x**3, np.asarray([0.0, 1.0]), method="complex")
    np.testing.assert_allclose(slopes, [0, 3], rtol=0, atol=1e-15)


def test_what_cannot_be_differentiated_is_refused(xp):
    with pytest.raises(DTypeError, match=r"derivative\(x\): got .*int64"):
        derivative(lambda x: x, xp.asarray([1, 2]))
    with pytest.raises(DTypeError, match=r"derivative\(x\): got .*complex128.*real axis"):
        derivative(lambda x: x, xp.asarray([1j], dtype=xp.complex128))
    with pytest.raises(ShapeError, match=r"derivative\(f\).*\(\).*same shape.*gradient"):
        derivative(lambda x: xp.sum(x), xp.asarray([1.0, 2.0]))
    with pytest.raises(ArgumentError, match=r"failed on complex points"):
        derivative(lambda x: np.arctan2(x, 1.0), 1.0, method="complex")


# Derivatives of exp(a x) are a^order exp(a x), at points and scales where steps are not 1.
@pytest.mark.parametrize("bounds", [None, "below", "above"])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_bars_of_higher_orders_are_honest_and_narrow(order, bounds):
    x = np.linspace(-2.0, 2.0, 9)
    for rate in (0.125, 1.0, 4.0):  # products without rounding: f is as precise as it looks
        exact = rate**order * np.exp(rate * x)
        walls = {"below": (x, None), "above": (None, x)}.get(bounds)
        found = derivative(
            lambda t, rate=rate: np.exp(rate * t), x, order=order, bounds=walls, full_output=True
        )
        error = np.abs(found.value - exact)
        assert np.all(error <= found.error)
        # of a series in all powers of the step, higher orders keep few digits
        assert np.all(found.error < 1e-9 * 1e2 ** (order - 1) * exact)
        assert np.all(found.flags.one_sided == (bounds is not None))


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    ("name", "f", "slope"),
    [
        ("quick", lambda t: np.sin(1e4 * t + 1.0), 1e4 * np.cos(1.0)),
        ("end of a domain", lambda t: 3 * t + t**1.5, 3.0),
        ("narrow", lambda t: np.tanh(1e6 * t) + t, 1e6 + 1.0),
    ],
)
def test_hard_functions_at_a_wall_are_searched_on_the_side_that_is_open(name, f, slope, side):
    def beside(t):
        assert np.all((side * t >= 0.0) & (side * t <= 2.0))
        return f(side * t)

    walls = (0.0, 2.0) if side > 0 else (-2.0, 0.0)
    found = derivative(beside, np.zeros(2), bounds=walls, full_output=True)
    np.testing.assert_allclose(found.value, side * slope, rtol=1e-6)
    assert np.all(np.abs(found.value - side * slope) <= found.error)
    assert np.all(found.error < 1e-5 * abs(slope))
    assert np.all(found.flags.one_sided)
    assert not np.any(found.flags.kink)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("side", [1, -1])
def test_the_end_of_a_domain_is_found_and_signs_are_kept(side, order):
    def f(t):
        return np.where(side * (t - 1.0) <= 0.0, np.exp(2.0 * t), np.nan)

    found = derivative(f, np.ones(2), order=order, full_output=True)
    exact = 2.0**order * np.exp(2.0)
    assert np.all(found.flags.one_sided)
    assert np.all(np.abs(found.value - exact) <= found.error)
    assert np.all(found.error < 1e-9 * 1e2 ** (order - 1) * exact)


def test_the_next_derivative_comes_free_at_any_scale():
    x = np.asarray([0.3, -1.0, 2.0])
    for scale in (1e-3, 1.0, 1e3):
        found = derivative(lambda t, scale=scale: np.sin(t / scale), x * scale, full_output=True,
                           scale=scale)  # fmt: skip
        np.testing.assert_allclose(found.second, -np.sin(x) / scale**2, rtol=1e-5)
