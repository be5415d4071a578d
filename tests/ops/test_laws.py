"""Laws that hold for every row of the operation table.

Forward = differences, reverse = adjoint of forward, second order, fast = general.
"""

import dataclasses

import numpy as np
import pytest

from anygrad.autodiff import jvp, vjp
from anygrad.ops import ROWS
from anygrad.tracing import bind, operations
from tests.ops.sampling import (
    CASES,
    DIFFERENTIABLE,
    case_name,
    direction,
    directions,
    floating,
    function_of,
    inner,
    lacks,
    operands,
    roughness,
    without_phase,
)
from tests.support import assert_close

# A difference of fourth order with step 1e-3 is good to 1e-11 or so; the rest is for curvature.
DIFFERENCE_RTOL = 1e-8
H = 1e-3


def difference(f, xs, vs):
    """Directional derivative by a fourth-order central difference: independent of every rule."""

    def at(t):
        return np.asarray(f(*(x + t * v for x, v in zip(xs, vs, strict=True))))

    return (8 * (at(H) - at(-H)) - (at(2 * H) - at(-2 * H))) / (12 * H)


def close_to_difference(actual, expected):
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    assert np.shape(actual) == np.shape(expected)
    assert np.max(np.abs(actual - expected), initial=0.0) <= DIFFERENCE_RTOL * scale


all_cases = pytest.mark.parametrize("pair", CASES, ids=case_name)


def test_every_differentiable_row_has_cases():
    without = [row.name for row in DIFFERENTIABLE if not row.cases]
    # what is no function of numbers alone: tested where it is used
    assert set(without) == {"astype", "vectors"}


@all_cases
def test_forward_mode_is_the_difference_quotient(pair):
    row, case = pair
    f, xs = function_of(row, case, operands(row, case))
    vs = directions(xs)
    value, tangent = jvp(f, tuple(xs), tuple(vs))
    assert_close(value, np.asarray(f(*xs)))
    close_to_difference(tangent, difference(f, xs, vs))


@all_cases
def test_reverse_mode_is_the_adjoint_of_forward_mode(pair):
    row, case = pair
    f, xs = function_of(row, case, operands(row, case))
    vs = directions(xs)
    value, pullback = vjp(f, *xs)
    u = direction(np.random.default_rng(2), np.asarray(value))
    _, tangent = jvp(f, tuple(xs), tuple(vs))
    cotangents = pullback(u)
    assert [c.shape for c in cotangents] == [x.shape for x in xs]
    left = inner(u, tangent)
    right = sum(inner(c, v) for c, v in zip(cotangents, vs, strict=True))
    scale = sum(float(np.sum(np.abs(c * v))) for c, v in zip(cotangents, vs, strict=True))
    assert abs(left - right) <= 1e-13 * max(1.0, scale)  # sums of at most 40 products


@all_cases
def test_one_operand_at_a_time(pair):
    """A constant beside a traced operand takes other branches of the quick ways."""
    row, case = pair
    args = operands(row, case)
    for k in floating(args, row):

        def f(x, k=k):
            return getattr(operations.TRACED, row.name)(
                *(x if j == k else a for j, a in enumerate(args)), **case.kw
            )

        v = direction(np.random.default_rng(3), args[k])
        value, pullback = vjp(f, args[k])
        u = direction(np.random.default_rng(2), np.asarray(value))
        slope = difference(f, [args[k]], [v])
        close_to_difference(jvp(f, (args[k],), (v,))[1], slope)
        (cotangent,) = pullback(u)
        close_to_difference(inner(cotangent, v), inner(u, slope))


@all_cases
def test_second_order_forward_over_reverse_is_the_difference_of_the_pullback(pair):
    row, case = pair
    f, xs = function_of(row, case, operands(row, case))
    vs = directions(xs)
    u = direction(np.random.default_rng(2), np.asarray(f(*xs)))

    def pulled(*xs):
        return vjp(f, *xs)[1](u)

    _, tangents = jvp(pulled, tuple(xs), tuple(vs))
    for k, tangent in enumerate(tangents):
        close_to_difference(tangent, difference(lambda *xs, k=k: pulled(*xs)[k], xs, vs))


