"""What users' functions may do with what they get, and what they may not give."""

import warnings

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, DTypeError, MixedBackendError, ShapeError
from anygrad.solvers.methods import METHODS

CENTRE = np.array([1.0, -2.0, 0.5])
CURVATURES = np.array([1.0, 10.0, 3.0])


def bowl(x):
    return 0.5 * ((x - CENTRE) ** 2 * CURVATURES).sum()


def slope(x):
    return (x - CENTRE) * CURVATURES


def spoiled(f):
    """The function, which writes into all its arguments when it has its result."""

    def call(*args):
        result = f(*args)
        for x in args:
            x[...] = 77.0
        return result

    return call


@pytest.mark.parametrize("method", sorted({*METHODS, "adam"}))
@pytest.mark.parametrize("gradient", ["automatic", "numerical", "given", "both"])
def test_writing_into_x_changes_nothing(method, gradient):
    options = {"method": method, "max_steps": 30}
    start = np.zeros(3)
    if gradient == "both":
        f = spoiled(lambda x: (bowl(x), slope(x)))
        found = ag.minimize(f, start, gradient=True, **options)
        expected = ag.minimize(bowl, start, gradient=slope, **options)
    else:
        given = gradient == "given"
        theirs, ours = (spoiled(slope), slope) if given else (gradient, gradient)
        found = ag.minimize(spoiled(bowl), start, gradient=theirs, **options)
        expected = ag.minimize(bowl, start, gradient=ours, **options)
    assert not start.any()
    assert np.array_equal(found.x, expected.x)
    assert float(found.fun) == float(expected.fun)


@pytest.mark.parametrize("method", ["newton-cg", "trust-ncg"])
def test_writing_into_the_arguments_of_hvp_changes_nothing(method):
    product = spoiled(lambda x, v: CURVATURES * v)
    found = ag.minimize(bowl, np.zeros(3), method=method, gradient=slope, hvp=product)
    assert found.success
    assert np.max(np.abs(found.x - CENTRE)) < 1e-5


def test_writing_into_leaves_changes_nothing():
    def f(tree):
        value = bowl(tree["a"]) + (tree["b"] - 1.0) ** 2
        tree["a"][:], tree["b"][...] = 5.0, 5.0
        return value

    gradient = lambda tree: {"a": slope(tree["a"]), "b": 2.0 * (tree["b"] - 1.0)}
    start = {"a": np.zeros(3), "b": np.zeros(())}
    found = ag.minimize(f, start, gradient=gradient)
    assert found.success
    assert np.max(np.abs(found.x["a"] - CENTRE)) < 1e-5
    assert not start["a"].any()


@pytest.mark.parametrize("method", ["bfgs", "cg", "nelder-mead"])
def test_a_value_in_one_buffer_is_the_value_of_the_best_point(method):
    buffer = np.zeros(())

    def f(x):
        buffer[...] = bowl(x)
        return buffer

    found = ag.minimize(f, np.zeros(3), method=method, gradient=slope, max_steps=7)
    f(np.zeros(3))
    assert float(found.fun) == pytest.approx(bowl(found.x), rel=1e-12)


def test_a_gradient_in_one_buffer_of_no_dimension():
    buffer = np.zeros(())

    def gradient(x):
        buffer[...] = 2.0 * (x - 3.0) + 4.0 * (x - 3.0) ** 3
        return buffer

    f = lambda x: (x - 3.0) ** 2 + (x - 3.0) ** 4
    found = ag.minimize(f, np.float64(0.0), gradient=gradient)
    assert found.success
    assert float(found.x) == pytest.approx(3.0, abs=1e-5)


NO_NUMBERS = {
    "complex": lambda x: np.asarray(bowl(x) + 1j),
    "truth": lambda x: bool(bowl(x) > 1.0),
    "array of truth": lambda x: bowl(x) > 1.0,
    "list": lambda x: [bowl(x)],
    "shape (1,)": lambda x: np.reshape(bowl(x), (1,)),
    "None": lambda x: None,
}


