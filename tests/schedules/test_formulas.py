"""Values worked out by hand from the formulas of the papers."""

import math

import pytest

from anygrad import schedules


def at(schedule, steps):
    return [schedule(step) for step in steps]


def exactly(values):
    return pytest.approx(values, rel=1e-15, abs=0)  # a few roundings


def test_constant_never_changes():
    assert set(at(schedules.constant(0.2), (0, 1, 10**9))) == {0.2}


def test_linear_is_a_straight_line():
    assert at(schedules.linear(1.0, 3.0, 8), (0, 1, 4, 7, 8, 9)) == [1, 1.25, 2, 2.75, 3, 3]


def test_polynomial_is_a_power_of_what_is_left():
    assert at(schedules.polynomial(17.0, 1.0, 4, power=2), range(6)) == [17, 10, 5, 2, 1, 1]
    root = schedules.polynomial(2.0, 0.0, 4, power=0.5)
    assert at(root, range(5)) == exactly([2, math.sqrt(3), math.sqrt(2), 1, 0])


def test_exponential_multiplies_by_rate_each_period():
    smooth = schedules.exponential(2.0, 0.5, every=4)
    stairs = schedules.exponential(2.0, 0.5, every=4, staircase=True)
    assert at(smooth, (0, 2, 4, 8)) == exactly([2, math.sqrt(2), 1, 0.5])
    assert at(stairs, (0, 3, 4, 7, 8)) == [2, 2, 1, 1, 0.5]


def test_exponential_stops_where_it_was_told_from_either_side():
    make = schedules.exponential
    assert at(make(1.0, 0.5, final=0.3), range(4)) == [1, 0.5, 0.3, 0.3]
    assert at(make(1.0, 2.0, final=3.0), range(4)) == [1, 2, 3, 3]
    assert at(make(-1.0, 0.5, final=-0.3), range(4)) == [-1, -0.5, -0.3, -0.3]
    assert at(make(-1.0, 2.0, final=-3.0), range(4)) == [-1, -2, -3, -3]


def test_inverse_time_is_a_hyperbola():
    # 12 / (1 + n / 2): the harmonic numbers' terms
    assert at(schedules.inverse_time(12.0, 0.5), (0, 2, 4, 6, 10)) == [12, 6, 4, 3, 2]
    stairs = schedules.inverse_time(12.0, 1.0, every=2, staircase=True)
    assert at(stairs, range(6)) == [12, 12, 6, 6, 4, 4]


def test_step_drops_at_multiples_of_every():
    assert at(schedules.step(8.0, 0.5, 10), (0, 9, 10, 19, 20, 30)) == [8, 8, 4, 4, 2, 1]


def test_multi_step_drops_at_each_milestone():
    drops = schedules.multi_step(8.0, 0.5, [3, 4, 9])
    assert at(drops, (0, 2, 3, 4, 8, 9, 99)) == [8, 8, 4, 2, 2, 1, 1]
    assert at(schedules.multi_step(8.0, 0.5, []), (0, 99)) == [8, 8]


def test_piecewise_begins_each_value_at_its_boundary():
    rate = schedules.piecewise([1, 5, 2], [3, 4])
    assert at(rate, range(6)) == [1, 1, 1, 5, 2, 2]


def test_interpolated_passes_each_value_at_its_boundary():
    line = schedules.interpolated([1, 5, 2], [2, 5])
    assert at(line, range(7)) == exactly([1, 3, 5, 4, 3, 2, 2])
    # a third of half a wave: cos 60 degrees is 1/2, so a quarter of the way is done
    wave = schedules.interpolated([1, 5, 1], [3, 6], shape="cosine")
    assert at(wave, range(8)) == pytest.approx([1, 2, 4, 5, 4, 2, 1, 1], rel=1e-15)


def test_cosine_follows_the_table_of_the_cosine():
    # cos at 0, 60, 90, 120, 180 degrees: 1, 1/2, 0, -1/2, -1
    fall = schedules.cosine(3.0, 6, final=1.0)
    assert at(fall, (0, 2, 3, 4, 6)) == pytest.approx([3, 2.5, 2, 1.5, 1], rel=1e-15)


def test_rex_is_the_profile_of_its_paper():
    # (1 - s) / (1/2 + (1 - s) / 2) at s = 0, 1/4, 1/2, 3/4, 1
    assert at(schedules.rex(1.0, 4), range(6)) == exactly([1, 6 / 7, 2 / 3, 2 / 5, 0, 0])
    assert schedules.rex(4.0, 2, final=1.0)(1) == exactly(3)


def test_warmup_rises_in_a_straight_line():
    rate = schedules.warmup_cosine(1.0, 4, 12, initial=0.2)
    assert at(rate, range(5)) == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0], rel=1e-15)
    assert at(schedules.warmup(2.0, 4), range(7)) == [0, 0.5, 1, 1.5, 2, 2, 2]


def test_after_the_warmup_comes_cosine_over_the_steps_that_are_left():
    rate = schedules.warmup_cosine(0.7, 4, 13, final=0.1)
    fall = schedules.cosine(0.7, 9, final=0.1)
    assert [rate(4 + n) for n in range(12)] == [fall(n) for n in range(12)]


def test_warmup_of_no_steps_is_what_comes_after():
    plain, warm = schedules.cosine(0.7, 9, final=0.1), schedules.warmup_cosine(0.7, 0, 9, final=0.1)
    assert at(plain, range(12)) == at(warm, range(12))
    assert at(plain, range(12)) == at(schedules.warmup(plain, 0), range(12))