@all_cases
def test_second_order_reverse_over_reverse_is_the_adjoint_of_forward_over_reverse(pair):
    row, case = pair
    f, xs = function_of(row, case, operands(row, case))
    vs, ws = directions(xs), directions(xs, seed=5)
    u = direction(np.random.default_rng(2), np.asarray(f(*xs)))

    def pulled(*xs):
        return vjp(f, *xs)[1](u)

    _, tangents = jvp(pulled, tuple(xs), tuple(vs))
    _, pullback = vjp(pulled, *xs)
    twice = pullback(tuple(ws))
    left = sum(inner(w, t) for w, t in zip(ws, tangents, strict=True))
    right = sum(inner(c, v) for c, v in zip(twice, vs, strict=True))
    scale = sum(float(np.sum(np.abs(c * v))) for c, v in zip(twice, vs, strict=True))
    assert abs(left - right) <= 1e-12 * max(1.0, scale)  # products of second derivatives


@all_cases
def test_quick_way_gives_what_the_general_way_gives(pair):
    row, case = pair
    args = operands(row, case)
    places = floating(args, row)
    for traced in [places, *([k] for k in places)]:

        def run(operation, traced=traced):
            def f(*xs):
                whole = list(args)
                for k, x in zip(traced, xs, strict=True):
                    whole[k] = x
                return operation(*whole)

            value, pullback = vjp(f, *(args[k] for k in traced))
            u = direction(np.random.default_rng(2), np.asarray(value))
            return value, pullback(u)

        quick = run(lambda *a: getattr(operations.TRACED, row.name)(*a, **case.kw))
        general = run(lambda *a: bind(row, a, case.kw))
        assert_close(quick, general)


@all_cases
def test_float32_stays_and_is_right(pair):
    row, case = pair
    args = operands(row, case, dtype=np.float32)
    f, xs = function_of(row, case, args)
    value, pullback = vjp(f, *xs)
    assert np.asarray(value).dtype in (DOUBLE if row.name in WIDENED else SINGLE)
    u = direction(np.random.default_rng(2), np.asarray(value))
    cotangents = pullback(u)
    assert [c.dtype for c in cotangents] == [x.dtype for x in xs]
    wide = [doubled(x) for x in xs]
    exact = vjp(function_of(row, case, [doubled(a) for a in args])[0], *wide)
    for c, e in zip(cotangents, exact[1](doubled(u)), strict=True):
        assert_close(c, e.astype(c.dtype), scale=max(1.0, float(np.max(np.abs(e), initial=0.0))))
    _, tangent = jvp(f, tuple(xs), tuple(xs))
    assert np.asarray(tangent).dtype == np.asarray(value).dtype


SINGLE = {np.dtype(np.float32), np.dtype(np.complex64)}
DOUBLE = {np.dtype(np.float64), np.dtype(np.complex128)}
# SciPy computes these in double precision beside an order that is a whole number
WIDENED = {
    *("spherical_jn", "spherical_yn", "spherical_in", "eval_hermite", "eval_hermitenorm"),
    "lambertw",
}


def doubled(a):
    """The same in double precision; masks stay."""
    return a.astype(np.result_type(a, np.float64)) if a.dtype in SINGLE else a


