"""Whatever users hand over: every bad function, point and option has one documented answer."""

import math
import warnings

import numpy as np
import pytest

from anygrad.differences import derivative, directional, gradient, hessian, jacobian
from anygrad.errors import ArgumentError, DTypeError, EvaluationError, ShapeError


def along_ones(f, x, **options):
    return directional(f, x, np.ones_like(np.asarray(x)), **options)


def curvature(f, x, **options):
    return hessian(f, x, gradient="numerical", **options)


ALL = {
    "derivative": derivative,
    "gradient": gradient,
    "directional": along_ones,
    "jacobian": jacobian,
    "hessian": curvature,
}
LADDER = {"full_output": True}
X = np.asarray([1.0, 2.0, 0.5])

tools = pytest.mark.parametrize("name", ALL)
scalar_tools = pytest.mark.parametrize("name", ["gradient", "directional", "jacobian", "hessian"])
outputs = pytest.mark.parametrize("options", [{}, LADDER], ids=["fixed", "ladder"])


def squares(name):
    """x^2 as each tool wants it."""
    return (lambda x: x**2) if name == "derivative" else (lambda x: np.sum(x**2, axis=0))


EXACT = {
    "derivative": 2 * X,
    "gradient": 2 * X,
    "directional": np.sum(2 * X),
    "jacobian": 2 * X,
    "hessian": 2 * np.eye(3),
}


def value_of(found, options):
    return found.value if options else found


# What f returns


@tools
@outputs
@pytest.mark.parametrize("value", ["abc", True, Ellipsis, None, [], {}, [1.0, "a"]], ids=repr)
def test_what_is_no_number_is_refused(name, options, value):
    with pytest.raises(ShapeError, match=rf"{name}\(f\): got "):
        ALL[name](lambda x: value, X, **options)


@outputs
@pytest.mark.parametrize("name", ["gradient", "directional", "jacobian"])
def test_truths_and_objects_are_refused_with_what_to_do(name, options):
    for value in (np.bool_(True), np.asarray([True]), np.asarray(None)):
        with pytest.raises(DTypeError, match=rf"{name}\(f\): .*convert it"):
            ALL[name](lambda x, value=value: value, X, **options)


@outputs
@pytest.mark.parametrize("name", ["gradient", "hessian"])
def test_more_than_one_number_is_refused_where_one_is_wanted(name, options):
    for value in ([1.0, 2.0], np.ones(7), np.ones(3)):
        with pytest.raises(ShapeError, match=rf"{name}\(f\).*Reduce it with sum or mean"):
            ALL[name](lambda x, value=value: value, X, **options)


