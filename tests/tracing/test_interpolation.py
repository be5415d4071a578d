"""Interpolation, slopes and areas: NumPy's and SciPy's values, derivatives by differences."""

import numpy as np
import pytest
import scipy.integrate
import scipy.interpolate

import anygrad as ag
from anygrad.errors import ArgumentError, ShapeError
from anygrad.tracing.functions.interpolation import INTEGRATE
from tests.support import assert_close, difference
from tests.tracing.anywhere import library_tests
from tests.tracing.laws import LAWS, check_first_order, check_value

RNG = np.random.default_rng(21)
X = RNG.normal(size=(3, 5))
KNOTS = np.array([-1.5, -0.5, 0.1, 0.7, 2.0])
T = np.array([0.0, 0.3, 1.0, 1.2, 2.0])

SPELLINGS = {
    "interp": lambda x: np.interp(x, KNOTS, np.cos(KNOTS)),
    "interp of values": lambda x: np.interp([0.0, 0.1, 5.0, -9.0], KNOTS, x[0]),
    "interp of everything": lambda x: np.interp(x[2], np.cumsum(1.0 + x[0] ** 2) - 4.0, x[1]),
    "interp of a number": lambda x: np.interp(x[0, 0], KNOTS, x[1]),
    "interp left right": lambda x: np.interp(2 * x, KNOTS, x[0], left=-3.0, right=x[1, 1]),
    "interp period": lambda x: np.interp(3 * x + 0.15, KNOTS, x[0], period=3.1),
    "interp traced period": lambda x: np.interp(x, KNOTS[::-1], x[0], None, None, 3.0 + x[0, 0]),
    "interp of one point": lambda x: np.interp(x, KNOTS[:1], x[0, :1]),
    "gradient": lambda x: np.gradient(x),
    "gradient spacings": lambda x: np.gradient(x, 0.5, 2.0),
    "gradient of an axis": lambda x: np.gradient(x, 0.3, axis=1),
    "gradient of axes": lambda x: np.gradient(x, 0.3, axis=(1, 0), edge_order=2),
    "gradient coordinates": lambda x: np.gradient(x, T, axis=-1),
    "gradient coordinates 2": lambda x: np.gradient(x, [0, 1.0, 3.0], T, edge_order=2),
    "gradient traced": lambda x: np.gradient(x, np.exp(x[0, 0]), np.cumsum(1.0 + x[0] ** 2)),
    "gradient traced 2": lambda x: np.gradient(X[0] ** 2, np.cumsum(1.0 + x[0] ** 2), edge_order=2),
    "ediff1d": lambda x: np.ediff1d(x),
    "ediff1d ends": lambda x: np.ediff1d(x[0], to_end=[1.0, 2.0], to_begin=x[1, 1]),
    "trapezoid": lambda x: np.trapezoid(x),
    "trapezoid dx": lambda x: np.trapezoid(x, dx=0.2, axis=0),
    "trapezoid x": lambda x: np.trapezoid(x, T),
    "trapezoid traced x": lambda x: np.trapezoid(X, np.exp(x)),
    "trapezoid of an axis": lambda x: np.trapezoid(x, [0.0, 0.5, 2.0], axis=0),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_numpy(name, law):
    LAWS[law](SPELLINGS[name], X)


COMPLEX = [
    *("interp of values", "gradient", "gradient spacings", "gradient coordinates 2"),
    *("ediff1d", "trapezoid x", "trapezoid of an axis"),
]


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_values(name):
    x = X + 1j * X[::-1]
    check_value(SPELLINGS[name], x)
    check_first_order(SPELLINGS[name], x)


def test_complex_values_between_traced_points():
    values = np.exp(1j * KNOTS)

    def f(x):
        return np.interp(x[0], x[1], values)

    x = np.stack([[-1.0, 0.0, 0.4, 1.0, 3.0], KNOTS])
    check_value(f, x)
    tangent = ag.jvp(f, (x,), (np.ones_like(x) * [[1.0], [-0.3]],))[1]
    np.testing.assert_allclose(
        tangent, difference(f, x, np.ones_like(x) * [[1.0], [-0.3]]), atol=1e-8
    )


def test_at_a_point_the_slope_is_the_mean_of_both_lines():
    values = np.array([0.0, 2.0, 1.0, 1.0, 5.0])

    def f(x, **kw):
        return np.interp(x, np.arange(5.0), values, **kw)

    def slopes(**kw):
        return ag.vjp(lambda x: f(x, **kw), np.arange(5.0))[1](np.ones(5))[0]

    assert_close(slopes(), [1.0, 0.5, -0.5, 2.0, 2.0])
    assert_close(slopes(left=-1.0, right=0.0), [2.0, 0.5, -0.5, 2.0, 4.0])
    assert_close(slopes(period=5.0), [-1.5, 0.5, -0.5, 2.0, -0.5])


def test_at_a_point_the_value_is_that_of_the_point():
    (g,) = ag.vjp(lambda y: np.interp(KNOTS, KNOTS, y), X[0])[1](np.arange(1.0, 6.0))
    assert_close(g, np.arange(1.0, 6.0))


def test_a_point_that_stands_twice_makes_a_step():
    knots, values = np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 1.0, 3.0, 5.0])
    x = np.array([0.5, 1.0, 1.5])
    value, pullback = ag.vjp(lambda x: np.interp(x, knots, values), x)
    assert_close(value, np.interp(x, knots, values))
    assert_close(pullback(np.ones(3))[0], [1.0, 1.5, 2.0])
    g = ag.grad(lambda knots: np.sum(np.interp(x, knots, values)))(knots)
    assert np.isfinite(g).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of infinite slopes
