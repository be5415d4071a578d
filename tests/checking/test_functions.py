"""Functions that are not deterministic, change their data, or write into their arguments."""

import numpy as np
import pytest

import anygrad as ag
from anygrad import check_gradients
from anygrad.errors import ArgumentError, DTypeError, GradientError, ShapeError


def count_calls():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(x**2) + 1e-6 * len(calls)

    return f


def use_up(data):
    def f(x):
        data[...] *= 0.999
        return np.sum(data * x)

    return f


def draw(rng):
    return lambda x: np.sum(x**2 * (rng.uniform(size=x.shape) > 0.3))


MAKE = [count_calls, lambda: use_up(np.ones(20)), lambda: draw(np.random.default_rng(5))]


@pytest.mark.parametrize("options", [{}, {"evaluate": "loop"}, {"directions": 1}], ids=str)
@pytest.mark.parametrize("slope", [lambda x: 2 * x, lambda x: -x, np.zeros_like, None])
@pytest.mark.parametrize("make", MAKE, ids=["counting", "using data up", "random"])
def test_a_function_of_several_values_at_one_point_is_inconclusive(make, slope, options):
    x = np.linspace(1.0, 2.0, 20)
    report = check_gradients(make(), x, grad=slope, **options)
    assert (report.ok, report.verdict, report.repeatable) == (False, "inconclusive", False)
    assert report.cause == "not repeatable"
    assert len(set(report.values)) > 1
    assert str(report).startswith("f gives different values at the same point: ")
    assert "agrees" not in str(report)
    with pytest.raises(GradientError, match="different values at the same point"):
        report.raise_if_wrong()


@pytest.mark.parametrize("differs", [lambda n: n == 1, lambda n: n == 2, lambda n: n > 2])
def test_f_is_compared_with_itself_at_once_and_at_the_end(differs):
    """By its values at the point: the first, the next, and the last."""
    x, calls = np.asarray([1.0, 2.0]), []

    def f(t):
        if np.array_equal(t, x):
            calls.append(1)
            return np.sum(t**2) + 1e-3 * differs(len(calls))
        return np.sum(t**2)

    report = check_gradients(f, x, grad=2 * x, evaluate="loop")
    assert (report.verdict, report.repeatable) == ("inconclusive", False)
    assert len(report.values) == 3


def test_a_function_that_changes_its_data_leaves_that_of_the_caller():
    x, data = np.ones(3), np.ones(3)

    def f(x, data):
        data *= 0.5
        return np.sum(data * x)

    report = check_gradients(f, x, data, grad=lambda x, data: data)
    assert (report.verdict, report.repeatable) == ("inconclusive", False)
    assert data.tolist() == [1.0, 1.0, 1.0]


def test_rounding_that_differs_from_call_to_call_is_no_different_value():
    """As sums on a GPU that add in any order."""
    rng = np.random.default_rng(2)
    signs = np.where(np.arange(2000) % 2, 1.0, -1.0)

    def f(x):
        order = rng.permutation(2000)
        return float(np.cumsum((signs * np.exp(x))[order])[-1])

    x = np.linspace(-1.0, 1.0, 2000)
    assert f(x) != f(x)
    report = check_gradients(f, x, grad=lambda x: signs * np.exp(x), samples=50)
    assert report.ok, str(report)


@pytest.mark.parametrize("options", [{}, {"samples": 2}, {"directions": 1}], ids=str)
@pytest.mark.parametrize("evaluate", ["auto", "stacked", "loop"])
def test_functions_that_write_into_their_argument_are_checked(evaluate, options):
    x = {"w": np.asarray([[1.0, 2.0], [-0.5, 0.3]]), "b": np.asarray(1.5)}
    kept = {name: leaf.copy() for name, leaf in x.items()}

    def f(t):
        t["w"] *= 2.0
        t["b"] *= 2.0
        return np.sum(t["w"] ** 2, axis=(0, 1)) + t["b"] ** 3

    def slope(t):
        t["w"] *= 8.0
        t["b"] *= 24.0 * t["b"]
        return t

    report = check_gradients(f, x, grad=slope, evaluate=evaluate, **options)
    assert report.ok, str(report)
    right = {"w": 8 * kept["w"], "b": 24 * kept["b"] ** 2}
    assert check_gradients(f, x, grad=right, evaluate=evaluate, **options).ok
    wrong = {"w": 8.01 * kept["w"], "b": 24 * kept["b"] ** 2}
    report = check_gradients(f, x, grad=wrong, evaluate=evaluate, **options)
    assert report.verdict == "wrong"
    for name, leaf in x.items():
        assert leaf.tolist() == kept[name].tolist()


def test_the_automatic_gradient_of_a_writing_function_leaves_the_array():
    x = np.asarray([1.0, 2.0, -0.5])

    def f(x):
        plain = ag.value(x)
        plain *= 0.0
        y = x
        y = y * 2.0
        return np.sum(y**2)

    report = check_gradients(f, x)
    assert x.tolist() == [1.0, 2.0, -0.5]
    assert report.total == 3


def test_bad_input_is_refused():
    x = np.ones((2, 3))
    with pytest.raises(ShapeError, match=r"check_gradients\(grad\).*\(3, 2\).*\(2, 3\)"):
        check_gradients(np.sum, x, grad=x.T)
    with pytest.raises(ArgumentError, match=r"check_gradients\(grad\)"):
        check_gradients(np.sum, x, grad={"x": x})
    with pytest.raises(DTypeError, match="int64"):
        check_gradients(np.sum, np.ones(2, dtype=int))
    with pytest.raises(ArgumentError, match=r"check_gradients\(order\).*as grad="):
        check_gradients(np.sum, x, grad=x, order=2)
    for name, value in {
        "argnums": 1,
        "rtol": -1.0,
        "samples": 0,
        "directions": 0,
        "evaluate": "none",
        "order": 3,
        "modes": ("backward",),
    }.items():
        with pytest.raises(ArgumentError, match=rf"check_gradients\({name}\)"):
            check_gradients(np.sum, x, **{name: value})
    more = [
        ("modes", "forward"),
        ("modes", ()),
        ("rtol", 1.0),
        ("samples", 2.5),
        ("directions", True),
    ]
    for name, value in more:
        with pytest.raises(ArgumentError, match=rf"check_gradients\({name}\)"):
            check_gradients(np.sum, x, **{name: value})


def test_it_is_public():
    assert ag.check_gradients is check_gradients