NOT_COMPLEX = {
    "cbrt",
    "maximum",
    "minimum",
    "copysign",
    "remainder",
    "hypot",
    "atan2",
    "logaddexp",
    "nextafter",
    "max",
    "min",
    "rfft",
}
ANALYTIC = {
    *("erf", "erfc", "erfcx", "erfi", "dawsn", "wofz", "ndtr", "log_ndtr", "xlogy", "xlog1py"),
    *("gamma", "loggamma", "rgamma", "expi", "exp1", "spence", "lambertw", "wrightomega"),
    *("jv", "yv", "iv", "kv", "kve", "hankel1", "hankel2", "hankel1e", "hankel2e"),
    *("spherical_jn", "spherical_yn", "spherical_in", "spherical_kn"),
    *("airy_ai", "airy_aip", "airy_bi", "airy_bip", "fresnel_s", "fresnel_c"),
    *("sine_integral", "cosine_integral", "sinh_integral", "cosh_integral"),
    *("hyp0f1", "hyp1f1", "hyp2f1", "eval_legendre", "eval_chebyt", "eval_chebyu"),
    *("eval_gegenbauer", "eval_jacobi", "eval_laguerre", "eval_genlaguerre"),
}
"""The special functions that SciPy takes complex values in, and whose derivative does too."""
COMPLEX_CASES = [
    (row, case)
    for row, case in CASES
    if row.name not in NOT_COMPLEX and (row.name in ANALYTIC or not row.special)
]


@pytest.mark.parametrize("pair", COMPLEX_CASES, ids=case_name)
def test_complex_forward_is_the_difference_and_reverse_its_adjoint(pair):
    row, case = pair
    f, xs = function_of(row, case, operands(row, case, dtype=np.complex128))
    f = without_phase(row, f)
    vs = directions(xs)
    value, tangent = jvp(f, tuple(xs), tuple(vs))
    close_to_difference(tangent, difference(f, xs, vs))
    _, pullback = vjp(f, *xs)
    u = direction(np.random.default_rng(2), np.asarray(value))
    cotangents = pullback(u)
    assert {c.dtype for c in cotangents} == {np.dtype(np.complex128)}
    right = sum(inner(c, v) for c, v in zip(cotangents, vs, strict=True))
    scale = sum(float(np.sum(np.abs(c * v))) for c, v in zip(cotangents, vs, strict=True))
    assert abs(inner(u, tangent) - right) <= 1e-12 * max(1.0, scale)


@all_cases
def test_backends_agree(pair, xp):
    row, case = pair
    if lacks(row, xp):
        pytest.skip(lacks(row, xp))
    if xp.name == "torch" and reverses(case.kw.get("key")):
        pytest.skip("PyTorch has no slices with a negative step")
    if xp.name == "jax" and case is not row.cases[0]:
        pytest.skip("JAX compiles every new shape; the first case of each row stands for all")
    # the standard has imag for complex arrays only
    args = operands(row, case, dtype=np.complex128 if row.name == "imag" else np.float64)
    f, xs = function_of(row, case, args)
    f = without_phase(row, f)
    vs = directions(xs)
    value, pullback = vjp(f, *xs)
    u = direction(np.random.default_rng(2), np.asarray(value))

    there = [xp.asarray(a) for a in args]
    case = case._replace(
        kw={k: xp.asarray(v) if isinstance(v, np.ndarray) else v for k, v in case.kw.items()}
    )
    f_there, xs_there = function_of(row, case, there, floating(args, row))
    f_there = without_phase(row, f_there)
    value_there, pullback_there = vjp(f_there, *xs_there)
    rough = roughness(row, xp)
    assert_close(value_there, value, scale=rough)
    assert_close(pullback_there(xp.asarray(u)), pullback(u), scale=rough)
    tangent_there = jvp(f_there, tuple(xs_there), tuple(xp.asarray(v) for v in vs))[1]
    assert_close(tangent_there, jvp(f, tuple(xs), tuple(vs))[1], scale=rough)


def reverses(key):
    parts = key if isinstance(key, tuple) else (key,)
    return any(isinstance(part, slice) and (part.step or 1) < 0 for part in parts)


# The derivative of these operands is zero almost everywhere; a factor of 1.001 changes nothing.
ZERO = {("copysign", 1), ("imag", 0), ("nextafter", 1)}