def test_infinite_values_and_nan_are_numpys():
    values = np.array([0.0, 1.0, np.inf, 2.0, 3.0])
    x = np.array([-1.0, 0.1, np.nan, 0.7, 1.0])
    check_value(lambda x: np.interp(x, KNOTS, values), x)


def test_slopes_of_a_parabola_are_exact():
    f = INTEGRATE["simpson"]
    y = T**2
    expected = scipy.integrate.simpson(y, x=T)
    assert_close(ag.vjp(lambda y: f(y, x=T), y)[0], expected)
    np.testing.assert_allclose(expected, T[-1] ** 3 / 3.0, rtol=1e-14)


AREAS = {
    "trapezoid": lambda f, x: f(x, x=T),
    "trapezoid dx": lambda f, x: f(x, dx=0.3, axis=0),
    "cumulative_trapezoid": lambda f, x: f(x, T),
    "cumulative_trapezoid initial": lambda f, x: f(x, dx=0.3, axis=0, initial=0),
    "cumulative_trapezoid of rows": lambda f, x: f(x, np.exp(x), axis=1),
    "simpson": lambda f, x: f(x, x=T),
    "simpson dx": lambda f, x: f(x, dx=0.3, axis=0),
    "simpson even": lambda f, x: f(x[:, 1:], T[1:]),
    "simpson even dx": lambda f, x: f(x[:, 1:]),
    "simpson of two": lambda f, x: f(x[:, :2], dx=2.0),
    "simpson traced": lambda f, x: f(x[:, 1:], x=np.cumsum(1.0 + np.sin(x[:, 1:]) ** 2, axis=1)),
}


SCIPY = tuple(int(part) for part in scipy.__version__.split(".")[:2])


@pytest.mark.parametrize("law", ["value", "first_order", "second_order", "precision", "vmap"])
@pytest.mark.parametrize("name", AREAS)
def test_areas_of_scipy(name, law):
    function = name.split(" ", maxsplit=1)[0]
    theirs, ours = getattr(scipy.integrate, function), INTEGRATE[function]
    if law == "precision" and name == "simpson traced" and SCIPY < (1, 18):
        pytest.skip("SciPy before 1.18 computes it in double precision")

    def f(x):
        return AREAS[name](theirs if x.__class__ is np.ndarray else ours, x)

    LAWS[law](f, X)


def test_areas_are_reached_by_the_names_of_scipy():
    def f(x):
        area = scipy.integrate.simpson(x, x=T) + scipy.integrate.trapezoid(x, T)
        return area + scipy.integrate.cumulative_trapezoid(x, T)[..., -1]

    LAWS["first_order"](f, X)


def test_lines_are_those_of_scipy():
    # linear splines, whose derivative SciPy computes by itself
    spline = scipy.interpolate.make_interp_spline(KNOTS, X[0], k=1)
    x = np.array([-1.2, 0.0, 0.3, 1.9])
    value, pullback = ag.vjp(lambda x: np.interp(x, KNOTS, X[0]), x)
    assert_close(value, spline(x))
    assert_close(pullback(np.ones(4))[0], spline.derivative()(x), scale=4.0)  # another formula


ANYWHERE = {
    "interp": lambda xp, x: xp.interp(x, xp.sort(x[0, :]), x[1, :]),
    "interp of constants": lambda xp, x: xp.interp(x, [-1.0, 0.0, 0.5], [1.0, 2.0, -1.0]),
    "interp at constants": lambda xp, x: xp.interp([0.1, 0.2], x[0, :2], x[1, :2], period=2.0),
    "gradient": lambda xp, x: xp.gradient(x, [0.0, 0.3, 1.0, 1.2, 2.0], axis=1, edge_order=2),
    "gradient step": lambda xp, x: xp.gradient(x, 0.3, axis=0),
    "trapezoid": lambda xp, x: xp.trapezoid(x, [0.0, 0.3, 1.0, 1.2, 2.0]),
    "ediff1d": lambda xp, x: xp.ediff1d(x, to_end=[1.0]),
}


test_every_library_gives_the_same, test_jax_gives_the_same = library_tests(ANYWHERE, X)


REFUSED = {
    "points": (lambda x: np.interp(x, KNOTS, x[0, :2]), ShapeError, "one length"),
    "no period": (lambda x: np.interp(x, KNOTS, x[0], period=0), ArgumentError, "period"),
    "spacings": (lambda x: np.gradient(x, 1.0, 2.0, 3.0), ArgumentError, "3 spacings"),
    "edge": (lambda x: np.gradient(x, edge_order=3), ArgumentError, "edge_order"),
    "short": (lambda x: np.gradient(x[:2], edge_order=2), ShapeError, "length 2"),
    "coordinates": (lambda x: np.gradient(x, T, axis=0), ShapeError, "coordinates"),
    "area": (lambda x: np.trapezoid(x, T[1:]), ShapeError, "4 points"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_wrong_arguments_are_refused(case):
    f, error, words = case
    with pytest.raises(error, match=words):
        ag.vjp(f, X)
