"""Norms that kernels of CuPy arrays take while they read every element once."""

import math
from fractions import Fraction

import numpy as np
import pytest

import anygrad as ag
from anygrad import clipping
from anygrad.clipping.norms import LARGE, SMALL, scaled_norm
from tests.support import to_host
from tests.support.cuda import reason_no_compiler

pytestmark = pytest.mark.usefixtures("lookalike")

TINY, HUGE = float(np.finfo(np.float64).smallest_subnormal), float(np.finfo(np.float64).max)
DTYPES = ["float16", "float32", "float64", "complex64", "complex128"]


def exact_norm(*arrays):
    """The root of the sum of squares in whole numbers, rounded once; inf beyond all floats."""
    parts = [x for a in arrays for x in np.ravel(a).view(np.ravel(a).real.dtype).tolist()]
    total = sum(Fraction(x) ** 2 for x in parts)
    shift = 1200
    root = Fraction(math.isqrt(int(total * 4**shift)), 2**shift)
    try:
        return float(root)
    except OverflowError:
        return math.inf


def compiled(function, *arrays, kernels="auto"):
    """What a program gives of CuPy's arrays; "auto" has no kernels in its first replays."""
    import cupy

    with ag.use_settings(kernels=kernels), np.errstate(all="ignore"):
        run = ag.compile(function)
        given = [cupy.asarray(x) for x in arrays]
        run(given)
        return run(given)


def wave(n, dtype, scale=1.0):
    x = scale * np.cos(np.arange(1.0, n + 1))
    return (x + 1j * x[::-1] if dtype.startswith("complex") else x).astype(dtype)


WIDE = {
    "zeros": [0.0, 0.0],
    "small": [3e-200, 4e-200],
    "large": [3e200, -4e200],
    "subnormal": [TINY, 2 * TINY, -2 * TINY],
    "one subnormal": [TINY],
    "largest": [HUGE],
    "almost beyond": [HUGE * 0.7, HUGE * 0.7],
    "beyond": [HUGE, HUGE],
    "small beside one": [1.0, *[1e-9] * 1000],
    "small and large": [1e-200, 1e200],
    "all": [1e-200, 1.0, 1e200, TINY, 1e150],
    "below the small bound": [SMALL * 0.9, SMALL * 0.7],
    "around the small bound": [SMALL * 0.9, SMALL, SMALL * 1.1],
    "just above the small bound": [SMALL, *[SMALL * 0.99] * 300],
    "around the large bound": [LARGE * 0.9, LARGE, LARGE * 1.1],
    "just above the large bound": [LARGE * 1.01, *[LARGE * 0.99] * 300],
    "many small": [1e-170] * 1000,
    "many large": [1e170] * 1000,
}


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("leaves", [1, 2, 3])
def test_norm_is_right_over_the_whole_range(name, leaves):
    arrays = np.array_split(np.asarray(WIDE[name]), min(leaves, len(WIDE[name])))
    norm = compiled(clipping.global_norm, *arrays)
    wanted = exact_norm(*arrays)
    assert norm.dtype == np.float64
    if math.isinf(wanted):
        assert to_host(norm) == wanted
    else:
        assert abs(float(to_host(norm)) - wanted) <= 4 * np.finfo(np.float64).eps * wanted + TINY


@pytest.mark.parametrize("exponent", range(-1060, 1020, 65))
def test_norm_is_right_at_every_exponent(exponent):
    arrays = [np.ldexp(wave(200, "float64"), exponent), np.ldexp(wave(7, "float64"), exponent - 60)]
    wanted = exact_norm(*arrays)
    norm = float(to_host(compiled(clipping.global_norm, *arrays)))
    assert abs(norm - wanted) <= 4 * np.finfo(np.float64).eps * wanted + TINY


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("place", ["least", "one", "most"])
def test_norm_is_right_in_every_dtype(dtype, place):
    info = np.finfo(dtype)
    scale = {"least": 100 * float(info.smallest_subnormal), "one": 1.0, "most": info.max / 64}
    arrays = [wave(500, dtype, float(scale[place])), wave(3, dtype, float(scale[place]))]
    norm = compiled(clipping.global_norm, *arrays)
    wanted = exact_norm(*arrays)
    kept = np.finfo(norm.dtype)
    assert norm.dtype == np.result_type(info.dtype, np.float32)
    if wanted > float(kept.max):
        assert to_host(norm) == math.inf
    else:
        error = abs(float(to_host(norm)) - wanted)
        assert error <= 2 * float(kept.eps) * wanted + float(kept.smallest_subnormal)


