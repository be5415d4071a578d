"""Choices by conditions and indices, functions along axes: values and derivatives."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, DTypeError, MissingRuleError, ShapeError, TraceError
from tests.support import assert_close
from tests.support.host_copies import allow_host_copies
from tests.tracing.anywhere import check_library, library_tests, not_jax
from tests.tracing.laws import LAWS, check_value

X = np.array([[0.3, -1.2, 0.7, 2.1], [1.9, 0.4, -0.8, 0.6], [-0.45, 1.1, 1.7, -2.3]])
V = np.array([0.5, -0.25, 2.0, 1.5])
MASK = X > 0.5
PICK = np.array([0, 2, 1, 2])
PLAIN = np.zeros((3, 4))

SPELLINGS = {
    "select": lambda x: np.select([x > 1, x > 0], [x * x, np.sin(x)]),
    "select default": lambda x: np.select([MASK, x < -1], [x**3, V], default=x[0]),
    "select numbers": lambda x: np.select([MASK, x < -1], [2.0, x], 7),
    "choose": lambda x: np.choose(PICK, [x, x * x, 2.0]),
    "choose rows": lambda x: np.choose(PICK, x),
    "choose clip": lambda x: np.choose([0, 5, -3, 1], [x[0], x[1] * x[2]], mode="clip"),
    "choose wrap": lambda x: np.choose([[0, 5, -3, 1]], [x, x[1] * x[2]], mode="wrap"),
    "choose by order": lambda x: np.choose(np.argsort(x, axis=1) % 2, [x, x * x]),
    "apply_along_axis": lambda x: np.apply_along_axis(lambda v: v[0] * v[1], 1, x),
    "apply_along_axis of vectors": lambda x: np.apply_along_axis(lambda v, c: c * v[:2], 0, x, 3.0),
    "apply_along_axis of matrices": lambda x: np.apply_along_axis(
        lambda v: np.outer(v, v[:2]), 1, x[None]
    ),
    "apply_over_axes": lambda x: np.apply_over_axes(np.sum, x, [0, 1]) * x,
    "apply_over_axes kept": lambda x: np.apply_over_axes(np.cumsum, x, (0,)),
    "take clip": lambda x: np.take(x, [5, -9], axis=1, mode="clip"),
    "index functions": lambda x: (
        x[np.tril_indices_from(x)] * x[np.tril_indices_from(x)][0],
        x[np.triu_indices_from(x, 1)],
        x[:, :3][np.diag_indices_from(x[:, :3])],
    ),
    "clip": lambda x: np.clip(x, -1.0, None) * np.clip(x, None, 1.0),
    "clip of keywords": lambda x: np.clip(x, min=-1.0, max=V),
    "clip old names": lambda x: np.clip(x, a_min=-1.0, a_max=1.0) * x.clip(max=0.5),
    "clip traced bounds": lambda x: np.clip(V, x[0] - 1.0, x[1]),
    "clip nothing": lambda x: np.clip(x, None, None) * 2.0,
    "clip into": lambda x: np.clip(x, -0.5, 0.5, out=np.zeros_like(x)) * x,
    "where": lambda x: np.where(x > 0, x, V),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_numpy(name, law):
    LAWS[law](SPELLINGS[name], X)


# Shapes that depend on values have no batched form.
BY_VALUE = {
    "piecewise": lambda x: np.piecewise(x, [x < 0, x >= 1], [lambda v: v * v, 3.0, np.sin]),
    "piecewise overlapping": lambda x: np.piecewise(x, [x > 0, x > 1], [np.exp, lambda v: -v]),
    "piecewise rest": lambda x: np.piecewise(
        x, [x > 0], [lambda v, c: c * np.sqrt(v), lambda v, c=1.0: c * v], c=2.0
    ),
    "piecewise one": lambda x: np.piecewise(x[0], x[0] > 0, [np.sqrt, np.sin]),
    "piecewise traced constant": lambda x: np.piecewise(x, [MASK], [x[0, 0] ** 2]),
    "piecewise 0-d": lambda x: np.piecewise(
        x[0, 0], [x[0, 0] < 0, x[0, 0] >= 0], [lambda v: -v, lambda v: v * v]
    ),
    "where alone": lambda x: x[np.where(x > 0)],
    "where of an array": lambda x: x[np.where(x)],
    "compress": lambda x: np.compress([False, True, True], x, axis=0),
    "compress flat": lambda x: np.compress(X.ravel()[:7] > 0, x),
    "compress by keyword": lambda x: np.compress([True, False], a=x, axis=1),
    "compress method": lambda x: x.compress(x[:, 0] > 0, axis=0),
    "extract": lambda x: np.extract(x > 0.5, x * x),
    "extract list": lambda x: np.extract([True, False, True], x[:, 0]),
    "nonzero": lambda x: x[np.nonzero(x > 0)],
}


@pytest.mark.parametrize("law", ["value", "first_order", "second_order", "precision"])
@pytest.mark.parametrize("name", BY_VALUE)
def test_shapes_that_depend_on_values(name, law):
    LAWS[law](BY_VALUE[name], X)


@pytest.mark.parametrize("name", ["piecewise", "where alone", "extract", "compress method"])
def test_shapes_that_depend_on_values_have_no_batch(name):
    with pytest.raises(MissingRuleError, match="no batched form"):
        ag.vmap(BY_VALUE[name])(np.stack([X, -X]))


@pytest.mark.parametrize("name", ["select default", "choose", "apply_along_axis of matrices"])
@pytest.mark.parametrize("law", ["value", "first_order"])
def test_complex_values(name, law):
    f = SPELLINGS[name]
    if name == "select default":
        LAWS[law](lambda x: np.select([MASK, ~MASK], [x**3, V], default=x[0]), X + 1j * X[::-1])
        return
    LAWS[law](f, X + 1j * X[::-1])


def test_a_function_of_pieces_sees_its_own_elements_only():
    seen = []

    def log(v):
        seen.append(ag.value(v))
        return np.log(v)

    g = ag.grad(lambda x: np.sum(np.piecewise(x, [x > 0], [log, 0.0])))(X[0])
    assert_close(seen[0], X[0][X[0] > 0])
    assert_close(g, [1.0 / 0.3, 0.0, 1.0 / 0.7, 1.0 / 2.1])


def test_a_function_of_no_elements_is_not_called():
    check_value(lambda x: np.piecewise(x, [x > 9.0, x < 9.0], [np.max, np.exp]), X)


def test_at_a_bound_the_slope_of_clip_is_a_half():
    g = ag.grad(lambda x: np.sum(np.clip(x, -1.0, 1.0)))(np.array([-1.0, 0.5, 1.0, 3.0]))
    assert_close(g, [0.5, 1.0, 0.5, 0.0])


def test_numbers_that_name_no_choice_give_nan_where_no_value_is_read():
    f = ag.vmap(lambda a, x: np.choose(a, [x, 2.0 * x]))
    value = f(np.array([[0, 1], [5, 0]]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.testing.assert_array_equal(value, [[1.0, 4.0], [np.nan, 4.0]])


def test_results_that_are_no_arrays_and_constants_along_axes():
    check_value(lambda x: np.apply_along_axis(lambda v: 3.0, 0, x), X)
    check_value(lambda x: np.apply_along_axis(np.argmax, 0, x), X)


ANYWHERE = {
    "select": lambda xp, x: xp.select([x > 1.0, x > 0.0], [x * x, xp.sin(x)], 0.5),
    "choose": lambda xp, x: xp.choose([0, 1, 1, 0], [x, x * x]),
    "apply_along_axis": lambda xp, x: xp.apply_along_axis(lambda v: v[0] * v[:2], 0, x),
    "clip": lambda xp, x: xp.clip(x, -0.5, 1.0),
}


test_every_library_gives_the_same, test_jax_gives_the_same = library_tests(ANYWHERE, X)


READ = {
    "piecewise": lambda xp, x: xp.piecewise(x, [x < 0.0], [lambda v: v * v, xp.exp]),
    "extract": lambda xp, x: xp.extract(x > 0.5, x),
    "compress": lambda xp, x: xp.compress([True, False, True], x, axis=0),
    "where": lambda xp, x: xp.where(x > 0.0)[0] * x[0, 0],
}


@pytest.mark.parametrize("name", READ)
def test_shapes_that_depend_on_values_are_read_on_the_host(name, xp):
    not_jax(xp)
    if xp.name == "strict":
        pytest.skip("a shape that depends on values would be read on the host")
    with allow_host_copies():
        check_library(READ[name], X, xp)


REFUSED = {
    "choices": (lambda x: np.select([x > 0], [x, x]), ArgumentError, "2 choices"),
    "conditions": (lambda x: np.select([x], [x]), DTypeError, "booleans"),
    "functions": (lambda x: np.piecewise(x, [x > 0], [1.0] * 3), ArgumentError, "3 functions"),
    "floats": (lambda x: np.choose(V, [x, x]), DTypeError, "integers"),
    "beyond": (lambda x: np.choose([0, 1, 2, 0], [x, x]), ArgumentError, "beyond 0 to 1"),
    "mode": (lambda x: np.choose(PICK, x, mode="cut"), ArgumentError, "mode"),
    "condition": (lambda x: np.compress(MASK, x), ShapeError, "2 axes"),
    "nothing": (lambda x: np.apply_along_axis(np.sum, 1, x[:0]), ArgumentError, "not empty"),
    "axes": (
        lambda x: np.apply_over_axes(lambda a, k: a[0, 0], x, 0),
        ShapeError,
        "apply_over_axes",
    ),
    "one value": (lambda x: np.where(MASK, x), ArgumentError, "one of two"),
    "out": (lambda x: np.clip(x, 0, 1, out=PLAIN), TraceError, "gradient would be lost"),
    "indices": (lambda x: np.tril_indices_from(x[0]), ShapeError, "matrix"),
    "diagonal": (lambda x: np.diag_indices_from(x), ShapeError, "equal lengths"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_wrong_arguments_are_refused(case):
    f, error, words = case
    with pytest.raises((error, TypeError) if error is ArgumentError else error, match=words):
        ag.vjp(f, X)
