"""What holds for all numbers: no jumps, exact ends, and the algebra of composition."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anygrad import schedules
from tests.schedules.table import SCHEDULES

numbers = st.floats(-10, 10, allow_subnormal=False)
lengths = st.integers(1, 200)
some = st.sampled_from(sorted(SCHEDULES))
SPAN = 80


def values(schedule, span=SPAN):
    return [schedule(step) for step in range(span)]


def largest_jump(schedule, span):
    return max(abs(b - a) for a, b in itertools.pairwise(values(schedule, span)))


# Every fall from one number to another, with the largest slope of its weight over a way of n steps.
FALLS = {
    "linear": (lambda a, b, n: schedules.linear(a, b, n), lambda n: 1 / n),
    "polynomial": (
        lambda a, b, n: schedules.polynomial(a, b, n, power=3.0),
        lambda n: 3 / n,
    ),
    "root": (
        lambda a, b, n: schedules.polynomial(a, b, n, power=0.5),
        lambda n: 1 / math.sqrt(n),
    ),
    "cosine": (lambda a, b, n: schedules.cosine(a, n, final=b), lambda n: math.pi / 2 / n),
    "rex": (lambda a, b, n: schedules.rex(a, n, final=b), lambda n: 2 / n),
    "sqrt": (
        lambda a, b, n: schedules.warmup_stable_decay(a, 0, 0, n, final=b, shape="sqrt"),
        lambda n: 1 / math.sqrt(n),
    ),
    "interpolated": (
        lambda a, b, n: schedules.interpolated([a, b], [n], shape="cosine"),
        lambda n: math.pi / 2 / n,
    ),
}


@pytest.mark.parametrize("name", FALLS)
@given(start=numbers, end=numbers, steps=lengths)
def test_fall_is_exact_at_both_ends_and_goes_one_way_without_a_jump(name, start, end, steps):
    make, slope = FALLS[name]
    fall = make(start, end, steps)
    found = values(fall, steps + 3)
    assert found[0] == start
    assert found[steps:] == [end] * 3
    assert fall(10**9) == end
    slack = 2e-15 * max(abs(start), abs(end), 1e-290)
    moves = [(b - a) * math.copysign(1, end - start) for a, b in itertools.pairwise(found)]
    assert min(moves) >= -slack
    assert max(moves) <= abs(end - start) * slope(steps) * (1 + 1e-12) + slack


@pytest.mark.parametrize("name", FALLS)
@given(value=numbers, steps=lengths)
def test_way_from_a_number_to_itself_never_leaves_it(name, value, steps):
    assert set(values(FALLS[name][0](value, value, steps), steps + 1)) == {value}


@given(some, st.integers(0, 30), numbers)
def test_warmup_meets_the_schedule_and_then_is_the_schedule(name, steps, initial):
    schedule = SCHEDULES[name]
    warm = schedules.warmup(schedule, steps, initial=initial)
    assert values(warm)[steps:] == values(schedule, SPAN - steps)
    rise = values(warm, steps + 1)
    if steps:
        assert rise[0] == initial
        largest = abs(schedule(0) - initial) / steps
        assert largest_jump(warm, steps + 1) <= largest * (1 + 1e-12) + 1e-14


@given(numbers, numbers, numbers, st.integers(0, 30), lengths)
def test_warmup_cosine_is_warmup_of_cosine(peak, initial, final, warmup_steps, steps):
    fall = schedules.cosine(peak, steps, final=final)
    warm = schedules.warmup(fall, warmup_steps, initial=initial)
    both = schedules.warmup_cosine(
        peak, warmup_steps, warmup_steps + steps, initial=initial, final=final
    )
    assert values(both) == values(warm)


@given(numbers, st.integers(1, 50), numbers)
def test_inverse_sqrt_makes_no_jump(peak, steps, initial):
    rate = schedules.inverse_sqrt(peak, steps, initial=initial)
    assert (rate(0), rate(steps)) == (initial, peak)
    largest = max(abs(peak - initial), abs(peak)) / steps
    assert largest_jump(rate, 200) <= largest * (1 + 1e-12) + 1e-14


@given(numbers, numbers, numbers, st.integers(4, 100), st.floats(0.3, 0.6), st.booleans())
def test_one_cycle_makes_no_jump(peak, initial, final, steps, rise, is_torch):
    rate = schedules.one_cycle(
        peak, 10 * steps, rise=rise, initial=initial, final=final, compat="torch" * is_torch or None
    )
    assert rate(0) == initial
    assert rate(10 * steps) == final
    assert rate(10**9) == final
    span = max(abs(peak - initial), abs(peak - final))
    # each part has at least 0.3 of the steps, less one or two
    assert largest_jump(rate, 10 * steps + 2) <= span * math.pi / 2 / (3 * steps - 2) + 1e-14


@given(numbers, numbers, st.integers(1, 20), st.integers(1, 20))
def test_cyclic_comes_back_and_makes_no_jump(initial, peak, rise, fall):
    wave = schedules.cyclic(initial, peak, rise, fall_steps=fall)
    period = rise + fall
    assert (wave(0), wave(rise), wave(period)) == (initial, peak, initial)
    assert values(wave, period) == [wave(7 * period + n) for n in range(period)]
    assert largest_jump(wave, 3 * period) <= abs(peak - initial) / min(rise, fall) + 1e-14


@given(
    numbers, numbers, st.integers(1, 20), st.sampled_from([1, 1.0001, 1.3, 1.5, 2, 3]),
    st.floats(0.5, 1),
)  # fmt: skip
def test_restarts_begin_each_fall_at_its_height(peak, final, period, growth, decay):
    rate = schedules.cosine_restarts(peak, period, growth=growth, decay=decay, final=final)
    start = 0.0
    for n in range(6):
        first = math.ceil(start - 1e-9)
        s = (first - start) / (period * growth**n)
        height = final + (peak - final) * decay**n * 0.5 * (1 + math.cos(math.pi * s))
        assert rate(first) == pytest.approx(height, rel=1e-9, abs=1e-12)
        start += period * growth**n
    low, high = sorted((peak, final))
    assert all(low - 1e-14 <= rate(step) <= high + 1e-14 for step in range(200))


@given(some)
def test_join_of_one_is_itself(name):
    assert values(schedules.join([SCHEDULES[name]], [])) == values(SCHEDULES[name])


@given(some, some, st.integers(0, 50))
def test_join_of_two_is_then(a, b, after):
    a, b = SCHEDULES[a], SCHEDULES[b]
    joined, chained = schedules.join([a, b], [after]), a.then(b, after=after)
    assert values(joined) == values(chained)
    assert values(chained) == values(a, after) + values(b, SPAN - after)


@given(some, some, some, st.integers(0, 30), st.integers(0, 30))
def test_then_is_associative(a, b, c, first, second):
    a, b, c = SCHEDULES[a], SCHEDULES[b], SCHEDULES[c]
    left = a.then(b, after=first).then(c, after=first + second)
    right = a.then(b.then(c, after=second), after=first)
    assert values(left) == values(right)


@given(some, some, some, st.integers(0, 50))
def test_products_and_sums_commute_and_act_step_by_step(a, b, c, after):
    a, b, c = SCHEDULES[a], SCHEDULES[b], SCHEDULES[c]
    assert values(a * b) == values(b * a) == [a(n) * b(n) for n in range(SPAN)]
    assert values(a + b) == values(b + a) == [a(n) + b(n) for n in range(SPAN)]
    assert values(1 * a) == values(a) == values(0 + a)
    assert values(a * (b + c)) == pytest.approx(values(a * b + a * c), rel=1e-14)
    assert values(a.then(b, after=after) * 2) == values((a * 2).then(b * 2, after=after))