@pytest.mark.skipif(bool(reason_no_compiler()), reason=str(reason_no_compiler()))
@pytest.mark.parametrize("dtype", DTYPES)
def test_kernels_give_the_norm_over_the_whole_range(dtype):
    info = np.finfo(dtype)
    scales = {"least": 100 * float(info.smallest_subnormal), "one": 1.0, "most": info.max / 64}
    cases = [[wave(500, dtype, float(x)), wave(40, dtype, 1.0)] for x in scales.values()]
    if dtype == "float64":
        cases += [[np.resize(x, 500), np.resize(x[::-1], 40)] for x in WIDE.values()]
    from tests.support.lookalike_cupy import kernels

    for arrays in cases:
        with kernels.recording() as launches:
            norm = compiled(clipping.global_norm, *arrays, kernels="always")
        assert launches
        wanted, kept = exact_norm(*arrays), np.finfo(norm.dtype)
        if wanted > float(kept.max):
            assert to_host(norm) == math.inf
        else:
            error = abs(float(to_host(norm)) - wanted)
            assert error <= 4 * float(kept.eps) * wanted + float(kept.smallest_subnormal)


@pytest.mark.parametrize("name", ["small", "large", "almost beyond", "all", "many small"])
def test_the_divisor_is_near_the_norm(name):
    divisor, ratio, _ = compiled(scaled_norm, np.asarray(WIDE[name]))
    assert math.frexp(float(to_host(divisor)))[0] == 0.5  # a power of two
    assert 1.0 <= float(to_host(ratio)) < 4.0


def test_single_precision_is_added_in_double():
    arrays = [np.full(100_000, 0.1, np.float32), np.full(3, 1e-25, np.float32)]
    norm = float(to_host(compiled(clipping.global_norm, *arrays)))
    assert norm == np.float32(exact_norm(*arrays))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("leaves", [1, 3])
def test_flags_tell_which_leaf_is_not_finite(dtype, bad, leaves):
    arrays = [wave(9, dtype) for _ in range(leaves)]
    arrays[-1][4] = bad
    divisor, ratio, finite = compiled(scaled_norm, *arrays)
    assert to_host(finite).tolist() == [True] * (leaves - 1) + [False]
    assert math.isfinite(float(to_host(divisor)))
    got = float(to_host(ratio))
    assert math.isnan(got) if math.isnan(bad) else got == math.inf


@pytest.mark.parametrize(
    ("dtype", "value"), [("float64", HUGE), ("float32", 3e38), ("float16", 6e4)]
)
def test_a_leaf_whose_norm_overflows_is_finite_and_clipped_right(dtype, value):
    arrays = [np.full(4, value, dtype), np.full(4, value, dtype)]

    def clip(grads):
        measured = clipping.measure(grads, 1.0)
        return measured.settle(), measured.finite, measured.norm

    clipped, finite, norm = compiled(clip, *arrays)
    assert [bool(to_host(x)) for x in finite] == [True, True]
    assert to_host(norm) == exact_norm(*arrays) if dtype == "float16" else math.inf
    for x in clipped:
        np.testing.assert_allclose(to_host(x), 8**-0.5, rtol=2 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [None, 0, (0, 1)])
def test_both_ways_give_the_same(dtype, axis):
    arrays = [wave(35, dtype, 10.0).reshape(5, 7), wave(35, dtype, 1e-3).reshape(5, 7)]

    def measured(grads):
        divisor, ratio, finite = scaled_norm(grads, axis=axis)
        return divisor * ratio, finite

    once, twice = compiled(measured, *arrays), compiled(measured, *arrays, kernels="off")
    assert once[0].dtype == twice[0].dtype
    assert once[0].shape == twice[0].shape
    eps = float(np.finfo(to_host(twice[0]).dtype).eps)
    np.testing.assert_allclose(to_host(once[0]), to_host(twice[0]), rtol=4 * eps)
    assert np.array_equal(to_host(once[1]), to_host(twice[1]))


def operations_of(function, *args, kernels="auto"):
    with ag.use_settings(kernels=kernels):
        return [node.name for node in ag.compile(function).ir(*args).nodes]


def test_elements_are_read_once_where_kernels_come_and_no_derivative_is_taken():
    import cupy

    x = cupy.asarray(wave(5, "float64"))
    assert "max" not in operations_of(clipping.global_norm, [x, x])
    assert "max" in operations_of(clipping.global_norm, [x, x], kernels="off")
    assert "max" in operations_of(ag.grad(lambda x: clipping.global_norm([x, x])), x)
    assert "max" in operations_of(lambda g: clipping.global_norm(g, ord=3), [x, x])
    assert "max" not in operations_of(clipping.global_norm, [np.ones(3)])  # NumPy looks


def test_derivative_of_a_compiled_norm_is_that_of_the_norm():
    import cupy

    x = cupy.asarray(np.asarray([3.0, 4.0]))
    norm = ag.compile(lambda x: clipping.global_norm([x]))
    slope = ag.grad(norm)
    np.testing.assert_allclose(to_host(slope(x)), [0.6, 0.8], rtol=1e-15)
    assert np.array_equal(to_host(slope(0 * x)), [0.0, 0.0])
