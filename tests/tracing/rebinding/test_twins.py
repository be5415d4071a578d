"""What stands for float, math, np.array and the like: same values, refusals, derivatives."""

import cmath
import math
import sys
from math import exp, sin

import numpy as np
import pytest

import anygrad as ag
from anygrad.config import use_settings
from anygrad.errors import ArgumentError, MissingRuleError, TraceError
from tests.support import assert_close
from tests.tracing.rebinding.test_buffers import check, difference

X = np.array([0.3, 0.7, 1.1])

# Numbers ------------------------------------------------------------------------------------------

OF_ONE = {
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: getattr(math, name) for name in ("asin", "acos", "atan", "asinh", "atanh")},
    **{name: getattr(math, name) for name in ("exp", "exp2", "expm1", "log", "log1p", "log2")},
    **{name: getattr(math, name) for name in ("log10", "sqrt", "cbrt", "fabs", "erf", "erfc")},
    **{name: getattr(math, name) for name in ("gamma", "lgamma", "degrees", "radians")},
    "acosh": lambda t: math.acosh(t + 1.5),
    "log of a base": lambda t: math.log(t, 3.0) + math.log(2.0, t),
    "pow": lambda t: math.pow(t, 2.5) + math.pow(1.5, t),
    "hypot": lambda t: math.hypot(t, 2.0) + math.hypot(t) + math.hypot(1.0, 2.0, t),
    "dist": lambda t: math.dist([t, 1.0], [0.0, 2 * t]),
    "atan2": lambda t: math.atan2(t, 2.0) + math.atan2(1.0, t),
    "copysign": lambda t: math.copysign(t, -2.0),
    "fmod": lambda t: math.fmod(7.0 * t, 1.7),
    "fsum": lambda t: math.fsum([t, t * t, 1.0]) + math.fsum(k * t for k in range(3)),
    "prod": lambda t: math.prod([t, t, 2.0]) + math.prod([t], start=3.0),
    "name imported": lambda t: sin(t) * exp(t),
    "float": lambda t: float(t) ** 2 + float("1.5") * 0.0 + float(2) * float(t),
    "complex": lambda t: abs(complex(t, 2.0)) + complex(t).real + complex(1.0, t).imag,
    "cmath": lambda t: (cmath.exp(1j * t) * cmath.rect(2.0, t)).real + cmath.phase(t + 1j),
    "polar": lambda t: sum(cmath.polar(complex(t, 1.0))),
    "int and round": lambda t: t * int(t + 3.5) * round(t, 1) * math.floor(t + 2.0) * math.ceil(t),
    "questions": lambda t: (
        t if math.isfinite(t) and not math.isnan(t) and math.isclose(t, t) else 0
    ),
    "np.float64": lambda t: np.float64(t) ** 2 + np.float64(2.0) * t,
    "isinstance": lambda t: t**2 if isinstance(t, (float, int)) else t,
    "pow and divmod": lambda t: pow(t, 2) + divmod(7.0 * t, 2.0)[1] + abs(-t),
    "sum, max, min": lambda t: sum([t, 2 * t]) + max(t, 0.1) + min(t, 5.0) + sorted([t, 0.2])[0],
}


@pytest.mark.parametrize("name", OF_ONE)
def test_functions_of_numbers_have_their_derivatives(name):
    f = OF_ONE[name]
    t = 0.37
    value, slope = ag.value_and_grad(lambda t: f(t) + 0.0 * t)(t)
    assert_close(value, np.asarray(f(t)))
    np.testing.assert_allclose(slope, difference(f, t, 1.0, 1e-3), rtol=1e-8)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="math.sumprod is new in Python 3.12")
def test_sums_of_products():
    f = lambda t: math.sumprod([t, 2.0], [t, t])
    assert ag.grad(f)(0.5) == 2 * 0.5 + 2.0


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda t: math.sqrt(t - 5.0), ValueError),
        (lambda t: math.log(t - t), ValueError),
        (lambda t: math.exp(t * 1e6), OverflowError),
        (lambda t: math.acos(t + 2.0), ValueError),
        (lambda t: math.gamma(t - t), ValueError),
        (lambda t: math.pow(t - 1.0, 0.5), ValueError),
    ],
)
def test_what_math_refuses_is_refused(f, error):
    with pytest.raises(error) as plain:
        f(0.37)
    with pytest.raises(error) as traced:
        ag.grad(f)(0.37)
    assert str(traced.value) == str(plain.value)


def test_code_that_expects_such_an_error_takes_its_other_way():
    def f(t):
        try:
            return math.sqrt(t - 5.0)
        except ValueError:
            return 3.0 * t

    assert ag.grad(f)(0.5) == 3.0


