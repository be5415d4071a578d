"""Numerical gradients: right at every kind of point, by every method, on every backend."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anygrad.differences import gradient
from anygrad.errors import ArgumentError, DTypeError, MixedBackendError, ShapeError
from tests.support import assert_close, to_host

METHODS = ("central", "forward", "backward", "complex")
MODES = ("auto", "stacked", "loop")
# Relative errors to expect of each method at scale 1: truncation and rounding in equal parts.
ERROR = {"central": 1e-9, "forward": 2e-7, "backward": 2e-7, "complex": 1e-15}


def bowl(x):
    return x[0] ** 2 + x[1] ** 2


def wave(xp, axes):
    """Sum of sin(x) exp(x/2), with derivative (cos(x) + sin(x)/2) exp(x/2)."""
    return lambda x: xp.sum(xp.sin(x) * xp.exp(0.5 * x), axis=axes)


def wave_slope(x):
    return (np.cos(x) + 0.5 * np.sin(x)) * np.exp(0.5 * x)


@pytest.mark.parametrize("evaluate", MODES)
def test_bowl_at_one_two_is_two_four_exactly(xp, evaluate):
    slopes = gradient(
        lambda x: x[0, ...] ** 2 + x[1, ...] ** 2, xp.asarray([1.0, 2.0]), evaluate=evaluate
    )
    assert to_host(slopes).tolist() == [2.0, 4.0]


@pytest.mark.parametrize("evaluate", MODES)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(7,), (2, 3), (1,), (2, 1, 3)])
def test_every_method_and_mode_meets_its_accuracy(xp, shape, method, evaluate):
    points = np.linspace(-2.0, 1.5, int(np.prod(shape))).reshape(shape)
    x = xp.asarray(points.tolist())
    f = wave(xp, tuple(range(len(shape))))
    slopes = gradient(f, x, method=method, evaluate=evaluate)
    assert slopes.dtype == x.dtype
    assert slopes.shape == shape
    np.testing.assert_allclose(to_host(slopes), wave_slope(points), rtol=0, atol=ERROR[method])


@pytest.mark.parametrize("method", METHODS)
def test_points_may_be_stacked_first(quick_xp, method):
    xp = quick_xp
    x = xp.asarray([0.3, -1.0, 0.8])
    f = wave(xp, -1)
    for evaluate in ("stacked", "auto"):
        slopes = gradient(f, x, method=method, evaluate=evaluate, stack_axis=0)
        np.testing.assert_allclose(
            to_host(slopes), wave_slope(to_host(x)), rtol=0, atol=ERROR[method]
        )


@pytest.mark.parametrize(
    ("method", "error"), [("central", 2e-4), ("forward", 5e-3), ("complex", 1e-6)]
)
def test_single_precision_keeps_its_dtype_and_has_its_own_steps(quick_xp, method, error):
    xp = quick_xp
    x = xp.asarray([0.3, -1.0, 0.8], dtype=xp.float32)
    slopes = gradient(wave(xp, 0), x, method=method)
    assert slopes.dtype == xp.float32
    np.testing.assert_allclose(to_host(slopes), wave_slope(to_host(x)), rtol=0, atol=error)


def test_a_tree_gives_a_tree_of_its_shapes_and_dtypes(quick_xp):
    xp = quick_xp
    x = {
        "w": xp.asarray([[1.0, -2.0], [0.5, 3.0]]),
        "b": [xp.asarray(2.0), xp.asarray([1.0, 4.0, 2.0], dtype=xp.float32)],
        "none": None,
    }

    def f(t):
        w, (b, c) = t["w"], t["b"]
        return xp.sum(w**2, axis=(0, 1)) * b + b * c[0, ...] ** 2 + 3.0 * c[2, ...]

    for evaluate in MODES:
        slopes = gradient(f, x, evaluate=evaluate)
        assert slopes["none"] is None
        assert slopes["b"][1].dtype == xp.float32
        assert slopes["w"].dtype == xp.float64
        np.testing.assert_allclose(to_host(slopes["w"]), [[4, -8], [2, 12]], rtol=1e-9)
        np.testing.assert_allclose(to_host(slopes["b"][0]), 15.25, rtol=1e-9)
        np.testing.assert_allclose(to_host(slopes["b"][1]), [4, 0, 3], rtol=1e-6, atol=1e-6)


def test_complex_points_give_the_direction_of_steepest_ascent(quick_xp):
    xp = quick_xp
    # |z|^2 rises fastest along 2 z, which is df/dRe + i df/dIm.
    z = xp.asarray([1.0 + 2.0j, 3.0 - 1.0j], dtype=xp.complex128)
    x = xp.asarray([2.0, 5.0, 1.0])

    def f(t):
        z, x = t
        return xp.sum(xp.real(z) ** 2 + xp.imag(z) ** 2, axis=0) + xp.real(z[0, ...]) * x[1, ...]

    for evaluate in MODES:
        for method in ("central", "forward"):
            dz, dx = gradient(f, (z, x), method=method, evaluate=evaluate)
            error = 100 * ERROR[method]
            np.testing.assert_allclose(to_host(dz), [7 + 4j, 6 - 2j], rtol=error)
            np.testing.assert_allclose(to_host(dx), [0, 1, 0], rtol=error, atol=error)
    with pytest.raises(DTypeError, match=r"gradient\(method\).*x\[0\]"):
        gradient(f, (z, x), method="complex")


def test_python_numbers_become_double_precision():
    for point in ([1, 2], [1.0, 2.0], (1, 2.0)):
        slopes = gradient(bowl, point)
        assert type(slopes) is type(point)
        assert [float(s) for s in slopes] == [2.0, 4.0]
        assert all(s.dtype == np.float64 for s in slopes)
    assert float(gradient(lambda x: x**3, 2)) == pytest.approx(12.0, rel=1e-9)


def test_python_numbers_join_the_arrays_beside_them(xp):
    x = {"w": xp.asarray([1.0, 2.0], dtype=xp.float32), "s": 3}
    slopes = gradient(lambda t: t["s"] * t["w"][0] * t["w"][1], x)
    assert type(slopes["s"]) is type(slopes["w"])
    np.testing.assert_allclose(to_host(slopes["s"]), 2.0, rtol=1e-4)


def textbook_gradient(f, x):
    """The loop of many textbooks and courses, at integers as wrong as it is there."""
    h, slopes = 1e-4, np.zeros_like(x)
    for i in range(x.size):
        kept = x[i]
        x[i] = kept + h
        above = f(x)
        x[i] = kept - h
        below = f(x)
        slopes[i] = (above - below) / (2 * h)
        x[i] = kept
    return slopes


def test_integer_points_are_never_truncated():
    # In integers 1 + 1e-4 is 1 and 1 - 1e-4 is 0, so the textbook finds a slope of 5000.
    assert textbook_gradient(bowl, np.array([1, 2])).tolist() != [2, 4]
    assert textbook_gradient(bowl, np.array([1.0, 2.0])).tolist() == pytest.approx([2, 4])
    assert [float(s) for s in gradient(bowl, [1, 2])] == [2.0, 4.0]
    with pytest.raises(
        DTypeError, match=r"gradient\(x\): got .*int64.*xp\.astype\(x, xp\.float64\)"
    ):
        gradient(bowl, np.array([1, 2]))


def test_integer_and_other_leaves_are_refused_by_path(xp):
    with pytest.raises(DTypeError, match=r"x\['n'\]\[1\]"):
        gradient(lambda t: 0.0, {"n": [xp.asarray([1.0]), xp.asarray([1, 2])]})
    with pytest.raises(DTypeError, match="bool"):
        gradient(lambda t: 0.0, xp.asarray([True]))
    with pytest.raises(DTypeError, match="True"):
        gradient(lambda t: 0.0, True)
    with pytest.raises(DTypeError, match="'a'"):
        gradient(lambda t: 0.0, "a")
    with pytest.raises(ArgumentError, match="without arrays"):
        gradient(lambda t: 0.0, {})


def test_mixed_libraries_are_refused():
    strict = pytest.importorskip("array_api_strict")
    with pytest.raises(MixedBackendError, match="numpy"):
        gradient(lambda t: 0.0, [np.ones(2), strict.ones(2)])


@pytest.mark.parametrize("evaluate", MODES)
@pytest.mark.parametrize(("method", "side"), [("forward", 1), ("backward", -1)])
@given(x=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6))
def test_one_sided_methods_never_look_at_the_other_side(method, side, evaluate, x):
    x = np.asarray(x)

    def f(points):
        wall = x if points.ndim == 1 else x[:, None]
        assert np.all(side * (points - wall) >= 0)
        return np.sum(points, axis=0)

    gradient(f, x, method=method, evaluate=evaluate)


@given(
    st.lists(st.integers(-1000, 1000), min_size=1, max_size=9),
    st.lists(st.integers(-(2**20), 2**20), min_size=9, max_size=9),
    st.sampled_from(["central", "forward", "backward"]),
    st.sampled_from(MODES),
)
def test_linear_functions_are_exact_to_rounding(slopes, point, method, evaluate):
    a = np.asarray(slopes, dtype=float)
    x = np.asarray(point[: a.size]) / 1024
    found = gradient(lambda x: np.tensordot(a, x, axes=(0, 0)), x, method=method, evaluate=evaluate)
    h = 2.0**-17 if method == "central" else 2.0**-26
    rounding = 8 * np.finfo(float).eps * np.sum(np.abs(a) * (np.abs(x) + 1)) / h
    np.testing.assert_allclose(found, a, rtol=0, atol=rounding)


@given(
    st.lists(st.integers(-8, 8), min_size=1, max_size=4),
    st.lists(st.integers(-8, 8), min_size=16, max_size=16),
)
def test_quadratics_at_small_integers_are_exact_bit_by_bit(point, entries):
    x = np.asarray(point, dtype=float)
    a = np.asarray(entries[: x.size**2], dtype=float).reshape(x.size, x.size)

    def f(x):
        return np.sum(x * np.tensordot(a, x, axes=(1, 0)), axis=0)

    # x + 2^-k has few binary digits, so products and sums of such points round nowhere
    assert gradient(f, x).tolist() == ((a + a.T) @ x).tolist()


def test_a_step_of_ones_own_is_used(xp):
    x = xp.asarray([0.0, 1.0])
    slopes = gradient(lambda x: xp.sum(x**3, axis=0), x, step=0.5)
    # ((x + h)^3 - (x - h)^3) / 2h = 3 x^2 + h^2
    assert_close(slopes, xp.asarray([0.25, 3.25]))


def test_stacked_evaluation_never_reads_the_device(xp):
    from tests.support.host_copies import forbid_host_copies

    x = xp.asarray([1.0, 2.0, 3.0])
    with forbid_host_copies():
        for method in ("central", "forward"):
            slopes = gradient(lambda x: xp.sum(x**2, axis=0), x, method=method, evaluate="stacked")
            loop = gradient(lambda x: xp.sum(x**2), x, method=method, evaluate="loop")
    np.testing.assert_allclose(to_host(slopes), [2, 4, 6], rtol=1e-7)
    np.testing.assert_allclose(to_host(loop), [2, 4, 6], rtol=1e-7)


def test_functions_may_return_python_numbers():
    assert gradient(lambda x: float(x[0]) * 3.0, np.asarray([1.0, 2.0, 5.0])).tolist() == [3, 0, 0]
    assert gradient(lambda x: 7, np.asarray([1.0, 2.0, 5.0])).tolist() == [0, 0, 0]


def test_empty_leaves_have_empty_gradients(xp):
    slopes = gradient(lambda t: t[1] ** 2, (xp.zeros((0, 3)), xp.asarray(2.0)))
    assert slopes[0].shape == (0, 3)
    np.testing.assert_allclose(to_host(slopes[1]), 4.0)
    assert gradient(lambda x: 0.0, xp.zeros((0,))).shape == (0,)


def test_values_that_are_no_real_number_are_refused(xp):
    x = xp.asarray([1.0, 2.0])
    for evaluate in ("auto", "loop"):
        with pytest.raises(ShapeError, match=r"gradient\(f\): got .*shape \(2,\)"):
            gradient(lambda x: x, x, evaluate=evaluate)
        with pytest.raises(DTypeError, match="expected a real value"):
            gradient(
                lambda x: xp.sum(x) * xp.asarray(1j, dtype=xp.complex128), x, evaluate=evaluate
            )
    with pytest.raises(ShapeError, match=r"got .*shape \(\).*expected shape \(4,\)"):
        gradient(lambda x: xp.sum(x), x, evaluate="stacked")
    with pytest.raises(DTypeError, match="expected a real value"):
        gradient(lambda x: 1j, x)


def test_unknown_options_are_refused():
    x = np.ones(3)
    with pytest.raises(ArgumentError, match=r"gradient\(evaluate\): got 'stack'.*stacked"):
        gradient(bowl, x, evaluate="stack")
    with pytest.raises(ArgumentError, match=r"gradient\(stack_axis\): got 1"):
        gradient(bowl, x, stack_axis=1)
    with pytest.raises(ArgumentError, match=r"gradient\(step\): got -1"):
        gradient(bowl, x, step=-1)


@pytest.mark.parametrize("evaluate", MODES)
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.abs(x), axis=0),
        lambda x: np.sum(np.real(x) ** 2, axis=0),
        lambda x: np.sum(x, axis=0) + 0.1 * np.real(x[2]),
        lambda x: np.sum(x * np.conj(x), axis=0),
    ],
    ids=["abs", "cast", "one cast", "conj"],
)
def test_a_complex_step_into_a_function_that_is_not_analytic_is_refused(f, evaluate):
    x = np.linspace(0.5, 2.0, 5)
    with pytest.raises(ArgumentError, match=r"gradient\(method\): got 'complex'.*analytic"):
        gradient(f, x, method="complex", evaluate=evaluate)


def test_a_function_that_refuses_complex_points_is_named_as_such():
    with pytest.raises(ArgumentError, match=r"failed on complex points.*method='central'"):
        gradient(lambda x: np.sum(np.arctan2(x, 1.0), axis=0), np.ones(4), method="complex")


def test_analytic_functions_of_any_scale_pass_the_test_of_the_complex_step():
    for f, x, slope in [
        (np.exp, np.full(5, 1e-20), 1.0),
        (np.log, np.full(5, 1e-25), 1e25),
        (lambda x: np.exp(1e4 * x), np.zeros(5), 1e4),
        (lambda x: x**3, np.zeros(5), 0.0),
        (lambda x: 1e8 + x**2, np.full(5, 1e-3), 2e-3),
    ]:
        found = gradient(lambda x, f=f: np.sum(f(x), axis=0), x, method="complex")
        np.testing.assert_allclose(found, slope, rtol=1e-14, atol=1e-100)