@pytest.mark.parametrize("method", ["bfgs", "nelder-mead"])
@pytest.mark.parametrize("name", NO_NUMBERS)
def test_a_value_that_is_no_real_number_is_refused(name, method):
    with pytest.raises(ShapeError, match=r"minimize\(f\): it returned"):
        ag.minimize(NO_NUMBERS[name], np.zeros(3), method=method, gradient=slope)


def test_a_complex_gradient_of_a_real_start_is_refused(xp):
    start = xp.zeros(3)
    f = lambda x: ag.namespace(x).sum(x**2)
    gradient = lambda x: xp.astype(2.0 * x + 1.0, xp.complex128)
    with pytest.raises(
        DTypeError, match=r"minimize\(gradient\): got .*complex128.*; expected a re"
    ):
        ag.minimize(f, start, gradient=gradient)
    tree = {"a": start, "b": start}
    both = lambda t: {"a": gradient(t["a"]), "b": gradient(t["b"])}
    with pytest.raises(DTypeError, match="expected a real array"):
        ag.minimize(lambda t: f(t["a"]) + f(t["b"]), tree, gradient=both)


@pytest.mark.parametrize("wrong", [None, "abc", {"a": 1.0}], ids=["None", "text", "dict"])
def test_a_gradient_that_is_no_array_is_refused(xp, wrong):
    f = lambda x: ag.namespace(x).sum(x**2)
    with pytest.raises((ArgumentError, DTypeError), match=r"minimize\(gradient\)"):
        ag.minimize(f, xp.zeros(3), gradient=lambda x: wrong)


@pytest.mark.off_host
def test_a_gradient_of_another_library_is_refused(xp):
    f = lambda x: ag.namespace(x).sum(x**2)
    with pytest.raises(MixedBackendError, match=r"minimize\(gradient\): got an array of numpy"):
        ag.minimize(f, xp.zeros(3), gradient=lambda x: 2.0 * ag.to_numpy(x) + 1.0)


def test_numbers_in_a_list_are_a_gradient(xp):
    f = lambda x: ag.namespace(x).sum((x - 1.0) ** 2)
    gradient = lambda x: (2.0 * (ag.to_numpy(x) - 1.0)).tolist()
    found = ag.minimize(f, xp.zeros(3), gradient=gradient)
    assert np.max(np.abs(ag.to_numpy(found.x) - 1.0)) < 1e-5


WRONG_ARGUMENTS = {
    "callback": ({"callback": 5}, "callback"),
    "args": ({"args": 3.0}, "args"),
    "search that is a number": ({"search": 5}, "search"),
    "search that is a factory": ({"search": ag.solvers.strong_wolfe}, "search"),
    "one pair for all": ({"bounds": [(0.0, 1.0)]}, "bounds"),
    "no pair with gradient=True": ({"gradient": True}, "f"),
}


@pytest.mark.parametrize("name", WRONG_ARGUMENTS)
def test_wrong_arguments_are_named(name):
    options, argument = WRONG_ARGUMENTS[name]
    with pytest.raises(ArgumentError, match=rf"minimize\({argument}\)"):
        ag.minimize(bowl, np.zeros(3), **options)


@pytest.mark.parametrize("start", [1, {"a": 1.0, "b": 2}], ids=["bare", "in a tree"])
def test_an_integer_start_is_refused(start):
    with pytest.raises(DTypeError, match=r"Write 1\.0 for 1"):
        ag.minimize(lambda x: x, start)


@pytest.mark.parametrize("name", ["Powell", "TNC", "SLSQP", "trust-constr"])
def test_methods_that_only_scipy_has_are_named(name):
    with pytest.raises(ArgumentError, match=r"scipy_minimize runs SciPy's"):
        ag.minimize(bowl, np.zeros(3), method=name)


def test_bounds_may_be_as_far_apart_as_numbers_go():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ag.minimize(bowl, np.zeros(3), bounds=(-1e308, 1e308))
    assert np.max(np.abs(found.x - CENTRE)) < 1e-5
