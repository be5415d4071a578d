"""Ordinary scientific code gives compiled what it gives uncompiled, bit for bit, or refuses."""

import numpy as np
import pytest

import anygrad as ag
from tests.compiler.agreement import assert_agrees, use_plain_target

pytest.importorskip("scipy", reason="the patterns use SciPy as their authors do")

from tests.corpus.loading import patterns

LOUD = r": .+; .+\. [A-Z]"
COMPILED = "compiled code asks for plain numbers"
# Patterns that are refused where the function itself works, and why; the table can only shrink.
REFUSED = {
    "container_with_periodic_index": "it writes into its argument",
    "cubic_spline_of_scipy": COMPILED,
    "equilibrium_by_fsolve": COMPILED,
    "gaussian_filter_of_scipy_ndimage": COMPILED,
    "implied_volatility_by_brentq": COMPILED,
    "lu_solve_of_scipy": COMPILED,
    "lyapunov_of_scipy": COMPILED,
    "map_coordinates_of_scipy_ndimage": COMPILED,
    "masked_arrays": "NumPy's masked arrays ask for plain arrays",
    "minimize_inside": COMPILED,
    "odeint_of_scipy": COMPILED,
    "polynomial_objects": "classes of a library are not rebound",
    "quad_of_scipy": COMPILED,
    "real_and_imaginary_parts": "writing through .real of an array",
    "recursive_filter_of_scipy_signal": COMPILED,
    "riccati_of_scipy": COMPILED,
    "solve_ivp_of_scipy": COMPILED,
    "sparse_matrix_from_parameters": "a sparse matrix holds plain numbers",
    "structured_records": "fields of structured arrays are not traced",
}
NAMES = [name for name in patterns() if name not in REFUSED]
# Loops of thousands of operations, which take as long as all other gradients together.
LONG = ("shooting_method_residual", "wave_equation_leapfrog")


def moved(point, by):
    """Another point of the same shapes and dtypes."""

    def move(leaf):
        if isinstance(leaf, float | complex):
            return type(leaf)(leaf * (1.0 + by))
        if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "fc":
            return leaf * (1.0 + by * np.cos(np.arange(leaf.size)).reshape(leaf.shape))
        return leaf

    return ag.trees.map(move, point)


def calls(name):
    """The points, others near them that are replayed, and the first again."""
    points = patterns()[name].points
    return [(point,) for point in (*points, *[moved(point, 0.01) for point in points], points[0])]


@pytest.fixture(autouse=True)
def plain_target(monkeypatch):
    use_plain_target(monkeypatch)


@pytest.mark.parametrize("name", NAMES)
def test_values_agree(name):
    assert_agrees(patterns()[name].function, *calls(name))


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n in LONG)) for n in patterns()]
)
def test_gradients_agree(name):
    point = patterns()[name].points[-1]
    assert_agrees(ag.grad(patterns()[name].function), (point,), (moved(point, 0.01),))


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_loud(name):
    compiled = ag.compile(patterns()[name].function)

    def call_all():
        return [compiled(*args) for args in calls(name)]

    with np.errstate(all="ignore"), pytest.raises(ag.errors.AnygradError, match=LOUD):
        call_all()