@outputs
def test_other_shapes_at_some_points_are_refused(options):
    x = np.asarray([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"gradient\(f\): got .*shape \(2,\)"):
        gradient(lambda x: np.sum(x) if x[0] <= 1 else x, x, **options)
    with pytest.raises(ShapeError, match=r"jacobian\(f\).*shape \(1,\).*\(2,\).*every point"):
        jacobian(lambda x: x if x[0] <= 1 else x[:1], x, **options)
    with pytest.raises(ShapeError, match=r"derivative\(f\): got .*shape \(1,\)"):
        derivative(lambda x: x if np.all(x <= 2) else x.ravel()[:1], x, **options)


@scalar_tools
@outputs
@pytest.mark.parametrize("value", [3, 3.0, np.float64(3), np.int64(3), np.asarray(3.0)], ids=repr)
def test_constants_of_every_kind_have_no_slope(name, options, value):
    found = value_of(ALL[name](lambda x: value, X, **options), options)
    np.testing.assert_array_equal(found, 0.0 * EXACT[name])


@tools
@outputs
def test_values_in_single_precision_are_taken_with_their_own_bar(name, options):
    f = squares(name)
    found = ALL[name](lambda x: np.asarray(f(x), dtype=np.float32), X, **options)
    if options:
        error = np.abs(np.asarray(found.value, dtype=float) - EXACT[name])
        assert np.all(error <= np.asarray(found.error) + 1e-6)
        assert np.all(np.asarray(found.error) < 0.02)
    elif name != "derivative":  # its step is that of x, float64: rounding of f is 1e-7 / 1e-5
        np.testing.assert_allclose(found, EXACT[name], atol=0.1)


@tools
@outputs
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_function_that_is_nowhere_finite_gives_nan_and_an_infinite_bar(name, options, bad):
    found = ALL[name](
        lambda x: np.full(x.shape, bad) if name == "derivative" else bad, X, **options
    )
    assert np.all(np.isnan(value_of(found, options)))
    if options:
        assert np.all(found.error == np.inf)
        assert "not finite" in str(found)


def test_a_point_without_a_value_has_no_bar_and_a_sentence():
    for hole in (np.nan, np.inf):
        found = derivative(
            lambda x, hole=hole: np.where(x == 1.0, hole, 3 * x), np.asarray([1.0, 2.0]), **LADDER
        )
        assert found.error[0] == np.inf
        assert found.error[1] < 1e-12
        assert len(found.sentences) == 1
        assert found.sentences[0].startswith("value[0]: f is not finite")


def test_infinity_on_one_side_gives_the_slope_of_the_other():
    found = derivative(lambda x: np.where(x > 1.0, np.inf, x**2), np.asarray([1.0]), **LADDER)
    assert abs(found.value[0] - 2.0) <= found.error[0] < 1e-9
    assert found.flags.one_sided.tolist() == [True]


# What f raises


class Surprise(Exception):
    """An error of the user's own."""


@tools
@outputs
@pytest.mark.parametrize("kind", [Surprise, ValueError, ZeroDivisionError, TypeError])
@pytest.mark.parametrize("evaluate", ["auto", "loop"])
def test_what_f_raises_at_the_point_comes_through(name, options, kind, evaluate):
    def f(x):
        raise kind("from the user")

    with pytest.raises(kind, match="from the user"):
        ALL[name](f, X, evaluate=evaluate, **options)


def test_the_ladder_takes_arithmetic_errors_beside_the_point_for_nan():
    for x in (1e-3, 1.0, 1e-9):
        found = derivative(math.log, x, **LADDER)
        assert abs(found.value - 1 / x) <= found.error < 1e-8 / x
    found = derivative(math.exp, 709.0, **LADDER)  # OverflowError at 710
    assert abs(found.value - math.exp(709.0)) <= found.error < 1e-9 * found.value
    found = derivative(lambda x: 1.0 / float(x), 1e-3, **LADDER)
    assert abs(found.value + 1e6) <= found.error < 1e-3

    def f(x):
        return math.log(x[0]) + math.sqrt(x[1])

    point, exact = np.asarray([1e-3, 2.0]), np.asarray([1e3, 0.5 / math.sqrt(2.0)])
    for found in (gradient(f, point, **LADDER), jacobian(f, point, **LADDER)):
        assert np.all(np.abs(found.value - exact) <= found.error)
        assert np.all(found.error < 1e-8)
    found = jacobian(lambda x: {"y": np.asarray([math.log(x[0]), x[1]])}, point, **LADDER)
    np.testing.assert_allclose(found.value["y"], [[1e3, 0], [0, 1]], rtol=1e-9, atol=1e-9)
    found = directional(f, point, np.ones(2), **LADDER)
    assert abs(found.value - exact.sum()) <= found.error < 1e-6
    second = curvature(f, point, **LADDER)
    assert np.all(np.abs(second.value - np.diag([-1e6, -0.25 * 2**-1.5])) <= second.error)


def f_of_threads(x):
    return math.log(x[0])


def test_executors_take_the_same_errors_for_nan():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        found = gradient(f_of_threads, np.asarray([1e-3]), executor=pool, **LADDER)
        assert abs(found.value[0] - 1e3) <= found.error[0] < 1e-6
        found = derivative(math.log, 1e-3, executor=pool, **LADDER)
        assert abs(found.value - 1e3) <= found.error < 1e-6
        with pytest.raises(EvaluationError, match="domain"):
            gradient(f_of_threads, np.asarray([1e-7]), executor=pool)


@pytest.mark.parametrize("name", ["derivative", "gradient", "jacobian"])
def test_other_errors_beside_the_point_come_through(name):
    def f(x):
        if np.any(x > 2.05):
            raise Surprise("too far")
        return squares(name)(x)

    with pytest.raises(Surprise, match="too far"):
        ALL[name](f, X, **LADDER)
    np.testing.assert_allclose(ALL[name](f, X), EXACT[name], rtol=1e-9)  # fixed steps stay near


def test_fixed_steps_let_errors_beside_the_point_through():
    for x in (0.0, 1e-7):
        with pytest.raises(ValueError, match=r"math domain error|expected a positive input"):
            derivative(math.log, x)


def test_an_error_for_stacks_only_is_no_error():
    def f(x):
        if x.ndim > 1:
            raise RuntimeError("one point at a time")
        return np.sum(x**2)

    for options in ({}, LADDER):
        np.testing.assert_allclose(value_of(gradient(f, X, **options), options), 2 * X, rtol=1e-9)
        with pytest.raises(RuntimeError, match="one point at a time"):
            gradient(f, X, evaluate="stacked", **options)


def test_warnings_of_points_that_nobody_asked_for_are_not_shown():
    # warnings are errors here
    x = np.asarray([1e-8, 1e-3, 1.0, 700.0])
    for found in (
        derivative(np.log, x, **LADDER),
        gradient(lambda x: np.sum(np.log(x), axis=0), x, **LADDER),
        jacobian(np.log, np.asarray([1e-8]), **LADDER),
    ):
        exact = 1 / x if found.value.size == 4 else [[1e8]]
        assert np.all(np.abs(found.value - exact) <= found.error)
    found = derivative(np.exp, np.asarray([709.0]), **LADDER)
    assert found.error[0] < 1e-9 * found.value[0]
    hessian(lambda x: np.sum(np.log(x), axis=0), np.asarray([1e-8, 2.0]))


@outputs
def test_warnings_at_the_point_are_the_users_own(options):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        derivative(np.log, np.asarray([0.0, 1.0]), **options)
    assert any("divide by zero" in str(w.message) for w in seen)
    with pytest.warns(UserWarning, match="mine"):
        gradient(lambda x: (warnings.warn("mine", stacklevel=1), np.sum(x))[1], X, **options)


# Functions with a memory


@tools
@outputs
@pytest.mark.parametrize("evaluate", ["auto", "loop", "stacked"])
def test_functions_may_write_into_their_argument_and_keep_it(name, options, evaluate):
    kept, f = [], squares(name)

    def rude(x):
        value = f(x)
        x[...] = np.nan
        kept.append(x)
        return value

    x = X.copy()
    found = value_of(ALL[name](rude, x, evaluate=evaluate, **options), options)
    np.testing.assert_allclose(found, EXACT[name], rtol=1e-8, atol=1e-9)
    assert x.tolist() == X.tolist()
    assert not any(np.shares_memory(x, point) for point in kept)


@outputs
@pytest.mark.parametrize("evaluate", ["auto", "loop", "stacked"])
def test_functions_may_return_views_and_one_buffer_again_and_again(options, evaluate):
    buffers = {}

    def reused(x):
        buffer = buffers.setdefault(x.shape, np.empty(x.shape))
        return np.square(x, out=buffer)

    def view(x):
        x *= 2.0
        return x

    for f, exact in ((reused, 2 * X), (view, [2.0, 2.0, 2.0])):
        found = value_of(derivative(f, X, evaluate=evaluate, **options), options)
        np.testing.assert_allclose(found, exact, rtol=1e-9)
        found = value_of(jacobian(f, X, evaluate=evaluate, **options), options)
        np.testing.assert_allclose(found, np.diag(exact), rtol=1e-9, atol=1e-9)

    number = np.zeros(())

    def one_number(x):
        number[...] = np.sum(x**2)
        return number

    found = value_of(gradient(one_number, X, evaluate="loop", **options), options)
    np.testing.assert_allclose(found, 2 * X, rtol=1e-9)


def test_a_function_that_is_not_deterministic_is_noisy():
    rng = np.random.default_rng(0)
    found = derivative(
        lambda x: np.sin(x) + 1e-6 * rng.normal(size=np.shape(x)), np.linspace(0, 2, 20), **LADDER
    )
    assert np.all(found.flags.noisy)
    assert np.mean(np.abs(found.value - np.cos(np.linspace(0, 2, 20))) <= found.error) >= 0.9
    assert np.all(found.error > 1e-8)
    found = gradient(lambda x: np.sum(x**2) + 1e-6 * rng.normal(), X, **LADDER)
    assert found.evaluation == "loop"  # nothing that is stacked agrees with single values
    assert np.all(np.abs(found.value - 2 * X) <= 3 * found.error)
    assert np.all(found.flags.noisy)


# Points


@tools
@outputs
@pytest.mark.parametrize("x", [1e300, -1e300, 1.7e308, 1e-300, 1e-310, 5e-324, 0.0, -0.0])
def test_every_finite_number_is_a_point(name, options, x):
    if name == "hessian":
        f, exact = (lambda x: np.sum(x, axis=0)), [[0.0]]
    else:
        f = (lambda x: x + 1.0) if name == "derivative" else (lambda x: np.sum(x, axis=0))
        exact = 1.0 if name == "directional" else [1.0]
    found = value_of(ALL[name](f, np.asarray([x]), **options), options)
    np.testing.assert_allclose(found, exact, rtol=1e-12, atol=1e-290)


@tools
@outputs
@pytest.mark.parametrize("x", [np.inf, -np.inf, np.nan])
def test_infinite_points_have_no_derivative_but_nan(name, options, x):
    f = (lambda x: 2.0 * x) if name == "derivative" else (lambda x: np.sum(2.0 * x, axis=0))
    found = ALL[name](f, np.asarray([x]), **options)
    assert np.all(np.isnan(value_of(found, options)))
    if options:
        assert np.all(found.error == np.inf)
        assert "not finite" in str(found)


def test_one_infinite_element_leaves_elementwise_ones_alone():
    found = derivative(np.tanh, np.asarray([np.nan, 1.0, np.inf]), **LADDER)
    assert np.isnan(found.value).tolist() == [True, False, True]
    assert abs(found.value[1] - 1 / np.cosh(1.0) ** 2) <= found.error[1] < 1e-12


@tools
@outputs
def test_integers_and_truths_are_refused_with_the_fix(name, options):
    for x in (np.asarray([1, 2]), np.asarray([True, False]), np.asarray([1.0, None])):
        with pytest.raises(DTypeError, match=rf"{name}\(x\): got .*xp\.astype\(x, xp\.float64\)"):
            ALL[name](squares(name), x, **options)
    for x in ("a", True):
        with pytest.raises(DTypeError, match=rf"{name}\(x\): got .*ag\.asarray"):
            ALL[name](squares(name), x, **options)


@tools
@outputs
def test_empty_points(name, options):
    with pytest.raises(ArgumentError, match=rf"{name}\(x\): got a tree without arrays"):
        ALL[name](squares(name), [], **options)
    empty = np.zeros((0,))
    if name == "directional":
        with pytest.raises(ArgumentError, match=r"directional\(x\): .*at least one element"):
            ALL[name](squares(name), empty, **options)
        return
    found = value_of(ALL[name](squares(name), empty, **options), options)
    assert found.shape == ((0, 0) if name == "hessian" else (0,))


@tools
@outputs
def test_memory_of_every_layout_is_read_and_left_alone(name, options):
    fixed = X.copy()
    fixed.flags.writeable = False
    strided = np.repeat(X, 2)[::2]
    turned = X[::-1].copy()[::-1]
    for x in (fixed, strided, turned):
        before = x.copy()
        found = value_of(ALL[name](squares(name), x, **options), options)
        np.testing.assert_allclose(found, EXACT[name], rtol=1e-8, atol=1e-9)
        assert x.tolist() == before.tolist()
    spread = np.broadcast_to(np.float64(2.0), (3,))
    found = value_of(ALL[name](squares(name), spread, **options), options)
    assert np.shape(found) == np.shape(EXACT[name])


@outputs
def test_single_numbers_of_every_kind_are_points(options):
    for x in (2.0, 2, np.float64(2.0), np.asarray(2.0)):
        for tool in (derivative, gradient, jacobian):
            found = value_of(tool(lambda x: x**3, x, **options), options)
            assert found.shape == ()
            np.testing.assert_allclose(found, 12.0, rtol=1e-9)
    found = value_of(
        gradient(lambda x: np.sum(x**3, axis=0), np.asarray([2.0]), **options), options
    )
    assert found.shape == (1,)


@outputs
def test_batch_bytes_limits_a_call_and_changes_nothing(options):
    x, most = np.linspace(0.1, 1.0, 300), []

    def f(x):
        most.append(x.nbytes)
        return np.sum(np.sin(x), axis=0)

    whole = gradient(f, x, evaluate="stacked", **options)
    for limit in (1, np.int64(50_000)):
        most.clear()
        part = gradient(f, x, evaluate="stacked", batch_bytes=limit, **options)
        rows = 10 if options else 2  # of one element, which are never apart
        assert max(most) <= max(limit, rows * x.nbytes)
        np.testing.assert_allclose(value_of(part, options), value_of(whole, options), rtol=1e-9)


# Options


@pytest.mark.parametrize("name", ["derivative", "directional", "jacobian", "hessian"])
def test_unknown_options_are_refused_with_the_nearest(name):
    with pytest.raises(ArgumentError, match=rf"{name}\(methd\).*Did you mean 'method'"):
        ALL[name](squares(name), X, methd="central")


WRONG = [
    ("method", "centrl", "Did you mean 'central'"),
    ("method", 3, "expected one of adaptive"),
    ("step", 0, "positive, finite"),
    ("step", np.nan, "positive, finite"),
    ("step", np.ones(2), "positive, finite"),
    ("scale", 0, "finite numbers > 0"),
    ("scale", -1.0, "finite numbers > 0"),
    ("scale", np.nan, "finite numbers > 0"),
    ("scale", np.asarray([1.0, np.inf, 1.0]), "finite numbers > 0"),
    ("scale", "a", "real number or a tree"),
    ("scale", None, "real number or a tree"),
    ("scale", True, "real number or a tree"),
    ("scale", 1j, "real number or a tree"),
    ("scale", np.ones(3) * 1j, "real arrays"),
    ("scale", np.ones(2), "broadcast"),
    ("bounds", 3, "a pair"),
    ("bounds", (1.0,), "a pair"),
    ("bounds", ("a", 1.0), "real number or a tree"),
    ("bounds", (0.0, 1.5), r"0 and 1.5 for x\[1\] = 2; expected lower <= x <= upper"),
    ("bounds", (3.0, 0.0), "expected lower <= x <= upper"),
    ("bounds", (np.nan, 3.0), "expected lower <= x <= upper"),
    ("bounds", (X, X), "room for a step between"),
    ("noise", -1, "expected None or the standard deviation"),
    ("noise", np.inf, "expected None or the standard deviation"),
    ("noise", np.ones(3), "expected None or the standard deviation"),
    ("rtol", "x", "expected None or a tolerance"),
    ("rtol", True, "expected None or a tolerance"),
    ("evaluate", "stackd", "Did you mean 'stacked'"),
    ("evaluate", None, "expected one of auto"),
    ("stack_axis", 1, "expected -1"),
    ("executor", 3, "executor of concurrent.futures"),
    ("batch_bytes", 0, "positive number of bytes"),
    ("batch_bytes", True, "positive number of bytes"),
    ("batch_bytes", 1.5, "positive number of bytes"),
]


@tools
@pytest.mark.parametrize(("option", "value", "words"), WRONG, ids=lambda v: str(v)[:20])
def test_options_of_wrong_kind_or_size_are_refused(name, option, value, words):
    if name == "hessian" and option == "step":
        pytest.skip("values alone take no steps of one's own")
    with pytest.raises(ArgumentError, match=rf"{name}\({option}\): .*{words}"):
        ALL[name](squares(name), X, **{option: value})


@tools
def test_options_that_contradict_each_other_are_refused(name):
    for options, word in (
        ({"method": "central", "noise": 0.1}, "noise"),
        ({"method": "forward", "rtol": 1e-3}, "rtol"),
        ({"method": "central", "full_output": True}, "full_output"),
        ({"full_output": True, "step": 1e-3}, "step"),
        ({"full_output": True, "accuracy": 4}, "accuracy"),
        ({"method": "complex", "bounds": (0, 9)}, "bounds"),
        ({"method": "complex", "rtol": 0.1}, "rtol"),
    ):
        with pytest.raises(ArgumentError, match=rf"{name}\({word}\)"):
            ALL[name](squares(name), X, **options)


def test_the_hessian_from_a_gradient_reads_the_options_of_its_differences():
    def f(x):
        return np.sum(x**3, axis=0)

    # ((x + h)^2 - (x - h)^2) 3 / 2h is 6 x; one-sided it would have an error of 3 h
    np.testing.assert_allclose(hessian(f, X, step=0.5), np.diag(6 * X), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(hessian(f, X, accuracy=4), np.diag(6 * X), rtol=1e-9, atol=1e-9)
    with pytest.raises(ArgumentError, match=r"hessian\(accuracy\): got 9"):
        hessian(f, X, accuracy=9)
    with pytest.raises(ArgumentError, match=r"hessian\(scale\): got -1"):
        hessian(f, X, scale=-1.0)


@outputs
def test_bounds_of_scipy_are_bounds(options):
    optimize = pytest.importorskip("scipy.optimize")

    def f(x):
        assert np.all((x >= 0.0) & (x <= 2.0))
        return np.sum(x**2, axis=0)

    for bounds in (optimize.Bounds(0.0, 2.0), optimize.Bounds(np.zeros(3), np.full(3, 2.0))):
        found = value_of(gradient(f, X, bounds=bounds, **options), options)
        np.testing.assert_allclose(found, 2 * X, rtol=1e-7)


def test_noise_that_the_user_states_is_never_undercut():
    for noise in (0, np.float32(1e-3), 1.0, 1e10, 1e300):
        found = derivative(lambda x: x**2, X, noise=noise, **LADDER)
        assert np.all(np.abs(found.value - 2 * X) <= found.error)
        assert np.all(found.error >= 0.1 * noise)


# Values


@outputs
@pytest.mark.parametrize("size", [1e-300, 1e-150, 1e150, 1e300])
def test_functions_of_any_size_have_slopes_of_that_size(options, size):
    for tool in (derivative, gradient):
        f = np.sin if tool is derivative else lambda x: np.sum(np.sin(x), axis=0)
        found = tool(lambda x, f=f: size * f(x), X, **options)
        np.testing.assert_allclose(value_of(found, options), size * np.cos(X), rtol=1e-8)
        if options:
            assert np.all(np.abs(found.value - size * np.cos(X)) <= found.error)
            assert np.all(found.error < 1e-8 * size)


@outputs
def test_lines_are_straight_and_constants_flat(options):
    for slope in (0.0, 1e-300, 1.0, -3e10, 1e200):
        found = derivative(lambda x, slope=slope: slope * x + 0.0, X, **options)
        np.testing.assert_allclose(value_of(found, options), slope, rtol=1e-9)
    found = derivative(lambda x: 0.0 * x + 1e6, X, **options)
    assert value_of(found, options).tolist() == [0.0, 0.0, 0.0]


def test_steps_of_a_staircase_are_flat_or_steep_but_nothing_between():
    # a window over rungs on the step and beyond gave the jump times a tiny weight
    x = np.random.default_rng(0).uniform(-3, 3, 500)
    for width in (0.1, 0.01):
        found = derivative(lambda x, w=width: np.floor(x / w) * w, x, **LADDER)
        flat = np.abs(found.value) <= found.error
        steep = np.abs(found.value - 1.0) <= np.maximum(4.0 * found.error, 0.05)
        assert np.all(flat | steep | found.flags.singular)


def test_rounding_that_is_zero_by_chance_is_no_precision():
    # 3 t rounds to few different values: noise that two samples did not see broke 3 % of the bars
    # by 100 times. Those of noise are right in 97 % of cases, and these come near.
    x = np.random.default_rng(1).uniform(-300, 300, 4000)
    for frequency in (3.0, 5.0, 7.0, 10.0):
        found = derivative(lambda t, w=frequency: np.cos(w * t), x, **LADDER)
        miss = np.abs(found.value + frequency * np.sin(frequency * x)) / found.error
        assert np.mean(miss <= 1.0) > 0.92
        assert np.mean(miss > 10.0) < 0.02
