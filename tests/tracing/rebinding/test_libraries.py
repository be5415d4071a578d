"""Functions of SciPy and of Python's own library that ask nobody: values, derivatives, refusals."""

import contextlib
import json
import statistics

import numpy as np
import pytest
from scipy import integrate, signal, sparse, stats
from scipy.sparse import linalg as sparse_linalg
from scipy.spatial import distance

import anygrad as ag
from anygrad.errors import ArgumentError, MissingRuleError, ShapeError, TraceError
from tests.support import assert_close
from tests.tracing.rebinding.test_buffers import check

X = np.array([0.3, 0.7, 1.1])
POINTS = np.cos(np.arange(8.0)).reshape(4, 2)
SPARSE = sparse.csr_matrix(np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.5, 4.0]]))

# Distributions ------------------------------------------------------------------------------------

CALLS = {
    name: eval(f"lambda owner, args, kw: owner.{name}(*args, **kw)")
    for name in ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf", "ppf", "isf")
}


def called(owner, method, *args, **kw):
    """The method, by its name in the code: ``getattr`` is not looked through."""
    call = CALLS[method]
    return call(owner, args, kw)


SHAPES = {"gamma": (2.5,), "chi2": (3.0,), "beta": (2.0, 1.5), "t": (4.0,)}
CONTINUOUS = ("norm", "expon", "gamma", "chi2", "beta", "t", "cauchy", "laplace", "logistic")
METHODS = {
    **{name: ("logpdf", "pdf") for name in CONTINUOUS},
    "norm": ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf", "ppf", "isf"),
    "expon": ("logpdf", "pdf", "cdf", "sf", "logsf", "ppf", "isf"),
    "gamma": ("logpdf", "pdf", "cdf", "sf"),
    "chi2": ("logpdf", "pdf", "cdf", "sf"),
    "beta": ("logpdf", "pdf", "cdf"),
    "cauchy": ("logpdf", "pdf", "cdf", "ppf", "isf"),
    "logistic": ("logpdf", "pdf", "cdf", "sf", "ppf", "isf"),
}


@pytest.mark.parametrize(
    ("name", "method"), [(name, method) for name in METHODS for method in METHODS[name]]
)
def test_distributions_in_variable_location_and_scale(name, method):
    """The value is SciPy's own, so is every difference of it."""
    owner, shapes = getattr(stats, name), SHAPES.get(name, ())

    names = ("df",) if name in ("chi2", "t") else ("a", "b")
    by_name = dict(list(zip(names, shapes, strict=False))[::-1])  # in another order

    def f(p):
        inside = 0.2 + 0.5 * p / 1.2  # between 0.3 and 0.7: a density, and a probability
        located = called(owner, method, inside, *shapes, loc=0.1 * p[1], scale=1.0 + 0.1 * p[2])
        keywords = called(owner, method, inside[1], scale=p[2], **by_name)
        plain = called(owner, method, 0.4, *shapes, 0.0, p[2])
        return np.sum(located * np.array([1.0, -2.0, 0.5])) + keywords + plain

    check(f)


@pytest.mark.parametrize("name", ["gamma", "chi2", "beta", "t"])
def test_densities_in_their_shape_parameters(name):
    def f(p):
        shapes = tuple(1.0 + p[k] for k in range(len(SHAPES[name])))
        return getattr(stats, name).logpdf(0.4, *shapes) + getattr(stats, name).pdf(0.6, *shapes)

    check(f)


def test_masses_in_their_parameters():
    def f(p):
        counts = np.array([0.0, 2.0, 3.0])
        mass = np.sum(stats.poisson.logpmf(counts, p[2] + 1.0)) + stats.poisson.pmf(2, mu=p[0])
        return mass + stats.bernoulli.logpmf(1, p[0]) + np.sum(stats.binom.logpmf(counts, 5, p[1]))

    check(f)


def test_the_density_below_the_bound_is_nothing():
    value, slope = ag.value_and_grad(lambda t: stats.expon.pdf(t - 3.0))(1.0)
    assert (value, slope) == (0.0, 0.0)


def test_parameters_that_do_not_fit_are_refused():
    with pytest.raises(ArgumentError, match="parameters"):
        ag.grad(lambda t: stats.norm.logpdf(t, 0.0, 1.0, 2.0))(1.0)
    with pytest.raises(TraceError):
        ag.grad(lambda t: stats.skewnorm.logpdf(t, 2.0))(1.0)


# Distances ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cityblock", "chebyshev"])
def test_distances_between_points(metric):
    weights = np.sin(np.arange(16.0)).reshape(4, 4)

    def f(flat):
        points = flat.reshape(4, 2)
        between = distance.cdist(points * 1.5, POINTS[::-1], metric)
        among = distance.squareform(distance.pdist(points, metric=metric))
        back = distance.squareform(among)
        return np.sum(between * weights) + np.sum(among * weights) + np.sum(back**2)

    check(f, POINTS.ravel())