def scaled(row, k):
    """The same row with its k-th rule off by one thousandth."""
    rule = row.rules[k]

    def wrong(xp, g, *rest, **kw):
        found = rule(xp, g, *rest, **kw)
        return [1.001 * part for part in found] if isinstance(found, list) else 1.001 * found

    copy = dataclasses.replace(row, rules=())
    for name, value in (
        ("rules", (*row.rules[:k], wrong, *row.rules[k + 1 :])),
        ("keeps_args", row.keeps_args),
        ("keeps_result", row.keeps_result),
        ("keeps_complex", row.keeps_complex),
    ):
        object.__setattr__(copy, name, value)
    return copy


RULES = [
    (row, k)
    for row in DIFFERENTIABLE
    for k, rule in enumerate(row.rules)
    if row.cases and rule is not None and not row.refuses(k) and (row.name, k) not in ZERO
]


@pytest.mark.parametrize(("row", "k"), RULES, ids=lambda x: getattr(x, "name", x))
@pytest.mark.parametrize("way", ["quick", "general"])
def test_a_derivative_off_by_one_thousandth_is_noticed(row, k, way):
    if (row.name, way) == ("getitem", "quick"):
        way = "general"  # the quick way adds in place; that it equals the rule is tested above
    case = row.cases[0]
    args = operands(row, case)
    f, xs = function_of(row, case, args)
    wrong_row = scaled(row, k)
    quick = operations.closure_of(wrong_row)
    wrong = quick if way == "quick" else lambda *a, **kw: bind(wrong_row, a, kw)

    def g(*xs):
        whole = list(args)
        for place, x in zip(floating(args, row), xs, strict=True):
            whole[place] = x
        return wrong(*whole, **case.kw)

    vs = directions(xs)
    value, pullback = vjp(g, *xs)
    u = direction(np.random.default_rng(2), np.asarray(value))
    slope = inner(u, difference(f, xs, vs))
    found = sum(inner(c, v) for c, v in zip(pullback(u), vs, strict=True))
    with pytest.raises(AssertionError):
        close_to_difference(found, slope)


def test_constant_rows_are_untraced_and_have_no_rules():
    for row in ROWS.values():
        assert row.constant == (row.rules == ())


BINARY = [
    row
    for row in DIFFERENTIABLE
    if row.cases and len(row.cases[0].shapes) == 2 and row.family.name == "elementwise"
    if not row.special  # tests/tracing/test_special.py stays in their domains
]
SCALARS = [
    2,
    0.75,
    np.float64(0.75),
    np.float32(0.75),
    np.int64(2),
    np.array(0.75),
    np.array([2, 1, 2]),
]


@pytest.mark.parametrize(
    "scalar", SCALARS, ids=lambda s: f"{type(s).__name__}{np.shape(s)}{np.asarray(s).dtype}"
)
@pytest.mark.parametrize("first", [False, True], ids=["second", "first"])
@pytest.mark.parametrize("row", BINARY, ids=lambda row: row.name)
def test_numbers_and_0d_arrays_beside_a_traced_array(row, first, scalar):
    x = np.array([0.55, 1.25, 2.2])
    v = np.array([1.0, -0.5, 0.25])

    def run(operation):
        def f(x):
            return operation(scalar, x) if first else operation(x, scalar)

        value, pullback = vjp(f, x)
        return f, value, pullback(np.array([1.0, 2.0, -1.0]))[0]

    f, value, quick = run(getattr(operations.TRACED, row.name))
    _, value_too, general = run(lambda *a: bind(row, a, {}))
    assert_close(value, value_too)
    assert_close(quick, general)
    slope = difference(f, [x], [v])
    close_to_difference(np.sum(quick * v), np.sum(slope * np.array([1.0, 2.0, -1.0])))
    close_to_difference(jvp(f, (x,), (v,))[1], slope)
