"""Inner product and norm: right where plain formulas overflow, on the device, same dtype."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import anygrad as ag
from anygrad import trees
from anygrad.errors import ArgumentError, DTypeError, MixedBackendError, ShapeError
from anygrad.trees.measuring import _scaled_norm
from tests.support import assert_close, forbid_host_copies, open_namespace, to_host

FINITE = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20)

# (values, norm) per dtype; the norms are the exact ones, 3-4-5 triangles at the ends of the range
EXTREMES = {
    "float32": [
        ([3e20, 4e20], 5e20),
        ([3e-30, 4e-30], 5e-30),
        ([3e38], 3e38),
        ([1e-45], 1e-45),
        ([0.0, 0.0], 0.0),
        ([1.0, 2.0, -2.0], 3.0),
    ],
    "float64": [
        ([3e200, 4e200], 5e200),
        ([3e-200, -4e-200], 5e-200),
        ([1.7e308], 1.7e308),
        ([5e-324], 5e-324),
        ([3e-310, 4e-310], 5e-310),
        ([0.0], 0.0),
    ],
}
CASES = [(dtype, *case) for dtype, cases in EXTREMES.items() for case in cases]


@pytest.mark.parametrize(("dtype", "values", "expected"), CASES)
def test_norm_neither_overflows_nor_vanishes(xp, dtype, values, expected):
    array = xp.asarray(values, dtype=getattr(xp, dtype))
    got = trees.norm({"a": array, "b": [xp.zeros(3, dtype=getattr(xp, dtype))]})
    assert got.shape == ()
    # subnormal numbers have few digits: one of their steps is allowed; JAX makes them 0
    limits = np.finfo(dtype)
    step = float(limits.smallest_normal if xp.name == "jax" else limits.smallest_subnormal)
    assert float(to_host(got)) == pytest.approx(
        expected, rel=4 * float(np.finfo(dtype).eps), abs=step
    )
    assert to_host(got).dtype == dtype


@given(FINITE)
def test_norm_is_that_of_exact_arithmetic(values):
    # math.hypot is correct to one unit in the last place (CPython 3.10 and later)
    expected = math.hypot(*values)
    if math.isinf(expected):
        return
    quick, scaled = trees.norm(np.asarray(values)), _scaled_norm([np.asarray(values)])
    assert float(quick) == pytest.approx(expected, rel=1e-14, abs=1e-322)
    assert float(scaled) == pytest.approx(expected, rel=1e-14, abs=1e-322)


@given(FINITE, st.integers(-300, 300))
def test_norm_scales_with_powers_of_two_exactly(values, exponent):
    values = [value for value in values if 1e-100 < abs(value) < 1e100]
    base, factor = np.asarray(values), 2.0**exponent
    assert float(_scaled_norm([base * factor])) == float(_scaled_norm([base])) * factor


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([math.inf, 1e30], math.inf),
        ([-math.inf, 0.0], math.inf),
        ([math.nan, 1e300], math.nan),
        ([math.inf, math.nan], math.nan),
    ],
)
def test_norm_of_non_finite_values_is_non_finite(xp, values, expected):
    got = trees.norm({"a": xp.asarray(values), "b": xp.asarray([1e200])})
    np.testing.assert_equal(float(to_host(got)), expected)


def test_norm_takes_complex_numbers_by_their_absolute_value(xp):
    z = xp.asarray([3e200 + 4e200j, 0.0], dtype=xp.complex128)
    assert_close(trees.norm({"z": z}), 5e200, dtype=np.float64)
    # the plain sum of squares overflows
    big = xp.asarray([1.2e308 + 1.2e308j], dtype=xp.complex128)
    assert_close(trees.norm(big), 1.2e308 * math.sqrt(2), dtype=np.float64)
    small = xp.asarray([3 + 4j], dtype=xp.complex64)
    assert_close(trees.norm([small]), 5.0, dtype=np.float32)


def test_norm_has_the_widest_real_dtype(xp):
    single, double = xp.asarray([3.0], dtype=xp.float32), xp.asarray([4.0])
    assert_close(trees.norm([single, double]), 5.0, dtype=np.float64)
    assert_close(trees.norm([single, 4.0]), 5.0, dtype=np.float32)  # Python numbers are weak
    assert_close(trees.norm([single, xp.asarray([4])]), 5.0, dtype=np.float32)
    assert_close(trees.norm([single, 4j]), 5.0, dtype=np.float32)
    assert_close(trees.norm([xp.asarray([3, -4])]), 5.0, dtype=np.float64)
    overflowing = [xp.asarray([3e30], dtype=xp.float32), xp.asarray([4e30])]
    assert_close(trees.norm(overflowing), 5e30, dtype=np.float64, scale=1e9)  # 3e30 in float32


def test_empty_leaves_and_trees_have_norm_zero(xp):
    assert_close(trees.norm({"a": xp.zeros((0, 3)), "b": xp.asarray([2.0])}), 2.0)
    assert_close(trees.norm(xp.zeros(0, dtype=xp.float32)), 0.0, dtype=np.float32)
    assert_close(trees.norm({}), 0.0, dtype=np.float64)
    assert_close(trees.dot(None, None), 0.0, dtype=np.float64)


def test_numbers_alone_make_a_norm_and_a_product():
    assert_close(trees.norm([3, 4.0]), 5.0, dtype=np.float64)
    assert_close(trees.norm([3, 4]), 5.0, dtype=np.float64)
    assert_close(trees.dot([3, 1j], [2.0, 2j]), 8.0, dtype=np.float64)


def test_many_leaves_count_all(xp):
    tree = {str(k): xp.full((k % 3 + 1,), 2.0) for k in range(40)}
    count = sum(k % 3 + 1 for k in range(40))
    assert_close(trees.norm(tree), 2.0 * math.sqrt(count))
    assert_close(trees.dot(tree, tree), 4.0 * count)


def test_norm_and_dot_stay_on_the_device(xp):
    tree = {"a": xp.asarray([3e200, 0.0]), "b": [xp.asarray([[4e200]])], "c": 0.0}
    with forbid_host_copies():
        results = [
            trees.norm(tree),
            trees.dot(tree, trees.zeros_like(tree)),
            trees.norms(tree)["a"],
        ]
    for result in results:
        assert xp.backend == "numpy" or result.device == xp.device


def test_norms_measure_each_leaf(xp):
    tree = {"a": xp.asarray([3e200, 4e200]), "b": xp.asarray([[2.0]])}
    assert_close(trees.norms(tree), {"a": 5e200, "b": 2.0})
    assert_close(trees.squared_norms({"a": xp.asarray([3.0, 4.0])}), {"a": 25.0})


def test_dot_is_the_real_inner_product(xp):
    z = xp.asarray([1 + 2j, 3 - 1j], dtype=xp.complex128)
    w = xp.asarray([2 - 1j, 1j], dtype=xp.complex128)
    expected = np.vdot(to_host(z), to_host(w)).real + 6.0
    assert_close(
        trees.dot({"z": z, "x": xp.asarray(2.0)}, {"z": w, "x": 3.0}), expected, dtype=np.float64
    )
    mixed = trees.dot([xp.asarray([2.0, 1.0])], [w])
    assert_close(mixed, 4.0, dtype=np.float64)
    single = xp.asarray([1.0, 2.0], dtype=xp.float32)
    assert_close(trees.dot(single, single), 5.0, dtype=np.float32)


def test_dot_refuses_trees_that_do_not_fit(xp):
    a = {"w": xp.ones((2, 1))}
    with pytest.raises(ShapeError, match=r"dot\(b\).*\(2,\) at b\['w'\]; expected \(2, 1\)"):
        trees.dot(a, {"w": xp.ones(2)})
    with pytest.raises(ArgumentError, match=r"nothing at b\['w'\]"):
        trees.dot(a, {"v": xp.ones((2, 1))})


def test_two_libraries_in_one_tree_are_named_with_their_paths():
    strict = pytest.importorskip("array_api_strict")
    tree = {"a": [np.ones(2)], "b": strict.ones(2)}
    for call in (trees.norm, lambda tree: trees.dot(tree, tree)):
        with pytest.raises(MixedBackendError) as caught:
            call(tree)
        for words in ("numpy", "strict", "['a'][0]", "['b']"):
            assert words in str(caught.value)
    with pytest.raises(MixedBackendError, match=r"numpy.*strict"):
        trees.dot([np.ones(2)], [strict.ones(2)])


def test_what_is_no_number_is_named_with_its_path():
    with pytest.raises(DTypeError, match=r"norm\(tree\): got 'text' at tree\['a'\]\[0\]"):
        trees.norm({"a": ["text"], "b": 1.0})


def test_a_tree_may_span_devices_of_one_library():
    xp = open_namespace("strict")  # the one library that has a second device everywhere
    second = xp.Device("device2")
    tree = {"a": xp.asarray([3e200]), "b": xp.asarray([4e200], dtype=xp.float64, device=second)}
    norm = trees.norm(tree)
    assert norm.device == xp.device
    assert_close(norm, 5e200)
    assert trees.norms(tree)["b"].device == second
    assert trees.zeros_like(tree)["b"].device == second
    assert trees.dot(tree, trees.zeros_like(tree)).device == xp.device


def test_zeros_like_keeps_all_but_the_values(xp):
    tree = {"w": xp.ones((2, 3), dtype=xp.float32), "n": xp.asarray([1]), "x": 2.5, "z": 1j, "k": 3}
    zeros = trees.zeros_like(tree)
    assert_close(zeros["w"], np.zeros((2, 3), np.float32))
    assert zeros["n"].dtype == tree["n"].dtype
    assert [repr(zeros[name]) for name in "xzk"] == ["0.0", "0j", "0"]


def test_the_plain_sum_is_left_where_underflow_takes_digits(xp):
    # the square of 1e-160 is subnormal: the plain sum of squares has half its digits
    small = xp.asarray([1e-160, 1e-160])
    assert_close(trees.norm(small), 1e-160 * math.sqrt(2))
    single = xp.asarray([1e-22, 1e-22], dtype=xp.float32)
    assert_close(trees.norm(single), 1e-22 * math.sqrt(2), dtype=np.float32, scale=0.1)


def test_norm_and_dot_can_be_differentiated_where_plain_formulas_overflow(xp):
    x = {"a": xp.asarray([3e200, 0.0]), "b": xp.asarray([4e200])}
    assert_close(ag.grad(trees.norm)(x), {"a": [0.6, 0.0], "b": [0.8]})
    y = xp.asarray([3.0, 4.0], dtype=xp.float32)
    assert_close(ag.grad(lambda y: trees.dot(y, y))(y), [6.0, 8.0], dtype="float32")


def test_norm_has_a_second_derivative():
    # d2/dx2 sqrt(x^2 + 1) = (x^2 + 1)^(-3/2)
    second = ag.grad(ag.grad(lambda x: trees.norm([x, np.asarray(1.0)])))
    assert_close(second(np.asarray(2.0)), 5.0**-1.5)