def test_more_than_one_element_is_no_number():
    for f in (lambda x: float(x), lambda x: math.sin(x), lambda x: complex(x)):
        with pytest.raises(TraceError, match="one element"):
            ag.grad(f)(X)
    assert_close(ag.grad(lambda x: float(x[:1]) * 2.0)(X), [2.0, 0.0, 0.0])


def test_a_complex_number_is_no_float():
    with pytest.raises(TraceError, match="real"):
        ag.grad(lambda z: float(z))(1.0 + 2.0j)


def test_numbers_under_vmap_and_at_second_order():
    f = lambda t: math.exp(float(t)) * math.sin(t)
    assert_close(ag.vmap(ag.grad(f))(X), np.exp(X) * (np.sin(X) + np.cos(X)))
    assert_close(ag.grad(ag.grad(f))(0.3), 2 * np.exp(0.3) * np.cos(0.3))
    with pytest.raises(TraceError, match="int"):
        ag.vmap(lambda t: t * int(t))(X)


def test_float32_stays_float32():
    assert ag.grad(lambda x: float(x[0]) * math.sin(x[1]))(X.astype(np.float32)).dtype == np.float32


# Arrays -------------------------------------------------------------------------------------------

ARRAYS = {
    "array": lambda x: np.sum(np.array([x[0], x[1] * x[2], 3.0]) ** 2),
    "array of arrays": lambda x: np.sum(
        np.array([[x[0], 1.0], [x[1], x[2]]]) @ np.array([1.0, 2.0])
    ),
    "array of rows": lambda x: np.sum(np.array([x, 2 * x, [1.0, x[0], 2.0]]) ** 2),
    "array of tuples": lambda x: np.sum(np.array(((x[0], x[1]), (1, 2))) ** 3),
    "array of one": lambda x: np.array(x[0]) * np.array([x[1]])[0] * np.array(2.0),
    "array, dtype": lambda x: np.sum(np.array([x[0], 1, 2], dtype=float) * np.array(x, dtype="f8")),
    "array, ndmin": lambda x: np.sum(np.array(x, ndmin=2) @ x + np.array([x[0]], ndmin=2)),
    "array is a copy": lambda x: _written(np.array(x)) + np.sum(x**3),
    "asarray": lambda x: np.sum(np.asarray(x) * np.asarray([x[0], 1.0, 2.0]) * np.asanyarray(x)),
    "contiguous": lambda x: (
        np.sum(np.ascontiguousarray(x[::2]) ** 2) + np.sum(np.asfortranarray(x))
    ),
    "copy": lambda x: _written(np.copy(x)) + _written(x.copy()) + np.sum(x**3),
    "full": lambda x: np.sum(np.full((2, 3), x[0]) * x) + np.sum(np.full(3, x)),
    "full_like": lambda x: np.sum(np.full_like(np.ones(3), x[0]) * x),
    "like": lambda x: np.sum((np.zeros_like(x) + np.ones_like(x) * 2.0) * x),
    "eye": lambda x: np.sum((np.eye(3) + np.identity(3) * 2.0) @ x * np.arange(3.0)),
    "linspace": lambda x: np.sum(np.linspace(0.0, 1.0, 3) * x + np.linspace(x[0], x[1], 3) ** 2),
    "diag": lambda x: np.sum(np.diag(x) @ np.diag(np.ones(3)) @ x),
    "fromiter": lambda x: np.sum(np.fromiter((t * t for t in x), float) * x),
    "r_ and c_": lambda x: np.sum(np.r_[x[0], x[1:], 3.0, 0:2] ** 2) + np.sum(np.c_[x, x**2][1]),
    "stacks": lambda x: np.sum(np.vstack([x, np.zeros(3)])[0] * np.hstack([x[:1], np.ones(2)])),
    "lists": lambda x: (
        np.linalg.norm([x[0] - 1, x[1]]) + np.sum([x[0], x[1] ** 2]) + np.dot([x[0]], [x[1]])
    ),
    "mean of a list": lambda x: (
        np.mean([x[0], x[1] * x[2]]) + np.max([x[0], x[1]]) + np.prod([x[0], x[1]])
    ),
    "comprehension": lambda x: np.sum(np.array([math.sin(t) for t in x]) * [t for t in x]),
    "dot": lambda x: np.sum(MATRIX.dot(x) ** 2) + MATRIX[0].dot(x) + np.sum(x.dot(MATRIX)),
    "dot of a list": lambda x: np.sum(MATRIX.dot([x[0], x[1], 1.0])),
    "copy of a constant": lambda x: _filled(MATRIX.copy(), x) + _filled(MATRIX.astype(float), x),
    "item": lambda x: x[0].item() ** 2 + x.item(1) + x.sum().item(),
    "tolist": lambda x: sum(t * k for k, t in enumerate(x.tolist())),
    "unpacking": lambda x: (lambda a, b, c: a * b + c)(*x),
    "vectorize": lambda x: np.sum(np.vectorize(lambda t: t * t if t > 0.5 else -t)(x)),
    "vectorize, two": lambda x: np.sum(np.vectorize(lambda s, t: s * t + 1)(x[:, None], x)),
    "vectorize, excluded": lambda x: np.sum(np.vectorize(_power, excluded={1})(x, 3)),
    "vectorize, several": lambda x: sum(map(np.sum, np.vectorize(lambda t: (t, t**2))(x))),
    "vectorize, global": lambda x: np.sum(VECTORIZED(x)),
    "lists of results": lambda x: np.array([np.array([t, t**2]) for t in x]).T[1] @ x,
}
MATRIX = np.arange(9.0).reshape(3, 3) / 4.0
VECTORIZED = np.vectorize(lambda t: float(t) ** 3)