@pytest.mark.parametrize("n", [1, 2, 2000, 3999, 4000, 4001, 16000, 10**6])
def test_inverse_sqrt_is_the_schedule_of_the_transformer(n):
    # equation 3: width^-0.5 * min(n^-0.5, n * warmup^-1.5), with steps counted from 1
    width, warmup_steps = 512, 4000
    paper = width**-0.5 * min(n**-0.5, n * warmup_steps**-1.5)
    rate = schedules.inverse_sqrt(width**-0.5 * warmup_steps**-0.5, warmup_steps)
    assert rate(n) == pytest.approx(paper, rel=1e-15)


@pytest.mark.parametrize("n", [0, 1, 9999, 10_000, 10_001, 40_000])
def test_inverse_sqrt_is_the_schedule_of_t5(n):
    # 1 / sqrt(max(n, k)) with k = 10^4
    rate = schedules.inverse_sqrt(0.01, 10_000, initial=0.01)
    assert rate(n) == pytest.approx(1 / math.sqrt(max(n, 10_000)), rel=1e-15)


def test_warmup_stable_decay_has_three_parts():
    line = schedules.warmup_stable_decay(4.0, 2, 3, 4, initial=2.0)
    assert at(line, range(11)) == [2, 3, 4, 4, 4, 4, 3, 2, 1, 0, 0]
    # 1 - sqrt(s) at s = 0, 1/4, 1: 1, 1/2, 0
    root = schedules.warmup_stable_decay(4.0, 0, 3, 4, final=2.0, shape="sqrt")
    assert at(root, (0, 3, 4, 7, 8)) == [4, 4, 3, 2, 2]
    wave = schedules.warmup_stable_decay(4.0, 0, 0, 3, shape="cosine")
    assert at(wave, range(4)) == exactly([4, 3, 1, 0])


def test_restarts_come_after_periods_that_grow():
    # falls of 2, 4 and 8 steps, of heights 8, 4 and 2 above 1
    rate = schedules.cosine_restarts(9.0, 2, growth=2, decay=0.5, final=1.0)
    assert at(rate, (0, 1, 2, 4, 6, 10, 14)) == exactly([9, 5, 5, 3, 3, 2, 2])
    same = schedules.cosine_restarts(2.0, 4)
    assert [same(4 * 10**9 + n) for n in (0, 2)] == [2, 1]


def test_restarts_are_exact_after_very_many_steps():
    # falls of length 3^n begin at (3^n - 1) / 2; logarithms alone miss the end of the 33rd
    rate = schedules.cosine_restarts(2.0, 1, growth=3)
    for n in range(1, 34):
        assert rate((3**n - 1) // 2) == 2.0
        assert rate((3**n - 1) // 2 - 1) < 2.0 or n == 1


def test_cyclic_is_a_triangle():
    assert at(schedules.cyclic(1.0, 5.0, 2, fall_steps=4), range(8)) == [1, 3, 5, 4, 3, 2, 1, 3]
    halves = schedules.cyclic(0.0, 8.0, 1, mode="triangular2")
    assert at(halves, range(8)) == [0, 8, 0, 4, 0, 2, 0, 1]
    shrinks = schedules.cyclic(0.0, 8.0, 1, mode="exp_range", gamma=0.5)
    assert at(shrinks, range(6)) == [0, 4, 0, 1, 0, 0.25]


def test_one_cycle_begins_at_a_25th_and_ends_far_below():
    rate = schedules.one_cycle(25.0, 100)
    assert at(rate, (0, 30, 100, 200)) == [1, 25, 1e-4, 1e-4]
    assert rate(15) == exactly(13)
    thirds = schedules.one_cycle(9.0, 10, rise=0.4, back=0.8, initial=1.0, final=0.5)
    assert at(thirds, (0, 2, 4, 6, 8, 9, 10)) == exactly([1, 5, 9, 5, 1, 0.75, 0.5])
    line = schedules.one_cycle_momentum(0.75, 0.25, 8, rise=0.5, shape="linear")
    assert at(line, (0, 2, 4, 6, 8, 9)) == [0.75, 0.5, 0.25, 0.5, 0.75, 0.75]


def test_one_cycle_of_pytorch_ends_on_the_last_step_of_the_run():
    rate = schedules.one_cycle(25.0, 100, compat="torch")
    assert at(rate, (29, 99)) == [25, 1e-4]
    assert rate(98) > 1e-4


def test_join_counts_each_part_from_its_own_start():
    rate = schedules.join([schedules.linear(0.0, 4.0, 4), 7, schedules.step(2.0, 0.5, 2)], [3, 5])
    assert at(rate, range(9)) == [0, 1, 2, 7, 7, 2, 2, 1, 1]
    assert at(schedules.join([1, 2], [0]), range(2)) == [2, 2]


@pytest.mark.parametrize("every", [0.1, 0.3, 0.7, 2.5, 1e-3])
def test_staircase_is_the_floor_of_the_quotient(every):
    for step in range(1, 60):
        periods = math.floor(step / every)
        fall = schedules.exponential(1.0, 0.999, every=every, staircase=True)
        assert fall(step) == 0.999**periods
        slower = schedules.inverse_time(1.0, 0.5, every=every, staircase=True)
        assert slower(step) == 1.0 / (1.0 + 0.5 * periods)


def test_restarts_may_grow_beyond_all_floats():
    assert schedules.cosine_restarts(1.0, 1, growth=1e200, decay=0.5)(1) == 0.5
    assert schedules.cosine_restarts(1.0, 1, growth=1e308)(2**60) == 1.0
