"""Directional derivatives are those of ag.jvp: any tree, method, dtype, within bounds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import anygrad as ag
from anygrad.differences import directional
from anygrad.errors import ArgumentError, DTypeError, ShapeError
from tests.support import assert_close, to_host

EPS = np.finfo(float).eps
FIXED = [(m, a) for m in ("central", "forward", "backward") for a in range(1, 9)]


def bound_of(method, accuracy):
    """A few hundred times eps^(a / (1 + a)), where truncation and rounding of fixed steps meet."""
    accuracy = accuracy + accuracy % 2 if method == "central" else accuracy
    return 300 * EPS ** (accuracy / (1 + accuracy))


def values_of(t):
    """A tree of the shapes (2, 3) and (), of a matrix, a number and an empty leaf."""
    xp = ag.namespace(t["w"])
    return {"m": xp.sin(t["w"]) * t["s"] + xp.sum(t["w"] ** 2), "n": [xp.exp(t["s"]) * 3.0]}


def point(xp, dtype="float64"):
    kind = getattr(xp, dtype)
    x = {
        "w": xp.asarray([[0.5, -1.0, 2.0], [0.1, 0.7, -0.3]], dtype=kind),
        "s": xp.asarray(0.7, dtype=kind),
        "e": xp.zeros((0, 2), dtype=kind),
    }
    v = {
        "w": xp.asarray([[1.0, 0.0, -2.0], [0.5, 3.0, 1.0]], dtype=kind),
        "s": xp.asarray(-1.5, dtype=kind),
        "e": xp.zeros((0, 2), dtype=kind),
    }
    return x, v


def test_a_tree_gives_what_jvp_gives(quick_xp):
    x, v = point(quick_xp)
    _, tangent = ag.jvp(values_of, (x,), (v,))
    assert_close(directional(values_of, x, v), tangent, scale=1e6)  # central steps leave 1e-10


def test_an_estimate_of_a_tree_is_as_jvp_and_has_its_bar(quick_xp):
    x, v = point(quick_xp)
    _, tangent = ag.jvp(values_of, (x,), (v,))
    found = directional(values_of, x, v, full_output=True)
    assert_close(found.value, tangent, scale=1e3)  # the ladder leaves 1e-13
    for name, key in (("m", None), ("n", 0)):
        value, bar, exact, kink = (
            to_host(t[name] if key is None else t[name][key])
            for t in (found.value, found.error, tangent, found.flags.kink)
        )
        assert bar.shape == kink.shape == exact.shape
        assert np.all(np.abs(value - exact) <= bar)
        assert np.all(bar < 1e-9)
        assert not np.any(kink)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_dtypes_are_those_of_the_values(quick_xp, dtype):
    x, v = point(quick_xp, dtype)
    _, tangent = ag.jvp(values_of, (x,), (v,))
    for options in ({}, {"method": "complex"}, {"rtol": 1e-4}):
        # fixed steps leave eps^(2/3)
        assert_close(directional(values_of, x, v, **options), tangent, scale=1e6)


@pytest.mark.parametrize(("method", "accuracy"), [*FIXED, ("complex", None), ("adaptive", None)])
def test_every_method_has_its_accuracy(method, accuracy):
    x, v = np.asarray([0.5, -1.0, 2.0]), np.asarray([1.0, 0.3, -0.7])
    slope = directional(np.sin, x, v, method=method, accuracy=accuracy)
    error = bound_of(method, accuracy) if accuracy else 1e-12
    np.testing.assert_allclose(slope, np.cos(x) * v, rtol=0, atol=error)


@pytest.mark.parametrize(("method", "accuracy"), FIXED)
def test_polynomials_up_to_the_accuracy_are_exact_at_any_step(method, accuracy):
    power = accuracy if method != "central" else accuracy + accuracy % 2
    x, v = np.asarray([1.0, 2.0]), np.asarray([1.0, -0.5])
    slope = directional(lambda x: x**power, x, v, method=method, accuracy=accuracy, step=0.25)
    # sums of numbers up to 4^8 in weights up to 70
    np.testing.assert_allclose(slope, power * x ** (power - 1) * v, rtol=1e-11)
    higher = power + 1
    missed = directional(lambda x: x**higher, x, v, method=method, accuracy=accuracy, step=0.25)
    assert np.all(np.abs(missed - higher * x ** (higher - 1) * v) > 1e-5)


def test_steps_are_in_units_of_the_direction():
    # ((x + h v)^3 - (x - h v)^3) / 2h = 3 x^2 v + h^2 v^3
    slope = directional(lambda x: x**3, np.asarray([1.0]), np.asarray([2.0]), step=0.5)
    assert slope.tolist() == [8.0]


def test_a_direction_may_have_any_length():
    x = np.asarray([1.0, 2.0])
    for size in (1e-12, 1.0, 1e12):
        v = size * np.asarray([1.0, -3.0])
        for options in ({}, {"full_output": True}, {"method": "complex"}):
            found = directional(np.exp, x, v, **options)
            value = found.value if options.get("full_output") else found
            np.testing.assert_allclose(value, np.exp(x) * v, rtol=1e-9)


def test_the_second_derivative_along_the_line_comes_free():
    x, v = np.asarray([0.5, 1.0]), np.asarray([2.0, -1.0])
    found = directional(lambda x: np.sin(x[0] * x[1]), x, v, full_output=True)
    a, b = x
    # d/dt (a + 2t)(b - t) = 2b - a at 0, and the second derivative -4
    slope, bend = 2 * b - a, -4
    second = -np.sin(a * b) * slope**2 + np.cos(a * b) * bend
    assert found.second.shape == ()
    np.testing.assert_allclose(found.second, second, rtol=1e-7)
    np.testing.assert_allclose(found.value, np.cos(a * b) * slope, rtol=1e-12)


def test_no_direction_has_no_slope(quick_xp):
    x = quick_xp.asarray([1.0, 2.0])
    for options in ({}, {"full_output": True}):
        found = directional(lambda x: x**2, x, quick_xp.zeros(2), **options)
        value = found.value if options else found
        assert to_host(value).tolist() == [0.0, 0.0]


def test_there_is_no_direction_at_an_empty_point(quick_xp):
    empty = quick_xp.zeros((0,))
    with pytest.raises(ArgumentError, match=r"directional\(x\)"):
        directional(lambda x: 3.0, empty, empty)


def test_complex_points_move_in_both_parts(quick_xp):
    xp = quick_xp
    z = xp.asarray([1.0 + 2.0j, 3.0 - 1.0j], dtype=xp.complex128)
    v = xp.asarray([0.5 - 1.0j, 2.0 + 1.0j], dtype=xp.complex128)
    for options in ({}, {"full_output": True}):
        found = directional(lambda z: z**2, z, v, **options)
        value, slope = (found.value if options else found), 2 * to_host(z) * to_host(v)
        assert value.dtype == xp.complex128
        np.testing.assert_allclose(to_host(value), slope, rtol=1e-9)


def test_complex_values_of_real_points_are_fine(quick_xp):
    xp = quick_xp
    x, v = xp.asarray([0.0, 0.5]), xp.asarray([1.0, -2.0])

    def f(t):
        return xp.exp(1j * xp.astype(t, xp.complex128))

    exact = 1j * np.exp([0.0, 0.5j]) * [1.0, -2.0]
    found = directional(f, x, v, full_output=True)
    np.testing.assert_allclose(to_host(found.value), exact, atol=1e-12)
    assert found.error.dtype == xp.float64
    np.testing.assert_allclose(to_host(directional(f, x, v)), exact, atol=1e-9)


@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
    st.lists(st.floats(-10, 10), min_size=3, max_size=3),
    st.sampled_from(["central", "forward", "backward", "adaptive"]),
    st.sampled_from([None, 4]),
)
def test_bounds_are_never_left(where, v, method, accuracy):
    lower, upper = np.asarray([-1.0, 0.1, 1e3]), np.asarray([0.1, 0.7, 1e3 + 1e-3])
    x = np.clip(lower + np.asarray(where) * (upper - lower), lower, upper)

    def f(x):
        inside = (lower <= x.T) & (upper >= x.T)
        assert np.all(inside)
        return np.sum(x, axis=0)

    accuracy = None if method == "adaptive" else accuracy
    v = np.asarray(v)
    try:
        slope = directional(f, x, v, method=method, accuracy=accuracy, bounds=(lower, upper))
    except ArgumentError as error:
        assert "bounds" in str(error)  # noqa: PT017 - only some directions have no room
        return
    assert np.isfinite(slope)


def test_a_direction_without_room_is_refused():
    x, v = np.asarray([0.0, 1.0]), np.asarray([1.0, 1.0])
    with pytest.raises(ArgumentError, match=r"directional\(bounds\).*both sides of the direction"):
        directional(np.sum, x, v, bounds=(0.0, 1.0))
    slope = directional(lambda x: x[0] ** 2 + x[1] ** 3, x, -v * [-1, 1], bounds=(0.0, 1.0))
    np.testing.assert_allclose(slope, -3.0, rtol=1e-6)


def test_black_boxes_and_those_that_are_sly_when_traced_are_right():
    x, v = np.asarray([0.5, 2.0]), np.asarray([1.0, -1.0])

    def sly(x):
        try:
            return float(x[0]) ** 2 * float(x[1])
        except Exception:
            return 0.0

    for f, exact in (
        (lambda x: math.sin(x[0]) * math.exp(x[1]), (math.cos(0.5) - math.sin(0.5)) * math.exp(2)),
        (lambda x: float(np.asarray([x[0], x[1]]).prod()), 1.5),
        (sly, 2.0 - 0.25),
    ):
        for options in ({}, {"full_output": True}):
            found = directional(f, x, v, **options)
            value = found.value if options else found
            np.testing.assert_allclose(value, exact, rtol=1e-9)
    with pytest.raises(ArgumentError, match="complex"):
        directional(sly, x, v, method="complex")


def test_bars_are_honest_for_random_functions():
    rng = np.random.default_rng(11)
    missed, wide = 0, 0
    for _ in range(60):
        a, b = rng.normal(size=(2, 4))
        x, v = rng.normal(size=(2, 4)) * 10.0 ** rng.uniform(-2, 2)
        found = directional(
            lambda x, a=a, b=b: np.tanh(np.tensordot(a, x, 1)) + np.tensordot(b, x, 1) ** 2,
            x,
            v,
            full_output=True,
        )
        exact = (a @ v) / np.cosh(a @ x) ** 2 + 2 * (b @ x) * (b @ v)
        missed += abs(found.value - exact) > found.error
        wide += found.error > 1e-8 * abs(exact)
    assert missed <= 1
    assert wide <= 2


def test_wrong_directions_are_refused(quick_xp):
    xp = quick_xp
    x = xp.asarray([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"directional\(v\)"):
        directional(lambda x: x, x, xp.asarray([1.0]))
    with pytest.raises(DTypeError, match=r"directional\(v\)"):
        directional(lambda x: x, x, xp.asarray([1.0j, 1.0], dtype=xp.complex128))
    with pytest.raises(DTypeError, match=r"directional\(v\)"):
        directional(lambda x: x, x, xp.asarray([1, 2]))
    with pytest.raises(ArgumentError, match=r"directional\(stepp\).*Did you mean 'step'"):
        directional(lambda x: x, x, x, stepp=1.0)