def _written(y):
    y[0] = y[1] * 5.0
    return np.sum(y * y)


def _filled(a, x):
    a[0, 1:] = x[:2]
    a[2] += x
    return np.sum(a * a)


def _power(t, n):
    return t**n


@pytest.mark.parametrize("name", ARRAYS)
def test_functions_that_make_arrays_take_traced_numbers(name):
    with use_settings(warn_unused=False):
        check(ARRAYS[name])


def test_constants_of_the_user_are_not_written():
    before = MATRIX.copy()
    for name in ("copy of a constant", "dot"):
        ag.grad(ARRAYS[name])(X)
    assert np.array_equal(MATRIX, before)


FROM_PYTHON = np.frompyfunc(lambda t: t, 1, 1)  # made where nothing is rebound


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: np.sum(np.array([x[0]], dtype=object)), "floating dtype"),
        (lambda x: MATRIX.__setitem__(0, x), "plain_array"),
        (lambda x: np.sum(np.vectorize(lambda a: a, signature="(n)->(n)")(x)), "vmap"),
        (lambda x: np.sum(np.r_["0,2", x]), "string"),
        (lambda x: FROM_PYTHON(x), "frompyfunc"),
        (lambda x: range(x[0]), "index"),
        (lambda x: MATRIX[x[0]], "value"),
    ],
)
def test_what_cannot_be_traced_is_refused(f, message):
    with pytest.raises((TraceError, MissingRuleError), match=message):
        ag.grad(f)(X)


def test_a_plain_array_of_the_user_takes_no_traced_value():
    kept = np.zeros(3)

    def f(x):
        kept[0] = x[0]
        return np.sum(kept * x)

    with pytest.raises(TraceError, match="plain_array"):
        ag.grad(f)(X)
    assert np.array_equal(kept, np.zeros(3))


# SciPy --------------------------------------------------------------------------------------------


def test_functions_of_scipy_that_ask_nobody():
    from scipy import linalg, special

    def f(x):
        a = np.array([[2.0, x[0]], [x[0], 3.0]])
        y = linalg.solve(a, x[:2])
        return np.sum(y) + special.logsumexp(x) + np.sum(special.softmax(x) * np.arange(3.0))

    check(f)


# explain ------------------------------------------------------------------------------------------


def test_explain_lists_lines_and_helpers():
    from tests.tracing.rebinding import helpers

    def f(x):
        z = np.zeros(2)
        z[0] = helpers.area(x)
        return np.sum(z) * sin(x[1])

    found = ag.explain(f)
    first = f.__code__.co_firstlineno
    assert [(p.line - first, p.written) for p in found.replaced] == [
        (1, "np.zeros"),
        (3, "np.sum"),
        (3, "sin"),
    ]
    (area,) = found.reached
    assert {"float", "math.exp"} == {p.written for p in area.replaced}
    text = str(found)
    assert "line" in text
    assert "area" in text
    assert "passes a traced number on" in text
    assert "nothing is replaced" in str(ag.explain(lambda x: x * x))


def test_explain_takes_what_grad_takes():
    import functools

    from tests.tracing.rebinding import helpers

    model = helpers.Model(X)
    assert "norm" in ag.explain(model).name or "__call__" in ag.explain(model).name
    assert "norm" in ag.explain(model.norm).name
    assert "area" in ag.explain(functools.partial(helpers.area)).name
    with pytest.raises(ArgumentError, match="explain"):
        ag.explain(np.sin)