def test_the_distance_of_a_point_to_itself_is_at_rest():
    g = ag.grad(lambda p: np.sum(distance.cdist(p, p)))(POINTS)
    assert np.isfinite(g).all()
    # one of a pair, taken out of a matrix with zeros on its diagonal
    plain = ag.grad(lambda p: np.sqrt(np.sum((p[:, None] - p[None]) ** 2, -1))[0, 1])(POINTS)
    unit = (POINTS[0] - POINTS[1]) / np.linalg.norm(POINTS[0] - POINTS[1])
    assert_close(plain, np.stack([unit, -unit, 0 * unit, 0 * unit]))


def test_other_metrics_are_refused():
    with pytest.raises(MissingRuleError, match="canberra"):
        ag.grad(lambda p: np.sum(distance.cdist(p, p, "canberra")))(POINTS)
    with pytest.raises(MissingRuleError, match="VI"):
        ag.grad(lambda p: np.sum(distance.pdist(p, "euclidean", VI=None)))(POINTS)
    with pytest.raises(ShapeError, match="distances"):
        ag.grad(lambda x: np.sum(distance.squareform(x[:2])))(X)


# Others -------------------------------------------------------------------------------------------


def test_signals_integrals_and_sparse_solves():
    def f(x):
        smooth = signal.convolve(x, np.array([0.5, 1.0]), mode="same")
        area = integrate.simpson(x**2, dx=0.5) + integrate.cumulative_trapezoid(x)[-1]
        solved = sparse_linalg.spsolve(SPARSE.tocsc(), x**2)
        product = SPARSE.dot(x) + SPARSE.T @ x + SPARSE.tocoo().dot(x)
        return np.sum(smooth) + area + np.sum(solved) + np.sum(product * x)

    check(f)


def test_polynomials_of_numpys_other_bases():
    points = np.linspace(-0.5, 0.5, 4)

    def f(c):
        values = np.polynomial.chebyshev.chebval(points, c) + np.polynomial.legendre.legval(0.3, c)
        return np.sum(values**2) + np.polynomial.polynomial.polyval(c[0], [1.0, 2.0, 3.0])

    check(f)


def test_pythons_statistics():
    def f(x):
        parts = statistics.mean(x) + statistics.fmean(list(x)) + statistics.median(x)
        return parts + statistics.stdev(x) * statistics.pvariance([x[0], 2.0 * x[1]])

    check(f)
    assert ag.grad(lambda t: t * statistics.mean([1.0, 3.0]))(1.0) == 2.0


def test_what_is_written_down_is_a_value():
    written = []

    def f(x):
        written.append(json.dumps({"loss": float(x[0]), "all": x.tolist(), "n": [x[1], 2]}))
        written.append("%.2f and %d, %s" % (x[0], x[2], "%.1f" % float(x[1])))  # noqa: UP031
        written.append(f"{x[0]:.3f} {float(x[1])!s}")
        return np.sum(x**2)

    assert_close(ag.grad(f)(X), 2 * X)
    assert json.loads(written[0]) == {"loss": 0.3, "all": X.tolist(), "n": [0.7, 2]}
    assert written[1:] == ["0.30 and 1, 0.7", "0.300 0.7"]


def test_a_remainder_is_no_formatting():
    assert ag.grad(lambda t: 7.3 % t)(2.1) == -3.0
    with pytest.raises(TraceError, match="float"):
        ag.grad(lambda x: np.sum(list(map(float, x))))(X)


def test_assertions_of_numpy_look_at_values():
    def f(x):
        np.testing.assert_allclose(x, X, rtol=1e-12)
        np.testing.assert_array_less([x[0]], 10.0)
        with pytest.raises(AssertionError):
            np.testing.assert_equal(x, X + 1.0)
        return np.sum(x)

    assert_close(ag.grad(f)(X), np.ones(3))


def test_functions_made_of_python_functions_and_iterations():
    def f(x):
        cubed = np.frompyfunc(lambda t: t**3, 1, 1)(x)
        total = 0.0
        for (k,), value in np.ndenumerate(x):
            total = total + k * value**2
        return np.sum(cubed) + total + np.frompyfunc(abs, 1, 1)(np.array([-1.0]))[0]

    check(f)


# Errors of others ---------------------------------------------------------------------------------


def test_an_error_that_compiled_code_raises_for_a_refusal_is_the_refusal():
    from scipy.optimize import brentq, fsolve

    for f in (
        lambda x: fsolve(lambda t: t**2 - x[0], 1.0)[0],
        lambda x: brentq(lambda t: t**2 - x[0], 0.0, 5.0),
        lambda x: integrate.quad(lambda t: x[0] * t, 0.0, 1.0)[0],
    ):
        with pytest.raises(TraceError, match=r"ag\.value"):
            ag.grad(f)(X)


def test_errors_of_the_user_are_left_alone():
    def handled(x):
        with contextlib.suppress(TypeError):
            np.sum(list(map(float, x)))
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        ag.grad(handled)(X)
    with pytest.raises(ZeroDivisionError):
        ag.grad(lambda x: 1 / 0)(X)
