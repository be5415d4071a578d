"""Steps are exact, scaled by dtype and order, and never vanish."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anygrad.differences.stencils import METHODS, find_stencil
from anygrad.differences.steps import check_step, choose_complex_steps, choose_steps
from anygrad.errors import ArgumentError
from tests.support import to_host

ALL = [find_stencil("", method, order) for method in METHODS for order in (1, 2)]
NUMBERS = st.floats(-1e300, 1e300) | st.floats(-2, 2) | st.floats(-1e-4, 1e-4)


def assert_exact(x, h):
    assert np.all(h > 0)
    np.testing.assert_array_equal((x + h) - x, h)
    np.testing.assert_array_equal(x - (x - h), h)


@given(st.lists(NUMBERS, min_size=1, max_size=8), st.sampled_from(ALL))
def test_default_steps_are_exact_both_ways(numbers, stencil):
    x = np.asarray(numbers)
    assert_exact(x, choose_steps(stencil, None, x))


@given(NUMBERS, st.floats(1e-12, 1e3))
def test_steps_asked_for_are_exact_both_ways(number, step):
    x = np.asarray([number])
    h = choose_steps(find_stencil("", "central"), step, x)
    assert_exact(x, h)
    near = max(step, 4 * np.finfo(float).eps * abs(number))
    # (x + step) - x may differ from the step by half a unit in the last place of x + step
    assert abs(h[0] - near) <= np.spacing(abs(number) + near)


@pytest.mark.parametrize("step", [None, 0.001, 0.3, 1.7])
def test_steps_are_exact_at_every_number_of_half_precision(step):
    x = np.arange(65536, dtype=np.uint16).view(np.float16)
    x = x[np.isfinite(x)]
    x = x[np.abs(x) < 2e4]  # farther out x + h overflows
    for stencil in ALL:
        assert_exact(x, choose_steps(stencil, step, x))


def test_steps_follow_dtype_and_order(xp):
    # Press et al. (2007), sec. 5.7: eps^(1/3) central, eps^(1/2) one-sided; eps^(1/4) order 2.
    for dtype in (xp.float32, xp.float64):
        eps = float(xp.finfo(dtype).eps)
        for x in (0.0, 1.0, 1000.0):
            for method, order, power in [
                ("central", 1, 1 / 3),
                ("central", 2, 1 / 4),
                ("forward", 1, 1 / 2),
                ("backward", 2, 1 / 3),
            ]:
                stencil = find_stencil("", method, order)
                h = choose_steps(stencil, None, xp.asarray([x], dtype=dtype))
                assert h.dtype == dtype
                ideal = eps**power * max(x, 1.0)
                assert 0.7 * ideal < to_host(h)[0] < 1.42 * ideal


def test_complex_steps_neither_vanish_nor_reach_the_digits_of_x(xp):
    for dtype in (xp.float32, xp.float64):
        x = xp.asarray([0.0, 1e-8, 1.0, -1e30], dtype=dtype)
        h = to_host(choose_complex_steps(x)).astype(float)
        assert np.all(h > 1e6 * float(xp.finfo(dtype).smallest_normal))
        assert np.all(h[1:] < 1e-3 * float(xp.finfo(dtype).eps) ** 0.5 * np.abs(to_host(x)[1:]))


@pytest.mark.parametrize("step", [0.0, -1.0, float("nan"), float("inf"), "1", True])
def test_impossible_steps_are_refused(step):
    with pytest.raises(ArgumentError, match=r"gradient\(step\)"):
        check_step("gradient", step)
